//! From sources to the store: the ingest thread and the writer thread, started and ended together.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::parser::FormatParser;
use super::pruner::WriterReport;
use super::writer::WriterThread;
use super::{Clock, RuntimeError};
use crate::config::Retention;
use crate::format::{Parser, Rules};
use crate::ingest::{self, IngestError, IngestOptions, Progress, SourceSpec, StopFlag, Summary};
use crate::model::Micros;
use crate::store::Writer;

/// What to read and how.
#[derive(Debug, Clone, Default)]
pub struct PipelineOptions {
    /// The sources as the user named them.
    pub sources: Vec<String>,
    /// Whether to go on when the end is reached.
    pub is_followed: bool,
    /// The unit of every pause towards other hosts, where it is not the usual one.
    pub remote_pace: Option<Duration>,
    /// Where ingest tells how far it is.
    pub progress: Arc<Progress>,
    /// What the user says about reading lines.
    pub rules: Rules,
    /// What is dropped for its age or for want of room.
    pub retention: Retention,
}

/// The running threads.
#[derive(Debug)]
pub struct Pipeline {
    ingest: JoinHandle<Result<Summary, IngestError>>,
    writer: WriterThread,
    progress: Arc<Progress>,
    stop: StopFlag,
    started: Instant,
}

impl Pipeline {
    /// Starts both threads; `report` is called from the writer thread.
    ///
    /// # Errors
    ///
    /// When a source cannot be understood or a thread cannot be started.
    pub fn start(
        writer: Writer,
        options: PipelineOptions,
        clock: &Clock,
        stop: StopFlag,
        report: impl FnMut(WriterReport) + Send + 'static,
    ) -> Result<Self, RuntimeError> {
        let sources = parse_sources(&options.sources)?;
        let key = writer.hash_key();
        let parser = FormatParser(Parser::new(writer.names()?, key, options.rules));
        let (writer, sink) = WriterThread::start(
            writer,
            options.retention,
            clock.clone(),
            stop.clone(),
            report,
        )?;
        let progress = options.progress;
        let usual = IngestOptions::default();
        let options = IngestOptions {
            follow: options.is_followed,
            sources,
            key,
            remote_pace: options.remote_pace.unwrap_or(usual.remote_pace),
            ..usual
        };
        let (clock, flag, shared) = (clock.as_fn(), stop.clone(), Arc::clone(&progress));
        let ingest = thread::Builder::new()
            .name("ingest".to_owned())
            .spawn(move || {
                ingest::run(
                    options,
                    Box::new(parser),
                    Box::new(sink),
                    clock,
                    flag,
                    shared,
                )
            })
            .map_err(|_| RuntimeError::Thread("ingest"))?;
        Ok(Self {
            ingest,
            writer,
            progress,
            stop,
            started: Instant::now(),
        })
    }

    /// Returns what ingest counts while it runs.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Returns how long it has run.
    pub fn elapsed(&self) -> Micros {
        Micros(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Tells whether ingest has come to its end.
    pub fn is_finished(&self) -> bool {
        self.ingest.is_finished()
    }

    /// Asks ingest to end; whole batches are stored or dropped.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Waits until ingest has ended and everything handed over is on disk.
    ///
    /// # Errors
    ///
    /// When ingest or the writer failed.
    pub fn join(self) -> Result<Summary, RuntimeError> {
        let summary = self
            .ingest
            .join()
            .map_err(|_| RuntimeError::Thread("ingest"))?;
        self.writer.join()?;
        Ok(summary?)
    }
}

/// Reads the sources as the user named them.
///
/// # Errors
///
/// When one cannot be understood.
pub(super) fn parse_sources(sources: &[String]) -> Result<Vec<SourceSpec>, IngestError> {
    sources
        .iter()
        .map(|source| SourceSpec::parse(source))
        .collect()
}

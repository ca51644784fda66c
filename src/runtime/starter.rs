//! Starts ingest into the dashboard's database; what it stores wakes the event loop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use super::pipeline::{Pipeline, PipelineOptions};
use super::pruner::WriterReport;
use super::wake::{DashboardOptions, Wake};
use super::{Clock, RuntimeError};
use crate::app::Message;
use crate::ingest::{Progress, StopFlag};
use crate::store::Writer;

/// What the writer thread tells the event loop's status line.
#[derive(Debug, Default)]
pub(super) struct Told {
    events: AtomicU64,
    failure: Mutex<Option<String>>,
    /// What the writer waits for.
    note: Mutex<Option<String>>,
}

impl Told {
    /// Returns how many events were stored.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Returns why the writer gave up or waits, if it does.
    pub(super) fn failure(&self) -> Option<String> {
        let text =
            |of: &Mutex<Option<String>>| of.lock().unwrap_or_else(PoisonError::into_inner).clone();
        text(&self.failure).or_else(|| text(&self.note))
    }

    fn take(&self, report: WriterReport) -> u64 {
        match report {
            WriterReport::Committed(committed) => {
                self.events.fetch_add(committed.events, Ordering::Relaxed);
                *self.note.lock().unwrap_or_else(PoisonError::into_inner) = None;
                committed.events
            }
            WriterReport::Noted(text) => {
                *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
                0
            }
            WriterReport::Failed(error) => {
                let text = format!("ingest stopped: failed to {error}; {}", error.hint());
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
                0
            }
        }
    }
}

/// All that is needed to start ingest, now or when the writer's place becomes free.
#[derive(Debug, Clone)]
pub(super) struct Starter {
    pub(super) options: DashboardOptions,
    pub(super) clock: Clock,
    pub(super) sender: SyncSender<Wake>,
    pub(super) told: Arc<Told>,
}

impl Starter {
    /// Opens the database for writing and starts ingest.
    ///
    /// # Errors
    ///
    /// When another process writes the database, or it or a source cannot be used.
    pub(super) fn start(&self) -> Result<Pipeline, RuntimeError> {
        let writer = Writer::open(&self.options.database, self.clock.now())?;
        let told = Arc::clone(&self.told);
        let (sender, wake) = (self.sender.clone(), self.sender.clone());
        let report = move |report: WriterReport| {
            let stored = told.take(report);
            drop(sender.try_send(Wake::App(Message::DataChanged { stored })));
        };
        // A source that stops or starts is shown although no line comes.
        let progress = Progress::with_notice(move || {
            drop(wake.try_send(Wake::App(Message::DataChanged { stored: 0 })));
        });
        let options = PipelineOptions {
            sources: self.options.sources.clone(),
            is_followed: true,
            remote_pace: self.options.remote_pace,
            progress: Arc::new(progress),
            rules: self.options.rules.clone(),
            retention: self.options.retention,
        };
        Pipeline::start(writer, options, &self.clock, StopFlag::default(), report)
    }
}

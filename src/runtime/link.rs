//! What this process is to the database: its writer, or a viewer beside one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::pipeline::{Pipeline, PipelineOptions};
use super::wake::{DashboardOptions, Wake};
use super::writer::WriterReport;
use super::{Clock, RuntimeError};
use crate::app::{self, IngestStatus, Message};
use crate::ingest::{Progress, StopFlag};
use crate::store::{Reader, StoreError, Writer};

/// Bytes that must wait before the status line says that old lines are being read.
const CATCHING_UP_MIN: u64 = 4 * 1024 * 1024;

/// What this process is to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It writes.
    Writer,
    /// It has sources but another process writes.
    Second,
    /// It has no sources.
    Viewer,
}

/// The running ingest, if there is one.
#[derive(Debug)]
pub struct Link {
    role: Role,
    pipeline: Option<Pipeline>,
    shared: Arc<Shared>,
    options: DashboardOptions,
    rate: Rate,
}

/// What the writer thread tells the event loop's status line.
#[derive(Debug, Default)]
struct Shared {
    events: AtomicU64,
    failure: Mutex<Option<String>>,
}

/// Events a second, measured between two looks at least a second apart.
#[derive(Debug)]
struct Rate {
    since: Instant,
    events: u64,
    per_second: Option<f64>,
    is_first: bool,
}

impl Link {
    /// Takes the writer's lock and starts ingest when there are sources; becomes a viewer when
    /// another process holds the lock.
    ///
    /// # Errors
    ///
    /// When the database cannot be used or a source not be understood.
    pub(super) fn start(
        options: &DashboardOptions,
        clock: &Clock,
        sender: &SyncSender<Wake>,
    ) -> Result<Self, RuntimeError> {
        let shared = Arc::new(Shared::default());
        let rate = Rate {
            since: Instant::now(),
            events: 0,
            per_second: None,
            is_first: true,
        };
        let mut link = Self {
            role: Role::Viewer,
            pipeline: None,
            shared: Arc::clone(&shared),
            options: options.clone(),
            rate,
        };
        if options.sources.is_empty() {
            // A database that is wrong is said before the screen is taken; a missing one may come.
            match Reader::open(&options.database) {
                Ok(_) | Err(StoreError::Missing { .. }) => return Ok(link),
                Err(error) => return Err(error.into()),
            }
        }
        let writer = match Writer::open(&options.database, clock.now()) {
            Ok(writer) => writer,
            Err(StoreError::Locked { .. }) => {
                link.role = Role::Second;
                return Ok(link);
            }
            Err(error) => return Err(error.into()),
        };
        let (sender, wake) = (sender.clone(), sender.clone());
        let report = move |report: WriterReport| {
            let stored = match report {
                WriterReport::Committed(committed) => {
                    shared.events.fetch_add(committed.events, Ordering::Relaxed);
                    committed.events
                }
                WriterReport::Failed(error) => {
                    let text = format!("ingest stopped: failed to {error}; {}", error.hint());
                    *shared
                        .failure
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner) = Some(text);
                    0
                }
            };
            drop(sender.try_send(Wake::App(Message::DataChanged { stored })));
        };
        let sources = options.sources.clone();
        // A source that stops or starts is shown although no line comes.
        let progress = Progress::with_notice(move || {
            drop(wake.try_send(Wake::App(Message::DataChanged { stored: 0 })));
        });
        link.pipeline = Some(Pipeline::start(
            writer,
            PipelineOptions {
                sources,
                is_followed: true,
                remote_pace: options.remote_pace,
                progress: Arc::new(progress),
                rules: options.rules.clone(),
            },
            clock,
            StopFlag::default(),
            report,
        )?);
        link.role = Role::Writer;
        Ok(link)
    }

    /// Returns what this process is to the database.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Returns what the status line shows.
    pub fn status(&mut self) -> IngestStatus {
        let events = self.shared.events.load(Ordering::Relaxed);
        let elapsed = self.rate.since.elapsed();
        if elapsed.as_secs() >= 1 {
            let is_first = self.rate.is_first;
            #[expect(clippy::cast_precision_loss, reason = "a rate shown with two digits")]
            let new = events.saturating_sub(self.rate.events) as f64;
            self.rate = Rate {
                since: Instant::now(),
                events,
                // What was already there when the program started is no rate of the traffic.
                per_second: (!is_first).then(|| new / elapsed.as_secs_f64()),
                is_first: false,
            };
        }
        let role = match self.role {
            Role::Writer => app::Role::Writer,
            Role::Second | Role::Viewer => app::Role::Viewer {
                pid: Reader::open(&self.options.database)
                    .ok()
                    .and_then(|r| r.writer_pid()),
            },
        };
        let failure = self
            .shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let progress = self.pipeline.as_ref().map(Pipeline::progress);
        IngestStatus {
            role,
            lag: None,
            rate_per_s: self.rate.per_second,
            note: failure.or_else(|| progress?.trouble()),
            catching_up: progress.and_then(|progress| catching_up(progress)),
        }
    }

    /// Ends ingest; whole batches are stored or dropped.
    ///
    /// # Errors
    ///
    /// When ingest or the writer failed on the way.
    pub fn end(self) -> Result<(), RuntimeError> {
        let Some(pipeline) = self.pipeline else {
            return Ok(());
        };
        pipeline.stop();
        pipeline.join().map(|_| ())
    }
}

/// The share read of what lies on disk, while more than a moment's lines wait.
#[expect(clippy::cast_precision_loss, reason = "a share shown in percent")]
fn catching_up(progress: &Progress) -> Option<f64> {
    let total = progress.bytes_total.load(Ordering::Relaxed);
    let done = progress.bytes_done.load(Ordering::Relaxed);
    (total.saturating_sub(done) > CATCHING_UP_MIN).then(|| done as f64 / total as f64)
}

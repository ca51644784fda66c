//! What this process is to the database: its writer, the next one, or a viewer beside one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use super::lag::{Amount, Lags};
use super::pipeline::{Pipeline, parse_sources};
use super::starter::{Starter, Told};
use super::succession::{Look, Waiting};
use super::wake::{DashboardOptions, Succession, Wake};
use super::{Clock, RuntimeError};
use crate::app::{self, Flow, IngestStatus, LiveSource};
use crate::ingest::{Health, Progress};
use crate::model::Micros;
use crate::store::{Reader, StoreError, writer_of};

/// Bytes that must wait before the status line says that old lines are being read.
const CATCHING_UP_MIN: u64 = 4 * 1024 * 1024;

/// What this process is to the database.
#[derive(Debug)]
enum Role {
    /// It writes.
    Writer(Pipeline),
    /// It has sources, and reads them once the process that writes has left.
    Heir { writer: Option<u32> },
    /// It has no sources.
    Viewer { writer: Option<u32> },
}

/// The tie between the event loop and the database's writer.
#[derive(Debug)]
pub struct Link {
    role: Role,
    told: Arc<Told>,
    rate: Rate,
    lags: Lags,
    /// Why the writer's place could not be taken although it is free.
    failure: Option<String>,
    waiting: Option<Waiting>,
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
    /// Takes the writer's lock and starts ingest when there are sources; waits for the lock when
    /// another process holds it.
    ///
    /// # Errors
    ///
    /// When the database cannot be used or a source not be understood.
    pub(super) fn start(
        options: &DashboardOptions,
        clock: &Clock,
        sender: &SyncSender<Wake>,
    ) -> Result<Self, RuntimeError> {
        let told = Arc::new(Told::default());
        let starter = Starter {
            options: options.clone(),
            clock: clock.clone(),
            sender: sender.clone(),
            told: Arc::clone(&told),
        };
        let (role, look) = if options.sources.is_empty() {
            // A database that is wrong is said before the screen is taken; a missing one may come.
            match Reader::open(&options.database) {
                Ok(_) | Err(StoreError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let writer = writer_of(&options.database);
            let look = Look::At(options.database.clone(), sender.clone());
            (Role::Viewer { writer }, Some((look, writer)))
        } else {
            // A source that is wrong is said now, also when it is read much later.
            parse_sources(&options.sources)?;
            match starter.start() {
                Ok(pipeline) => (Role::Writer(pipeline), None),
                Err(RuntimeError::Store(StoreError::Locked { pid, .. })) => (
                    Role::Heir { writer: pid },
                    Some((Look::Take(Box::new(starter)), pid)),
                ),
                Err(error) => return Err(error),
            }
        };
        let waiting = look.map(|(look, writer)| Waiting::start(look, writer));
        Ok(Self {
            role,
            told,
            rate: Rate::new(),
            lags: Lags::default(),
            failure: None,
            waiting: waiting.transpose()?,
        })
    }

    /// Tells whether this process writes.
    pub fn is_writer(&self) -> bool {
        matches!(self.role, Role::Writer(_))
    }

    /// Returns what the user is told at the start.
    pub fn notice(&self) -> Option<String> {
        let Role::Heir { writer } = self.role else {
            return None;
        };
        Some(format!(
            "{} writes this database; the sources named here are read once it has left",
            process(writer)
        ))
    }

    /// Takes a change of the writer's place into account; returns what the user is told.
    pub(super) fn hear(&mut self, news: Succession) -> Option<String> {
        self.failure = None;
        let before = match &self.role {
            Role::Heir { writer } | Role::Viewer { writer } => *writer,
            Role::Writer(_) => None,
        };
        match news {
            Succession::Writer(now) => {
                match &mut self.role {
                    // Somebody holds the place and has not said yet who it is.
                    Role::Heir { .. } if now.is_none() => return None,
                    Role::Heir { writer } | Role::Viewer { writer } => *writer = now,
                    Role::Writer(_) => {}
                }
                match (before, now) {
                    (None, now) => now.map(|now| format!("process {now} writes now")),
                    (Some(before), Some(now)) => Some(format!(
                        "process {before} has left; process {now} writes now"
                    )),
                    (Some(before), None) => Some(format!(
                        "process {before} has left; nobody writes this database now"
                    )),
                }
            }
            Succession::Taken(pipeline) => {
                self.role = Role::Writer(*pipeline);
                self.rate = Rate::new();
                self.waiting = None;
                Some(format!(
                    "{} has left; this process writes now and reads its sources",
                    process(before)
                ))
            }
            Succession::Failed(why) => {
                if let Role::Heir { writer } = &mut self.role {
                    *writer = None;
                }
                self.failure = Some(format!("nobody writes, and this process cannot: {why}"));
                None
            }
        }
    }

    /// Returns what the status line shows.
    pub fn status(&mut self) -> IngestStatus {
        let progress = match &self.role {
            Role::Writer(pipeline) => Some(pipeline.progress()),
            Role::Heir { .. } | Role::Viewer { .. } => None,
        };
        let sources = progress.map_or_else(Vec::new, |progress| live(progress, &mut self.lags));
        let note = self.told.failure().or_else(|| self.failure.clone());
        IngestStatus {
            role: match self.role {
                Role::Writer(_) => app::Role::Writer,
                Role::Heir { writer } => app::Role::Heir { pid: writer },
                Role::Viewer { writer: None } => app::Role::Idle,
                Role::Viewer { writer } => app::Role::Viewer { pid: writer },
            },
            lag: progress.map(|_| sources.iter().map(|one| one.lag).max().unwrap_or_default()),
            rate_per_s: self.rate.look(self.told.events()),
            note: note.or_else(|| progress?.trouble()),
            catching_up: progress.and_then(|progress| catching_up(progress)),
            sources,
        }
    }

    /// Ends ingest; whole batches are stored or dropped.
    ///
    /// # Errors
    ///
    /// When ingest or the writer failed on the way.
    pub fn end(self) -> Result<(), RuntimeError> {
        drop(self.waiting);
        let Role::Writer(pipeline) = self.role else {
            return Ok(());
        };
        pipeline.stop();
        pipeline.join().map(|_| ())
    }
}

impl Rate {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            events: 0,
            per_second: None,
            is_first: true,
        }
    }

    fn look(&mut self, events: u64) -> Option<f64> {
        let elapsed = self.since.elapsed();
        if elapsed.as_secs() >= 1 {
            #[expect(clippy::cast_precision_loss, reason = "a rate shown with two digits")]
            let new = events.saturating_sub(self.events) as f64;
            *self = Self {
                since: Instant::now(),
                events,
                // What was already there when the program started is no rate of the traffic.
                per_second: (!self.is_first).then(|| new / elapsed.as_secs_f64()),
                is_first: false,
            };
        }
        self.per_second
    }
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// The sources as they stand now.
fn live(progress: &Progress, lags: &mut Lags) -> Vec<LiveSource> {
    let now = Instant::now();
    let sources = progress.by_source().into_iter();
    let live = sources.map(|one| {
        let amount = Amount {
            read: one.offset,
            unread: one.lag_bytes,
        };
        let lag = lags.look(now, &one.source, amount);
        LiveSource {
            source: one.source,
            state: one.state.into_owned(),
            detail: one.detail,
            flow: match one.health {
                Health::Fine | Health::Over => Flow::Fine,
                Health::Waiting => Flow::Waiting,
                Health::Broken => Flow::Broken,
            },
            unread_bytes: one.lag_bytes,
            lag: Micros(u64::try_from(lag.as_micros()).unwrap_or(u64::MAX)),
        }
    });
    live.collect()
}

/// The share read of what lies on disk, while more than a moment's lines wait.
#[expect(clippy::cast_precision_loss, reason = "a share shown in percent")]
fn catching_up(progress: &Progress) -> Option<f64> {
    let total = progress.bytes_total.load(Ordering::Relaxed);
    let done = progress.bytes_done.load(Ordering::Relaxed);
    (total.saturating_sub(done) > CATCHING_UP_MIN).then(|| done as f64 / total as f64)
}

//! A replay over a whole database, beside whatever else goes on: its rows are shared out between threads, and what
//! they counted is joined.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use super::{RuntimeError, StopFlag};
use crate::model::Window;
use crate::policy::Policy;
use crate::policy::replay::{Replay, Replayed, Tally};
use crate::store::{Reader, Stretch};

/// More threads than these would wait for the disk.
const THREADS_MAX: usize = 8;

/// The policy that requests are decided again by.
#[derive(Debug, Clone)]
pub enum EditedPolicy {
    /// This one.
    Given(Box<Policy>),
    /// The known one with this id.
    Known(String),
}

/// What is to be decided again.
#[derive(Debug, Clone)]
pub struct ReplayPlan {
    /// The database.
    pub database: PathBuf,
    /// The edited policy.
    pub edited: EditedPolicy,
    /// Policies that count as known beside those of the database.
    pub given: Vec<Policy>,
    /// The requests.
    pub window: Window,
}

/// How far a replay has come.
#[derive(Debug, Default)]
pub struct ReplayProgress {
    /// Stretches of requests decided.
    pub done: AtomicU64,
    /// All of them; 0: not known yet.
    pub total: AtomicU64,
    /// Requests decided.
    pub requests: AtomicU64,
}

impl ReplayProgress {
    /// Returns how much of the stretches is decided, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn share(&self) -> f64 {
        let total = self.total.load(Ordering::Relaxed).max(1);
        self.done.load(Ordering::Relaxed) as f64 / total as f64
    }
}

/// A replay that runs.
#[derive(Debug)]
pub struct ReplayRun {
    progress: Arc<ReplayProgress>,
    stop: StopFlag,
    thread: JoinHandle<Result<Option<Replayed>, RuntimeError>>,
}

impl ReplayRun {
    /// Starts; `ended` is called when there is a result or an error to be had from [`ReplayRun::join`].
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(
        plan: ReplayPlan,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, RuntimeError> {
        let (progress, stop) = (Arc::new(ReplayProgress::default()), StopFlag::default());
        let (shown, asked) = (Arc::clone(&progress), stop.clone());
        let thread = thread::Builder::new()
            .name("replay".to_owned())
            .spawn(move || {
                let replayed = replay(&plan, &shown, &asked);
                ended();
                replayed
            })
            .map_err(|_| RuntimeError::Thread("replay"))?;
        Ok(Self {
            progress,
            stop,
            thread,
        })
    }

    /// Returns how far it has come.
    pub fn progress(&self) -> &ReplayProgress {
        &self.progress
    }

    /// Asks it to end.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Waits for its end; `None`: it was stopped.
    ///
    /// # Errors
    ///
    /// When the database could not be read, or a thread could not be started.
    pub fn join(self) -> Result<Option<Replayed>, RuntimeError> {
        let ended = self.thread.join();
        ended.map_err(|_| RuntimeError::Thread("replay"))?
    }
}

fn replay(
    plan: &ReplayPlan,
    progress: &ReplayProgress,
    stop: &StopFlag,
) -> Result<Option<Replayed>, RuntimeError> {
    let ReplayPlan {
        database,
        edited,
        given,
        window,
    } = plan;
    let mut reader = Reader::open(database)?;
    reader.know(given.clone());
    let mut known = reader.policies()?;
    let edited = match edited {
        EditedPolicy::Given(policy) => policy.as_ref().clone(),
        EditedPolicy::Known(id) => {
            let kept = known.iter().find(|policy| policy.id() == id).cloned();
            kept.ok_or_else(|| RuntimeError::UnknownPolicy(id.clone()))?
        }
    };
    if !known.iter().any(|policy| policy.id() == edited.id()) {
        known.push(edited.clone());
    }
    let stretches = reader.stretches(*window)?;
    progress
        .total
        .store(stretches.len() as u64, Ordering::Relaxed);
    let threads = thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(THREADS_MAX);
    let share = stretches.len().div_ceil(threads).max(1);
    let tallies = thread::scope(|scope| {
        let running: Vec<_> = stretches
            .chunks(share)
            .map(|part| {
                let (edited, known) = (&edited, &known);
                thread::Builder::new()
                    .name("replay".to_owned())
                    .spawn_scoped(scope, move || {
                        tally(plan, edited, known, part, progress, stop)
                    })
            })
            .collect();
        let parts = running.into_iter().map(|thread| {
            let thread = thread.map_err(|_| RuntimeError::Thread("replay"))?;
            thread.join().map_err(|_| RuntimeError::Thread("replay"))?
        });
        parts.collect::<Result<Vec<Tally>, RuntimeError>>()
    })?;
    if stop.is_set() {
        return Ok(None);
    }
    let mut parts = tallies.into_iter();
    let mut whole = parts.next().unwrap_or_default();
    for part in parts {
        whole.merge(part);
    }
    Ok(Some(whole.finish(&edited, &known, reader.read_names()?)))
}

fn tally(
    plan: &ReplayPlan,
    edited: &Policy,
    known: &[Policy],
    part: &[Stretch],
    progress: &ReplayProgress,
    stop: &StopFlag,
) -> Result<Tally, RuntimeError> {
    let mut reader = Reader::open(&plan.database)?;
    let mut replay = Replay::new(edited, known);
    let requests = Cell::new(0);
    reader.visit_requests(
        plan.window,
        part,
        |row, request, names| {
            requests.set(requests.get() + 1);
            replay.add(row, request, names);
        },
        || {
            progress.done.fetch_add(1, Ordering::Relaxed);
            progress
                .requests
                .fetch_add(requests.take(), Ordering::Relaxed);
            if stop.is_set() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    )?;
    Ok(replay.into_tally())
}

//! Retention while the writer works: once a minute it is looked whether something must go, and then a small step
//! is taken after every transaction, and in between when there is nothing to store.

use std::time::{Duration, Instant};

use super::Clock;
use crate::config::Retention;
use crate::store::{Committed, StoreError, Writer};

/// How often it is looked whether something must go.
const EVERY: Duration = Duration::from_secs(60);
/// The pause between two steps while nothing is stored.
const PAUSE: Duration = Duration::from_millis(20);
/// When more than this share of the requests would go at once for their age, the clock may be wrong.
const SHARE_MAX: f64 = 0.5;

/// What the writer tells while it works.
#[derive(Debug)]
pub enum WriterReport {
    /// A transaction is on disk.
    Committed(Committed),
    /// Something that the user should hear of; the writer goes on.
    Noted(String),
    /// The writer gave up; nothing of the last transaction was stored.
    Failed(StoreError),
}

/// Takes the steps.
#[derive(Debug)]
pub(super) struct Pruner {
    retention: Retention,
    clock: Clock,
    due: Instant,
    is_at_work: bool,
    is_doubtful: bool,
}

impl Pruner {
    /// Starts; the first look is due at once.
    pub(super) fn new(retention: Retention, clock: Clock) -> Self {
        Self {
            retention,
            clock,
            due: Instant::now(),
            is_at_work: false,
            is_doubtful: false,
        }
    }

    /// Returns how long the writer may wait for work, when there is something to do.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.is_at_work.then_some(PAUSE)
    }

    /// Takes a step, if one is due; returns what is to be told.
    pub(super) fn step(&mut self, writer: &mut Writer) -> Option<WriterReport> {
        if self.retention.is_off() || (!self.is_at_work && Instant::now() < self.due) {
            return None;
        }
        match self.try_step(writer) {
            Ok(told) => told.map(WriterReport::Noted),
            Err(error) => {
                self.rest();
                Some(WriterReport::Noted(format!(
                    "retention failed to {error}; it is tried again"
                )))
            }
        }
    }

    fn try_step(&mut self, writer: &mut Writer) -> Result<Option<String>, StoreError> {
        let now = self.clock.now();
        if !self.is_at_work {
            let share = writer.share_too_old(&self.retention, now)?;
            let was_doubtful = std::mem::replace(&mut self.is_doubtful, share > SHARE_MAX);
            if self.is_doubtful {
                self.rest();
                return Ok((!was_doubtful).then(|| {
                    format!(
                        "retention waits: {:.0}% of the requests are too old by this clock; `routetop db prune --yes` drops them",
                        share * 100.0
                    )
                }));
            }
        }
        self.is_at_work = !writer.prune_step(&self.retention, now)?.is_nothing();
        if !self.is_at_work {
            self.rest();
        }
        Ok(None)
    }

    fn rest(&mut self) {
        self.is_at_work = false;
        self.due = Instant::now() + EVERY;
    }
}

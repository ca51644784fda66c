//! Planned deaths for the crash tests: where a commit ends as if the process had been killed.

use std::cell::Cell;

/// A step of a commit at which the process can be made to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before the transaction begins.
    BeforeBegin,
    /// Before the checkpoints of the batches move.
    BeforeAdvance,
    /// After some rows were written, before the others.
    BetweenRows,
    /// Before the transaction is committed.
    BeforeCommit,
    /// After it was committed; with a split checkpoint, before that moves.
    AfterCommit,
    /// Before the write-ahead log is copied into the database.
    BeforeLogCheckpoint,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 6] = [
        Self::BeforeBegin,
        Self::BeforeAdvance,
        Self::BetweenRows,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeLogCheckpoint,
    ];
}

/// Deviations from the ordinary way; only the crash tests make any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterOptions {
    /// Moves the checkpoint in a second transaction, which loses exactly-once; the tests must
    /// notice.
    pub split_checkpoint: bool,
    /// Writes although another process may: the tests must see its checkpoints refused.
    pub without_lock: bool,
    /// The most pages that the database may have: what happens when the disk is full.
    pub pages_max: Option<u32>,
    /// The step at which the process dies, and how many times it is passed before that.
    pub abort_at: Option<(Step, u32)>,
}

/// Counts down to the planned death.
#[derive(Debug)]
pub(super) struct Fuse {
    at: Option<Step>,
    left: Cell<u32>,
}

impl Fuse {
    pub(super) fn new(options: WriterOptions) -> Self {
        Self {
            at: options.abort_at.map(|(step, _)| step),
            left: Cell::new(options.abort_at.map_or(0, |(_, left)| left)),
        }
    }

    /// Passes a step; dies there without any clean-up when it is the planned one.
    pub(super) fn pass(&self, step: Step) {
        if self.at != Some(step) {
            return;
        }
        match self.left.get() {
            0 => std::process::abort(),
            left => self.left.set(left - 1),
        }
    }
}

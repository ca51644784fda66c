//! A pass of a follower: its instant, where its work goes, and what came of it.

use std::time::Duration;

use crate::model::{Micros, Timestamp};

use super::IngestError;
use super::work::Work;

/// Where a pass sends its work.
pub(super) trait Out {
    /// Hands over work; blocks while the worker is behind.
    fn send(&mut self, work: Work) -> Result<(), IngestError>;
    /// Returns a buffer of `len` bytes.
    fn buffer(&mut self, len: usize) -> Vec<u8>;
    /// Tells whether the pass should end soon.
    fn is_stopped(&self) -> bool;
}

/// The instant of a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// Since the run started; never goes back.
    pub(super) elapsed: Micros,
    /// By the clock on the wall.
    pub(super) wall: Timestamp,
}

impl Now {
    /// An instant so long after the start of the run.
    pub(super) fn at(elapsed: Duration, wall: Timestamp) -> Self {
        let elapsed = Micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
        Self { elapsed, wall }
    }
}

/// What a follower has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Plain bytes read.
    pub(super) bytes: u64,
    /// Files that are damaged or no text.
    pub(super) damaged: u64,
}

impl Done {
    /// Returns both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            damaged: self.damaged.saturating_add(other.damaged),
        }
    }
}

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) bytes: u64,
    /// Whether a file has more to read right now.
    pub(super) has_more: bool,
    /// Whether everything was read, in a run that does not follow.
    pub(super) is_done: bool,
}

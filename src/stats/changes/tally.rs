//! Counts of requests, and of the bad ones among them.

use super::super::Rate;

/// Requests, and how many of them went badly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All.
    pub requests: u64,
    /// Those that went badly.
    pub bad: u64,
}

impl Tally {
    /// Returns the share of the bad ones; `None` where there are no requests.
    pub fn share(self) -> Option<f64> {
        Rate::new(self.bad, self.requests).share()
    }

    /// Adds what `other` counted.
    pub fn join(&mut self, other: Self) {
        self.requests += other.requests;
        self.bad += other.bad;
    }
}

/// Returns a count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(in crate::stats) fn number(count: u64) -> f64 {
    count as f64
}

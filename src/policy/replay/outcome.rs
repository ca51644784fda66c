//! How a request went, as numbers of which means are taken.

use crate::model::{Flags, Micros, Outcome, Request};

/// The measures of which means are estimated, by their places in [`Outcomes::values`].
pub(super) const FIRST_PASS: usize = 0;
pub(super) const ESCALATION: usize = 1;
pub(super) const CORRECTION: usize = 2;
pub(super) const COST: usize = 3;
pub(super) const MEASURES_LEN: usize = 4;

/// How one request went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcomes {
    /// 1 or 0 for yes or no, and dollars; not a number where it is not known or does not apply.
    pub(super) values: [f32; MEASURES_LEN],
    /// The latency of a completed request.
    pub(super) latency: Option<Micros>,
}

impl Outcomes {
    pub(super) fn of(request: &Request) -> Self {
        let yes_no = |applies: bool, is: bool| match (applies, is) {
            (false, _) => f32::NAN,
            (true, true) => 1.0,
            (true, false) => 0.0,
        };
        let is_completed = request.outcome == Some(Outcome::Completed);
        let is_finished = is_completed || request.outcome == Some(Outcome::Failed);
        let is_corrected = request.is_corrected();
        let is_correctable = request.flags.has(Flags::CORRECTABLE) || is_corrected;
        let mut values = [f32::NAN; MEASURES_LEN];
        let measures = [
            yes_no(is_finished, request.is_single_pass() && !is_corrected),
            yes_no(!request.attempts.is_empty(), request.is_escalated()),
            yes_no(is_completed && is_correctable, is_corrected),
            request.cost().map_or(f32::NAN, |cost| dollars(cost.0)),
        ];
        for (value, measure) in values.iter_mut().zip(measures) {
            *value = measure;
        }
        Self {
            values,
            latency: request.latency().filter(|_| is_completed),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "seven digits of the cost of one request are more than its log has"
)]
fn dollars(nano: i64) -> f32 {
    (nano as f64 / 1e9) as f32
}

/// A count, a sum and a sum of squares.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Sum {
    pub(super) n: f64,
    pub(super) total: f64,
    pub(super) squares: f64,
}

impl Sum {
    /// Adds a value that is known.
    pub(super) fn add(&mut self, value: f32) {
        if !value.is_nan() {
            let value = f64::from(value);
            self.n += 1.0;
            self.total += value;
            self.squares += value * value;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.total += other.total;
        self.squares += other.squares;
    }

    /// Returns the variance of one value around the mean.
    pub(super) fn variance(&self) -> f64 {
        if self.n < 2.0 {
            return 0.0;
        }
        ((self.squares - self.total * self.total / self.n) / (self.n - 1.0)).max(0.0)
    }
}

/// A sum for each measure.
pub(super) type Sums = [Sum; MEASURES_LEN];

pub(super) fn merge_sums(into: &mut Sums, from: &Sums) {
    for (into, from) in into.iter_mut().zip(from) {
        into.merge(from);
    }
}

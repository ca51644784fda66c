//! Corrections that are still to come: how late they are, and the rate that a young window will have.
//!
//! A correction comes minutes or hours after its answer, so the last hour of any window looks better
//! than it will. What was corrected so far is therefore divided not by the completed requests but by the
//! part of their corrections that has had time to come: the sum of F(age), with F(d) the share of
//! corrections that come within d of the answer (the reporting-delay estimator; Lawless 1994, Can. J.
//! Stat. 22:15).

use super::proportion::wilson_share;
use super::{Cell, Histogram, Interval};
use crate::model::{CORRECTION_WINDOW, Micros};

/// How late corrections come, from requests for which all of them have come.
#[derive(Debug, Clone, PartialEq)]
pub struct Lateness {
    delays: Histogram,
}

impl Lateness {
    /// From so many corrections on, their delays tell how late others will be.
    pub const CORRECTIONS_MIN: u64 = 50;

    /// Takes the delays of corrections; `None` when they are too few to tell.
    pub fn try_from_delays(delays: Histogram) -> Option<Self> {
        (delays.count() >= Self::CORRECTIONS_MIN).then_some(Self { delays })
    }

    /// Returns the share of corrections that come within `age` of the answer, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn share_within(&self, age: Micros) -> f64 {
        if age >= CORRECTION_WINDOW {
            return 1.0;
        }
        self.delays.count_up_to(age) as f64 / self.delays.count() as f64
    }
}

/// What a correction rate will be when all corrections have come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nowcast {
    /// Requests corrected so far.
    pub corrected: u64,
    /// The completed requests, each as the share of its corrections that has had time to come.
    pub exposure: f64,
}

impl Nowcast {
    /// Returns the nowcast of all routes from those of each; `None` when there are none.
    pub fn sum(routes: impl IntoIterator<Item = Self>) -> Option<Self> {
        routes.into_iter().reduce(|a, b| Self {
            corrected: a.corrected + b.corrected,
            exposure: a.exposure + b.exposure,
        })
    }

    /// Returns the rate, 0 to 1; `None` when no correction has had time to come.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn share(self) -> Option<f64> {
        (self.exposure >= 1.0).then(|| (self.corrected as f64 / self.exposure).min(1.0))
    }

    /// Returns the 95 % interval of the rate, with the exposure as its n.
    pub fn interval(self) -> Option<Interval> {
        wilson_share(self.share()?, self.exposure)
    }
}

/// Adds up the exposure of requests that are counted by how old they are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Exposure(pub f64);

impl Exposure {
    /// Adds the requests of `cell`, whose answers are `age` old.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn add(&mut self, cell: &Cell, age: Micros, lateness: &Lateness) {
        self.0 += cell.correctable as f64 * lateness.share_within(age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(minutes: impl IntoIterator<Item = u64>) -> Histogram {
        let mut delays = Histogram::default();
        for minute in minutes {
            delays.record(Micros::MINUTE.times(minute));
        }
        delays
    }

    #[test]
    fn few_corrections_tell_nothing() {
        assert_eq!(Lateness::try_from_delays(delays(0..49)), None);
        assert!(Lateness::try_from_delays(delays(0..50)).is_some());
    }

    #[test]
    fn young_requests_count_for_the_part_of_their_corrections_that_may_have_come() {
        // One correction a minute for a hundred minutes.
        let lateness = Lateness::try_from_delays(delays(0..100)).unwrap();
        let cell = Cell {
            completed: 200,
            correctable: 200,
            ..Cell::default()
        };
        let mut exposure = Exposure::default();
        exposure.add(&cell, Micros::MINUTE.times(25), &lateness);
        assert!((exposure.0 - 52.0).abs() <= 2.0, "{exposure:?}");
        exposure.add(&cell, CORRECTION_WINDOW, &lateness);
        assert!((exposure.0 - 252.0).abs() <= 2.0, "{exposure:?}");
        let nowcast = Nowcast {
            corrected: 13,
            exposure: exposure.0,
        };
        assert!((nowcast.share().unwrap() - 13.0 / 252.0).abs() < 1e-3);
        assert!(nowcast.interval().unwrap().low < 0.04);
    }

    #[test]
    fn nothing_is_said_before_a_correction_could_have_come() {
        let nowcast = Nowcast {
            corrected: 0,
            exposure: 0.3,
        };
        assert_eq!((nowcast.share(), nowcast.interval()), (None, None));
        let lucky = Nowcast {
            corrected: 5,
            exposure: 2.0,
        };
        assert_eq!(lucky.share(), Some(1.0));
    }
}

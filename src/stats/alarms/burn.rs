//! Targets: how fast the bad requests that a target allows are used up.
//!
//! The pairs are those of Google's Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts": the
//! long stretch says that it matters, the short one that it is still so.

use super::super::changes::Tally;
use super::super::wilson;
use crate::model::Micros;

/// Fewer bad requests than these in the short stretch call nobody.
const BAD_MIN: u64 = 5;

/// Two stretches that end now, and how many times the target both must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnPair {
    /// The long stretch.
    pub long: Micros,
    /// The short one.
    pub short: Micros,
    /// So many times as many bad requests as are allowed.
    pub times: f64,
    /// Whether somebody should act at once.
    pub is_urgent: bool,
}

impl BurnPair {
    /// The pairs, the fastest first.
    pub const ALL: [Self; 3] = [
        Self {
            long: Micros::HOUR,
            short: Micros::MINUTE.times(5),
            times: 14.4,
            is_urgent: true,
        },
        Self {
            long: Micros::HOUR.times(6),
            short: Micros::MINUTE.times(30),
            times: 6.0,
            is_urgent: true,
        },
        Self {
            long: Micros::DAY.times(3),
            short: Micros::HOUR.times(6),
            times: 1.0,
            is_urgent: false,
        },
    ];

    /// Returns the share of bad requests that both stretches must exceed: so many times what is allowed, or, as
    /// there is no more than everything, half-way from there to all.
    pub fn threshold(&self, allowed: f64) -> f64 {
        (self.times * allowed).min(f64::midpoint(allowed, 1.0))
    }
}

/// A target that is missed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burning {
    /// The share of bad requests that is allowed.
    pub allowed: f64,
    /// By which pair of stretches.
    pub pair: BurnPair,
    /// The requests of the long one.
    pub long: Tally,
    /// The requests of the short one.
    pub short: Tally,
}

/// Returns how a target is missed, by the fastest pair that says so.
pub(super) fn burning(
    allowed: f64,
    stretches: &[(Tally, Tally); BurnPair::ALL.len()],
) -> Option<Burning> {
    let mut pairs = BurnPair::ALL.into_iter().zip(stretches);
    pairs.find_map(|(pair, (long, short))| {
        let threshold = pair.threshold(allowed);
        let is_over = |tally: &Tally| tally.share().is_some_and(|share| share > threshold);
        let is_clear = wilson(short.bad, short.requests)?.low > allowed;
        (is_over(long) && is_over(short) && is_clear && short.bad >= BAD_MIN).then_some(Burning {
            allowed,
            pair,
            long: *long,
            short: *short,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(bad: u64, requests: u64) -> Tally {
        Tally { requests, bad }
    }

    fn found(stretches: [(Tally, Tally); 3]) -> Option<f64> {
        burning(0.01, &stretches).map(|burning| burning.pair.times)
    }

    #[test]
    fn both_stretches_must_burn() {
        let quiet = (tally(10, 1_000), tally(1, 100));
        assert_eq!(found([quiet; 3]), None);
        let fast = (tally(200, 1_200), tally(20, 100));
        assert_eq!(found([fast, quiet, quiet]), Some(14.4));
        let over = (tally(200, 1_200), tally(1, 100));
        assert_eq!(found([over, quiet, quiet]), None, "it is over already");
        let young = (tally(20, 1_200), tally(20, 100));
        assert_eq!(
            found([young, quiet, quiet]),
            None,
            "it is not worth a call yet"
        );
        let slow = (tally(70, 1_000), tally(70, 1_000));
        assert_eq!(found([slow, slow, slow]), Some(6.0));
        assert_eq!(found([quiet, quiet, slow]), Some(1.0));
    }

    #[test]
    fn few_bad_requests_and_wide_intervals_call_nobody() {
        let long = tally(200, 1_200);
        let quiet = (tally(10, 1_000), tally(1, 100));
        assert_eq!(found([(long, tally(4, 8)), quiet, quiet]), None);
        assert_eq!(found([(long, tally(5, 10)), quiet, quiet]), Some(14.4));
        let near = (tally(130, 10_000), tally(5, 300));
        assert_eq!(found([quiet, quiet, near]), None, "5 of 300 may be 1 %");
        assert_eq!(found([(Tally::default(), Tally::default()); 3]), None);
    }

    #[test]
    fn a_wide_target_can_be_missed_fast_as_well() {
        let [fast, ..] = BurnPair::ALL;
        assert!((fast.threshold(0.01) - 0.144).abs() < 1e-12);
        assert!((fast.threshold(0.2) - 0.6).abs() < 1e-12);
    }
}

//! What is usual: the share of bad requests by the hour of the day, and how much it scatters.

use super::super::changes::{Tally, number};
use super::super::proportion::wilson_share;
use crate::model::Minute;

const HOURS_OF_DAY: usize = 24;
/// Of fewer requests, or fewer hours, nothing is usual yet.
const REQUESTS_MIN: u64 = 1_000;
const HOURS_MIN: usize = 6;
/// So many requests of the whole week stand beside those of an hour of the day.
const SHRINK: f64 = 200.0;
/// So many of the hours that fit best tell of the scatter: an incident of last week is no scatter.
const TRIM: f64 = 0.9;
/// The mean of a squared standard normal value over the nine tenths nearest to nought: 1 - 2 z f(z) / 0.9 with
/// z = 1.645 and f its density.
const TRIMMED_MEAN: f64 = 0.623;

/// The usual share of bad requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Usual {
    /// By the hour of the day, UTC.
    shares: [f64; HOURS_OF_DAY],
    /// The share that is still as usual: the upper end of the 95 % interval.
    highest: [f64; HOURS_OF_DAY],
    /// How much counts scatter beyond chance, at least 1.
    pub dispersion: f64,
    /// How many requests a minute there are.
    pub per_minute: f64,
}

impl Usual {
    /// Works it out from counts by hours since 1970; `None`: there are too few of them.
    pub fn of(hours: &[(i32, Tally)]) -> Option<Self> {
        let mut slots = [Tally::default(); HOURS_OF_DAY];
        let mut whole = Tally::default();
        let counted = || hours.iter().filter(|(_, tally)| tally.requests > 0);
        for (hour, tally) in counted() {
            whole.join(*tally);
            if let Some(slot) = slots.get_mut(slot_of(*hour)) {
                slot.join(*tally);
            }
        }
        let len = counted().count();
        if whole.requests < REQUESTS_MIN || len < HOURS_MIN {
            return None;
        }
        let overall = number(whole.bad) / number(whole.requests);
        // The hour before and the hour after are much like it, and make it three times as sure.
        let near: [Tally; HOURS_OF_DAY] = std::array::from_fn(|slot| {
            let mut sum = Tally::default();
            for other in [slot + HOURS_OF_DAY - 1, slot, slot + 1] {
                sum.join(slots.get(other % HOURS_OF_DAY).copied().unwrap_or_default());
            }
            sum
        });
        let shares = near
            .map(|near| (number(near.bad) + SHRINK * overall) / (number(near.requests) + SHRINK));
        let mut scatter: Vec<f64> = counted()
            .map(|(hour, tally)| {
                let share = shares.get(slot_of(*hour)).copied().unwrap_or(overall);
                let n = number(tally.requests);
                let chance = n * share * (1.0 - share);
                (number(tally.bad) - n * share).powi(2) / chance.max(f64::MIN_POSITIVE)
            })
            .collect();
        let dispersion = dispersion(&mut scatter);
        let mut highest = shares;
        for (high, near) in highest.iter_mut().zip(near) {
            let n = (number(near.requests) + SHRINK) / dispersion;
            *high = wilson_share(*high, n).map_or(*high, |interval| interval.high);
        }
        Some(Self {
            shares,
            highest,
            dispersion,
            per_minute: number(whole.requests) / (60.0 * number(len as u64)),
        })
    }

    /// Returns the share at a minute's hour of the day.
    pub fn share(&self, minute: Minute) -> f64 {
        at(&self.shares, minute)
    }

    /// Returns the highest share at a minute's hour of the day that is still as usual.
    pub fn highest(&self, minute: Minute) -> f64 {
        at(&self.highest, minute)
    }
}

fn at(shares: &[f64; HOURS_OF_DAY], minute: Minute) -> f64 {
    let slot = slot_of(minute.0.div_euclid(60));
    shares.get(slot).copied().unwrap_or(1.0)
}

fn slot_of(hour: i32) -> usize {
    usize::try_from(hour.rem_euclid(24)).unwrap_or(0)
}

/// Returns by how much the counts scatter more than chance, from their squared standard distances.
fn dispersion(scatter: &mut [f64]) -> f64 {
    scatter.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small count"
    )]
    let kept = (number(scatter.len() as u64) * TRIM) as usize;
    let sum: f64 = scatter.iter().take(kept).sum();
    (sum / number(kept as u64).max(1.0) / TRIMMED_MEAN).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(share_of: impl Fn(i32) -> u64) -> Vec<(i32, Tally)> {
        let tally = |hour| Tally {
            requests: 1_000,
            bad: share_of(hour),
        };
        (24_000..24_168).map(|hour| (hour, tally(hour))).collect()
    }

    #[test]
    fn an_hour_of_the_day_has_its_own_share() {
        let usual = Usual::of(&hours(|hour| if hour % 24 < 12 { 100 } else { 300 })).unwrap();
        let at = |hour: i32| usual.share(Minute(60 * hour + 30));
        assert!((at(24_006) - 0.1).abs() < 0.01);
        assert!((at(24_018) - 0.3).abs() < 0.01);
        let high = usual.highest(Minute(60 * 24_006));
        assert!(high > 0.1 && high < 0.11, "{high}");
        assert!((usual.per_minute - 1_000.0 / 60.0).abs() < 1e-9);
    }

    #[test]
    fn too_little_is_not_usual_and_a_bad_hour_is_no_scatter() {
        assert_eq!(Usual::of(&[]), None);
        assert_eq!(Usual::of(&hours(|_| 100)[..5]), None);
        let calm = Usual::of(&hours(|hour| {
            90 + u64::from((7 * hour).unsigned_abs() % 21)
        }))
        .unwrap();
        assert!((calm.dispersion - 1.0).abs() < 1e-9);
        let bad = Usual::of(&hours(|hour| if hour == 24_100 { 600 } else { 100 })).unwrap();
        assert!(bad.dispersion < 1.5, "{}", bad.dispersion);
        let wild = Usual::of(&hours(|hour| {
            60 + u64::from((37 * hour).unsigned_abs() % 81)
        }))
        .unwrap();
        assert!(wild.dispersion > 3.0, "{}", wild.dispersion);
    }
}

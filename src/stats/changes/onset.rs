//! Since when: the best split of counts by minute.

use super::tally::{Tally, number};
use crate::model::Minute;

/// Minutes whose log likelihood is within so much of the best one's may be the true one (measured: 2 covers it
/// in 88 to 96 % once a change is clear).
const DROP: f64 = 3.0;
/// Twice the log likelihood ratio from which on a split is told.
const CLEAR: f64 = 13.0;
/// So many minutes at either end cannot begin a change.
const MARGIN: usize = 3;

/// When something began: the likeliest minute, and the first and last that it may have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Onset {
    /// The likeliest minute.
    pub at: Minute,
    /// The first minute that it may have been.
    pub from: Minute,
    /// The last one.
    pub to: Minute,
}

/// Finds the minute before which the rate was another; `minutes` are in order. `None`: no split is clear.
pub fn onset(minutes: &[(Minute, Tally)]) -> Option<Onset> {
    let mut whole = Tally::default();
    let sums: Vec<Tally> = minutes
        .iter()
        .map(|(_, tally)| {
            whole.join(*tally);
            whole
        })
        .collect();
    let flat = log_likelihood(whole);
    let splits: Vec<(Minute, f64)> = minutes
        .iter()
        .zip(&sums)
        .zip(minutes.iter().skip(1))
        .skip(MARGIN - 1)
        .take(minutes.len().saturating_sub(2 * MARGIN))
        .map(|((_, before), (minute, _))| {
            let after = Tally {
                requests: whole.requests - before.requests,
                bad: whole.bad - before.bad,
            };
            (
                *minute,
                log_likelihood(*before) + log_likelihood(after) - flat,
            )
        })
        .collect();
    let best = splits
        .iter()
        .max_by(|one, other| one.1.total_cmp(&other.1))?;
    let near: Vec<Minute> = splits
        .iter()
        .filter(|split| split.1 > best.1 - DROP)
        .map(|split| split.0)
        .collect();
    (2.0 * best.1 > CLEAR).then_some(Onset {
        at: best.0,
        from: *near.first()?,
        to: *near.last()?,
    })
}

fn log_likelihood(tally: Tally) -> f64 {
    let (n, bad) = (number(tally.requests), number(tally.bad));
    let rate = (bad / n.max(1.0)).clamp(1e-9, 1.0 - 1e-9);
    bad * rate.ln() + (n - bad) * (1.0 - rate).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(rates: impl Iterator<Item = u64>) -> Vec<(Minute, Tally)> {
        (1_000..)
            .map(Minute)
            .zip(rates.map(|bad| Tally { requests: 20, bad }))
            .collect()
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        let steps = (0..60).map(|minute| if minute < 40 { 2 } else { 9 });
        let found = onset(&minutes(steps)).unwrap();
        assert_eq!(found.at, Minute(1_040));
        assert!(found.from <= found.at && found.at <= found.to);
        assert!(found.to.0 - found.from.0 <= 2);
    }

    #[test]
    fn level_rates_have_no_onset() {
        assert_eq!(onset(&minutes((0..60).map(|minute| 2 + minute % 2))), None);
        assert_eq!(onset(&[]), None);
        assert_eq!(onset(&minutes((0..4).map(|minute| minute * 5))), None);
    }
}

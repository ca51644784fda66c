//! Latency-adjusted quality: an answer that comes late is worth less.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Stratum;
use crate::model::Micros;
use crate::stats::{Interval, State};

/// The mean over finished requests of success times 2^(-max(0, L - T) / T), from 0 to 1.
///
/// Success is: completed and not corrected; L is the latency, taken for the middle of a bucket within 6.3 %; T the
/// target of the task class. Completed requests of unknown latency or without a target are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval: the mean and 1.96 standard errors around it, cut at 0 and 1.
    pub interval: Interval,
    /// Over so many requests.
    pub requests: u64,
    /// The target of each task class among them.
    pub targets: BTreeMap<Arc<str>, Micros>,
}

impl Quality {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(super) fn of(strata: &[&Stratum], targets: &BTreeMap<Arc<str>, Micros>) -> Option<Self> {
        let (mut n, mut sum, mut squares) = (0, 0.0, 0.0);
        let mut used = BTreeMap::new();
        for stratum in strata {
            let Some((class, target)) = targets.get_key_value(stratum.class()) else {
                continue;
            };
            let before = n;
            for (is_success, load, requests) in stratum.counts.loads() {
                let score = if is_success {
                    score(load.middle(), *target)
                } else {
                    0.0
                };
                n += requests;
                sum += score * requests as f64;
                squares += score * score * requests as f64;
            }
            n += stratum.counts.count(|state| state.has(State::FAILED));
            if n > before {
                used.insert(Arc::clone(class), *target);
            }
        }
        if n == 0 {
            return None;
        }
        let all = n as f64;
        let mean = sum / all;
        let variance = (squares / all - mean * mean).max(0.0);
        let margin = 1.96 * (variance / all).sqrt();
        Some(Self {
            mean,
            interval: Interval {
                low: (mean - margin).max(0.0),
                high: (mean + margin).min(1.0),
            },
            requests: n,
            targets: used,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "latencies stay far below 2^52")]
fn score(latency: Micros, target: Micros) -> f64 {
    let target = target.0.max(1) as f64;
    let late = (latency.0 as f64 - target).max(0.0);
    (-late / target).exp2()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CLASSES, strata, yardsticks};
    use super::super::work;
    use proptest::prelude::*;

    proptest! {
        #[test]
        #[expect(clippy::cast_precision_loss, reason = "test values are small")]
        fn it_is_the_mean_of_every_requests_score(requests in proptest::collection::vec(
            (0_usize..1, 0_usize..2, 0_usize..1, 0_usize..1, any::<bool>(), 0_u32..1, 20_u64..9_000), 1..200)) {
            let (total, _) = work(&strata(&requests), &yardsticks());
            let scores: Vec<f64> = requests.iter().filter(|one| CLASSES[one.1] == "extraction").map(|one| {
                let late = (one.6 as f64 - 1_000.0).max(0.0) / 1_000.0;
                if one.4 { (-late).exp2() } else { 0.0 }
            }).collect();
            match total.quality {
                None => prop_assert!(scores.is_empty()),
                Some(quality) => {
                    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
                    prop_assert_eq!(quality.requests, scores.len() as u64);
                    // A bucket's middle is within 6.3 % of a latency: at twice the target that moves a score by 5 %.
                    prop_assert!((quality.mean - mean).abs() <= 0.05, "{} {mean}", quality.mean);
                    prop_assert!(quality.interval.low <= quality.mean && quality.mean <= quality.interval.high);
                }
            }
        }
    }
}

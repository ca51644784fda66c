//! Case mix: a route that gets the easy work is not a good route.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Stratum, is_known};
use crate::stats::{Rate, SliceCounts};

/// The first-pass rate of each case over all routes.
#[derive(Debug)]
pub(super) struct Expected<'s> {
    cases: BTreeMap<[&'s Arc<str>; 2], Rate>,
}

impl<'s> Expected<'s> {
    pub(super) fn of(strata: &'s [Stratum]) -> Self {
        let mut counts: BTreeMap<[&Arc<str>; 2], SliceCounts> = BTreeMap::new();
        for stratum in strata {
            counts
                .entry(stratum.case())
                .or_default()
                .merge(&stratum.counts);
        }
        let rate = |(case, counts): (_, SliceCounts)| (case, counts.first_pass());
        Self {
            cases: counts.into_iter().map(rate).collect(),
        }
    }

    /// Returns the observed first passes over those expected of the same cases (indirect standardisation); `None` where
    /// less than half of the requests tell their case, or none is expected.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(super) fn ratio(&self, strata: &[&Stratum]) -> Option<f64> {
        let (mut observed, mut expected, mut finished, mut known) = (0, 0.0, 0, 0);
        for stratum in strata {
            let rate = stratum.counts.first_pass();
            let share = self
                .cases
                .get(&stratum.case())
                .and_then(|rate| rate.share());
            observed += rate.numerator;
            expected += share.unwrap_or(0.0) * rate.denominator as f64;
            finished += rate.denominator;
            if stratum.case().iter().any(|value| is_known(value)) {
                known += rate.denominator;
            }
        }
        (known * 2 >= finished && expected > 0.0).then(|| observed as f64 / expected)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{strata, yardsticks};
    use super::super::work;

    #[test]
    fn easy_work_is_seen_through() {
        let mut requests = Vec::new();
        // Planning succeeds half of the time, extraction always, on either route; chat gets most of the extraction.
        for (route, class, n) in [(0, 0, 90), (0, 1, 10), (1, 0, 10), (1, 1, 90)] {
            for idx in 0..n {
                requests.push((route, class, 0, 0, class == 0 || idx % 2 == 0, 1, 500));
            }
        }
        let (total, routes) = work(&strata(&requests), &yardsticks());
        assert_eq!(total.case_mix, None);
        for work in routes.values() {
            assert!((work.case_mix.unwrap() - 1.0).abs() < 1e-9, "{work:?}");
        }
        // Code fails more of the same work.
        for one in requests.iter_mut().filter(|one| one.0 == 1).step_by(3) {
            one.4 = false;
        }
        let (_, routes) = work(&strata(&requests), &yardsticks());
        let of = |route: &str| routes[route].case_mix.unwrap();
        assert!(of("chat") > 1.0 && of("code") < 0.9, "{routes:?}");
    }

    #[test]
    fn nothing_is_said_of_work_of_which_nothing_is_known() {
        let requests = [(0, 2, 1, 0, true, 1, 500); 40];
        let (_, routes) = work(&strata(&requests), &yardsticks());
        assert_eq!(routes["chat"].case_mix, None);
    }
}

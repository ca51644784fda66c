//! What a rate hides: which work a route got, how late its answers were, and how much the strongest tier did that a
//! cheaper one does as well.
//!
//! All of it follows from counts by stratum, the combination of what was known of requests before they were routed.

mod case_mix;
mod quality;
mod waste;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use quality::Quality;
pub use waste::Waste;

use super::SliceCounts;
use super::slices::Value;
use crate::model::Micros;

/// Requests that are alike as far as was known before they were routed.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// Their route.
    pub route: Arc<str>,
    /// Task class, complexity in thirds, whether tools are required, strictness of the format.
    pub kind: [Arc<str>; 4],
    /// The tier that they started on.
    pub tier: Arc<str>,
    /// What is counted of them.
    pub counts: SliceCounts,
}

impl Stratum {
    /// Returns the task class.
    pub fn class(&self) -> &Arc<str> {
        let [class, ..] = &self.kind;
        class
    }

    /// Returns task class and complexity: what cases differ by most.
    fn case(&self) -> [&Arc<str>; 2] {
        let [class, complexity, ..] = &self.kind;
        [class, complexity]
    }
}

/// What strata are measured by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Yardsticks {
    /// The tiers, weakest first.
    pub tiers: Vec<String>,
    /// The task classes for which the strongest tier is a waste where a cheaper one does as well.
    pub lightweight: Vec<String>,
    /// By when the answer of each task class should be there.
    pub targets: BTreeMap<Arc<str>, Micros>,
}

/// What is told of the work of one route, or of all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Work {
    /// Latency-adjusted quality; `None` where nothing finished with a known latency and target.
    pub quality: Option<Quality>,
    /// First passes over those that the same cases got on all routes together; `None` where no case is known, or for
    /// all routes.
    pub case_mix: Option<f64>,
    /// `None` where no request is known to have started on the strongest tier.
    pub waste: Option<Waste>,
}

/// Tells of all routes together, and of each.
pub fn work(strata: &[Stratum], by: &Yardsticks) -> (Work, BTreeMap<Arc<str>, Work>) {
    // Sums of fractions depend on their order, which must not depend on how the strata were found.
    let mut all: Vec<&Stratum> = strata.iter().collect();
    all.sort_by_key(|stratum| (&stratum.route, &stratum.kind, &stratum.tier));
    let mut routes: BTreeMap<Arc<str>, Vec<&Stratum>> = BTreeMap::new();
    for stratum in &all {
        routes
            .entry(Arc::clone(&stratum.route))
            .or_default()
            .push(stratum);
    }
    let expected = case_mix::Expected::of(strata);
    let cleared = waste::Cleared::of(strata, by);
    let of = |strata: &[&Stratum]| Work {
        quality: Quality::of(strata, &by.targets),
        case_mix: expected.ratio(strata),
        waste: cleared.waste(strata),
    };
    let total = Work {
        case_mix: None,
        ..of(&all)
    };
    let routes = routes
        .into_iter()
        .map(|(route, strata)| (route, of(&strata)));
    (total, routes.collect())
}

/// Tells whether a value of a stratum is known.
fn is_known(text: &str) -> bool {
    text != Value::UNKNOWN_TEXT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{Load, State, Usage};

    const DONE: State = State(1 | 1 << 3 | 1 << 8 | 1 << 11 | 1 << 13);

    /// One request: route, class, complexity, tier, whether first pass, cost in dollars, latency in milliseconds.
    pub(super) type One = (usize, usize, usize, usize, bool, u32, u64);

    pub(super) const ROUTES: [&str; 2] = ["chat", "code"];
    pub(super) const CLASSES: [&str; 3] = ["extraction", "planning", "(unknown)"];
    pub(super) const BANDS: [&str; 2] = ["under 0.33", "(unknown)"];
    pub(super) const TIERS: [&str; 3] = ["fast", "strongest", "(unknown)"];

    pub(super) fn strata(requests: &[One]) -> Vec<Stratum> {
        let mut strata: BTreeMap<[usize; 4], SliceCounts> = BTreeMap::new();
        for (route, class, band, tier, is_first, cost, millis) in requests {
            let counts = strata.entry([*route, *class, *band, *tier]).or_default();
            let state = if *is_first {
                DONE | State::FIRST_PASS
            } else {
                DONE | State::CORRECTED
            };
            counts.add(
                state,
                Usage {
                    requests: 1,
                    cost_nano: i64::from(*cost) * 1_000_000_000,
                },
            );
            counts.add_load(
                state,
                Load {
                    length: 0,
                    latency: latency(*millis),
                },
                1,
            );
        }
        strata
            .into_iter()
            .map(|([route, class, band, tier], counts)| Stratum {
                route: Arc::from(ROUTES[route]),
                kind: [CLASSES[class], BANDS[band], "no", "none"].map(Arc::from),
                tier: Arc::from(TIERS[tier]),
                counts,
            })
            .collect()
    }

    /// The bucket whose middle is nearest.
    fn latency(millis: u64) -> u8 {
        (0..=255)
            .min_by_key(|bucket| {
                let middle = Load {
                    length: 0,
                    latency: *bucket,
                }
                .middle();
                middle.0.abs_diff(millis * 1_000)
            })
            .unwrap()
    }

    pub(super) fn yardsticks() -> Yardsticks {
        Yardsticks {
            tiers: vec!["fast".to_owned(), "strongest".to_owned()],
            lightweight: vec!["extraction".to_owned()],
            targets: BTreeMap::from([(Arc::from("extraction"), Micros(1_000_000))]),
        }
    }

    proptest! {
        #[test]
        #[expect(clippy::cast_precision_loss, reason = "test values are small")]
        fn the_routes_add_up_to_all(requests in proptest::collection::vec(
            (0_usize..2, 0_usize..3, 0_usize..2, 0_usize..3, any::<bool>(), 0_u32..5, 1_u64..9_000), 0..400)) {
            let (total, routes) = work(&strata(&requests), &yardsticks());
            let sum = |of: fn(&Waste) -> u64| routes.values().filter_map(|work| work.waste.as_ref().map(of)).sum::<u64>();
            let waste = total.waste.clone().unwrap_or_default();
            prop_assert_eq!(sum(|waste| waste.proven_requests), waste.proven_requests);
            prop_assert_eq!(sum(|waste| waste.unproven_requests), waste.unproven_requests);
            let usd: f64 = routes.values().filter_map(|work| Some(work.waste.as_ref()?.proven_usd)).sum();
            prop_assert!((usd - waste.proven_usd).abs() < 1e-6);
            let scored = |work: &Work| work.quality.as_ref().map_or(0.0, |quality| quality.mean * quality.requests as f64);
            let all: f64 = routes.values().map(scored).sum();
            prop_assert!((all - scored(&total)).abs() < 1e-6);
            // Where all get the same, expected and observed agree over all routes.
            let weighted: f64 = routes.iter().filter_map(|(route, work)| {
                let first = requests.iter().filter(|one| ROUTES[one.0] == &**route && one.4).count() as f64;
                Some(first / work.case_mix?)
            }).sum();
            let first = requests.iter().filter(|one| one.4).count() as f64;
            let all_known = routes.values().all(|work| work.case_mix.is_some_and(|ratio| ratio > 0.0));
            prop_assert!(!all_known || (weighted - first).abs() < 1e-6);
        }
    }
}

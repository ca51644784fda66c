//! Strongest waste: lightweight work that the strongest tier did and a cheaper one does as well.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Stratum, Yardsticks};
use crate::stats::{SliceCounts, State};

/// A cheaper tier must have started so many requests of a kind before it can clear it.
const STARTS_MIN: u64 = 50;
/// The first-pass rate that it may lose at the most, by the lower bound of its interval.
const LOSS_MAX: f64 = 0.02;

/// Lightweight requests that started on the strongest tier.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Waste {
    /// Of a kind that a cheaper tier does as well.
    pub proven_requests: u64,
    /// What those of known cost cost beyond what a start on the cheaper tier costs on average, its escalations
    /// included, in dollars.
    pub proven_usd: f64,
    /// Of a kind of which too little is known of cheaper tiers.
    pub unproven_requests: u64,
}

/// What is known of a kind of lightweight work.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Evidence {
    /// A cheaper tier does it as well, for so many dollars a start.
    Cleared(f64),
    /// A cheaper tier does it worse.
    Needed,
    /// Too little to tell.
    Unproven,
}

/// The kinds of lightweight work.
#[derive(Debug)]
pub(super) struct Cleared<'s> {
    strongest: Option<&'s str>,
    kinds: BTreeMap<&'s [Arc<str>; 4], Evidence>,
}

impl<'s> Cleared<'s> {
    pub(super) fn of(strata: &'s [Stratum], by: &'s Yardsticks) -> Self {
        let strongest = by
            .tiers
            .last()
            .map(String::as_str)
            .filter(|_| by.tiers.len() > 1);
        let mut kinds: BTreeMap<&[Arc<str>; 4], BTreeMap<&str, SliceCounts>> = BTreeMap::new();
        for stratum in strata {
            if by
                .lightweight
                .iter()
                .any(|class| **class == **stratum.class())
            {
                let tiers = kinds.entry(&stratum.kind).or_default();
                tiers
                    .entry(&stratum.tier)
                    .or_default()
                    .merge(&stratum.counts);
            }
        }
        let judge = |tiers: &BTreeMap<&str, SliceCounts>| {
            let strong = strongest.and_then(|strongest| tiers.get(strongest));
            let Some(strong) = strong.and_then(|counts| counts.first_pass().share()) else {
                return Evidence::Unproven;
            };
            let mut seen = Evidence::Unproven;
            // The weakest that does as well is the one to compare with.
            for tier in by
                .tiers
                .iter()
                .filter(|tier| Some(tier.as_str()) != strongest)
            {
                let Some(counts) = tiers.get(tier.as_str()) else {
                    continue;
                };
                let rate = counts.first_pass();
                let low = rate.interval().map_or(0.0, |interval| interval.low);
                match (rate.denominator >= STARTS_MIN, mean_cost(counts)) {
                    (true, Some(cost)) if low >= strong - LOSS_MAX => {
                        return Evidence::Cleared(cost);
                    }
                    (true, Some(_)) => seen = Evidence::Needed,
                    _ => {}
                }
            }
            seen
        };
        Self {
            strongest,
            kinds: kinds
                .iter()
                .map(|(kind, tiers)| (*kind, judge(tiers)))
                .collect(),
        }
    }

    /// Adds up what of these strata started on the strongest tier.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(super) fn waste(&self, strata: &[&Stratum]) -> Option<Waste> {
        let strongest = self.strongest?;
        let mut of_strongest = strata
            .iter()
            .filter(|stratum| &*stratum.tier == strongest)
            .peekable();
        of_strongest.peek()?;
        let mut waste = Waste::default();
        for stratum in of_strongest {
            let requests = stratum.counts.requests();
            match self.kinds.get(&stratum.kind) {
                Some(Evidence::Cleared(cheap)) => {
                    waste.proven_requests += requests;
                    if let Some((cost, known)) = stratum.counts.cost() {
                        waste.proven_usd += cost.as_usd() - cheap * known as f64;
                    }
                }
                Some(Evidence::Unproven) => waste.unproven_requests += requests,
                Some(Evidence::Needed) | None => {}
            }
        }
        Some(waste)
    }
}

/// Returns what a start costs on average, where that is known.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn mean_cost(counts: &SliceCounts) -> Option<f64> {
    let (cost, _) = counts.cost()?;
    let known = counts.count(|state| state.has(State::COST_KNOWN));
    (known > 0).then(|| cost.as_usd() / known as f64)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{One, strata, yardsticks};
    use super::super::work;
    use super::*;

    /// `n` extractions on a tier, of which every `fails`th is no first pass.
    fn starts(route: usize, tier: usize, n: usize, fails: usize, cost: u32) -> Vec<One> {
        let one = |idx: usize| (route, 0, 0, tier, !idx.is_multiple_of(fails), cost, 500);
        (1..=n).map(one).collect()
    }

    fn waste(requests: &[Vec<One>]) -> Option<Waste> {
        work(&strata(&requests.concat()), &yardsticks()).0.waste
    }

    #[test]
    fn what_a_cheaper_tier_does_as_well_is_waste() {
        let strong = starts(0, 1, 100, 5, 9);
        // The other route's evidence counts for the same kind of work.
        let clears = waste(&[strong.clone(), starts(1, 0, 400, 50, 2)]).unwrap();
        assert_eq!((clears.proven_requests, clears.unproven_requests), (100, 0));
        assert!((clears.proven_usd - 700.0).abs() < 8.0, "{clears:?}");
        let worse = waste(&[strong.clone(), starts(1, 0, 400, 4, 2)]).unwrap();
        assert_eq!(worse, Waste::default());
        let few = waste(&[strong.clone(), starts(1, 0, 49, 50, 2)]).unwrap();
        assert_eq!((few.proven_requests, few.unproven_requests), (0, 100));
        // Fifty good starts are evidence of a rate that may be 7 % lower.
        let wide = waste(&[starts(0, 1, 100, 101, 9), starts(1, 0, 50, 51, 2)]).unwrap();
        assert_eq!(wide, Waste::default());
    }

    #[test]
    fn heavy_work_and_unknown_tiers_are_none() {
        let planning: Vec<One> = (0..200).map(|_| (0, 1, 0, 1, true, 9, 500)).collect();
        assert_eq!(waste(&[planning]), Some(Waste::default()));
        assert_eq!(
            waste(&[starts(0, 0, 60, 9, 1), starts(0, 2, 60, 9, 1)]),
            None
        );
    }
}

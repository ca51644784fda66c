//! Requests that are alike before anything is decided: class, complexity, retrieval, fallbacks, paid or free. For
//! each stratum and tier it is counted how the requests went that ran there.

use hashbrown::HashMap;

use super::outcome::{MEASURES_LEN, Outcomes, Sums, merge_sums};
use crate::model::{Logged, Name, Names, Request};
use crate::policy::rule::TierIdx;
use crate::stats::Histogram;

/// So many requests of the whole class stand beside those of the stratum, and as many of the tier beside those of
/// the class.
const PSEUDO: f64 = 5.0;
/// How many bits the bands take behind the class.
const BANDS_BITS: u32 = 16;

/// What requests have in common that are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Stratum(u64);

impl Stratum {
    pub(super) fn of(request: &Request, names: &Names) -> Self {
        let signals = &request.signals;
        let quarter = |value: Logged<f64>| match value {
            Logged::Absent => 0,
            Logged::Null => 1,
            Logged::Value(value) if value < 0.25 => 2,
            Logged::Value(value) if value < 0.5 => 3,
            Logged::Value(value) if value < 0.75 => 4,
            Logged::Value(_) => 5,
        };
        let fallbacks = match signals.session_fallbacks.value() {
            None => 0,
            Some(0) => 1,
            Some(1 | 2) => 2,
            Some(_) => 3,
        };
        let paid = match signals.user_tier.value() {
            None => 0,
            Some(tier) => 1 + u64::from(names.text(tier) != "free"),
        };
        let class = request.task_class.map_or(0, Name::id);
        let bands = [
            quarter(signals.input_complexity),
            quarter(signals.retrieval_confidence),
            fallbacks,
            paid,
        ];
        let bands = bands.into_iter().fold(0, |bits, band| bits << 3 | band);
        Self(u64::from(class) << BANDS_BITS | bands)
    }

    /// Returns the class, as the number of its name; 0 is none.
    pub(super) fn class(self) -> u64 {
        self.0 >> BANDS_BITS
    }
}

/// How the requests went that ran on one tier, of a stratum or of more.
#[derive(Debug, Clone, Default)]
pub(super) struct Ran {
    pub(super) sums: Sums,
    pub(super) latency: Histogram,
    /// How long the first answers were, in tokens.
    pub(super) output: Histogram,
    requests: u64,
}

impl Ran {
    /// Returns how many requests that are.
    pub(super) fn len(&self) -> u64 {
        self.requests
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        merge_sums(&mut self.sums, &other.sums);
        self.latency.merge(&other.latency);
        self.output.merge(&other.output);
    }
}

/// What is counted by stratum and tier.
#[derive(Debug, Clone, Default)]
pub(super) struct Strata {
    ran: HashMap<(Stratum, TierIdx), Ran>,
}

impl Strata {
    /// Counts a request that ran on `tier`.
    pub(super) fn add(
        &mut self,
        stratum: Stratum,
        tier: TierIdx,
        went: &Outcomes,
        output_tokens: Option<u32>,
    ) {
        let ran = self.ran.entry((stratum, tier)).or_default();
        ran.requests += 1;
        for (sum, value) in ran.sums.iter_mut().zip(went.values) {
            sum.add(value);
        }
        if let Some(latency) = went.latency {
            ran.latency.record(latency);
        }
        if let Some(tokens) = output_tokens {
            // The sketch of spans is one of whole numbers.
            ran.output.record(crate::model::Micros(tokens.into()));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (key, ran) in &other.ran {
            self.ran.entry(*key).or_default().merge(ran);
        }
    }

    /// Sums up classes and tiers, for means that lean on them.
    pub(super) fn sum_up(self) -> Means {
        let mut means = Means::default();
        for ((stratum, tier), ran) in &self.ran {
            let class = (stratum.class(), *tier);
            means.classes.entry(class).or_default().merge(ran);
            means.tiers.entry(*tier).or_default().merge(ran);
        }
        means.strata = self.ran;
        means
    }
}

/// Means of strata, drawn towards those of their class, and these towards those of the tier.
#[derive(Debug, Default)]
pub(super) struct Means {
    strata: HashMap<(Stratum, TierIdx), Ran>,
    classes: HashMap<(u64, TierIdx), Ran>,
    tiers: HashMap<TierIdx, Ran>,
}

impl Means {
    pub(super) fn stratum(&self, stratum: Stratum, tier: TierIdx) -> Option<&Ran> {
        self.strata.get(&(stratum, tier))
    }

    pub(super) fn class(&self, class: u64, tier: TierIdx) -> Option<&Ran> {
        self.classes.get(&(class, tier))
    }

    pub(super) fn tier(&self, tier: TierIdx) -> Option<&Ran> {
        self.tiers.get(&tier)
    }

    /// Returns how many values of `part` there are in the stratum and their mean, drawn towards the class; `None`
    /// when the tier has none at all. `part` tells count and total; `own` is left out of the stratum.
    pub(super) fn mean(
        &self,
        stratum: Stratum,
        tier: TierIdx,
        own: Option<f64>,
        part: impl Fn(&Ran) -> (f64, f64),
    ) -> Option<(f64, f64)> {
        let of = |ran: Option<&Ran>| ran.map_or((0.0, 0.0), &part);
        let (n_tier, total_tier) = of(self.tier(tier));
        if n_tier <= 0.0 {
            return None;
        }
        let drawn =
            |(n, total): (f64, f64), towards: f64| (total + PSEUDO * towards) / (n + PSEUDO);
        let class = drawn(of(self.class(stratum.class(), tier)), total_tier / n_tier);
        let (n, total) = of(self.stratum(stratum, tier));
        let (n, total) = own.map_or((n, total), |own| ((n - 1.0).max(0.0), total - own));
        Some((n, drawn((n, total), class)))
    }

    /// Returns the mean of a measure in a stratum, as [`Means::mean`] does.
    pub(super) fn measure(
        &self,
        stratum: Stratum,
        tier: TierIdx,
        measure: usize,
        own: Option<f64>,
    ) -> Option<f64> {
        debug_assert!(measure < MEASURES_LEN, "a measure has a place");
        let part = |ran: &Ran| {
            let sum = ran.sums.get(measure).copied().unwrap_or_default();
            (sum.n, sum.total)
        };
        self.mean(stratum, tier, own, part).map(|(_, mean)| mean)
    }

    /// Returns the variance of the mean of a measure in a stratum.
    pub(super) fn variance(&self, stratum: Stratum, tier: TierIdx, measure: usize) -> f64 {
        let sum = |ran: Option<&Ran>| {
            ran.and_then(|ran| ran.sums.get(measure))
                .copied()
                .unwrap_or_default()
        };
        let own = sum(self.stratum(stratum, tier));
        // A handful of equal values says little of how much they vary: the class says more.
        let class = sum(self.class(stratum.class(), tier));
        class.variance().max(own.variance()) / (own.n + PSEUDO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::replay::outcome::FIRST_PASS;

    fn went(first_pass: f32) -> Outcomes {
        Outcomes {
            values: [first_pass, f32::NAN, f32::NAN, f32::NAN],
            latency: None,
        }
    }

    #[test]
    fn means_lean_on_the_class_and_leave_the_own_value_out() {
        let (one, other) = (Stratum(1 << BANDS_BITS | 3), Stratum(1 << BANDS_BITS | 4));
        let mut strata = Strata::default();
        for _ in 0..5 {
            strata.add(one, 0, &went(1.0), None);
            strata.add(other, 0, &went(0.0), None);
        }
        let means = strata.sum_up();
        let of = |stratum, own| means.measure(stratum, 0, FIRST_PASS, own).unwrap();
        // Five of the stratum, and five more at the mean of the class, which is a half.
        assert!((of(one, None) - 0.75).abs() < 1e-9);
        assert!((of(other, None) - 0.25).abs() < 1e-9);
        assert!((of(one, Some(1.0)) - 6.5 / 9.0).abs() < 1e-9);
        let unseen = Stratum(1 << BANDS_BITS | 7);
        assert!((of(unseen, None) - 0.5).abs() < 1e-9);
        assert_eq!(means.measure(one, 1, FIRST_PASS, None), None);
        assert!(
            means.variance(one, 0, FIRST_PASS) > 0.0,
            "equal values are not sure"
        );
    }
}

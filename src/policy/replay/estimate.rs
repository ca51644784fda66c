//! What would have become of the changed requests, with intervals.
//!
//! Where the chance of the logged tier is known: doubly robust (Robins, Rotnitzky and Zhao 1994, J. Am. Stat. Assoc.
//! 89:846): the mean of the stratum on the new tier, plus, for those that ran there, the weighted distance from it.
//! A request is left out of its own mean. Else the means of the strata alone, which assumes that the signals explain
//! why a tier was chosen. Unchanged requests keep their outcomes and add no variance; that of the others is taken
//! between sessions.

use hashbrown::HashMap;

use super::effect::{Effect, Estimate, Z};
use super::median::{Curve, median_delta};
use super::outcome::{CORRECTION, COST, ESCALATION, FIRST_PASS};
use super::sample::Changed;
use super::strata::{Means, Ran};
use crate::model::Micros;
use crate::stats::Histogram;

/// How it is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// With the chance of the logged tier.
    DoublyRobust,
    /// Without: by requests that are alike.
    MatchedStrata,
}

impl Method {
    /// Returns the words.
    pub fn words(self) -> &'static str {
        match self {
            Self::DoublyRobust => "doubly robust",
            Self::MatchedStrata => "matched strata",
        }
    }
}

/// What would have become of the requests; `None` where the log does not know such outcomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimated {
    /// How it is estimated.
    pub method: Method,
    /// How many changed requests ran on their new tier.
    pub supporting: u64,
    /// Of how many sessions one was used.
    pub one_session_in: u64,
    /// The share of first passes.
    pub first_pass: Option<Estimate>,
    /// The share of escalated requests.
    pub escalation: Option<Estimate>,
    /// The share of corrected requests.
    pub correction: Option<Estimate>,
    /// Dollars a request.
    pub cost_usd: Option<Estimate>,
    /// The median latency in milliseconds.
    pub latency_p50_ms: Option<Estimate>,
}

/// How many requests have a measure.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// Among all.
    pub(super) all: f64,
    /// Among the changed ones.
    pub(super) changed: f64,
}

/// Everything that an estimate is made of.
pub(super) struct Evidence<'a> {
    pub(super) method: Method,
    pub(super) kept: &'a [Changed],
    pub(super) means: &'a Means,
    /// For each measure.
    pub(super) known: [Known; 4],
    pub(super) known_latency: Known,
    /// Latency of all requests as logged.
    pub(super) latency: &'a Histogram,
}

impl Evidence<'_> {
    /// Estimates every measure; `supporting` requests ran on their new tier.
    pub(super) fn estimate(&self, supporting: u64, one_session_in: u64) -> Estimated {
        let measure = |measure| self.measure(measure).map(interval);
        Estimated {
            method: self.method,
            supporting,
            one_session_in,
            first_pass: measure(FIRST_PASS),
            escalation: measure(ESCALATION),
            correction: measure(CORRECTION),
            cost_usd: measure(COST),
            latency_p50_ms: median_delta(&Curve::of(self.latency), |border| {
                self.latency_up_to(border)
            }),
        }
    }

    fn measure(&self, measure: usize) -> Option<Effect> {
        let known = self.known.get(measure)?;
        let value = |changed: &Changed| {
            let value = f64::from(*changed.values.get(measure)?);
            (!value.is_nan()).then_some(value)
        };
        self.effect(
            *known,
            value,
            |changed, own| {
                self.means
                    .measure(changed.stratum, changed.tier, measure, own)
            },
            |changed| self.means.variance(changed.stratum, changed.tier, measure),
        )
    }

    /// The difference in the share of requests with a latency up to `border`.
    fn latency_up_to(&self, border: Micros) -> Option<Effect> {
        let value = |changed: &Changed| Some(f64::from(u8::from(changed.latency? <= border)));
        let mut shares: HashMap<_, Option<(f64, f64)>> = HashMap::new();
        for changed in self.kept {
            let key = (changed.stratum, changed.tier);
            shares.entry(key).or_insert_with(|| {
                self.means
                    .mean(key.0, key.1, None, |ran| share(ran, border))
            });
        }
        let mean = |changed: &Changed, own: Option<f64>| {
            let (n, mean) = (*shares.get(&(changed.stratum, changed.tier))?)?;
            // The same as leaving the own value out before the mean is drawn towards the class.
            let left_out = own.filter(|_| n >= 1.0);
            Some(left_out.map_or(mean, |own| (mean * (n + 5.0) - own) / (n + 4.0)))
        };
        let variance = |changed: &Changed| {
            let (n, mean) = shares
                .get(&(changed.stratum, changed.tier))
                .copied()
                .flatten()
                .unwrap_or((0.0, 0.5));
            mean * (1.0 - mean) / (n + 5.0)
        };
        self.effect(self.known_latency, value, mean, variance)
    }

    /// Sums up what each changed request adds, by session.
    fn effect(
        &self,
        known: Known,
        value: impl Fn(&Changed) -> Option<f64>,
        mean: impl Fn(&Changed, Option<f64>) -> Option<f64>,
        variance: impl Fn(&Changed) -> f64,
    ) -> Option<Effect> {
        if known.all <= 0.0 {
            return None;
        }
        if known.changed <= 0.0 {
            return None;
        }
        let mut sessions: HashMap<u64, (f64, f64)> = HashMap::new();
        let mut strata: HashMap<_, (f64, f64)> = HashMap::new();
        let (mut total, mut count) = (0.0, 0.0);
        for changed in self.kept {
            let Some(own) = value(changed) else { continue };
            let weight = if self.method == Method::DoublyRobust && !changed.weight.is_nan() {
                f64::from(changed.weight)
            } else {
                0.0
            };
            let is_counted_there = changed.is_there.then_some(own);
            let mean = mean(changed, is_counted_there)?;
            let added = mean + weight * (own - mean) - own;
            let session = sessions.entry(changed.cluster).or_default();
            session.0 += added;
            session.1 += 1.0;
            total += added;
            count += 1.0;
            if self.method == Method::MatchedStrata {
                let stratum = strata.entry((changed.stratum, changed.tier)).or_default();
                stratum.0 += 1.0;
                stratum.1 = variance(changed);
            }
        }
        if count <= 0.0 || sessions.len() < 2 {
            return None;
        }
        let each = total / count;
        let between: f64 = sessions
            .values()
            .map(|(sum, requests)| (sum - each * requests).powi(2))
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let groups = sessions.len() as f64;
        // Means of strata are estimates too, and the same one serves every request of its stratum.
        let of_means: f64 = strata
            .values()
            .map(|(requests, variance)| requests * requests * variance)
            .sum();
        let variance = (between * groups / (groups - 1.0) + of_means) / (count * count);
        let share = known.changed / known.all;
        Some(Effect {
            delta: each * share,
            error: variance.sqrt() * share,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn share(ran: &Ran, border: Micros) -> (f64, f64) {
    let latency = &ran.latency;
    (latency.count() as f64, latency.count_up_to(border) as f64)
}

fn interval(effect: Effect) -> Estimate {
    Estimate {
        value: effect.delta,
        low: effect.delta - Z * effect.error,
        high: effect.delta + Z * effect.error,
    }
}

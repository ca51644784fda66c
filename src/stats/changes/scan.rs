//! What every value and every pair of values should have had of bad requests, and what it had.

use super::normal::quantile_above;
use super::observations::{Observations, REQUESTS_MIN, Tuple};
use super::tally::{Tally, number};

/// The chance of blaming anybody where nothing is: when the total moved, and when it did not.
const FAMILY_MOVED: f64 = 0.05;
const FAMILY_STILL: f64 = 0.01;
/// What a pair of values has to be better by than a single one.
const PAIR_PENALTY: f64 = 2.0;
/// How many requests of the mix stand for what is not known of a context.
const CONTEXT_PRIOR: f64 = 10.0;
/// A slice that holds more of the window than this is the window.
const SHARE_MAX: f64 = 0.9;
/// So many requests a slice needs in the baseline.
const BEFORE_MIN: f64 = 10.0;
/// The smallest and largest rate that is reckoned with.
pub(super) const EDGE: f64 = 1e-4;

/// One value, or two of different attributes: the places of attributes with the codes of their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slice {
    One((usize, u16)),
    Two((usize, u16), (usize, u16)),
}

impl Slice {
    pub(super) fn parts(self) -> impl Iterator<Item = (usize, u16)> {
        let (first, second) = match self {
            Self::One(only) => (only, None),
            Self::Two(first, second) => (first, Some(second)),
        };
        std::iter::once(first).chain(second)
    }

    pub(super) fn holds(self, tuple: &Tuple) -> bool {
        self.parts()
            .all(|(attribute, code)| tuple.codes.get(attribute) == Some(&code))
    }
}

/// Counts of requests as numbers to reckon with, and what their contexts predict.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) before: f64,
    pub(super) before_bad: f64,
    pub(super) before_expected: f64,
    pub(super) after: f64,
    pub(super) after_bad: f64,
    pub(super) after_expected: f64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.before += other.before;
        self.before_bad += other.before_bad;
        self.before_expected += other.before_expected;
        self.after += other.after;
        self.after_bad += other.after_bad;
        self.after_expected += other.after_expected;
    }

    fn without(&self, other: &Self) -> Self {
        Self {
            before: self.before - other.before,
            before_bad: self.before_bad - other.before_bad,
            before_expected: self.before_expected - other.before_expected,
            after: self.after - other.after,
            after_bad: self.after_bad - other.after_bad,
            after_expected: self.after_expected - other.after_expected,
        }
    }

    /// Returns the baseline rate of these requests, moved to the mix of the window.
    fn moved_baseline(&self) -> f64 {
        let rate = self.after_expected / self.after.max(1.0) * (self.before_bad + 5.0)
            / (self.before_expected + 5.0);
        rate.clamp(EDGE, 1.0 - EDGE)
    }
}

/// Both windows, with what the mix alone predicts for each tuple.
pub(super) struct Ground<'o> {
    pub(super) observations: &'o Observations,
    /// For each tuple.
    pub(super) sums: Vec<Sums>,
    pub(super) total: Sums,
    /// By how much minutes scatter more than chance, at least 1.
    pub(super) dispersion: f64,
}

impl<'o> Ground<'o> {
    /// `context` are the places of the attributes that the expected rate of a request is taken from.
    pub(super) fn new(observations: &'o Observations, context: &[usize], dispersion: f64) -> Self {
        let (before, _) = observations.totals();
        let rate = (number(before.bad) + 0.5) / (number(before.requests) + 1.0);
        let context_of = |tuple: &Tuple| -> Vec<u16> {
            let codes = context.iter().filter_map(|at| tuple.codes.get(*at));
            codes.copied().collect()
        };
        let mut contexts: hashbrown::HashMap<Vec<u16>, Tally> = hashbrown::HashMap::new();
        for tuple in &observations.tuples {
            let tally = contexts.entry(context_of(tuple)).or_default();
            tally.join(tuple.before);
        }
        let sums: Vec<Sums> = observations
            .tuples
            .iter()
            .map(|tuple| {
                let known = contexts
                    .get(&context_of(tuple))
                    .copied()
                    .unwrap_or_default();
                let expected = (number(known.bad) + CONTEXT_PRIOR * rate)
                    / (number(known.requests) + CONTEXT_PRIOR);
                let (before, after) = (number(tuple.before.requests), number(tuple.after.requests));
                Sums {
                    before,
                    before_bad: number(tuple.before.bad),
                    before_expected: before * expected,
                    after,
                    after_bad: number(tuple.after.bad),
                    after_expected: after * expected,
                }
            })
            .collect();
        let mut total = Sums::default();
        for sum in &sums {
            total.add(sum);
        }
        Self {
            observations,
            sums,
            total,
            dispersion,
        }
    }

    /// Adds up the tuples that pass.
    pub(super) fn sum(&self, is_in: impl Fn(&Tuple) -> bool) -> Sums {
        let mut sum = Sums::default();
        for (tuple, of) in self.observations.tuples.iter().zip(&self.sums) {
            if is_in(tuple) {
                sum.add(of);
            }
        }
        sum
    }

    /// Tells by how many standard errors `slice` is worse than its baseline moved by what the `rest` did, and
    /// by how much a request.
    pub(super) fn excess_over(&self, slice: &Sums, rest: &Sums) -> (f64, f64) {
        let base = slice.moved_baseline();
        let shift = (rest.after_bad - rest.after_expected) / rest.after.max(1.0);
        let expected = (base + shift.max(0.0)).min(1.0 - EDGE);
        let n = slice.after;
        let variance =
            n * expected * (1.0 - expected) + n * n * base * (1.0 - base) / (slice.before + 5.0);
        let z = (slice.after_bad - n * expected) / (self.dispersion * variance).sqrt();
        (z, slice.after_bad / n.max(1.0) - expected)
    }
}

/// A slice that was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) slice: Slice,
    pub(super) sums: Sums,
    /// How much better it explains the window than its baseline does: a log likelihood ratio, discounted.
    pub(super) score: f64,
    pub(super) z: f64,
    /// Bad requests more than expected.
    pub(super) excess: f64,
}

/// All slices that were looked at, and from which `z` on one may be named.
pub(super) struct Scan {
    pub(super) candidates: Vec<Candidate>,
    pub(super) z_min: f64,
}

pub(super) fn scan(ground: &Ground, has_moved: bool) -> Scan {
    let attributes = &ground.observations.attributes;
    let mut candidates = Vec::new();
    for (first, (_, values)) in attributes.iter().enumerate() {
        let mut sums = vec![Sums::default(); values.len()];
        for (tuple, of) in ground.observations.tuples.iter().zip(&ground.sums) {
            let code = tuple.codes.get(first).copied().unwrap_or(0);
            if let Some(sum) = sums.get_mut(usize::from(code)) {
                sum.add(of);
            }
        }
        for (code, sum) in (0..).zip(&sums).skip(1) {
            candidates.extend(candidate(ground, Slice::One((first, code)), sum));
        }
    }
    for (first, (_, values)) in attributes.iter().enumerate() {
        for (second, (_, others)) in attributes.iter().enumerate().skip(first + 1) {
            let mut sums = vec![Sums::default(); values.len() * others.len()];
            for (tuple, of) in ground.observations.tuples.iter().zip(&ground.sums) {
                let code = |at: usize| tuple.codes.get(at).copied().map_or(0, usize::from);
                if let Some(sum) = sums.get_mut(code(first) * others.len() + code(second)) {
                    sum.add(of);
                }
            }
            for (row, sums) in (0..).zip(sums.chunks(others.len())).skip(1) {
                for (column, sum) in (0..).zip(sums).skip(1) {
                    let slice = Slice::Two((first, row), (second, column));
                    candidates.extend(candidate(ground, slice, sum));
                }
            }
        }
    }
    let family = if has_moved {
        FAMILY_MOVED
    } else {
        FAMILY_STILL
    };
    let tested = u64::try_from(candidates.len()).unwrap_or(u64::MAX).max(1);
    Scan {
        candidates,
        z_min: quantile_above(family / number(tested)),
    }
}

/// Judges a slice; `None` when it is too small, or nearly everything.
fn candidate(ground: &Ground, slice: Slice, sums: &Sums) -> Option<Candidate> {
    let total = &ground.total;
    if sums.after < number(REQUESTS_MIN)
        || sums.after >= SHARE_MAX * total.after
        || sums.before < BEFORE_MIN
    {
        return None;
    }
    let rest = total.without(sums);
    let base = sums.moved_baseline();
    // What the rest of the traffic came to, and what it should have.
    let seen = (rest.after_bad + 0.5) / (rest.after + 1.0);
    let due = (rest.after_expected + 0.5) / (rest.after + 1.0) * (rest.before_bad + 5.0)
        / (rest.before_expected + 5.0);
    let due = due.clamp(EDGE, 1.0 - EDGE);
    let by_odds = expit(logit(base) + logit(seen) - logit(due));
    let expected = by_odds.max(base + (seen - due)).clamp(base, 1.0 - EDGE);
    let n = sums.after;
    let excess = sums.after_bad - n * expected;
    let doubt = base * (1.0 - base) / (sums.before + 5.0) + seen * (1.0 - seen) / rest.after;
    let wald =
        excess / (ground.dispersion * (n * expected * (1.0 - expected) + n * n * doubt)).sqrt();
    let score = likelihood_ratio(sums.after_bad, n, expected)
        / (1.0 + n * doubt / (expected * (1.0 - expected)).max(1e-9))
        / ground.dispersion;
    let penalty = match slice {
        Slice::One(_) => 0.0,
        Slice::Two(..) => PAIR_PENALTY,
    };
    Some(Candidate {
        slice,
        sums: *sums,
        score: score - penalty,
        // The signed root of the likelihood ratio is honest where counts are small.
        z: wald.min((2.0 * score).sqrt() * excess.signum()),
        excess,
    })
}

fn logit(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

fn expit(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// Returns the log likelihood of `bad` of `n` at their own rate over that at `expected`; 0 where they are
/// not more than expected.
fn likelihood_ratio(bad: f64, n: f64, expected: f64) -> f64 {
    let rate = (bad / n).clamp(1e-9, 1.0 - 1e-9);
    if rate <= expected {
        return 0.0;
    }
    bad * (rate / expected).ln() + (n - bad) * ((1.0 - rate) / (1.0 - expected)).ln()
}

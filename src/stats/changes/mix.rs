//! What changed in the make-up of the traffic, whatever became of it.

use std::sync::Arc;

use super::moved::Reach;
use super::scan::Ground;
use super::tally::number;
use crate::model::Timestamp;

/// From so many standard deviations on an attribute's shares have moved (Wilson and Hilferty 1931).
const MOVED_Z: f64 = 3.5;
/// How many requests of the whole stand for what is not known of a value.
const VALUE_PRIOR: f64 = 20.0;
/// What each further value of an attribute has to explain.
const VALUE_PENALTY: f64 = 0.03;

/// A value whose share of the requests moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// The attribute.
    pub attribute: String,
    /// Its value.
    pub value: Arc<str>,
    /// Its share of the requests in the baseline, 0 to 1.
    pub before: f64,
    /// Its share in the window.
    pub after: f64,
    /// Since when, where that is clear.
    pub at: Option<Timestamp>,
    /// Where.
    pub reach: Reach,
}

/// The shares of one attribute's values.
struct Shares {
    before: Vec<f64>,
    after: Vec<f64>,
    before_bad: Vec<f64>,
}

impl Shares {
    fn of(ground: &Ground, attribute: usize, values: usize) -> Self {
        let mut shares = Self {
            before: vec![0.0; values],
            after: vec![0.0; values],
            before_bad: vec![0.0; values],
        };
        let total = &ground.total;
        for (tuple, sums) in ground.observations.tuples.iter().zip(&ground.sums) {
            let place = tuple.codes.get(attribute).copied().map_or(0, usize::from);
            for (into, by) in [
                (&mut shares.before, sums.before / total.before),
                (&mut shares.after, sums.after / total.after),
                (&mut shares.before_bad, sums.before_bad),
            ] {
                if let Some(into) = into.get_mut(place) {
                    *into += by;
                }
            }
        }
        shares
    }

    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        self.before.iter().copied().zip(self.after.iter().copied())
    }

    /// Returns by how many standard deviations the shares have moved more than chance moves them.
    fn moved_by(&self, before: f64, after: f64) -> f64 {
        let values = u64::try_from(self.before.len()).unwrap_or(u64::MAX);
        let freedom = number(values).max(2.0) - 1.0;
        let chi: f64 = self
            .pairs()
            .map(|(was, is)| (is - was).powi(2) * after / was.max(1e-6) / (1.0 + after / before))
            .sum();
        let spread = 2.0 / (9.0 * freedom);
        ((chi / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
    }
}

fn standard_error(was: f64, is: f64, before: f64, after: f64) -> f64 {
    (was * (1.0 - was) / before + is * (1.0 - is) / after + 1e-12).sqrt()
}

/// Returns the attribute whose make-up explains the most of a rise of `rise` bad requests, with the value that
/// grew most.
pub(super) fn explain(ground: &Ground, rate: f64, rise: f64) -> Option<Shift> {
    let (before, after) = (ground.total.before, ground.total.after);
    let mut best: Option<(f64, Shift)> = None;
    for (place, (attribute, values)) in ground.observations.attributes.iter().enumerate() {
        let shares = Shares::of(ground, place, values.len());
        if shares.moved_by(before, after) <= MOVED_Z {
            continue;
        }
        let explained: f64 = shares
            .pairs()
            .zip(&shares.before_bad)
            .map(|((was, is), bad)| {
                let own = (bad + VALUE_PRIOR * rate) / (was * before + VALUE_PRIOR);
                (is - was) * (own - rate)
            })
            .sum();
        let freedom = number(u64::try_from(values.len()).unwrap_or(2)).max(2.0) - 1.0;
        let score = (explained * after / rise).min(1.0) - VALUE_PENALTY * freedom;
        let grown = shares
            .pairs()
            .map(|(was, is)| (is - was) / standard_error(was, is, before, after))
            .zip(shares.pairs().zip(values))
            .max_by(|one, other| one.0.total_cmp(&other.0));
        let Some((_, ((was, is), value))) = grown else {
            continue;
        };
        if best.as_ref().is_none_or(|(known, _)| score > *known) {
            let shift = Shift {
                attribute: attribute.clone(),
                value: value.clone(),
                before: was,
                after: is,
                at: None,
                reach: Reach::default(),
            };
            best = Some((score, shift));
        }
    }
    best.map(|(_, shift)| shift)
}

/// Returns the values whose share moved beyond chance, the furthest first, at most `most`.
pub(super) fn shifts(ground: &Ground, z_min: f64, most: usize) -> Vec<Shift> {
    let (before, after) = (ground.total.before, ground.total.after);
    let mut moved: Vec<(f64, Shift)> = Vec::new();
    for (place, (attribute, values)) in ground.observations.attributes.iter().enumerate() {
        let shares = Shares::of(ground, place, values.len());
        for ((was, is), value) in shares.pairs().zip(values).skip(1) {
            let z = (is - was).abs() / standard_error(was, is, before, after);
            if z / ground.dispersion.sqrt() > z_min {
                let shift = Shift {
                    attribute: attribute.clone(),
                    value: value.clone(),
                    before: was,
                    after: is,
                    at: None,
                    reach: Reach::default(),
                };
                moved.push((z, shift));
            }
        }
    }
    moved.sort_by(|one, other| other.0.total_cmp(&one.0));
    moved.truncate(most);
    moved.into_iter().map(|(_, shift)| shift).collect()
}

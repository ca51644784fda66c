//! The requests of both windows, counted by what they have in common.

use std::sync::Arc;

use hashbrown::HashMap;

use super::super::{Slice, Slices};
use super::metric::{Limits, Metric};
use super::tally::Tally;

/// How many requests in the window a value needs to be told apart from other rare ones.
pub(super) const REQUESTS_MIN: u64 = 20;
/// How many values of one attribute are told apart: the most frequent in the window.
const VALUES_MAX: usize = 255;
/// The attribute by whose values latencies are judged.
pub(super) const MODEL: &str = "first_model";
/// What rare values are called together.
const REST: &str = "(other)";

/// The requests of both windows by tuple of attributes.
#[derive(Debug)]
pub struct Observations {
    pub(super) metric: Metric,
    /// Each attribute with its values; value 0 stands for all that are too rare.
    pub(super) attributes: Vec<(String, Vec<Arc<str>>)>,
    pub(super) tuples: Vec<Tuple>,
    /// For each first model.
    limits: HashMap<Arc<str>, Limits>,
}

/// Requests that are alike in all attributes.
#[derive(Debug)]
pub(super) struct Tuple {
    /// The place of each attribute's value.
    pub(super) codes: Vec<u16>,
    pub(super) before: Tally,
    pub(super) after: Tally,
}

impl Observations {
    /// Counts the bad requests of both windows, which are cut by the same attributes.
    pub fn new(metric: Metric, before: &Slices, after: &Slices) -> Self {
        let model = before.attributes.iter().position(|name| name == MODEL);
        let limits = match metric {
            Metric::Latency => limits(before, model),
            _ => HashMap::new(),
        };
        let attributes: Vec<(usize, String, Vec<Arc<str>>)> = after
            .attributes
            .iter()
            .enumerate()
            .filter_map(|(place, name)| {
                let values = frequent(before, after, place);
                // What all requests share tells none of them apart.
                (values.len() > 1).then(|| (place, name.clone(), values))
            })
            .collect();
        let codes: Vec<HashMap<Arc<str>, u16>> = attributes
            .iter()
            .map(|(_, _, values)| values.iter().cloned().zip(0..).skip(1).collect())
            .collect();
        let mut tuples: Vec<Tuple> = Vec::new();
        let mut known: HashMap<Vec<u16>, usize> = HashMap::new();
        for (slices, is_after) in [(before, false), (after, true)] {
            for slice in &slices.slices {
                let tally = metric.tally(&slice.counts, limits_of(&limits, slice, model));
                if tally.requests == 0 {
                    continue;
                }
                let key: Vec<u16> = attributes
                    .iter()
                    .zip(&codes)
                    .map(|((place, _, _), codes)| {
                        let value = slice.values.get(*place);
                        value
                            .and_then(|value| codes.get(value))
                            .map_or(0, |code| *code)
                    })
                    .collect();
                let place = *known.entry(key).or_insert_with_key(|key| {
                    tuples.push(Tuple {
                        codes: key.clone(),
                        before: Tally::default(),
                        after: Tally::default(),
                    });
                    tuples.len() - 1
                });
                if let Some(tuple) = tuples.get_mut(place) {
                    if is_after {
                        tuple.after.join(tally);
                    } else {
                        tuple.before.join(tally);
                    }
                }
            }
        }
        let attributes = attributes
            .into_iter()
            .map(|(_, name, values)| (name, values))
            .collect();
        Self {
            metric,
            attributes,
            tuples,
            limits,
        }
    }

    /// Counts the bad ones of requests that are cut by their first model only.
    pub fn tally(&self, by_model: &Slices) -> Tally {
        let mut sum = Tally::default();
        for slice in &by_model.slices {
            let limits = limits_of(&self.limits, slice, Some(0));
            sum.join(self.metric.tally(&slice.counts, limits));
        }
        sum
    }

    /// Returns all requests of each side.
    pub(super) fn totals(&self) -> (Tally, Tally) {
        let mut totals = (Tally::default(), Tally::default());
        for tuple in &self.tuples {
            totals.0.join(tuple.before);
            totals.1.join(tuple.after);
        }
        totals
    }
}

/// Returns the values of an attribute that are frequent enough in the window, behind the name of the rest.
fn frequent(before: &Slices, after: &Slices, place: usize) -> Vec<Arc<str>> {
    let mut counted: HashMap<&Arc<str>, u64> = HashMap::new();
    for (slices, weight) in [(before, 0), (after, 1)] {
        for slice in &slices.slices {
            if let Some(value) = slice.values.get(place) {
                *counted.entry(value).or_default() += weight * slice.counts.requests();
            }
        }
    }
    if counted.len() < 2 {
        return Vec::new();
    }
    let mut frequent: Vec<(u64, &Arc<str>)> = counted
        .into_iter()
        .filter(|(_, requests)| *requests >= REQUESTS_MIN)
        .map(|(value, requests)| (requests, value))
        .collect();
    frequent.sort_unstable_by(|one, other| other.cmp(one));
    frequent.truncate(VALUES_MAX);
    let mut values: Vec<Arc<str>> = frequent
        .into_iter()
        .map(|(_, value)| value.clone())
        .collect();
    values.sort_unstable();
    values.retain(|value| **value != *REST);
    values.insert(0, Arc::from(REST));
    values
}

fn limits(before: &Slices, model: Option<usize>) -> HashMap<Arc<str>, Limits> {
    let mut by_model: HashMap<Arc<str>, Vec<&Slice>> = HashMap::new();
    for slice in &before.slices {
        by_model
            .entry(model_of(slice, model))
            .or_default()
            .push(slice);
    }
    by_model
        .into_iter()
        .map(|(model, slices)| {
            let counts = slices.iter().map(|slice| &slice.counts);
            (model, Limits::of_baseline(counts))
        })
        .collect()
}

fn limits_of<'l>(
    limits: &'l HashMap<Arc<str>, Limits>,
    slice: &Slice,
    model: Option<usize>,
) -> Option<&'l Limits> {
    limits.get(&model_of(slice, model))
}

fn model_of(slice: &Slice, model: Option<usize>) -> Arc<str> {
    let value = model.and_then(|place| slice.values.get(place));
    value.cloned().unwrap_or_else(|| Arc::from(REST))
}

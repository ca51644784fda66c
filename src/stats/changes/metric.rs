//! What can have become worse.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::super::state::State;
use super::super::{Load, SliceCounts};
use super::tally::{Tally, number};

/// The share of a model's answers of one length that were faster than the limit in the baseline.
const LIMIT_SHARE: f64 = 0.9;
/// Below so many answers of one length, those of all lengths of the model set the limit.
const ANSWERS_MIN: u64 = 30;

/// A share of requests that may have risen; each is of bad ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Metric {
    /// Those with an escalation, of those with an attempt.
    #[default]
    Escalation,
    /// Those not completed by one call, or corrected, of the finished ones.
    FirstPass,
    /// Those that were corrected, of those that could have been.
    Correction,
    /// Those that failed, of the finished ones.
    Failure,
    /// Those slower than nine of ten were in the baseline, of the same model and length of answer.
    Latency,
}

impl Metric {
    /// Every metric with its word.
    pub const WORDS: [(Self, &'static str); 5] = [
        (Self::Escalation, "escalation"),
        (Self::FirstPass, "first_pass"),
        (Self::Correction, "correction"),
        (Self::Failure, "failure"),
        (Self::Latency, "latency"),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// Returns what the share is of, as a clause.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Escalation => "escalated",
            Self::FirstPass => "without a first-pass success",
            Self::Correction => "corrected",
            Self::Failure => "failed",
            Self::Latency => "slower than 9 of 10 were before",
        }
    }

    /// Tells whether a request counts as a bad one; of latency, whether it can be judged at all.
    pub fn is_bad(self, state: State) -> bool {
        match self {
            Self::Escalation => state.has(State::ATTEMPTED | State::ESCALATED),
            Self::FirstPass => state.is_finished() && !state.has(State::FIRST_PASS),
            Self::Correction => state.has(State::CORRECTABLE | State::CORRECTED),
            Self::Failure => state.has(State::FAILED),
            Self::Latency => state.has(State::LATENCY_KNOWN),
        }
    }

    /// Counts the bad requests of a slice; `None` when that takes a baseline.
    pub fn plain_tally(self, counts: &SliceCounts) -> Option<Tally> {
        (self != Self::Latency).then(|| self.tally(counts, None))
    }

    /// Counts the bad requests of a slice; `limits` are those of its model.
    pub(super) fn tally(self, counts: &SliceCounts, limits: Option<&Limits>) -> Tally {
        let count = |all: fn(State) -> bool| Tally {
            requests: counts.count(all),
            bad: counts.count(|state| self.is_bad(state)),
        };
        match self {
            Self::Escalation => count(|state| state.has(State::ATTEMPTED)),
            Self::FirstPass | Self::Failure => count(State::is_finished),
            Self::Correction => count(|state| state.has(State::CORRECTABLE)),
            Self::Latency => {
                let mut tally = Tally::default();
                for (_, load, requests) in counts.loads().filter(|row| row.1.is_comparable()) {
                    let Some(limit) = limits.and_then(|limits| limits.of(load)) else {
                        continue;
                    };
                    tally.requests += requests;
                    tally.bad += if load.latency > limit { requests } else { 0 };
                }
                tally
            }
        }
    }
}

/// Beyond which bucket of latency an answer of one model is slow, by band of its length.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    by_length: HashMap<u8, u8>,
    whole: Option<u8>,
}

impl Limits {
    /// Works them out from the answers of the baseline.
    pub(super) fn of_baseline<'c>(counts: impl Iterator<Item = &'c SliceCounts>) -> Self {
        let mut by_length: BTreeMap<u8, BTreeMap<u8, u64>> = BTreeMap::new();
        let mut whole: BTreeMap<u8, u64> = BTreeMap::new();
        for counts in counts {
            for (_, load, requests) in counts.loads().filter(|row| row.1.is_comparable()) {
                let lengths = by_length.entry(load.length).or_default();
                *lengths.entry(load.latency).or_default() += requests;
                *whole.entry(load.latency).or_default() += requests;
            }
        }
        Self {
            whole: quantile(&whole),
            by_length: by_length
                .iter()
                .filter(|(_, buckets)| buckets.values().sum::<u64>() >= ANSWERS_MIN)
                .filter_map(|(length, buckets)| Some((*length, quantile(buckets)?)))
                .collect(),
        }
    }

    fn of(&self, load: Load) -> Option<u8> {
        self.by_length.get(&load.length).copied().or(self.whole)
    }
}

/// Returns the bucket in which the limit lies.
fn quantile(buckets: &BTreeMap<u8, u64>) -> Option<u8> {
    let total: u64 = buckets.values().sum();
    let mut below = 0;
    buckets
        .iter()
        .find(|(_, requests)| {
            below += **requests;
            number(below) >= LIMIT_SHARE * number(total)
        })
        .map(|(bucket, _)| *bucket)
}

//! What is counted of a slice.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::state::State;
use super::super::{Histogram, Rate};
use super::Load;
use super::cost::rounded;
use crate::model::{NanoUsd, Window};

/// Requests in one state, and what they cost, each cost to its seven leading bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many.
    pub requests: i64,
    /// What those of known cost cost, in nano-dollars.
    pub cost_nano: i64,
}

impl Usage {
    /// Returns that of one request of that cost; 0 where it is not wholly known.
    pub fn of(cost: Option<NanoUsd>) -> Self {
        Self {
            requests: 1,
            cost_nano: cost.map_or(0, |cost| rounded(cost).0),
        }
    }
}

/// Requests that share something, by state; every count follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SliceCounts {
    states: BTreeMap<State, Usage>,
    /// Completed requests by whether nobody corrected them, and load.
    loads: BTreeMap<(bool, Load), i64>,
}

impl SliceCounts {
    /// Adds requests in one state; a negative number takes them away.
    pub fn add(&mut self, state: State, usage: Usage) {
        let into = self.states.entry(state).or_default();
        into.requests = into.requests.saturating_add(usage.requests);
        into.cost_nano = into.cost_nano.saturating_add(usage.cost_nano);
        if *into == Usage::default() {
            self.states.remove(&state);
        }
    }

    /// Adds completed requests of one load; a negative number takes them away.
    pub fn add_load(&mut self, state: State, load: Load, requests: i64) {
        let key = (state.is_success(), load);
        let into = self.loads.entry(key).or_default();
        *into = into.saturating_add(requests);
        if *into == 0 {
            self.loads.remove(&key);
        }
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (state, usage) in &other.states {
            self.add(*state, *usage);
        }
        for ((is_success, load), requests) in &other.loads {
            let into = self.loads.entry((*is_success, *load)).or_default();
            *into = into.saturating_add(*requests);
        }
    }

    /// Tells whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Returns the requests by state.
    pub fn states(&self) -> impl Iterator<Item = (State, Usage)> {
        self.states.iter().map(|(state, usage)| (*state, *usage))
    }

    /// Returns completed requests by whether nobody corrected them, and load.
    pub fn loads(&self) -> impl Iterator<Item = (bool, Load, u64)> {
        self.loads
            .iter()
            .map(|((is_success, load), n)| (*is_success, *load, u64::try_from(*n).unwrap_or(0)))
    }

    /// Returns how many requests are in a state that `is` holds of.
    pub fn count(&self, is: impl Fn(State) -> bool) -> u64 {
        let counted = self.states.iter().filter(|(state, _)| is(**state));
        let sum: i64 = counted.map(|(_, usage)| usage.requests).sum();
        u64::try_from(sum).unwrap_or(0)
    }

    /// Returns how many requests there are.
    pub fn requests(&self) -> u64 {
        self.count(|_| true)
    }

    fn rate(&self, of: State, among: impl Fn(State) -> bool) -> Rate {
        Rate::new(self.count(|state| state.has(of)), self.count(among))
    }

    /// Returns the share completed by one call and not corrected, of the finished ones.
    pub fn first_pass(&self) -> Rate {
        self.rate(State::FIRST_PASS, State::is_finished)
    }

    /// Returns the share that failed, of the finished ones.
    pub fn failure(&self) -> Rate {
        self.rate(State::FAILED, State::is_finished)
    }

    /// Returns the share with an escalation, of those with an attempt.
    pub fn escalation(&self) -> Rate {
        self.rate(State::ESCALATED, |state| state.has(State::ATTEMPTED))
    }

    /// Returns the share with an unavailable model, of those with an attempt.
    pub fn fallback(&self) -> Rate {
        self.rate(State::FALLBACK, |state| state.has(State::ATTEMPTED))
    }

    /// Returns the share that was corrected, of those that could have been.
    pub fn correction(&self) -> Rate {
        let of = State::CORRECTABLE;
        self.rate(of | State::CORRECTED, |state| state.has(of))
    }

    /// Returns what the requests of known cost cost, each within 0.8 %, and how many they are; `None` when there
    /// is none.
    pub fn cost(&self) -> Option<(NanoUsd, u64)> {
        let known = self.count(|state| state.has(State::COST_KNOWN));
        let sum = self
            .states
            .values()
            .fold(0_i64, |sum, usage| sum.saturating_add(usage.cost_nano));
        (known > 0).then_some((NanoUsd(sum), known))
    }

    /// Returns the cost over the completed ones, of the requests of known cost, in dollars.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn cost_per_completed_usd(&self) -> Option<f64> {
        let completed = self.count(|state| state.has(State::COST_KNOWN | State::COMPLETED));
        let (cost, _) = self.cost()?;
        (completed > 0).then(|| cost.as_usd() / completed as f64)
    }

    /// Returns the latency of completed requests, each taken for the middle of its bucket: within 6.3 %.
    pub fn latency(&self) -> Histogram {
        let mut latency = Histogram::default();
        for (_, load, requests) in self.loads() {
            latency.record_many(load.middle(), requests);
        }
        latency
    }
}

/// One slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Its value of each attribute asked about.
    pub values: Vec<Arc<str>>,
    /// What is counted of it.
    pub counts: SliceCounts,
}

/// A window cut into slices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slices {
    /// The window, in whole minutes.
    pub window: Window,
    /// The attributes asked about.
    pub attributes: Vec<String>,
    /// The slices, most requests first.
    pub slices: Vec<Slice>,
}

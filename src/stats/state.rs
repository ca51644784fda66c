//! What of a request is counted: its yes/no facts as one number, its cost and its latency.

use std::ops::BitOr;

use crate::model::{Flags, Micros, NanoUsd, Outcome, Request};

/// The yes/no facts by which a request is counted.
///
/// Bits are part of the store's format: they are only ever added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct State(pub u16);

impl State {
    /// Answered.
    pub const COMPLETED: Self = Self(1);
    /// Not answered.
    pub const FAILED: Self = Self(1 << 1);
    /// Given up by the caller; without any of these three it is unfinished.
    pub const CANCELLED: Self = Self(1 << 2);
    /// With at least one attempt.
    pub const ATTEMPTED: Self = Self(1 << 3);
    /// Completed, by exactly one call, not corrected.
    pub const FIRST_PASS: Self = Self(1 << 4);
    /// Completed on one tier, retries for want of availability forgiven, not corrected.
    pub const FIRST_PASS_LENIENT: Self = Self(1 << 5);
    /// With at least one escalation.
    pub const ESCALATED: Self = Self(1 << 6);
    /// With at least one unavailable model.
    pub const FALLBACK: Self = Self(1 << 7);
    /// Completed, from a source that carries corrections.
    pub const CORRECTABLE: Self = Self(1 << 8);
    /// Of those, corrected within the window.
    pub const CORRECTED: Self = Self(1 << 9);
    /// Completed or failed, from a source that carries no corrections.
    pub const UNCORRECTABLE: Self = Self(1 << 10);
    /// With wholly known cost.
    pub const COST_KNOWN: Self = Self(1 << 11);
    /// With a cost some of which a price table told.
    pub const COST_ESTIMATED: Self = Self(1 << 12);
    /// Completed, with known latency.
    pub const LATENCY_KNOWN: Self = Self(1 << 13);

    /// Tells whether every fact of `other` is among them.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Tells whether the request was completed or failed.
    pub const fn is_finished(self) -> bool {
        self.has(Self::COMPLETED) || self.has(Self::FAILED)
    }

    /// Tells whether nothing is known of how the request ended.
    pub const fn is_unfinished(self) -> bool {
        !self.is_finished() && !self.has(Self::CANCELLED)
    }

    /// Tells whether the request was answered, and nobody corrected the answer.
    pub const fn is_success(self) -> bool {
        self.has(Self::COMPLETED) && !self.has(Self::CORRECTED)
    }

    /// Returns the facts if `condition` holds, else none.
    const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self(0) }
    }
}

impl BitOr for State {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What of one request is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Its yes/no facts.
    pub state: State,
    /// Its cost, where wholly known.
    pub cost: Option<NanoUsd>,
    /// Its latency, where known and the request completed.
    pub latency: Option<Micros>,
}

impl Figures {
    /// Reads them off a request as far as it is known.
    pub fn of(request: &Request) -> Self {
        let is_completed = request.outcome == Some(Outcome::Completed);
        let is_failed = request.outcome == Some(Outcome::Failed);
        let is_attempted = !request.attempts.is_empty();
        let is_corrected = request.is_corrected();
        let is_correctable = request.flags.has(Flags::CORRECTABLE) || request.correction.is_some();
        let cost = request.cost();
        let latency = is_completed.then(|| request.latency()).flatten();
        let is_estimated = cost.is_some() && request.flags.has(Flags::COST_ESTIMATED);
        let facts = [
            (State::COMPLETED, is_completed),
            (State::FAILED, is_failed),
            (
                State::CANCELLED,
                request.outcome == Some(Outcome::Cancelled),
            ),
            (State::ATTEMPTED, is_attempted),
            (State::FIRST_PASS, !is_corrected && request.is_single_pass()),
            (
                State::FIRST_PASS_LENIENT,
                !is_corrected && request.is_single_tier_pass(),
            ),
            (State::ESCALATED, is_attempted && request.is_escalated()),
            (State::FALLBACK, is_attempted && request.is_fallback()),
            (State::CORRECTABLE, is_completed && is_correctable),
            (State::CORRECTED, is_completed && is_corrected),
            (
                State::UNCORRECTABLE,
                (is_completed || is_failed) && !is_correctable,
            ),
            (State::COST_KNOWN, cost.is_some()),
            (State::COST_ESTIMATED, is_estimated),
            (State::LATENCY_KNOWN, latency.is_some()),
        ];
        let state = facts
            .into_iter()
            .fold(State::default(), |state, (fact, is)| state | fact.when(is));
        Self {
            state,
            cost,
            latency,
        }
    }
}

//! What a replay tells.

use super::estimate::Estimated;
use super::price::Priced;
use super::refusal::Refusal;

/// Stored decisions against the policies that they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordedCounts {
    /// Decided as the policy says.
    pub agrees: u64,
    /// Decided by a logged coin.
    pub explore: u64,
    /// By another rule than the policy says.
    pub drift_rule: u64,
    /// With a model that neither the rule, a coin nor availability explains.
    pub drift_model: u64,
    /// No policy is recorded, or its text is not known.
    pub unknown_policy: u64,
    /// The log lacks signals that would change the tier.
    pub undecidable: u64,
}

impl RecordedCounts {
    /// Adds other decisions.
    pub(super) fn merge(&mut self, other: Self) {
        self.agrees += other.agrees;
        self.explore += other.explore;
        self.drift_rule += other.drift_rule;
        self.drift_model += other.drift_model;
        self.unknown_policy += other.unknown_policy;
        self.undecidable += other.undecidable;
    }
}

/// Requests that go from one place to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where they went.
    pub from: String,
    /// Where they would go.
    pub to: String,
    /// How many.
    pub requests: u64,
}

/// One tier: how many of the requests that can be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierCount {
    /// Its name; of a request that records none, the model.
    pub tier: String,
    /// Went there by the rules of the policies that they name, or as logged where no text is known.
    pub went: u64,
    /// Would go there.
    pub would_go: u64,
}

/// One task class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassCount {
    /// Its name.
    pub class: String,
    /// All requests of it.
    pub requests: u64,
    /// Those that go elsewhere.
    pub changed: u64,
}

/// Requests that cannot be decided for want of signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndecidableCount {
    /// The tiers they may go to, weakest first.
    pub tiers: Vec<String>,
    /// How many.
    pub requests: u64,
}

/// What an edited policy would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The id of the edited policy.
    pub policy: String,
    /// All requests of the window.
    pub requests: u64,
    /// Those that cannot be decided, most first.
    pub undecidable: Vec<UndecidableCount>,
    /// Stored decisions against the policies that they name.
    pub recorded: RecordedCounts,
    /// Requests that go elsewhere.
    pub changed: u64,
    /// How many went to each tier and would go there, weakest tier first.
    pub split: Vec<TierCount>,
    /// From tier to tier, most first.
    pub tiers: Vec<Move>,
    /// From rule to rule, most first.
    pub rules: Vec<Move>,
    /// By class, most changed first.
    pub classes: Vec<ClassCount>,
    /// What the first calls would cost; an error says why that is not known.
    pub priced: Result<Priced, String>,
    /// What would have become of them; an error says why that is not estimated.
    pub estimated: Result<Estimated, Refusal>,
    /// Requests that come after a changed one in their session and whose `session_fallbacks` could differ; `None`: no
    /// rule asks for that.
    pub later_in_session: Option<u64>,
}

impl Replayed {
    /// Returns how many requests cannot be decided.
    pub fn undecidable_len(&self) -> u64 {
        self.undecidable.iter().map(|count| count.requests).sum()
    }

    /// Returns what no log can tell, in sentences without a full stop.
    pub fn never_knowable(&self) -> Vec<String> {
        let mut lines = vec!["how users behave after other answers than those they got".to_owned()];
        lines.extend(self.later_in_session.map(|later| {
            format!(
                "session_fallbacks of the {later} requests that come after a changed one in their session"
            )
        }));
        lines.push("rate limits and caches under another load".to_owned());
        lines.push("prices and models that changed meanwhile".to_owned());
        lines
    }
}

//! What a policy consists of once its words are understood.

use super::span::Span;
use super::vocabulary::{SignalIdx, Trigger};
use crate::stats::Given;

/// The place of a tier in [`super::Policy::tiers`], from the weakest to the strongest.
pub type TierIdx = usize;

/// A strength of model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// The models that count as this tier, the default first.
    pub models: Vec<String>,
}

/// How a number is compared with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Greater.
    Above,
    /// Less.
    Below,
    /// Greater or equal.
    AtLeast,
    /// Less or equal.
    AtMost,
}

impl Comparison {
    /// Every comparison with its words in a policy and its operator in JSON.
    pub const WORDS: [(Self, &'static str, &'static str); 4] = [
        (Self::Above, "above", ">"),
        (Self::Below, "below", "<"),
        (Self::AtLeast, "at least", ">="),
        (Self::AtMost, "at most", "<="),
    ];

    /// Returns the operator.
    pub fn operator(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.2)
    }

    /// Tells whether `value` passes.
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::Below => value < threshold,
            Self::AtLeast => value >= threshold,
            Self::AtMost => value <= threshold,
        }
    }

    /// Returns the signed distance of `value` to the threshold; positive passes.
    pub fn margin(self, value: f64, threshold: f64) -> f64 {
        match self {
            Self::Above | Self::AtLeast => value - threshold,
            Self::Below | Self::AtMost => threshold - value,
        }
    }

    /// Tells whether a low value passes.
    pub fn is_of_low_values(self) -> bool {
        matches!(self, Self::Below | Self::AtMost)
    }
}

/// What a clause asks of its signal.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// The word is one of some.
    OneOf {
        /// For each word of the signal whether it is one of them.
        words: Vec<bool>,
        /// Whether it must be none of them.
        is_negated: bool,
    },
    /// The word stands at this place of an ordered list, or behind it.
    AtLeastWord(usize),
    /// It is yes, or it is no.
    Is(bool),
    /// The number compares so with a threshold.
    Compare {
        /// How.
        comparison: Comparison,
        /// With what.
        threshold: f64,
    },
    /// The value is known, or it is not.
    IsKnown(bool),
}

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The signal asked.
    pub signal: SignalIdx,
    /// What is asked of it.
    pub test: Test,
    /// The clause as written.
    pub text: String,
}

/// One rule: a tier for the requests of which every clause holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its clauses; `otherwise` has none.
    pub clauses: Vec<Clause>,
    /// The tier.
    pub tier: TierIdx,
    /// Why.
    pub because: Option<String>,
    /// Where its name stands.
    pub span: Span,
}

/// A step to another tier that the policy allows.
#[derive(Debug, Clone, PartialEq)]
pub struct Escalation {
    /// From this tier.
    pub from: TierIdx,
    /// To this one.
    pub to: TierIdx,
    /// When this happens.
    pub trigger: Trigger,
    /// And these hold.
    pub clauses: Vec<Clause>,
    /// Why.
    pub because: Option<String>,
    /// Where the line stands.
    pub span: Span,
}

/// Logged coin flips between two tiers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explore {
    /// The share of requests that a fair coin decides, 0 to 1.
    pub share: f64,
    /// The two tiers.
    pub between: [TierIdx; 2],
}

/// A test in the file: which rule must decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// The rule.
    pub rule: String,
    /// Of such a request: signals with their values; any other is unknown.
    pub signals: Vec<(SignalIdx, Given)>,
    /// The line as written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

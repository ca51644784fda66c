//! The six boring confidence signals of a decision, and whatever else a router logged beside them.

use super::Name;

/// What a log says of one fact: nothing, that it was not known, or its value.
///
/// The difference matters to a policy: a signal logged as null *decides* as unknown, an absent one
/// may leave the decision undecidable.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Logged<T> {
    /// The log has no such field.
    #[default]
    Absent,
    /// The log says null.
    Null,
    /// The log has a value.
    Value(T),
}

impl<T: Copy> Logged<T> {
    /// Returns the value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Tells whether the log says nothing at all.
    pub fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// The value of a signal that is not one of the six.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SignalValue {
    /// The log says null.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// A short text.
    Text(Name),
}

/// The signals of one decision, as logged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signals {
    /// How well retrieval found evidence, 0 to 1.
    pub retrieval_confidence: Logged<f64>,
    /// How ambiguous or demanding the ask is, 0 to 1.
    pub input_complexity: Logged<f64>,
    /// Whether tools must be called.
    pub tools_required: Logged<bool>,
    /// `none`, `markdown`, `json_schema`, or the router's own word.
    pub format_strictness: Logged<Name>,
    /// `free`, `pro`, `enterprise`, or the router's own word.
    pub user_tier: Logged<Name>,
    /// How often this session had to fall back before.
    pub session_fallbacks: Logged<u32>,
    /// Signals of the router's own, by name, in the order logged.
    pub others: Vec<(Name, SignalValue)>,
}

impl Signals {
    /// Tells whether nothing at all was logged.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

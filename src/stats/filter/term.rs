//! One term, typed.

use super::field::Field;
use super::pattern::Pattern;

/// What stands for a value that is not known.
pub(super) const UNKNOWN: &str = "(unknown)";

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Is,
    IsNot,
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Comparison {
    /// Compares a number; [`Comparison::IsNot`] is [`Comparison::Is`] denied by its term.
    pub(super) fn holds(self, actual: f64, wanted: f64) -> bool {
        match self {
            Self::Is | Self::IsNot => (actual - wanted).abs() <= wanted.abs() * 1e-9,
            Self::Below => actual < wanted,
            Self::AtMost => actual <= wanted,
            Self::Above => actual > wanted,
            Self::AtLeast => actual >= wanted,
        }
    }

    /// Tells whether it asks for more or less, not for equality.
    pub(super) fn is_order(self) -> bool {
        !matches!(self, Self::Is | Self::IsNot)
    }
}

/// A fact that is so or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Escalated,
    Fallback,
    Corrected,
    Completed,
    Failed,
    Cancelled,
    Open,
    Lost,
    Drift,
}

impl Flag {
    const WORDS: [(Self, &'static str); 9] = [
        (Self::Escalated, "escalated"),
        (Self::Fallback, "fallback"),
        (Self::Corrected, "corrected"),
        (Self::Completed, "completed"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
        (Self::Open, "open"),
        (Self::Lost, "lost"),
        (Self::Drift, "drift"),
    ];

    /// Reads a word.
    pub(super) fn try_from_word(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|row| row.1.eq_ignore_ascii_case(word))
            .map(|row| row.0)
    }

    /// Returns all words.
    pub(super) fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().map(|row| row.1)
    }
}

/// A value of a field of the router's own: what kind it is, the log decides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OwnValue {
    pub(super) text: Wanted,
    pub(super) number: Option<f64>,
    pub(super) yes_no: Option<bool>,
}

/// A text that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// That there is none.
    Unknown,
    /// One that matches.
    Like(Pattern),
}

impl Wanted {
    /// Tells whether a text, or the lack of one, is what is asked for.
    pub(super) fn is(&self, text: Option<&str>) -> bool {
        match (self, text) {
            (Self::Unknown, text) => text.is_none(),
            (Self::Like(pattern), Some(text)) => pattern.matches(text),
            (Self::Like(_), None) => false,
        }
    }
}

/// What a term asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// Whether route, model, rule or id contain a text.
    Word(Pattern),
    /// Whether a fact is so.
    Flag(Flag),
    /// Whether a text is one of these.
    Text(Field, Vec<Wanted>),
    /// Whether a number compares; microseconds, dollars, or a count. `None`: whether it is not known.
    Number(Field, Comparison, Vec<Option<f64>>),
    /// Whether a signal or attribute compares.
    Own(String, Comparison, Vec<OwnValue>),
}

/// One term.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    /// Whether the opposite is asked for.
    pub(super) is_not: bool,
    pub(super) test: Test,
}

impl Term {
    pub(super) fn own_name(&self) -> Option<&str> {
        match &self.test {
            Test::Own(name, _, _) => Some(name),
            _ => None,
        }
    }

    /// A lone attempt's tier and provider, signals and attributes stand in the residual; the position too.
    pub(super) fn needs_residual(&self) -> bool {
        let is_kept_apart = match &self.test {
            Test::Own(..) => true,
            Test::Text(field, _) => matches!(
                field,
                Field::Tier | Field::User | Field::Format | Field::Provider | Field::Source
            ),
            _ => false,
        };
        is_kept_apart || self.needs_ruling()
    }

    pub(super) fn needs_ruling(&self) -> bool {
        matches!(
            self.test,
            Test::Flag(Flag::Drift) | Test::Text(Field::Verdict, _)
        )
    }

    pub(super) fn needs_source(&self) -> bool {
        matches!(self.test, Test::Text(Field::Source, _))
    }
}

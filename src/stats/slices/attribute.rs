//! The attributes by which requests are sliced, and their values.
//!
//! Of the six signals `session_fallbacks` is none: it tells how earlier requests ended, and what a policy made of it
//! stands in the rule.

use std::borrow::Cow;

use crate::model::{Logged, Name, Names, SignalValue};

/// Something known of a request before its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// The route.
    Route,
    /// The task class.
    TaskClass,
    /// The model asked first, else the one decided for.
    FirstModel,
    /// The tier decided for, else the one of the first attempt.
    Tier,
    /// The policy that decided.
    Policy,
    /// The rule that decided, as logged.
    Rule,
    /// Why, as logged with the decision.
    Reason,
    /// The tier of the user.
    UserTier,
    /// Whether tools must be called.
    ToolsRequired,
    /// How strict the format is.
    FormatStrictness,
    /// How well retrieval found evidence, in thirds.
    RetrievalConfidence,
    /// How demanding the ask is, in thirds.
    InputComplexity,
    /// Who serves the model asked first.
    FirstProvider,
    /// An attribute or a signal of the router's own, by its name.
    Own(Name),
}

impl Attribute {
    /// How many attributes every request has.
    pub const FIXED_LEN: usize = 13;

    /// Those with their names in JSON and on the command line, and how many values are told apart. The order
    /// is part of the store's format: they are only ever added at the end.
    pub const FIXED: [(Self, &'static str, usize); Self::FIXED_LEN] = [
        (Self::Route, "route", 1_000),
        (Self::TaskClass, "task_class", 250),
        (Self::FirstModel, "first_model", 250),
        (Self::Tier, "tier", 60),
        (Self::Policy, "policy", 250),
        (Self::Rule, "rule", 1_000),
        (Self::Reason, "reason", 250),
        (Self::UserTier, "user_tier", 60),
        (Self::ToolsRequired, "tools_required", 60),
        (Self::FormatStrictness, "format_strictness", 60),
        (Self::RetrievalConfidence, "retrieval_confidence", 60),
        (Self::InputComplexity, "input_complexity", 60),
        (Self::FirstProvider, "first_provider", 60),
    ];

    /// How many attributes of the router's own are told apart; of each as many values as of a tier.
    pub const OWN_MAX: usize = 16;
    /// How many values of each of them are.
    pub const OWN_VALUES_MAX: usize = 60;

    /// Returns its name.
    pub fn name(self, names: &Names) -> &str {
        match self {
            Self::Own(name) => names.text(name),
            fixed => Self::FIXED
                .iter()
                .find(|row| row.0 == fixed)
                .map_or("", |row| row.1),
        }
    }

    /// Reads a name; one that is not fixed is of the router's own where `names` knows it.
    pub fn try_from_name(name: &str, names: &Names) -> Option<Self> {
        Self::FIXED
            .iter()
            .find(|row| row.1 == name)
            .map(|row| row.0)
            .or_else(|| names.find(name).map(Self::Own))
    }

    /// Returns how many of its values are told apart; later ones are counted as [`Word::Other`].
    pub fn values_max(self) -> usize {
        Self::FIXED
            .iter()
            .find(|row| row.0 == self)
            .map_or(Self::OWN_VALUES_MAX, |row| row.2)
    }
}

/// A value that is no name from a log; its number stands in the store.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Any value beyond those that are told apart.
    Other,
    /// Yes.
    Yes,
    /// No.
    No,
    /// Under a third.
    Low,
    /// Under two thirds.
    Middle,
    /// Two thirds to one.
    High,
    /// Over one.
    Above,
    /// Under nought.
    Below,
}

impl Word {
    /// Every word as it is shown; its place is its number in the store, so they are only ever added.
    const WORDS: [(Self, &'static str); 8] = [
        (Self::Other, "(other)"),
        (Self::Yes, "yes"),
        (Self::No, "no"),
        (Self::Low, "under 0.33"),
        (Self::Middle, "0.33 to 0.67"),
        (Self::High, "0.67 to 1"),
        (Self::Above, "over 1"),
        (Self::Below, "under 0"),
    ];
}

/// The value of an attribute: not known, a name, or a [`Word`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Value(u32);

/// Stands before the number of a word; numbers of names stay far below.
const WORD: u32 = 1 << 31;

impl Value {
    /// Not known.
    pub const UNKNOWN: Self = Self(0);
    /// The text that stands for it.
    pub const UNKNOWN_TEXT: &'static str = "(unknown)";

    /// Makes the value of a name.
    pub fn of_name(name: Option<Name>) -> Self {
        Self(name.map_or(0, Name::id))
    }

    /// Makes the value of a word.
    pub const fn of_word(word: Word) -> Self {
        Self(WORD | word as u32)
    }

    /// Makes the value of a yes/no signal.
    pub fn of_yes_no(is: Option<bool>) -> Self {
        is.map_or(Self::UNKNOWN, |is| {
            Self::of_word(if is { Word::Yes } else { Word::No })
        })
    }

    /// Makes the value of a number in 0 to 1: its third.
    pub fn of_share(share: Option<f64>) -> Self {
        let Some(share) = share else {
            return Self::UNKNOWN;
        };
        Self::of_word(match share {
            share if share < 0.0 => Word::Below,
            share if share < 1.0 / 3.0 => Word::Low,
            share if share < 2.0 / 3.0 => Word::Middle,
            share if share <= 1.0 => Word::High,
            _ => Word::Above,
        })
    }

    /// Makes the value of a signal of the router's own.
    pub fn of_signal(value: SignalValue) -> Self {
        match value {
            SignalValue::Null => Self::UNKNOWN,
            SignalValue::Bool(is) => Self::of_yes_no(Some(is)),
            SignalValue::Number(number) => Self::of_share(Some(number)),
            SignalValue::Text(name) => Self::of_name(Some(name)),
        }
    }

    /// Makes the value of a logged name.
    pub fn of_logged(name: Logged<Name>) -> Self {
        Self::of_name(name.value())
    }

    /// Returns the name, if it is one.
    pub fn name(self) -> Option<Name> {
        Name::try_from_id(self.0).filter(|_| self.0 < WORD)
    }

    /// Returns the number that the store keeps.
    pub fn code(self) -> u32 {
        self.0
    }

    /// Reads the store's number.
    pub fn from_code(code: u32) -> Self {
        Self(code)
    }

    /// Returns its text.
    pub fn text(self, names: &Names) -> Cow<'_, str> {
        let word = self.0 & !WORD;
        match self.name() {
            Some(name) => Cow::Borrowed(names.text(name)),
            None if self == Self::UNKNOWN => Cow::Borrowed(Self::UNKNOWN_TEXT),
            None => Cow::Borrowed(
                usize::try_from(word)
                    .ok()
                    .and_then(|place| Word::WORDS.get(place))
                    .map_or("", |row| row.1),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fall_into_thirds_and_outside() {
        let names = Names::default();
        for (share, text) in [
            (-0.1, "under 0"),
            (0.0, "under 0.33"),
            (0.4, "0.33 to 0.67"),
            (1.0, "0.67 to 1"),
            (1.5, "over 1"),
        ] {
            assert_eq!(Value::of_share(Some(share)).text(&names), text);
        }
        assert_eq!(Value::of_share(None).text(&names), Value::UNKNOWN_TEXT);
    }

    #[test]
    fn attributes_read_back_from_their_names() {
        let mut names = Names::default();
        let own = Attribute::Own(names.intern("region"));
        for attribute in Attribute::FIXED.iter().map(|row| row.0).chain([own]) {
            let name = attribute.name(&names).to_owned();
            assert_eq!(Attribute::try_from_name(&name, &names), Some(attribute));
        }
        assert_eq!(Attribute::try_from_name("weather", &names), None);
        assert!(Value::of_word(Word::Other).name().is_none());
    }

    #[test]
    fn the_tables_stand_in_the_order_of_their_numbers() {
        for (idx, (word, _)) in (0..).zip(Word::WORDS) {
            assert_eq!(word as u32, idx);
        }
        for (idx, (attribute, ..)) in Attribute::FIXED.iter().enumerate() {
            assert!(
                Attribute::FIXED
                    .iter()
                    .skip(idx + 1)
                    .all(|row| row.0 > *attribute)
            );
        }
    }
}

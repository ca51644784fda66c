//! What is known of one request when it is decided: a value for each signal of a policy.

use smallvec::SmallVec;

use super::policy::Policy;
use super::vocabulary::{SignalIdx, SignalKind, Vocabulary};
use crate::stats::Given;

/// The most signals of which no memory is asked for.
const INLINE_LEN: usize = 10;

/// What is known of one signal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Fact<'a> {
    /// Nothing was said of it.
    #[default]
    Absent,
    /// It was said that it is not known.
    Unknown,
    /// The word at this place of the signal's words.
    Word(usize),
    /// A word that the policy does not know.
    Foreign(&'a str),
    /// Yes or no.
    YesNo(bool),
    /// A finite number.
    Number(f64),
}

/// A value as a caller has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// Not known.
    Unknown,
    /// A text.
    Text(&'a str),
    /// Yes or no.
    YesNo(bool),
    /// A number.
    Number(f64),
}

impl<'a> From<&'a str> for Input<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Input<'_> {
    fn from(value: bool) -> Self {
        Self::YesNo(value)
    }
}

impl From<f64> for Input<'_> {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<u32> for Input<'_> {
    fn from(value: u32) -> Self {
        Self::Number(f64::from(value))
    }
}

impl<'a, T: Into<Input<'a>>> From<Option<T>> for Input<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
    }
}

impl<'a> From<&'a Given> for Input<'a> {
    fn from(given: &'a Given) -> Self {
        match given {
            Given::Unknown => Self::Unknown,
            Given::Word(word) => Self::Text(word),
            Given::YesNo(value) => Self::YesNo(*value),
            Given::Number(value) => Self::Number(*value),
        }
    }
}

/// What is known of one request, by the signals of one policy. What is not set is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts<'a> {
    vocabulary: &'a Vocabulary,
    facts: SmallVec<[Fact<'a>; INLINE_LEN]>,
}

impl Policy {
    /// Returns the facts of a request of which nothing is known yet.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            vocabulary: self.vocabulary(),
            facts: SmallVec::from_elem(Fact::Absent, self.vocabulary().signals().len()),
        }
    }
}

impl<'a> Facts<'a> {
    /// Sets the signal of this name in events and returns whether the policy knows it.
    ///
    /// A value of another kind than the signal's (a text for a number, NaN) is unknown.
    pub fn set(&mut self, name: &str, value: impl Into<Input<'a>>) -> bool {
        match self.vocabulary.find(name) {
            Some(signal) => {
                self.set_at(signal, value.into());
                true
            }
            None => false,
        }
    }

    /// Does as [`Facts::set`] and returns the facts, to write several in a row.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Input<'a>>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets the signal at a place of the vocabulary.
    pub fn set_at(&mut self, signal: SignalIdx, value: Input<'a>) {
        let fact = self.vocabulary.fact(signal, value);
        self.put(signal, fact);
    }

    pub(super) fn put(&mut self, signal: SignalIdx, fact: Fact<'a>) {
        if let Some(place) = self.facts.get_mut(signal) {
            *place = fact;
        }
    }

    /// Returns what is known of a signal.
    pub fn fact(&self, signal: SignalIdx) -> Fact<'a> {
        self.facts.get(signal).copied().unwrap_or_default()
    }

    /// Returns the value of a signal with its words written out.
    pub fn given(&self, signal: SignalIdx) -> Given {
        match self.fact(signal) {
            Fact::Absent | Fact::Unknown => Given::Unknown,
            Fact::Word(idx) => Given::Word(
                self.vocabulary
                    .words(signal)
                    .get(idx)
                    .cloned()
                    .unwrap_or_default(),
            ),
            Fact::Foreign(word) => Given::Word(word.to_owned()),
            Fact::YesNo(value) => Given::YesNo(value),
            Fact::Number(value) => Given::Number(value),
        }
    }

    /// Tells whether nothing was said of any signal.
    pub fn is_empty(&self) -> bool {
        self.facts.iter().all(|fact| *fact == Fact::Absent)
    }
}

impl Vocabulary {
    /// Returns what a value means for a signal.
    pub(super) fn fact<'a>(&self, signal: SignalIdx, value: Input<'a>) -> Fact<'a> {
        let Some(signal) = self.signal(signal) else {
            return Fact::Absent;
        };
        match (&signal.kind, value) {
            (SignalKind::Words { words, .. }, Input::Text(text)) => words
                .iter()
                .position(|word| word == text)
                .map_or(Fact::Foreign(text), Fact::Word),
            (SignalKind::YesNo, Input::YesNo(value)) => Fact::YesNo(value),
            (SignalKind::Number { .. } | SignalKind::Count, Input::Number(value))
                if value.is_finite() =>
            {
                Fact::Number(value)
            }
            _ => Fact::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;

    #[test]
    fn values_of_another_kind_are_unknown() {
        let policy = essay();
        let mut facts = policy.facts();
        assert!(facts.is_empty());
        assert!(!facts.set("toxicity", 0.5));
        assert!(facts.is_empty());
        for (value, fact) in [
            (Input::Number(0.5), Fact::Number(0.5)),
            (Input::Number(f64::NAN), Fact::Unknown),
            (Input::Text("0.5"), Fact::Unknown),
            (Input::Unknown, Fact::Unknown),
        ] {
            assert!(facts.set("input_complexity", value));
            assert_eq!(facts.fact(5), fact, "{value:?}");
        }
        facts.set("task_class", "poetry");
        assert_eq!(facts.given(0), Given::Word("poetry".into()));
        assert_eq!(facts.fact(0), Fact::Foreign("poetry"));
    }
}

//! Corrections: the late facts that tell whether an answer was any good.

use super::{Micros, SessionKey, Timestamp};

/// What the user (or reviewer) did with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CorrectionKind {
    /// Edited the answer.
    Edit,
    /// Asked for another answer.
    Regenerate,
    /// Asked the same thing in other words.
    Rephrase,
    /// Voted it down.
    ThumbsDown,
    /// Took over by hand.
    Takeover,
    /// Corrected it in some other or unnamed way.
    Other,
}

impl CorrectionKind {
    /// Every kind: word, the past-tense form that some routers write, number in the store.
    pub const WORDS: [(Self, &'static str, &'static str, u8); 6] = [
        (Self::Other, "other", "corrected", 0),
        (Self::Edit, "edit", "edited", 1),
        (Self::Regenerate, "regenerate", "regenerated", 2),
        (Self::Rephrase, "rephrase", "rephrased", 3),
        (Self::ThumbsDown, "thumbs_down", "thumbed_down", 4),
        (Self::Takeover, "takeover", "taken_over", 5),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// Reads the word or its past-tense form; any other word is [`CorrectionKind::Other`].
    pub fn from_word(word: &str) -> Self {
        Self::WORDS
            .iter()
            .find(|row| row.1 == word || row.2 == word)
            .map_or(Self::Other, |row| row.0)
    }

    /// Returns the number that the store keeps.
    pub fn code(self) -> u8 {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(0, |row| row.3)
    }

    /// Reads the store's number.
    pub fn from_code(code: u8) -> Self {
        Self::WORDS
            .iter()
            .find(|row| row.3 == code)
            .map_or(Self::Other, |row| row.0)
    }
}

/// Who corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CorrectionBy {
    /// The log does not say.
    Unknown,
    /// The user.
    User,
    /// A human reviewer.
    Reviewer,
    /// A model that judges answers.
    Judge,
}

impl CorrectionBy {
    /// Every author with its word and its number in the store.
    pub const WORDS: [(Self, &'static str, u8); 4] = [
        (Self::Unknown, "unknown", 0),
        (Self::User, "user", 1),
        (Self::Reviewer, "reviewer", 2),
        (Self::Judge, "judge", 3),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// Reads the word; any other word is [`CorrectionBy::Unknown`].
    pub fn from_word(word: &str) -> Self {
        Self::WORDS
            .iter()
            .find(|row| row.1 == word)
            .map_or(Self::Unknown, |row| row.0)
    }

    /// Returns the number that the store keeps.
    pub fn code(self) -> u8 {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(0, |row| row.2)
    }

    /// Reads the store's number.
    pub fn from_code(code: u8) -> Self {
        Self::WORDS
            .iter()
            .find(|row| row.2 == code)
            .map_or(Self::Unknown, |row| row.0)
    }
}

/// A correction of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// What was done.
    pub kind: CorrectionKind,
    /// By whom.
    pub by: CorrectionBy,
    /// When, where the log says so.
    pub ts: Option<Timestamp>,
    /// How long after the answer, where the log says so.
    pub after: Option<Micros>,
}

/// A correction that names a session instead of a request: it goes to the latest completed request
/// before it in that session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCorrection {
    /// The session.
    pub session: SessionKey,
    /// When.
    pub ts: Timestamp,
    /// The correction.
    pub correction: Correction,
}

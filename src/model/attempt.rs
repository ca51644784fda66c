//! One call to a model on behalf of a request.

use super::{Micros, Name, NanoUsd, Timestamp};

/// How an attempt ended. Escalation is about quality, the other failures about availability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// The answer stood.
    Ok,
    /// The answer was not good enough and a stronger model was asked.
    Escalated,
    /// The call failed.
    Error,
    /// The call took too long.
    Timeout,
    /// No call was made, e.g. the model was in cooldown.
    Skipped,
    /// The client went away.
    Cancelled,
}

impl AttemptOutcome {
    /// Every outcome with its word in logs, screens and JSON, and its number in the store.
    pub const WORDS: [(Self, &'static str, u8); 6] = [
        (Self::Ok, "ok", 0),
        (Self::Escalated, "escalated", 1),
        (Self::Error, "error", 2),
        (Self::Timeout, "timeout", 3),
        (Self::Skipped, "skipped", 4),
        (Self::Cancelled, "cancelled", 5),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// Reads the word.
    pub fn try_from_word(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|row| row.1 == word)
            .map(|row| row.0)
    }

    /// Returns the number that the store keeps.
    pub fn code(self) -> u8 {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(0, |row| row.2)
    }

    /// Reads the store's number.
    pub fn try_from_code(code: u8) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|row| row.2 == code)
            .map(|row| row.0)
    }

    /// Tells whether a model was called at all.
    pub fn is_call(self) -> bool {
        self != Self::Skipped
    }

    /// Tells whether the attempt failed for want of availability.
    pub fn is_unavailable(self) -> bool {
        matches!(self, Self::Error | Self::Timeout | Self::Skipped)
    }
}

/// One call to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The 1-based place in the chain as logged; 0 when the log does not number attempts.
    pub n: u16,
    /// When the call started, where the log says so.
    pub start: Option<Timestamp>,
    /// A hash that names the logged line of this call, for formats that do not number attempts; 0: none.
    pub key: u64,
    /// The model called.
    pub model: Name,
    /// The tier the model was called for.
    pub tier: Option<Name>,
    /// Who served the model.
    pub provider: Option<Name>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it was escalated, or the error's code.
    pub reason: Option<Name>,
    /// From the call to the last byte.
    pub latency: Option<Micros>,
    /// From the call to the first token.
    pub ttft: Option<Micros>,
    /// Tokens sent.
    pub input_tokens: Option<u32>,
    /// Tokens received.
    pub output_tokens: Option<u32>,
    /// What the call cost.
    pub cost: Option<NanoUsd>,
}

impl Attempt {
    /// Makes an attempt of which only model and outcome are known.
    pub fn new(model: Name, outcome: AttemptOutcome) -> Self {
        Self {
            n: 0,
            start: None,
            key: 0,
            model,
            tier: None,
            provider: None,
            outcome,
            reason: None,
            latency: None,
            ttft: None,
            input_tokens: None,
            output_tokens: None,
            cost: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_lead_back() {
        for (outcome, word, code) in AttemptOutcome::WORDS {
            assert_eq!(AttemptOutcome::try_from_word(word), Some(outcome));
            assert_eq!(AttemptOutcome::try_from_code(code), Some(outcome));
            assert_eq!((outcome.word(), outcome.code()), (word, code));
        }
    }
}

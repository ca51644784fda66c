//! The fields that every request has, by the words for them.

/// What kind of values a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or another text.
    Text,
    /// A span of time.
    Duration,
    /// Dollars.
    Dollars,
    /// A count.
    Count,
}

/// A field that every request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Route,
    Task,
    /// The model asked first, else the one decided for.
    Model,
    /// The model of the last attempt.
    Served,
    /// The tier decided for, else the one of the first attempt.
    Tier,
    Policy,
    Rule,
    /// Why it was decided so, or why any attempt ended.
    Reason,
    /// What the policy in force makes of the decision.
    Verdict,
    User,
    Format,
    /// Who serves the model asked first.
    Provider,
    /// The keyed hash of the session, in hexadecimal digits.
    Session,
    Id,
    Source,
    Latency,
    Ttft,
    Cost,
    Attempts,
    Tokens,
}

impl Field {
    /// Every field with its words, the first of which is the one to show.
    const WORDS: [(Self, &'static [&'static str], Kind); 20] = [
        (Self::Route, &["route"], Kind::Text),
        (Self::Task, &["task", "task_class"], Kind::Text),
        (Self::Model, &["model", "first_model"], Kind::Text),
        (Self::Served, &["served"], Kind::Text),
        (Self::Tier, &["tier"], Kind::Text),
        (Self::Policy, &["policy"], Kind::Text),
        (Self::Rule, &["rule"], Kind::Text),
        (Self::Reason, &["reason"], Kind::Text),
        (Self::Verdict, &["verdict"], Kind::Text),
        (Self::User, &["user", "user_tier"], Kind::Text),
        (Self::Format, &["format", "format_strictness"], Kind::Text),
        (Self::Provider, &["provider", "first_provider"], Kind::Text),
        (Self::Session, &["session"], Kind::Text),
        (Self::Id, &["id", "request_id"], Kind::Text),
        (Self::Source, &["source"], Kind::Text),
        (Self::Latency, &["latency", "took"], Kind::Duration),
        (Self::Ttft, &["ttft"], Kind::Duration),
        (Self::Cost, &["cost"], Kind::Dollars),
        (Self::Attempts, &["attempts"], Kind::Count),
        (Self::Tokens, &["tokens"], Kind::Count),
    ];

    /// Reads a word.
    pub(super) fn try_from_word(word: &str) -> Option<Self> {
        let is_it = |known: &&str| known.eq_ignore_ascii_case(word);
        Self::WORDS
            .iter()
            .find(|row| row.1.iter().any(is_it))
            .map(|row| row.0)
    }

    /// Returns the kind of its values.
    pub(super) fn kind(self) -> Kind {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(Kind::Text, |row| row.2)
    }

    /// Returns the words to show.
    pub(super) fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().filter_map(|row| row.1.first().copied())
    }
}

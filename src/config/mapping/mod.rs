//! `[map]`: where the facts of a line stand that its format cannot tell, or that has no known format.
//!
//! What is here is the file as plain values; `format` does what they say.

mod place;
mod read;

pub use place::{Place, Pointer};
pub(super) use read::read;

use super::document::At;

/// Where a fact stands: the first place that is set, else a fixed value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lookup {
    /// The places, in the order in which they are looked at.
    pub places: Vec<Place>,
    /// What stands when no place is set.
    pub value: Option<String>,
}

/// The unit of a span, or of a time as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl Unit {
    /// Every unit with its word.
    pub const WORDS: [(Self, &'static str); 4] = [
        (Self::Seconds, "s"),
        (Self::Millis, "ms"),
        (Self::Micros, "us"),
        (Self::Nanos, "ns"),
    ];
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// RFC 3339 with a zone.
    Rfc3339,
    /// The same, but a missing zone means UTC.
    Utc,
    /// A number since 1970.
    Epoch(Unit),
}

/// The unit of an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyUnit {
    /// US dollars.
    Usd,
    /// Hundredths of a US dollar.
    Cents,
    /// Millionths of a US dollar.
    MicroUsd,
}

impl MoneyUnit {
    /// Every unit with its word.
    pub const WORDS: [(Self, &'static str); 3] = [
        (Self::Usd, "usd"),
        (Self::Cents, "cents"),
        (Self::MicroUsd, "micro_usd"),
    ];
}

/// A fact that is a number of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure<U> {
    /// Where it stands.
    pub at: Lookup,
    /// Its unit.
    pub unit: U,
}

/// How an attempt may end, in the words of native events.
pub const ATTEMPT_OUTCOMES: [&str; 6] = [
    "ok",
    "escalated",
    "error",
    "timeout",
    "skipped",
    "cancelled",
];
/// How a request may end for its caller.
pub const OUTCOMES: [&str; 3] = ["completed", "failed", "cancelled"];
/// What may be done with an answer.
pub const CORRECTION_KINDS: [&str; 6] = [
    "other",
    "edit",
    "regenerate",
    "rephrase",
    "thumbs_down",
    "takeover",
];

/// A fact that is one of several meanings, each with the words that stand for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Where the word stands.
    pub at: Lookup,
    /// Words of the log (in which `*` stands for any run of characters) and the word of native events
    /// that each means; the first that fits counts.
    pub words: Vec<(String, &'static str)>,
}

/// Whether something is the case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Condition {
    /// Where the value stands that decides; one that is not set decides "no".
    pub at: Lookup,
    /// It is one of these; empty: it is set and neither false, empty nor 0.
    pub is: Vec<String>,
    /// It is none of these.
    pub is_not: Vec<String>,
    /// It is a number under this.
    pub below: Option<f64>,
    /// It is a number over this.
    pub above: Option<f64>,
}

/// Where the facts of an attempt stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttemptMap {
    /// Its place in the chain of attempts, from 1 on, where a request has several lines.
    pub n: Option<Lookup>,
    /// The model called.
    pub model: Option<Lookup>,
    /// Who served it.
    pub provider: Option<Lookup>,
    /// The tier it was called for.
    pub tier: Option<Lookup>,
    /// How it ended.
    pub outcome: Option<Words>,
    /// Why it was escalated, or the error's code.
    pub reason: Option<Lookup>,
    /// From the call to the last byte.
    pub latency: Option<Measure<Unit>>,
    /// From the call to the first token.
    pub ttft: Option<Measure<Unit>>,
    /// Tokens sent.
    pub input_tokens: Option<Lookup>,
    /// Tokens received.
    pub output_tokens: Option<Lookup>,
    /// What it cost.
    pub cost: Option<Measure<MoneyUnit>>,
}

/// When a line is a correction, and of what.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrectionMap {
    /// When the line corrects something.
    pub when: Condition,
    /// The request that is corrected; not set: the line's own.
    pub request_id: Option<Lookup>,
    /// The session whose latest answer is corrected, where no request is named.
    pub session_id: Option<Lookup>,
    /// What was done.
    pub kind: Option<Words>,
    /// By whom, in the words of native events.
    pub by: Option<Lookup>,
    /// How long after the answer.
    pub after: Option<Measure<Unit>>,
}

/// The whole section.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// The pointers that the places speak of by their index.
    pub pointers: Vec<Pointer>,
    /// Formats whose lines it is for, each with its place in the file; empty: all lines.
    pub formats: Vec<(String, At)>,
    /// Whether it wins over what a format says itself.
    pub is_override: bool,
    /// Where lists of tags stand, as indices of `pointers`.
    pub tags: Vec<usize>,
    /// The request's id.
    pub request_id: Option<Lookup>,
    /// Its session.
    pub session_id: Option<Lookup>,
    /// Its time of arrival.
    pub ts: Option<Measure<TimeForm>>,
    /// Its route.
    pub route: Option<Lookup>,
    /// Its task class.
    pub task_class: Option<Lookup>,
    /// The policy that decided.
    pub policy: Option<Lookup>,
    /// The rule that decided.
    pub rule: Option<Lookup>,
    /// The tier decided for.
    pub tier: Option<Lookup>,
    /// The model decided for.
    pub model: Option<Lookup>,
    /// Why.
    pub reason: Option<Lookup>,
    /// How it ended for the caller.
    pub outcome: Option<Words>,
    /// How long the caller waited.
    pub latency: Option<Measure<Unit>>,
    /// When it counts as escalated although no attempt says so.
    pub escalated: Option<Condition>,
    /// When it counts as a fallback although no attempt says so.
    pub fallback: Option<Condition>,
    /// Signals by name.
    pub signals: Vec<(String, Lookup)>,
    /// Attributes by name.
    pub attrs: Vec<(String, Lookup)>,
    /// The attempt of the line.
    pub attempt: AttemptMap,
    /// The correction that the line is.
    pub correction: Option<CorrectionMap>,
}

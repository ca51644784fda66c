//! What one transaction stores: events, rejects and the new checkpoint of their source.

use std::sync::Arc;

use super::{
    ByteOffset, Fingerprint, Gap, GenerationId, GenerationState, LineMarks, Look, Name, Request,
    SessionCorrection, Timestamp,
};

/// One fact from a log.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something about a request.
    Request(Box<Request>),
    /// A correction that names only a session.
    SessionCorrection(SessionCorrection),
    /// A deploy, policy or config change.
    Marker(Marker),
}

/// What kind of change a marker marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkerKind {
    /// A deployment.
    Deploy,
    /// A policy change.
    Policy,
    /// A configuration change.
    Config,
    /// An incident.
    Incident,
}

impl MarkerKind {
    /// Every kind with its word and its number in the store.
    pub const WORDS: [(Self, &'static str, u8); 4] = [
        (Self::Deploy, "deploy", 0),
        (Self::Policy, "policy", 1),
        (Self::Config, "config", 2),
        (Self::Incident, "incident", 3),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// Reads the word; any other word is a config change.
    pub fn from_word(word: &str) -> Self {
        Self::WORDS
            .iter()
            .find(|row| row.1 == word)
            .map_or(Self::Config, |row| row.0)
    }

    /// Returns the number that the store keeps.
    pub fn code(self) -> u8 {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(2, |row| row.2)
    }

    /// Reads the store's number.
    pub fn from_code(code: u8) -> Self {
        Self::WORDS
            .iter()
            .find(|row| row.2 == code)
            .map_or(Self::Config, |row| row.0)
    }
}

/// A change drawn on charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// When.
    pub ts: Timestamp,
    /// What the chart says.
    pub label: Name,
    /// What kind of change.
    pub kind: MarkerKind,
    /// The route it concerns; `None`: all.
    pub route: Option<Name>,
}

/// Why a line could not become an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// A short fixed code, e.g. `missing-field`; counted by.
    pub reason: &'static str,
    /// What exactly, with the byte within the line where it is known; never content of the line
    /// beyond field names.
    pub detail: String,
}

/// A line in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineReject {
    /// Where the line starts.
    pub offset: ByteOffset,
    /// Its length in bytes, without the newline.
    pub len: u64,
    /// The keyed hash of its bytes.
    pub hash: u64,
    /// Why.
    pub reject: Reject,
    /// The line itself, redacted and without content, where its source cannot be read again.
    pub kept: Option<Box<str>>,
}

/// An event and where its line starts.
#[derive(Debug, Clone, PartialEq)]
pub struct LocatedEvent {
    /// Where the line starts.
    pub offset: ByteOffset,
    /// The event.
    pub event: Event,
}

/// What was counted while reading the lines of a batch. Every line is exactly one of: blank, noise,
/// quarantined, repeated, or accepted under its format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lines read.
    pub lines: u64,
    /// Bytes read, newlines included.
    pub bytes: u64,
    /// Empty lines.
    pub blank: u64,
    /// Lines that are no records: banners, tracebacks, log messages in prose.
    pub noise: u64,
    /// Lines in quarantine.
    pub quarantined: u64,
    /// Lines that stood at the same place, after the same lines, in a generation read before: skipped.
    pub repeated: u64,
    /// Lines accepted, by the format's number in the registry.
    pub by_format: Vec<(u8, u64)>,
    /// Fields that no format knows, by name, with how often they were seen.
    pub unknown_fields: Vec<(Name, u64)>,
    /// Records that are accepted but tell nothing that is stored, by what they are, e.g. scores.
    pub asides: Vec<(Name, u64)>,
    /// Whether the user's mapping makes lines of this source carry corrections.
    pub maps_corrections: bool,
    /// The first bytes of the latest noise, redacted, for the sources page.
    pub noise_sample: Option<String>,
}

/// The step of a checkpoint: stored only when the generation still stands at `from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The generation.
    pub generation: GenerationId,
    /// Where the batch starts.
    pub from: ByteOffset,
    /// Where it ends.
    pub to: ByteOffset,
    /// The head's fingerprint at `to`.
    pub head: Fingerprint,
    /// The tail's fingerprint at `to`.
    pub tail: Fingerprint,
    /// What became of the generation.
    pub state: GenerationState,
    /// The path the file has now, when it was renamed.
    pub renamed_to: Option<String>,
    /// How the file looked last.
    pub look: Look,
}

/// Everything that one transaction stores.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The step of the source's checkpoint.
    pub advance: Advance,
    /// When the lines were read.
    pub read_at: Timestamp,
    /// Events in the order of their lines.
    pub events: Vec<LocatedEvent>,
    /// Lines in quarantine.
    pub rejects: Vec<LineReject>,
    /// The marks of the lines, in order.
    pub marks: Vec<LineMarks>,
    /// Bytes after the checkpoint that are lost, or may be.
    pub gap: Option<Gap>,
    /// What was counted.
    pub tally: Tally,
    /// Names given since the batch before, in order.
    pub names: Vec<(Name, Arc<str>)>,
}

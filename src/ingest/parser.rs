//! What turns a line into events: the seam to the formats.

use smallvec::SmallVec;

use crate::model::{Event, Name, Names, Reject, Timestamp};

/// What became of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum ParsedLine {
    /// Nothing but white space.
    Blank,
    /// Not a record: a banner, a traceback, a log message.
    Noise,
    /// A record.
    Events {
        /// The format's number in the registry.
        format: u8,
        /// What it says, in order.
        events: SmallVec<[Event; 1]>,
    },
    /// A record that cannot be used.
    Rejected(Reject),
}

/// Reads one line at a time and owns the table of names.
pub trait LineParser {
    /// Reads a line without its line end.
    fn parse(&mut self, line: &[u8], read_at: Timestamp) -> ParsedLine;

    /// Returns the table of names, which only grows.
    fn names(&self) -> &Names;

    /// Returns the fields that no format knew since the last call, with how often they were seen.
    fn take_unknown_fields(&mut self) -> Vec<(Name, u64)>;

    /// Returns the records that tell nothing to be stored since the last call, by what they are.
    fn take_asides(&mut self) -> Vec<(Name, u64)>;
    /// Tells whether the user's mapping makes lines of that format carry corrections.
    fn maps_corrections_of(&self, format: u8) -> bool;

    /// Returns a rejected line as it may be kept where its source cannot be read again.
    fn kept_line(&self, line: &[u8]) -> Option<Box<str>>;

    /// Returns the first characters of a noise line, redacted.
    fn noise_sample(&self, line: &[u8]) -> String;
}

//! The parser of `format` as the ingest worker sees it.

use crate::format::{self, Parsed, Parser};
use crate::ingest::{LineParser, ParsedLine};
use crate::model::{Name, Names, Timestamp};

/// Joins the two rooms, which do not know each other.
#[derive(Debug)]
pub struct FormatParser(pub Parser);

impl LineParser for FormatParser {
    fn parse(&mut self, line: &[u8], read_at: Timestamp) -> ParsedLine {
        match self.0.parse(line, read_at) {
            Parsed::Blank => ParsedLine::Blank,
            Parsed::Noise => ParsedLine::Noise,
            Parsed::Events { format, events } => ParsedLine::Events { format, events },
            Parsed::Rejected(reject) => ParsedLine::Rejected(reject),
        }
    }

    fn names(&self) -> &Names {
        self.0.names()
    }

    fn take_unknown_fields(&mut self) -> Vec<(Name, u64)> {
        self.0.take_unknown_fields()
    }

    fn take_asides(&mut self) -> Vec<(Name, u64)> {
        self.0.take_asides()
    }

    fn maps_corrections_of(&self, format: u8) -> bool {
        self.0.maps_corrections_of(format)
    }

    fn kept_line(&self, line: &[u8]) -> Option<Box<str>> {
        format::kept_line(line).map(Into::into)
    }

    fn noise_sample(&self, line: &[u8]) -> String {
        format::noise_sample(line)
    }
}

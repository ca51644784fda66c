//! Langfuse: the lines of its blob storage export and the trace document that its page downloads.
//!
//! A trace is a request and each of its generations is an attempt; a generation with level `ERROR`
//! failed. Spans, tools and other observations ask no model and are set aside, as are scores: only a
//! mapping knows which score is a correction.
//!
//! Fields: langfuse/langfuse-docs,
//! `content/docs/api-and-data-platform/features/blob-storage-export-fields.mdx`, and
//! langfuse/langfuse, `packages/shared/src/domain/observation-field-groups.ts`. The export writes
//! `snake_case` and times as UTC without a zone; the page writes `camelCase` and RFC 3339.
//!
//! What must not be taken at its word:
//!
//! * `latency` and `time_to_first_token` are seconds or milliseconds, by the age of the integration
//!   or of the page: both are computed from the times instead;
//! * a cost of 0 beside empty cost details was never computed and is unknown;
//! * an export window's border is part of both windows, so rows are repeated.

mod document;
mod export;
mod row;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::format::reading::Reading;
use crate::format::scratch::Scratch;
use crate::format::screen::refuse;
use crate::model::Timestamp;

static KEYS: LazyLock<[Finder<'static>; 4]> = LazyLock::new(|| {
    [
        Finder::new("\"parent_observation_id\""),
        Finder::new("\"bookmarked\""),
        Finder::new("\"data_type\""),
        Finder::new("\"observations\""),
    ]
});

/// Tells whether the line has a key of one of the four shapes.
pub(crate) fn may_be(line: &str) -> bool {
    KEYS.iter().any(|key| key.find(line.as_bytes()).is_some())
}

/// Reads a line of an export or a trace document.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let row = match sonic_rs::from_str::<row::Row<'_>>(text) {
        Ok(row) => row,
        Err(error) => return refuse(text, &error),
    };
    if row.is_document() {
        document::read(scratch, &row, read_at)
    } else {
        export::read(scratch, &row, read_at)
    }
}

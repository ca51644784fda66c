//! `explain`: one decision as text or JSON.

use std::path::Path;

use super::{Surroundings, print};
use crate::cli::args::ExplainFormat;
use crate::cli::error::Failure;
use crate::cli::explain::{json, text};
use crate::format::recorded_in_words;
use crate::stats::{Baseline, Filter, Page, Query, Span};
use crate::store::Reader;

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    id: &str,
    given: Option<&Path>,
    format: ExplainFormat,
) -> Result<i32, Failure> {
    let question = Query {
        number: 1,
        now: with.clock.now(),
        span: Span::All,
        baseline: Baseline::None,
        trend_len: 1,
        drift_rows_max: 0,
        filter: Filter::default(),
        page: Page::Explain { id: id.to_owned() },
    };
    let mut reader = Reader::open(database)?;
    reader.know(with.policies(given)?);
    let snapshot = reader.answer(&question)?;
    let Some(explanation) = snapshot.explanation else {
        return Err(if snapshot.ambiguous.is_empty() {
            Failure::UnknownRequest(id.to_owned())
        } else {
            Failure::AmbiguousRequest {
                id: id.to_owned(),
                some: snapshot.ambiguous,
            }
        });
    };
    print(&match format {
        ExplainFormat::Text => text::render(&explanation, with.style(), recorded_in_words),
        ExplainFormat::Json => json::render(&explanation),
    })?;
    Ok(0)
}

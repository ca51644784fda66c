//! `explain`: one decision as text or JSON.

use std::path::Path;

use super::{Surroundings, print};
use crate::cli::args::ExplainFormat;
use crate::cli::error::Failure;
use crate::cli::explain::{json, text};
use crate::format::recorded_in_words;
use crate::store::{Explained, Reader};

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    id: &str,
    given: Option<&Path>,
    format: ExplainFormat,
) -> Result<i32, Failure> {
    let now = with.clock.now();
    let mut reader = Reader::open(database)?;
    reader.know(with.policies(given)?);
    let explanation = match reader.explain(id, now)? {
        Explained::One(explanation) => explanation,
        Explained::Several(some) => {
            return Err(Failure::AmbiguousRequest {
                id: id.to_owned(),
                some,
            });
        }
        Explained::Nothing => return Err(Failure::UnknownRequest(id.to_owned())),
    };
    // Whether it is alone with its drift is worth some hundredths of a second.
    let drift = match explanation.judgement.drift {
        Some(_) => reader.route_drift(explanation.route.as_deref(), explanation.ts)?,
        None => None,
    };
    print(&match format {
        ExplainFormat::Text => {
            text::render(&explanation, drift, now, with.style(), recorded_in_words)
        }
        ExplainFormat::Json => json::render(&explanation, drift),
    })?;
    Ok(0)
}

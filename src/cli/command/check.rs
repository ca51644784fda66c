//! `check`: evaluates the alarms once.

use std::path::Path;
use std::sync::Arc;

use super::{Surroundings, print};
use crate::cli::check::verdict::Verdict;
use crate::cli::check::{json, text};
use crate::cli::error::Failure;
use crate::cli::policy_args::PlainFormat;
use crate::store::Reader;

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    format: PlainFormat,
) -> Result<i32, Failure> {
    let mut reader = Reader::open(database)?;
    reader.aim(Arc::clone(&with.targets));
    let survey = reader.alarms(with.clock.now())?;
    let name = database.display().to_string();
    print(&match format {
        PlainFormat::Text => text::render(&survey, &name, with.style()),
        PlainFormat::Json => json::render(&survey, &name),
    })?;
    Ok(Verdict::of(&survey, &|at| with.style().zone.format(at)).exit_code())
}

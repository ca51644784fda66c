//! `changes`: what changed between a bad window and the time before.

use std::path::Path;

use super::{Surroundings, print};
use crate::cli::changes::{json, text};
use crate::cli::error::Failure;
use crate::cli::policy_args::PlainFormat;
use crate::store::{ChangesQuestion, Reader};

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    question: &ChangesQuestion,
    format: PlainFormat,
) -> Result<i32, Failure> {
    let Some(changes) = Reader::open(database)?.changes(question)? else {
        return Err(Failure::UnknownRoute(
            question.route.clone().unwrap_or_default(),
        ));
    };
    print(&match format {
        PlainFormat::Text => text::render(&changes, with.style()),
        PlainFormat::Json => json::render(&changes),
    })?;
    Ok(0)
}

//! `changes`: what changed between a bad window and the time before.

use std::path::Path;

use super::{Surroundings, print};
use crate::cli::changes::{json, text};
use crate::cli::error::Failure;
use crate::cli::policy_args::PlainFormat;
use crate::store::{ChangesQuestion, Reader};

/// Runs the command; of an incident file, with its own question where none is asked. Returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    question: &ChangesQuestion,
    is_plain: bool,
    format: PlainFormat,
) -> Result<i32, Failure> {
    let mut reader = Reader::open(database)?;
    reader.know(with.policies(None)?);
    let own = reader.incident()?.filter(|_| is_plain);
    let own = own.map(|incident| ChangesQuestion::of_incident(&incident));
    let question = own.as_ref().unwrap_or(question);
    let Some(changes) = reader.changes(question)? else {
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

//! Policies from files: found, read, understood.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::Failure;
use crate::policy::{Policy, PolicyError, TEXT_LEN_MAX};

/// Reads the text of a policy; `-` is stdin.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let read = || {
        let limit = TEXT_LEN_MAX as u64 + 1;
        let mut text = String::new();
        if path == Path::new("-") {
            io::stdin().lock().take(limit).read_to_string(&mut text)?;
        } else {
            File::open(path)?.take(limit).read_to_string(&mut text)?;
        }
        Ok(text)
    };
    read().map_err(|cause| Failure::PolicyFile {
        path: path.display().to_string(),
        cause,
    })
}

/// Reads a policy that must be one.
pub(super) fn policy(path: &Path) -> Result<Policy, Failure> {
    Policy::parse(&text(path)?).map_err(|cause| failure(path, &cause))
}

/// Reads several.
pub(super) fn policies(paths: &[PathBuf]) -> Result<Vec<Policy>, Failure> {
    paths.iter().map(|path| policy(path)).collect()
}

/// Tells the first fault in one line; `policy check` shows them all.
fn failure(path: &Path, error: &PolicyError) -> Failure {
    let first = error.faults.first();
    Failure::Policy {
        path: path.display().to_string(),
        fault: first.map_or_else(String::new, |fault| {
            format!(
                "line {}, column {}: {}",
                fault.line, fault.column, fault.message
            )
        }),
        hint: first.and_then(|fault| fault.hint.clone()),
    }
}

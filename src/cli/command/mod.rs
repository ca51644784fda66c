//! One file a command: each carries out its plan with the threads and devices of `runtime`.

pub(super) mod changes;
pub(super) mod check;
pub(super) mod dashboard;
pub(super) mod db;
pub(super) mod decide;
pub(super) mod demo;
pub(super) mod doctor;
pub(super) mod explain;
pub(super) mod export;
mod findings;
pub(super) mod generated;
pub(super) mod incident;
pub(super) mod ingest;
pub(super) mod policy;
pub(super) mod quick;
pub(super) mod replay;
pub(super) mod report;
pub(super) mod retry;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::args::GlobalArgs;
use super::error::{Failure, UsageError};
use super::policy_file;
use super::report::style::Style;
use crate::app::Keymap;
use crate::config::{Capabilities, Retention, Targets};
use crate::format::Rules;
use crate::policy::Policy;
use crate::runtime::Clock;
use crate::stats::Filter;
use crate::store::Reader;

/// What every command is given beside its plan.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// The arguments that every command takes.
    pub(super) global: GlobalArgs,
    /// What may be drawn.
    pub(super) capabilities: Capabilities,
    /// The clock, real or frozen by `--now`.
    pub(super) clock: Clock,
    /// What the user says about reading lines.
    pub(super) rules: Rules,
    /// What is dropped for its age or for want of room.
    pub(super) retention: Retention,
    /// What the routes are held against.
    pub(super) targets: Arc<Targets>,
    /// The keys of the dashboard.
    pub(super) keymap: Keymap,
    /// Policies that count as known beside those of the database.
    pub(super) policy_files: Vec<PathBuf>,
    /// Whether stdout is a terminal.
    pub(super) stdout_is_terminal: bool,
    /// Whether stderr is a terminal.
    pub(super) stderr_is_terminal: bool,
    /// The unit of every pause towards other hosts, where it is not the usual one.
    pub(super) remote_pace: Option<Duration>,
}

impl Surroundings {
    /// Returns how text is written.
    pub(super) fn style(&self) -> Style {
        Style {
            zone: self.global.zone(),
            ascii: self.capabilities.ascii,
        }
    }

    /// Reads the policies that count as known: those of the config file, and `newest`.
    pub(super) fn policies(&self, newest: Option<&Path>) -> Result<Vec<Policy>, Failure> {
        let files = self.policy_files.iter().map(PathBuf::as_path).chain(newest);
        files.map(policy_file::policy).collect()
    }

    /// Writes one line for people to stderr, unless `--quiet`.
    pub(super) fn say(&self, line: &str) {
        if !self.global.quiet {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

/// Fails when the filter asks about a field that nothing stored has.
pub(super) fn check_fields(reader: &mut Reader, filter: &Filter) -> Result<(), Failure> {
    match reader.unknown_field(filter)? {
        None => Ok(()),
        Some(error) => Err(UsageError::filter(&filter.to_string(), error).into()),
    }
}

/// Writes `text` to stdout. A reader that went away is no failure: it has seen enough.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::output(error)),
        _ => Ok(()),
    }
}

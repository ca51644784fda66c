//! `doctor`: what works, what does not, and the remedy.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Surroundings, print};
use crate::cli::config_file;
use crate::cli::doctor::check::{self, Check, State};
use crate::cli::doctor::lines::Look;
use crate::cli::doctor::sources;
use crate::cli::error::Failure;
use crate::cli::words::count;
use crate::config::{Environment, config_path};
use crate::format::{Parser, Rules};
use crate::ingest::{SourceSpec, sample};
use crate::model::{HashKey, Names};
use crate::stats::{Baseline, Filter, Page, Query, Snapshot, Span};
use crate::store::{Reader, StoreError};

/// The exit code when something does not work.
const BROKEN: i32 = 3;
/// How many files of a source are looked at.
const FILES_MAX: usize = 5;
/// How much of each file is looked at.
const LEN_MAX: usize = 1 << 20;

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    environment: &Environment,
    database: &Path,
    named: &[String],
) -> Result<i32, Failure> {
    let mut checks = check::surroundings(environment, with.capabilities, with.stdout_is_terminal);
    let (config, rules) = config(with, environment);
    checks.push(config);
    let (found, snapshot) = of_database(with, database);
    checks.push(found);
    if named.is_empty() {
        checks.extend(
            snapshot
                .iter()
                .flat_map(|snapshot| sources::by_database(snapshot, &rules)),
        );
    }
    checks.extend(named.iter().map(|source| of_source(with, source, &rules)));
    let ssh = environment.path.as_deref().and_then(program_ssh);
    checks.push(check::ssh(
        ssh.map(|path| path.display().to_string()).as_deref(),
    ));
    let lines: Vec<String> = checks
        .iter()
        .flat_map(|check| check.lines(with.style()))
        .collect();
    print(&(lines.join("\n") + "\n"))?;
    let is_broken = checks.iter().any(|check| check.state == State::Broken);
    Ok(if is_broken { BROKEN } else { 0 })
}

fn config(with: &Surroundings, environment: &Environment) -> (Check, Rules) {
    let shown = |path: PathBuf| path.display().to_string();
    let path = config_file::found(&with.global, environment).map(shown);
    let usual = config_path(environment).map(shown);
    let (outcome, rules) = match config_file::rules(&with.global, environment) {
        Ok(rules) => (Ok(rules.told()), rules),
        Err(failure) => (Err((failure.to_string(), failure.hint())), Rules::default()),
    };
    (
        check::config(path.as_deref(), usual.as_deref(), outcome),
        rules,
    )
}

fn of_database(with: &Surroundings, path: &Path) -> (Check, Option<Snapshot>) {
    let shown = path.display();
    let question = Query {
        number: 1,
        now: with.clock.now(),
        span: Span::All,
        baseline: Baseline::None,
        trend_len: 1,
        drift_rows_max: 0,
        filter: Filter::default(),
        page: Page::Sources,
    };
    let opened = Reader::open(path).and_then(|mut reader| {
        let writer = reader.writer_pid();
        reader.answer(&question).map(|snapshot| (writer, snapshot))
    });
    match opened {
        Ok((writer, snapshot)) => {
            let newest = snapshot.newest.map_or_else(
                || "no event yet".to_owned(),
                |newest| format!("newest event {}", with.global.zone().format(newest)),
            );
            let writer =
                writer.map_or_else(String::new, |pid| format!(", process {pid} writes it"));
            let found = format!(
                "{shown}: {} requests, {newest}{writer}",
                count(snapshot.total.now.requests)
            );
            (Check::new(State::Works, "database", found), Some(snapshot))
        }
        Err(StoreError::Missing { .. }) => {
            let found = format!("{shown}: none yet");
            let check = Check::new(State::Note, "database", found)
                .with("`routetop ingest SOURCE` makes it, or the dashboard with a source");
            (check, None)
        }
        Err(error) => {
            let check = Check::new(State::Broken, "database", format!("failed to {error}"));
            (check.with(error.hint()), None)
        }
    }
}

fn of_source(with: &Surroundings, source: &str, rules: &Rules) -> Check {
    let spec = match SourceSpec::parse(source) {
        Ok(SourceSpec::Stdin) => {
            return Check::new(State::Note, "source", "-: a pipe can only be read once");
        }
        Ok(spec) => spec,
        Err(error) => {
            let check = Check::new(State::Broken, "source", format!("failed to {error}"));
            return error.hint().into_iter().fold(check, Check::with);
        }
    };
    let mut parser = Parser::new(Names::default(), HashKey([0; 16]), rules.clone());
    let mut look = Look::default();
    let mut unreadable = Vec::new();
    let (files, samples) = sample(&spec, FILES_MAX, LEN_MAX);
    for sample in samples {
        match sample.lines {
            Ok(bytes) => look.add(&mut parser, &bytes, with.clock.now()),
            Err(error) => unreadable.push(format!("{}: {error}", sample.path.display())),
        }
    }
    sources::by_lines(source, files, &look, &unreadable, rules)
}

/// Finds the ssh that a shell would start.
fn program_ssh(path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join("ssh"))
        .find(|program| {
            program
                .metadata()
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
}

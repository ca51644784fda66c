//! `policy`: what is said of policies, and keeping them.

use std::path::{Path, PathBuf};

use super::{Surroundings, print, replay};
use crate::cli::error::Failure;
use crate::cli::policy::{json, text};
use crate::cli::policy_args::{PlainFormat, PolicyCommand};
use crate::cli::policy_file::{policies, policy, text as text_of};
use crate::policy::{Diff, Outcome, Policy};
use crate::stats::Span;
use crate::store::add_policies;

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    what: &PolicyCommand,
) -> Result<i32, Failure> {
    match what {
        PolicyCommand::Check { files, format } => check(with, files, *format),
        PolicyCommand::Format { files } => {
            let texts: Vec<String> = policies(files)?.iter().map(Policy::format).collect();
            print(&texts.join("\n")).map(|()| 0)
        }
        PolicyCommand::Show { files, format } => show(with, files, *format),
        PolicyCommand::Diff {
            before,
            after,
            format,
        } => diff(with, before, after, *format),
        PolicyCommand::Test { files, format } => test(with, files, *format),
        PolicyCommand::Add { files } => add(with, database, files),
        PolicyCommand::Replay {
            policy,
            window,
            format,
        } => {
            let now = with.clock.now();
            let span = window.resolve(now, with.global.zone(), Span::All)?;
            replay::run(with, database, policy, span, *format)
        }
    }
}

fn check(with: &Surroundings, files: &[PathBuf], format: PlainFormat) -> Result<i32, Failure> {
    let mut code = 0;
    let (mut said, mut documents) = (String::new(), Vec::new());
    for file in files {
        let name = file.display().to_string();
        match Policy::parse(&text_of(file)?) {
            Ok(policy) => {
                let lints = policy.lints();
                said.push_str(&text::lints(&name, &policy, &lints, with.style()));
                documents.push(json::lints(&name, &policy, &lints));
            }
            Err(error) => {
                code = 2;
                said.push_str(&text::faults(&name, &error, with.style()));
                documents.push(json::faults(&name, &error));
            }
        }
    }
    print(&match format {
        PlainFormat::Text => said,
        PlainFormat::Json => json::document(documents),
    })?;
    Ok(code)
}

fn show(with: &Surroundings, files: &[PathBuf], format: PlainFormat) -> Result<i32, Failure> {
    let (mut said, mut documents) = (Vec::new(), Vec::new());
    for (file, policy) in files.iter().zip(policies(files)?) {
        let table = policy.table().ok();
        said.push(text::show(&policy, table.as_deref(), with.style()));
        documents.push(json::show(
            &file.display().to_string(),
            &policy,
            table.as_deref(),
        ));
    }
    print(&match format {
        PlainFormat::Text => said.join("\n"),
        PlainFormat::Json => json::document(documents),
    })?;
    Ok(0)
}

fn diff(
    with: &Surroundings,
    before: &Path,
    after: &Path,
    format: PlainFormat,
) -> Result<i32, Failure> {
    let found = Diff::between(&policy(before)?, &policy(after)?)?;
    print(&match format {
        PlainFormat::Text => text::diff(&found, with.style()),
        PlainFormat::Json => json::diff(&found),
    })?;
    Ok(0)
}

fn test(with: &Surroundings, files: &[PathBuf], format: PlainFormat) -> Result<i32, Failure> {
    let mut code = 0;
    let (mut said, mut documents) = (String::new(), Vec::new());
    for (file, policy) in files.iter().zip(policies(files)?) {
        let name = file.display().to_string();
        let outcomes = policy.test();
        if !outcomes.iter().all(Outcome::is_met) {
            code = 1;
        }
        said.push_str(&text::test(&name, &outcomes, with.style()));
        documents.push(json::test(&name, &policy, &outcomes));
    }
    print(&match format {
        PlainFormat::Text => said,
        PlainFormat::Json => json::document(documents),
    })?;
    Ok(code)
}

/// Every file must be a policy before any of them is kept.
fn add(with: &Surroundings, database: &Path, files: &[PathBuf]) -> Result<i32, Failure> {
    let policies = policies(files)?;
    let is_new = add_policies(database, with.clock.now(), &policies)?;
    for (policy, is_new) in policies.iter().zip(is_new) {
        let what = if is_new { "added" } else { "already kept" };
        with.say(&format!("{what}: {}", policy.id()));
    }
    Ok(0)
}

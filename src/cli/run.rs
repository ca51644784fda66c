//! From the command line to the exit code.

use std::io::{self, IsTerminal, Write};
use std::process::{ExitCode, exit};
use std::sync::Arc;

use clap::Parser;
use clap::error::ErrorKind;

use super::args::{Args, Plan, shown_error};
use super::command::{self, Surroundings, print};
use super::config_file;
use super::error::Failure;
use crate::app::Keymap;
use crate::config::{Capabilities, Environment, Retention};
use crate::format::Rules;
use crate::model::sanitise;
use crate::runtime::{Clock, outlive_file_limits};

/// Runs the program.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return answer_clap(&error),
    };
    match obey(args) {
        // An exit code of a signal is above what `ExitCode` takes from an i32.
        Ok(code) => exit(code),
        Err(failure) => {
            let mut lines = format!("error: failed to {}\n", sanitise(&failure.to_string()));
            if let Some(hint) = failure.hint() {
                lines.push_str(&format!("help: {}\n", sanitise(&hint)));
            }
            let _ = io::stderr().write_all(lines.as_bytes());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Help and version go to stdout and succeed; anything else is a usage error.
fn answer_clap(error: &clap::Error) -> ExitCode {
    let text = shown_error(error);
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return if print(&text).is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(3)
        };
    }
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(super::error::UsageError::EXIT_CODE)
}

fn obey(args: Args) -> Result<i32, Failure> {
    let global = args.global.clone();
    let system = Clock::system();
    let environment = Environment::from_vars(std::env::vars_os());
    let mut with = Surroundings {
        capabilities: Capabilities::resolve(
            global.wishes(),
            &environment,
            io::stdout().is_terminal(),
        ),
        clock: Clock::new(global.frozen_now(system.now())?),
        stderr_is_terminal: io::stderr().is_terminal(),
        remote_pace: environment.remote_pace,
        stdout_is_terminal: io::stdout().is_terminal(),
        rules: Rules::default(),
        retention: Retention::default(),
        targets: Arc::default(),
        policy_files: Vec::new(),
        keymap: Keymap::default(),
        global,
    };
    let plan = args.plan(system.now())?;
    outlive_file_limits()?;
    with.rules = match (&plan, config_file::rules(&with.global, &environment)) {
        // A wrong config file is one of the findings.
        (Plan::Doctor { .. }, Err(_)) => Rules::default(),
        (_, rules) => rules?,
    };
    if !matches!(plan, Plan::Doctor { .. }) {
        with.retention = config_file::retention(&with.global, &environment)?;
        with.keymap = config_file::keymap(&with.global, &environment)?;
        with.targets = Arc::new(config_file::targets(&with.global, &environment)?);
        with.policy_files = config_file::policy_files(&with.global, &environment)?;
    }
    carry_out(&with, &environment, plan)
}

fn carry_out(with: &Surroundings, environment: &Environment, plan: Plan) -> Result<i32, Failure> {
    match plan {
        Plan::Dashboard(plan) => command::dashboard::run(with, plan),
        Plan::Ingest {
            database,
            sources,
            follow,
        } => command::ingest::run(with, &database, sources, follow),
        Plan::Retry { database, sources } => command::retry::run(with, &database, &sources),
        Plan::Report(plan) => command::report::run(with, plan),
        Plan::Explain {
            database,
            id,
            policy,
            format,
        } => command::explain::run(with, &database, &id, policy.as_deref(), format),
        Plan::Changes {
            database,
            question,
            is_plain,
            format,
        } => command::changes::run(with, &database, &question, is_plain, format),
        Plan::Check { database, format } => command::check::run(with, &database, format),
        Plan::Policy { database, what } => command::policy::run(with, &database, &what),
        Plan::Decide { policy } => command::decide::run(with, &policy),
        Plan::Care { database, care } => command::db::run(with, &database, care),
        Plan::Export {
            database,
            span,
            filter,
            output,
        } => command::export::run(with, &database, (span, &filter), output.as_deref()),
        Plan::Incident {
            database,
            question,
            filter,
            output,
        } => command::incident::run(with, &database, (&question, &filter), &output),
        Plan::Doctor { database, sources } => {
            command::doctor::run(with, environment, &database, &sources)
        }
        Plan::Completions { shell } => command::generated::completions(shell),
        Plan::Man => command::generated::man(),
        Plan::Demo { incident, out } => command::demo::run(with, incident, out),
    }
}

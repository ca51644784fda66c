//! The dashboard, or the text report where there is no terminal to draw on.

use std::sync::Arc;

use super::{Surroundings, report};
use crate::app::{App, Settings, ThemeName};
use crate::cli::args::Dashboard;
use crate::cli::error::Failure;
use crate::config;
use crate::format::recorded_in_words;
use crate::runtime::{DashboardOptions, is_stdin_fed, run_dashboard};

/// Runs the dashboard; returns the exit code.
pub(in crate::cli) fn run(with: &Surroundings, mut plan: Dashboard) -> Result<i32, Failure> {
    if !with.capabilities.has_screen {
        with.say(
            "no terminal to draw on: printing the report (`routetop --help` lists the commands)",
        );
        return report::run(with, plan.into_report());
    }
    if plan.sources.is_empty() && is_stdin_fed() {
        plan.sources.push("-".to_owned());
    }
    let theme = match with.capabilities.theme {
        config::Theme::Mono => ThemeName::Mono,
        config::Theme::Colour => ThemeName::Auto,
    };
    let mut app = App::new(Settings {
        database: plan.database.display().to_string(),
        theme,
        is_ascii: with.capabilities.ascii,
        size: (80, 24),
        recorded_in_words,
        rules: with.rules.clone(),
    });
    app.open(&plan.view.to_page(), plan.span);
    app.asked_metric = plan.metric;
    let options = DashboardOptions {
        policies: with.policies(plan.policy.as_deref())?,
        database: plan.database,
        sources: plan.sources,
        remote_pace: with.remote_pace,
        rules: with.rules.clone(),
        retention: with.retention,
        targets: Arc::clone(&with.targets),
    };
    Ok(run_dashboard(&options, app, &with.clock)?)
}

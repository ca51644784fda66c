//! The dashboard, or the text report where there is no terminal to draw on.

use std::sync::Arc;

use super::{Surroundings, changes, report};
use crate::app::{App, Settings, ThemeName};
use crate::cli::args::{Dashboard, View};
use crate::cli::error::Failure;
use crate::cli::policy_args::PlainFormat;
use crate::config;
use crate::format::recorded_in_words;
use crate::runtime::{Clock, DashboardOptions, is_stdin_fed, run_dashboard};
use crate::stats::Span;
use crate::store::{ChangesQuestion, Incident, Reader};

/// Runs the dashboard; returns the exit code.
pub(in crate::cli) fn run(with: &Surroundings, mut plan: Dashboard) -> Result<i32, Failure> {
    let incident = incident_of(&plan);
    if !with.capabilities.has_screen {
        if let Some(incident) = incident.filter(|_| plan.is_plain()) {
            let question = ChangesQuestion::of_incident(&incident);
            return changes::run(with, &plan.database, &question, true, PlainFormat::Text);
        }
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
        config::Theme::ColourBlind => ThemeName::ColourBlind,
        config::Theme::HighContrast => ThemeName::HighContrast,
        config::Theme::Colour => ThemeName::Auto,
    };
    let mut app = App::new(Settings {
        database: plan.database.display().to_string(),
        theme,
        is_ascii: with.capabilities.ascii,
        size: (80, 24),
        keymap: with.keymap.clone(),
        recorded_in_words,
        rules: with.rules.clone(),
    });
    app.open(&plan.view.to_page(), plan.span, plan.filter.clone());
    app.asked_metric = plan.metric;
    let mut clock = with.clock.clone();
    if let Some(incident) = incident {
        if with.global.now.is_none() {
            clock = Clock::frozen(incident.now);
        }
        if plan.is_plain() {
            app.open(
                &View::Changes(incident.route).to_page(),
                Span::Between(incident.window),
                plan.filter,
            );
            app.asked_metric = Some(incident.metric);
            if !incident.filter.is_empty() {
                app.notice = Some(format!(
                    "of {}, requests with {}",
                    incident.database, incident.filter
                ));
            }
        }
    }
    let options = DashboardOptions {
        policies: with.policies(plan.policy.as_deref())?,
        database: plan.database,
        sources: plan.sources,
        remote_pace: with.remote_pace,
        rules: with.rules.clone(),
        retention: with.retention,
        render: report::render_plain,
        targets: Arc::clone(&with.targets),
    };
    Ok(run_dashboard(&options, app, &clock)?)
}

/// Returns what page an incident file was made to show; of any other database, and of one that cannot be read, which
/// the dashboard itself tells, nothing.
fn incident_of(plan: &Dashboard) -> Option<Incident> {
    if !plan.sources.is_empty() || !plan.database.exists() {
        return None;
    }
    Reader::open(&plan.database).ok()?.incident().ok()?
}

//! `report`: what the overview shows, as text, JSON, CSV or markdown.

use std::path::PathBuf;

use super::findings::findings;
use super::{Surroundings, check_fields, ingest, print, quick};
use crate::app::ExportFormat;
use crate::cli::args::{Report, ReportFormat};
use crate::cli::error::Failure;
use crate::cli::report::style::Style;
use crate::cli::report::{csv, findings as page, json, markdown, text};
use crate::format::Rules;
use crate::stats::{Baseline, Filter, Page, Query, Snapshot, Span};
use crate::store::{Reader, Writer};

/// How many decisions are held against their policies, where some are known.
const DRIFT_ROWS_MAX: u64 = 400 * 512;

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(with: &Surroundings, plan: Report) -> Result<i32, Failure> {
    let policies = with.policies(plan.policy.as_deref())?;
    let kept = plan.database.clone();
    // Without a database the sources are read into one that is gone with the process.
    let passing = match kept {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(Failure::temporary)?),
    };
    let database: PathBuf = match (&kept, &passing) {
        (Some(database), _) => database.clone(),
        (None, Some(folder)) => folder.path().join("report.db"),
        (None, None) => PathBuf::new(),
    };
    if !plan.sources.is_empty() {
        let writer = Writer::open(&database, with.clock.now())?;
        // Only a report over all time, without a filter, policies and what changed, can do without rows.
        let is_plain =
            plan.filter.is_empty() && policies.is_empty() && plan.format != ReportFormat::Markdown;
        let code = if kept.is_none() && plan.span == Span::All && is_plain {
            quick::read_all(with, writer, plan.sources)?
        } else {
            ingest::read_all(with, writer, plan.sources, false)?.1
        };
        if code != 0 {
            return Ok(code);
        }
    }
    let mut reader = Reader::open(&database)?;
    reader.know(policies);
    check_fields(&mut reader, &plan.filter)?;
    let snapshot = reader.answer(&question(with, plan.span, plan.filter))?;
    let name = kept.as_ref().map(|database| database.display().to_string());
    let mut text = render(with, plan.format, &snapshot, name.as_deref());
    // What changed is asked of all requests of a route.
    if plan.format == ReportFormat::Markdown && snapshot.query.filter.is_empty() {
        let (findings, more) = findings(&mut reader, &snapshot)?;
        text.push_str(&page::render(
            &findings,
            &more,
            name.as_deref(),
            with.style(),
        ));
    }
    print(&text)?;
    Ok(0)
}

fn question(with: &Surroundings, span: Span, filter: Filter) -> Query {
    Query {
        number: 1,
        now: with.clock.now(),
        span,
        baseline: Baseline::Auto,
        trend_len: 0,
        drift_rows_max: DRIFT_ROWS_MAX,
        filter,
        page: Page::Report,
    }
}

/// Renders an answer as the dashboard writes it to a file.
pub(super) fn render_plain(snapshot: &Snapshot, format: ExportFormat) -> String {
    let style = Style::default();
    match format {
        ExportFormat::Json => json::render(snapshot, None, &Rules::default()),
        ExportFormat::Csv => csv::render(snapshot),
        ExportFormat::Markdown => markdown::render(snapshot, style),
    }
}

fn render(
    with: &Surroundings,
    format: ReportFormat,
    snapshot: &Snapshot,
    database: Option<&str>,
) -> String {
    match format {
        ReportFormat::Text => text::render(snapshot, with.style()),
        ReportFormat::Json => json::render(snapshot, database, &with.rules),
        ReportFormat::Csv => csv::render(snapshot),
        ReportFormat::Markdown => markdown::render(snapshot, with.style()),
    }
}

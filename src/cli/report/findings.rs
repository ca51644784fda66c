//! What changed, for the report as a page: a finding each with its sentence, its causes, its chart and some of its
//! decisions with the command that explains them.

use super::markdown::escape;
use super::style::Style;
use crate::app::view::changes::lines;
use crate::app::view::changes_chart::chart;
use crate::cli::page_command::{PageCommand, quoted};
use crate::cli::words::foreign;
use crate::model::Timestamp;
use crate::stats::DecisionRow;
use crate::stats::changes::Changes;

/// The columns and rows of a chart.
const CHART: (usize, usize) = (78, 8);

/// A finding with some of the decisions behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What changed.
    pub changes: Changes,
    /// Some of the bad requests.
    pub examples: Vec<DecisionRow>,
}

/// Renders the findings, the worst first; `more` are told in a line each.
pub fn render(
    findings: &[Finding],
    more: &[Changes],
    database: Option<&str>,
    style: Style,
) -> String {
    let mut out = "\n## What changed\n".to_owned();
    if findings.is_empty() {
        out.push_str("\nNo route changed beyond chance.\n");
    }
    for finding in findings {
        out.push_str(&told(finding, database, style));
    }
    if !more.is_empty() {
        out.push_str("\n### Also\n\n");
        for changes in more {
            out.push_str(&format_item(&sentence(changes, style)));
        }
    }
    out
}

fn told(finding: &Finding, database: Option<&str>, style: Style) -> String {
    let changes = &finding.changes;
    let route = changes.route.as_deref().unwrap_or("all routes");
    let mut out = format!(
        "\n### {}: {}\n\n",
        escape(&foreign(route, style.ascii)),
        escape(changes.metric.word())
    );
    let mut lines = said(changes, style).into_iter();
    if let Some(sentence) = lines.next() {
        out.extend(["**", &escape(sentence.trim()), "**\n\n"]);
    }
    out.push_str(&block(lines));
    let clock = |at: Timestamp| style.zone.format(at);
    let chart = chart(changes, CHART, &clock);
    if !chart.is_empty() {
        out.push_str(
            "\nThe share by the minute (o, with its 95 % interval), from | on the window:\n\n",
        );
        out.push_str(&block(chart.into_iter()));
    }
    if let Some(database) = database {
        let page = PageCommand {
            database,
            route: changes.route.as_deref(),
            metric: changes.metric,
            window: changes.window,
        };
        out.push_str("\nThe page:\n\n");
        out.push_str(&block(std::iter::once(foreign(&page.text(), style.ascii))));
    }
    if !finding.examples.is_empty() {
        out.push_str("\nSome of its decisions, and the command that explains the first:\n\n");
        let rows = finding.examples.iter().map(|row| decision(row, style));
        let first = finding.examples.first().zip(database);
        let explain = first.map(|(row, database)| {
            let words = [
                "routetop explain".to_owned(),
                quoted(&row.id),
                "--db".to_owned(),
            ];
            foreign(
                &format!("{} {}", words.join(" "), quoted(database)),
                style.ascii,
            )
        });
        out.push_str(&block(rows.chain(explain)));
    }
    out
}

/// Returns the lines of the page.
fn said(changes: &Changes, style: Style) -> Vec<String> {
    lines(changes, usize::MAX, None, &|at| style.zone.format(at))
        .iter()
        .map(|line| foreign(line.text().trim_end(), style.ascii))
        .filter(|line| !line.is_empty())
        .collect()
}

fn sentence(changes: &Changes, style: Style) -> String {
    let first = said(changes, style).into_iter().next();
    first.unwrap_or_default().trim().to_owned()
}

fn decision(row: &DecisionRow, style: Style) -> String {
    let models: Vec<&str> = row.models.iter().map(|model| &*model.0).collect();
    let what = [
        (row.is_escalated, "escalated"),
        (row.is_fallback, "fallback"),
        (row.is_corrected, "corrected"),
    ];
    let mut words = vec![row.state];
    words.extend(what.iter().filter(|word| word.0).map(|word| word.1));
    let rule = row.rule.as_deref().map(|rule| format!("  rule {rule}"));
    let line = format!(
        "{}  {}  {}  {}{}",
        style.zone.format(row.ts),
        row.id,
        models.join(" > "),
        words.join(", "),
        rule.unwrap_or_default()
    );
    foreign(&line, style.ascii)
}

fn format_item(text: &str) -> String {
    format!("- {}\n", escape(text))
}

/// Fences lines in; indented, so that none of them can be the end of the fence or a row of a table.
fn block(lines: impl Iterator<Item = String>) -> String {
    let mut out = "~~~~text\n".to_owned();
    for line in lines {
        out.extend([" ", &line, "\n"]);
    }
    out.push_str("~~~~\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture_changes::changes;
    use crate::app::fixtures::{NOW, decision as row};
    use crate::cli::report::fixture::{assert_safe, hostile};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn finding(name: &str) -> Finding {
        let mut changes = changes(NOW);
        changes.route = Some(name.to_owned());
        let mut examples: Vec<DecisionRow> = (1..3).map(row).collect();
        if let Some(first) = examples.first_mut() {
            first.id = name.to_owned();
            first.rule = Some(Arc::from(name));
        }
        Finding { changes, examples }
    }

    #[test]
    fn a_finding_reads_as_a_page() {
        let style = Style {
            ascii: true,
            ..Style::default()
        };
        let more = [changes(NOW)];
        let text = render(&[finding("support_chat")], &more, Some("routes.db"), style);
        insta::assert_snapshot!(text);
        assert!(render(&[], &[], None, style).contains("No route changed"));
    }

    proptest! {
        #[test]
        fn hostile_names_leave_no_fence(name in hostile()) {
            let text = render(&[finding(&name)], &[], Some(&name), Style::default());
            assert_safe(&text);
            let fences = text.lines().filter(|line| line.trim_start().starts_with("~~~~"));
            let fences: Vec<&str> = fences.filter(|line| !line.starts_with(' ')).collect();
            prop_assert_eq!(fences.len() % 2, 0);
            prop_assert!(fences.iter().all(|fence| ["~~~~text", "~~~~"].contains(fence)));
        }
    }
}

//! The report as aligned text: what one pastes into an incident channel.

use unicode_width::UnicodeWidthStr;

use super::style::Style;
use super::{sources, table};
use crate::cli::words::{foreign, span};
use crate::model::Window;
use crate::stats::Snapshot;

/// Renders the report; names are never cut, lines end in a line feed and hold no escape.
pub fn render(snapshot: &Snapshot, style: Style) -> String {
    let mut lines = head(snapshot, style);
    let trouble = table::trouble(snapshot, style.ascii);
    lines.extend(trouble.iter().map(|line| format!("!! {line}")));
    lines.push(String::new());
    if snapshot.routes.is_empty() {
        lines.push("no requests in this window".to_owned());
    } else {
        lines.extend(align(&table::rows(snapshot, style.ascii)));
        lines.push(String::new());
        for row in &snapshot.routes {
            let route = foreign(&row.route, style.ascii);
            let mut details = table::details(row, style.ascii);
            details.extend(table::drift(snapshot, &row.route));
            if !details.is_empty() {
                lines.push(format!("{route}: {}", details.join("; ")));
            }
        }
        lines.push(
            "n=7: fewer than 30 events, no rate (need 30); <=: corrections are not all logged"
                .to_owned(),
        );
    }
    lines.push(format!("ingest: {}", table::ingest(snapshot)));
    lines.extend(sources::sources(snapshot, style));
    lines.extend(table::rejects(snapshot, style.ascii));
    lines.extend(sources::gaps(snapshot, style));
    lines.extend(sources::conflicts(snapshot, style));
    lines
        .iter()
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect()
}

/// Returns the lines that say which window stands against which baseline, and through which filter.
pub(super) fn head(snapshot: &Snapshot, style: Style) -> Vec<String> {
    let window = snapshot.window;
    let history = if snapshot.is_history { "  HISTORY" } else { "" };
    let stretch = if window == Window::ALL {
        "everything stored".to_owned()
    } else {
        let (from, to) = (style.zone.format(window.from), style.zone.format(window.to));
        format!("{from} to {to} ({})", span(window.len()))
    };
    let newest = snapshot.newest.map_or_else(String::new, |newest| {
        format!("  newest event {}", style.zone.format(newest))
    });
    let baseline = snapshot.baseline.as_ref().map_or_else(
        || "no baseline yet".to_owned(),
        |baseline| format!("against {}", foreign(baseline, style.ascii)),
    );
    let mut lines = vec![
        format!("routetop report  {stretch}{history}"),
        format!("{baseline}{newest}"),
    ];
    let filter = &snapshot.query.filter;
    if !filter.is_empty() {
        let filter = foreign(&filter.to_string(), style.ascii);
        lines.push(format!(
            "filter: {filter}  (what was read counts all requests)"
        ));
    }
    lines
}

fn align(rows: &[[String; 10]]) -> Vec<String> {
    let heads = table::HEADS.map(str::to_owned);
    let all: Vec<&[String; 10]> = std::iter::once(&heads).chain(rows).collect();
    let mut widths = [0; 10];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(*row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |row: &&[String; 10]| {
        let mut out = String::new();
        for (idx, (cell, width)) in row.iter().zip(widths).enumerate() {
            let pad = " ".repeat(width - cell.width());
            if idx == 0 {
                out.push_str(cell);
                out.push_str(&pad);
            } else {
                out.push_str("  ");
                out.push_str(&pad);
                out.push_str(cell);
            }
        }
        out
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::fixture::{assert_safe, hostile, snapshot};
    use proptest::prelude::*;

    #[test]
    fn an_ordinary_report() {
        let text = render(&snapshot("support-chat"), Style::default());
        insta::assert_snapshot!(text);
        // What follows names paths, which are never cut.
        let (figures, _) = text.split_once("\ningest: ").unwrap();
        assert!(figures.lines().all(|line| line.len() <= 100), "{text}");
    }

    #[test]
    fn an_empty_report_says_so() {
        let mut snapshot = snapshot("a");
        snapshot.routes.clear();
        snapshot.baseline = None;
        snapshot.window = Window::ALL;
        let text = render(&snapshot, Style::default());
        assert!(text.contains("no requests in this window") && text.contains("no baseline yet"));
        assert!(text.contains("everything stored"));
    }

    proptest! {
        #[test]
        fn hostile_names_do_no_harm(name in hostile()) {
            assert_safe(&render(&snapshot(&name), Style::default()));
            let ascii = render(&snapshot(&name), Style { ascii: true, ..Style::default() });
            prop_assert!(ascii.is_ascii());
        }
    }
}

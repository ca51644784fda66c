//! The rejects view: every reason with its count, first line, place and remedy.

use super::line::{Line, Weight, wrapped};
use crate::app::{App, units};
use crate::format::remedy_of;
use crate::model::{KEPT_LINES_BYTES_MAX, KEPT_LINES_FOR};
use crate::stats::{RejectRow, Snapshot};

/// From this many columns on the view is a table.
const TABLE_WIDTH_MIN: usize = 80;

/// Returns the view's lines.
pub fn lines(app: &App, snapshot: &Snapshot) -> Vec<Line> {
    let width = usize::from(app.settings.size.0);
    let mut lines = Vec::new();
    if snapshot.rejects.is_empty() {
        lines.push(Line::of(" no line was rejected"));
        return lines;
    }
    let head = format!(
        "{} lines count nowhere until they can be read. Mend the cause, then: routetop ingest --retry-quarantine",
        units::count(snapshot.ingest.quarantined)
    );
    lines.extend(say(&head, 1, width, Weight::Plain));
    if snapshot.ingest.kept_bytes > 0 {
        let kept = format!(
            "of pipes and remote files {} of at most {} are kept, redacted, for {}",
            units::bytes(snapshot.ingest.kept_bytes),
            units::bytes(KEPT_LINES_BYTES_MAX),
            units::whole_span(KEPT_LINES_FOR)
        );
        lines.extend(say(&kept, 1, width, Weight::Dim));
    }
    let is_table = width >= TABLE_WIDTH_MIN;
    if is_table {
        lines.push(
            Line::default()
                .right("COUNT", 9, Weight::Title)
                .left("  REASON", 20, Weight::Title)
                .say("FIRST SEEN", Weight::Title),
        );
    }
    for reject in &snapshot.rejects {
        lines.extend(if is_table {
            wide(reject, width)
        } else {
            narrow(reject, width)
        });
    }
    lines
}

fn wide(reject: &RejectRow, width: usize) -> Vec<Line> {
    let mut lines = vec![
        Line::default()
            .right(units::count(reject.count), 9, Weight::Watch)
            .left(format!("  {}", reject.reason), 20, Weight::Title)
            .say(units::day_clock(reject.first_seen), Weight::Plain),
    ];
    lines.extend(say(&reject.detail, 11, width, Weight::Plain));
    lines.extend(say(&place(reject), 11, width, Weight::Plain));
    lines.extend(remedy(reject, 11, width));
    lines
}

fn narrow(reject: &RejectRow, width: usize) -> Vec<Line> {
    let mut lines = vec![
        Line::default()
            .say(format!(" {} ", units::count(reject.count)), Weight::Watch)
            .say(&reject.reason, Weight::Title),
    ];
    lines.extend(say(&reject.detail, 3, width, Weight::Plain));
    lines.extend(say(&place(reject), 3, width, Weight::Plain));
    lines.extend(remedy(reject, 3, width));
    lines
}

/// The place of the first line, as an editor or `tail -c` wants it.
fn place(reject: &RejectRow) -> String {
    format!(
        "first at byte {} of {}, {} long",
        reject.offset,
        reject.path,
        units::bytes(reject.len)
    )
}

fn remedy(reject: &RejectRow, indent: usize, width: usize) -> Vec<Line> {
    remedy_of(&reject.reason)
        .map_or_else(Vec::new, |remedy| say(remedy, indent, width, Weight::Dim))
}

fn say(text: &str, indent: usize, width: usize, weight: Weight) -> Vec<Line> {
    wrapped(text, width.saturating_sub(indent + 1).max(10))
        .into_iter()
        .map(|part| Line::default().say(format!("{}{part}", " ".repeat(indent)), weight))
        .collect()
}

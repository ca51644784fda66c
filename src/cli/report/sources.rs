//! The sources in the text report: how far each is read, what was lost, what was told twice.

use super::style::Style;
use crate::cli::words::{count, foreign, span};
use crate::model::Micros;
use crate::stats::{Skew, Snapshot, SourceRow};

/// The most lines of each kind.
const LINES_MAX: usize = 10;
/// Clocks this close to each other agree.
const SKEW_MIN: Micros = Micros::SECOND.times(2);

/// Returns a line for each source.
pub(super) fn sources(snapshot: &Snapshot, style: Style) -> Vec<String> {
    let lines = snapshot.sources.iter().map(|row| source(row, style));
    capped(lines, "source", "sources")
}

/// Returns what was lost before it was read, newest first.
pub(super) fn gaps(snapshot: &Snapshot, style: Style) -> Vec<String> {
    let lines = snapshot.gaps.iter().map(|row| {
        format!(
            "lost: {} of {}, {}; noticed {}",
            row.what(),
            foreign(&row.path, style.ascii),
            row.cause.told(),
            style.zone.format(row.noticed_at)
        )
    });
    capped(lines, "lost", "gaps")
}

/// Returns which facts came in another account, most first.
pub(super) fn conflicts(snapshot: &Snapshot, style: Style) -> Vec<String> {
    let lines = snapshot.conflicts.iter().map(|row| {
        format!(
            "conflict: {} other accounts of {}, the first counts; e.g. {} at byte {} of {}",
            count(row.count),
            foreign(&row.field, style.ascii),
            foreign(&row.request_id, style.ascii),
            row.offset,
            foreign(&row.path, style.ascii)
        )
    });
    capped(lines, "conflict", "facts")
}

fn source(row: &SourceRow, style: Style) -> String {
    let mut parts = vec![
        foreign(&row.state, style.ascii),
        format!("{} lines", count(row.lines)),
    ];
    let formats = row.formats.iter().take(3);
    parts.extend(formats.map(|(name, n)| format!("{} {}", foreign(name, style.ascii), count(*n))));
    for (n, word) in [
        (row.quarantined, "quarantined"),
        (row.conflicts, "conflicts"),
        (row.gaps, "gaps"),
        (row.unread_bytes, "bytes not read yet"),
    ] {
        if n > 0 {
            parts.push(format!("{} {word}", count(n)));
        }
    }
    parts.extend(skew(row.skew));
    format!(
        "source: {}  {}",
        foreign(&row.source, style.ascii),
        parts.join(", ")
    )
}

fn skew(skew: Option<Skew>) -> Option<String> {
    match skew? {
        Skew::Ahead(size) if size >= SKEW_MIN => Some(format!("clock {} ahead", span(size))),
        Skew::Behind(size) if (SKEW_MIN..Micros::DAY).contains(&size) => {
            Some(format!("events {} old when written", span(size)))
        }
        _ => None,
    }
}

fn capped(lines: impl Iterator<Item = String>, kind: &str, many: &str) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    let more = lines.len().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.truncate(LINES_MAX);
        lines.push(format!(
            "{kind}: {} more {many}",
            count(u64::try_from(more).unwrap_or(u64::MAX))
        ));
    }
    lines
}

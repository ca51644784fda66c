//! The sources: what was read, what was refused and why.

use crate::app::{App, units};
use crate::model::Timestamp;
use crate::stats::{Page, Snapshot, SourceRow};
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the page below the header.
pub fn draw(app: &App, snapshot: &Snapshot, now: Timestamp, canvas: &mut Canvas<'_>) {
    if snapshot.query.page != Page::Sources {
        canvas.line(2, &Row::new().own(" reading the sources", Role::Plain));
        return;
    }
    let total = &snapshot.ingest;
    let mut rows = vec![line(format!(
        "{} lines  {} events  {} duplicates  {} conflicts  {} rejected  {} noise  {} orphans",
        units::count(total.lines),
        units::count(total.events),
        units::count(total.duplicates),
        units::count(total.conflicts),
        units::count(total.quarantined),
        units::count(total.noise),
        units::count(total.orphans)
    ))];
    for source in &snapshot.sources {
        rows.push(Row::new());
        rows.extend(one(source, now));
        for reject in snapshot
            .rejects
            .iter()
            .filter(|reject| reject.source == source.source)
        {
            rows.push(line(format!(
                "  ! {} x {}: {}",
                units::count(reject.count),
                reject.reason,
                reject.detail
            )));
            rows.push(line(format!(
                "    first {} in {}, byte {}",
                units::day_clock(reject.first_seen),
                reject.path,
                reject.offset
            )));
        }
    }
    if snapshot.sources.is_empty() {
        rows.push(line("no sources yet"));
    }
    let room = canvas.height().saturating_sub(2);
    let first = app.scroll.min(rows.len().saturating_sub(room));
    for (idx, row) in rows.iter().skip(first).take(room).enumerate() {
        canvas.line(idx + 1, row);
    }
}

fn line(text: impl AsRef<str>) -> Row {
    Row::new().own(" ", Role::Plain).say(text, Role::Plain)
}

fn one(source: &SourceRow, now: Timestamp) -> Vec<Row> {
    let ago = |ts: Option<Timestamp>| {
        ts.map_or_else(
            || "never".to_owned(),
            |ts| format!("{} ({} ago)", units::clock(ts), units::age(now.since(ts))),
        )
    };
    let is_damaged = source.state == "damaged";
    let mut rows = vec![
        Row::new()
            .own(if is_damaged { "!!" } else { "  " }, Role::Act)
            .own(" ", Role::Plain)
            .say(&source.source, Role::Title)
            .say(format!("   {}", source.state), Role::Title),
        line(format!(
            "  {} lines, {}, {} generations, newest event {}, read {}",
            units::count(source.lines),
            units::bytes(source.bytes),
            source.generations,
            ago(source.newest),
            ago(source.read_at)
        )),
    ];
    let counted = |pairs: &[(String, u64)]| {
        pairs
            .iter()
            .map(|(name, count)| format!("{name} {}", units::count(*count)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if !source.formats.is_empty() {
        rows.push(line(format!("  formats: {}", counted(&source.formats))));
    }
    if !source.corrections_known {
        rows.push(line(
            "  corrections are not logged here: first-pass success is an upper bound",
        ));
    }
    if source.noise > 0 {
        rows.push(line(format!(
            "  {} lines are no records, e.g. {}",
            units::count(source.noise),
            source.noise_sample.as_deref().unwrap_or("(no sample)")
        )));
    }
    if !source.asides.is_empty() {
        rows.push(line(format!(
            "  set aside, nothing of a request: {}",
            counted(&source.asides)
        )));
    }
    if !source.unknown_fields.is_empty() {
        rows.push(line(format!(
            "  unknown fields: {}",
            counted(&source.unknown_fields)
        )));
    }
    rows
}

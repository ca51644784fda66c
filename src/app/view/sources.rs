//! The sources page: each source with its state, what it tells, what it lacks and what was refused.

use super::line::{Line, Weight, wrapped};
use crate::app::{App, units};
use crate::format::empty_columns;
use crate::model::Timestamp;
use crate::stats::{RejectRow, Snapshot, SourceRow};

/// From this many columns on a source is a row of a table with its details below.
const TABLE_WIDTH_MIN: usize = 80;
/// The most reasons shown of one source; the rejects view has all.
const REJECTS_MAX: usize = 3;

/// Returns the page's lines.
pub fn lines(app: &App, snapshot: &Snapshot, now: Timestamp) -> Vec<Line> {
    let width = usize::from(app.settings.size.0);
    let mut lines = totals(snapshot, width);
    if snapshot.sources.is_empty() {
        lines.push(Line::of(" no sources yet"));
        return lines;
    }
    let is_table = width >= TABLE_WIDTH_MIN;
    if is_table {
        lines.push(heading(width));
    }
    for source in &snapshot.sources {
        lines.push(if is_table {
            row(source, snapshot, width)
        } else {
            let (mark, weight) = mark(source);
            Line::default()
                .say(mark, weight)
                .say(&source.source, Weight::Title)
        });
        let indent = if is_table { "     " } else { "   " };
        for (text, weight) in details(app, source, snapshot, now, is_table) {
            let room = width.saturating_sub(indent.len() + 1).max(20);
            for (idx, part) in wrapped(&text, room.saturating_sub(2))
                .into_iter()
                .enumerate()
            {
                let hang = if idx > 0 { "  " } else { "" };
                lines.push(Line::default().say(format!("{indent}{hang}{part}"), weight));
            }
        }
    }
    lines
}

fn totals(snapshot: &Snapshot, width: usize) -> Vec<Line> {
    let of = &snapshot.ingest;
    let all = [
        (of.lines, "lines"),
        (of.events, "events"),
        (of.quarantined, "rejected"),
        (of.duplicates, "duplicates"),
        (of.conflicts, "conflicts"),
        (of.noise, "noise"),
        (of.orphans, "orphans"),
    ];
    let words: Vec<String> = all
        .iter()
        .filter(|(count, word)| *count > 0 || matches!(*word, "lines" | "events" | "rejected"))
        .map(|(count, word)| format!("{} {word}", units::count(*count)))
        .collect();
    let mut lines: Vec<Line> = wrapped(&words.join(", "), width.saturating_sub(2))
        .into_iter()
        .map(|part| Line::of(format!(" {part}")))
        .collect();
    if of.quarantined > 0 && width >= TABLE_WIDTH_MIN {
        lines.push(
            Line::default().say(" R shows what was rejected and how to mend it", Weight::Dim),
        );
    }
    lines
}

fn name_width(width: usize) -> usize {
    width.saturating_sub(56).clamp(20, 60)
}

fn heading(width: usize) -> Line {
    Line::default()
        .left("   SOURCE", name_width(width) + 3, Weight::Title)
        .left(" STATE", 11, Weight::Title)
        .right("LINES", 7, Weight::Title)
        .right("SHARE", 8, Weight::Title)
        .right("REJECTED", 10, Weight::Title)
        .right("NOISE", 7, Weight::Title)
        .right("SIZE", 9, Weight::Title)
}

fn row(source: &SourceRow, snapshot: &Snapshot, width: usize) -> Line {
    let weight = if source.quarantined > 0 {
        Weight::Watch
    } else {
        Weight::Plain
    };
    Line::default()
        .say(mark(source).0, mark(source).1)
        .left(&source.source, name_width(width), Weight::Title)
        .left(format!(" {}", source.state), 11, Weight::Plain)
        .right(units::count(source.lines), 7, Weight::Plain)
        .right(share(source, snapshot), 8, Weight::Plain)
        .right(units::count(source.quarantined), 10, weight)
        .right(units::count(source.noise), 7, Weight::Plain)
        .right(units::bytes(source.bytes), 9, Weight::Plain)
}

/// A damaged source asks for action, one with rejects for a look.
fn mark(source: &SourceRow) -> (&'static str, Weight) {
    if source.state == "damaged" {
        ("!! ", Weight::Act)
    } else if source.quarantined > 0 {
        (" ! ", Weight::Watch)
    } else {
        ("   ", Weight::Plain)
    }
}

fn share(source: &SourceRow, snapshot: &Snapshot) -> String {
    let all = snapshot.ingest.lines;
    if all == 0 {
        return "--".to_owned();
    }
    let share = units::as_float(source.lines) / units::as_float(all);
    format!("{}%", units::percent(share))
}

fn details(
    app: &App,
    source: &SourceRow,
    snapshot: &Snapshot,
    now: Timestamp,
    is_table: bool,
) -> Vec<(String, Weight)> {
    let plain = |text: String| (text, Weight::Plain);
    let mut found = Vec::new();
    if !is_table {
        found.push(plain(format!(
            "{}, {} lines {}, {} rejected",
            source.state,
            units::count(source.lines),
            share(source, snapshot),
            units::count(source.quarantined)
        )));
    }
    found.push(plain(times(source, now)));
    found.push(plain(formats(source)));
    let rejects: Vec<&RejectRow> = snapshot
        .rejects
        .iter()
        .filter(|reject| reject.source == source.source)
        .collect();
    found.extend(rejects.iter().take(REJECTS_MAX).map(|reject| {
        let text = format!(
            "! {} {}: {}",
            units::count(reject.count),
            reject.reason,
            reject.detail
        );
        (text, Weight::Watch)
    }));
    if rejects.len() > REJECTS_MAX {
        found.push(plain(format!(
            "! {} more reasons",
            rejects.len() - REJECTS_MAX
        )));
    }
    if let Some(sample) = source.noise_sample.as_ref().filter(|_| source.noise > 0) {
        found.push(plain(format!("not JSON, e.g. {sample}")));
    }
    found.extend(
        empty(app, source)
            .into_iter()
            .map(|text| (text, Weight::Dim)),
    );
    if !source.asides.is_empty() {
        found.push(plain(format!(
            "set aside, nothing of a request: {}",
            counted(&source.asides)
        )));
    }
    if !source.unknown_fields.is_empty() {
        found.push((
            format!("unknown fields: {}", counted(&source.unknown_fields)),
            Weight::Dim,
        ));
    }
    found
}

/// Tells when it was read, and how old its newest event was then.
fn times(source: &SourceRow, now: Timestamp) -> String {
    let (Some(read), newest) = (source.read_at, source.newest) else {
        return "not read yet".to_owned();
    };
    let read_ago = format!("read {} ago", units::age(now.since(read)));
    let Some(newest) = newest else {
        return format!("no event yet, {read_ago}");
    };
    let skew = if newest > read {
        format!(
            "{} ahead of the clock here when read: a clock is wrong",
            units::whole_span(newest.since(read))
        )
    } else {
        format!("{} old when read", units::age(read.since(newest)))
    };
    format!(
        "newest event {}, {skew}; {read_ago}",
        units::day_clock(newest)
    )
}

fn formats(source: &SourceRow) -> String {
    let formats = if source.formats.is_empty() {
        "no known format yet".to_owned()
    } else {
        format!("formats: {}", counted(&source.formats))
    };
    if source.generations > 1 {
        format!(
            "{formats}; {} files one after the other",
            units::count(source.generations)
        )
    } else {
        formats
    }
}

fn counted(pairs: &[(String, u64)]) -> String {
    let words: Vec<String> = pairs
        .iter()
        .map(|(name, count)| format!("{name} {}", units::count(*count)))
        .collect();
    words.join(", ")
}

/// Tells which columns stay empty, and how to fill them: those of one remedy together.
fn empty(app: &App, source: &SourceRow) -> Vec<String> {
    let names = source.formats.iter().map(|(name, _)| name.as_str());
    let columns = empty_columns(&app.settings.rules, names);
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for column in columns {
        if column.what == "correction" && source.corrections_known {
            continue;
        }
        let how = if column.is_mapped {
            "say with --map where they stand"
        } else {
            column.how
        };
        match groups.iter_mut().find(|(known, _)| *known == how) {
            Some((_, whats)) => whats.push(column.what),
            None => groups.push((how, vec![column.what])),
        }
    }
    let told = |(how, whats): &(&str, Vec<&str>)| format!("empty: {} - {how}", whats.join(", "));
    groups.iter().map(told).collect()
}

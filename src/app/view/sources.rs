//! The sources page: each source with its state, what it tells, what it lacks and what was refused.

use super::line::{Line, Weight, wrapped};
use super::source_state::{behind, flow, lost, skew, skew_cell, told_twice, unread};
use crate::app::{App, Flow, LiveSource, Role, units};
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
    lines.extend(heir(app.ingest.role, width));
    if snapshot.sources.is_empty() {
        lines.push(Line::of(" no sources yet"));
        return lines;
    }
    let is_table = width >= TABLE_WIDTH_MIN;
    if is_table {
        lines.push(heading(width));
    }
    for source in &snapshot.sources {
        let mut all = app.ingest.sources.iter();
        let live = all.find(|live| live.source == source.source);
        lines.push(if is_table {
            row(source, live, snapshot, width)
        } else {
            let (mark, weight) = mark(source, live);
            Line::default()
                .say(mark, weight)
                .say(&source.source, Weight::Title)
        });
        let indent = if is_table { "     " } else { "   " };
        for (text, weight) in details(app, (source, live), snapshot, now, is_table) {
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
    let gaps = snapshot.sources.iter().map(|source| source.gaps).sum();
    let all = [
        (of.lines, "lines"),
        (of.events, "events"),
        (of.quarantined, "rejected"),
        (of.duplicates, "duplicates"),
        (of.conflicts, "conflicts"),
        (gaps, "gaps"),
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

/// From this many columns on the table has a place for every count.
const FULL_WIDTH_MIN: usize = 110;

fn name_width(width: usize) -> usize {
    let others = if width < FULL_WIDTH_MIN { 62 } else { 77 };
    width.saturating_sub(others).clamp(18, 60)
}

fn heading(width: usize) -> Line {
    let line = Line::default()
        .left("   SOURCE", name_width(width) + 3, Weight::Title)
        .left(" STATE", 12, Weight::Title)
        .right("NOT READ", 15, Weight::Title)
        .right("SKEW", 7, Weight::Title)
        .right("LINES", 8, Weight::Title);
    let line = if width < FULL_WIDTH_MIN {
        line
    } else {
        line.right("SHARE", 8, Weight::Title)
            .right("NOISE", 7, Weight::Title)
    };
    line.right("REJECT", 8, Weight::Title)
        .right("SIZE", 9, Weight::Title)
}

fn row(source: &SourceRow, live: Option<&LiveSource>, snapshot: &Snapshot, width: usize) -> Line {
    let weight = if source.quarantined > 0 {
        Weight::Watch
    } else {
        Weight::Plain
    };
    let (skew, skew_weight) = skew_cell(source.skew);
    let line = Line::default()
        .say(mark(source, live).0, mark(source, live).1)
        .left(&source.source, name_width(width), Weight::Title)
        .left(format!(" {}", state(source, live)), 12, Weight::Plain)
        .right(unread(source, live), 15, Weight::Plain)
        .right(skew, 7, skew_weight)
        .right(units::count(source.lines), 8, Weight::Plain);
    let line = if width < FULL_WIDTH_MIN {
        line
    } else {
        line.right(share(source, snapshot), 8, Weight::Plain).right(
            units::count(source.noise),
            7,
            Weight::Plain,
        )
    };
    line.right(units::count(source.quarantined), 8, weight)
        .right(units::bytes(source.bytes), 9, Weight::Plain)
}

/// A damaged source asks for action, one that waits, lost or refused something for a look.
fn mark(source: &SourceRow, live: Option<&LiveSource>) -> (&'static str, Weight) {
    let flow = live.map_or(Flow::Fine, |live| live.flow);
    if source.state == "damaged" || flow == Flow::Broken {
        ("!! ", Weight::Act)
    } else if flow == Flow::Waiting || source.quarantined + source.gaps + source.conflicts > 0 {
        (" ! ", Weight::Watch)
    } else {
        ("   ", Weight::Plain)
    }
}

/// What it does now, where this process reads it; else how it was left. A state that is too long for
/// the table stands below it.
fn state<'a>(source: &'a SourceRow, live: Option<&'a LiveSource>) -> &'a str {
    match live {
        Some(live) if live.state.len() <= 11 => &live.state,
        Some(live) if live.flow == Flow::Waiting => "waiting",
        _ => &source.state,
    }
}

/// Tells why the sources named here are not read now.
fn heir(role: Role, width: usize) -> Vec<Line> {
    let Role::Heir { pid } = role else {
        return Vec::new();
    };
    let writer = pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    );
    let text = format!("{writer} writes; the sources named here are read once it has left");
    let parts = wrapped(&text, width.saturating_sub(2)).into_iter();
    parts.map(|part| Line::of(format!(" {part}"))).collect()
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
    (source, live): (&SourceRow, Option<&LiveSource>),
    snapshot: &Snapshot,
    now: Timestamp,
    is_table: bool,
) -> Vec<(String, Weight)> {
    let plain = |text: String| (text, Weight::Plain);
    let mut found = Vec::new();
    if !is_table {
        found.push(plain(format!(
            "{}, {} lines {}, {} rejected",
            state(source, live),
            units::count(source.lines),
            share(source, snapshot),
            units::count(source.quarantined)
        )));
    }
    found.extend(flow(live));
    if !is_table || live.is_none() {
        found.extend(behind(source, live).map(plain));
    }
    found.push(plain(times(source, now)));
    found.extend(skew(source).map(|text| (text, Weight::Watch)));
    found.push(plain(formats(source)));
    found.extend(lost(source, &snapshot.gaps));
    found.extend(told_twice(source, &snapshot.conflicts));
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
    let old = if newest > read {
        String::new()
    } else {
        format!(", {} old when read", units::age(read.since(newest)))
    };
    format!("newest event {}{old}; {read_ago}", units::day_clock(newest))
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

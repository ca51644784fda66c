//! How far and how well a source is read: lag, clock, what was lost, what was told twice.

use super::line::Weight;
use crate::app::{Flow, LiveSource, units};
use crate::model::Micros;
use crate::stats::{ConflictRow, GapRow, Skew, SourceRow};

/// Clocks this close to each other agree.
const SKEW_MIN: Micros = Micros::SECOND.times(2);
/// From here on a clock that differs is pointed at.
const SKEW_WATCHED: Micros = Micros::SECOND.times(30);
/// Events older than that when they were read are old lines; no clock is that far behind.
const BEHIND_MAX: Micros = Micros::DAY;
/// The most gaps, and the most facts with other accounts, shown of one source.
const ROWS_MAX: usize = 3;

/// Returns the bytes that wait and for how long, where this process reads the source.
pub(super) fn unread(source: &SourceRow, live: Option<&LiveSource>) -> String {
    match live {
        Some(live) if live.unread_bytes > 0 => {
            format!(
                "{} {}",
                units::bytes(live.unread_bytes),
                units::span(live.lag)
            )
        }
        None if source.unread_bytes > 0 => units::bytes(source.unread_bytes),
        _ => "none".to_owned(),
    }
}

/// Tells in a sentence how many bytes wait, when some do.
pub(super) fn behind(source: &SourceRow, live: Option<&LiveSource>) -> Option<String> {
    match live {
        Some(live) => (live.unread_bytes > 0).then(|| {
            format!(
                "{} not read yet, waiting for {}",
                units::bytes(live.unread_bytes),
                units::span(live.lag)
            )
        }),
        None => (source.unread_bytes > 0).then(|| {
            format!(
                "{} were not read yet when it was last looked at",
                units::bytes(source.unread_bytes)
            )
        }),
    }
}

/// Tells what keeps lines from coming.
pub(super) fn flow(live: Option<&LiveSource>) -> Option<(String, Weight)> {
    let live = live?;
    let weight = match live.flow {
        Flow::Fine => Weight::Plain,
        Flow::Waiting => Weight::Watch,
        Flow::Broken => Weight::Act,
    };
    let is_told = live.flow != Flow::Fine || live.state.len() > 11 || !live.detail.is_empty();
    let text = if live.detail.is_empty() {
        live.state.clone()
    } else {
        format!("{}: {}", live.state, live.detail)
    };
    is_told.then_some((text, weight))
}

/// Returns how far the clock of the source is off, in a few characters.
pub(super) fn skew_cell(skew: Option<Skew>) -> (String, Weight) {
    let (sign, size) = match skew {
        Some(Skew::Ahead(size)) => ('+', size),
        Some(Skew::Behind(size)) if size < BEHIND_MAX => ('-', size),
        Some(Skew::Behind(_)) | None => return ("--".to_owned(), Weight::Plain),
    };
    if size < SKEW_MIN {
        return ("0s".to_owned(), Weight::Plain);
    }
    let weight = if size < SKEW_WATCHED {
        Weight::Plain
    } else {
        Weight::Watch
    };
    (format!("{sign}{}", units::whole_span(size)), weight)
}

/// Tells in a sentence what a clock that is off means.
pub(super) fn skew(source: &SourceRow) -> Option<String> {
    match source.skew? {
        Skew::Ahead(size) if size >= SKEW_WATCHED => Some(format!(
            "! its clock is {} ahead of the one here: one of them is wrong",
            units::whole_span(size)
        )),
        Skew::Behind(size) if (SKEW_WATCHED..BEHIND_MAX).contains(&size) => Some(format!(
            "! its events are {} old when they are written: they come late, or its clock is behind",
            units::whole_span(size)
        )),
        _ => None,
    }
}

/// Tells what was lost before it was read, newest first.
pub(super) fn lost(source: &SourceRow, gaps: &[GapRow]) -> Vec<(String, Weight)> {
    let of = gaps.iter().filter(|gap| gap.source == source.source);
    let mut found: Vec<String> = of
        .take(ROWS_MAX)
        .map(|gap| {
            format!(
                "! lost: {} of {}, {}; noticed {}",
                gap.what(),
                gap.path,
                gap.cause.told(),
                units::day_clock(gap.noticed_at)
            )
        })
        .collect();
    more(&mut found, source.gaps, "gaps");
    watched(found)
}

/// Tells which facts came in another account, most first.
pub(super) fn told_twice(source: &SourceRow, conflicts: &[ConflictRow]) -> Vec<(String, Weight)> {
    let of = || conflicts.iter().filter(|row| row.source == source.source);
    let mut found: Vec<String> = of()
        .take(ROWS_MAX)
        .map(|row| {
            format!(
                "! {} other accounts of {}, the first counts; e.g. {} at byte {} of {}",
                units::count(row.count),
                row.field,
                row.request_id,
                row.offset,
                row.path
            )
        })
        .collect();
    let all = u64::try_from(of().count()).unwrap_or(u64::MAX);
    more(&mut found, all, "facts with other accounts");
    watched(found)
}

fn more(found: &mut Vec<String>, all: u64, what: &str) {
    let shown = u64::try_from(found.len()).unwrap_or(u64::MAX);
    if all > shown && shown > 0 {
        found.push(format!("! {} more {what}", units::count(all - shown)));
    }
}

fn watched(texts: Vec<String>) -> Vec<(String, Weight)> {
    let weighed = texts.into_iter().map(|text| (text, Weight::Watch));
    weighed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d18_skew_is_signed_and_old_lines_are_none() {
        let second = Micros::SECOND;
        for (skew, cell, is_told) in [
            (None, "--", false),
            (Some(Skew::Ahead(Micros(900_000))), "0s", false),
            (Some(Skew::Ahead(second.times(300))), "+5m", true),
            (Some(Skew::Behind(second.times(5))), "-5s", false),
            (Some(Skew::Behind(second.times(300))), "-5m", true),
            (Some(Skew::Behind(second.times(20_700))), "-5h", true),
            (Some(Skew::Behind(Micros::DAY)), "--", false),
        ] {
            let source = SourceRow {
                skew,
                ..SourceRow::default()
            };
            assert_eq!(skew_cell(skew).0, cell, "{skew:?}");
            assert_eq!(self::skew(&source).is_some(), is_told, "{skew:?}");
        }
    }
}

//! `ingest --retry-quarantine`: reads rejected lines again, after a mapping or a newer version.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use super::Surroundings;
use crate::cli::error::Failure;
use crate::cli::words::count;
use crate::model::sanitise;
use crate::runtime::{Lost, Outside, RetryReport, StopFlag, retry_quarantine, watch};
use crate::store::{Reader, Writer};

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    sources: &[String],
) -> Result<i32, Failure> {
    // A database that is not there is not made.
    drop(Reader::open(database)?);
    let mut writer = Writer::open(database, with.clock.now())?;
    for source in sources {
        if !writer.has_source(source)? {
            return Err(Failure::UnknownSource(source.clone()));
        }
    }
    let stop = StopFlag::default();
    let code = Arc::new(AtomicI32::new(0));
    let (flag, ended) = (stop.clone(), Arc::clone(&code));
    let watched = watch(false, move |event| {
        if matches!(event, Outside::End(_) | Outside::TerminalLost) {
            ended.store(event.exit_code(), Ordering::Relaxed);
            flag.stop();
        }
    })?;
    let report = retry_quarantine(&mut writer, sources, with.rules.clone(), &with.clock, &stop)?;
    writer.close()?;
    drop(watched);
    for line in told(&report) {
        with.say(sanitise(&line).as_str());
    }
    Ok(code.load(Ordering::Relaxed))
}

/// Tells what came of it, a sentence a line.
fn told(report: &RetryReport) -> Vec<String> {
    if report.lines == 0 && report.overflow == 0 {
        return vec!["no rejected lines to read again".to_owned()];
    }
    let mut head = format!(
        "{} rejected lines read again: {} became events",
        count(report.lines),
        count(report.released)
    );
    if report.duplicates > 0 {
        head.push_str(&format!(
            ", {} of which said nothing new",
            count(report.duplicates)
        ));
    }
    let mut lines = vec![head];
    for (reason, (n, detail)) in &report.rejected {
        lines.push(format!("  {} stay: {reason} (e.g. {detail})", count(*n)));
    }
    for (lost, n) in &report.lost {
        lines.push(format!("  {} stay: {}", count(*n), why(*lost)));
    }
    if report.overflow > 0 {
        lines.push(format!(
            "  {} more were counted without their place: read their sources anew into another database",
            count(report.overflow)
        ));
    }
    lines
}

fn why(lost: Lost) -> &'static str {
    match lost {
        Lost::Gone => "their file is gone or cannot be opened",
        Lost::Changed => "their file holds other bytes there now",
        Lost::NotKept => "they came through a pipe and were not kept",
        Lost::TooLong => "they are longer than any line that is read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_accounted_for() {
        let report = RetryReport {
            lines: 1_012,
            released: 1_000,
            duplicates: 3,
            rejected: [("unmapped", (7, "the mapping finds no route".to_owned()))].into(),
            lost: vec![(Lost::Gone, 4), (Lost::Changed, 1)],
            overflow: 9,
        };
        assert_eq!(
            told(&report),
            [
                "1,012 rejected lines read again: 1,000 became events, 3 of which said nothing new",
                "  7 stay: unmapped (e.g. the mapping finds no route)",
                "  4 stay: their file is gone or cannot be opened",
                "  1 stay: their file holds other bytes there now",
                "  9 more were counted without their place: read their sources anew into another database",
            ]
        );
        assert_eq!(
            told(&RetryReport::default()),
            ["no rejected lines to read again"]
        );
    }
}

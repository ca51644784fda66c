//! `db`: what a database is, whether it is sound, and how it is kept so.

use std::path::Path;

use indicatif::ProgressBar;

use super::{Surroundings, ingest, print};
use crate::cli::care::Care;
use crate::cli::error::{Failure, UsageError};
use crate::cli::words::{bytes, count};
use crate::config::Retention;
use crate::model::sanitise_block;
use crate::store::{DatabaseFacts, Pruned, Reader, StoreError, Verified, Writer, backup};

/// More than this share of the requests goes only when the user is sure.
const SHARE_MAX: f64 = 0.5;

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    care: Care,
) -> Result<i32, Failure> {
    // A database that is not there is not made.
    let mut reader = Reader::open(database)?;
    match care {
        Care::Info => print(&told_facts(with, database, &reader.facts()?))?,
        Care::Verify => {
            let bar = ingest::bar(with);
            let verified = reader.verify(|done, all| tell(&bar, "checked", done, all))?;
            bar.finish_and_clear();
            print(&told_check(&verified))?;
            if let Some(first) = verified.findings.first() {
                let what = format!("{} findings, the first: {first}", verified.findings.len());
                return Err(Failure::Store(StoreError::Damaged { what }));
            }
        }
        Care::Rebuild => {
            drop(reader);
            let bar = ingest::bar(with);
            let mut writer = Writer::open(database, with.clock.now())?;
            let mut counted = 0;
            writer.rebuild_rollups(|done, all| {
                counted = all;
                tell(&bar, "counted", done, all);
            })?;
            bar.finish_and_clear();
            writer.close()?;
            with.say(&format!(
                "rollups counted anew from {} requests",
                count(counted)
            ));
        }
        Care::Prune { retention, is_sure } => {
            let retention = retention.unwrap_or(with.retention);
            if retention.is_off() {
                return Err(UsageError::NoRetention.into());
            }
            // The last one to close the database is who makes the file shorter.
            drop(reader);
            let writer = Writer::open(database, with.clock.now())?;
            let pruned = prune(with, writer, retention, is_sure)?;
            with.say(&format!(
                "{} requests and {} rollups dropped, {} given back to the disk",
                count(pruned.requests),
                count(pruned.cells),
                bytes(pruned.bytes)
            ));
        }
        Care::Backup { to } => {
            let len = backup(database, &to)?;
            with.say(&format!("{} copied to {}", bytes(len), to.display()));
        }
    }
    Ok(0)
}

fn prune(
    with: &Surroundings,
    mut writer: Writer,
    retention: Retention,
    is_sure: bool,
) -> Result<Pruned, Failure> {
    let now = with.clock.now();
    let share = writer.share_too_old(&retention, now)?;
    if share > SHARE_MAX && !is_sure {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share between 0 and 1"
        )]
        return Err(UsageError::TooMuch((share * 100.0).round() as u32).into());
    }
    let bar = ingest::bar(with);
    let mut pruned = Pruned::default();
    loop {
        let step = writer.prune_step(&retention, now)?;
        if step.is_nothing() {
            break;
        }
        pruned.add(step);
        writer.checkpoint_if_due(false)?;
        bar.set_message(format!("{} requests dropped", count(pruned.requests)));
        bar.tick();
    }
    bar.finish_and_clear();
    writer.close()?;
    Ok(pruned)
}

fn tell(bar: &ProgressBar, what: &str, done: u64, all: u64) {
    bar.set_message(format!("{what} {} of {} requests", count(done), count(all)));
    bar.tick();
}

fn told_facts(with: &Surroundings, database: &Path, facts: &DatabaseFacts) -> String {
    let zone = with.global.zone();
    let mut lines = vec![
        ("database", database.display().to_string()),
        ("id", facts.id.clone()),
        ("schema", facts.schema.to_string()),
        ("made", zone.format(facts.created_at)),
        (
            "writer",
            facts
                .writer
                .map_or_else(|| "none now".to_owned(), |pid| format!("process {pid}")),
        ),
        (
            "size",
            format!(
                "{} ({} free), log {}",
                bytes(facts.bytes),
                bytes(facts.free),
                bytes(facts.log_bytes)
            ),
        ),
    ];
    if let Some((from, to)) = facts.extent {
        lines.push((
            "requests of",
            format!("{} to {}", zone.format(from), zone.format(to)),
        ));
    }
    if let Some(from) = facts.rows_from {
        lines.push(("dropped before", zone.format(from)));
    }
    let requests = facts.rows.first().map_or(0, |(_, rows)| *rows);
    if let Some(each) = (facts.bytes - facts.free.min(facts.bytes)).checked_div(requests) {
        lines.push(("a request takes", format!("{} bytes, all in", count(each))));
    }
    lines.extend(facts.rows.iter().map(|(name, rows)| (*name, count(*rows))));
    let lines = lines
        .iter()
        .map(|(name, value)| format!("{name:<18} {value}\n"));
    shown(&lines.collect::<String>())
}

fn told_check(verified: &Verified) -> String {
    let mut text = format!("{} requests checked", count(verified.requests));
    if verified.joined > 0 {
        text.push_str(&format!(
            ", {} of them joined from several lines and known by their rollups only",
            count(verified.joined)
        ));
    }
    text.push_str(if verified.findings.is_empty() {
        ": all sound\n"
    } else {
        "\n"
    });
    for finding in &verified.findings {
        text.push_str(&format!("{finding}\n"));
    }
    shown(&text)
}

/// Makes what may hold foreign text safe for a terminal.
fn shown(text: &str) -> String {
    let lines: Vec<String> = sanitise_block(text)
        .iter()
        .map(ToString::to_string)
        .collect();
    lines.join("\n")
}

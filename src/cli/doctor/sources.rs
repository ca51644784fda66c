//! Checks of sources: by their first lines, or by what a database knows of them.

use super::check::{Check, State};
use super::lines::Look;
use crate::cli::words::count;
use crate::format::{Rules, empty_columns, remedy_of};
use crate::stats::{RejectRow, Snapshot, SourceRow};

/// Checks a source by the first lines of its files; `files` are how many it has now.
pub fn by_lines(
    source: &str,
    files: usize,
    look: &Look,
    unreadable: &[String],
    rules: &Rules,
) -> Check {
    let mut check = if files == 0 {
        Check::new(State::Note, "source", format!("{source}: no file yet"))
            .with("it is read as soon as there is one, when followed")
    } else if !unreadable.is_empty() {
        Check::new(State::Broken, "source", format!("{source}: cannot be read"))
    } else if look.lines == 0 {
        Check::new(State::Note, "source", format!("{source}: empty so far"))
    } else if look.formats.is_empty() {
        Check::new(
            State::Broken,
            "source",
            format!(
                "{source}: none of its first {} lines can be used",
                look.lines
            ),
        )
    } else {
        let state = if look.rejects.is_empty() {
            State::Works
        } else {
            State::Note
        };
        let formats: Vec<String> = look
            .formats
            .iter()
            .map(|(name, n)| format!("{name} {}", count(*n)))
            .collect();
        let found = format!(
            "{source}: of its first {} lines {}",
            count(look.lines),
            formats.join(", ")
        );
        Check::new(state, "source", found)
    };
    check.more.extend(unreadable.iter().cloned());
    for (reason, (n, detail)) in &look.rejects {
        check.more.push(rejected(*n, reason, detail));
        check
            .more
            .extend(remedy_of(reason).map(|remedy| format!("  {remedy}")));
    }
    if look.noise > 0 {
        check.more.push(format!(
            "{} lines are no records (banners, tracebacks): skipped",
            count(look.noise)
        ));
    }
    check
        .more
        .extend(empty(look.formats.keys().copied(), false, rules));
    check
}

/// Checks the sources that a database knows.
pub fn by_database(snapshot: &Snapshot, rules: &Rules) -> Vec<Check> {
    snapshot
        .sources
        .iter()
        .map(|source| {
            let rejects = snapshot
                .rejects
                .iter()
                .filter(|row| row.source == source.source);
            known(source, rejects, rules)
        })
        .collect()
}

fn known<'a>(
    source: &SourceRow,
    rejects: impl Iterator<Item = &'a RejectRow>,
    rules: &Rules,
) -> Check {
    let is_damaged = source.state == "damaged";
    let state = match (is_damaged, source.quarantined) {
        (true, _) => State::Broken,
        (false, 0) => State::Works,
        _ => State::Note,
    };
    let formats: Vec<String> = source
        .formats
        .iter()
        .map(|(name, n)| format!("{name} {}", count(*n)))
        .collect();
    let formats = if formats.is_empty() {
        "no known format".to_owned()
    } else {
        formats.join(", ")
    };
    let found = format!(
        "{}: {}, {} lines, {formats}",
        source.source,
        source.state,
        count(source.lines)
    );
    let mut check = Check::new(state, "source", found);
    if is_damaged {
        check = check
            .with("the file is damaged or no text from some byte on: what stands before was read");
    }
    for row in rejects {
        check
            .more
            .push(rejected(row.count, &row.reason, &row.detail));
        check
            .more
            .push(format!("  first at byte {} of {}", row.offset, row.path));
        check
            .more
            .extend(remedy_of(&row.reason).map(|remedy| format!("  {remedy}")));
    }
    let names = source.formats.iter().map(|(name, _)| name.as_str());
    check
        .more
        .extend(empty(names, source.corrections_known, rules));
    check
}

fn rejected(n: u64, reason: &str, detail: &str) -> String {
    format!("{} rejected: {reason} ({detail})", count(n))
}

fn empty<'a>(
    formats: impl Iterator<Item = &'a str>,
    has_corrections: bool,
    rules: &Rules,
) -> Vec<String> {
    empty_columns(rules, formats)
        .iter()
        .filter(|column| !(has_corrections && column.what == "correction"))
        .map(|column| format!("stays empty: {} - {}", column.what, column.how))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::fixture;
    use crate::cli::report::style::Style;

    fn look(formats: &[(&'static str, u64)], rejects: &[(&'static str, u64)]) -> Look {
        Look {
            lines: formats.iter().chain(rejects).map(|row| row.1).sum(),
            formats: formats.iter().copied().collect(),
            rejects: rejects
                .iter()
                .map(|(reason, n)| (*reason, (*n, "why".to_owned())))
                .collect(),
            noise: 0,
        }
    }

    #[test]
    fn a_source_is_judged_by_its_first_lines() {
        let rules = Rules::default();
        let state = |files, look: &Look, unreadable: &[String]| {
            by_lines("a", files, look, unreadable, &rules).state
        };
        let good = look(&[("native", 3)], &[]);
        assert_eq!(state(1, &good, &[]), State::Works);
        assert_eq!(
            state(1, &look(&[("native", 3)], &[("bad-time", 1)]), &[]),
            State::Note
        );
        assert_eq!(
            state(1, &look(&[], &[("unknown-format", 3)]), &[]),
            State::Broken
        );
        assert_eq!(state(0, &Look::default(), &[]), State::Note);
        assert_eq!(state(1, &Look::default(), &[]), State::Note);
        assert_eq!(
            state(1, &good, &["x: permission denied".to_owned()]),
            State::Broken
        );
    }

    #[test]
    fn rejects_and_empty_columns_come_with_remedies() {
        let some = look(&[("litellm-sdk", 3)], &[("unmapped", 2)]);
        let lines = by_lines("a.jsonl", 1, &some, &[], &Rules::default())
            .lines(Style::default())
            .join("\n");
        for part in [
            "!   source    a.jsonl: of its first 5 lines litellm-sdk 3",
            "2 rejected: unmapped (why)",
            "the mapping misses what the detail names",
            "stays empty: correction - map [map.correction]",
            "stays empty: requests refused in cooldown - write with the callback",
        ] {
            assert!(lines.contains(part), "{part} in {lines}");
        }
    }

    #[test]
    fn a_database_tells_of_its_sources() {
        let mut snapshot = fixture::snapshot("a");
        let [source, ..] = snapshot.sources.as_mut_slice() else {
            panic!("no source")
        };
        source.quarantined = 2;
        let checks = by_database(&snapshot, &Rules::default());
        let lines = checks[0].lines(Style::default()).join("\n");
        assert!(
            lines.contains("2 rejected: a (a)") && lines.contains("first at byte 12 of a"),
            "{lines}"
        );
        assert_eq!(checks[0].state, State::Note);
    }
}

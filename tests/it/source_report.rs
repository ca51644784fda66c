//! What the report and the sources page tell of a source: clock, what was lost, what was told twice.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::pty::Session;
use crate::support::run_ok;

fn line(id: &str, ts: &str, model: &str) -> String {
    format!(
        "{{\"event\":\"request\",\"ts\":{ts},\"request_id\":\"{id}\",\"route\":\"support\",\"attempts\":[{{\"model\":\"{model}\",\"outcome\":\"ok\"}}],\"outcome\":\"completed\"}}\n"
    )
}

fn report(folder: &Path) -> Value {
    let text = run_ok(folder, ["report", "--db", "t.db", "--format", "json"]);
    serde_json::from_str(&text).unwrap()
}

/// Sees `words` on the sources page at three sizes and in the text report.
fn is_shown(folder: &Path, words: &[&str]) {
    let text = run_ok(folder, ["report", "--db", "t.db"]);
    for size in [(80, 24), (120, 40), (200, 50)] {
        let mut session = Session::dashboard(folder, &["--db", "t.db"], size);
        session.sees("support");
        session.press("7");
        for word in words {
            session.sees(word);
        }
        session.press("q");
        assert_eq!(session.end(10).0, 0);
    }
    for word in words {
        assert!(text.contains(word), "no `{word}` in {text}");
    }
}

#[test]
fn d18_skew_is_told_for_each_source() {
    let folder = tempfile::tempdir().unwrap();
    let now = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis(),
    );
    let now = now.unwrap();
    let minutes = |count: i64| (now + count * 60_000).to_string();
    for (file, shift) in [("ahead", 5), ("behind", -5), ("even", 0), ("old", -3_000)] {
        let text = line(file, &minutes(shift), "small-1");
        fs::write(folder.path().join(format!("{file}.jsonl")), text).unwrap();
    }
    for file in ["ahead", "behind", "even", "old"] {
        let name = format!("{file}.jsonl");
        run_ok(
            folder.path(),
            ["ingest", "--db", &format!("{file}.db"), &name],
        );
        let text = run_ok(
            folder.path(),
            ["report", "--db", &format!("{file}.db"), "--format", "json"],
        );
        let report: Value = serde_json::from_str(&text).unwrap();
        let skew = report["ingest"]["sources"][0]["skew_s"].as_f64().unwrap();
        let expected = match file {
            "ahead" => 300.0,
            "behind" => -300.0,
            "even" => 0.0,
            _ => -180_000.0,
        };
        // Reading comes some time after writing.
        assert!(
            skew <= expected && skew > expected - 120.0,
            "{file}: {skew}"
        );
    }
}

/// A backlog says nothing of clocks: its lines were read long after they were written.
#[test]
fn d18_a_file_that_was_left_alone_has_no_skew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    fs::write(&path, line("old", "\"2026-11-23T02:00:00Z\"", "small-1")).unwrap();
    let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_400_000);
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(written).unwrap();
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    let report = report(folder.path());
    assert_eq!(report["ingest"]["sources"][0]["skew_s"], Value::Null);
}

#[test]
fn d21_conflicts_are_shown_with_where_the_other_account_stands() {
    let folder = tempfile::tempdir().unwrap();
    let ts = "\"2026-11-23T02:00:00Z\"";
    let first = line("r-1", ts, "small-1");
    let text = format!("{first}{}", line("r-1", ts, "large-9"));
    fs::write(folder.path().join("r.jsonl"), text).unwrap();
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    let report = report(folder.path());
    let ingest = &report["ingest"];
    assert_eq!(ingest["conflicts"], 1);
    assert_eq!(ingest["sources"][0]["conflicts"], 1);
    let found = &ingest["conflicting_facts"][0];
    assert_eq!(found["count"], 1);
    assert_eq!(found["example"]["request_id"], "r-1");
    assert_eq!(found["example"]["offset"], first.len());
    let fact = found["fact"].as_str().unwrap();
    is_shown(
        folder.path(),
        &[&format!("1 other accounts of {fact}, the first counts")],
    );
}

#[test]
fn i12_a_gap_is_kept_and_shown_with_its_bytes_and_cause() {
    let folder = tempfile::tempdir().unwrap();
    let ts = "\"2026-11-23T02:00:00Z\"";
    let old: String = (0..9)
        .map(|n| line(&format!("old-{n}"), ts, "small-1"))
        .collect();
    let new: String = (0..3)
        .map(|n| line(&format!("n-{n}"), ts, "small-1"))
        .collect();
    fs::write(folder.path().join("r.jsonl"), &old).unwrap();
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    // Cut and written anew while nobody looked: what stood behind the last line read is not known.
    fs::write(folder.path().join("r.jsonl"), &new).unwrap();
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    let report = report(folder.path());
    let ingest = &report["ingest"];
    assert_eq!(ingest["sources"][0]["gaps"], 1);
    let gap = &ingest["gaps"][0];
    assert_eq!(gap["cause"], "truncated");
    assert_eq!(gap["from"], old.len());
    assert_eq!(gap["to"], Value::Null);
    assert!(gap["noticed_at"].as_str().unwrap().starts_with("20"));
    is_shown(folder.path(), &["lost: an unknown number of bytes"]);
}

#[test]
fn i12_a_gap_is_gone_once_its_bytes_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let ts = "\"2026-11-23T02:00:00Z\"";
    let lines = |from: usize, to: usize| -> String {
        let lines: Vec<String> = (from..to)
            .map(|n| line(&format!("r-{n}"), ts, "small-1"))
            .collect();
        lines.concat()
    };
    let log = folder.path().join("r.jsonl");
    for text in [lines(0, 9), lines(11, 13)] {
        fs::write(&log, text).unwrap();
        run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    }
    assert_eq!(report(folder.path())["ingest"]["sources"][0]["gaps"], 1);
    // What was cut off comes back from where it had been copied to.
    fs::write(folder.path().join("r.jsonl.1"), lines(0, 11)).unwrap();
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    let report = report(folder.path());
    assert_eq!(report["totals"]["requests"], 13);
    assert_eq!(report["ingest"]["gaps"], serde_json::json!([]));
}

//! Rejected lines that are read again: exactly once, with counts that still add up.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::{routetop, run, run_ok};

const MAP: &str =
    "[map]\nrequest_id = \"/id\"\nts = { at = \"/at\", unit = \"s\" }\nroute = \"/route\"\n";
const NATIVE: &str = r#"{"event":"request","ts":1795470000000,"request_id":"n-1","route":"a","attempts":[{"model":"m","outcome":"ok"}],"outcome":"completed"}"#;

fn own(id: usize) -> String {
    format!(
        r#"{{"id":"o-{id}","at":{},"route":"own"}}"#,
        1_795_470_000 + id
    )
}

/// Lines of several kinds: 20 that a mapping reads, 2 that nothing reads, noise, blank, native.
fn log() -> String {
    let mut lines = vec![NATIVE.to_owned(), String::new(), "INFO started".to_owned()];
    lines.extend((0..20).map(own));
    lines.push(r#"{"id":"o-x","at":1795470000}"#.to_owned());
    lines.push(r#"{"broken":"#.to_owned());
    lines.join("\n") + "\n"
}

fn retry(folder: &Path, more: &[&str]) -> String {
    let args = ["ingest", "--db", "t.db", "--retry-quarantine"];
    let output: Output = run(folder, args.into_iter().chain(more.iter().copied()));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn report(folder: &Path) -> Value {
    let text = run_ok(folder, ["report", "--db", "t.db", "--format", "json"]);
    serde_json::from_str(&text).unwrap()
}

/// V1: every line and byte of every generation is accounted for, and the reasons add up.
fn assert_accounted(folder: &Path) {
    let db = rusqlite::Connection::open(folder.join("t.db")).unwrap();
    let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let wrong = "SELECT count(*) FROM generation g WHERE lines<>blank+noise+quarantined+repeated+\
        (SELECT coalesce(sum(f.lines),0) FROM generation_format f WHERE f.generation=g.id) \
        OR bytes<>offset OR quarantined<>(SELECT coalesce(sum(r.count),0) FROM reject_count r WHERE r.generation=g.id)";
    assert_eq!(one(wrong), 0);
    let examples = "SELECT count(*) FROM reject_count r WHERE NOT EXISTS (SELECT 1 FROM quarantine q \
        WHERE q.generation=r.generation AND q.offset=r.offset AND q.len=r.len AND q.reason=r.reason)";
    assert_eq!(one(examples), 0, "an example is a line that is still there");
    let kept = "SELECT (SELECT value FROM meta WHERE key='kept_bytes')-\
        (SELECT coalesce(sum(length(CAST(line AS BLOB))),0) FROM quarantine_line)";
    assert_eq!(one(kept), 0);
}

fn pack(path: &Path, body: &str) {
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap();
}

#[test]
fn lines_that_a_mapping_reads_leave_quarantine_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("map.toml"), MAP).unwrap();
    std::fs::write(folder.join("own.jsonl"), log()).unwrap();
    pack(
        &folder.join("packed.jsonl.gz"),
        &log().replace("\"o-", "\"p-").replace("n-1", "n-2"),
    );
    run_ok(
        folder,
        ["ingest", "--db", "t.db", "own.jsonl", "packed.jsonl.gz"],
    );
    let before = report(folder);
    assert_eq!(before["ingest"]["quarantined"], 44);
    assert_accounted(folder);
    let nothing = retry(folder, &[]);
    assert!(
        nothing.contains("44 rejected lines read again: 0 became events"),
        "{nothing}"
    );
    let some = retry(folder, &["--map", "map.toml", "own.jsonl"]);
    assert!(
        some.contains("22 rejected lines read again: 20 became events"),
        "{some}"
    );
    assert!(
        some.contains("1 stay: unmapped (e.g. no known format, and the mapping finds no route)"),
        "{some}"
    );
    assert!(some.contains("1 stay: not-json"), "{some}");
    assert_accounted(folder);
    let rest = retry(folder, &["--map", "map.toml"]);
    assert!(
        rest.contains("24 rejected lines read again: 20 became events"),
        "{rest}"
    );
    assert_accounted(folder);
    let after = report(folder);
    assert_eq!(after["ingest"]["quarantined"], 4);
    assert_eq!(after["ingest"]["lines"], before["ingest"]["lines"]);
    assert_eq!(after["totals"]["requests"], 42);
    let own = after["routes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["route"] == "own")
        .unwrap();
    assert_eq!(own["requests"], 40);
    let again = retry(folder, &["--map", "map.toml"]);
    assert!(
        again.contains("4 rejected lines read again: 0 became events"),
        "{again}"
    );
    assert_eq!(
        report(folder)["totals"],
        after["totals"],
        "a second run changes nothing"
    );
    run_ok(
        folder,
        ["ingest", "--db", "t.db", "own.jsonl", "packed.jsonl.gz"],
    );
    assert_eq!(
        report(folder)["totals"],
        after["totals"],
        "nor does another ingest"
    );
    let output = run(
        folder,
        ["ingest", "--db", "t.db", "--retry-quarantine", "none.jsonl"],
    );
    assert_eq!(output.status.code(), Some(1));
    let output = run(folder, ["ingest", "--db", "none.db", "--retry-quarantine"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!folder.join("none.db").exists());
}

#[test]
fn lines_of_files_that_changed_or_went_stay() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("map.toml"), MAP).unwrap();
    for name in ["a.jsonl", "b.jsonl"] {
        let body = log().replace("\"o-", &format!("\"{name}-"));
        std::fs::write(folder.join(name), body).unwrap();
    }
    run_ok(folder, ["ingest", "--db", "t.db", "a.jsonl", "b.jsonl"]);
    let body = std::fs::read_to_string(folder.join("a.jsonl")).unwrap();
    std::fs::write(
        folder.join("a.jsonl"),
        body.replacen("jsonl-3", "jsonl-X", 1),
    )
    .unwrap();
    std::fs::remove_file(folder.join("b.jsonl")).unwrap();
    let said = retry(folder, &["--map", "map.toml"]);
    assert!(
        said.contains("44 rejected lines read again: 19 became events"),
        "{said}"
    );
    assert!(
        said.contains("22 stay: their file is gone or cannot be opened"),
        "{said}"
    );
    assert!(
        said.contains("1 stay: their file holds other bytes there now"),
        "{said}"
    );
    assert_accounted(folder);
    assert_eq!(report(folder)["ingest"]["quarantined"], 25);
}

#[test]
fn rejected_lines_of_a_pipe_are_kept_without_content() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("map.toml"), MAP).unwrap();
    let line = own(1).replace(
        '}',
        r#","prompt":"a question nobody may keep","api_key":"hunter2hunter2"}"#,
    );
    let prose = "{\"a question nobody may keep\":";
    let mut child = routetop()
        .current_dir(folder)
        .args(["ingest", "--db", "t.db", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = format!("{line}\n{prose}\n{}\n", own(2));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_accounted(folder);
    let said = retry(folder, &["--map", "map.toml"]);
    assert!(
        said.contains("3 rejected lines read again: 2 became events"),
        "{said}"
    );
    assert!(
        said.contains("1 stay: they came through a pipe and were not kept"),
        "{said}"
    );
    assert_accounted(folder);
    let report = report(folder);
    assert_eq!(report["totals"]["requests"], 2);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("t.db")
        {
            let bytes = std::fs::read(&path).unwrap();
            for secret in [&b"nobody may keep"[..], b"hunter2"] {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret));
            }
        }
    }
}

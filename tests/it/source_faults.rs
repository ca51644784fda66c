//! Faults of sources on this machine: compressed and damaged files, documents, pipes, odd paths, floods.

use std::fs;
use std::io::Write;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{run_ok, shared_samples};

/// A whole request as a native line.
fn request(n: u64) -> Value {
    json!({
        "event": "request", "ts": 1_795_000_000_000_u64 + n * 10, "request_id": format!("r-{n}"),
        "route": "support", "outcome": "completed",
        "attempts": [{"model": "small-1", "outcome": "ok", "latency_ms": 100 + n % 900}],
    })
}

/// Asks the database for a number.
fn ask(folder: &Path, sql: &str) -> i64 {
    let db = Connection::open(folder.join("t.db")).unwrap();
    db.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))
        .unwrap()
        .unwrap_or(0)
}

fn requests(folder: &Path) -> i64 {
    ask(folder, "SELECT count(*) FROM request")
}

fn ingest(folder: &Path, sources: &[&str]) {
    run_ok(
        folder,
        ["ingest", "-q", "--db", "t.db"]
            .into_iter()
            .chain(sources.iter().copied()),
    );
}

fn pretty(records: &[Value]) -> String {
    serde_json::to_string_pretty(records).unwrap() + "\n"
}

#[test]
fn documents_are_read_as_a_line_for_each_record() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let records: Vec<Value> = (0..40).map(request).collect();
    fs::write(at("array.json"), pretty(&records[..20])).unwrap();
    fs::write(
        at("compact.json"),
        serde_json::to_string(&records[20..30]).unwrap(),
    )
    .unwrap();
    fs::write(
        at("object.json"),
        serde_json::to_string_pretty(&records[30]).unwrap(),
    )
    .unwrap();
    fs::write(
        at("packed.json.zst"),
        zstd::encode_all(pretty(&records[31..]).as_bytes(), 3).unwrap(),
    )
    .unwrap();
    ingest(
        folder.path(),
        &[
            "array.json",
            "compact.json",
            "object.json",
            "packed.json.zst",
        ],
    );
    assert_eq!(requests(folder.path()), 40);
    assert_eq!(ask(folder.path(), "SELECT sum(lines) FROM generation"), 40);
    assert_eq!(
        ask(
            folder.path(),
            "SELECT sum(quarantined) + sum(noise) FROM generation"
        ),
        0
    );
    // Every record can be found again in its file.
    for name in ["array.json", "compact.json"] {
        let text = fs::read_to_string(at(name)).unwrap();
        let sql = format!("SELECT offset FROM generation WHERE path = '{name}'");
        assert_eq!(ask(folder.path(), &sql), i64::try_from(text.len()).unwrap());
    }
    ingest(
        folder.path(),
        &[
            "array.json",
            "compact.json",
            "object.json",
            "packed.json.zst",
        ],
    );
    assert_eq!(
        ask(folder.path(), "SELECT sum(duplicates) FROM generation"),
        0,
        "nothing is read twice"
    );
}

#[test]
fn a_document_that_changes_is_a_new_generation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.json");
    let records: Vec<Value> = (0..30).map(request).collect();
    fs::write(&path, pretty(&records[..20])).unwrap();
    ingest(folder.path(), &["export.json"]);
    // An exporter writes the whole array again, and a run looks in while it writes.
    let text = pretty(&records);
    fs::write(&path, &text[..text.len() - 40]).unwrap();
    ingest(folder.path(), &["export.json"]);
    assert_eq!(requests(folder.path()), 20, "half a document is not read");
    fs::write(&path, &text).unwrap();
    ingest(folder.path(), &["export.json"]);
    assert_eq!(requests(folder.path()), 30);
    assert_eq!(
        ask(folder.path(), "SELECT sum(duplicates) FROM generation"),
        20
    );
    assert_eq!(
        ask(
            folder.path(),
            "SELECT sum(quarantined) + sum(noise) FROM generation"
        ),
        0
    );
}

#[test]
fn a_document_that_is_too_long_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = fs::File::create(folder.path().join("big.json")).unwrap();
    file.write_all(b"[\n").unwrap();
    let record = format!("  {{\"pad\": \"{}\"}},\n", "x".repeat(1_000));
    for _ in 0..25_000 {
        file.write_all(record.as_bytes()).unwrap();
    }
    file.write_all(b"  {}\n]\n").unwrap();
    for _ in 0..2 {
        ingest(folder.path(), &["big.json"]);
        assert_eq!(
            ask(
                folder.path(),
                "SELECT count(*) FROM quarantine WHERE reason = 'too-long'"
            ),
            1
        );
        assert_eq!(ask(folder.path(), "SELECT sum(lines) FROM generation"), 1);
    }
}

#[test]
fn shared_documents_arrive_as_one_line_each() {
    let Some(samples) = shared_samples() else {
        return;
    };
    for folder in ["langfuse", "envoy-ai-gateway"] {
        for entry in fs::read_dir(samples.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let here = tempfile::tempdir().unwrap();
            ingest(here.path(), &[path.to_str().unwrap()]);
            let counts = "SELECT sum(lines) * 100 + sum(noise) + sum(blank) FROM generation";
            assert_eq!(ask(here.path(), counts), 100, "{}", path.display());
        }
    }
}

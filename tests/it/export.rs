//! `export`, and reading in what it wrote: the same report, whatever the lines were.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{run, run_ok, shared_samples};

fn report(folder: &Path, database: &str) -> Value {
    let text = run_ok(folder, ["report", "--db", database, "--format", "json"]);
    serde_json::from_str(&text).unwrap()
}

/// Reads `source` in, exports it and reads that in; returns both reports.
fn there_and_back(folder: &Path, source: &str) -> (Value, Value) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("one.") || name.starts_with("two.") {
            fs::remove_file(path).unwrap();
        }
    }
    run_ok(folder, ["ingest", "-q", "--db", "one.db", source]);
    run_ok(
        folder,
        ["export", "-q", "--db", "one.db", "-o", "one.jsonl"],
    );
    run_ok(folder, ["ingest", "-q", "--db", "two.db", "one.jsonl"]);
    (report(folder, "one.db"), report(folder, "two.db"))
}

fn same(source: &str, (before, after): &(Value, Value)) {
    for part in ["window", "totals"] {
        assert_eq!(before[part], after[part], "{part} of {source}");
    }
    let routes = |of: &Value| of["routes"].as_array().unwrap().clone();
    for (one, other) in routes(before).iter().zip(&routes(after)) {
        assert_eq!(one, other, "{source}");
    }
    assert_eq!(routes(before).len(), routes(after).len(), "{source}");
    assert_eq!(
        before["ingest"]["orphans"], after["ingest"]["orphans"],
        "{source}"
    );
    assert_eq!(after["ingest"]["quarantined"], 0, "{source}");
    assert_eq!(after["ingest"]["noise"], 0, "{source}");
    assert_eq!(after["ingest"]["duplicates"], 0, "{source}");
}

#[test]
fn every_sample_comes_back_with_the_same_report() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format");
    let mut sources: Vec<_> = fs::read_dir(fixtures)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    if let Some(samples) = shared_samples() {
        for name in [
            "real/llmperf.jsonl.gz",
            "real/incident_1.jsonl.gz",
            "litellm/proxy.slp.jsonl.gz",
            "litellm/sdk.slp.jsonl.gz",
            "litellm/proxy.otlp-traces-v2.jsonl.gz",
            "langfuse/llamaindex-2025-06-05.json",
        ] {
            sources.push(samples.join(name));
        }
    }
    for source in sources {
        let source = source.to_str().unwrap();
        let reports = there_and_back(folder.path(), source);
        assert!(
            reports.0["totals"]["requests"].as_u64().unwrap() > 0,
            "{source}"
        );
        same(source, &reports);
    }
}

const ODD: &str = r#"{"event":"decision","ts":"2026-11-20T10:00:00.000001Z","request_id":"open","route":"a","session_id":"s","model":"m","signals":{"user_tier":null,"own":0.125,"word":"x"},"candidates":[{"model":"m","score":0.1},{"model":"n","rejected_because":"slow"}],"propensity":0.3,"attrs":{"region":"us \"east\""}}
{"event":"attempt","ts":"2026-11-20T10:00:01Z","request_id":"second only","n":2,"model":"m","outcome":"timeout","latency_ms":0.001}
{"event":"correction","ts":"2026-11-20T10:00:02Z","request_id":"orphan","kind":"edit","by":"judge","after_s":7.5}
{"event":"correction","ts":"2026-11-20T11:00:02Z","session_id":"s","kind":"rephrase"}
{"event":"marker","ts":"2026-11-20T10:30:00Z","label":"deploy 7","kind":"deploy","route":"a"}
{"event":"request","ts":"2026-11-20T10:00:03Z","request_id":"01a19467-e832-729c-9acf-f1d195beb51f","route":"a","session_id":"s","attempts":[],"outcome":"completed","latency_ms":12.345,"corrected":true}
{"event":"request","ts":"2026-11-20T10:40:03Z","request_id":"plain","route":"b","session_id":"s","attempts":[{"model":"m","outcome":"skipped","reason":"cooldown"},{"model":"n","outcome":"ok","latency_ms":1.5,"ttft_ms":0.5,"cost_usd":0.000000001,"input_tokens":4294967295,"output_tokens":0}],"outcome":"completed"}
"#;

#[test]
fn what_little_or_odd_is_known_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("odd.jsonl"), ODD).unwrap();
    let reports = there_and_back(folder.path(), "odd.jsonl");
    assert_eq!(reports.0["totals"]["requests"], 5);
    same("odd.jsonl", &reports);
    for id in ["open", "plain", "second only"] {
        let explain = |database| {
            let args = [
                "explain",
                "--db",
                database,
                id,
                "--format",
                "json",
                "--now",
                "2026-11-21T00:00:00Z",
            ];
            run_ok(folder.path(), args)
        };
        assert_eq!(explain("one.db"), explain("two.db"), "{id}");
    }
    run_ok(
        folder.path(),
        ["export", "-q", "--db", "two.db", "-o", "two.jsonl"],
    );
    let lines = |name: &str| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        let mut lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for line in &mut lines {
            // The key of a session is another one in each database.
            line["session_id"] = Value::from(line["session_id"].is_string());
        }
        lines
    };
    assert_eq!(lines("one.jsonl"), lines("two.jsonl"));
}

#[test]
fn an_export_takes_a_window_and_leaves_other_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("odd.jsonl"), ODD).unwrap();
    run_ok(
        folder.path(),
        ["ingest", "-q", "--db", "one.db", "odd.jsonl"],
    );
    let half = [
        "--from",
        "2026-11-20T10:20:00Z",
        "--to",
        "2026-11-20T10:50:00Z",
    ];
    let text = run_ok(
        folder.path(),
        [&["export", "--db", "one.db"][..], &half].concat(),
    );
    let ids: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("plain") || line.contains("deploy 7"))
        .collect();
    assert_eq!((text.lines().count(), ids.len()), (2, 2), "{text}");
    let output = run(
        folder.path(),
        ["export", "--db", "one.db", "-o", "odd.jsonl"],
    );
    assert_eq!(output.status.code(), Some(3));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("`odd.jsonl`"), "{errors}");
    assert_eq!(
        fs::read_to_string(folder.path().join("odd.jsonl")).unwrap(),
        ODD
    );
    let left = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().file_name());
    assert!(
        !left
            .into_iter()
            .any(|name| name.to_str().unwrap().starts_with(".routetop"))
    );
    let output = run(folder.path(), ["export", "--db", "none.db"]);
    assert_eq!(output.status.code(), Some(3));
}

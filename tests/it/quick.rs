//! A report of sources that are not kept is the report of a database that read them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Random, run_ok, shared_samples};

/// A clock behind every event of the tests.
const LATER: &str = "2027-01-01T00:00:00Z";

fn json(folder: &Path, args: &[&str]) -> Value {
    let text = run_ok(folder, args.iter().copied());
    let mut report: Value = serde_json::from_str(&text).unwrap();
    report["database"] = Value::Null;
    report["generated_at"] = Value::Null;
    // Slices, which these follow from, are not counted for a report that keeps nothing.
    let routes = report["routes"].as_array().unwrap().len();
    for idx in 0..=routes {
        let row = match idx {
            0 => &mut report["totals"],
            idx => &mut report["routes"][idx - 1],
        };
        for key in [
            "quality",
            "quality_interval",
            "quality_targets_ms",
            "case_mix",
            "waste",
        ] {
            row[key] = Value::Null;
        }
    }
    report
}

/// Compares both ways to a report over `sources`, read at `now`.
fn same(folder: &Path, sources: &[&str], now: &str) -> Value {
    let database = folder.join("kept.db");
    let _ = fs::remove_file(&database);
    let clock = ["--now", now];
    let ingest = ["ingest", "-q", "--db", "kept.db"];
    run_ok(folder, [&ingest, &clock[..], sources].concat());
    let report = ["report", "--format", "json"];
    let kept = json(
        folder,
        &[&report, &clock[..], &["--db", "kept.db"]].concat(),
    );
    let quick = json(folder, &[&report, &clock[..], sources].concat());
    let mut found = Vec::new();
    differences("", &quick, &kept, &mut found);
    assert!(
        found.is_empty(),
        "{sources:?} at {now}:\n{}",
        found.join("\n")
    );
    for name in ["kept.db", "kept.db-wal", "kept.db-shm", "kept.db-lock"] {
        let _ = fs::remove_file(folder.join(name));
    }
    kept
}

/// Lists where two reports differ.
fn differences(at: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (key, value) in a {
                differences(&format!("{at}/{key}"), value, &b[key], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (idx, (value, other)) in a.iter().zip(b).enumerate() {
                differences(&format!("{at}/{idx}"), value, other, found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{at}: {one} is not {other}")),
    }
}

fn minute(n: u64) -> String {
    format!(
        "2026-11-{:02}T{:02}:{:02}:07.25Z",
        10 + n / 1_440,
        n / 60 % 24,
        n % 60
    )
}

fn request(id: u64, session: u64, n: u64, random: &mut Random) -> String {
    let mut attempts = Vec::new();
    if random.below(9) == 0 {
        attempts.push(format!(
            "{{\"model\":\"small-{}\",\"tier\":\"fast\",\"latency_ms\":{},\"cost_usd\":0.0001,\"outcome\":\"escalated\",\"reason\":\"drifting\"}}",
            random.below(3),
            random.below(900)
        ));
    }
    attempts.push(format!(
        "{{\"model\":\"large-{}\",\"latency_ms\":{},\"ttft_ms\":{},\"cost_usd\":0.00{},\"outcome\":\"ok\"}}",
        random.below(3),
        100 + random.below(9_000),
        random.below(90),
        1 + random.below(80)
    ));
    format!(
        "{{\"event\":\"request\",\"ts\":\"{}\",\"request_id\":\"r-{id}\",\"session_id\":\"s-{session}\",\"route\":\"route-{}\",\"policy\":\"p@{}#aa\",\"attempts\":[{}],\"outcome\":\"{}\"}}\n",
        minute(n),
        random.below(7),
        random.below(3),
        attempts.join(","),
        ["completed", "completed", "failed", "cancelled"]
            [usize::try_from(random.below(4)).unwrap()]
    )
}

/// Lines of all kinds: mostly requests, some told twice or by parts, corrected late, or no events at all.
fn lines(seed: u64, len: u64) -> String {
    let mut random = Random(seed);
    let mut text = String::new();
    for n in 0..len {
        let (id, session) = (seed * 1_000_000 + n, random.below(len / 2 + 1));
        let line = request(id, session, n * 2, &mut random);
        text.push_str(&line);
        let late = minute(n * 2 + 3);
        match random.below(60) {
            0 => text.push_str(&line),
            1 => text.push_str(&format!("{{\"event\":\"correction\",\"ts\":\"{late}\",\"request_id\":\"r-{}\",\"kind\":\"edit\"}}\n", id.saturating_sub(random.below(9)))),
            2 => text.push_str(&format!("{{\"event\":\"correction\",\"ts\":\"{late}\",\"session_id\":\"s-{session}\",\"kind\":\"rephrase\"}}\n")),
            3 => text.push_str(&format!("{{\"event\":\"outcome\",\"ts\":\"{late}\",\"request_id\":\"r-{id}\",\"outcome\":\"failed\"}}\n")),
            4 => text.push_str(&format!("{{\"event\":\"marker\",\"ts\":\"{late}\",\"label\":\"deploy {n}\",\"kind\":\"deploy\"}}\n")),
            5 => text.push_str("{\"event\":\"request\",\"ts\":\"2026-11-10T00:00:00Z\",\"request_id\":\"\"}\n"),
            6 => text.push_str("INFO: 127.0.0.1 - \"POST /chat HTTP/1.1\" 200 OK\n\n"),
            7 => text.push_str(&format!("{{\"event\":\"correction\",\"ts\":\"{late}\",\"request_id\":\"nobody-{n}\",\"kind\":\"edit\"}}\n")),
            8 => text.push_str(&format!("{{\"event\":\"decision\",\"ts\":\"{}\",\"request_id\":\"open-{id}\",\"route\":\"route-1\",\"odd\":1}}\r\n", minute(n * 2))),
            _ => {}
        }
    }
    text
}

#[test]
fn late_facts_and_corrections_count_as_in_a_database() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 1..=3 {
        fs::write(folder.path().join("a.jsonl"), lines(seed, 3_000)).unwrap();
        let report = same(folder.path(), &["a.jsonl"], LATER);
        let count = |path: &str| report.pointer(path).unwrap().as_u64().unwrap();
        assert!(count("/totals/requests") > 3_000);
        for counted in ["duplicates", "conflicts", "quarantined", "noise", "orphans"] {
            assert!(count(&format!("/ingest/{counted}")) > 0, "{counted}");
        }
    }
}

#[test]
fn requests_that_may_still_be_open_count_as_in_a_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), lines(4, 2_000)).unwrap();
    let now = minute(4_003);
    let report = same(folder.path(), &["a.jsonl"], &now);
    assert!(report["totals"]["lost"].as_u64().unwrap() > 0);
}

#[test]
fn several_files_and_folders_count_as_in_a_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    for (seed, name) in [(5, "logs/a.jsonl"), (6, "logs/b.jsonl"), (7, "c.jsonl")] {
        fs::write(folder.path().join(name), lines(seed, 600)).unwrap();
    }
    same(folder.path(), &["logs", "c.jsonl"], LATER);
    // A copy of a file is read once.
    fs::copy(folder.path().join("c.jsonl"), folder.path().join("d.jsonl")).unwrap();
    let report = same(folder.path(), &["c.jsonl", "d.jsonl"], LATER);
    assert_eq!(report["ingest"]["sources"].as_array().unwrap().len(), 2);
}

#[test]
fn logs_told_in_parts_count_as_in_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for n in 0..900 {
        let (start, end) = (minute(n), minute(n + 1));
        text.push_str(&format!("{{\"event\":\"decision\",\"ts\":\"{start}\",\"request_id\":\"r-{n}\",\"route\":\"a\"}}\n"));
        text.push_str(&format!("{{\"event\":\"attempt\",\"ts\":\"{start}\",\"request_id\":\"r-{n}\",\"n\":1,\"model\":\"m\",\"outcome\":\"ok\"}}\n"));
        text.push_str(&format!("{{\"event\":\"outcome\",\"ts\":\"{end}\",\"request_id\":\"r-{n}\",\"outcome\":\"completed\"}}\n"));
    }
    fs::write(folder.path().join("a.jsonl"), text).unwrap();
    let report = same(folder.path(), &["a.jsonl"], LATER);
    assert_eq!(report["totals"]["completed"], 900);
}

#[test]
fn every_shared_sample_counts_as_in_a_database() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut folders = vec![samples];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.contains(".jsonl") || path.extension().is_some_and(|it| it == "log") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        same(folder.path(), &[file.to_str().unwrap()], LATER);
        if file.extension().is_some_and(|it| it == "gz") {
            let plain = std::process::Command::new("gzip")
                .arg("-dc")
                .arg(&file)
                .output()
                .unwrap();
            fs::write(folder.path().join("plain.jsonl"), plain.stdout).unwrap();
            same(folder.path(), &["plain.jsonl"], LATER);
        }
    }
}

//! `export --incident`: one file that opens on the same page.

use serde_json::{Value, json};

use crate::support::{SAMPLE_INCIDENT, routetop, run, run_ok, shared_samples};

/// Four hours of two routes; `a` escalates more in its last half hour in one region, and sessions correct answers up to
/// an hour after them, the last ones after the window.
fn log() -> String {
    let mut text = String::new();
    for n in 0..4_800_u64 {
        let (minute, ts) = (n / 20, 1_795_000_020_000_u64 + n * 3_000);
        let region = ["eu", "us", "asia"][usize::try_from(n % 3).unwrap()];
        let is_escalated = n % 11 == 0 || (minute >= 210 && region == "eu" && n % 5 != 0);
        let mut attempts = vec![json!({
            "model": "small-1", "outcome": if is_escalated { "escalated" } else { "ok" }, "latency_ms": 300 + n % 70,
            "output_tokens": 100 + n % 40,
        })];
        if is_escalated {
            attempts.push(json!({"model": "large-1", "outcome": "ok", "latency_ms": 900}));
        }
        let route = if n % 4 == 0 { "b" } else { "a" };
        let line = json!({
            "event": "request", "ts": ts, "request_id": format!("r-{n}"), "session_id": format!("s-{n}"),
            "route": route, "task_class": "chat", "attrs": {"zone": format!("z{}", n % 2), "region": region},
            "attempts": attempts, "outcome": "completed", "policy": if minute < 205 { "p1" } else { "p2" },
        });
        text.push_str(&format!("{line}\n"));
        if n % 9 == 0 {
            let late = json!({
                "event": "correction", "ts": ts + 3_600_000, "session_id": format!("s-{n}"), "kind": "regenerate",
            });
            text.push_str(&format!("{late}\n"));
        }
    }
    text
}

#[test]
fn exporting_and_opening_again_gives_the_same_page() {
    let folder = tempfile::tempdir().unwrap();
    let run_here = |args: &[&str]| run_ok(folder.path(), args.iter().copied());
    std::fs::write(folder.path().join("a.jsonl"), log()).unwrap();
    run_here(&["ingest", "-q", "a.jsonl"]);
    let now = ["--now", "2026-11-18T15:30:00Z"];
    for metric in ["escalation", "correction", "first_pass", "latency"] {
        let whole = [
            ["changes", "a", "--metric", metric, "--format", "json"].as_slice(),
            &now,
        ]
        .concat();
        let whole = run_here(&whole);
        let file = format!("{metric}.db");
        let export = [
            "export",
            "--incident",
            "--route",
            "a",
            "--metric",
            metric,
            "-o",
            &file,
        ];
        run_here(&[export.as_slice(), &now].concat());
        assert_eq!(
            run_here(&["changes", "--db", &file, "--format", "json"]),
            whole,
            "{metric}"
        );
        let doc: Value = serde_json::from_str(&whole).unwrap();
        let mut moved = doc["moved"].as_array().unwrap().iter();
        let policy = moved.find(|moved| moved["what"] == "share of policy=p2");
        if metric == "escalation" {
            let policy = policy.unwrap();
            assert_eq!(policy["scope"], "all routes");
            let at = policy["at"].as_str().unwrap();
            assert!(
                ("2026-11-18T14:31".."2026-11-18T14:34").contains(&at),
                "{at}"
            );
        }
        assert_eq!(doc["refused_because"], Value::Null, "{metric}");
        // Nothing beside it, and nothing is written by looking at it.
        let before = std::fs::read(folder.path().join(&file)).unwrap();
        assert!(!folder.path().join(format!("{file}-wal")).exists());
        let page = run_here(&["--db", &file]);
        assert!(page.starts_with("a: "), "{page}");
        assert_eq!(std::fs::read(folder.path().join(&file)).unwrap(), before);
        run_here(&["db", "verify", "--db", &file]);
    }
    let names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".routetop"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
    let again = run(
        folder.path(),
        ["export", "--incident", "-o", "escalation.db"],
    );
    assert_eq!(again.status.code(), Some(3), "never over another file");
}

#[test]
fn the_incident_of_the_samples_is_the_same_in_its_file() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let log = samples.join("real/incident_1.jsonl.gz");
    run_ok(folder.path(), ["ingest", "-q", &log.to_string_lossy()]);
    let whole = ["why", "--format", "json"]
        .into_iter()
        .chain(SAMPLE_INCIDENT);
    let export = ["export", "--incident", "-o", "i.db"]
        .into_iter()
        .chain(SAMPLE_INCIDENT);
    let whole = run_ok(folder.path(), whole);
    run_ok(folder.path(), export);
    assert_eq!(
        run_ok(folder.path(), ["why", "--db", "i.db", "--format", "json"]),
        whole
    );
}

#[test]
fn a_route_that_is_not_there_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), log()).unwrap();
    run_ok(folder.path(), ["ingest", "-q", "a.jsonl"]);
    let output = run(
        folder.path(),
        ["export", "--incident", "--route", "x", "-o", "i.db"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("i.db").exists());
    let mut command = routetop();
    let output = command.args(["export", "--incident"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_filtered_incident_holds_what_the_filter_lets_through_and_says_so() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let log = samples.join("real/incident_1.jsonl.gz");
    run_ok(folder.path(), ["ingest", "-q", &log.to_string_lossy()]);
    let now = ["--now", "2023-11-16T21:28:49Z"];
    let export = [
        "export",
        "--incident",
        "--filter",
        "escalated",
        "-o",
        "i.db",
    ];
    run_ok(folder.path(), export.into_iter().chain(now));
    let report = ["report", "--db", "i.db", "--format", "json"];
    let report: Value = serde_json::from_str(&run_ok(folder.path(), report)).unwrap();
    let (requests, rate) = (
        &report["totals"]["requests"],
        &report["totals"]["escalation"],
    );
    assert!(requests.as_u64().unwrap() > 0);
    assert_eq!(*requests, rate["numerator"]);
    let filter: String = rusqlite::Connection::open(folder.path().join("i.db"))
        .unwrap()
        .query_row(
            "SELECT value FROM meta WHERE key='incident_filter'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(filter, "escalated");
}

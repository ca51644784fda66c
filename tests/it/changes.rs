//! `changes`: the incident of the samples, and what is asked for in vain.

use serde_json::{Value, json};

use crate::support::{SAMPLE_INCIDENT, run, run_ok, shared_samples};

#[test]
fn the_incident_of_the_samples_gets_its_cause() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let log = samples.join("real/incident_1.jsonl.gz");
    run_ok(folder.path(), ["ingest", "-q", &log.to_string_lossy()]);
    let asked = ["why", "--format", "json"]
        .into_iter()
        .chain(SAMPLE_INCIDENT);
    let doc: Value = serde_json::from_str(&run_ok(folder.path(), asked)).unwrap();
    assert_eq!(doc["verdict"], "local");
    let slice = &doc["causes"][0]["slice"];
    let model = "mistralai/Mixtral-8x7B-Instruct-v0.1";
    assert_eq!(
        *slice,
        json!({"first_model": model, "app_version": "4.2.1"})
    );
    assert_eq!(doc["causes"].as_array().unwrap().len(), 1);
    // No request stands on both sides, and all within whole minutes.
    assert_eq!(doc["baseline"]["to"], doc["window"]["from"]);
    let since = doc["causes"][0]["since"]["to"].as_str().unwrap();
    assert!(since >= "2023-11-16T20:57:00", "{since}");
}

/// A log of four hours in which route `a` escalates more in its last half hour, where the region is `eu`.
fn log() -> String {
    let mut text = String::new();
    for n in 0..2_400_u64 {
        let minute = n / 10;
        let is_bad = minute >= 210;
        let region = if n % 3 == 0 { "eu" } else { "us" };
        let is_escalated = if is_bad && region == "eu" {
            n % 5 != 0
        } else {
            n % 11 == 0
        };
        let mut attempts = vec![json!({
            "model": "small-1", "outcome": if is_escalated { "escalated" } else { "ok" }, "latency_ms": 300,
        })];
        if is_escalated {
            attempts.push(json!({"model": "large-1", "outcome": "ok", "latency_ms": 900}));
        }
        let line = json!({
            "event": "request", "ts": 1_795_000_000_000_u64 + n * 6_000, "request_id": format!("r-{n}"),
            "route": "a", "task_class": "chat", "attrs": {"region": region},
            "attempts": attempts, "outcome": "completed",
        });
        text.push_str(&format!("{line}\n"));
    }
    text
}

#[test]
fn without_a_window_the_change_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), log()).unwrap();
    run_ok(folder.path(), ["ingest", "-q", "a.jsonl"]);
    let now = "2026-11-18T15:00:00Z";
    let doc = run_ok(
        folder.path(),
        ["changes", "a", "--now", now, "--format", "json"],
    );
    let doc: Value = serde_json::from_str(&doc).unwrap();
    assert_eq!(doc["verdict"], "behaviour");
    assert_eq!(doc["causes"][0]["slice"], json!({"region": "eu"}));
    // 1,795,000,000 s is 11:06:40; 210 minutes on it is 14:36.
    let onset = doc["since"]["at"].as_str().unwrap();
    assert!(
        ("2026-11-18T14:34".."2026-11-18T14:40").contains(&onset),
        "{onset}"
    );
    assert_eq!(doc["still_filling"], false);
    let text = run_ok(folder.path(), ["changes", "a", "--now", now]);
    assert!(text.starts_with("a: "), "{text}");
    assert!(text.contains("where region=eu"), "{text}");
    let quiet = run_ok(
        folder.path(),
        ["changes", "a", "--metric", "failure", "--now", now],
    );
    assert!(quiet.contains("no change beyond chance"), "{quiet}");
}

#[test]
fn an_odd_clock_does_not_move_the_search() {
    let folder = tempfile::tempdir().unwrap();
    let odd = json!({
        "event": "request", "ts": "2099-01-01T00:00:00Z", "request_id": "odd", "route": "a",
        "attempts": [{"model": "small-1", "outcome": "ok"}], "outcome": "completed",
    });
    std::fs::write(folder.path().join("a.jsonl"), format!("{}{odd}\n", log())).unwrap();
    run_ok(folder.path(), ["ingest", "-q", "a.jsonl"]);
    // Hours after the log's end: what is looked through ends with the newest request and not with the clock.
    let now = "2026-11-18T21:00:00Z";
    let text = run_ok(folder.path(), ["changes", "a", "--now", now]);
    assert!(text.contains("where region=eu"), "{text}");
}

#[test]
fn no_request_stands_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), log()).unwrap();
    run_ok(folder.path(), ["ingest", "-q", "a.jsonl"]);
    for (from, to, baseline) in [
        ("12:00:30", "13:00:00", "12:00:00"),
        ("12:30:00", "14:00:00", "13:00:00"),
    ] {
        let at = |clock: &str| format!("2026-11-18T{clock}Z");
        let asked = [
            "changes",
            "a",
            "--format",
            "json",
            "--from",
            &at(baseline),
            "--to",
            &at("14:30:00"),
            "--baseline-from",
            &at(from),
            "--baseline-to",
            &at(to),
        ];
        let doc: Value = serde_json::from_str(&run_ok(folder.path(), asked)).unwrap();
        let end = |which: &str, end: &str| doc[which][end].as_str().unwrap().to_owned();
        assert!(
            end("baseline", "to") <= end("window", "from")
                || end("baseline", "from") >= end("window", "to"),
            "{doc}"
        );
    }
}

#[test]
fn what_is_not_there_is_said_and_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), log()).unwrap();
    run_ok(folder.path(), ["ingest", "-q", "a.jsonl"]);
    let unknown = run(folder.path(), ["changes", "nowhere"]);
    assert_eq!(unknown.status.code(), Some(1));
    let told = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(told.contains("`nowhere`"), "{told}");
    let early = run_ok(
        folder.path(),
        [
            "changes",
            "a",
            "--from",
            "2026-11-01T00:00:00Z",
            "--to",
            "2026-11-01T01:00:00Z",
        ],
    );
    assert!(early.contains("cannot tell: the window has 0"), "{early}");
}

#[test]
fn the_page_to_paste_tells_the_finding_with_decisions() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), log()).unwrap();
    run_ok(folder.path(), ["ingest", "-q", "a.jsonl"]);
    let now = "2026-11-18T15:00:00Z";
    let asked = ["report", "--now", now, "--format", "markdown"];
    let page = run_ok(folder.path(), asked);
    assert!(page.contains("| a | 2,400 |"), "{page}");
    assert!(page.contains("### a: escalation\n\n**a: "), "{page}");
    assert!(page.contains("where region=eu**"), "{page}");
    assert!(page.contains(
        " routetop --db routes.db --view changes:a --metric escalation --from 2026-11-18T14:3"
    ));
    // Every example is a bad request of the cause, and its command works.
    let command = page
        .lines()
        .find(|line| line.starts_with(" routetop explain "))
        .unwrap();
    let id = command.split(' ').nth(3).unwrap();
    let number: u64 = id.strip_prefix("r-").unwrap().parse().unwrap();
    assert!(
        number >= 2_100 && number.is_multiple_of(3) && !number.is_multiple_of(5),
        "{id}"
    );
    assert!(run_ok(folder.path(), ["explain", id]).contains("large-1"));
    // The same of a log alone, of which nothing is kept and so nothing can be opened.
    let passing = run_ok(
        folder.path(),
        ["report", "a.jsonl", "--now", now, "--format", "markdown"],
    );
    assert!(passing.contains("where region=eu**"), "{passing}");
    assert!(!passing.contains("routetop explain"), "{passing}");
    let quiet = [
        "report",
        "--from",
        "2026-11-18T13:00:00Z",
        "--to",
        "2026-11-18T14:30:00Z",
        "--format",
        "markdown",
    ];
    assert!(run_ok(folder.path(), quiet).contains("No route changed beyond chance."));
}

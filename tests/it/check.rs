//! `check`: targets and what is usual, and what cannot be told.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Random, routetop, run, run_ok};

/// The log begins at 2026-11-18T00:00:00Z,
const START: u64 = 1_794_960_000_000;
/// has so many requests a minute,
const PER_MINUTE: u64 = 10;
/// and ends after so many minutes: 30 hours.
const MINUTES: u64 = 1_800;

/// Writes a log of route `a`, of which 2 % fail, and 30 % from a minute on.
fn ingest(folder: &Path, worse_from: u64) {
    let mut random = Random(11);
    let mut text = String::new();
    for n in 0..MINUTES * PER_MINUTE {
        let share = if n / PER_MINUTE < worse_from { 2 } else { 30 };
        let is_failed = random.below(100) < share;
        let line = json!({
            "event": "request", "ts": START + n * 60_000 / PER_MINUTE, "request_id": format!("r-{n}"), "route": "a",
            "attempts": [{"model": "small-1", "outcome": if is_failed { "error" } else { "ok" }}],
            "outcome": if is_failed { "failed" } else { "completed" },
        });
        writeln!(text, "{line}").unwrap();
    }
    std::fs::write(folder.join("a.jsonl"), text).unwrap();
    run_ok(folder, ["ingest", "-q", "a.jsonl"]);
}

fn check(folder: &Path, now: &str, more: &[&str]) -> (i32, String) {
    let args = ["check", "--now", now]
        .into_iter()
        .chain(more.iter().copied());
    let output = run(folder, args);
    let out = String::from_utf8(output.stdout).unwrap();
    (
        output.status.code().unwrap(),
        out + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn what_is_worse_than_usual_fires_and_its_command_opens_the_page() {
    let folder = tempfile::tempdir().unwrap();
    ingest(folder.path(), 1_785);
    let (code, told) = check(folder.path(), "2026-11-19T05:44:00Z", &[]);
    assert_eq!(code, 0, "{told}");
    assert!(
        told.starts_with("quiet at 2026-11-19 05:44:00Z: 1 route, no targets"),
        "{told}"
    );
    let (code, told) = check(folder.path(), "2026-11-19T06:00:30Z", &["--format", "json"]);
    assert_eq!(code, 1, "{told}");
    let doc: Value = serde_json::from_str(&told).unwrap();
    let alarms = doc["alarms"].as_array().unwrap();
    let failure = alarms
        .iter()
        .find(|alarm| alarm["metric"] == "failure")
        .unwrap();
    assert_eq!(
        (&failure["route"], &failure["kind"]),
        (&json!("a"), &json!("unusual"))
    );
    assert!(failure["wanted"].as_f64().unwrap() < 0.03);
    let since = failure["window"]["from"].as_str().unwrap();
    assert!(
        ("2026-11-19T05:40".."2026-11-19T05:47").contains(&since),
        "{since}"
    );
    assert_eq!(doc["verdict"], "firing");
    // Where there is no screen the command prints the report instead, when every word of it is understood.
    let command = failure["command"].as_str().unwrap();
    assert!(command.starts_with(
        "routetop --db routes.db --view changes:a --metric failure --from 2026-11-19T05:4"
    ));
    let words = command.split(' ').skip(1);
    assert!(
        routetop()
            .current_dir(folder.path())
            .args(words)
            .output()
            .unwrap()
            .status
            .success()
    );
}

#[test]
fn a_target_fires_where_it_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    ingest(folder.path(), 1_740);
    let config = folder.path().join("config.toml");
    let with = |text: &str, now: &str| {
        std::fs::write(&config, text).unwrap();
        check(folder.path(), now, &["--config", "config.toml"])
    };
    let (code, told) = with("[targets]\nfailure = \"2%\"\n", "2026-11-19T06:00:00Z");
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("!! a: failures ") && told.contains("allowed 2.0%"),
        "{told}"
    );
    assert!(
        told.contains("--view changes:a --metric failure --from 2026-11-19T"),
        "{told}"
    );
    let (_, told) = with(
        "[targets.route.b]\nfailure = \"2%\"\n",
        "2026-11-19T06:00:00Z",
    );
    assert!(!told.contains("allowed"), "{told}");
    let (code, told) = with("[targets]\nfailure = \"10%\"\n", "2026-11-19T04:50:00Z");
    assert_eq!(code, 0, "{told}");
    let (code, told) = with("[targets]\nfailures = \"2%\"\n", "2026-11-19T06:00:00Z");
    assert_eq!(code, 2, "{told}");
    assert!(
        told.contains("line 2, column 1") && told.contains("did you mean `failure`?"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_told_is_not_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = check(folder.path(), "2026-11-19T06:00:00Z", &[]);
    assert_eq!(code, 3, "{told}");
    assert!(!folder.path().join("routes.db").exists());
    ingest(folder.path(), MINUTES);
    let (code, told) = check(folder.path(), "2026-11-19T11:00:00Z", &[]);
    assert_eq!(code, 0, "{told}");
    let (code, told) = check(folder.path(), "2026-11-19T12:30:00Z", &[]);
    assert_eq!(code, 3, "{told}");
    assert!(
        told.starts_with("cannot tell: the newest request is of 2026-11-19 05:59:54Z"),
        "{told}"
    );
}

//! Letting go of what is old or too much: what goes, what stays, and that it does not come back.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Running, routetop, run, run_ok, wait_for};

/// Requests at `from` and every 100 ms after it, in seconds since 2026-11-01.
fn lines(first: u64, count: u64, from: u64) -> String {
    let mut text = String::new();
    for n in 0..count {
        let millis = 1_793_491_200_000 + from * 1_000 + n * 100;
        text.push_str(&format!(
            "{{\"event\":\"request\",\"ts\":{millis},\"request_id\":\"r-{}\",\"session_id\":\"s-{n}\",\"route\":\"route-{}\",\"attempts\":[{{\"model\":\"small-1\",\"outcome\":\"escalated\",\"latency_ms\":{}}},{{\"model\":\"large-1\",\"outcome\":\"ok\",\"latency_ms\":{}}}],\"outcome\":\"completed\",\"attrs\":{{\"region\":\"r-{}\"}}}}\n",
            first + n, n % 3, 100 + n % 700, 900 + n % 5_000, n
        ));
    }
    text
}

fn report(folder: &Path, more: &[&str]) -> Value {
    let text = run_ok(
        folder,
        [&["report", "--db", "r.db", "--format", "json"][..], more].concat(),
    );
    serde_json::from_str(&text).unwrap()
}

fn fact(folder: &Path, name: &str) -> u64 {
    let text = run_ok(folder, ["db", "info", "--db", "r.db"]);
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_else(|| panic!("{text}"));
    line.rsplit(' ')
        .next()
        .unwrap()
        .replace(',', "")
        .parse()
        .unwrap()
}

fn is_sound(folder: &Path) {
    let text = run_ok(folder, ["db", "verify", "--db", "r.db"]);
    assert!(text.contains("all sound"), "{text}");
}

const NOV_1: &str = "2026-11-01T01:00:00Z";
const NOV_5: &str = "2026-11-05T01:00:00Z";
const NOV_9: &str = "2026-11-09T01:00:00Z";

/// Two days of requests, each read in on its day.
fn two_days(folder: &Path) {
    fs::write(folder.join("one.jsonl"), lines(0, 6_000, 0)).unwrap();
    fs::write(folder.join("two.jsonl"), lines(6_000, 3_000, 4 * 86_400)).unwrap();
    run_ok(
        folder,
        ["ingest", "-q", "--db", "r.db", "--now", NOV_1, "one.jsonl"],
    );
    run_ok(
        folder,
        ["ingest", "-q", "--db", "r.db", "--now", NOV_5, "two.jsonl"],
    );
}

/// Follows `log.jsonl` by the folder's config file.
fn follow(folder: &Path) -> Running {
    let child = routetop()
        .current_dir(folder)
        .args([
            "ingest",
            "-q",
            "--db",
            "r.db",
            "--config",
            "config.toml",
            "--follow",
            "log.jsonl",
        ])
        .spawn()
        .unwrap();
    Running(child)
}

#[test]
fn old_requests_go_their_sums_stay_and_nothing_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    two_days(folder);
    let before = report(folder, &["--now", NOV_9]);
    let size = fs::metadata(folder.join("r.db")).unwrap().len();
    let prune = [
        "db",
        "prune",
        "--db",
        "r.db",
        "--older-than",
        "5d",
        "--now",
        NOV_9,
    ];
    let refused = run(folder, prune);
    assert_eq!(
        refused.status.code(),
        Some(2),
        "more than half needs a word"
    );
    let errors = String::from_utf8(refused.stderr).unwrap();
    assert!(
        errors.contains("67%") && errors.contains("--yes"),
        "{errors}"
    );
    assert_eq!(fact(folder, "requests  "), 9_000);
    run_ok(folder, [&prune[..], &["--yes"]].concat());
    assert_eq!(fact(folder, "requests  "), 3_000);
    assert_eq!(fact(folder, "attempts"), 6_000);
    let after = fs::metadata(folder.join("r.db")).unwrap().len();
    assert!(after * 3 < size * 2, "{after} of {size}");
    let now = report(folder, &["--now", NOV_9]);
    for part in ["totals", "routes", "window"] {
        assert_eq!(before[part], now[part], "{part}");
    }
    is_sound(folder);
    // A copy of the old log under another name, its lines cut differently, is known to be dropped.
    let text = fs::read_to_string(folder.join("one.jsonl")).unwrap();
    fs::write(folder.join("copy.jsonl"), format!("\n{text}")).unwrap();
    run_ok(
        folder,
        ["ingest", "-q", "--db", "r.db", "--now", NOV_9, "copy.jsonl"],
    );
    let now = report(folder, &["--now", NOV_9]);
    assert_eq!(before["totals"], now["totals"]);
    assert_eq!(now["ingest"]["duplicates"], 6_000);
    // What is late but about a request that is kept still counts.
    let late = "{\"event\":\"correction\",\"ts\":\"2026-11-05T02:00:00Z\",\"request_id\":\"r-7000\",\"kind\":\"edit\"}\n{\"event\":\"correction\",\"ts\":\"2026-11-05T02:00:00Z\",\"request_id\":\"r-70\",\"kind\":\"edit\"}\n";
    fs::write(folder.join("late.jsonl"), late).unwrap();
    run_ok(
        folder,
        ["ingest", "-q", "--db", "r.db", "--now", NOV_9, "late.jsonl"],
    );
    assert_eq!(
        report(folder, &["--now", NOV_9])["totals"]["correction"]["numerator"],
        1
    );
    is_sound(folder);
    run_ok(folder, ["db", "rebuild", "-q", "--db", "r.db"]);
    let rebuilt = report(folder, &["--now", NOV_9]);
    // The correction of a request that is gone is one of a request that is not known.
    assert_eq!(rebuilt["totals"]["requests"], 9_001);
    assert_eq!(
        rebuilt["totals"]["latency_ms"],
        before["totals"]["latency_ms"]
    );
    is_sound(folder);
}

#[test]
fn an_old_log_that_is_read_in_today_stays_as_long_as_one_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("one.jsonl"), lines(0, 2_000, 0)).unwrap();
    run_ok(
        folder,
        ["ingest", "-q", "--db", "r.db", "--now", NOV_9, "one.jsonl"],
    );
    fs::write(folder.join("two.jsonl"), lines(5_000, 10, 8 * 86_400)).unwrap();
    run_ok(
        folder,
        [
            "ingest",
            "-q",
            "--db",
            "r.db",
            "--now",
            "2026-11-09T02:00:00Z",
            "two.jsonl",
        ],
    );
    run_ok(
        folder,
        [
            "db",
            "prune",
            "-q",
            "--db",
            "r.db",
            "--older-than",
            "5d",
            "--now",
            "2026-11-09T03:00:00Z",
        ],
    );
    assert_eq!(fact(folder, "requests  "), 2_010);
}

#[test]
fn coarse_sums_outlive_fine_ones_and_windows_show_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    two_days(folder);
    let config = "[retention]\nrequests = \"3d\"\nminutes = \"4d\"\nhours = \"7d\"\n";
    fs::write(folder.join("config.toml"), config).unwrap();
    run_ok(
        folder,
        [
            "db",
            "prune",
            "-q",
            "--db",
            "r.db",
            "--config",
            "config.toml",
            "--yes",
            "--now",
            "2026-11-08T12:00:00Z",
        ],
    );
    assert_eq!(fact(folder, "requests  "), 0);
    assert_eq!(
        fact(folder, "rollups by minute"),
        3 * 5,
        "those of the second day"
    );
    let all = report(folder, &["--now", NOV_9]);
    assert_eq!(all["totals"]["requests"], 9_000);
    // Half a minute is gone: the whole minute, or hour, is told, and the window says so.
    let part = report(
        folder,
        &[
            "--from",
            "2026-11-05T00:00:30Z",
            "--to",
            "2026-11-05T00:01:10Z",
            "--now",
            NOV_9,
        ],
    );
    assert_eq!(part["window"]["from"], "2026-11-05T00:00:00.000000Z");
    assert_eq!(part["window"]["to"], "2026-11-05T00:02:00.000000Z");
    assert_eq!(part["totals"]["requests"], 1_200);
    let part = report(
        folder,
        &[
            "--from",
            "2026-11-01T00:05:00Z",
            "--to",
            "2026-11-01T00:06:00Z",
            "--now",
            NOV_9,
        ],
    );
    assert_eq!(part["window"]["to"], "2026-11-01T01:00:00.000000Z");
    assert_eq!(part["totals"]["requests"], 6_000);
}

#[test]
fn a_database_that_is_too_large_becomes_smaller_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(
        folder.join("config.toml"),
        "[retention]\nsize = \"16 MiB\"\n",
    )
    .unwrap();
    fs::write(folder.join("log.jsonl"), lines(0, 160_000, 0)).unwrap();
    let mut child = follow(folder);
    wait_for("all lines", 60, || {
        folder.join("r.db").exists()
            && run(folder, ["report", "--db", "r.db"]).status.success()
            && report(folder, &[])["ingest"]["lines"] == 160_000
    });
    run_ok(folder, ["db", "info", "--db", "r.db"]);
    let before = report(folder, &[]);
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    let _child = follow(folder);
    wait_for("a smaller file", 60, || {
        fs::metadata(folder.join("r.db")).unwrap().len() < 17_700_000
    });
    assert!(
        fact(folder, "requests  ") > 10_000,
        "no more than is needed"
    );
    assert_eq!(
        report(folder, &[])["totals"]["requests"],
        before["totals"]["requests"]
    );
    // What comes now is taken in, although what was dropped is as young as an hour.
    let mut text = fs::read_to_string(folder.join("log.jsonl")).unwrap();
    text.push_str(&lines(900_000, 500, 16_100));
    fs::write(folder.join("log.jsonl"), text).unwrap();
    wait_for("new lines", 20, || {
        report(folder, &[])["totals"]["requests"] == 160_500
    });
}

#[test]
fn s29_a_clock_that_jumps_ahead_drops_nothing_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    two_days(folder);
    fs::write(
        folder.join("config.toml"),
        "[retention]\nrequests = \"5d\"\n",
    )
    .unwrap();
    fs::write(folder.join("three.jsonl"), lines(20_000, 20, 9 * 86_400)).unwrap();
    for (now, word) in [
        ("2036-11-05T00:00:00Z", "retention waits: 9"),
        ("2026-11-04T00:00:00Z", ""),
    ] {
        let output = run(
            folder,
            [
                "ingest",
                "--db",
                "r.db",
                "--config",
                "config.toml",
                "--now",
                now,
                "three.jsonl",
            ],
        );
        assert!(output.status.success());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains(word), "{errors}");
        assert!(fact(folder, "requests  ") >= 9_000, "at {now}");
    }
}

//! Wrong paths and files: one clear message, the documented exit code, nothing overwritten.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;

use crate::support::{run, run_ok};

/// Runs, expects `code` and a message with every one of `words`, and returns the message.
fn fails(folder: &Path, args: &[&str], code: i32, words: &[&str]) -> String {
    let output = run(folder, args.iter().copied());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
    assert!(output.stdout.is_empty(), "{args:?} printed to stdout");
    for word in words {
        assert!(errors.contains(word), "{args:?}: no `{word}` in: {errors}");
    }
    assert!(errors.contains("help: "), "{args:?}: no help in: {errors}");
    assert!(errors.lines().count() <= 4, "{args:?}: too long: {errors}");
    assert!(
        !errors.contains("panicked") && !errors.contains("Error("),
        "{errors}"
    );
    errors
}

fn log(folder: &Path) {
    fs::write(
        folder.join("r.jsonl"),
        "{\"event\":\"request\",\"ts\":\"2026-11-23T02:41:07Z\",\"request_id\":\"r-1\",\"route\":\"support\",\"attempts\":[{\"model\":\"small-1\",\"outcome\":\"ok\"}],\"outcome\":\"completed\"}\n",
    )
    .unwrap();
}

#[test]
fn a_missing_source_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fails(
        folder.path(),
        &["ingest", "--db", "t.db", "nowhere.jsonl"],
        3,
        &["nowhere.jsonl"],
    );
}

#[test]
fn a_missing_database_is_not_made_by_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    fails(folder.path(), &["report", "--db", "t.db"], 3, &["t.db"]);
    fails(
        folder.path(),
        &["explain", "--db", "t.db", "r-1"],
        3,
        &["t.db"],
    );
    assert!(!folder.path().join("t.db").exists());
}

#[test]
fn other_things_are_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    log(folder.path());
    fs::create_dir(at("folder")).unwrap();
    fs::write(
        at("text.db"),
        "just a text, long enough to be looked at as a header\n".repeat(9),
    )
    .unwrap();
    fs::write(at("empty.db"), "").unwrap();
    let other = Connection::open(at("other.db")).unwrap();
    other
        .execute_batch("PRAGMA application_id = 77; CREATE TABLE t(a)")
        .unwrap();
    drop(other);
    for (db, words) in [
        ("folder", ["folder", "director"]),
        ("text.db", ["text.db", "not a"]),
        ("empty.db", ["empty.db", "empty"]),
        ("other.db", ["other.db", "another program"]),
    ] {
        let before = fs::read(at(db)).ok();
        fails(folder.path(), &["ingest", "--db", db, "r.jsonl"], 3, &words);
        fails(folder.path(), &["report", "--db", db], 3, &words);
        assert_eq!(fs::read(at(db)).ok(), before, "{db} was changed");
    }
}

#[test]
fn an_unwritable_place_is_said() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path());
    fails(
        folder.path(),
        &["ingest", "--db", "no/such/place/t.db", "r.jsonl"],
        3,
        &["no/such/place"],
    );
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write anywhere, so that the case only exists for others.
    if fs::write(locked.join("probe"), "").is_err() {
        fails(
            folder.path(),
            &["ingest", "--db", "locked/t.db", "r.jsonl"],
            3,
            &["locked/t.db"],
        );
    }
    fails(
        folder.path(),
        &["ingest", "--db", "/proc/t.db", "r.jsonl"],
        3,
        &["/proc/t.db"],
    );
}

#[test]
fn wrong_words_exit_with_two() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["reprot"][..],
        &["report", "--format", "xml"],
        &["report", "--since", "soon"],
    ] {
        assert_eq!(
            run(folder.path(), args.iter().copied()).status.code(),
            Some(2),
            "{args:?}"
        );
    }
}

#[test]
fn an_unknown_request_exits_with_one() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path());
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    fails(
        folder.path(),
        &["explain", "--db", "t.db", "r-2"],
        1,
        &["r-2"],
    );
    let text = run_ok(folder.path(), ["explain", "--db", "t.db", "r-1"]);
    assert!(text.contains("support"), "{text}");
}

#[test]
fn a_second_writer_is_told_who_writes() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path());
    let mut first = crate::support::routetop()
        .current_dir(folder.path())
        .args(["ingest", "--db", "t.db", "--follow", "-q", "r.jsonl"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    crate::support::wait_for("the first writer", 20, || {
        folder.path().join("t.db").exists()
    });
    fails(
        folder.path(),
        &["ingest", "--db", "t.db", "r.jsonl"],
        3,
        &[&first.id().to_string()],
    );
    first.kill().unwrap();
    first.wait().unwrap();
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path());
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    let mut child = crate::support::routetop()
        .current_dir(folder.path())
        .args(["report", "--db", "t.db", "--format", "json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn keys_of_ones_own_are_checked_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (text, says) in [
        (
            "[keys]\ntoggle-paus = \"P\"",
            "line 2, column 1: there is no command `toggle-paus`\nhelp: did you mean `toggle-pause`?",
        ),
        (
            "[keys]\n\ntoggle-pause = \"PP\"",
            "line 3, column 1: `PP` is no key",
        ),
        (
            "[keys]\nquit = \"Q\"\ntoggle-pause = \"s\"",
            "line 3, column 1: s would be both",
        ),
        (
            "[keys]\nquit = []",
            "line 2, column 1: quit would have no key",
        ),
    ] {
        std::fs::write(folder.join("c.toml"), text).unwrap();
        let output = run(folder, ["--config", "c.toml", "report"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(says), "{text}: {stderr}");
        assert_eq!(output.status.code(), Some(2), "{text}");
    }
}

#[test]
fn completions_and_the_manual_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = run_ok(folder.path(), ["--help"]);
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        // What does not fit stands on lines of its own, further in.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    assert!(
        commands.len() > 10 && commands.contains(&"report"),
        "{help}"
    );
    let man = run_ok(folder.path(), ["man"]);
    let shells = ["bash", "zsh", "fish"].map(|shell| run_ok(folder.path(), ["completions", shell]));
    for command in commands.iter().filter(|command| **command != "help") {
        let heading = format!("\"ROUTETOP {}\"", command.to_uppercase());
        assert!(man.contains(&heading), "{heading} in the manual");
        for text in &shells {
            assert!(text.contains(command), "{command} in a completion");
        }
    }
    assert!(shells.iter().all(|text| text.contains("theme")));
}

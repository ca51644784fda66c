//! `doctor` with the real binary.

use std::path::Path;

use crate::support::{run, run_ok};

fn told<'a>(folder: &Path, args: impl IntoIterator<Item = &'a str>) -> (Option<i32>, String) {
    let output = run(folder, ["doctor"].into_iter().chain(args));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn assert_tells(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn a_bare_machine_works_and_says_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = told(folder.path(), []);
    assert_eq!(code, Some(0), "{text}");
    assert_tells(
        &text,
        &[
            "!   terminal  standard output is no terminal (TERM xterm)",
            "ok  locale    UTF-8",
            "!   database  routes.db: none yet",
            "`routetop ingest SOURCE` makes it",
            "config    no config file",
            "ssh ",
        ],
    );
    assert!(!folder.path().join("routes.db").exists());
}

#[test]
fn sources_are_told_with_formats_rejects_and_empty_columns() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let chains = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/format/chains.slp.jsonl"
    );
    let log = std::fs::read_to_string(chains).unwrap() + "{\"id\":1}\nINFO\n";
    std::fs::write(folder.join("a.jsonl"), log).unwrap();
    let (code, text) = told(folder, ["a.jsonl", "none.jsonl", "-"]);
    assert_eq!(code, Some(3), "{text}");
    let parts = [
        "!   source    a.jsonl: of its first 16 lines litellm-proxy 7, litellm-sdk 7",
        "1 rejected: unknown-format (no known format; its top fields are id)",
        "say with --map where request id, time and route stand",
        "1 lines are no records",
        "stays empty: correction - map [map.correction]",
        "stays empty: requests refused in cooldown - write with the callback",
        "!!  source    none.jsonl: cannot be read",
        "none.jsonl: No such file",
        "a pipe can only be read once",
    ];
    assert_tells(&text, &parts);
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/samples/mapping.toml");
    let (code, text) = told(folder, ["--map", map, "a.jsonl"]);
    assert_eq!(code, Some(0), "{text}");
    assert_tells(
        &text,
        &["config    a mapping with corrections for litellm-proxy"],
    );
    run_ok(folder, ["ingest", "--db", "t.db", "a.jsonl"]);
    let (code, text) = told(folder, ["--db", "t.db"]);
    assert_eq!(code, Some(0), "{text}");
    assert_tells(
        &text,
        &[
            "ok  database  t.db: ",
            "a.jsonl: open, 16 lines, litellm-",
            "first at byte ",
            "1 rejected: unknown-format",
        ],
    );
}

#[test]
fn what_is_broken_ends_with_3_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("bad.toml"), "[mpa]\n").unwrap();
    let (code, text) = told(folder, ["--config", "bad.toml"]);
    assert_eq!(code, Some(3), "{text}");
    assert_tells(
        &text,
        &[
            "!!  config    failed to use `bad.toml`: line 1, column 2",
            "did you mean `map`?",
        ],
    );
    std::fs::write(folder.join("empty.db"), "").unwrap();
    let (code, text) = told(folder, ["--db", "empty.db"]);
    assert_eq!(code, Some(3), "{text}");
    assert_tells(&text, &["!!  database  failed to open `"]);
    std::fs::write(folder.join("own.jsonl"), "{\"id\":1}\n").unwrap();
    let (code, text) = told(folder, ["own.jsonl"]);
    assert_eq!(code, Some(3), "{text}");
    assert_tells(&text, &["none of its first 1 lines can be used"]);
}

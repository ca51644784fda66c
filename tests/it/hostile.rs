//! Hostile strings in every field: nothing of them reaches a terminal or a pipe as a command.

use std::fs;

use crate::pty::{Session, assert_clean, assert_grammar};
use crate::support::run_ok;

/// What attackers put into logs: colours, titles, clipboards, resets, replies, bidi, invisibles, marks.
fn payloads() -> Vec<String> {
    let mut found: Vec<String> = [
        "\u{1b}[31mred",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]52;c;QUJD\u{7}",
        "\u{1b}]8;;http://x\u{1b}\\link",
        "\u{1b}c",
        "\u{1b}[6n",
        "\u{1b}P$q\"p\u{1b}\\",
        "\u{1b}_apc\u{1b}\\",
        "\u{1b}^pm\u{1b}\\",
        "\u{1b}X sos\u{1b}\\",
        "\u{9b}31m",
        "\u{9d}0;t\u{9c}",
        "\u{90}q\u{9c}",
        "\r\nforged line",
        "\u{8}\u{8}over",
        "\ttab",
        "\u{7f}del",
        "\u{202e}evil",
        "\u{2066}iso\u{2069}",
        "\u{200b}zero",
        "\u{feff}bom",
        "\u{e0041}\u{e007f}",
        "\u{2028}line",
        "\u{85}nel",
        "\u{fffe}non",
        "\u{e000}private",
        "[red]markup[/]",
        "%s%n%x",
        "\u{0}nul",
        "=cmd|' /C calc'!A0",
        "@SUM(1)",
        "日本語テキスト",
        "👩‍👩‍👧‍👦",
        "a\u{300}\u{301}\u{302}\u{303}",
    ]
    .map(str::to_owned)
    .to_vec();
    found.push("z\u{351}".repeat(60));
    found.push("x".repeat(300));
    found
}

/// A log in which every text field of every event is the payload.
fn log() -> String {
    let mut text = String::new();
    for (n, payload) in payloads().iter().enumerate() {
        let text_of = |field: &str| serde_json::to_string(&format!("{payload}{field}")).unwrap();
        text.push_str(&format!(
            "{{\"event\":\"request\",\"ts\":\"2026-11-23T02:{:02}:07Z\",\"request_id\":{},\"session_id\":{},\"route\":{},\"task_class\":{},\"policy\":{},\"rule\":{},\"tier\":{},\"model\":{},\"reason\":{},\"signals\":{{\"user_tier\":{},\"format_strictness\":{},{}:{}}},\"candidates\":[{{\"model\":{},\"score\":0.5,\"rejected_because\":{}}}],\"attempts\":[{{\"model\":{},\"tier\":{},\"provider\":{},\"outcome\":\"escalated\",\"reason\":{},\"latency_ms\":900}},{{\"model\":{},\"outcome\":\"ok\",\"latency_ms\":700}}],\"outcome\":\"completed\",\"attrs\":{{{}:{}}},{}:1}}\n",
            n % 60,
            text_of("i"), text_of("s"), text_of("r"), text_of("t"), text_of("p"), text_of("u"), text_of("T"),
            text_of("m"), text_of("w"), text_of("U"), text_of("f"), text_of("k"), text_of("v"), text_of("c"),
            text_of("b"), text_of("M"), text_of("e"), text_of("P"), text_of("R"), text_of("N"), text_of("a"),
            text_of("A"), text_of("x"),
        ));
        text.push_str(&format!(
            "{{\"event\":\"marker\",\"ts\":\"2026-11-23T02:{:02}:07Z\",\"label\":{}}}\n",
            n % 60,
            text_of("l")
        ));
        text.push_str(&format!("{{\"event\":{}}}\n", text_of("e")));
        if !payload.contains(['\n', '\r']) {
            text.push_str(&format!("noise {payload}\n"));
        }
    }
    text
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r\u{1b}]0;x\u{7}.jsonl"), log()).unwrap();
    run_ok(
        folder.path(),
        ["ingest", "-q", "--db", "t.db", "r\u{1b}]0;x\u{7}.jsonl"],
    );
    folder
}

#[test]
fn pipes_stay_clean() {
    let folder = folder();
    for format in ["text", "json", "csv", "markdown"] {
        let text = run_ok(
            folder.path(),
            ["report", "--db", "t.db", "--format", format],
        );
        assert!(text.contains("evil"), "{format}: the payloads are there");
        assert_clean(&text);
        if format == "csv" {
            for line in text.lines() {
                assert!(!line.starts_with(['=', '+', '-', '@']), "{line}");
            }
        }
    }
    for payload in payloads().iter().filter(|payload| !payload.contains('\0')) {
        let id = format!("{payload}i");
        for format in ["text", "json"] {
            let output = crate::support::run(
                folder.path(),
                ["explain", "--db", "t.db", &id, "--format", format],
            );
            assert_clean(&String::from_utf8(output.stdout).unwrap());
            assert_clean(&String::from_utf8(output.stderr).unwrap());
        }
    }
}

#[test]
fn screens_stay_clean() {
    let folder = folder();
    for size in [(40, 10), (80, 24), (200, 50)] {
        let mut session = Session::dashboard(folder.path(), &["--db", "t.db"], size);
        session.sees("t.db");
        for keys in [
            "\r", "jd", "\r", "n", "n", "n", "\x1b", "\x1b", "\x1b", "5", "?", "\x1b",
        ] {
            session.press(keys);
            crate::support::pause(std::time::Duration::from_millis(60));
        }
        session.press("\x03");
        let (code, bytes) = session.end(5);
        assert_eq!(code, 0, "{size:?}");
        assert_grammar(&bytes);
    }
}

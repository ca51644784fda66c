//! What is handed on: the clipboard, the command that opens a page again, the plain page, a file.

use std::process::Command;

use crate::pty::{Session, assert_clean, assert_grammar, assert_restored, folder_with_log};
use crate::support::{run_ok, wait_for};

const NOW: &str = "2026-11-23T03:00:00Z";

fn dashboard(folder: &std::path::Path) -> Session {
    run_ok(folder, ["ingest", "-q", "--db", "t.db", "r.jsonl"]);
    let session = Session::dashboard(folder, &["--db", "t.db", "--now", NOW], (80, 24));
    session.sees("support-chat");
    session
}

/// Takes the texts that were sent to the clipboard out of what the terminal got.
fn copied(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (mut texts, mut others) = (Vec::new(), Vec::new());
    let start = b"\x1b]52;c;";
    let mut rest = bytes;
    while let Some(at) = rest.windows(start.len()).position(|window| window == start) {
        others.extend_from_slice(&rest[..at]);
        let body = &rest[at + start.len()..];
        let end = body
            .windows(2)
            .position(|window| window == b"\x1b\\")
            .unwrap();
        let output = Command::new("sh")
            .args(["-c", "printf %s \"$1\" | base64 -d", "sh"])
            .arg(std::str::from_utf8(&body[..end]).unwrap())
            .output()
            .unwrap();
        texts.push(String::from_utf8(output.stdout).unwrap());
        rest = &body[end + 2..];
    }
    others.extend_from_slice(rest);
    (texts, others)
}

#[test]
fn x4_only_a_key_copies_and_what_is_copied_is_clean() {
    let folder = folder_with_log();
    // A route whose name would write to the clipboard by itself, and more.
    let evil = "evil\\u001b]52;c;YWJj\\u0007\\u202ename";
    let line = format!(
        "{{\"event\":\"request\",\"ts\":\"2026-11-23T02:50:07Z\",\"request_id\":\"x\",\"route\":\"{evil}\",\"attempts\":[],\"outcome\":\"completed\"}}\n"
    );
    let log = folder.path().join("r.jsonl");
    let text = std::fs::read_to_string(&log).unwrap() + &line;
    std::fs::write(&log, text).unwrap();
    let mut session = dashboard(folder.path());
    session.sees("evil");
    assert!(copied(&session.bytes()).0.is_empty());
    session.press("y");
    session.sees("copied 2");
    session.press("Y");
    session.sees("copied the command");
    session.press("q");
    let (code, bytes) = session.end(5);
    assert_eq!(code, 0);
    let (texts, others) = copied(&bytes);
    assert_grammar(&others);
    let [page, command] = texts.as_slice() else {
        panic!("{texts:?}");
    };
    for text in [page, command] {
        assert_clean(&text.replace('\n', " "));
        assert!(text.len() <= 64 * 1024);
    }
    assert!(page.contains("support-chat") && page.trim_end().ends_with(command.as_str()));
    assert!(!page.contains("? help"), "keys are no evidence:\n{page}");
}

#[test]
fn the_copied_command_opens_the_same_page() {
    let folder = folder_with_log();
    let mut session = dashboard(folder.path());
    session.press("/corrected\r");
    session.sees("filter: corrected");
    session.press("[3");
    session.sees("decisions in the window");
    session.sees("r-99");
    session.press("Y");
    session.sees("copied the command");
    let command = copied(&session.bytes()).0.pop().unwrap();
    let screen = session.screen();
    session.press("q");
    session.end(5);
    let program = env!("CARGO_BIN_EXE_routetop");
    let line = command.replacen("routetop", &format!("exec '{program}' --now {NOW}"), 1);
    let again = Session::start(folder.path(), "sh", &["-c", &line], (80, 24), &[]);
    // The rows are the page; the header may say otherwise what it is compared with.
    let rows = |screen: &str| {
        screen
            .lines()
            .skip(1)
            .take(18)
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    wait_for("the same page", 20, || {
        rows(&again.screen()) == rows(&screen)
    });
}

#[test]
fn the_plain_page_stands_on_the_main_screen_until_a_key() {
    let folder = folder_with_log();
    let mut session = dashboard(folder.path());
    session.press("p");
    session.sees("any key: back to the dashboard");
    session.sees("routetop --db t.db");
    session.press("j");
    session.sees("? help");
    session.press("p");
    session.sees("any key: back to the dashboard");
    session.signal("-TERM");
    let (code, bytes) = session.end(5);
    assert_eq!(code, 143);
    assert_restored(&bytes);
}

#[test]
fn a_report_is_written_beside_and_never_over_a_file() {
    let folder = folder_with_log();
    let mut session = dashboard(folder.path());
    for (key, name) in [
        ("j", "routetop-20261123T030000.json"),
        ("j", "routetop-20261123T030000-1.json"),
        ("c", "routetop-20261123T030000.csv"),
        ("m", "routetop-20261123T030000.md"),
    ] {
        session.press("x");
        session.sees("written to a file here");
        session.press(key);
        let path = folder.path().join(name);
        wait_for(name, 10, || path.exists());
        session.sees("report written to");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("support-chat"), "{text}");
    }
    session.press("x");
    session.sees("Esc none");
    session.press("\x1b");
    wait_for("the choice to be gone", 10, || {
        !session.screen().contains("Esc none")
    });
    session.press("q");
    let (code, _) = session.end(5);
    assert_eq!(code, 0);
}

#[test]
fn keys_of_ones_own_work_and_are_shown() {
    let folder = folder_with_log();
    std::fs::write(folder.path().join("c.toml"), "[keys]\nquit = \"Q\"\n").unwrap();
    run_ok(folder.path(), ["ingest", "-q", "--db", "t.db", "r.jsonl"]);
    let args = ["--db", "t.db", "--now", NOW, "--config", "c.toml"];
    let mut session = Session::dashboard(folder.path(), &args, (80, 24));
    session.sees("Q quit");
    session.press("q?");
    session.sees("help: overview");
    session.press("Q");
    assert_eq!(session.end(5).0, 0);
}

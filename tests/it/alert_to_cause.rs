//! From the alert to the cause: the keys that it takes, counted, on the demo's incident.

use crate::pty::Session;
use crate::support::{run_ok, wait_for};

const NOW: &str = "2026-11-25T00:05:38Z";

#[test]
fn one_key_to_the_likely_cause_three_to_a_decision_four_to_a_shared_finding() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, ["demo", "--out", "demo.jsonl", "--now", NOW]);
    run_ok(folder, ["ingest", "-q", "--db", "routes.db", "demo.jsonl"]);
    let mut session = Session::dashboard(folder, &["--db", "routes.db", "--now", NOW], (80, 24));
    // No key: the sentence names the route, which is on top and selected.
    session.sees("!! support-chat: corrections");
    session.sees(">!! support-chat");
    // One key: who is hit, what moved, since when.
    session.press("w");
    session.sees("WHO IS HIT");
    session.sees("first_model=small-1 and lang=de");
    session.sees("policy=support-chat@2");
    session.sees("since 23:3");
    // Two: the decisions behind it.
    session.press("\r");
    session.sees("filter: first_model=small-1 lang=de corrected");
    session.sees("decisions in the window");
    session.sees("decisions in the window");
    let screen = session.screen();
    let rows = screen.lines().filter(|line| line.contains(" C ")).count();
    assert!(rows > 10, "corrected ones only:\n{screen}");
    // Three: one of them, rule by rule.
    session.press("\r");
    session.sees("explain");
    session.sees("well-grounded");
    // Four: what is seen, and the command that opens it, for the incident channel.
    session.press("y");
    session.sees("copied");
    let shared = session.bytes();
    let start = b"\x1b]52;c;";
    assert!(shared.windows(start.len()).any(|window| window == start));
    // Back to the finding, as it was.
    session.press("<");
    session.press("<");
    wait_for("the finding again", 20, || {
        let screen = session.screen();
        screen.contains("WHO IS HIT") && !screen.contains("filter:")
    });
    session.press("q");
    assert_eq!(session.end(10).0, 0);
}

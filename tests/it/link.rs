//! What the dashboard costs a link, in bytes: these do not depend on how busy the machine is.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::pty::Session;
use crate::support::{pause, run_ok, wait_for};

/// One frame a second at the most shows new data, so that bytes a frame bound bytes a second.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// Forty routes, a hundred decisions a second, as many seconds as `seconds` has.
fn log(seconds: std::ops::Range<u64>) -> String {
    let mut log = String::new();
    for second in seconds {
        for n in 0..100_u64 {
            let id = second * 100 + n;
            // Busy and quiet routes; which of them fail changes over time.
            let route = (id * id + second / 7) % 40;
            let outcome = if (id * 7 + second) % 23 == 0 {
                "escalated"
            } else {
                "ok"
            };
            let more = if outcome == "escalated" {
                r#",{"model":"mid-70b","tier":"standard","outcome":"ok","latency_ms":2100,"cost_usd":0.004}"#
            } else {
                ""
            };
            log.push_str(&format!(
                r#"{{"event":"request","ts":"2026-11-23T{:02}:{:02}:{:02}.{:03}Z","request_id":"{:032x}","route":"route-{route:02}","rule":"default","attempts":[{{"model":"small-8b","tier":"fast","outcome":"{outcome}","latency_ms":{},"cost_usd":0.001,"input_tokens":{}}}{more}],"outcome":"completed","corrected":{}}}"#,
                second / 3600,
                second / 60 % 60,
                second % 60,
                n * 10,
                id.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                300 + id * 37 % 2_000,
                100 + id * 13 % 3_000,
                id % 31 == 0,
            ));
            log.push('\n');
        }
    }
    log
}

fn frames(session: &Session) -> Vec<usize> {
    let bytes = session.bytes();
    let ends = bytes
        .windows(FRAME_END.len())
        .enumerate()
        .filter(|(_, window)| *window == FRAME_END)
        .map(|(at, _)| at + FRAME_END.len());
    let mut sizes = Vec::new();
    let mut start = 0;
    for end in ends {
        sizes.push(end - start);
        start = end;
    }
    sizes
}

/// Waits until nothing is drawn for a while, and returns how many frames there were.
fn settled(session: &Session) -> usize {
    let mut seen = usize::MAX;
    wait_for("a quiet screen", 30, || {
        let before = std::mem::replace(&mut seen, session.bytes().len());
        pause(std::time::Duration::from_millis(1_500));
        before == seen && !frames(session).is_empty()
    });
    frames(session).len()
}

fn append(folder: &Path, text: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(folder.join("live.jsonl"))
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Returns the first frame with rows, a frame of one second of live data on average, and what is written at rest.
fn cost(size: (u16, u16)) -> (usize, usize, usize) {
    const START: u64 = 3_600 * 2;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("live.jsonl"), log(START - 600..START)).unwrap();
    run_ok(folder, ["ingest", "-q", "--db", "t.db", "live.jsonl"]);
    let args = [
        "--db",
        "t.db",
        "live.jsonl",
        "--now",
        "2026-11-23T02:00:30Z",
    ];
    let session = Session::dashboard(folder, &args, size);
    session.sees("route-0");
    settled(&session);
    let first = frames(&session)[0];
    let rest = session.bytes().len();
    pause(std::time::Duration::from_secs(3));
    let rest = session.bytes().len() - rest;
    let mut live = Vec::new();
    for second in START..START + 8 {
        let before = frames(&session).len();
        append(folder, &log(second..second + 1));
        wait_for("a frame of new data", 20, || {
            frames(&session).len() > before
        });
        // What one second of data costs may come in more than one frame.
        pause(std::time::Duration::from_millis(1_100));
        live.push(frames(&session)[before..].iter().sum());
    }
    let mean = live.iter().sum::<usize>() / live.len();
    eprintln!(
        "{size:?}: first frame {first} bytes, live {live:?}, mean {mean}, at rest {rest} in 3 s"
    );
    (first, mean, rest)
}

#[test]
fn a_wide_screen_costs_little() {
    let (first, live, rest) = cost((200, 50));
    assert!(first <= 16 * 1024, "first frame {first}");
    assert!(live <= 2_560, "live {live}");
    assert!(rest <= 64, "at rest {rest}");
}

#[test]
fn a_narrow_screen_costs_less() {
    let (first, live, rest) = cost((80, 24));
    assert!(first <= 3 * 1024, "first frame {first}");
    assert!(live <= 614, "live {live}");
    assert!(rest <= 64, "at rest {rest}");
}

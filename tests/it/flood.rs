//! A flood of bad lines while somebody works at the dashboard.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use crate::pty::Session;
use crate::support::{pause, wait_for};

/// Bad lines a second.
const RATE: u64 = 50_000;
/// How often some of them are written.
const TICK: Duration = Duration::from_millis(50);

/// Feeds a terminal that understands what the session writes, from where it stopped.
struct Eyes {
    terminal: vt100::Parser,
    seen: usize,
}

impl Eyes {
    fn see(&mut self, session: &Session, text: &str) -> bool {
        let bytes = session.bytes();
        self.terminal.process(&bytes[self.seen..]);
        self.seen = bytes.len();
        self.terminal.screen().contents().contains(text)
    }
}

fn quarantined(folder: &Path, sql: &str) -> i64 {
    Connection::open_with_flags(folder.join("t.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|it| it.query_row(sql, [], |row| row.get(0)))
        .unwrap_or(0)
}

/// Presses keys while the flood runs; returns the times from key to frame, shortest first.
fn key_to_frame(folder: &Path) -> Vec<Duration> {
    let good = "{\"event\":\"request\",\"ts\":\"2026-11-23T02:41:07Z\",\"request_id\":\"r-1\",\"route\":\"support\",\"attempts\":[{\"model\":\"small-1\",\"outcome\":\"ok\"}],\"outcome\":\"completed\"}\n";
    let log = folder.join("r.jsonl");
    fs::write(&log, good).unwrap();
    let mut session = Session::dashboard(folder, &["--db", "t.db", "r.jsonl"], (100, 30));
    session.sees("support");
    let (stop, stopped) = mpsc::sync_channel::<()>(0);
    let flood = std::thread::spawn(move || {
        let mut file = OpenOptions::new().append(true).open(log).unwrap();
        let (start, mut written) = (Instant::now(), 0);
        while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            let due = u64::try_from(start.elapsed().as_millis()).unwrap() * RATE / 1_000;
            let mut lines = String::new();
            for n in written..due {
                lines.push_str(&format!("{{\"garbage\":{n}\n"));
            }
            file.write_all(lines.as_bytes()).unwrap();
            written = due;
        }
        written
    });
    wait_for("the flood", 30, || {
        quarantined(folder, "SELECT sum(count) FROM reject_count") > 20_000
    });
    let mut eyes = Eyes {
        terminal: vt100::Parser::new(30, 100, 0),
        seen: 0,
    };
    let mut times = Vec::new();
    for _ in 0..8 {
        // Help and back: two pages that share no line.
        for (key, text) in [("?", "half a page down"), ("\x1b", "LATEST DECISIONS")] {
            let pressed = Instant::now();
            session.press(key);
            wait_for(text, 30, || eyes.see(&session, text));
            times.push(pressed.elapsed());
            pause(Duration::from_millis(120));
        }
    }
    drop(stop);
    let written = i64::try_from(flood.join().unwrap()).unwrap();
    wait_for("the whole flood to be counted", 120, || {
        quarantined(folder, "SELECT sum(count) FROM reject_count") == written
    });
    session.press("q");
    assert_eq!(session.end(20).0, 0);
    assert!(written > 100_000, "{written} lines are no flood");
    assert!(quarantined(folder, "SELECT count(*) FROM quarantine") <= 100_000);
    let size = fs::metadata(folder.join("t.db")).unwrap().len();
    assert!(size < 64 << 20, "{size} bytes");
    times.sort();
    eprintln!(
        "{written} bad lines; key to frame: median {:?}, worst {:?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    times
}

#[test]
fn d25_a_flood_of_bad_lines_leaves_the_keys_alive() {
    let folder = tempfile::tempdir().unwrap();
    let times = key_to_frame(folder.path());
    let median = times[times.len() / 2];
    assert!(median < Duration::from_secs(2), "{times:?}");
}

#[test]
#[ignore = "on demand, on a machine with nothing else to do: cargo test --test it d25_ -- --ignored"]
fn d25_the_screen_answers_within_a_quarter_of_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let times = key_to_frame(folder.path());
    let slow = times.iter().filter(|time| time.as_millis() > 250).count();
    assert_eq!(slow, 0, "{times:?}");
}

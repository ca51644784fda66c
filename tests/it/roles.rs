//! Who writes and who views: roles change hands, and no line is counted twice on the way.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use routetop::format::Rules;
use routetop::runtime::{Clock, Pipeline, PipelineOptions, StopFlag};
use routetop::store::{Writer, WriterOptions};

use crate::pty::{Session, assert_restored};
use crate::support::{Running, routetop, run, run_ok, wait_for};

/// Appends requests of `route`, numbered `from` to `to`, with a time of their own each.
fn append(folder: &Path, file: &str, route: &str, numbers: std::ops::Range<u64>) {
    let mut text = String::new();
    for n in numbers {
        let (minute, second) = (n / 60 % 60, n % 60);
        text.push_str(&format!(
            "{{\"event\":\"request\",\"ts\":\"2026-11-23T02:{minute:02}:{second:02}Z\",\"request_id\":\"r-{n}\",\"route\":\"{route}\",\"attempts\":[{{\"model\":\"small-1\",\"outcome\":\"ok\"}}],\"outcome\":\"completed\"}}\n"
        ));
    }
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(file));
    log.unwrap().write_all(text.as_bytes()).unwrap();
}

/// Lines read, events and repeated events as the generations count them, and requests stored.
fn counts(folder: &Path) -> [i64; 4] {
    let database = Connection::open(folder.join("t.db")).unwrap();
    database
        .query_row(
            "SELECT sum(lines),sum(events),sum(duplicates),(SELECT count(*) FROM request) FROM generation",
            [],
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]),
        )
        .unwrap()
}

fn stored(folder: &Path) -> i64 {
    // Opened read-only: looking must not make a database.
    Connection::open_with_flags(folder.join("t.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|it| it.query_row("SELECT count(*) FROM request", [], |row| row.get(0)))
        .unwrap_or(0)
}

fn dashboard(folder: &Path) -> Session {
    Session::dashboard(folder, &["--db", "t.db", "r.jsonl"], (120, 40))
}

fn pid(session: &Session) -> String {
    session.child.process_id().unwrap().to_string()
}

#[test]
fn i36_a_second_dashboard_views_and_takes_over_when_the_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), "r.jsonl", "day-shift", 0..100);
    let writer = dashboard(folder.path());
    writer.sees("day-shift");
    let mut viewer = dashboard(folder.path());
    viewer.sees(&format!("VIEWER of {}", pid(&writer)));
    viewer.sees(&format!("process {} writes this database", pid(&writer)));
    append(folder.path(), "r.jsonl", "day-shift", 100..150);
    wait_for("the writer to read on", 20, || stored(folder.path()) == 150);

    let killed = std::time::Instant::now();
    writer.signal("-KILL");
    drop(writer.end(10));
    append(folder.path(), "r.jsonl", "night-shift", 150..190);
    viewer.sees("this process writes now");
    viewer.sees("night-shift");
    eprintln!("taken over after {:?}", killed.elapsed());
    assert!(!viewer.screen().contains("VIEWER"), "{}", viewer.screen());

    append(folder.path(), "r.jsonl", "night-shift", 190..200);
    wait_for("the new writer to follow", 20, || {
        stored(folder.path()) == 200
    });
    viewer.press("q");
    let (code, bytes) = viewer.end(10);
    assert_eq!(code, 0);
    assert_restored(&bytes);
    assert_eq!(counts(folder.path()), [200, 200, 0, 200]);
}

#[test]
fn i36_of_several_that_wait_one_takes_over_and_the_others_go_on_waiting() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), "r.jsonl", "support", 0..50);
    let mut writer = dashboard(folder.path());
    writer.sees("support");
    let mut waiting: Vec<Session> = (0..3).map(|_| dashboard(folder.path())).collect();
    for one in &waiting {
        one.sees(&format!("VIEWER of {}", pid(&writer)));
    }
    let mut written = 50;
    while !waiting.is_empty() {
        writer.press("q");
        assert_eq!(writer.end(10).0, 0);
        append(folder.path(), "r.jsonl", "support", written..written + 50);
        written += 50;
        let mut heir = None;
        wait_for("one to take over", 20, || {
            let is_heir = |one: &Session| one.screen().contains("this process writes now");
            heir = waiting.iter().position(is_heir);
            heir.is_some()
        });
        writer = waiting.swap_remove(heir.unwrap());
        for one in &waiting {
            one.sees(&format!("VIEWER of {}", pid(&writer)));
        }
        let written = i64::try_from(written).unwrap();
        wait_for("the heir to read on", 20, || {
            stored(folder.path()) == written
        });
    }
    writer.press("q");
    assert_eq!(writer.end(10).0, 0);
    assert_eq!(counts(folder.path()), [200, 200, 0, 200]);
}

#[test]
fn i36_without_sources_a_viewer_stays_a_viewer() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), "r.jsonl", "support", 0..50);
    let mut follower = routetop();
    let follower = follower
        .current_dir(folder.path())
        .args(["ingest", "--db", "t.db", "--follow", "-q", "r.jsonl"])
        .stderr(std::process::Stdio::null());
    let mut follower = Running(follower.spawn().unwrap());
    wait_for("the follower", 20, || stored(folder.path()) == 50);
    let mut viewer = Session::dashboard(folder.path(), &["--db", "t.db"], (120, 40));
    let writer = follower.0.id();
    viewer.sees(&format!("VIEWER of {writer}"));
    follower.0.kill().unwrap();
    follower.0.wait().unwrap();
    viewer.sees(&format!(
        "process {writer} has left; nobody writes this database now"
    ));
    assert!(!viewer.screen().contains("VIEWER"), "{}", viewer.screen());
    // The place is free for whoever has sources.
    run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    viewer.press("q");
    assert_eq!(viewer.end(10).0, 0);
}

#[test]
fn i36_a_second_ingest_names_the_writer_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), "r.jsonl", "support", 0..50);
    let mut writer = dashboard(folder.path());
    writer.sees("support");
    for more in [&[][..], &["--follow"]] {
        let args = [&["ingest", "--db", "t.db", "r.jsonl"], more].concat();
        let second = run(folder.path(), args);
        let errors = String::from_utf8(second.stderr).unwrap();
        assert_eq!(second.status.code(), Some(3), "{errors}");
        assert!(
            errors.contains(&format!("the writer is process {}", pid(&writer))),
            "{errors}"
        );
    }
    writer.press("q");
    assert_eq!(writer.end(10).0, 0);
    assert_eq!(counts(folder.path()), [50, 50, 0, 50]);
}

#[test]
fn i36_a_wrong_source_is_said_also_where_it_would_be_read_later() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), "r.jsonl", "support", 0..50);
    let writer = dashboard(folder.path());
    writer.sees("support");
    let second = Session::dashboard(folder.path(), &["--db", "t.db", "ssh://-oX/y"], (120, 40));
    let (code, bytes) = second.end(10);
    assert_eq!(code, 3);
    assert!(String::from_utf8_lossy(&bytes).contains("ssh://-oX/y"));
}

/// Two writers past the lock on one log, which cannot happen in use: what one has stored, the other
/// is refused.
#[test]
fn i36_a_forced_second_writer_cannot_double_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("r.jsonl").to_string_lossy().into_owned();
    let clock = Clock::system();
    for round in 0..4 {
        let before = 10_000 * round;
        append(folder.path(), "r.jsonl", "support", before..before + 10_000);
        let open = |without_lock| {
            let options = WriterOptions {
                without_lock,
                ..WriterOptions::default()
            };
            Writer::open_with(&folder.path().join("t.db"), clock.now(), options).unwrap()
        };
        let writers = [open(false), open(true)];
        let pipelines = writers.map(|writer| {
            let options = PipelineOptions {
                sources: vec![log.clone()],
                rules: Rules::default(),
                ..PipelineOptions::default()
            };
            Pipeline::start(writer, options, &clock, StopFlag::default(), |_| {}).unwrap()
        });
        let ends = pipelines.map(Pipeline::join);
        let refused = ends.iter().filter(|end| end.is_err()).count();
        // None when one was through before the other had looked.
        assert!(refused <= 1, "round {round}: {ends:?}");
        let [lines, events, duplicates, requests] = counts(folder.path());
        assert_eq!([lines, 0, lines], [events, duplicates, requests]);
        run_ok(folder.path(), ["ingest", "--db", "t.db", "r.jsonl"]);
    }
    assert_eq!(counts(folder.path()), [40_000, 40_000, 0, 40_000]);
    fs::remove_file(&log).unwrap();
}

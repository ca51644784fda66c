//! Death at any moment, by signals, by a loss of power and aimed at every step of a commit: nothing lost,
//! nothing doubled; and the same harness with the checkpoint moved outside the transaction must find
//! doubles, or it would prove nothing.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use routetop::store::{Step, Writer, WriterOptions};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Random, pause, routetop, run_ok};

/// Set for the child processes of this file: `split` or `whole`, the step at which the child dies
/// (its place in [`Step::ALL`]), and how often it passes that step before.
const PLAN: &str = "ROUTETOP_TEST_CRASH_PLAN";

/// The number of the signal that `abort` raises, on every Unix.
const SIGABRT: i32 = 6;

/// Bytes of the header of a write-ahead log, and of that of each frame.
const WAL_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
struct Tally {
    written: u64,
    requests: u64,
    distinct: u64,
    markers: u64,
    markers_written: u64,
    suppressed: u64,
}

/// A router that writes numbered lines, in pieces, and rotates its log.
struct Router {
    folder: std::path::PathBuf,
    random: Random,
    written: u64,
    markers: u64,
    rotations: u64,
}

impl Router {
    fn line(&mut self) -> String {
        // Markers carry no id: only the checkpoint keeps them from being counted twice.
        if self.random.below(20) == 0 {
            self.markers += 1;
            return format!(
                "{{\"ts\":{},\"event\":\"marker\",\"label\":\"m{}\"}}\n",
                1_795_000_000_000 + self.markers,
                self.markers
            );
        }
        self.written += 1;
        format!(
            "{{\"ts\":{},\"event\":\"request\",\"request_id\":\"r-{}\",\"route\":\"r{}\",\"outcome\":\"completed\",\"attempts\":[{{\"model\":\"small-1\",\"outcome\":\"ok\",\"latency_ms\":{}}}],\"pad\":\"{}\"}}\n",
            1_795_000_000_000 + self.written * 10,
            self.written,
            self.written % 3,
            self.random.below(5_000),
            "x".repeat(usize::try_from(self.random.below(400)).unwrap())
        )
    }

    fn write(&mut self) {
        let path = self.folder.join("log.jsonl");
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap();
        for _ in 0..self.random.below(40) {
            let line = self.line();
            let cut = usize::try_from(self.random.below(line.len() as u64)).unwrap();
            let (head, tail) = line.split_at(cut);
            file.write_all(head.as_bytes()).unwrap();
            file.write_all(tail.as_bytes()).unwrap();
        }
        drop(file);
        if self.random.below(12) == 0 {
            self.rotations += 1;
            fs::rename(
                &path,
                self.folder.join(format!("log.jsonl.{}", self.rotations)),
            )
            .unwrap();
            fs::write(&path, "").unwrap();
        }
    }
}

/// A router and a database beside its log.
struct Harness {
    folder: tempfile::TempDir,
    router: Router,
    /// The salt of the write-ahead log, and how many of its frames are on the disk for certain.
    synced: (Vec<u8>, u64),
    frames_lost: u64,
}

impl Harness {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut router = Router {
            folder: folder.path().to_owned(),
            random: Random(seed),
            written: 0,
            markers: 0,
            rotations: 0,
        };
        router.write();
        // A log is read from first sight on: the first file must have been seen before it is rotated.
        run_ok(folder.path(), ["ingest", "--db", "t.db", "log.jsonl"]);
        Self {
            folder,
            router,
            synced: (Vec::new(), 0),
            frames_lost: 0,
        }
    }

    /// Kills the reader after a few milliseconds in which the router writes.
    fn kill(&mut self) {
        let mut child = start_real(self.folder.path());
        self.write_for(60);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Lets the router write for at most so many milliseconds.
    fn write_for(&mut self, most: u64) {
        let end = Instant::now() + Duration::from_millis(1 + self.router.random.below(most));
        while Instant::now() < end {
            self.router.write();
            pause(Duration::from_millis(self.router.random.below(4)));
        }
    }

    /// Asks the reader to end after a few milliseconds in which the router writes.
    fn interrupt(&mut self, signal: Signal) {
        let mut child = start_real(self.folder.path());
        self.write_for(60);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let asked = Instant::now();
        let status = child.wait().unwrap();
        let number = signal.as_raw();
        // Before it listens, it dies of the signal.
        assert!(
            status.code() == Some(128 + number) || status.signal() == Some(number),
            "{status}"
        );
        // A second is what is promised; a busy machine gets more.
        assert!(asked.elapsed() < Duration::from_secs(10), "it went on");
    }

    /// Kills the reader, and takes from the disk what no sync had made sure of: the last frames of the
    /// write-ahead log are gone, or hold anything.
    fn lose_power(&mut self) {
        self.kill();
        let folder = self.folder.path();
        let wal = folder.join("t.db-wal");
        let (Ok(index), Ok(log)) = (fs::read(folder.join("t.db-shm")), fs::read(&wal)) else {
            return;
        };
        let len = log.len() as u64;
        let page_size = log.get(8..12).and_then(|bytes| bytes.try_into().ok());
        let frame = FRAME_HEADER + u64::from(page_size.map_or(0, u32::from_be_bytes));
        let frames = len.saturating_sub(WAL_HEADER) / frame;
        // Frames are synced before they are copied into the database (the `WalCkptInfo` of the index, which
        // a new process begins anew); the salt in the log's header tells whether they are still the same.
        // Where the index has another salt, the log is to be begun anew: all that it held is in the database.
        let number = |at: usize| {
            let bytes = index
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok());
            u64::from(bytes.map_or(0, u32::from_ne_bytes))
        };
        let salt = log.get(16..24).unwrap_or_default().to_vec();
        if index.get(32..40) != Some(&salt) {
            return;
        }
        if self.synced.0 != salt {
            self.synced = (salt, 0);
        }
        let synced = self.synced.1.max(number(96)).max(number(128));
        self.synced.1 = synced;
        if frames <= synced {
            return;
        }
        let random = &mut self.router.random;
        let kept = WAL_HEADER + (synced + random.below(frames - synced + 1)) * frame;
        let file = OpenOptions::new().write(true).open(&wal).unwrap();
        if random.below(2) == 0 {
            file.set_len((kept + random.below(frame)).min(len)).unwrap();
        } else {
            let rest = usize::try_from(len - kept).unwrap();
            let bytes: Vec<u8> = (0..rest).map(|_| random.next().to_le_bytes()[0]).collect();
            file.write_all_at(&bytes, kept).unwrap();
        }
        // The index is no file to anybody but the processes that shared it.
        fs::remove_file(folder.join("t.db-shm")).unwrap();
        self.frames_lost += (len - kept) / frame;
    }

    /// Lets the router write until the reader has died of its own plan; the log of the database is
    /// only looked after in quiet times, so that plan gets them.
    fn await_death(&mut self, is_split: bool, step: Step, passes: u64) {
        let word = if is_split { "split" } else { "whole" };
        let place = Step::ALL.iter().position(|at| *at == step).unwrap();
        let plan = &format!("{word} {place} {passes}");
        let mut child = start_planned(self.folder.path(), plan);
        let end = Instant::now() + Duration::from_secs(30);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "`{plan}` was not reached");
            if step != Step::BeforeLogCheckpoint {
                self.router.write();
            }
            pause(Duration::from_millis(self.router.random.below(4)));
        };
        self.router.write();
        assert_eq!(status.signal(), Some(SIGABRT), "`{plan}`: {status}");
    }

    /// Reads the rest and counts.
    fn tally(&self) -> Tally {
        let folder = self.folder.path();
        run_ok(folder, ["ingest", "--db", "t.db", "log.jsonl"]);
        let db = Connection::open(folder.join("t.db")).unwrap();
        let ask = |sql: &str| -> u64 {
            u64::try_from(db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap()
        };
        assert_eq!(
            db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
                .unwrap(),
            "ok"
        );
        Tally {
            written: self.router.written,
            requests: ask("SELECT count(*) FROM request"),
            distinct: ask("SELECT count(DISTINCT id) FROM request"),
            markers: ask("SELECT count(*) FROM marker"),
            markers_written: self.router.markers,
            suppressed: ask("SELECT sum(duplicates) FROM generation"),
        }
    }
}

impl Tally {
    /// Nothing lost, nothing doubled, nothing read twice.
    fn assert_once(&self) {
        let expected = Self {
            written: self.written,
            requests: self.written,
            distinct: self.written,
            markers: self.markers_written,
            markers_written: self.markers_written,
            suppressed: 0,
        };
        assert_eq!(*self, expected);
    }
}

fn start_real(folder: &Path) -> Child {
    start(routetop().current_dir(folder).args([
        "ingest",
        "--db",
        "t.db",
        "--follow",
        "-q",
        "log.jsonl",
    ]))
}

fn start_planned(folder: &Path, plan: &str) -> Child {
    start(
        Command::new(std::env::current_exe().unwrap())
            .current_dir(folder)
            .args(["--exact", "crash::planned_child", "--nocapture"])
            .env(PLAN, plan),
    )
}

fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads a number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn i1_two_hundred_kills_lose_and_double_nothing() {
    let kills = number("ROUTETOP_TEST_KILLS").unwrap_or(200);
    let mut harness = Harness::new(7);
    for _ in 0..kills {
        harness.kill();
    }
    let tally = harness.tally();
    assert!(
        tally.written > kills,
        "the router wrote too little: {tally:?}"
    );
    tally.assert_once();
}

#[test]
fn i2_death_at_every_step_of_a_commit_loses_and_doubles_nothing() {
    let mut harness = Harness::new(8);
    for round in 0..20 {
        for step in Step::ALL {
            let is_rare = step == Step::BeforeLogCheckpoint;
            if !is_rare {
                harness.await_death(false, step, round % 4);
            } else if round % 10 == 0 {
                harness.await_death(false, step, 0);
            }
        }
    }
    harness.tally().assert_once();
}

#[test]
fn i3_the_harness_finds_doubles_when_the_checkpoint_stands_outside() {
    let mut harness = Harness::new(9);
    // A death may fall on a commit without lines, the first one above all: it goes on until a double is seen.
    let has_doubles = (0..30).any(|round| {
        for passes in 0..4 {
            harness.await_death(true, Step::AfterCommit, (round + passes) % 4);
        }
        harness.tally().suppressed > 0
    });
    assert!(has_doubles, "no double: the harness has no teeth");
}

#[test]
fn i4_signals_at_any_moment_end_it_soon_and_whole() {
    let mut harness = Harness::new(10);
    for round in 0..100 {
        harness.interrupt(if round % 2 == 0 {
            Signal::TERM
        } else {
            Signal::INT
        });
    }
    harness.tally().assert_once();
}

/// As long as the logs are still there.
#[test]
fn s24_power_losses_lose_and_double_nothing() {
    let losses = number("ROUTETOP_TEST_POWER_LOSSES").unwrap_or(100);
    let mut harness = Harness::new(11);
    for _ in 0..losses {
        harness.lose_power();
    }
    let lost = harness.frames_lost;
    let tally = harness.tally();
    assert!(lost > losses, "hardly anything was lost: {lost} frames");
    tally.assert_once();
}

/// Not a test of its own: the process that follows the log and dies where it was told to.
#[test]
fn planned_child() {
    let Ok(plan) = std::env::var(PLAN) else {
        return;
    };
    use routetop::runtime::{Clock, Pipeline, PipelineOptions, StopFlag};
    let words: Vec<&str> = plan.split(' ').collect();
    let options = WriterOptions {
        split_checkpoint: words[0] == "split",
        abort_at: Some((
            Step::ALL[words[1].parse::<usize>().unwrap()],
            words[2].parse().unwrap(),
        )),
        ..WriterOptions::default()
    };
    let clock = Clock::system();
    let writer = Writer::open_with(Path::new("t.db"), clock.now(), options).unwrap();
    let pipeline = Pipeline::start(
        writer,
        PipelineOptions {
            rules: routetop::format::Rules::default(),
            sources: vec!["log.jsonl".to_owned()],
            is_followed: true,
            ..PipelineOptions::default()
        },
        &clock,
        StopFlag::default(),
        |_| {},
    )
    .unwrap();
    pipeline.join().unwrap();
}

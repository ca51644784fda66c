//! SIGKILL at any moment: nothing lost, nothing doubled; and the same harness with the checkpoint
//! moved outside the transaction must find doubles, or it would prove nothing.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::support::{Random, pause, routetop, run_ok};

/// Set for the child process of the negative control.
const CONTROL: &str = "ROUTETOP_TEST_SPLIT_CHECKPOINT";

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

fn kill_many(kills: u64, seed: u64, start: impl Fn(&Path) -> Child) -> Tally {
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
    for _ in 0..kills {
        let mut child = start(folder.path());
        let end = Instant::now() + Duration::from_millis(1 + router.random.below(60));
        while Instant::now() < end {
            router.write();
            pause(Duration::from_millis(router.random.below(4)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    run_ok(folder.path(), ["ingest", "--db", "t.db", "log.jsonl"]);
    let db = Connection::open(folder.path().join("t.db")).unwrap();
    let ask = |sql: &str| -> u64 {
        u64::try_from(db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap()
    };
    assert_eq!(
        db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
            .unwrap(),
        "ok"
    );
    Tally {
        written: router.written,
        requests: ask("SELECT count(*) FROM request"),
        distinct: ask("SELECT count(DISTINCT id) FROM request"),
        markers: ask("SELECT count(*) FROM marker"),
        markers_written: router.markers,
        suppressed: ask("SELECT sum(duplicates) FROM generation"),
    }
}

fn start_real(folder: &Path) -> Child {
    routetop()
        .current_dir(folder)
        .args(["ingest", "--db", "t.db", "--follow", "-q", "log.jsonl"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn two_hundred_kills_lose_and_double_nothing() {
    let kills = std::env::var("ROUTETOP_TEST_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(200);
    let tally = kill_many(kills, 7, start_real);
    assert!(
        tally.written > kills,
        "the router wrote too little: {tally:?}"
    );
    let expected = Tally {
        written: tally.written,
        requests: tally.written,
        distinct: tally.written,
        markers: tally.markers_written,
        markers_written: tally.markers_written,
        suppressed: 0,
    };
    assert_eq!(tally, expected);
}

/// The same with the checkpoint in a second transaction: run by [`split_checkpoint_child`].
#[test]
fn the_harness_finds_doubles_when_the_checkpoint_stands_outside() {
    let tally = kill_many(150, 11, |folder| {
        Command::new(std::env::current_exe().unwrap())
            .current_dir(folder)
            .args(["--exact", "crash::split_checkpoint_child", "--nocapture"])
            .env(CONTROL, "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    });
    assert!(
        tally.suppressed > 0 || tally.markers > tally.markers_written,
        "no double in 150 kills: the harness has no teeth: {tally:?}"
    );
}

/// Not a test of its own: the child process of the negative control.
#[test]
fn split_checkpoint_child() {
    if std::env::var_os(CONTROL).is_none() {
        return;
    }
    use routetop::runtime::{Clock, Pipeline, PipelineOptions, StopFlag};
    use routetop::store::{Writer, WriterOptions};
    let clock = Clock::system();
    let options = WriterOptions {
        split_checkpoint: true,
    };
    let Ok(writer) = Writer::open_with(Path::new("t.db"), clock.now(), options) else {
        return;
    };
    let pipeline = Pipeline::start(
        writer,
        PipelineOptions {
            sources: vec!["log.jsonl".to_owned()],
            is_followed: true,
        },
        &clock,
        StopFlag::default(),
        |_| {},
    )
    .unwrap();
    pipeline.join().unwrap();
}

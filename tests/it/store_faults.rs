//! The fault catalogue of the store: databases that are full, moved, locked, damaged or none at all.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use routetop::config::Retention;
use routetop::format::{Parsed, Parser, Rules};
use routetop::model::{
    Advance, Batch, ByteOffset, Fingerprint, GenerationId, GenerationState, LocatedEvent, Look,
    Micros, NewGeneration, Tally, Timestamp,
};
use routetop::runtime::{Clock, Pipeline, PipelineOptions, StopFlag, WriterReport};
use routetop::stats::{Baseline, Filter, Page, Query, Span};
use routetop::store::{Prepared, Reader, StoreError, Writer, WriterOptions};
use rusqlite::Connection;
use serde_json::Value;

use crate::support::{Random, Running, pause, routetop, run, run_ok, wait_for};

const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

fn line(id: u64) -> String {
    let millis = 1_794_990_000_000 + id;
    format!(
        "{{\"event\":\"request\",\"ts\":{millis},\"request_id\":\"r-{id}\",\"route\":\"route-{}\",\"attempts\":[{{\"model\":\"small-1\",\"outcome\":\"ok\",\"latency_ms\":{},\"cost_usd\":0.001}}],\"outcome\":\"completed\",\"signals\":{{\"input_complexity\":0.{}}}}}\n",
        id % 3,
        100 + id % 900,
        id % 97
    )
}

fn lines(ids: std::ops::Range<u64>) -> String {
    ids.map(line).collect()
}

fn append(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn requests(folder: &Path) -> Option<u64> {
    let output = run(folder, ["report", "--db", "r.db", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).ok()?;
    report["totals"]["requests"].as_u64()
}

/// A writer with one generation, used without threads.
struct Bench {
    writer: Writer,
    parser: Parser,
    generation: GenerationId,
    offset: u64,
    names_sent: usize,
}

impl Bench {
    fn new(path: &Path, options: WriterOptions) -> Self {
        let mut writer = Writer::open_with(path, NOW, options).unwrap();
        let generation = writer
            .open_generation(&NewGeneration {
                source: "log".to_owned(),
                home: "log".to_owned(),
                path: "log".to_owned(),
                device: 1,
                inode: 2,
                born: 3,
                is_compressed: false,
                opened_at: NOW,
            })
            .unwrap();
        let parser = Parser::new(writer.names().unwrap(), writer.hash_key(), Rules::default());
        Self {
            writer,
            parser,
            generation,
            offset: 0,
            names_sent: 0,
        }
    }

    fn store(&mut self, ids: std::ops::Range<u64>) -> Result<(), StoreError> {
        self.store_at(ids, NOW)
    }

    fn store_at(
        &mut self,
        ids: std::ops::Range<u64>,
        read_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut events = Vec::new();
        for id in ids {
            let Parsed::Events { events: found, .. } =
                self.parser.parse(line(id).trim_end().as_bytes(), read_at)
            else {
                panic!("no event");
            };
            let offset = ByteOffset(self.offset);
            events.extend(
                found
                    .into_iter()
                    .map(|event| LocatedEvent { offset, event }),
            );
        }
        let names = self.parser.names();
        let new = names
            .after(self.names_sent)
            .map(|(name, text)| (name, text.clone()))
            .collect();
        let batch = Batch {
            advance: Advance {
                generation: self.generation,
                from: ByteOffset(self.offset),
                to: ByteOffset(self.offset + 1),
                head: Fingerprint::default(),
                tail: Fingerprint::default(),
                state: GenerationState::Open,
                renamed_to: None,
                look: Look::default(),
            },
            read_at,
            events,
            rejects: Vec::new(),
            marks: Vec::new(),
            gap: None,
            tally: Tally::default(),
            names: new,
        };
        let prepared = Prepared::new(batch, self.writer.hash_key());
        self.writer.commit(vec![prepared])?;
        self.offset += 1;
        self.names_sent = self.parser.names().len();
        Ok(())
    }
}

fn total(path: &Path) -> u64 {
    let query = Query {
        number: 1,
        now: NOW,
        span: Span::All,
        baseline: Baseline::None,
        trend_len: 0,
        drift_rows_max: 0,
        filter: Filter::default(),
        page: Page::Sources,
    };
    Reader::open(path)
        .unwrap()
        .answer(&query)
        .unwrap()
        .total
        .now
        .requests
}

/// Waits for the first line that a command says on its standard error.
fn first_error(child: &mut Running) -> String {
    let mut errors = std::io::BufReader::new(child.0.stderr.as_mut().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut errors, &mut first).unwrap();
    first
}

#[test]
fn s1_a_full_disk_loses_nothing_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let options = WriterOptions {
        pages_max: Some(100),
        ..WriterOptions::default()
    };
    let mut bench = Bench::new(&path, options);
    assert!(bench.writer.is_short_of_room());
    let mut stored = 0;
    let error = loop {
        match bench.store(stored..stored + 1_000) {
            Ok(()) => stored += 1_000,
            Err(error) => break error,
        }
    };
    assert!(error.is_want_of_room(), "{error}");
    assert!(stored >= 1_000);
    assert_eq!(total(&path), stored, "what was stored is readable");
    bench.writer.set_pages_max(10_000).unwrap();
    bench.store(stored..stored + 1_000).unwrap();
    assert_eq!(total(&path), stored + 1_000);
}

#[test]
fn s1_ingest_waits_for_room_and_goes_on_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    fs::write(folder.path().join("log.jsonl"), lines(0..20_000)).unwrap();
    let options = WriterOptions {
        pages_max: Some(60),
        ..WriterOptions::default()
    };
    let writer = Writer::open_with(&path, NOW, options).unwrap();
    let (sender, notes) = std::sync::mpsc::channel();
    let report = move |report: WriterReport| match report {
        WriterReport::Noted(text) => drop(sender.send(text)),
        WriterReport::Failed(error) => panic!("{error}"),
        WriterReport::Committed(_) => {}
    };
    let options = PipelineOptions {
        sources: vec![folder.path().join("log.jsonl").to_str().unwrap().to_owned()],
        is_followed: true,
        ..PipelineOptions::default()
    };
    let clock = Clock::new(Some(NOW));
    let pipeline = Pipeline::start(writer, options, &clock, StopFlag::default(), report).unwrap();
    let note = notes.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(
        note.contains("no space left") && note.contains("free some space"),
        "{note}"
    );
    let before = total(&path);
    assert!(before < 20_000);
    // The limit is one of this connection; an unlimited one shows that what was stored is sound.
    assert_eq!(
        Reader::open(&path)
            .unwrap()
            .verify(|_, _| ())
            .unwrap()
            .findings,
        []
    );
    pipeline.stop();
    let _ = pipeline.join();
    let writer = Writer::open(&path, NOW).unwrap();
    let options = PipelineOptions {
        sources: vec![folder.path().join("log.jsonl").to_str().unwrap().to_owned()],
        ..PipelineOptions::default()
    };
    let pipeline = Pipeline::start(writer, options, &clock, StopFlag::default(), |_| ()).unwrap();
    pipeline.join().unwrap();
    assert_eq!(total(&path), 20_000);
}

#[test]
fn s2_a_limit_on_file_sizes_is_an_error_and_kills_nobody() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.jsonl"), lines(0..40_000)).unwrap();
    let program = env!("CARGO_BIN_EXE_routetop");
    let script = format!("ulimit -f 2000; exec {program} ingest --db r.db log.jsonl");
    let child = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let first = first_error(&mut child);
    assert!(
        first.contains("ingest waits") && first.contains("ulimit"),
        "{first}"
    );
    assert!(child.0.try_wait().unwrap().is_none(), "it waits");
    let pid = rustix::process::Pid::from_child(&child.0);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = child.0.wait().unwrap();
    assert!(matches!(status.code(), Some(130 | 3)), "{status}");
    let text = run_ok(folder.path(), ["db", "verify", "--db", "r.db"]);
    assert!(text.contains("all sound"), "{text}");
    run_ok(folder.path(), ["ingest", "-q", "--db", "r.db", "log.jsonl"]);
    assert_eq!(requests(folder.path()), Some(40_000));
}

/// Follows a log into `r.db`, harms the database, and returns what the program said before it ended.
fn harmed(harm: impl FnOnce(&Path)) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    append(&log, &lines(0..100));
    fs::create_dir(folder.path().join("data")).unwrap();
    let child = routetop()
        .current_dir(folder.path())
        .args(["ingest", "--db", "data/r.db", "--follow", "log.jsonl"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let database = folder.path().join("data/r.db");
    wait_for("the first lines", 20, || {
        database.exists() && Reader::open(&database).is_ok() && total(&database) == 100
    });
    let start = Instant::now();
    harm(&folder.path().join("data"));
    append(&log, &lines(100..200));
    let mut errors = String::new();
    std::io::Read::read_to_string(&mut child.0.stderr.take().unwrap(), &mut errors).unwrap();
    assert!(start.elapsed() < Duration::from_secs(8), "noticed in time");
    assert_eq!(child.0.wait().unwrap().code(), Some(3), "{errors}");
    (folder, errors)
}

#[test]
fn s5_a_database_that_is_deleted_stops_ingest_and_is_made_anew() {
    let (folder, errors) = harmed(|data| {
        for file in fs::read_dir(data).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    });
    assert!(
        errors.contains("is gone") && errors.contains("read from their start"),
        "{errors}"
    );
    run_ok(folder.path(), ["ingest", "-q", "--db", "r.db", "log.jsonl"]);
    assert_eq!(requests(folder.path()), Some(200));
}

#[test]
fn s6_a_database_that_is_replaced_is_not_written_to() {
    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("other.db");
    let mut bench = Bench::new(&path, WriterOptions::default());
    bench.store(5_000..5_007).unwrap();
    bench.writer.close().unwrap();
    let before = fs::read(&path).unwrap();
    let (folder, errors) = harmed(|data| fs::rename(&path, data.join("r.db")).unwrap());
    assert!(errors.contains("is gone, or another file now"), "{errors}");
    assert_eq!(fs::read(folder.path().join("data/r.db")).unwrap(), before);
}

#[test]
fn s7_a_log_that_is_deleted_alone_stops_ingest() {
    let (_folder, errors) = harmed(|data| fs::remove_file(data.join("r.db-wal")).unwrap());
    assert!(errors.contains("r.db-wal` is gone"), "{errors}");
}

#[test]
fn s8_a_folder_that_is_renamed_stops_ingest() {
    let (folder, errors) =
        harmed(|data| fs::rename(data, data.with_file_name("elsewhere")).unwrap());
    assert!(errors.contains("is gone"), "{errors}");
    assert_eq!(total(&folder.path().join("elsewhere/r.db")), 100);
}

#[test]
fn s12_a_lock_of_another_program_is_waited_for_and_viewers_read_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    append(&log, &lines(0..100));
    run_ok(folder.path(), ["ingest", "-q", "--db", "r.db", "log.jsonl"]);
    let other = Connection::open(folder.path().join("r.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    append(&log, &lines(100..200));
    let child = routetop()
        .current_dir(folder.path())
        .args(["ingest", "--db", "r.db", "log.jsonl"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let first = first_error(&mut child);
    assert!(
        first.contains("ingest waits") && first.contains("busy"),
        "{first}"
    );
    assert_eq!(requests(folder.path()), Some(100));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(child.0.wait().unwrap().success());
    assert_eq!(requests(folder.path()), Some(200));
}

#[test]
fn s13_a_writer_that_is_stopped_in_mid_transaction_leaves_viewers_reading() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    append(&log, &lines(0..60_000));
    let child = routetop()
        .current_dir(folder.path())
        .args(["ingest", "-q", "--db", "r.db", "log.jsonl"])
        .spawn()
        .unwrap();
    let mut child = Running(child);
    wait_for("some lines", 20, || {
        requests(folder.path()).is_some_and(|found| found > 0)
    });
    let pid = rustix::process::Pid::from_child(&child.0);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let seen = requests(folder.path()).unwrap();
    assert_eq!(requests(folder.path()), Some(seen));
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    assert!(child.0.wait().unwrap().success());
    assert_eq!(requests(folder.path()), Some(60_000));
}

fn sources_of_the_store() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
                found.push((path.display().to_string(), code));
            }
        }
    }
    found
}

#[test]
fn s14_every_transaction_that_writes_begins_immediate() {
    let mut begins = 0;
    for (path, code) in sources_of_the_store() {
        assert!(
            !code.contains(".transaction()"),
            "{path}: a deferred transaction"
        );
        assert!(!code.contains("unchecked_transaction"), "{path}");
        for part in code.split("\"BEGIN").skip(1) {
            begins += 1;
            let is_reader = path.contains("/reader/");
            assert!(
                part.starts_with(" IMMEDIATE") || (is_reader && part.starts_with('"')),
                "{path}: BEGIN{}",
                &part[..10]
            );
        }
    }
    assert!(begins >= 5);
}

#[test]
fn s15_viewers_see_no_busy_database_and_requests_never_become_fewer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let mut bench = Bench::new(&path, WriterOptions::default());
    bench.store(0..10).unwrap();
    let end = Instant::now() + Duration::from_secs(4);
    let mut slowest = Duration::ZERO;
    std::thread::scope(|scope| {
        let viewers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = 0;
                    while Instant::now() < end {
                        let now = total(&path);
                        assert!(now >= seen, "{now} after {seen}");
                        seen = now;
                        pause(Duration::from_millis(100));
                    }
                    seen
                })
            })
            .collect();
        let mut id = 10;
        while Instant::now() < end {
            let start = Instant::now();
            bench.store(id..id + 360).unwrap();
            slowest = slowest.max(start.elapsed());
            bench.writer.checkpoint_if_due(false).unwrap();
            id += 360;
            pause(Duration::from_millis(100));
        }
        for viewer in viewers {
            assert!(viewer.join().unwrap() > 1_000);
        }
    });
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(fs::metadata(folder.path().join("r.db-wal")).unwrap().len() <= 64 << 20);
}

#[test]
fn s18_damage_that_shows_is_found_and_nothing_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let mut bench = Bench::new(&path, WriterOptions::default());
    for part in 0..6 {
        bench.store(part * 500..part * 500 + 500).unwrap();
    }
    bench.writer.close().unwrap();
    let sound = fs::read(&path).unwrap();
    let truth = requests_of(&path).unwrap();
    let seeds = std::env::var("ROUTETOP_TEST_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(120);
    let (mut shown, mut harmless) = (0, 0);
    for seed in 0..seeds {
        let mut random = Random(seed);
        let mut bytes = sound.clone();
        if seed % 10 == 0 {
            let page = place(&mut random, bytes.len() / 16_384) * 16_384;
            bytes[page..page + 16_384].fill(0);
        } else {
            let at = place(&mut random, bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let damaged = folder.path().join(format!("d{seed}.db"));
        fs::write(&damaged, bytes).unwrap();
        let is_found = match Reader::open(&damaged) {
            Err(_) => true,
            Ok(mut reader) => reader
                .verify(|_, _| ())
                .map_or(true, |found| !found.findings.is_empty()),
        };
        let is_same = requests_of(&damaged).is_some_and(|found| found == truth);
        assert!(
            is_found || is_same,
            "seed {seed}: a request reads otherwise, and the check is silent"
        );
        shown += u32::from(!is_same);
        harmless += u32::from(is_same);
        fs::remove_file(&damaged).unwrap();
    }
    assert!(shown > 5 && harmless > 5, "{shown} {harmless}");
}

fn place(random: &mut Random, len: usize) -> usize {
    usize::try_from(random.below(len as u64)).unwrap()
}

/// Every column of every request, as far as it can be read.
fn requests_of(path: &Path) -> Option<Vec<String>> {
    let database = Connection::open(path).ok()?;
    let mut select = database
        .prepare("SELECT * FROM request ORDER BY row")
        .ok()?;
    let columns = select.column_count();
    let mut rows = select.query([]).ok()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().ok()? {
        let mut text = String::new();
        for column in 0..columns {
            text.push_str(&format!("{:?} ", row.get_ref(column).ok()?));
        }
        found.push(text);
    }
    Some(found)
}

#[test]
fn s19_s20_what_is_no_database_of_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(folder.path().join("other.db")).unwrap();
    other
        .execute_batch("PRAGMA application_id=7; CREATE TABLE t(x)")
        .unwrap();
    drop(other);
    fs::write(folder.path().join("empty.db"), "").unwrap();
    fs::write(
        folder.path().join("text.db"),
        "a text file that is no database at all\n".repeat(50),
    )
    .unwrap();
    fs::write(folder.path().join("log.jsonl"), lines(0..3)).unwrap();
    for (file, words) in [
        ("other.db", "another program"),
        ("empty.db", "an empty file"),
        ("text.db", "not an SQLite database"),
    ] {
        let before = fs::read(folder.path().join(file)).unwrap();
        for command in [
            &["ingest", "log.jsonl"][..],
            &["report"],
            &["export"],
            &["db", "info"],
            &["db", "verify"],
            &["db", "rebuild"],
            &["db", "prune", "--older-than", "1d"],
            &["db", "backup", "copy.db"],
        ] {
            let output = run(folder.path(), [command, &["--db", file]].concat());
            let errors = String::from_utf8(output.stderr).unwrap();
            assert_eq!(
                output.status.code(),
                Some(3),
                "{command:?} {file}: {errors}"
            );
            assert!(errors.contains(words), "{command:?} {file}: {errors}");
        }
        assert_eq!(fs::read(folder.path().join(file)).unwrap(), before);
        assert!(!folder.path().join("copy.db").exists());
    }
}

#[test]
fn s22_a_newer_schema_is_refused_and_both_versions_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.jsonl"), lines(0..3)).unwrap();
    run_ok(folder.path(), ["ingest", "-q", "--db", "r.db", "log.jsonl"]);
    let database = Connection::open(folder.path().join("r.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    for command in [&["ingest", "log.jsonl"][..], &["report"], &["db", "verify"]] {
        let output = run(folder.path(), [command, &["--db", "r.db"]].concat());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert!(errors.contains("schema 99 is newer than 1"), "{errors}");
    }
}

#[test]
fn s25_a_torn_log_loses_its_tail_and_the_lines_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let log = folder.path().join("log.jsonl");
    append(&log, &lines(0..5_000));
    for seed in 0..8 {
        for name in ["r.db", "r.db-wal", "r.db-shm"] {
            let _ = fs::remove_file(folder.path().join(name));
        }
        let child = routetop()
            .current_dir(folder.path())
            .args(["ingest", "-q", "--db", "r.db", "--follow", "log.jsonl"])
            .spawn()
            .unwrap();
        let mut child = Running(child);
        wait_for("all lines", 20, || {
            path.exists() && requests(folder.path()) == Some(5_000)
        });
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        let wal = fs::OpenOptions::new()
            .write(true)
            .open(folder.path().join("r.db-wal"))
            .unwrap();
        let len = wal.metadata().unwrap().len();
        wal.set_len(Random(seed).below(len + 1)).unwrap();
        let _ = fs::remove_file(folder.path().join("r.db-shm"));
        run_ok(folder.path(), ["ingest", "-q", "--db", "r.db", "log.jsonl"]);
        assert_eq!(requests(folder.path()), Some(5_000), "seed {seed}");
        let text = run_ok(folder.path(), ["db", "verify", "--db", "r.db"]);
        assert!(text.contains("all sound"), "{text}");
    }
}

#[test]
fn s30_a_backup_of_a_database_that_is_written_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    append(&log, &lines(0..2_000));
    let child = routetop()
        .current_dir(folder.path())
        .args(["ingest", "-q", "--db", "r.db", "--follow", "log.jsonl"])
        .spawn()
        .unwrap();
    let _child = Running(child);
    wait_for("some lines", 20, || {
        requests(folder.path()).is_some_and(|found| found > 0)
    });
    let mut seen = 0;
    for copy in 0..20 {
        append(&log, &lines(2_000 + copy * 300..2_300 + copy * 300));
        let name = format!("copy-{copy}.db");
        run_ok(folder.path(), ["db", "backup", "-q", "--db", "r.db", &name]);
        let path = folder.path().join(&name);
        let found = total(&path);
        assert!(found >= seen, "a later state");
        seen = found;
        // A prefix of the stream: as many requests as the newest of them says.
        let newest: i64 = Connection::open(&path)
            .unwrap()
            .query_row("SELECT max(ts) FROM request", [], |row| row.get(0))
            .unwrap();
        assert_eq!(
            newest / 1_000 - 1_794_990_000_000 + 1,
            i64::try_from(found).unwrap()
        );
        assert_eq!(
            Reader::open(&path)
                .unwrap()
                .verify(|_, _| ())
                .unwrap()
                .findings,
            []
        );
    }
    let output = run(folder.path(), ["db", "backup", "--db", "r.db", "copy-1.db"]);
    assert_eq!(output.status.code(), Some(3), "no file is written over");
    // It can be written on.
    run_ok(
        folder.path(),
        ["ingest", "-q", "--db", "copy-3.db", "log.jsonl"],
    );
    assert_eq!(total(&folder.path().join("copy-3.db")), 8_000);
}

#[test]
fn s31_the_database_is_opened_by_sqlite_only() {
    for (path, code) in sources_of_the_store() {
        for word in ["File::open", "fs::copy", "fs::read(", "OpenOptions"] {
            // The lock is a file of its own beside the database.
            assert!(
                !code.contains(word) || path.ends_with("lock.rs"),
                "{path}: {word}"
            );
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn s32_no_child_inherits_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let mut bench = Bench::new(&path, WriterOptions::default());
    bench.store(0..10).unwrap();
    let output = Command::new("ls")
        .args(["-l", "/proc/self/fd"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("r.db"), "{text}");
}

#[test]
fn l10_numbers_that_end_are_refused_and_not_wrapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let mut bench = Bench::new(&path, WriterOptions::default());
    bench.store(0..10).unwrap();
    bench.writer.close().unwrap();
    let last = (1_i64 << 39) - 6;
    let database = Connection::open(&path).unwrap();
    database
        .execute("UPDATE request SET row=?1 WHERE row=10", [last])
        .unwrap();
    drop(database);
    let mut bench = Bench::new(&path, WriterOptions::default());
    bench.store(100..103).unwrap();
    let error = bench.store(200..210).unwrap_err();
    assert!(matches!(error, StoreError::OutOfNumbers), "{error}");
    assert!(include_str!("../../Cargo.toml").contains("overflow-checks = true"));
    let text = run_ok(folder.path(), ["export", "--db", "r.db"]);
    assert!(text.contains("\"r-102\"") && !text.contains("\"r-200\""));
}

#[test]
fn l7_viewers_that_come_and_go_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let mut bench = Bench::new(&path, WriterOptions::default());
    bench.store(0..100).unwrap();
    let files = || {
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let handles = || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    total(&path);
    let before = files();
    let starts = std::env::var("ROUTETOP_TEST_STARTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(300);
    let open = handles();
    for _ in 0..starts {
        assert_eq!(total(&path), 100);
    }
    // Other tests of this process open files too; a leak would be as many as there were viewers.
    assert!(handles() < open + starts / 2, "{} of {open}", handles());
    assert_eq!(files(), before);
    bench.store(100..200).unwrap();
    assert_eq!(total(&path), 200);
}

/// The middle one of some spans.
fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort();
    spans[spans.len() / 2]
}

#[test]
fn s28_many_requests_go_in_short_steps_and_the_file_shrinks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let mut bench = Bench::new(&path, WriterOptions::default());
    for part in 0..60 {
        bench.store(part * 1_000..part * 1_000 + 1_000).unwrap();
    }
    bench.writer.checkpoint_if_due(true).unwrap();
    let before = fs::metadata(&path).unwrap().len();
    let retention = Retention {
        requests: Some(Duration::from_secs(86_400)),
        ..Retention::default()
    };
    let now = NOW.plus(Micros::DAY.times(3));
    let (mut steps, mut gone) = (Vec::new(), 0);
    loop {
        let start = Instant::now();
        let step = bench.writer.prune_step(&retention, now).unwrap();
        steps.push(start.elapsed());
        gone += step.requests;
        if step.is_nothing() {
            break;
        }
        assert_eq!(total(&path), 60_000, "their sums stay, at every step");
    }
    assert_eq!(gone, 60_000);
    assert!(steps.len() > 15, "in small steps");
    let usual = median(steps);
    assert!(usual < Duration::from_millis(50), "{usual:?}");
    bench.writer.checkpoint_if_due(true).unwrap();
    let after = fs::metadata(&path).unwrap().len();
    assert!(after * 5 < before * 2, "{after} of {before}");
    let facts = Reader::open(&path).unwrap().facts().unwrap();
    assert_eq!(facts.free, 0, "everything free was given back");
}

#[test]
fn l1_days_of_traffic_with_retention_keep_the_file_and_its_log_as_large_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.db");
    let mut bench = Bench::new(&path, WriterOptions::default());
    let retention = Retention {
        requests: Some(Duration::from_secs(6 * 3_600)),
        minutes: Some(Duration::from_secs(12 * 3_600)),
        ..Retention::default()
    };
    let mut sizes = Vec::new();
    let mut id = 0;
    for day in 0..4_u64 {
        for step in 0..144_u64 {
            // Ten minutes of a day with a quiet night.
            let count = if step < 48 { 20 } else { 100 };
            let now = Timestamp(1_794_990_000_000_000)
                .plus(Micros::MINUTE.times((day * 144 + step) * 10));
            let first = (day * 144 + step) * 600_000;
            bench.store_at(first..first + count, now).unwrap();
            id += count;
            for _ in 0..4 {
                if bench
                    .writer
                    .prune_step(&retention, now)
                    .unwrap()
                    .is_nothing()
                {
                    break;
                }
            }
            bench.writer.checkpoint_if_due(step % 6 == 0).unwrap();
        }
        bench.writer.checkpoint_if_due(true).unwrap();
        sizes.push(fs::metadata(&path).unwrap().len());
    }
    assert_eq!(total(&path), id, "sums live on");
    assert!(sizes[3] * 10 <= sizes[1] * 11, "{sizes:?}");
    assert!(fs::metadata(folder.path().join("r.db-wal")).unwrap().len() <= 64 << 20);
    bench.writer.close().unwrap();
    assert_eq!(
        Reader::open(&path)
            .unwrap()
            .verify(|_, _| ())
            .unwrap()
            .findings,
        []
    );
}

#[test]
#[cfg(target_os = "linux")]
fn l8_rotations_leave_no_descriptors_and_threads_behind() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    append(&log, &lines(0..10));
    let child = routetop()
        .current_dir(folder.path())
        .args(["ingest", "-q", "--db", "r.db", "--follow", "log.jsonl"])
        .spawn()
        .unwrap();
    let child = Running(child);
    let path = folder.path().join("r.db");
    let count = |what: &str| {
        fs::read_dir(format!("/proc/{}/{what}", child.0.id()))
            .unwrap()
            .count()
    };
    let rotations = std::env::var("ROUTETOP_TEST_ROTATIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(40);
    let rotate = |n: u64| {
        wait_for("the lines before", 30, || {
            path.exists() && Reader::open(&path).is_ok() && total(&path) == (n + 1) * 10
        });
        fs::rename(&log, folder.path().join(format!("log.jsonl.{}", n % 3 + 1))).unwrap();
        append(&log, &lines((n + 1) * 10..(n + 2) * 10));
    };
    (0..10).for_each(rotate);
    wait_for("the tenth", 30, || total(&path) == 110);
    let (files, threads) = (count("fd"), count("task"));
    (10..rotations).for_each(rotate);
    wait_for("the last", 30, || total(&path) == (rotations + 1) * 10);
    // A file that was rotated away stays open until it was quiet for some seconds.
    wait_for("closed files", 30, || count("fd") <= files);
    assert_eq!(count("task"), threads);
}

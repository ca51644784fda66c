//! Faults of sources on this machine: compressed and damaged files, documents, pipes, odd paths, floods.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use routetop::ingest::{
    IngestOptions, LineParser, ParsedLine, Progress, Sink, SinkError, SourceSpec, StopFlag,
};
use routetop::model::{
    Batch, ByteOffset, Generation, GenerationId, LineMarks, Name, Names, NewGeneration, Timestamp,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::pty::{Session, assert_restored};
use crate::support::{Running, pause, routetop, run, run_ok, shared_samples, wait_for};

/// A whole request as a native line.
fn request(n: u64) -> Value {
    json!({
        "event": "request", "ts": 1_795_000_000_000_u64 + n * 10, "request_id": format!("r-{n}"),
        "route": "support", "outcome": "completed",
        "attempts": [{"model": "small-1", "outcome": "ok", "latency_ms": 100 + n % 900}],
    })
}

/// Asks the database for a number.
fn ask(folder: &Path, sql: &str) -> i64 {
    let db = Connection::open(folder.join("t.db")).unwrap();
    db.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))
        .unwrap()
        .unwrap_or(0)
}

fn requests(folder: &Path) -> i64 {
    ask(folder, "SELECT count(*) FROM request")
}

fn ingest(folder: &Path, sources: &[&str]) {
    run_ok(
        folder,
        ["ingest", "-q", "--db", "t.db"]
            .into_iter()
            .chain(sources.iter().copied()),
    );
}

fn pretty(records: &[Value]) -> String {
    serde_json::to_string_pretty(records).unwrap() + "\n"
}

/// Requests as lines.
fn lines(from: u64, to: u64) -> String {
    let lines: Vec<String> = (from..to).map(|n| request(n).to_string()).collect();
    lines.join("\n") + "\n"
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With a checksum, as the `zstd` command writes.
fn zst(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Follows sources until it is killed.
fn follow(folder: &Path, sources: &[&str]) -> Running {
    let child = routetop()
        .current_dir(folder)
        .args(["ingest", "-q", "--db", "t.db", "--follow"])
        .args(sources)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Running(child)
}

/// Waits until the database holds so many requests.
fn await_requests(folder: &Path, count: i64) {
    wait_for(&format!("{count} requests"), 30, || {
        folder.join("t.db").exists() && requests(folder) == count
    });
}

#[test]
fn documents_are_read_as_a_line_for_each_record() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let records: Vec<Value> = (0..40).map(request).collect();
    fs::write(at("array.json"), pretty(&records[..20])).unwrap();
    fs::write(
        at("compact.json"),
        serde_json::to_string(&records[20..30]).unwrap(),
    )
    .unwrap();
    fs::write(
        at("object.json"),
        serde_json::to_string_pretty(&records[30]).unwrap(),
    )
    .unwrap();
    fs::write(
        at("packed.json.zst"),
        zstd::encode_all(pretty(&records[31..]).as_bytes(), 3).unwrap(),
    )
    .unwrap();
    ingest(
        folder.path(),
        &[
            "array.json",
            "compact.json",
            "object.json",
            "packed.json.zst",
        ],
    );
    assert_eq!(requests(folder.path()), 40);
    assert_eq!(ask(folder.path(), "SELECT sum(lines) FROM generation"), 40);
    assert_eq!(
        ask(
            folder.path(),
            "SELECT sum(quarantined) + sum(noise) FROM generation"
        ),
        0
    );
    // Every record can be found again in its file.
    for name in ["array.json", "compact.json"] {
        let text = fs::read_to_string(at(name)).unwrap();
        let sql = format!("SELECT offset FROM generation WHERE path = '{name}'");
        assert_eq!(ask(folder.path(), &sql), i64::try_from(text.len()).unwrap());
    }
    ingest(
        folder.path(),
        &[
            "array.json",
            "compact.json",
            "object.json",
            "packed.json.zst",
        ],
    );
    assert_eq!(
        ask(folder.path(), "SELECT sum(duplicates) FROM generation"),
        0,
        "nothing is read twice"
    );
}

#[test]
fn a_document_that_changes_is_a_new_generation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.json");
    let records: Vec<Value> = (0..30).map(request).collect();
    fs::write(&path, pretty(&records[..20])).unwrap();
    ingest(folder.path(), &["export.json"]);
    // An exporter writes the whole array again, and a run looks in while it writes.
    let text = pretty(&records);
    fs::write(&path, &text[..text.len() - 40]).unwrap();
    ingest(folder.path(), &["export.json"]);
    assert_eq!(requests(folder.path()), 20, "half a document is not read");
    fs::write(&path, &text).unwrap();
    ingest(folder.path(), &["export.json"]);
    assert_eq!(requests(folder.path()), 30);
    assert_eq!(
        ask(folder.path(), "SELECT sum(duplicates) FROM generation"),
        20
    );
    assert_eq!(
        ask(
            folder.path(),
            "SELECT sum(quarantined) + sum(noise) FROM generation"
        ),
        0
    );
}

#[test]
fn a_document_that_is_too_long_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = fs::File::create(folder.path().join("big.json")).unwrap();
    file.write_all(b"[\n").unwrap();
    let record = format!("  {{\"pad\": \"{}\"}},\n", "x".repeat(1_000));
    for _ in 0..25_000 {
        file.write_all(record.as_bytes()).unwrap();
    }
    file.write_all(b"  {}\n]\n").unwrap();
    for _ in 0..2 {
        ingest(folder.path(), &["big.json"]);
        assert_eq!(
            ask(
                folder.path(),
                "SELECT count(*) FROM quarantine WHERE reason = 'too-long'"
            ),
            1
        );
        assert_eq!(ask(folder.path(), "SELECT sum(lines) FROM generation"), 1);
    }
}

#[test]
fn shared_documents_arrive_as_one_line_each() {
    let Some(samples) = shared_samples() else {
        return;
    };
    for folder in ["langfuse", "envoy-ai-gateway"] {
        for entry in fs::read_dir(samples.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let here = tempfile::tempdir().unwrap();
            ingest(here.path(), &[path.to_str().unwrap()]);
            let counts = "SELECT sum(lines) * 100 + sum(noise) + sum(blank) FROM generation";
            assert_eq!(ask(here.path(), counts), 100, "{}", path.display());
        }
    }
}

#[test]
fn d6_compressed_bytes_under_a_plain_name_are_read_and_other_encodings_are_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let text = lines(0, 500);
    let wide = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let utf32: Vec<u8> = text
        .chars()
        .flat_map(|c| u32::from(c).to_be_bytes())
        .collect();
    for (name, bytes, requests_found, rows) in [
        ("gz.jsonl", gz(text.as_bytes()), 500, 0),
        ("zst.jsonl", zst(text.as_bytes()), 500, 0),
        ("plain.jsonl.gz", text.clone().into_bytes(), 500, 0),
        ("utf16le.jsonl", wide(u16::to_le_bytes), 0, 1),
        ("utf16be.jsonl", wide(u16::to_be_bytes), 0, 1),
        (
            "marked.jsonl",
            [&b"\xff\xfe"[..], &wide(u16::to_le_bytes)].concat(),
            0,
            1,
        ),
        (
            "utf32be.jsonl",
            [&b"\0\0\xfe\xff"[..], &utf32].concat(),
            0,
            1,
        ),
    ] {
        let here = tempfile::tempdir_in(folder.path()).unwrap();
        fs::write(here.path().join(name), bytes).unwrap();
        for _ in 0..2 {
            ingest(here.path(), &[name]);
            assert_eq!(requests(here.path()), requests_found, "{name}");
            assert_eq!(
                ask(here.path(), "SELECT count(*) FROM quarantine"),
                rows,
                "{name}"
            );
            assert_eq!(
                ask(here.path(), "SELECT sum(duplicates) FROM generation"),
                0,
                "{name}"
            );
        }
    }
}

#[test]
fn i21_zstd_after_rotation_goes_on_at_the_decompressed_offset() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("r.jsonl"), lines(0, 300)).unwrap();
    ingest(folder.path(), &["r.jsonl"]);
    fs::write(at("r.jsonl.1.zst"), zst(lines(0, 400).as_bytes())).unwrap();
    fs::write(at("r.jsonl"), lines(400, 500)).unwrap();
    ingest(folder.path(), &["r.jsonl"]);
    assert_eq!(requests(folder.path()), 500);
    assert_eq!(
        ask(folder.path(), "SELECT sum(duplicates) FROM generation"),
        0
    );
}

#[test]
fn i22_a_damaged_archive_gives_every_line_before_the_damage() {
    let text = lines(0, 20_000);
    for (name, whole) in [
        ("a.jsonl.gz", gz(text.as_bytes())),
        ("a.jsonl.zst", zst(text.as_bytes())),
    ] {
        let middle = whole.len() / 2;
        let mut flipped = whole.clone();
        flipped[middle] ^= 0x55;
        flipped[middle + 1] ^= 0xaa;
        for (what, bytes) in [("cut", &whole[..middle]), ("flipped", &flipped[..])] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), bytes).unwrap();
            let output = run(folder.path(), ["ingest", "--db", "t.db", name]);
            assert!(output.status.success());
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("1 files are damaged"), "{said}");
            let found = requests(folder.path());
            assert!(found < 20_000, "{name} {what}: {found}");
            // What stood before the damage is all there; a gzip decoder may go on for a while before it
            // notices that it unpacks nonsense.
            let intact = "SELECT count(*) FROM request WHERE ts < 1795000030000000";
            assert!(ask(folder.path(), intact) >= 3_000, "{name} {what}");
            let sql = "SELECT count(*) FROM generation WHERE state = 5 AND offset > 0";
            assert_eq!(ask(folder.path(), sql), 1, "{name} {what}");
        }
    }
}

#[test]
fn i22_the_dashboard_says_where_an_archive_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let whole = gz(lines(0, 5_000).as_bytes());
    fs::write(folder.path().join("a.jsonl.gz"), &whole[..whole.len() / 2]).unwrap();
    let session = Session::dashboard(folder.path(), &["--db", "t.db", "a.jsonl.gz"], (120, 24));
    session.sees("a.jsonl.gz: damaged at byte ");
    session.signal("-TERM");
    assert_restored(&session.end(5).1);
}

#[test]
fn i24_odd_paths_are_refused_and_never_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    symlink(at("b"), at("a")).unwrap();
    symlink(at("a"), at("b")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    make_fifo(&at("pipe.jsonl"));
    fs::create_dir(at("logs")).unwrap();
    fs::write(at("logs/r.jsonl"), lines(0, 10)).unwrap();
    make_fifo(&at("logs/pipe.jsonl"));
    for (source, words) in [
        ("a", &["`a`", "symbolic links"][..]),
        ("socket", &["`socket`", "a socket"]),
        ("/dev/zero", &["`/dev/zero`", "a device"]),
    ] {
        let output = run(folder.path(), ["ingest", "--db", "t.db", source]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
    // A folder is its files, of which a pipe is none: only one that is named is waited for.
    ingest(folder.path(), &["logs"]);
    assert_eq!(requests(folder.path()), 10);
    let writer = std::thread::spawn({
        let path = at("pipe.jsonl");
        move || fs::write(path, lines(10, 20)).unwrap()
    });
    ingest(folder.path(), &["pipe.jsonl"]);
    writer.join().unwrap();
    assert_eq!(requests(folder.path()), 20);
}

fn make_fifo(path: &Path) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o666),
        0,
    )
    .unwrap();
}

#[test]
fn i24_a_source_that_becomes_a_device_does_not_end_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.jsonl"), lines(0, 10)).unwrap();
    fs::write(at("b.jsonl"), lines(10, 20)).unwrap();
    let _child = follow(folder.path(), &["a.jsonl", "b.jsonl"]);
    await_requests(folder.path(), 20);
    fs::remove_file(at("a.jsonl")).unwrap();
    symlink("/dev/null", at("a.jsonl")).unwrap();
    // Two lines, a pass apart, so that one comes after the change was seen.
    for n in 20..24 {
        let mut file = fs::File::options()
            .append(true)
            .open(at("b.jsonl"))
            .unwrap();
        file.write_all(lines(n, n + 1).as_bytes()).unwrap();
        await_requests(folder.path(), i64::try_from(n + 1).unwrap());
    }
}

#[test]
fn i25_an_unreadable_file_is_said_and_read_once_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let path = folder.path().join("r.jsonl");
    fs::write(&path, lines(0, 10)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let binary = env!("CARGO_BIN_EXE_routetop");
    let mut args = vec!["--db", "t.db", "r.jsonl"];
    // Root may read everything, so that the case only exists for others.
    let program = if rustix::process::getuid().is_root() {
        args.splice(
            0..0,
            ["--reuid=65534", "--regid=65534", "--clear-groups", binary],
        );
        "setpriv"
    } else {
        binary
    };
    let session = Session::start(folder.path(), program, &args, (100, 24), &[]);
    session.sees("r.jsonl: permission denied");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    await_requests(folder.path(), 10);
    session.sees("support");
    session.signal("-TERM");
    assert_restored(&session.end(5).1);
}

/// The peak of the memory that a process has held, in MiB.
fn peak_mib(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

/// Gigabytes that one run takes in; more on demand.
fn big_gib() -> u64 {
    let given = std::env::var("ROUTETOP_TEST_BIG_GIB").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn i30_a_long_line_and_bombs_take_no_memory() {
    const PIECE: usize = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| fs::File::create(folder.path().join(name)).unwrap();
    // Every kind of byte that a line, a hole or a document could begin with.
    let mut long = at("long.jsonl");
    for start in ["{\"a\":\"", "x", "[{", "[\n{\"a\":\""] {
        long.write_all(start.as_bytes()).unwrap();
        for _ in 0..100 {
            long.write_all(&vec![b'x'; PIECE]).unwrap();
        }
        long.write_all(b"\n").unwrap();
    }
    long.write_all(lines(0, 1).as_bytes()).unwrap();
    let bomb = |writer: &mut dyn Write, byte: u8| {
        for _ in 0..big_gib() * 1024 {
            writer.write_all(&vec![byte; PIECE]).unwrap();
        }
    };
    let mut packed =
        flate2::write::GzEncoder::new(at("bomb.jsonl.gz"), flate2::Compression::fast());
    bomb(&mut packed, 0);
    packed.write_all(lines(1, 2).as_bytes()).unwrap();
    packed.finish().unwrap();
    let mut packed = zstd::stream::write::Encoder::new(at("bomb.jsonl.zst"), 1).unwrap();
    bomb(&mut packed, b'[');
    packed.write_all(b"\n").unwrap();
    packed.write_all(lines(2, 3).as_bytes()).unwrap();
    packed.finish().unwrap();
    let child = follow(
        folder.path(),
        &["long.jsonl", "bomb.jsonl.gz", "bomb.jsonl.zst"],
    );
    wait_for("the end of all three", 120, || {
        folder.path().join("t.db").exists() && requests(folder.path()) == 3
    });
    let peak = peak_mib(&child.0);
    drop(child);
    assert!(peak <= 150, "{peak} MiB");
    let sql = "SELECT count(*) FROM quarantine WHERE reason IN ('too-long', 'nul-hole') AND len > 90000000";
    assert_eq!(ask(folder.path(), sql), 6);
}

#[test]
fn i31_many_files_take_few_descriptors() {
    let count = std::env::var("ROUTETOP_TEST_FILES").ok();
    let count: u64 = count.and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let folder = tempfile::tempdir().unwrap();
    let write = |from: u64, to: u64| {
        for n in from..to {
            fs::write(
                folder.path().join(format!("r-{n}.jsonl")),
                lines(n * 2, n * 2 + 2),
            )
            .unwrap();
        }
    };
    write(0, count / 2);
    // With 64 descriptors for everything, the database included.
    let script = format!(
        "ulimit -n 64; exec {} ingest -q --db t.db --follow 'r-*.jsonl'",
        env!("CARGO_BIN_EXE_routetop")
    );
    let child = std::process::Command::new("/bin/sh")
        .current_dir(folder.path())
        .args(["-c", &script])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let child = Running(child);
    let started = std::time::Instant::now();
    await_requests(folder.path(), i64::try_from(count / 2 * 2).unwrap());
    write(count / 2, count);
    wait_for("all files", 30 + count / 100, || {
        requests(folder.path()) == i64::try_from(count * 2).unwrap()
    });
    // And they are still followed.
    let mut file = fs::File::options()
        .append(true)
        .open(folder.path().join("r-3.jsonl"))
        .unwrap();
    file.write_all(lines(count * 2, count * 2 + 1).as_bytes())
        .unwrap();
    await_requests(folder.path(), i64::try_from(count * 2 + 1).unwrap());
    eprintln!("{count} files in {:?}", started.elapsed());
    drop(child);
    assert_eq!(
        ask(
            folder.path(),
            "SELECT sum(duplicates) + sum(quarantined) FROM generation"
        ),
        0
    );
}

#[test]
fn i33_a_producer_that_dies_inside_a_line_leaves_one_row_and_a_living_screen() {
    let folder = tempfile::tempdir().unwrap();
    let half = lines(10, 11);
    fs::write(
        folder.path().join("in"),
        lines(0, 10) + &half[..half.len() / 2],
    )
    .unwrap();
    let script = format!("cat in | {} --db t.db", env!("CARGO_BIN_EXE_routetop"));
    let mut session = Session::start(folder.path(), "/bin/sh", &["-c", &script], (100, 24), &[]);
    session.sees("stdin closed");
    await_requests(folder.path(), 10);
    let sql = "SELECT count(*) FROM quarantine WHERE reason = 'unterminated'";
    assert_eq!(ask(folder.path(), sql), 1);
    session.press("?");
    session.sees("help");
    session.press("\x1bq");
    let (code, bytes) = session.end(5);
    assert_eq!(code, 0);
    assert_restored(&bytes);
}

#[test]
fn keys_work_while_stdin_is_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    make_fifo(&folder.path().join("feed"));
    let script = format!("{} --db t.db < feed", env!("CARGO_BIN_EXE_routetop"));
    let mut session = Session::start(folder.path(), "/bin/sh", &["-c", &script], (100, 24), &[]);
    let mut feed = fs::File::options()
        .write(true)
        .open(folder.path().join("feed"))
        .unwrap();
    feed.write_all(lines(0, 100).as_bytes()).unwrap();
    session.sees("support");
    session.press("?");
    session.sees("help");
    session.press("\x1b");
    feed.write_all(lines(100, 200).as_bytes()).unwrap();
    await_requests(folder.path(), 200);
    session.press("q");
    let (code, bytes) = session.end(5);
    assert_eq!(code, 0);
    assert_restored(&bytes);
}

#[test]
fn i34_a_pipe_fed_in_twice_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = lines(0, 200);
    // Facts without an id: equal ones are the same fact.
    text.push_str(
        "{\"event\":\"marker\",\"ts\":1795000000500,\"label\":\"v2\",\"kind\":\"deploy\"}\n",
    );
    text.push_str("{\"event\":\"correction\",\"ts\":1795000000600,\"session_id\":\"s-1\",\"kind\":\"edit\"}\n");
    for round in 0..2 {
        let mut child = routetop()
            .current_dir(folder.path())
            .args(["ingest", "-q", "--db", "t.db", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(requests(folder.path()), 200);
        assert_eq!(ask(folder.path(), "SELECT count(*) FROM marker"), 1);
        assert_eq!(
            ask(folder.path(), "SELECT count(*) FROM session_correction"),
            1
        );
        let duplicates = ask(folder.path(), "SELECT sum(duplicates) FROM generation");
        assert_eq!(duplicates, round * 202);
    }
}

/// A store on a slow disk: every commit takes 200 ms.
#[derive(Clone, Default)]
struct SlowSink {
    /// Bytes that the producer has got rid of.
    produced: Arc<AtomicU64>,
    stored: Arc<AtomicU64>,
    lines: Arc<AtomicU64>,
    /// The most bytes that were under way at once.
    peak: Arc<AtomicU64>,
}

impl Sink for SlowSink {
    fn generations(&mut self) -> Result<Vec<Generation>, SinkError> {
        Ok(Vec::new())
    }

    fn open_generation(&mut self, _: &NewGeneration) -> Result<GenerationId, SinkError> {
        Ok(GenerationId(0))
    }

    fn line_marks(
        &mut self,
        _: GenerationId,
        _: ByteOffset,
    ) -> Result<Option<LineMarks>, SinkError> {
        Ok(None)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), SinkError> {
        pause(Duration::from_millis(200));
        let under_way = self.produced.load(Ordering::SeqCst) - self.stored.load(Ordering::SeqCst);
        self.peak.fetch_max(under_way, Ordering::SeqCst);
        self.stored.fetch_add(batch.tally.bytes, Ordering::SeqCst);
        self.lines.fetch_add(batch.tally.lines, Ordering::SeqCst);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Takes every line as noise: only how fast lines are taken matters here.
#[derive(Default)]
struct Deaf(Names);

impl LineParser for Deaf {
    fn parse(&mut self, _: &[u8], _: Timestamp) -> ParsedLine {
        ParsedLine::Noise
    }

    fn names(&self) -> &Names {
        &self.0
    }

    fn take_unknown_fields(&mut self) -> Vec<(Name, u64)> {
        Vec::new()
    }

    fn take_asides(&mut self) -> Vec<(Name, u64)> {
        Vec::new()
    }

    fn maps_corrections_of(&self, _: u8) -> bool {
        false
    }

    fn kept_line(&self, _: &[u8]) -> Option<Box<str>> {
        None
    }

    fn noise_sample(&self, _: &[u8]) -> String {
        String::new()
    }
}

#[test]
fn i35_a_slow_store_pauses_the_producer_and_loses_nothing() {
    const PIECES: u64 = 640;
    const LINE: &[u8] = b"a line of sixty-four bytes, so that a piece holds 1024 of them.\n";
    let piece = LINE.repeat(1_024);
    let folder = tempfile::tempdir().unwrap();
    let (pipe, file) = (folder.path().join("pipe"), folder.path().join("file.jsonl"));
    make_fifo(&pipe);
    fs::write(&file, piece.repeat(usize::try_from(PIECES).unwrap())).unwrap();
    for source in [&pipe, &file] {
        let sink = SlowSink::default();
        let producer = (*source == pipe).then(|| {
            let (path, piece, produced) = (pipe.clone(), piece.clone(), Arc::clone(&sink.produced));
            std::thread::spawn(move || {
                let mut pipe = fs::File::options().write(true).open(path).unwrap();
                for _ in 0..PIECES {
                    pipe.write_all(&piece).unwrap();
                    produced.fetch_add(piece.len() as u64, Ordering::SeqCst);
                }
            })
        });
        let progress = Arc::new(Progress::default());
        if producer.is_none() {
            sink.produced
                .store(PIECES * piece.len() as u64, Ordering::SeqCst);
        }
        let options = IngestOptions {
            sources: vec![SourceSpec::File(source.clone())],
            ..IngestOptions::default()
        };
        let summary = routetop::ingest::run(
            options,
            Box::new(Deaf::default()),
            Box::new(sink.clone()),
            Arc::new(|| Timestamp(1)),
            StopFlag::default(),
            progress,
        )
        .unwrap();
        let is_piped = producer.is_some();
        if let Some(producer) = producer {
            producer.join().unwrap();
        }
        assert_eq!(summary.lines, PIECES * 1_024);
        assert_eq!(sink.lines.load(Ordering::SeqCst), PIECES * 1_024);
        assert_eq!(
            sink.stored.load(Ordering::SeqCst),
            PIECES * piece.len() as u64
        );
        // Two batches of 4 MiB and the queues before them; the pipe itself made the producer wait.
        let peak = sink.peak.load(Ordering::SeqCst);
        assert!(!is_piped || peak <= 16 << 20, "{peak} bytes were under way");
    }
}

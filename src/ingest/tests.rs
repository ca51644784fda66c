//! The follower against a model: random writing, rotating, cutting, packing and restarting.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use smallvec::smallvec;
use tokio::sync::Notify;

use crate::model::{
    Batch, ByteOffset, Event, Fingerprint, Generation, GenerationId, GenerationState, HashKey,
    Marker, MarkerKind, Micros, Name, Names, NewGeneration, Reject, SourceId, Timestamp,
};

use super::follow::{Follower, Now, Out, Pass};
use super::lines::{Piece, Splitter};
use super::worker::{Limits, Work, Worker};
use super::{
    IngestError, IngestOptions, LineParser, ParsedLine, Progress, Sink, SinkError, SourceSpec,
    StopFlag, run,
};

const KEY: HashKey = HashKey([3; 16]);

#[derive(Default)]
struct Stored {
    generations: Vec<Generation>,
    ids: Vec<i64>,
    reasons: Vec<&'static str>,
    lines: u64,
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Stored>>);

impl Sink for Memory {
    fn generations(&mut self) -> Result<Vec<Generation>, SinkError> {
        Ok(self.0.lock().unwrap().generations.clone())
    }

    fn open_generation(&mut self, new: &NewGeneration) -> Result<GenerationId, SinkError> {
        let mut stored = self.0.lock().unwrap();
        let id = GenerationId(u32::try_from(stored.generations.len()).unwrap());
        stored.generations.push(Generation {
            id,
            source: SourceId(0),
            path: new.path.clone(),
            device: new.device,
            inode: new.inode,
            is_compressed: new.is_compressed,
            offset: ByteOffset(0),
            head: Fingerprint::default(),
            tail: Fingerprint::default(),
            state: GenerationState::Open,
        });
        Ok(id)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), SinkError> {
        let mut stored = self.0.lock().unwrap();
        let step = &batch.advance;
        let at = usize::try_from(step.generation.0).unwrap();
        if stored.generations[at].offset != step.from {
            return Err(SinkError::new("the checkpoint stands elsewhere"));
        }
        let tally = &batch.tally;
        let accepted: u64 = tally.by_format.iter().map(|(_, lines)| lines).sum();
        assert_eq!(tally.bytes, step.to.0 - step.from.0);
        assert_eq!(
            tally.lines,
            tally.blank + tally.noise + tally.quarantined + accepted
        );
        let generation = &mut stored.generations[at];
        generation.offset = step.to;
        generation.head = step.head;
        generation.tail = step.tail;
        generation.state = step.state;
        if let Some(path) = &step.renamed_to {
            generation.path.clone_from(path);
        }
        stored.lines += tally.lines;
        for located in &batch.events {
            if let Event::Marker(marker) = &located.event {
                stored.ids.push(marker.ts.0);
            }
        }
        for reject in &batch.rejects {
            stored.reasons.push(reject.reject.reason);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Reads `{ID}` with anything after a comma.
#[derive(Default)]
struct Ids(Names);

impl LineParser for Ids {
    fn maps_corrections_of(&self, _: u8) -> bool {
        false
    }

    fn kept_line(&self, _: &[u8]) -> Option<Box<str>> {
        None
    }

    fn parse(&mut self, line: &[u8], _: Timestamp) -> ParsedLine {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() {
            return ParsedLine::Blank;
        }
        let Some(rest) = text.strip_prefix('{') else {
            return ParsedLine::Noise;
        };
        let id = rest
            .strip_suffix('}')
            .and_then(|body| body.split(',').next())
            .and_then(|id| id.parse().ok());
        match id {
            Some(id) => ParsedLine::Events {
                format: 0,
                events: smallvec![Event::Marker(Marker {
                    ts: Timestamp(id),
                    label: self.0.intern("label"),
                    kind: MarkerKind::Deploy,
                    route: None,
                })],
            },
            None => ParsedLine::Rejected(Reject {
                reason: "bad",
                detail: String::new(),
            }),
        }
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

    fn noise_sample(&self, _: &[u8]) -> String {
        "noise".to_owned()
    }
}

struct Direct(Worker);

impl Out for Direct {
    fn send(&mut self, work: Work) -> Result<(), IngestError> {
        self.0.handle(work)?;
        Ok(())
    }

    fn buffer(&mut self, len: usize) -> Vec<u8> {
        vec![0; len]
    }

    fn is_stopped(&self) -> bool {
        false
    }
}

/// A writer, a follower and what should have been stored.
struct Bench {
    folder: tempfile::TempDir,
    path: PathBuf,
    spec: SourceSpec,
    memory: Memory,
    follower: Follower,
    out: Direct,
    elapsed: u64,
    next_id: i64,
    expected: Vec<i64>,
    partial: Option<i64>,
    is_unanchored: bool,
}

fn start(spec: &SourceSpec, memory: &Memory) -> (Follower, Direct) {
    let known = memory.clone().generations().unwrap();
    let limits = Limits {
        lines: 7,
        bytes: 300,
        line_len: 400,
    };
    let worker = Worker::new(
        Box::new(Ids::default()),
        Box::new(memory.clone()),
        KEY,
        limits,
        &known,
        Arc::default(),
    );
    let wake = Arc::new(Notify::new());
    let follower = Follower::new(vec![spec.clone()], true, KEY, &known, wake);
    (follower, Direct(worker))
}

impl Bench {
    fn new(is_folder: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        let spec = if is_folder {
            SourceSpec::Folder(folder.path().to_owned())
        } else {
            SourceSpec::File(path.clone())
        };
        let memory = Memory::default();
        let (follower, out) = start(&spec, &memory);
        Self {
            folder,
            path,
            spec,
            memory,
            follower,
            out,
            elapsed: 0,
            next_id: 1_000,
            expected: Vec::new(),
            partial: None,
            is_unanchored: false,
        }
    }

    fn write(&self, bytes: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .unwrap();
        file.write_all(bytes.as_bytes()).unwrap();
    }

    fn append(&mut self, count: usize) {
        if let Some(id) = self.partial.take() {
            self.write("}\n");
            self.expected.push(id);
        }
        for _ in 0..count {
            self.next_id += 1;
            let pad = "p".repeat(usize::try_from(self.next_id % 90).unwrap());
            self.write(&format!("{{{},{pad}}}\n", self.next_id));
            self.expected.push(self.next_id);
        }
    }

    fn append_partial(&mut self) {
        if self.partial.is_none() {
            self.next_id += 1;
            self.write(&format!("{{{},half", self.next_id));
            self.partial = Some(self.next_id);
        }
    }

    fn step_by(&mut self, micros: u64) -> Pass {
        self.elapsed += micros;
        let now = Now {
            elapsed: Micros(self.elapsed),
            wall: Timestamp(1),
        };
        self.follower.step(now, &mut self.out).unwrap()
    }

    fn step(&mut self) {
        self.step_by(1_000_000);
        self.is_unanchored &= !self.path.exists();
    }

    fn shift(&mut self) {
        self.partial = None;
        for n in (1..60).rev() {
            for ending in ["", ".gz"] {
                let from = self.folder.path().join(format!("r.jsonl.{n}{ending}"));
                if from.exists() {
                    let to = format!("r.jsonl.{}{ending}", n + 1);
                    fs::rename(from, self.folder.path().join(to)).unwrap();
                }
            }
        }
    }

    fn first_rotated(&self) -> PathBuf {
        self.folder.path().join("r.jsonl.1")
    }

    fn rotate(&mut self) {
        if self.path.exists() {
            self.shift();
            fs::rename(&self.path, self.first_rotated()).unwrap();
        }
    }

    fn rewrite(&mut self, count: usize) {
        self.step();
        self.partial = None;
        fs::write(&self.path, "").unwrap();
        self.append(count);
        self.step();
    }

    fn copytruncate(&mut self, count: usize) {
        self.append(1);
        self.step();
        self.append(count);
        self.shift();
        fs::copy(&self.path, self.first_rotated()).unwrap();
        fs::write(&self.path, "").unwrap();
    }

    fn pack(&self) {
        let from = self.first_rotated();
        if from.exists() {
            fs::write(from.with_extension("1.gz"), gz(&fs::read(&from).unwrap())).unwrap();
            fs::remove_file(from).unwrap();
        }
    }

    fn delete(&mut self) {
        self.step();
        if self.path.exists() {
            self.partial = None;
            self.is_unanchored = true;
            fs::remove_file(&self.path).unwrap();
        }
    }

    fn restart(&mut self) {
        if self.is_unanchored {
            // A file that no run has seen and whose predecessor is gone cannot be told from an archive.
            self.step();
        }
        let (follower, out) = start(&self.spec, &self.memory);
        self.follower = follower;
        self.out = out;
        self.elapsed = 0;
        if self.is_unanchored {
            self.step();
        }
    }

    fn check(&mut self) {
        for _ in 0..12 {
            self.step_by(2_000_000);
        }
        let mut stored = self.memory.0.lock().unwrap().ids.clone();
        stored.sort_unstable();
        assert_eq!(stored, self.expected);
    }
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[derive(Debug, Clone)]
enum Action {
    Append(usize),
    Partial,
    Rotate,
    Rewrite(usize),
    CopyTruncate(usize),
    Pack,
    Delete,
    Step,
    Restart,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (1..30_usize).prop_map(Action::Append),
        2 => Just(Action::Partial),
        3 => Just(Action::Rotate),
        // An emptied file has no bytes to be recognised by, so that a rewrite leaves at least one line.
        1 => (1..30_usize).prop_map(Action::Rewrite),
        1 => (0..9_usize).prop_map(Action::CopyTruncate),
        1 => Just(Action::Pack),
        1 => Just(Action::Delete),
        5 => Just(Action::Step),
        2 => Just(Action::Restart),
    ]
}

fn play(is_folder: bool, actions: &[Action]) {
    let mut bench = Bench::new(is_folder);
    bench.append(1);
    bench.step();
    for action in actions {
        match action {
            Action::Append(count) => bench.append(*count),
            Action::Partial => bench.append_partial(),
            Action::Rotate => bench.rotate(),
            Action::Rewrite(count) => bench.rewrite(*count),
            Action::CopyTruncate(count) => bench.copytruncate(*count),
            Action::Pack => bench.pack(),
            Action::Delete => bench.delete(),
            Action::Step => bench.step(),
            Action::Restart => bench.restart(),
        }
    }
    bench.check();
}

/// A fixed seed, so that the gate is repeatable; `ROUTETOP_TEST_CASES` and `ROUTETOP_TEST_SEED` widen it.
fn budget() -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: number("ROUTETOP_TEST_CASES")
            .map_or(400, |cases: u64| u32::try_from(cases).unwrap()),
        rng_seed: proptest::test_runner::RngSeed::Fixed(number("ROUTETOP_TEST_SEED").unwrap_or(1)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(budget())]


    #[test]
    fn nothing_is_lost_and_nothing_doubled(
        is_folder in any::<bool>(),
        actions in prop::collection::vec(action(), 1..25),
    ) {
        play(is_folder, &actions);
    }

    #[test]
    fn lines_do_not_depend_on_the_chunks(
        text in prop::collection::vec(prop_oneof![4 => Just(b'x'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(0)], 0..80),
        cuts in prop::collection::vec(1..9_usize, 1..40),
    ) {
        let whole = pieces(&text, &[text.len().max(1)]);
        prop_assert_eq!(whole, pieces(&text, &cuts));
    }
}

/// Splits `text` in chunks of the given lengths; returns every piece and the offset at the end.
fn pieces(text: &[u8], cuts: &[usize]) -> (Vec<String>, u64) {
    let mut splitter = Splitter::new(KEY, 5, super::identity::Trace::default());
    let mut all = Vec::new();
    let (mut rest, mut total) = (text, 0);
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let (chunk, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
        rest = more;
        let mut at = 0;
        while let Some(piece) = splitter.next(chunk, &mut at) {
            total += match &piece {
                Piece::Line { span, .. }
                | Piece::TooLong { span, .. }
                | Piece::Continuation { span } => *span,
                Piece::Hole { len, .. } => *len,
            };
            all.push(format!("{piece:?}"));
        }
        splitter.end_chunk(chunk);
        assert_eq!(splitter.trace().offset(), total);
    }
    all.push(format!("{:?}", splitter.remainder()));
    (all, total)
}

#[test]
fn several_rotations_between_two_passes_and_while_stopped() {
    for is_restarted in [false, true] {
        let mut bench = Bench::new(false);
        bench.append(3);
        bench.step();
        for _ in 0..5 {
            bench.append(4);
            bench.rotate();
        }
        bench.append(2);
        if is_restarted {
            bench.restart();
        }
        bench.check();
        let stored = bench.memory.0.lock().unwrap();
        assert_eq!(stored.ids, bench.expected, "in the order of writing");
    }
}

#[test]
fn an_archive_from_before_the_first_sight_is_not_read() {
    let mut bench = Bench::new(false);
    fs::write(bench.first_rotated(), "{1}\n").unwrap();
    bench.append(2);
    bench.check();
}

#[test]
fn odd_lines_are_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let text = format!(
        "\u{feff}{{1}}\r\n\n{}\n{}{{2}}\nbanner\n{{bad\n{{3}}",
        "y".repeat(3_000_000),
        "\0".repeat(70_000)
    );
    fs::write(&path, text).unwrap();
    let memory = Memory::default();
    let summary = ingest(&[path.as_path()], &memory).unwrap();
    let stored = memory.0.lock().unwrap();
    assert_eq!(stored.ids, [1, 2, 3]);
    assert_eq!(stored.reasons, ["too-long", "nul-hole", "bad"]);
    assert_eq!((summary.blank, summary.noise, summary.lines), (1, 1, 8));
}

fn ingest(paths: &[&Path], memory: &Memory) -> Result<super::Summary, IngestError> {
    let options = IngestOptions {
        sources: paths
            .iter()
            .map(|path| SourceSpec::File((*path).to_owned()))
            .collect(),
        key: KEY,
        ..IngestOptions::default()
    };
    run(
        options,
        Box::new(Ids::default()),
        Box::new(memory.clone()),
        Arc::new(|| Timestamp(1)),
        StopFlag::default(),
        Arc::new(Progress::default()),
    )
}

#[test]
fn a_whole_last_line_without_its_newline_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let memory = Memory::default();
    let mut lines = BTreeMap::new();
    for (round, text) in ["{1}\n{2}", "{1}\n{2}\n{3}\n{4", "{1}\n{2}\n{3}\n{4}\n"]
        .iter()
        .enumerate()
    {
        fs::write(&path, text).unwrap();
        ingest(&[&path], &memory).unwrap();
        lines.insert(round, memory.0.lock().unwrap().lines);
    }
    assert_eq!(memory.0.lock().unwrap().ids, [1, 2, 3, 4]);
    assert_eq!(lines.into_values().collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn damaged_gzip_keeps_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl.gz");
    let mut text = String::new();
    for n in 0..30_000_i64 {
        text.push_str(&format!("{{{n},{}}}\n", n * n));
    }
    let whole = gz(text.as_bytes());
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let memory = Memory::default();
    let summary = ingest(&[&path], &memory).unwrap();
    assert_eq!(summary.damaged, 1);
    let stored = memory.0.lock().unwrap();
    assert!(stored.ids.len() > 5_000);
    assert_eq!(stored.generations[0].state, GenerationState::Damaged);
}

#[test]
fn a_file_that_is_no_text_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let utf16: Vec<u8> = "{1}\n{2}\n"
        .repeat(99)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(&path, utf16).unwrap();
    let memory = Memory::default();
    for _ in 0..2 {
        ingest(&[&path], &memory).unwrap();
    }
    assert_eq!(memory.0.lock().unwrap().reasons, ["not-text"]);
}

#[test]
fn missing_files_and_sockets_are_refused_and_links_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let memory = Memory::default();
    let error = ingest(&[&path], &memory).unwrap_err();
    assert!(matches!(error, IngestError::Missing { .. }) && error.hint().is_some());
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = ingest(&[&socket], &memory).unwrap_err();
    assert!(matches!(
        error,
        IngestError::NotAFile { kind: "socket", .. }
    ));
    fs::write(&path, "{1}\n").unwrap();
    let (hard, soft) = (folder.path().join("hard"), folder.path().join("soft"));
    fs::hard_link(&path, &hard).unwrap();
    std::os::unix::fs::symlink(&path, &soft).unwrap();
    ingest(&[&path, &hard, &soft], &memory).unwrap();
    assert_eq!(memory.0.lock().unwrap().ids, [1]);
}

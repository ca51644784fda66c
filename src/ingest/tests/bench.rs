//! The bench of the room's tests: a parser of numbered lines, a router with its log, and a follower whose
//! time is given.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use smallvec::smallvec;
use tokio::sync::Notify;

use super::memory::Memory;
use crate::ingest::follow::Follower;
use crate::ingest::pass::{Now, Out, Pass};
use crate::ingest::work::Work;
use crate::ingest::worker::{Limits, Worker};
use crate::ingest::{
    IngestError, IngestOptions, LineParser, ParsedLine, Progress, Sink, SourceSpec, StopFlag,
    Summary, run,
};
use crate::model::{Event, HashKey, Marker, MarkerKind, Micros, Name, Names, Reject, Timestamp};

pub(super) const KEY: HashKey = HashKey([3; 16]);

/// Reads `{ID}` and `{ID,ppp}` with any number of `p`; a line that starts otherwise is noise.
#[derive(Default)]
pub(super) struct Ids(Names);

impl LineParser for Ids {
    fn maps_corrections_of(&self, _: u8) -> bool {
        false
    }

    fn kept_line(&self, _: &[u8]) -> Option<Box<str>> {
        None
    }

    fn take_asides(&mut self) -> Vec<(Name, u64)> {
        Vec::new()
    }

    fn parse(&mut self, line: &[u8], _: Timestamp) -> ParsedLine {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() {
            return ParsedLine::Blank;
        }
        let Some(rest) = text.strip_prefix('{') else {
            return ParsedLine::Noise;
        };
        let id = rest.strip_suffix('}').and_then(|body| {
            let (id, pad) = body.split_once(',').unwrap_or((body, ""));
            pad.bytes().all(|byte| byte == b'p').then_some(id)
        });
        match id.and_then(|id| id.parse().ok()) {
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

    fn noise_sample(&self, _: &[u8]) -> String {
        "noise".to_owned()
    }
}

/// Follower and worker on one thread.
pub(super) struct Direct(Worker);

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

/// A router's folder, and a follower that reads it into memory.
pub(super) struct Bench {
    pub(super) folder: tempfile::TempDir,
    /// The log that the router writes.
    pub(super) path: PathBuf,
    pub(super) specs: Vec<SourceSpec>,
    pub(super) is_following: bool,
    pub(super) memory: Memory,
    pub(super) follower: Follower,
    out: Direct,
    elapsed: u64,
    next_id: i64,
    /// Whole lines written so far, in order.
    pub(super) written: Vec<i64>,
    /// The line whose start was written.
    pub(super) partial: Option<i64>,
}

fn start(specs: &[SourceSpec], is_following: bool, memory: &Memory) -> (Follower, Direct) {
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
    let follower = Follower::new(specs.to_vec(), is_following, KEY, &known, wake);
    (follower, Direct(worker))
}

impl Bench {
    /// A follower of the named file `log/r.jsonl`, which does not exist yet.
    pub(super) fn new() -> Self {
        Self::with(|folder| vec![SourceSpec::File(folder.join("r.jsonl"))])
    }

    /// A follower of the sources that `specs` returns for the folder of the log.
    pub(super) fn with(specs: impl FnOnce(&Path) -> Vec<SourceSpec>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::create_dir(&log).unwrap();
        let specs = specs(&log);
        let memory = Memory::default();
        let (follower, out) = start(&specs, true, &memory);
        Self {
            path: log.join("r.jsonl"),
            folder,
            specs,
            is_following: true,
            memory,
            follower,
            out,
            elapsed: 0,
            next_id: 1_000,
            written: Vec::new(),
            partial: None,
        }
    }

    /// Returns a path beside the log.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.path.with_file_name(name)
    }

    pub(super) fn write_to(path: &Path, text: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Makes the next line and counts it as written.
    pub(super) fn line(&mut self) -> String {
        self.next_id += 1;
        self.written.push(self.next_id);
        let pad = "p".repeat(usize::try_from(self.next_id % 90).unwrap());
        format!("{{{},{pad}}}\n", self.next_id)
    }

    /// The router writes whole lines; first it ends the one that it had begun.
    pub(super) fn append(&mut self, count: usize) {
        let mut text = String::new();
        if let Some(id) = self.partial.take() {
            text.push_str("}\n");
            self.written.push(id);
        }
        for _ in 0..count {
            text.push_str(&self.line());
        }
        Self::write_to(&self.path, &text);
    }

    /// The router writes the start of a line.
    pub(super) fn append_partial(&mut self) {
        if self.partial.is_none() {
            self.next_id += 1;
            Self::write_to(&self.path, &format!("{{{},ppp", self.next_id));
            self.partial = Some(self.next_id);
        }
    }

    /// Makes a pass after so much time; fails when the planned death comes.
    pub(super) fn try_step(&mut self, micros: u64) -> Result<Pass, IngestError> {
        self.elapsed += micros;
        let now = Now {
            elapsed: Micros(self.elapsed),
            wall: self.wall(),
        };
        // A file that waits for another one's turn is read in one of the next passes.
        let mut passes = 0;
        loop {
            let pass = self.follower.step(now, &mut self.out)?;
            passes += 1;
            if !pass.has_more && (passes > 4 || !self.follower.is_waiting) {
                return Ok(pass);
            }
        }
    }

    /// The time by the clock that stamps files.
    fn wall(&self) -> Timestamp {
        let marker = self.folder.path().join("now");
        fs::write(&marker, "").unwrap();
        let modified = fs::metadata(&marker).unwrap().modified().unwrap();
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_micros()).unwrap())
    }

    pub(super) fn step_by(&mut self, micros: u64) -> Pass {
        self.try_step(micros).unwrap()
    }

    /// Makes a pass a second later.
    pub(super) fn step(&mut self) {
        self.step_by(1_000_000);
    }

    /// Lets everything come to rest.
    pub(super) fn settle(&mut self) {
        for _ in 0..12 {
            self.step_by(2_000_000);
        }
    }

    /// The process ends, however, and another one starts from what is stored.
    pub(super) fn restart(&mut self) {
        let (follower, out) = start(&self.specs, self.is_following, &self.memory);
        self.follower = follower;
        self.out = out;
        self.elapsed = 0;
        self.memory.stored().death = None;
    }

    /// Renames the log as `logrotate` does: every number goes up by one.
    pub(super) fn rotate(&mut self) {
        if self.path.exists() {
            self.make_room();
            fs::rename(&self.path, self.at("r.jsonl.1")).unwrap();
            self.partial = None;
        }
    }

    /// Renames the rotated files so that `.1` is free.
    pub(super) fn make_room(&self) {
        for n in (1..90).rev() {
            for ending in ["", ".gz"] {
                let from = self.at(&format!("r.jsonl.{n}{ending}"));
                if from.exists() {
                    fs::rename(from, self.at(&format!("r.jsonl.{}{ending}", n + 1))).unwrap();
                }
            }
        }
    }

    /// Empties the log in place.
    pub(super) fn truncate(&mut self) {
        fs::write(&self.path, "").unwrap();
        self.partial = None;
    }

    /// Compresses a file as `gzip` does.
    pub(super) fn gzip(&self, name: &str) {
        let from = self.at(name);
        fs::write(
            self.at(&format!("{name}.gz")),
            gz(&fs::read(&from).unwrap()),
        )
        .unwrap();
        fs::remove_file(from).unwrap();
    }

    /// Returns what the follower says of the path of the log.
    pub(super) fn state(&self) -> &'static str {
        self.follower.watched[&self.path].state
    }

    /// Returns what was stored, in the order of storing.
    pub(super) fn ids(&self) -> Vec<i64> {
        self.memory.stored().ids.clone()
    }

    /// Everything written is stored, once and in order, and nothing was skipped as known.
    pub(super) fn assert_in_order(&mut self) {
        self.settle();
        assert_eq!(self.ids(), self.written, "in the order of writing");
    }

    /// Nothing is stored twice.
    pub(super) fn assert_no_double(&self) {
        let ids = self.ids();
        let distinct: BTreeSet<i64> = ids.iter().copied().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    }
}

pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Ingests files to their ends with the ordinary limits.
pub(super) fn ingest(paths: &[&Path], memory: &Memory) -> Result<Summary, IngestError> {
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

//! A folder as the model of it goes: which whole lines stand in which file, and which of them a pass could
//! have read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::bench::{Bench, gz};
use crate::ingest::SourceSpec;

/// A copy of the log that sorts before it.
const COPY: &str = "a.jsonl";
/// Lines that every file of a case may begin with, longer than the head that is fingerprinted.
const PREAMBLE_LINES: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    File,
    Glob,
    Folder,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    /// The router writes lines.
    Append(usize),
    /// The router writes half a line.
    Partial,
    /// Renamed away; the router makes a new file when it writes next.
    Rotate,
    /// Renamed back.
    RenameBack,
    /// Compressed at once, or slowly with a pass in the middle.
    Pack { is_slow: bool },
    /// Copied and emptied, with lines and perhaps a pass between the two.
    CopyTruncate { between: usize, is_seen: bool },
    /// Copied to a place that nobody looks at, and emptied.
    CopyTruncateAway,
    /// Copied to a place in the folder; the log goes on.
    Copy,
    /// The copy is written to.
    AppendToCopy(usize),
    /// Emptied, perhaps just after a pass, and written to.
    Rewrite { lines: usize, is_seen: bool },
    /// Rewritten to exactly the length it had.
    RewriteSame,
    /// Cut as by a power loss: in the middle of a line or between two.
    Shrink { percent: usize, is_torn: bool },
    /// Deleted, perhaps just after a pass.
    Delete { is_seen: bool },
    /// A pass.
    Step,
    /// The process ends between two passes and starts again.
    Restart,
    /// The process dies during a pass: so many stored steps into it, before or after that one is stored.
    Kill { calls: u32, is_stored: bool },
}

/// What stands in one file.
#[derive(Debug, Clone, Default)]
struct Content {
    /// The numbers of its whole lines.
    ids: Vec<i64>,
    /// Whether a pass has seen it.
    is_seen: bool,
}

/// A bench and what should come of it.
pub(super) struct World {
    bench: Bench,
    source: Source,
    has_preamble: bool,
    /// The files of the folder by name.
    files: BTreeMap<String, Content>,
    /// Lines that a pass could read.
    must: BTreeSet<i64>,
    /// Whether lines went with a file that no pass had seen: nobody can know of them.
    is_blind: bool,
}

impl World {
    pub(super) fn new(source: Source, has_preamble: bool) -> Self {
        let bench = Bench::with(|folder| {
            vec![match source {
                Source::File => SourceSpec::File(folder.join("r.jsonl")),
                Source::Glob => SourceSpec::Glob(folder.join("*.jsonl").display().to_string()),
                Source::Folder => SourceSpec::Folder(folder.to_owned()),
            }]
        });
        Self {
            bench,
            source,
            has_preamble,
            files: BTreeMap::new(),
            must: BTreeSet::new(),
            is_blind: false,
        }
    }

    fn live(&mut self) -> &mut Content {
        self.files.entry("r.jsonl".to_owned()).or_default()
    }

    fn has_live(&self) -> bool {
        self.bench.path.exists()
    }

    /// Writes what every new file begins with.
    fn begin(&self, is_new: bool) {
        if is_new && self.has_preamble {
            let line = "# what every file of this router begins with\n";
            Bench::write_to(&self.bench.path, &line.repeat(PREAMBLE_LINES));
        }
    }

    fn is_new(&self) -> bool {
        fs::metadata(&self.bench.path).map_or(true, |found| found.len() == 0)
    }

    pub(super) fn append(&mut self, count: usize) {
        self.begin(self.is_new());
        let before = self.bench.written.len();
        self.bench.append(count);
        let new = self.bench.written[before..].to_vec();
        self.live().ids.extend(new);
    }

    fn partial(&mut self) {
        self.begin(self.is_new());
        self.live();
        self.bench.append_partial();
    }

    fn shift(&mut self) {
        self.bench.make_room();
        for n in (1..90).rev() {
            for ending in ["", ".gz"] {
                if let Some(content) = self.files.remove(&format!("r.jsonl.{n}{ending}")) {
                    let to = format!("r.jsonl.{}{ending}", n + 1);
                    self.files.insert(to, content);
                }
            }
        }
    }

    fn rotate(&mut self) {
        if self.has_live() {
            self.shift();
            self.bench.rotate();
            let content = self.files.remove("r.jsonl").unwrap_or_default();
            self.files.insert("r.jsonl.1".to_owned(), content);
        }
    }

    fn rename_back(&mut self) {
        if !self.has_live() && self.bench.at("r.jsonl.1").exists() {
            fs::rename(self.bench.at("r.jsonl.1"), &self.bench.path).unwrap();
            let mut content = self.files.remove("r.jsonl.1").unwrap();
            content.is_seen = false;
            self.files.insert("r.jsonl".to_owned(), content);
            // Whatever half line it ends with, the router's next line ends it.
            self.end_torn_line();
        }
    }

    /// A half line at the end of the live file that the router knows nothing of swallows its next line:
    /// the router begins with a line end then, as one that starts anew does.
    fn end_torn_line(&mut self) {
        let bytes = fs::read(&self.bench.path).unwrap();
        if bytes.last().is_some_and(|byte| *byte != b'\n') {
            Bench::write_to(&self.bench.path, "\n");
        }
    }

    fn pack(&mut self, is_slow: bool) {
        let from = self.bench.at("r.jsonl.1");
        if !from.exists() {
            return;
        }
        if is_slow {
            let whole = gz(&fs::read(&from).unwrap());
            fs::write(self.bench.at("r.jsonl.1.gz"), &whole[..whole.len() / 2]).unwrap();
            self.step();
            self.step();
        }
        self.bench.gzip("r.jsonl.1");
        let content = self.files.remove("r.jsonl.1").unwrap();
        self.files.insert("r.jsonl.1.gz".to_owned(), content);
    }

    /// The lines of the live file are gone from the disk, unless a copy has them.
    fn lose_live(&mut self) {
        let content = self.files.remove("r.jsonl").unwrap_or_default();
        // A file of which nothing was read leaves nothing to be missed, nor does one that was complete when
        // it was seen last.
        self.is_blind |= content.ids.iter().all(|id| !self.must.contains(id))
            || !content.is_seen
            || self.has_copy();
    }

    /// Tells whether the follower goes on in a copy when the log is cut: what was written since the copy was
    /// made is in neither, and was not seen.
    fn has_copy(&self) -> bool {
        self.files.contains_key(COPY)
    }

    fn copy_truncate(&mut self, between: usize, is_seen: bool) {
        if !self.has_live() {
            return;
        }
        self.shift();
        fs::copy(&self.bench.path, self.bench.at("r.jsonl.1")).unwrap();
        let copy = self.live().clone();
        self.files.insert("r.jsonl.1".to_owned(), copy);
        if between > 0 {
            self.append(between);
        }
        if is_seen {
            self.step();
        } else {
            // What came between the copy and the cut is nowhere.
            self.is_blind |= between > 0;
        }
        self.empty();
    }

    fn empty(&mut self) {
        self.lose_live();
        self.bench.truncate();
        self.live().is_seen = true;
    }

    fn copy_truncate_away(&mut self) {
        if self.has_live() {
            self.empty();
        }
    }

    /// To a new file: one that is overwritten with more of the same cannot be told from one that grew.
    fn copy(&mut self) {
        if self.has_live() {
            drop(fs::remove_file(self.bench.at(COPY)));
            fs::copy(&self.bench.path, self.bench.at(COPY)).unwrap();
            let mut content = self.live().clone();
            content.is_seen = false;
            if let Some(before) = self.files.insert(COPY.to_owned(), content) {
                // Of a copy that is not followed, what came since the last look leaves no trace.
                self.is_blind |=
                    !before.is_seen || before.ids.iter().any(|id| !self.must.contains(id));
            }
        }
    }

    fn append_to_copy(&mut self, count: usize) {
        if !self.files.contains_key(COPY) {
            return;
        }
        let mut text = String::new();
        let bytes = fs::read(self.bench.at(COPY)).unwrap();
        if bytes.last().is_some_and(|byte| *byte != b'\n') {
            text.push('\n');
        }
        for _ in 0..count {
            text.push_str(&self.bench.line());
            let id = *self.bench.written.last().unwrap();
            self.files.get_mut(COPY).unwrap().ids.push(id);
        }
        Bench::write_to(&self.bench.at(COPY), &text);
    }

    fn rewrite(&mut self, lines: usize, is_seen: bool) {
        if is_seen {
            self.step();
        }
        if self.has_live() {
            self.empty();
        }
        self.append(lines);
    }

    fn rewrite_same(&mut self) {
        self.step();
        let len = fs::metadata(&self.bench.path).map_or(0, |found| found.len());
        let len = usize::try_from(len).unwrap();
        if len < 40 || self.has_preamble {
            return;
        }
        self.lose_live();
        let id = self.bench.line();
        let id = id[1..].split_once(',').unwrap().0;
        let pad = "p".repeat(len - id.len() - 4);
        // The longest line of the bench's limits is shorter: filled up with empty lines.
        let text = if pad.len() < 300 {
            format!("{{{id},{pad}}}\n")
        } else {
            format!("{{{id},}}\n{}", "\n".repeat(pad.len()))
        };
        assert_eq!(text.len(), len);
        fs::write(&self.bench.path, text).unwrap();
        let id = id.parse().unwrap();
        self.bench.partial = None;
        self.live().ids.push(id);
        self.live().is_seen = true;
    }

    fn shrink(&mut self, percent: usize, is_torn: bool) {
        if !self.has_live() {
            return;
        }
        let bytes = fs::read(&self.bench.path).unwrap();
        let mut len = bytes.len() * percent / 100;
        if !is_torn {
            len = bytes[..len]
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1);
        }
        fs::write(&self.bench.path, &bytes[..len]).unwrap();
        self.bench.partial = None;
        let kept = bytes[..len].split(|byte| *byte == b'\n');
        let lines = memchr::memchr_iter(b'\n', &bytes[..len]).count();
        let ids: Vec<i64> = kept
            .take(lines)
            .filter_map(|line| {
                let text = std::str::from_utf8(line).unwrap().strip_prefix('{')?;
                text.split([',', '}']).next()?.parse().ok()
            })
            .collect();
        let must = self.must.clone();
        let live = self.live();
        // A cut behind the checkpoint leaves no trace.
        let is_noticed = live
            .ids
            .iter()
            .any(|id| must.contains(id) && !ids.contains(id));
        live.ids.retain(|id| ids.contains(id));
        self.is_blind |= !is_noticed || self.has_copy();
        self.end_torn_line();
    }

    fn delete(&mut self, is_seen: bool) {
        if is_seen {
            self.step();
        }
        if self.has_live() {
            self.lose_live();
            fs::remove_file(&self.bench.path).unwrap();
            self.bench.partial = None;
        }
    }

    /// Tells whether the source covers a file, or finds it beside the log.
    fn is_covered(&self, name: &str) -> bool {
        name != COPY || self.source != Source::File
    }

    /// A pass that comes to its end: everything on the disk has been seen and can have been read.
    pub(super) fn step(&mut self) {
        self.bench.step();
        self.saw();
    }

    fn saw(&mut self) {
        // Half of a compressed file is not read before it has been quiet.
        let is_read = |name: &str| Path::new(name).extension().is_none_or(|end| end != "gz");
        for name in self.files.keys().cloned().collect::<Vec<_>>() {
            if self.is_covered(&name) && is_read(&name) {
                let content = self.files.get_mut(&name).unwrap();
                content.is_seen = true;
                self.must.extend(content.ids.iter().copied());
            }
        }
    }

    fn kill(&mut self, calls: u32, is_stored: bool) {
        self.bench.memory.stored().death = Some((calls, is_stored));
        if self.bench.try_step(1_000_000).is_ok() {
            self.bench.memory.stored().death = None;
            self.saw();
        }
        self.bench.restart();
    }

    pub(super) fn play(&mut self, action: &Action) {
        match *action {
            Action::Append(count) => self.append(count),
            Action::Partial => self.partial(),
            Action::Rotate => self.rotate(),
            Action::RenameBack => self.rename_back(),
            Action::Pack { is_slow } => self.pack(is_slow),
            Action::CopyTruncate { between, is_seen } => self.copy_truncate(between, is_seen),
            Action::CopyTruncateAway => self.copy_truncate_away(),
            Action::Copy => self.copy(),
            Action::AppendToCopy(count) => self.append_to_copy(count),
            Action::Rewrite { lines, is_seen } => self.rewrite(lines, is_seen),
            Action::RewriteSame => self.rewrite_same(),
            Action::Shrink { percent, is_torn } => self.shrink(percent, is_torn),
            Action::Delete { is_seen } => self.delete(is_seen),
            Action::Step => self.step(),
            Action::Restart => self.bench.restart(),
            Action::Kill { calls, is_stored } => self.kill(calls, is_stored),
        }
    }

    pub(super) fn check(&mut self) {
        self.bench.settle();
        self.bench.assert_no_double();
        let stored: BTreeSet<i64> = self.bench.ids().into_iter().collect();
        let written: BTreeSet<i64> = self.bench.written.iter().copied().collect();
        let invented: Vec<_> = stored.difference(&written).collect();
        assert_eq!(invented, [] as [&i64; 0], "stored but never written");
        for (name, content) in &self.files {
            if self.is_covered(name) {
                self.must.extend(content.ids.iter().copied());
            }
        }
        let missing: Vec<_> = self.must.difference(&stored).collect();
        assert_eq!(missing, [] as [&i64; 0], "readable but not stored");
        let on_disk: BTreeSet<i64> = self.files.values().flat_map(|at| at.ids.clone()).collect();
        let is_lost = written
            .iter()
            .any(|id| !stored.contains(id) && !on_disk.contains(id));
        if is_lost && !self.is_blind {
            let gaps = self.bench.memory.stored().gaps();
            assert_ne!(gaps, [], "lost in silence");
        }
    }
}

//! The follower: one pass looks at every path, tells the files apart and reads what is new.
//!
//! It keeps no time and starts no timer: a pass is given its instant, so that tests need no sleep.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::{Generation, GenerationState, HashKey, Micros, NewGeneration, Timestamp};

use super::decompress::Packing;
use super::discover::expand;
use super::files::{Files, LocalFiles};
use super::identity::{FileId, FileKind, Known, Seen, Trace};
use super::pipe::Pipe;
use super::reader::Reader;
use super::worker::Work;
use super::{IngestError, SourceSpec};

/// How long a renamed file must be quiet before it is closed.
const ROTATED_IDLE: Micros = Micros(5_000_000);
/// How often folders and patterns are looked through.
const DISCOVER_EVERY: Micros = Micros(900_000);
/// How long a compressed file must be unchanged before it is taken as whole.
const PACKED_QUIET: Micros = Micros(1_000_000);
/// The longest pause between tries to open an unreadable file.
const RETRY_MAX: Micros = Micros(30_000_000);
/// How many files stay open between passes.
const HANDLES_MAX: usize = 200;

/// Where a pass sends its work.
pub(super) trait Out {
    /// Hands over work; blocks while the worker is behind.
    fn send(&mut self, work: Work) -> Result<(), IngestError>;
    /// Returns a buffer of `len` bytes.
    fn buffer(&mut self, len: usize) -> Vec<u8>;
    /// Tells whether the pass should end soon.
    fn is_stopped(&self) -> bool;
}

/// The instant of a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// Since the run started; never goes back.
    pub(super) elapsed: Micros,
    /// By the clock on the wall.
    pub(super) wall: Timestamp,
}

impl Now {
    /// An instant so long after the start of the run.
    pub(super) fn at(elapsed: Duration, wall: Timestamp) -> Self {
        let elapsed = Micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
        Self { elapsed, wall }
    }
}

/// What a follower has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Plain bytes read.
    pub(super) bytes: u64,
    /// Files that are damaged or no text.
    pub(super) damaged: u64,
}

impl Done {
    /// Returns both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            damaged: self.damaged.saturating_add(other.damaged),
        }
    }
}

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) bytes: u64,
    /// Whether a file has more to read right now.
    pub(super) has_more: bool,
    /// Whether everything was read, in a run that does not follow.
    pub(super) is_done: bool,
}

/// A path that is looked at in every pass.
pub(super) struct Watched {
    pub(super) label: String,
    pub(super) path: PathBuf,
    pub(super) is_named: bool,
    pub(super) state: &'static str,
    retry_at: Micros,
    retry_pause: Micros,
}

/// A generation that is being read.
pub(super) struct Tracked {
    pub(super) slot: usize,
    pub(super) label: String,
    /// The watched path it came from.
    pub(super) home: PathBuf,
    pub(super) path: PathBuf,
    pub(super) file: FileId,
    pub(super) size: u64,
    pub(super) modified: i128,
    pub(super) reader: Option<Reader>,
    pub(super) trace: Trace,
    pub(super) is_packed: bool,
    pub(super) is_at_path: bool,
    pub(super) is_rotated: bool,
    pub(super) is_finished: bool,
    pub(super) idle_since: Option<Micros>,
}

impl Tracked {
    /// Tells whether its decoder holds memory.
    pub(super) fn is_unpacking(&self) -> bool {
        matches!(&self.reader, Some(Reader::Packed(packed)) if packed.is_started())
    }
}

/// A file that ends before its bytes do.
#[derive(Debug, Clone)]
pub(super) struct Damage {
    pub(super) label: String,
    pub(super) path: PathBuf,
    /// How far it was read, in plain bytes.
    pub(super) offset: u64,
    pub(super) reason: String,
}

/// Follows every source of a run.
pub(super) struct Follower {
    pub(super) files: Box<dyn Files>,
    pub(super) is_following: bool,
    pub(super) key: HashKey,
    pub(super) specs: Vec<SourceSpec>,
    pub(super) watched: BTreeMap<PathBuf, Watched>,
    pub(super) tracked: Vec<Tracked>,
    pub(super) known: Vec<Known>,
    pub(super) pipes: Vec<Pipe>,
    /// Files that need no second look until they change.
    pub(super) settled: HashMap<FileId, Seen>,
    /// Compressed files, and since when they are as they are.
    pub(super) quiet: HashMap<FileId, (Seen, Micros)>,
    /// The siblings of a path at the last scan.
    pub(super) baseline: HashMap<PathBuf, HashSet<(FileId, u64, i128)>>,
    /// The last change of the file that left a path last: what is older was there before it.
    pub(super) departed: HashMap<PathBuf, i128>,
    /// Compressed siblings that came since the start but were not whole yet, with the last change
    /// of the file that had left their path by then.
    pub(super) awaited: HashMap<FileId, i128>,
    /// Paths whose siblings are looked through again.
    pub(super) rescan: HashSet<PathBuf>,
    pub(super) bytes_done: u64,
    pub(super) damaged: u64,
    /// Files that are damaged as they stand now.
    pub(super) damage: BTreeMap<FileId, Damage>,
    /// The wall clock of the first pass, in nanoseconds.
    pub(super) started: i128,
    discovered: Option<Micros>,
    /// Whether a pass is over: what turns into no file later does not end the run.
    is_started: bool,
    wake: Arc<Notify>,
}

impl Follower {
    /// Starts on this machine's disk with the generations that the sink knows.
    pub(super) fn new(
        specs: Vec<SourceSpec>,
        is_following: bool,
        key: HashKey,
        known: &[Generation],
        wake: Arc<Notify>,
    ) -> Self {
        Self::over(Box::new(LocalFiles), specs, is_following, key, known, wake)
    }

    /// Starts on any disk.
    pub(super) fn over(
        files: Box<dyn Files>,
        specs: Vec<SourceSpec>,
        is_following: bool,
        key: HashKey,
        known: &[Generation],
        wake: Arc<Notify>,
    ) -> Self {
        Self {
            files,
            is_following,
            key,
            specs,
            watched: BTreeMap::new(),
            tracked: Vec::new(),
            known: known.iter().map(Known::from_store).collect(),
            pipes: Vec::new(),
            settled: HashMap::new(),
            quiet: HashMap::new(),
            baseline: HashMap::new(),
            departed: HashMap::new(),
            awaited: HashMap::new(),
            rescan: HashSet::new(),
            bytes_done: 0,
            damaged: 0,
            damage: BTreeMap::new(),
            started: 0,
            discovered: None,
            is_started: false,
            wake,
        }
    }

    /// Makes one pass.
    pub(super) fn step(&mut self, now: Now, out: &mut dyn Out) -> Result<Pass, IngestError> {
        self.discover(now, out)?;
        let looks = self.look(now, out)?;
        self.is_started = true;
        self.place(&looks, now, out)?;
        self.check_truncated(&looks, now, out)?;
        self.check_departed(now, out)?;
        for path in std::mem::take(&mut self.rescan) {
            self.scan(&path, now, out)?;
        }
        for (path, seen) in &looks {
            if !out.is_stopped() && !self.is_tracked(seen.id) {
                self.meet(path, seen, now, out)?;
            }
        }
        let mut pass = self.read_all(now, out)?;
        pass.bytes += self.read_pipes(now, out)?;
        if pass.bytes > 0 {
            out.send(Work::Flush)?;
        }
        self.close_handles();
        pass.is_done = !self.is_following
            && self.tracked.iter().all(|at| at.is_finished)
            && self.pipes.iter().all(|pipe| pipe.is_closed);
        Ok(pass)
    }

    pub(super) fn is_packed(&mut self, path: &Path) -> bool {
        Packing::of(self.files.as_mut(), path).is_some()
    }

    /// Returns what was done so far.
    pub(super) fn done(&self) -> Done {
        Done {
            bytes: self.bytes_done,
            damaged: self.damaged,
        }
    }

    pub(super) fn is_tracked(&self, id: FileId) -> bool {
        self.tracked.iter().any(|at| at.file == id)
    }

    fn discover(&mut self, now: Now, out: &mut dyn Out) -> Result<(), IngestError> {
        let is_first = self.discovered.is_none();
        if is_first {
            self.started = i128::from(self.files.clock(now.wall).0) * 1_000;
        }
        let is_due = self
            .discovered
            .is_none_or(|at| now.elapsed.0.saturating_sub(at.0) >= DISCOVER_EVERY.0);
        if !is_due || (!is_first && !self.is_following) {
            return Ok(());
        }
        self.discovered = Some(now.elapsed);
        // While a path is empty, a file can come and be renamed away between two passes.
        let is_away = |at: &&Watched| at.is_named && at.state == "waiting for file";
        if !self.known.is_empty() {
            let away = self.watched.values().filter(is_away);
            self.rescan.extend(away.map(|at| at.path.clone()));
        }
        for spec in self.specs.clone() {
            let label = spec.label();
            if spec == SourceSpec::Stdin {
                if is_first {
                    self.open_pipe(label, || Ok(Box::new(io::stdin())), out)?;
                }
                continue;
            }
            let found = expand(self.files.as_mut(), &spec);
            if found.is_empty() && is_first && !self.is_following {
                return Err(IngestError::NoMatch { pattern: label });
            }
            for path in found {
                let is_named = matches!(&spec, SourceSpec::File(named) if *named == path);
                if is_named && !self.known.is_empty() && !self.watched.contains_key(&path) {
                    // The file may have been renamed away while nobody looked.
                    self.rescan.insert(path.clone());
                }
                self.watched.entry(path.clone()).or_insert_with(|| Watched {
                    label: label.clone(),
                    path,
                    is_named,
                    state: "waiting for file",
                    retry_at: Micros(0),
                    retry_pause: Micros::SECOND,
                });
            }
        }
        Ok(())
    }

    fn open_pipe(
        &mut self,
        label: String,
        open: impl FnOnce() -> io::Result<Box<dyn io::Read + Send>> + Send + 'static,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let slot = self.known.len();
        let nowhere = FileId {
            device: 0,
            inode: 0,
        };
        out.send(Work::Open(new_generation(
            &label,
            Path::new(&label),
            nowhere,
            false,
        )))?;
        self.known.push(unread(&label, nowhere, false));
        let wake = Arc::clone(&self.wake);
        self.pipes.push(Pipe::start(slot, label, open, wake)?);
        Ok(())
    }

    /// Looks at every path; returns the regular files in order.
    fn look(&mut self, now: Now, out: &mut dyn Out) -> Result<Vec<(PathBuf, Seen)>, IngestError> {
        let mut looks = Vec::new();
        let mut fifos = Vec::new();
        for watched in self.watched.values_mut() {
            let seen = match self.files.look(&watched.path) {
                Ok(seen) => seen,
                Err(cause) => {
                    let is_fatal = !self.is_following && watched.is_named;
                    watched.state = match cause.kind() {
                        io::ErrorKind::NotFound => "waiting for file",
                        io::ErrorKind::PermissionDenied => "permission denied",
                        _ => "cannot be opened",
                    };
                    let was_read = self.tracked.iter().any(|at| at.home == watched.path);
                    if is_fatal && !was_read {
                        return Err(no_file(&watched.path, cause));
                    }
                    continue;
                }
            };
            match seen.kind {
                FileKind::Regular if now.elapsed >= watched.retry_at => {
                    looks.push((watched.path.clone(), seen));
                }
                FileKind::Regular => {}
                FileKind::Fifo if watched.is_named => {
                    if watched.state != "reading pipe" {
                        watched.state = "reading pipe";
                        fifos.push(watched.path.clone());
                    }
                }
                FileKind::Folder => watched.state = "folder",
                kind if watched.is_named && !self.is_started => {
                    return Err(IngestError::NotAFile {
                        path: watched.path.clone(),
                        kind: if kind == FileKind::Socket {
                            "socket"
                        } else {
                            "device"
                        },
                    });
                }
                _ => watched.state = "not a file",
            }
        }
        for path in fifos {
            let label = path.to_string_lossy().into_owned();
            // Opened in the pipe's own thread, because opening waits for a writer.
            let open = move || -> io::Result<Box<dyn io::Read + Send>> {
                Ok(Box::new(fs::File::open(path)?))
            };
            self.open_pipe(label, open, out)?;
        }
        Ok(looks)
    }

    /// Notes which generations still stand at a watched path, and under which name.
    fn place(
        &mut self,
        looks: &[(PathBuf, Seen)],
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let mut by_file: HashMap<FileId, Vec<(&PathBuf, &Seen)>> = HashMap::new();
        for (path, seen) in looks {
            by_file.entry(seen.id).or_default().push((path, seen));
        }
        for at in &mut self.tracked {
            let places = by_file.get(&at.file).map_or(&[][..], Vec::as_slice);
            at.is_at_path = !places.is_empty();
            let Some((first, seen)) = places.first() else {
                continue;
            };
            at.size = seen.size;
            if let Some(watched) = self.watched.get_mut(*first) {
                watched.state = "following";
            }
            if !places.iter().any(|(path, _)| **path == at.path) || at.is_rotated {
                at.is_rotated = false;
                at.idle_since = None;
                at.path.clone_from(first);
                at.home.clone_from(first);
                if !at.is_finished {
                    out.send(mark(at, GenerationState::Open, now))?;
                }
            }
        }
        Ok(())
    }

    fn check_departed(&mut self, now: Now, out: &mut dyn Out) -> Result<(), IngestError> {
        let mut homes: Vec<(PathBuf, i128)> = Vec::new();
        for at in &mut self.tracked {
            if at.is_at_path || at.is_rotated || at.is_finished || at.is_packed {
                continue;
            }
            let is_unreadable = self
                .watched
                .get(&at.home)
                .is_some_and(|watched| watched.state == "permission denied");
            if is_unreadable {
                continue;
            }
            at.is_rotated = true;
            at.idle_since = None;
            if let Some(seen) = at.reader.as_ref().and_then(Reader::seen) {
                at.modified = seen.modified;
            }
            homes.push((at.home.clone(), at.modified));
            out.send(mark(at, GenerationState::Rotated, now))?;
        }
        for (home, modified) in homes {
            self.departed.insert(home.clone(), modified);
            self.scan(&home, now, out)?;
        }
        Ok(())
    }

    /// Meets a file that is not being read: a known one, a copy, or a new one.
    fn meet(
        &mut self,
        path: &Path,
        seen: &Seen,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        if self
            .settled
            .get(&seen.id)
            .is_some_and(|last| last.is_unchanged(seen))
        {
            return Ok(());
        }
        let is_packed = self.is_packed(path);
        if is_packed && !self.is_quiet(seen, now) {
            return Ok(());
        }
        if let Err(cause) = self.files.open(path) {
            return self.refuse(path, cause, now);
        }
        let label = match self.watched.get_mut(path) {
            Some(watched) => {
                watched.state = "following";
                watched.retry_pause = Micros::SECOND;
                watched.label.clone()
            }
            None => path.to_string_lossy().into_owned(),
        };
        if !is_packed
            && self
                .watched
                .get(path)
                .is_some_and(|watched| watched.is_named)
        {
            self.scan(path, now, out)?;
        }
        self.take_up(&label, path, path, seen, false, out)
    }

    fn refuse(&mut self, path: &Path, cause: io::Error, now: Now) -> Result<(), IngestError> {
        let Some(watched) = self.watched.get_mut(path) else {
            return Ok(());
        };
        if cause.kind() == io::ErrorKind::NotFound {
            return Ok(());
        }
        watched.state = if cause.kind() == io::ErrorKind::PermissionDenied {
            "permission denied"
        } else {
            "cannot be opened"
        };
        if !self.is_following && watched.is_named {
            return Err(no_file(path, cause));
        }
        watched.retry_at = Micros(now.elapsed.0.saturating_add(watched.retry_pause.0));
        watched.retry_pause = watched.retry_pause.times(2).min(RETRY_MAX);
        Ok(())
    }

    /// Tells whether a compressed file has been left alone long enough to be whole.
    pub(super) fn is_quiet(&mut self, seen: &Seen, now: Now) -> bool {
        if !self.is_following {
            return true;
        }
        match self.quiet.get(&seen.id) {
            Some((last, since)) if last.is_unchanged(seen) => {
                now.elapsed.0.saturating_sub(since.0) >= PACKED_QUIET.0
            }
            _ => {
                self.quiet.insert(seen.id, (*seen, now.elapsed));
                false
            }
        }
    }

    /// Ends a generation and remembers where.
    pub(super) fn close(
        &mut self,
        idx: usize,
        state: GenerationState,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let at = self.tracked.remove(idx);
        if let Some(known) = self.known.get_mut(at.slot) {
            known.remember(&at.trace, state, self.key);
            known.file = at.file;
        }
        out.send(Work::Close {
            slot: at.slot,
            state,
            read_at: now.wall,
        })
    }

    /// Tells whether a rotated file was quiet long enough.
    pub(super) fn is_over(&self, at: &Tracked, now: Now) -> bool {
        !self.is_following
            || at
                .idle_since
                .is_some_and(|since| now.elapsed.0.saturating_sub(since.0) >= ROTATED_IDLE.0)
    }

    fn close_handles(&mut self) {
        let open = self.tracked.iter().filter(|at| at.reader.is_some()).count();
        let excess = open.saturating_sub(HANDLES_MAX);
        let closable = self
            .tracked
            .iter_mut()
            .filter(|at| at.reader.is_some() && at.is_at_path && !at.is_packed);
        for at in closable.take(excess) {
            at.reader = None;
        }
    }
}

fn mark(at: &Tracked, state: GenerationState, now: Now) -> Work {
    Work::Mark {
        slot: at.slot,
        state,
        renamed_to: Some(at.path.to_string_lossy().into_owned()),
        read_at: now.wall,
    }
}

fn no_file(path: &Path, cause: io::Error) -> IngestError {
    let path = path.to_owned();
    if cause.kind() == io::ErrorKind::NotFound {
        IngestError::Missing { path }
    } else {
        IngestError::Unreadable { path, cause }
    }
}

/// Describes a generation about to be opened.
pub(super) fn new_generation(
    label: &str,
    path: &Path,
    file: FileId,
    is_compressed: bool,
) -> NewGeneration {
    NewGeneration {
        source: label.to_owned(),
        path: path.to_string_lossy().into_owned(),
        device: file.device,
        inode: file.inode,
        is_compressed,
    }
}

/// Describes a generation of which nothing was read.
pub(super) fn unread(path: &str, file: FileId, is_compressed: bool) -> Known {
    Known {
        path: path.to_owned(),
        file,
        offset: 0,
        head: crate::model::Fingerprint::default(),
        tail: crate::model::Fingerprint::default(),
        state: GenerationState::Open,
        is_compressed,
    }
}

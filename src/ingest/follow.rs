//! The follower: one pass looks at every path, tells the files apart and reads what is new.
//!
//! It keeps no time and starts no timer: a pass is given its instant, so that tests need no sleep. The steps
//! of a pass stand in `watch` (paths), `scan` (what rotations left), `recognise` (whose bytes these are),
//! `cut` (files that were cut, rewritten or are gone) and `turn` (reading).
//!
//! Looking is the mechanism: there is no notification that could be missed or run out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use tokio::sync::Notify;

use crate::model::{
    GapCause, Generation, GenerationState, HashKey, Look, Micros, NewGeneration, Timestamp,
};

use super::catalogue::{Catalogue, Known};
use super::compare::Shared;
use super::decompress::is_packed_name;
use super::identity::{FileId, Seen, Trace};
use super::open::open_file;
use super::pipe::Pipe;
use super::reader::Reader;
use super::recognise::Match;
use super::worker::{Loss, Work};
use super::{IngestError, SourceSpec};

/// How long a renamed file must be quiet before it is closed.
const ROTATED_IDLE: Micros = Micros(5_000_000);
/// How long a compressed file must be unchanged before it is taken as whole.
const PACKED_QUIET: Micros = Micros(1_000_000);
/// How many files stay open between passes.
const HANDLES_MAX: usize = 200;

/// The state of a path without a file.
pub(super) const WAITING: &str = "waiting for file";

/// Where a pass sends its work.
pub(super) trait Out {
    /// Hands over work; blocks while the worker is behind.
    fn send(&mut self, work: Work) -> Result<(), IngestError>;
    /// Returns a buffer of `len` bytes.
    fn buffer(&mut self, len: usize) -> Vec<u8>;
    /// Tells whether the pass should end soon.
    fn is_stopped(&self) -> bool;

    /// Asks how many lines a file shares with a generation from the start on.
    fn compare(&mut self, slot: usize, reader: Reader) -> Result<Shared, IngestError> {
        let (reply, answer) = sync_channel(1);
        self.send(Work::Compare {
            slot,
            reader,
            reply,
        })?;
        answer.recv().map_err(|_| IngestError::WorkerLost)
    }
}

/// The instant of a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// Since the run started; never goes back.
    pub(super) elapsed: Micros,
    /// By the clock on the wall.
    pub(super) wall: Timestamp,
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
    pub(super) retry_at: Micros,
    pub(super) retry_pause: Micros,
    /// Since when there is no file.
    pub(super) missing_since: Option<Micros>,
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
    /// The first bytes of a file of which nothing was read yet.
    pub(super) first: Vec<u8>,
    /// Whether its first bytes were compared with what is known.
    pub(super) is_judged: bool,
    pub(super) is_packed: bool,
    pub(super) is_at_path: bool,
    pub(super) is_rotated: bool,
    pub(super) is_finished: bool,
    pub(super) idle_since: Option<Micros>,
}

impl Tracked {
    /// How the file looks in the units of the trace.
    pub(super) fn look(&self) -> Look {
        if self.is_packed {
            return Look::default();
        }
        Look {
            size: self.size,
            modified: i64::try_from(self.modified).unwrap_or_default(),
        }
    }
}

/// Follows every source of a run.
pub(super) struct Follower {
    pub(super) is_following: bool,
    pub(super) key: HashKey,
    pub(super) specs: Vec<SourceSpec>,
    pub(super) watched: BTreeMap<PathBuf, Watched>,
    pub(super) tracked: Vec<Tracked>,
    pub(super) catalogue: Catalogue,
    /// Those of these sources that were unfinished at the start and not found yet.
    pub(super) unsettled: Vec<usize>,
    pub(super) pipes: Vec<Pipe>,
    /// Files that need no second look until they change.
    pub(super) settled: HashMap<FileId, Settled>,
    /// Compressed files, and since when they are as they are.
    pub(super) quiet: HashMap<FileId, (Seen, Micros)>,
    /// The names in folders that were asked for in this pass.
    pub(super) listings: HashMap<PathBuf, Vec<String>>,
    /// Whether a compressed file is not quiet yet.
    pub(super) is_awaiting: bool,
    /// Folders with files that may be rotated: when their entries changed last, and whether they are
    /// looked through once more, for changes within the same tick of the clock.
    pub(super) folders: HashMap<PathBuf, (i128, bool)>,
    /// Paths whose siblings are looked through again.
    pub(super) rescan: HashSet<PathBuf>,
    /// Whether a file waits for another one's turn.
    pub(super) is_waiting: bool,
    /// What was read before the files had their turn.
    pub(super) read_early: Pass,
    pub(super) bytes_done: u64,
    pub(super) damaged: u64,
    pub(super) discovered: Option<Micros>,
    pub(super) wake: Arc<Notify>,
}

impl Follower {
    /// Starts with the generations that the sink knows.
    pub(super) fn new(
        specs: Vec<SourceSpec>,
        is_following: bool,
        key: HashKey,
        known: &[Generation],
        wake: Arc<Notify>,
    ) -> Self {
        let labels: HashSet<String> = specs.iter().map(SourceSpec::label).collect();
        let mut unsettled = Vec::new();
        for (slot, generation) in known.iter().enumerate() {
            let is_unfinished = matches!(
                generation.state,
                GenerationState::Open | GenerationState::Rotated
            );
            if is_unfinished && labels.contains(&generation.label) && generation.inode != 0 {
                unsettled.push(slot);
            }
        }
        Self {
            is_following,
            key,
            specs,
            watched: BTreeMap::new(),
            tracked: Vec::new(),
            catalogue: Catalogue::from_store(known),
            unsettled,
            pipes: Vec::new(),
            settled: HashMap::new(),
            quiet: HashMap::new(),
            listings: HashMap::new(),
            is_awaiting: false,
            folders: HashMap::new(),
            rescan: HashSet::new(),
            is_waiting: false,
            read_early: Pass::default(),
            bytes_done: 0,
            damaged: 0,
            discovered: None,
            wake,
        }
    }

    /// Makes one pass.
    pub(super) fn step(&mut self, now: Now, out: &mut dyn Out) -> Result<Pass, IngestError> {
        self.is_waiting = false;
        self.is_awaiting = false;
        self.listings.clear();
        self.discover(now, out)?;
        let looks = self.look(now, out)?;
        self.look_at_folders();
        self.place(&looks, now, out)?;
        self.check_cut(&looks, now, out)?;
        self.check_departed(now, out)?;
        self.greet_known(&looks, now, out)?;
        for path in std::mem::take(&mut self.rescan) {
            self.scan(&path, now, out)?;
        }
        self.meet_all(&looks, now, out)?;
        // Older generations first, so that a logical stream stays in order.
        self.tracked.sort_by_key(|at| at.slot);
        let mut pass = self.read_all(now, out)?;
        pass.bytes += self.read_pipes(now, out)?;
        if pass.bytes > 0 {
            out.send(Work::Flush)?;
        }
        self.close_handles();
        pass.is_done = !self.is_following
            && !self.is_waiting
            && self.tracked.iter().all(|at| at.is_finished)
            && self.pipes.iter().all(|pipe| pipe.is_closed);
        self.settle_absent(pass, now, out)?;
        Ok(pass)
    }

    pub(super) fn tracked_at(&self, slot: usize) -> Option<&Tracked> {
        self.tracked.iter().find(|at| at.slot == slot)
    }

    pub(super) fn is_tracked(&self, id: FileId) -> bool {
        self.tracked.iter().any(|at| at.file == id)
    }

    fn check_departed(&mut self, now: Now, out: &mut dyn Out) -> Result<(), IngestError> {
        let mut homes: Vec<PathBuf> = Vec::new();
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
            self.catalogue.set_state(at.slot, GenerationState::Rotated);
            homes.push(at.home.clone());
            out.send(mark(at, GenerationState::Rotated, now))?;
        }
        for home in homes {
            self.scan(&home, now, out)?;
        }
        Ok(())
    }

    /// Meets the files that were being read when the last run ended: before any copy of them is met.
    fn greet_known(
        &mut self,
        looks: &[(PathBuf, Seen)],
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        for (path, seen) in looks {
            let is_due = !is_packed_name(path)
                && self.catalogue.of_file(seen.id).next().is_some()
                && !self.is_tracked(seen.id)
                && !self.is_settled(seen);
            if !is_due {
                continue;
            }
            let found = self.recognise(path, seen, now, out)?;
            let is_itself = matches!(&found, Match::Known(slot, _) | Match::Unread(slot, _)
                if self.is_its_file(*slot, seen.id));
            if is_itself && open_file(path).is_ok() {
                let place = self.place_of(path, seen);
                self.act(found, &place, now, out)?;
            }
        }
        Ok(())
    }

    /// Meets the files that are not being read.
    fn meet_all(
        &mut self,
        looks: &[(PathBuf, Seen)],
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let mut rewritten = Vec::new();
        // Older files first: files of a folder may be rotations of each other.
        let mut looks: Vec<&(PathBuf, Seen)> = looks.iter().collect();
        looks.sort_by_key(|(path, seen)| (seen.modified, Reverse(path.as_os_str().len()), path));
        for (path, seen) in looks {
            if out.is_stopped() || self.is_tracked(seen.id) {
                continue;
            }
            if let Some(place) = self.meet(path, seen, now, out)? {
                rewritten.push(place);
            }
        }
        // Last, because what they held may live on in a copy.
        for place in rewritten {
            self.take_up(&place, now, out)?;
        }
        Ok(())
    }

    /// Meets a file that is not being read: a known one, a copy, or a new one. One that was rewritten is
    /// returned.
    fn meet(
        &mut self,
        path: &Path,
        seen: &Seen,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<Option<Place>, IngestError> {
        if self.is_settled(seen) {
            return Ok(None);
        }
        let is_packed = is_packed_name(path);
        if is_packed && !self.is_quiet(seen, now) {
            return Ok(None);
        }
        if let Err(cause) = open_file(path) {
            self.refuse(path, cause, now)?;
            return Ok(None);
        }
        let place = self.place_of(path, seen);
        if !is_packed && self.leaves_siblings(path) {
            self.scan(path, now, out)?;
        }
        if self.is_tracked(seen.id) {
            return Ok(None);
        }
        let found = self.recognise(path, seen, now, out)?;
        if matches!(found, Match::Rewritten(..)) {
            return Ok(Some(place));
        }
        self.act(found, &place, now, out)?;
        Ok(None)
    }

    /// Describes where a file stands that is about to be read under its own path.
    fn place_of(&mut self, path: &Path, seen: &Seen) -> Place {
        let label = match self.watched.get_mut(path) {
            Some(watched) => {
                watched.state = "following";
                watched.retry_pause = Micros::SECOND;
                watched.label.clone()
            }
            None => path.to_string_lossy().into_owned(),
        };
        Place {
            label,
            home: path.to_owned(),
            path: path.to_owned(),
            seen: *seen,
            is_rotated: false,
        }
    }

    /// Tells whether a file needs no second look.
    pub(super) fn is_settled(&self, seen: &Seen) -> bool {
        self.verdict_on(seen).is_some()
    }

    /// Returns why a file needs no second look.
    pub(super) fn verdict_on(&self, seen: &Seen) -> Option<Verdict> {
        let settled = self.settled.get(&seen.id)?;
        let holds = match settled.verdict {
            Verdict::AliasOf(slot) => self.tracked_at(slot).is_some(),
            Verdict::Read | Verdict::StartOfKnown => true,
        };
        (holds && settled.seen.is_unchanged(seen)).then_some(settled.verdict)
    }

    /// Notes that a file needs no second look until it changes.
    pub(super) fn settle(&mut self, seen: Seen, verdict: Verdict) {
        self.settled.insert(seen.id, Settled { seen, verdict });
    }

    /// Tells whether a compressed file has been left alone long enough to be whole.
    pub(super) fn is_quiet(&mut self, seen: &Seen, now: Now) -> bool {
        if !self.is_following {
            return true;
        }
        let is_quiet = match self.quiet.get(&seen.id) {
            Some((last, since)) if last.is_unchanged(seen) => {
                now.elapsed.0.saturating_sub(since.0) >= PACKED_QUIET.0
            }
            _ => {
                self.quiet.insert(seen.id, (*seen, now.elapsed));
                false
            }
        };
        self.is_awaiting |= !is_quiet;
        is_quiet
    }

    /// Ends a generation and remembers where, and what may be lost behind its end.
    pub(super) fn close(
        &mut self,
        idx: usize,
        state: GenerationState,
        loss: Option<Loss>,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let at = self.tracked.remove(idx);
        self.catalogue.moved(at.slot, &at.path, at.file);
        self.catalogue.set_state(at.slot, state);
        // A copy that ends before its original did: what was seen of the rest is lost.
        let unread = self.catalogue.get(at.slot).and_then(Known::unread);
        let loss = loss.or(unread.map(|to| Loss {
            to: Some(to),
            cause: GapCause::Truncated,
        }));
        out.send(Work::Close {
            slot: at.slot,
            state,
            loss,
            read_at: now.wall,
        })
    }

    /// Tells whether a rotated file is done with: it was quiet, and has a successor or no name left.
    /// Until then its router may not have let go of it.
    pub(super) fn is_over(&self, at: &Tracked, now: Now) -> bool {
        if !self.is_following {
            return true;
        }
        let is_quiet = at
            .idle_since
            .is_some_and(|since| now.elapsed.0.saturating_sub(since.0) >= ROTATED_IDLE.0);
        let is_deleted = at
            .reader
            .as_ref()
            .and_then(Reader::seen)
            .is_none_or(|seen| seen.links == 0);
        let is_alone = self
            .watched
            .get(&at.home)
            .is_some_and(|watched| watched.state == WAITING);
        is_quiet && (is_deleted || !is_alone)
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

/// A file that needs no second look until it changes.
pub(super) struct Settled {
    seen: Seen,
    verdict: Verdict,
}

/// Why a file needs no second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was read to its end.
    Read,
    /// It is a copy of a generation, as long as that is being read.
    AliasOf(usize),
    /// All its lines are the first ones of a generation.
    StartOfKnown,
}

/// Where a file stands that is taken up.
pub(super) struct Place {
    pub(super) label: String,
    /// The watched path it belongs to.
    pub(super) home: PathBuf,
    pub(super) path: PathBuf,
    pub(super) seen: Seen,
    /// Whether it left its home.
    pub(super) is_rotated: bool,
}

impl Place {
    /// Describes the generation about to be opened there.
    pub(super) fn new_generation(&self) -> NewGeneration {
        NewGeneration {
            home: self.home.to_string_lossy().into_owned(),
            ..new_generation(&self.label, &self.path, self.seen.id)
        }
    }
}

pub(super) fn mark(at: &Tracked, state: GenerationState, now: Now) -> Work {
    Work::Mark {
        slot: at.slot,
        state,
        renamed_to: Some(at.path.to_string_lossy().into_owned()),
        read_at: now.wall,
    }
}

/// Describes a generation about to be opened.
pub(super) fn new_generation(label: &str, path: &Path, file: FileId) -> NewGeneration {
    NewGeneration {
        source: label.to_owned(),
        home: path.to_string_lossy().into_owned(),
        path: path.to_string_lossy().into_owned(),
        device: file.device,
        inode: file.inode,
        born: file.born,
        is_compressed: is_packed_name(path),
        compared_with: None,
        since: 0,
    }
}

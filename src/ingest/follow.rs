//! The follower: one pass looks at every path, tells the files apart and reads what is new.
//!
//! It keeps no time and starts no timer: a pass is given its instant, so that tests need no sleep. The steps
//! of a pass stand in `watch` (paths), `scan` (what rotations left), `recognise` (whose bytes these are),
//! `cut` (files that were cut, rewritten or are gone) and `turn` (reading).
//!
//! Looking is the mechanism: there is no notification that could be missed or run out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::model::{GapCause, Generation, GenerationState, HashKey, Micros, Timestamp};

use super::catalogue::{Catalogue, Known};
use super::decompress::Packing;
use super::files::{Files, LocalFiles};
use super::identity::{FileId, Seen};
use super::matching::Match;
use super::pass::{Done, Now, Out, Pass};
use super::pipe::Pipe;
use super::place::{Place, Settled, Verdict};
use super::reader::Reader;
use super::tracked::{Damage, Tracked, WAITING, Watched, mark};
use super::work::{Loss, Work};
use super::{IngestError, SourceSpec};

/// How long a renamed file must be quiet before it is closed.
const ROTATED_IDLE: Micros = Micros(5_000_000);
/// How long a compressed file must be unchanged before it is taken as whole.
const PACKED_QUIET: Micros = Micros(1_000_000);

/// Follows every source of a run.
pub(super) struct Follower {
    pub(super) files: Box<dyn Files>,
    pub(super) is_following: bool,
    pub(super) key: HashKey,
    pub(super) specs: Vec<SourceSpec>,
    pub(super) watched: BTreeMap<PathBuf, Watched>,
    pub(super) tracked: Vec<Tracked>,
    pub(super) catalogue: Catalogue,
    /// How many generations were known at the start.
    pub(super) known_before: usize,
    /// Those, by the path that they came from.
    pub(super) homes_before: HashMap<PathBuf, Vec<usize>>,
    pub(super) pipes: Vec<Pipe>,
    /// Files that need no second look until they change.
    pub(super) settled: HashMap<FileId, Settled>,
    /// The paths beside which copies of a generation stand.
    pub(super) copies: HashMap<usize, HashSet<PathBuf>>,
    /// Compressed files, and since when they are as they are.
    pub(super) quiet: HashMap<FileId, (Seen, Micros)>,
    /// Folders with files that may be rotated: when their entries changed last, and whether they are
    /// looked through once more, for changes within the same tick of the clock.
    pub(super) folders: HashMap<PathBuf, (i128, bool)>,
    /// Paths whose siblings are looked through again.
    pub(super) rescan: HashSet<PathBuf>,
    /// Whether a file waits for another one's turn.
    pub(super) is_waiting: bool,
    /// Whether the generations whose files are gone have been looked for.
    pub(super) is_settled: bool,
    pub(super) bytes_done: u64,
    pub(super) damaged: u64,
    /// Files that are damaged as they stand now.
    pub(super) damage: BTreeMap<FileId, Damage>,
    /// When the first pass was made.
    pub(super) started: Timestamp,
    /// When each source was first met in an earlier run.
    pub(super) met_before: HashMap<String, Timestamp>,
    pub(super) discovered: Option<Micros>,
    /// Whether a look is over: what turns into no file later does not end the run.
    pub(super) is_started: bool,
    pub(super) wake: Arc<Notify>,
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
        let mut met_before: HashMap<String, Timestamp> = HashMap::new();
        let mut homes_before: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (slot, generation) in known.iter().enumerate() {
            let home = PathBuf::from(&generation.home);
            homes_before.entry(home).or_default().push(slot);
            let met = met_before
                .entry(generation.label.clone())
                .or_insert(generation.opened_at);
            *met = generation.opened_at.min(*met);
        }
        Self {
            files,
            is_following,
            key,
            specs,
            watched: BTreeMap::new(),
            tracked: Vec::new(),
            catalogue: Catalogue::from_store(known),
            known_before: known.len(),
            homes_before,
            pipes: Vec::new(),
            settled: HashMap::new(),
            copies: HashMap::new(),
            quiet: HashMap::new(),
            folders: HashMap::new(),
            rescan: HashSet::new(),
            is_waiting: false,
            is_settled: false,
            bytes_done: 0,
            damaged: 0,
            damage: BTreeMap::new(),
            started: Timestamp(0),
            met_before,
            discovered: None,
            is_started: false,
            wake,
        }
    }

    /// Makes one pass.
    pub(super) fn step(&mut self, now: Now, out: &mut dyn Out) -> Result<Pass, IngestError> {
        self.is_waiting = false;
        self.discover(now, out)?;
        let looks = self.look(now, out)?;
        self.is_started = true;
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
            && self.rescan.is_empty()
            && self.tracked.iter().all(|at| at.is_finished)
            && self.pipes.iter().all(|pipe| pipe.is_closed);
        self.settle_absent(pass, now, out)?;
        Ok(pass)
    }

    pub(super) fn tracked_at(&self, slot: usize) -> Option<&Tracked> {
        self.tracked.iter().find(|at| at.slot == slot)
    }

    /// Returns what was done so far.
    pub(super) fn done(&self) -> Done {
        Done {
            bytes: self.bytes_done,
            damaged: self.damaged,
        }
    }

    pub(super) fn is_packed(&self, path: &Path) -> bool {
        Packing::of(self.files.as_ref(), path).is_some()
    }

    pub(super) fn is_tracked(&self, id: FileId) -> bool {
        self.tracked.iter().any(|at| at.file == id)
    }

    fn check_departed(&mut self, now: Now, out: &mut dyn Out) -> Result<(), IngestError> {
        let mut homes = Vec::new();
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
            let is_due = self.catalogue.of_file(seen.id).next().is_some()
                && !self.is_tracked(seen.id)
                && !self.is_settled(seen)
                && !self.is_packed(path);
            if !is_due {
                continue;
            }
            let found = self.recognise(path, seen, now);
            let is_itself = matches!(&found, Match::Known(slot, _) | Match::Unread(slot)
                if self.is_its_file(*slot, seen.id));
            if is_itself && self.files.open(path).is_ok() {
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
        let is_packed = self.is_packed(path);
        if is_packed && !self.is_quiet(seen, now) {
            return Ok(None);
        }
        if let Err(cause) = self.files.open(path) {
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
        let found = self.recognise(path, seen, now);
        if matches!(found, Match::Rewritten(_)) {
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
            is_packed: self.is_packed(path),
        }
    }

    /// Tells whether a file needs no second look.
    pub(super) fn is_settled(&self, seen: &Seen) -> bool {
        let Some(settled) = self.settled.get(&seen.id) else {
            return self.is_read_archive(seen);
        };
        let holds = match settled.verdict {
            Verdict::AliasOf(slot) => self.tracked_at(slot).is_some(),
            Verdict::Read => true,
        };
        holds && settled.seen.is_unchanged(seen)
    }

    /// Tells whether this is a compressed file that an earlier run has read to its end: it need not be
    /// unpacked to know.
    fn is_read_archive(&self, seen: &Seen) -> bool {
        let latest = self.catalogue.of_file(seen.id).next_back();
        latest.is_some_and(|(_, known)| {
            known.is_compressed
                && known.state == GenerationState::Finished
                && i128::from(known.look.modified) == seen.modified
        })
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
        if at.is_packed && state == GenerationState::Damaged {
            // The worker's checkpoint stands before the line that was not whole.
            self.catalogue.lose_sight(at.slot);
        } else {
            self.catalogue
                .reached(at.slot, &at.trace, at.look(), self.key);
        }
        self.catalogue.moved(at.slot, &at.path, at.file);
        self.catalogue.set_state(at.slot, state);
        // What was taken for its copy is looked at again.
        let copies = self.copies.remove(&at.slot);
        self.rescan.extend(copies.into_iter().flatten());
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

    /// Tells whether there are more files than may stay open: the others are opened for their turn only.
    pub(super) fn is_crowded(&self) -> bool {
        self.tracked.len() > self.files.handles_max()
    }

    fn close_handles(&mut self) {
        let open = self.tracked.iter().filter(|at| at.reader.is_some()).count();
        let excess = open.saturating_sub(self.files.handles_max());
        let closable = self
            .tracked
            .iter_mut()
            .filter(|at| at.reader.is_some() && at.is_at_path && !at.is_packed);
        for at in closable.take(excess) {
            at.reader = None;
        }
    }
}

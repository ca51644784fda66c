//! The follower's search beside a path: what did rotations leave there, and where does reading start.

use std::path::{Path, PathBuf};

use crate::model::{GapCause, GenerationState};

use super::IngestError;
use super::catalogue::Known;
use super::discover::{Sibling, siblings};
use super::files::Files;
use super::follow::{Follower, Now, Out, Siblings, Tracked};
use super::identity::{Seen, Trace};
use super::matching::Match;
use super::place::{Place, Verdict};
use super::reader::head_of;
use super::recognise::packed_head;
use super::turn::open_reader;
use super::work::{Loss, Work};

/// How a new generation starts.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// All its lines are new.
    Fresh,
    /// The lines that it shares with another one from the start on are skipped.
    Repeating(usize),
}

/// A look at the siblings of a path.
struct Search {
    label: String,
    /// The path.
    home: PathBuf,
    /// What was changed before that had left the path, or was beside it, before.
    since: i128,
    /// Whether a file was met that was read before: those after it came later.
    has_anchor: bool,
    /// Files with the name of a rotation that nothing is known of; with the last change before them, when
    /// they were awaited since they came.
    strangers: Vec<(Place, Option<i128>)>,
    /// What was there at the last look; `None`: this is the first, and nothing is missing from the path.
    before: Option<Siblings>,
    now: Siblings,
}

impl Search {
    fn is_new(&self, seen: &Seen) -> bool {
        let was_there = |before: &Siblings| before.contains(&(seen.id, seen.size, seen.modified));
        self.before
            .as_ref()
            .is_some_and(|before| !was_there(before))
    }
}

impl Follower {
    /// Finds what rotations left beside `home`: known generations to be finished, and files that came and
    /// went between two passes, which are newer than the file that left `home` last.
    pub(super) fn scan(
        &mut self,
        home: &Path,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let label = self.watched.get(home).map_or_else(
            || home.to_string_lossy().into_owned(),
            |at| at.label.clone(),
        );
        let missing = self.missing_from(home);
        let before = self.baseline.remove(home);
        let mut search = Search {
            label,
            home: home.to_owned(),
            // What came beside a path that nothing has left yet must have come since the start.
            since: self
                .departed
                .get(home)
                .copied()
                .or(missing)
                .unwrap_or(self.started),
            has_anchor: false,
            strangers: Vec::new(),
            before: before.or(missing.map(|_| Siblings::new())),
            now: Siblings::new(),
        };
        for sibling in siblings(self.files.as_ref(), home) {
            self.meet_sibling(sibling, &mut search, now, out)?;
        }
        self.admit_strangers(search, now, out)
    }

    /// Returns the last change of a file that came from `home` and cannot be found at it, nor is being read.
    fn missing_from(&self, home: &Path) -> Option<i128> {
        let at_home = self.files.look(home).ok();
        self.left_unfinished
            .get(home)?
            .iter()
            .filter_map(|slot| Some((*slot, self.catalogue.get(*slot)?)))
            .filter(|(slot, known)| {
                known.is_unfinished()
                    && at_home.is_none_or(|seen| seen.id != known.file)
                    && self.tracked_at(*slot).is_none()
            })
            .map(|(_, known)| i128::from(known.look.modified))
            .max()
    }

    fn meet_sibling(
        &mut self,
        sibling: Sibling,
        search: &mut Search,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let (path, seen) = (sibling.path, sibling.seen);
        if let Some(at) = self.tracked.iter_mut().find(|at| at.file == seen.id) {
            search.has_anchor = true;
            if at.path != path && !self.watched.contains_key(&at.path) || at.is_rotated {
                self.note_rename(&path, &seen, now, out)?;
            }
            return Ok(());
        }
        if self.watched.contains_key(&path) {
            return Ok(());
        }
        // A file that was read before is no stranger, whatever became of its bytes.
        search.has_anchor |= self.catalogue.of_file(seen.id).next().is_some();
        if let Some(verdict) = self.verdict_on(&seen) {
            search.has_anchor |= verdict != Verdict::StartOfKnown;
            return Ok(());
        }
        let is_packed = self.is_packed(&path);
        if is_packed && !self.is_quiet(&seen, now) {
            self.rescan.insert(search.home.clone());
            if search.is_new(&seen) {
                self.awaited.entry(seen.id).or_insert(search.since);
            }
            return Ok(());
        }
        let awaited = self.awaited.remove(&seen.id);
        search.now.insert((seen.id, seen.size, seen.modified));
        let place = Place {
            label: search.label.clone(),
            home: search.home.clone(),
            path,
            seen,
            is_rotated: true,
            is_packed,
        };
        match self.recognise(&place.path, &seen, now, out)? {
            Match::Known(slot, trace) => {
                search.has_anchor = true;
                let is_more = self.catalogue.get(slot).is_some_and(|known| {
                    known.is_unfinished() || (!is_packed && seen.size > trace.offset())
                });
                if is_more {
                    self.attach(slot, trace, &place, out)?;
                }
            }
            found @ (Match::New | Match::Alike(_)) => {
                if sibling.is_rotation && search.has_anchor {
                    self.act(found, &place, now, out)?;
                } else if sibling.is_rotation {
                    search.strangers.push((place, awaited));
                }
            }
            found => {
                search.has_anchor |= !matches!(found, Match::StartOfKnown | Match::Later);
                if matches!(found, Match::Later) {
                    self.rescan.insert(search.home.clone());
                }
                self.act(found, &place, now, out)?;
            }
        }
        Ok(())
    }

    /// Reads those strangers that came after what was there before; the others are archives.
    fn admit_strangers(
        &mut self,
        mut search: Search,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        for (place, awaited) in std::mem::take(&mut search.strangers) {
            let is_since = place.seen.modified >= awaited.unwrap_or(search.since);
            let is_new = !search.has_anchor && search.is_new(&place.seen);
            if is_since && (awaited.is_some() || is_new) {
                self.take_up(&place, now, out)?;
            }
        }
        self.baseline.insert(search.home, search.now);
        Ok(())
    }

    fn note_rename(
        &mut self,
        path: &Path,
        seen: &Seen,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let Some(at) = self.tracked.iter_mut().find(|at| at.file == seen.id) else {
            return Ok(());
        };
        if at.path == path || at.is_finished {
            return Ok(());
        }
        at.path = path.to_owned();
        self.catalogue.moved(at.slot, path, at.file);
        let state = if at.is_rotated {
            GenerationState::Rotated
        } else {
            GenerationState::Open
        };
        out.send(Work::Mark {
            slot: at.slot,
            state,
            renamed_to: Some(path.to_string_lossy().into_owned()),
            read_at: now.wall,
        })
    }

    /// Starts to read a file: from its checkpoint when it is known, else from its start.
    pub(super) fn take_up(
        &mut self,
        place: &Place,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        if self.is_tracked(place.seen.id) {
            return Ok(());
        }
        let found = self.recognise(&place.path, &place.seen, now, out)?;
        self.act(found, place, now, out)
    }

    /// Does with a file what its kind asks for.
    pub(super) fn act(
        &mut self,
        found: Match,
        place: &Place,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        match found {
            Match::Alias(slot) => {
                self.settle(place.seen, Verdict::AliasOf(slot));
                Ok(())
            }
            Match::StartOfKnown => {
                self.settle(place.seen, Verdict::StartOfKnown);
                Ok(())
            }
            Match::Later => {
                self.is_waiting = true;
                Ok(())
            }
            Match::Unread(slot, with) => {
                self.attach(slot, Trace::default(), place, out)?;
                match with {
                    Some(with) => out.send(Work::Repeat { slot, with }),
                    None => Ok(()),
                }
            }
            Match::Known(slot, trace) => {
                let is_dead = self.catalogue.get(slot).is_some_and(|known| {
                    known.state == GenerationState::Damaged && !known.is_compressed
                });
                if is_dead {
                    self.settle(place.seen, Verdict::Read);
                    return Ok(());
                }
                self.attach(slot, trace, place, out)
            }
            Match::Rewritten(slot, with) => {
                if let Some(known) = self.catalogue.get(slot) {
                    let is_shorter = place.seen.size < known.offset;
                    let state = match with {
                        Some(with) if with == slot && is_shorter => GenerationState::Shrank,
                        _ => GenerationState::Truncated,
                    };
                    let loss = Loss {
                        to: known.unread(),
                        cause: GapCause::Truncated,
                    };
                    out.send(Work::Close {
                        slot,
                        state,
                        loss: Some(loss),
                        read_at: now.wall,
                    })?;
                    self.catalogue.set_state(slot, state);
                }
                let start = with.map_or(Start::Fresh, Start::Repeating);
                self.start_new(place, start, out)
            }
            Match::Alike(slot) => self.start_new(place, Start::Repeating(slot), out),
            Match::New => self.start_new(place, Start::Fresh, out),
        }
    }

    /// Opens a new generation and reads it from its first byte.
    pub(super) fn start_new(
        &mut self,
        place: &Place,
        start: Start,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let repeats = match start {
            Start::Fresh => None,
            Start::Repeating(slot) => Some(slot),
        };
        let new = place.new_generation();
        let known = Known::new(&place.label, &place.path, place.seen.id, new.is_compressed);
        out.send(Work::Open { new, repeats })?;
        let slot = self.catalogue.push(known);
        self.track(slot, Trace::default(), place);
        Ok(())
    }

    fn attach(
        &mut self,
        slot: usize,
        trace: Trace,
        place: &Place,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let Some(known) = self.catalogue.get(slot) else {
            return Ok(());
        };
        let now_at = place.path.to_string_lossy().into_owned();
        let renamed_to = (known.path != now_at).then_some(now_at);
        let state = match (place.is_packed, place.is_rotated) {
            (true, _) => known.state,
            (false, true) => GenerationState::Rotated,
            (false, false) => GenerationState::Open,
        };
        self.catalogue.moved(slot, &place.path, place.seen.id);
        self.catalogue.set_state(slot, state);
        out.send(Work::Attach {
            slot,
            trace: trace.clone(),
            state,
            renamed_to,
        })?;
        self.track(slot, trace, place);
        Ok(())
    }

    fn track(&mut self, slot: usize, trace: Trace, place: &Place) {
        let mut at = Tracked {
            slot,
            label: place.label.clone(),
            home: place.home.clone(),
            path: place.path.clone(),
            file: place.seen.id,
            size: place.seen.size,
            modified: place.seen.modified,
            reader: None,
            trace,
            first: Vec::new(),
            is_judged: place.seen.size > 0,
            is_packed: place.is_packed,
            is_at_path: !place.is_rotated,
            is_rotated: place.is_rotated,
            is_finished: false,
            idle_since: None,
        };
        self.damage.remove(&at.file);
        let files = self.files.as_ref();
        let open = self.tracked.iter().filter(|at| at.reader.is_some()).count();
        let has_room = open < files.handles_max();
        if has_room && (!at.is_packed || at.trace.offset() == 0) {
            // Opened now, so that the next rename cannot take the file away; skipping over what was
            // unpacked before has time until its turn.
            open_reader(files, &mut at);
        }
        at.first = first_bytes(files, &at);
        self.tracked.push(at);
    }
}

/// Returns the first bytes of a file that was not read yet, to tell a copy of it.
fn first_bytes(files: &dyn Files, at: &Tracked) -> Vec<u8> {
    if at.trace.offset() > 0 {
        return Vec::new();
    }
    if at.is_packed {
        return packed_head(files, &at.path).unwrap_or_default();
    }
    let file = files.open(&at.path);
    file.map_or(Vec::new(), |file| head_of(file.as_ref()))
}

//! The follower's search beside a path: what did rotations leave there, and where does reading start.

use std::path::{Path, PathBuf};

use crate::model::{GapCause, GenerationState};

use super::IngestError;
use super::catalogue::Known;
use super::decompress::is_packed_name;
use super::discover::{Sibling, names_in, siblings_among};
use super::follow::{Follower, Now, Out, Place, Tracked, Verdict};
use super::identity::{Seen, Trace};
use super::open::open_file;
use super::reader::head_of;
use super::recognise::{Match, packed_head};
use super::turn::open_reader;
use super::worker::{Loss, Work};

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
    /// What was changed later came after the path was met first; `None`: it was not met yet.
    since: Option<i64>,
    /// Whether a file was met that was read before: those after it came later.
    has_anchor: bool,
}

impl Search {
    /// Tells whether a file that nothing is known of was left by a rotation since the path was met; else it
    /// is an archive, or somebody else's.
    fn admits(&self, sibling: &Sibling) -> bool {
        let is_since = |since| sibling.seen.modified > i128::from(since);
        sibling.is_rotation && (self.has_anchor || self.since.is_some_and(is_since))
    }
}

impl Follower {
    /// Finds what rotations left beside `home`: known generations to be finished, and files that came and
    /// went between two passes or while nobody looked.
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
        let mut search = Search {
            label,
            home: home.to_owned(),
            since: self.catalogue.since(home),
            has_anchor: false,
        };
        for sibling in self.siblings(home) {
            self.meet_sibling(&sibling, &mut search, now, out)?;
        }
        Ok(())
    }

    /// Returns the files beside a path; each folder is listed once a pass.
    fn siblings(&mut self, path: &Path) -> Vec<Sibling> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let names = self
            .listings
            .entry(folder.to_owned())
            .or_insert_with(|| names_in(folder));
        siblings_among(path, names)
    }

    fn meet_sibling(
        &mut self,
        sibling: &Sibling,
        search: &mut Search,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let (path, seen) = (&sibling.path, sibling.seen);
        if let Some(at) = self.tracked.iter().find(|at| at.file == seen.id) {
            search.has_anchor = true;
            if at.path != *path && !self.watched.contains_key(&at.path) || at.is_rotated {
                self.note_rename(path, &seen, now, out)?;
            }
            return Ok(());
        }
        if self.watched.contains_key(path) {
            return Ok(());
        }
        // A file that was read before is no stranger, whatever became of its bytes.
        search.has_anchor |= self.catalogue.of_file(seen.id).next().is_some();
        if let Some(verdict) = self.verdict_on(&seen) {
            search.has_anchor |= verdict != Verdict::StartOfKnown;
            return Ok(());
        }
        let is_packed = is_packed_name(path);
        if is_packed && !self.is_quiet(&seen, now) {
            self.rescan.insert(search.home.clone());
            return Ok(());
        }
        let place = Place {
            label: search.label.clone(),
            home: search.home.clone(),
            path: path.clone(),
            seen,
            is_rotated: true,
        };
        match self.recognise(path, &seen, now, out)? {
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
                if search.admits(sibling) {
                    self.act(found, &place, now, out)?;
                }
            }
            found => {
                search.has_anchor |= !matches!(found, Match::StartOf(_) | Match::Later);
                if matches!(found, Match::Later) {
                    self.rescan.insert(search.home.clone());
                }
                self.act(found, &place, now, out)?;
            }
        }
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
            Match::StartOf(_) => {
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
        let mut new = place.new_generation();
        if self.catalogue.since(&place.home).is_none() {
            new.since = self.newest_archive(&place.home);
        }
        let (home, path) = (&place.home, &place.path);
        let known = Known {
            since: new.since,
            ..Known::new(&place.label, home, path, place.seen.id, new.is_compressed)
        };
        out.send(Work::Open { new, repeats })?;
        let slot = self.catalogue.push(known);
        self.track(slot, Trace::default(), place);
        Ok(())
    }

    /// Returns the last change of the newest rotated file beside a path that is met for the first time.
    fn newest_archive(&mut self, home: &Path) -> i64 {
        let newest = self
            .siblings(home)
            .into_iter()
            .filter(|at| at.is_rotation && !self.watched.contains_key(&at.path))
            .map(|at| at.seen.modified)
            .max();
        newest.map_or(0, |at| i64::try_from(at).unwrap_or_default())
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
        let state = match (is_packed_name(&place.path), place.is_rotated) {
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
            is_packed: is_packed_name(&place.path),
            is_at_path: !place.is_rotated,
            is_rotated: place.is_rotated,
            is_finished: false,
            idle_since: None,
        };
        // Opened now, so that the next rename cannot take the file away.
        open_reader(&mut at);
        at.first = first_bytes(&at);
        self.tracked.push(at);
    }
}

/// Returns the first bytes of a file that was not read yet, to tell a copy of it.
fn first_bytes(at: &Tracked) -> Vec<u8> {
    match open_file(&at.path) {
        Ok(file) if at.trace.offset() == 0 && !at.is_packed => head_of(&file),
        _ if at.trace.offset() == 0 && at.is_packed => packed_head(&at.path).unwrap_or_default(),
        _ => Vec::new(),
    }
}

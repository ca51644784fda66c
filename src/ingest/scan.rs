//! The follower's search beside a path: what did rotations leave there, and where does reading start.

use std::path::{Path, PathBuf};

use crate::model::{GapCause, GenerationState, Micros};

use super::IngestError;
use super::catalogue::Known;
use super::discover::{Sibling, siblings};
use super::files::Files;
use super::follow::Follower;
use super::identity::{Seen, Trace, first_line};
use super::matching::Match;
use super::pass::{Now, Out};
use super::place::{Place, Verdict};
use super::reader::head_of;
use super::tracked::Tracked;
use super::turn::open_reader;
use super::work::{Loss, Work};

/// How far behind the clock the times of files may be: that of some systems ticks once a second.
const TICK: Micros = Micros(1_000_000);

/// A look at the siblings of a path.
struct Search {
    label: String,
    /// The path.
    home: PathBuf,
    /// Since when the source is followed: files that nothing is known of and that were changed before are
    /// archives.
    since: i128,
}

impl Follower {
    /// Finds what rotations left beside `home`: known generations to be finished, and files that came and
    /// went between two passes.
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
        let met = self.met_before.get(&label).copied();
        let met = self.files.clock(met.unwrap_or(self.started));
        let search = Search {
            label,
            home: home.to_owned(),
            since: i128::from(met.0.saturating_sub(TICK.0.cast_signed())) * 1_000,
        };
        for sibling in siblings(self.files.as_ref(), home) {
            self.meet_sibling(sibling, &search, now, out)?;
        }
        Ok(())
    }

    fn meet_sibling(
        &mut self,
        sibling: Sibling,
        search: &Search,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let (path, seen) = (sibling.path, sibling.seen);
        if let Some(at) = self.tracked.iter().find(|at| at.file == seen.id) {
            if at.path != path && !self.watched.contains_key(&at.path) || at.is_rotated {
                self.note_rename(&path, &seen, now, out)?;
            }
            return Ok(());
        }
        if self.watched.contains_key(&path) || self.is_settled(&seen) {
            return Ok(());
        }
        let is_packed = self.is_packed(&path);
        if is_packed && !self.is_quiet(&seen, now) {
            self.rescan.insert(search.home.clone());
            return Ok(());
        }
        let place = Place {
            label: search.label.clone(),
            home: search.home.clone(),
            path,
            seen,
            is_rotated: true,
            is_packed,
        };
        match self.recognise(&place.path, &seen, now) {
            Match::Known(slot, trace) => {
                let is_more = self.catalogue.get(slot).is_some_and(|known| {
                    is_packed || known.is_unfinished() || seen.size > trace.offset()
                });
                if is_more {
                    self.attach(slot, trace, &place, out)?;
                }
                Ok(())
            }
            Match::New if !sibling.is_rotation || seen.modified < search.since => Ok(()),
            Match::Later => {
                self.rescan.insert(search.home.clone());
                self.act(Match::Later, &place, now, out)
            }
            found => self.act(found, &place, now, out),
        }
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
        let found = self.recognise(&place.path, &place.seen, now);
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
                let homes = self.copies.entry(slot).or_default();
                homes.insert(place.home.clone());
                self.settle(place.seen, Verdict::AliasOf(slot));
                Ok(())
            }
            Match::Later => {
                self.is_waiting = true;
                Ok(())
            }
            Match::Unread(slot) => self.attach(slot, Trace::default(), place, out),
            Match::Known(slot, trace) => {
                let is_dead = self.catalogue.get(slot).is_some_and(|known| {
                    known.state == GenerationState::Damaged && !place.is_packed
                });
                if is_dead {
                    self.settle(place.seen, Verdict::Read);
                    return Ok(());
                }
                self.attach(slot, trace, place, out)
            }
            Match::Rewritten(slot) => {
                if let Some(known) = self.catalogue.get(slot) {
                    let head = head_at(self.files.as_ref(), &place.path);
                    let begins_alike = known
                        .first_line
                        .is_some_and(|of| Some(of) == first_line(&head));
                    let state = if begins_alike && place.seen.size < known.offset {
                        GenerationState::Shrank
                    } else {
                        GenerationState::Truncated
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
                self.start_new(place, now, out)
            }
            Match::New => self.start_new(place, now, out),
        }
    }

    /// Opens a new generation and reads it from its first byte.
    pub(super) fn start_new(
        &mut self,
        place: &Place,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let new = place.new_generation(now.wall);
        let known = Known::new(&new);
        out.send(Work::Open(new))?;
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
        self.tracked.push(at);
    }
}

/// Returns the first bytes of a plain file; none where it cannot be opened.
fn head_at(files: &dyn Files, path: &Path) -> Vec<u8> {
    let file = files.open(path);
    file.map_or(Vec::new(), |file| head_of(file.as_ref()))
}

//! The follower's losses: files that were cut, rewritten, or are gone, and what may be lost with them.

use std::path::{Path, PathBuf};

use crate::model::{GapCause, GenerationState, Micros};

use super::IngestError;
use super::catalogue::Known;
use super::discover::siblings;
use super::files::{Files, OpenFile};
use super::follow::Follower;
use super::identity::{FileKind, Seen, Trace, first_line};
use super::pass::{Now, Out, Pass};
use super::reader::{Reader, head_of};
use super::tracked::Tracked;
use super::turn::{open_reader, packed_at};
use super::work::{Loss, Work};

/// Up to so many files are verified in every pass, changed or not.
const VERIFY_ALWAYS_MAX: usize = 256;
/// How long after the start the files of known generations may still turn up: compressed ones are only
/// opened once they were quiet.
const ABSENT_AFTER: Micros = Micros(3_000_000);

/// How long after the start a compressed file may keep the judgement waiting.
const ABSENT_AFTER_ALL: Micros = Micros(60_000_000);

impl Follower {
    /// Finds files that were cut or rewritten: goes on in a copy when there is one, else notes what may be
    /// lost. The file itself is then met like any other.
    pub(super) fn check_cut(
        &mut self,
        looks: &[(PathBuf, Seen)],
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let is_always = self.files.is_near() && self.tracked.len() <= VERIFY_ALWAYS_MAX;
        let is_crowded = self.is_crowded();
        let mut idx = 0;
        while let Some(at) = self.tracked.get_mut(idx) {
            let size_before = at.size;
            let was_open = at.reader.is_some();
            if is_intact(self.files.as_ref(), at, is_always) {
                if is_crowded && !was_open {
                    at.lay_down();
                }
                idx += 1;
                continue;
            }
            let loss = Loss {
                to: (size_before > at.trace.offset()).then_some(size_before),
                cause: GapCause::Truncated,
            };
            let (home, path) = (at.home.clone(), at.path.clone());
            let state = match &at.reader {
                Some(Reader::Plain(file)) => cut_state(&at.trace, file.as_ref(), at.size),
                _ => GenerationState::Truncated,
            };
            let beside = siblings(self.files.as_ref(), &home);
            let mut paths: Vec<PathBuf> = beside.into_iter().map(|s| s.path).collect();
            paths.extend(looks.iter().map(|(path, _)| path.clone()));
            let copy = (at.trace.offset() > 0)
                .then(|| self.find_copy(idx, &paths, &path))
                .flatten();
            if let Some(copy) = copy {
                // What followed the cut may have been renamed away already.
                self.rescan.insert(home);
                self.go_on_in(idx, copy, now, out)?;
                idx += 1;
            } else {
                // It may have been renamed away as well: then it is a file beside its home.
                self.rescan.insert(home);
                self.close(idx, state, Some(loss), now, out)?;
            }
        }
        Ok(())
    }

    fn go_on_in(
        &mut self,
        idx: usize,
        (path, seen, reader): (PathBuf, Seen, Reader),
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let is_watched = self.watched.contains_key(&path);
        let Some(at) = self.tracked.get_mut(idx) else {
            return Ok(());
        };
        at.path.clone_from(&path);
        at.file = seen.id;
        at.is_packed = matches!(reader, Reader::Packed(_));
        at.reader = Some(reader);
        at.size = seen.size;
        at.modified = seen.modified;
        at.is_rotated = !is_watched;
        at.is_at_path = is_watched;
        at.is_finished = false;
        at.idle_since = None;
        self.catalogue.moved(at.slot, &path, seen.id);
        self.catalogue.set_state(at.slot, GenerationState::Rotated);
        out.send(Work::Mark {
            slot: at.slot,
            state: GenerationState::Rotated,
            renamed_to: Some(path.to_string_lossy().into_owned()),
            read_at: now.wall,
        })
    }

    /// Finds a file that holds what was read of a generation, and of no other one more than that: files
    /// that begin alike are no copies.
    fn find_copy(
        &self,
        idx: usize,
        paths: &[PathBuf],
        own: &Path,
    ) -> Option<(PathBuf, Seen, Reader)> {
        let at = self.tracked.get(idx)?;
        for path in paths.iter().filter(|path| *path != own) {
            let Ok(seen) = self.files.look(path) else {
                continue;
            };
            if self.is_tracked(seen.id) || seen.kind != FileKind::Regular {
                continue;
            }
            let reader = if self.is_packed(path) {
                self.verified_packed(path)
                    .filter(|(slot, _)| *slot == at.slot)
                    .and_then(|_| packed_at(self.files.as_ref(), path, at.trace.offset()))
                    .map(Reader::Packed)
            } else {
                self.files.open(path).ok().and_then(|file| {
                    let head = head_of(file.as_ref());
                    let (slot, _) = self.verified(file.as_ref(), &head, &seen)?;
                    (slot == at.slot).then_some(Reader::Plain(file))
                })
            };
            if let Some(reader) = reader {
                return Some((path.clone(), seen, reader));
            }
        }
        None
    }

    /// Looks once, when the start is over, for generations of these sources whose files are gone, and
    /// notes what may be lost with them.
    pub(super) fn settle_absent(
        &mut self,
        pass: Pass,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let is_due = if self.is_following {
            now.elapsed >= ABSENT_AFTER
                && (self.rescan.is_empty() || now.elapsed >= ABSENT_AFTER_ALL)
        } else {
            pass.is_done
        };
        if self.is_settled || !is_due || out.is_stopped() {
            return Ok(());
        }
        self.is_settled = true;
        let labels: Vec<String> = self.specs.iter().map(super::SourceSpec::label).collect();
        for slot in 0..self.known_before {
            let Some(known) = self.catalogue.get(slot) else {
                break;
            };
            let is_ours =
                known.is_unfinished() && !known.is_pipe() && labels.contains(&known.label);
            if !is_ours || self.tracked_at(slot).is_some() {
                continue;
            }
            let Some((state, loss)) = self.absence(known) else {
                continue;
            };
            self.catalogue.set_state(slot, state);
            out.send(Work::Close {
                slot,
                state,
                loss: Some(loss),
                read_at: now.wall,
            })?;
        }
        Ok(())
    }

    /// Returns what became of a generation that is not being read, and what may be lost with it; `None`:
    /// nothing that is known to be unread.
    fn absence(&self, known: &Known) -> Option<(GenerationState, Loss)> {
        let path = Path::new(&known.path);
        let unread = known.unread();
        match self.files.look(path) {
            // It is there but cannot be read now.
            Ok(seen) if seen.id == known.file && !self.is_tracked(seen.id) => None,
            Ok(seen) if seen.id == known.file => Some((
                GenerationState::Truncated,
                Loss {
                    to: unread,
                    cause: GapCause::Truncated,
                },
            )),
            // Not there any more: its router may have written until it was renamed away or deleted. A file
            // that had been rotated before was complete.
            _ if unread.is_some() || is_live(known) || known.is_compressed => Some((
                GenerationState::Replaced,
                Loss {
                    to: unread,
                    cause: GapCause::Gone,
                },
            )),
            _ => None,
        }
    }
}

/// Tells whether a generation was still being written when it was last seen: open, and under a name that
/// does not end with the number of a rotation.
fn is_live(known: &Known) -> bool {
    let is_numbered = Path::new(&known.path)
        .extension()
        .is_some_and(|ext| ext.as_encoded_bytes().iter().all(u8::is_ascii_digit));
    known.state == GenerationState::Open && !known.is_compressed && !is_numbered
}

/// Returns what became of a generation whose bytes do not stand in its file any more.
fn cut_state(trace: &Trace, file: &dyn OpenFile, size: u64) -> GenerationState {
    let head = head_of(file);
    let begins_alike = match (trace.first_line(), first_line(&head)) {
        (Some(known), Some(found)) => known == found,
        _ => trace.head_bytes().starts_with(&head),
    };
    if begins_alike && size > 0 && size < trace.offset() {
        GenerationState::Shrank
    } else {
        GenerationState::Truncated
    }
}

/// Tells whether what was read of a file still stands in it.
fn is_intact(files: &dyn Files, at: &mut Tracked, is_always: bool) -> bool {
    if at.is_packed || at.is_finished || (!at.is_at_path && at.reader.is_none()) {
        return true;
    }
    if !open_reader(files, at) {
        return true;
    }
    let Some(reader) = &at.reader else {
        return true;
    };
    let Some(seen) = reader.seen() else {
        return true;
    };
    let is_changed = seen.size != at.size || seen.modified != at.modified;
    at.size = seen.size;
    at.modified = seen.modified;
    if seen.size < at.trace.offset() {
        return false;
    }
    (!is_changed && !is_always) || reader.verifies(&at.trace)
}

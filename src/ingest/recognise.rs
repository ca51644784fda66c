//! Whose bytes are these? A file that is not being read is told apart by its first and last bytes.

use std::path::Path;

use crate::model::{GenerationState, Micros};

use super::catalogue::Known;
use super::decompress::Packed;
use super::files::{Files, OpenFile};
use super::follow::Follower;
use super::identity::{FileId, HEAD_LEN_MAX, Seen, TAIL_LEN_MAX, Trace, first_line};
use super::matching::Match;
use super::pass::Now;
use super::reader::{Reader, exactly_at, head_of, packed_verify, plain_verify, skip};
use super::tracked::Tracked;

/// How long a compressed file of which no line can be had may be quiet before it is taken as damaged.
const PACKED_PATIENCE: Micros = Micros(10_000_000);

impl Follower {
    /// Finds the generation whose bytes these are.
    pub(super) fn recognise(&self, path: &Path, seen: &Seen, now: Now) -> Match {
        if self.is_packed(path) {
            // Half of a compressed file may be there while the other half is still being written.
            let is_patient = self.is_following
                && self.quiet.get(&seen.id).is_some_and(|(_, since)| {
                    now.elapsed.0.saturating_sub(since.0) < PACKED_PATIENCE.0
                });
            return self.recognise_packed(path, seen, is_patient);
        }
        let Ok(file) = self.files.open(path) else {
            return Match::New;
        };
        self.recognise_plain(file.as_ref(), seen)
    }

    /// Finds the generation whose bytes a plain file holds.
    pub(super) fn recognise_plain(&self, file: &dyn OpenFile, seen: &Seen) -> Match {
        let head = head_of(file);
        if let Some((slot, trace)) = self.verified(file, &head, seen) {
            match self.tracked_at(slot) {
                None if self.can_go_on(slot, &trace, seen.id) => return Match::Known(slot, trace),
                None => {}
                Some(at) if is_copy(at, file, seen) => return Match::Alias(slot),
                Some(_) => {}
            }
        }
        match self.latest_of(seen.id) {
            Some((slot, known)) if known.is_unfinished() && known.offset == 0 => {
                Match::Unread(slot)
            }
            Some((slot, known)) if known.is_unfinished() => Match::Rewritten(slot),
            _ => Match::New,
        }
    }

    /// Tells whether a generation can be read on in a file that has its bytes: not in a copy, when it ended
    /// inside a line that may be whole there.
    fn can_go_on(&self, slot: usize, trace: &Trace, file: FileId) -> bool {
        trace.last_byte() == Some(b'\n') || self.is_its_file(slot, file)
    }

    /// Tells whether a generation was last seen in that very file.
    pub(super) fn is_its_file(&self, slot: usize, file: FileId) -> bool {
        self.catalogue
            .get(slot)
            .is_some_and(|known| known.file == file)
    }

    /// Returns the latest generation of this very file, unless it is being read.
    fn latest_of(&self, file: FileId) -> Option<(usize, &Known)> {
        let latest = self.catalogue.of_file(file).next_back();
        latest.filter(|(slot, _)| self.tracked_at(*slot).is_none())
    }

    /// Returns the generation whose head and tail stand in the file, and its trace: one last seen in this
    /// very file before any other, then the one read furthest.
    pub(super) fn verified(
        &self,
        file: &dyn OpenFile,
        head: &[u8],
        seen: &Seen,
    ) -> Option<(usize, Trace)> {
        let mut best: Option<(bool, usize, Trace)> = None;
        for slot in self.catalogue.with_head(head, self.key) {
            let Some(known) = self.catalogue.get(slot) else {
                continue;
            };
            if known.is_pipe() || known.offset == 0 || known.offset > seen.size {
                continue;
            }
            let is_same_file = known.file == seen.id;
            // What is no text, or could not be unpacked, is judged anew in every other file.
            if known.state == GenerationState::Damaged && !is_same_file {
                continue;
            }
            let is_worse = best.as_ref().is_some_and(|(is_best_same, _, trace)| {
                (is_same_file, known.offset) < (*is_best_same, trace.offset())
            });
            if is_worse {
                continue;
            }
            if let Some(trace) = plain_verify(file, known, self.key) {
                best = Some((is_same_file, slot, trace));
            }
        }
        best.map(|(_, slot, trace)| (slot, trace))
    }

    fn recognise_packed(&self, path: &Path, seen: &Seen, is_patient: bool) -> Match {
        let Some(head) = packed_head(self.files.as_ref(), path) else {
            return Match::New;
        };
        if let Some((slot, trace)) = self.verified_packed(path) {
            match self.tracked_at(slot) {
                None if self.can_go_on(slot, &trace, seen.id) => return Match::Known(slot, trace),
                None => {}
                // It took the file's place, which is read to its end from the open handle.
                Some(at) if is_deleted(at) => return Match::Alias(slot),
                // Perhaps it is about to; if not, it is another file that begins alike.
                Some(_) if is_patient => return Match::Later,
                Some(_) => {}
            }
        }
        if is_patient && head.len() < HEAD_LEN_MAX && first_line(&head).is_none() {
            return Match::Later;
        }
        Match::New
    }

    /// Returns the generation that was read furthest of those whose head and tail stand in the
    /// decompressed bytes, and its trace.
    pub(super) fn verified_packed(&self, path: &Path) -> Option<(usize, Trace)> {
        let candidates: Vec<(usize, &Known)> = self
            .catalogue
            .with_head(&packed_head(self.files.as_ref(), path)?, self.key)
            .into_iter()
            .filter_map(|slot| Some((slot, self.catalogue.get(slot)?)))
            .filter(|(_, known)| !known.is_pipe() && known.offset > 0)
            .collect();
        packed_verify(self.files.as_ref(), path, &candidates, self.key)
            .ok()
            .flatten()
    }
}

/// Tells whether a file that is being read has no name any more.
fn is_deleted(at: &Tracked) -> bool {
    let seen = at.reader.as_ref().and_then(Reader::seen);
    seen.is_some_and(|seen| seen.links == 0)
}

/// Tells whether a file is a copy of one that is being read, whole or from before that had grown.
fn is_copy(at: &Tracked, file: &dyn OpenFile, seen: &Seen) -> bool {
    let Some(now) = at.reader.as_ref().and_then(Reader::seen) else {
        return false;
    };
    now.size >= seen.size && is_same_before(at, file, seen.size)
}

/// Tells whether both files have the same bytes just before `size`.
fn is_same_before(at: &Tracked, file: &dyn OpenFile, size: u64) -> bool {
    let len = usize::try_from(size)
        .unwrap_or(usize::MAX)
        .min(TAIL_LEN_MAX);
    let from = size.saturating_sub(u64::try_from(len).unwrap_or(0));
    match &at.reader {
        Some(Reader::Plain(other)) => {
            let bytes = exactly_at(file, from, len);
            bytes.is_some() && bytes == exactly_at(other.as_ref(), from, len)
        }
        _ => true,
    }
}

/// Returns the first decompressed bytes; `None`: the file cannot be opened.
pub(super) fn packed_head(files: &dyn Files, path: &Path) -> Option<Vec<u8>> {
    let mut packed = Packed::open(files, path).ok()?;
    let mut trace = Trace::default();
    let len = u64::try_from(HEAD_LEN_MAX).unwrap_or(u64::MAX);
    skip(&mut packed, &mut trace, len).ok()?;
    Some(trace.head_bytes().to_vec())
}

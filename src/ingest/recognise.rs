//! Whose bytes are these? A file that is not being read is told apart by its first and last bytes, and by
//! the marks of lines read before.

use std::cmp::Reverse;
use std::fs::File;
use std::path::Path;

use crate::model::Micros;

use super::IngestError;
use super::catalogue::Known;
use super::compare::SharedEnd;
use super::decompress::{Packed, is_packed_name};
use super::follow::{Follower, Now, Out, Tracked};
use super::identity::{FileId, HEAD_LEN_MAX, Seen, TAIL_LEN_MAX, Trace, first_line};
use super::open::open_file;
use super::reader::{Reader, exactly_at, head_of, packed_verify, plain_verify, skip};

/// With how many generations a file is compared line by line at the most.
const COMPARED_MAX: usize = 64;

/// How long a compressed file of which no line can be had may be quiet before it is taken as damaged.
const PACKED_PATIENCE: Micros = Micros(10_000_000);

/// What a file is.
pub(super) enum Match {
    /// A known generation, to be continued where the trace stands.
    Known(usize, Trace),
    /// A known generation of which nothing was read; with another one, the lines that both begin with are
    /// skipped.
    Unread(usize, Option<usize>),
    /// A copy of a generation that is being read.
    Alias(usize),
    /// Nothing but the first lines of a generation.
    StartOf(usize),
    /// A known generation whose file was cut or rewritten; with the one whose lines it has now.
    Rewritten(usize, Option<usize>),
    /// A file of its own that begins with the lines of another one: most likely a copy that went on by
    /// itself. An event carries its time, so that an equal line at an equal place is the same event.
    Alike(usize),
    /// Perhaps a copy of a file that nothing was read of yet.
    Later,
    /// Nothing known.
    New,
}

/// Whose lines a file begins with.
#[derive(Debug)]
enum Kinship {
    /// Nobody's.
    None,
    /// Those of a generation; whole: all of them.
    Of { slot: usize, is_whole: bool },
    /// Those of a generation that is being read and may have more of them.
    Undecided,
}

impl Kinship {
    fn or(self, stranger: Match) -> Match {
        match self {
            Self::None => stranger,
            Self::Of { slot, is_whole: true } => Match::StartOf(slot),
            Self::Of { slot, .. } => Match::Alike(slot),
            Self::Undecided => Match::Later,
        }
    }
}

impl Follower {
    /// Finds the generation whose bytes these are.
    pub(super) fn recognise(
        &mut self,
        path: &Path,
        seen: &Seen,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<Match, IngestError> {
        let found = self.try_recognise(path, seen, now, out)?;
        if matches!(found, Match::Later) && self.read_waiting(now, out)? {
            return self.try_recognise(path, seen, now, out);
        }
        Ok(found)
    }

    fn try_recognise(
        &self,
        path: &Path,
        seen: &Seen,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<Match, IngestError> {
        if is_packed_name(path) {
            // Half of a compressed file may be there while the other half is still being written.
            let is_patient = self.is_following
                && self.quiet.get(&seen.id).is_some_and(|(_, since)| {
                    now.elapsed.0.saturating_sub(since.0) < PACKED_PATIENCE.0
                });
            self.recognise_packed(path, is_patient, out)
        } else {
            self.recognise_plain(path, seen, out)
        }
    }

    fn recognise_plain(
        &self,
        path: &Path,
        seen: &Seen,
        out: &mut dyn Out,
    ) -> Result<Match, IngestError> {
        let Ok(file) = open_file(path) else {
            return Ok(Match::New);
        };
        let own = self.latest_of(seen.id);
        let unread = own.filter(|(_, known)| known.is_unfinished() && known.offset == 0);
        match (self.recognise_bytes(&file, seen, None, out)?, unread) {
            (Match::New, Some((slot, _))) => Ok(Match::Unread(slot, None)),
            (Match::Alike(with), Some((slot, _))) => Ok(Match::Unread(slot, Some(with))),
            (found, _) => Ok(found),
        }
    }

    /// Finds the generation whose bytes a plain file holds; `itself` is the generation being read from it,
    /// of which nothing was read.
    pub(super) fn recognise_bytes(
        &self,
        file: &File,
        seen: &Seen,
        itself: Option<usize>,
        out: &mut dyn Out,
    ) -> Result<Match, IngestError> {
        let head = head_of(file);
        let reopen = || Some(Reader::Plain(file.try_clone().ok()?));
        let verified = self.verified(file, &head, seen);
        match &verified {
            Some((slot, _)) if self.tracked_at(*slot).is_some_and(|at| is_copy(at, file, seen)) => {
                return Ok(Match::Alias(*slot));
            }
            Some((slot, trace))
                if self.is_its_file(*slot, seen.id) && self.tracked_at(*slot).is_none() =>
            {
                return Ok(Match::Known(*slot, trace.clone()));
            }
            _ => {}
        }
        if self.has_unread_kin(&head, itself) {
            return Ok(Match::Later);
        }
        if let Some((slot, trace)) = verified.filter(|(slot, _)| self.tracked_at(*slot).is_none()) {
            // A copy: another generation may have more of its lines.
            let kinship = self.kinship(&head, trace.offset(), reopen, out)?;
            return Ok(kinship.or(Match::Known(slot, trace)));
        }
        let kinship = self.kinship(&head, 0, reopen, out)?;
        let is_cut = |(_, known): &(usize, &Known)| {
            known.is_unfinished() && known.offset > 0 && seen.size > 0
        };
        match (self.latest_of(seen.id).filter(is_cut), &kinship) {
            (Some((slot, _)), Kinship::Of { slot: with, .. }) => {
                Ok(Match::Rewritten(slot, Some(*with)))
            }
            (Some((slot, _)), Kinship::None) => Ok(Match::Rewritten(slot, None)),
            _ => Ok(kinship.or(Match::New)),
        }
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
    pub(super) fn verified(&self, file: &File, head: &[u8], seen: &Seen) -> Option<(usize, Trace)> {
        let mut best: Option<(bool, usize, Trace)> = None;
        for slot in self.catalogue.with_head(head, self.key) {
            let Some(known) = self.catalogue.get(slot) else {
                continue;
            };
            if known.is_pipe() || known.offset == 0 || known.offset > seen.size {
                continue;
            }
            let is_same_file = known.file == seen.id;
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

    /// Compares a file with the generations that begin like it, of which one is known to share its first
    /// `known` bytes.
    fn kinship(
        &self,
        head: &[u8],
        known: u64,
        reopen: impl Fn() -> Option<Reader>,
        out: &mut dyn Out,
    ) -> Result<Kinship, IngestError> {
        let mut best = known;
        let mut kinship = Kinship::None;
        for slot in self.candidates(head) {
            let Some(reader) = reopen() else {
                break;
            };
            let shared = out.compare(slot, reader)?;
            let is_cut_short = shared.end == SharedEnd::Generation
                && shared.bytes > 0
                && self.tracked_at(slot).is_some_and(has_more);
            if is_cut_short {
                return Ok(Kinship::Undecided);
            }
            if shared.bytes > best {
                best = shared.bytes;
                kinship = Kinship::Of {
                    slot,
                    is_whole: shared.end == SharedEnd::File,
                };
            }
        }
        Ok(kinship)
    }

    /// Returns the generations to compare with: those that begin with the same line, or with the same bytes
    /// where that line is long; the most alike and the latest ones first.
    fn candidates(&self, head: &[u8]) -> Vec<usize> {
        let with_head = self.catalogue.with_head(head, self.key);
        let mut slots = match first_line(head) {
            Some(line) => self.catalogue.with_first_line(line).to_vec(),
            None if head.len() >= HEAD_LEN_MAX => with_head.clone(),
            None => Vec::new(),
        };
        slots.retain(|slot| self.catalogue.get(*slot).is_some_and(|at| !at.is_pipe()));
        slots.sort_by_key(|slot| Reverse((with_head.binary_search(slot).is_ok(), *slot)));
        slots.truncate(COMPARED_MAX);
        slots
    }

    fn recognise_packed(
        &self,
        path: &Path,
        is_patient: bool,
        out: &mut dyn Out,
    ) -> Result<Match, IngestError> {
        let Some(head) = packed_head(path) else {
            return Ok(Match::New);
        };
        let reopen = || Some(Reader::Packed(Packed::open(path).ok()?));
        if let Some((slot, trace)) = self.verified_packed(path)
            && self.tracked_at(slot).is_none()
        {
            let kinship = self.kinship(&head, trace.offset(), reopen, out)?;
            return Ok(kinship.or(Match::Known(slot, trace)));
        }
        if is_patient && head.len() < HEAD_LEN_MAX && first_line(&head).is_none() {
            return Ok(Match::Later);
        }
        if self.has_unread_kin(&head, None) {
            return Ok(Match::Later);
        }
        Ok(self.kinship(&head, 0, reopen, out)?.or(Match::New))
    }

    /// Returns the generation that was read furthest of those whose head and tail stand in the
    /// decompressed bytes, and its trace.
    pub(super) fn verified_packed(&self, path: &Path) -> Option<(usize, Trace)> {
        let candidates: Vec<(usize, &Known)> = self
            .catalogue
            .with_head(&packed_head(path)?, self.key)
            .into_iter()
            .filter_map(|slot| Some((slot, self.catalogue.get(slot)?)))
            .filter(|(_, known)| !known.is_pipe() && known.offset > 0)
            .collect();
        packed_verify(path, &candidates, self.key).ok().flatten()
    }

    /// Tells whether the file begins like one of which nothing was read yet: perhaps one is a copy of the
    /// other. Of two that were both met empty, the later one waits.
    fn has_unread_kin(&self, head: &[u8], itself: Option<usize>) -> bool {
        let line = first_line(head);
        self.tracked
            .iter()
            .filter(|at| at.trace.offset() == 0 && !at.is_finished)
            .filter(|at| itself.is_none_or(|itself| at.slot < itself))
            .any(|at| match (line, first_line(&at.first)) {
                (Some(line), Some(other)) => line == other,
                _ => {
                    let len = at.first.len().min(head.len());
                    len > 0 && at.first.get(..len) == head.get(..len)
                }
            })
    }
}

/// Tells whether a file that is being read has bytes that were not read yet.
pub(super) fn has_more(at: &Tracked) -> bool {
    match at.reader.as_ref().and_then(Reader::seen) {
        Some(now) => now.size > at.trace.offset(),
        None => !at.is_finished && at.is_packed,
    }
}

/// Tells whether a file is a copy of one that is being read, whole or from before that had grown.
fn is_copy(at: &Tracked, file: &File, seen: &Seen) -> bool {
    let Some(now) = at.reader.as_ref().and_then(Reader::seen) else {
        return false;
    };
    now.size >= seen.size && is_same_before(at, file, seen.size)
}

/// Tells whether both files have the same bytes just before `size`.
fn is_same_before(at: &Tracked, file: &File, size: u64) -> bool {
    let len = usize::try_from(size)
        .unwrap_or(usize::MAX)
        .min(TAIL_LEN_MAX);
    let from = size.saturating_sub(u64::try_from(len).unwrap_or(0));
    match &at.reader {
        Some(Reader::Plain(other)) => {
            let bytes = exactly_at(file, from, len);
            bytes.is_some() && bytes == exactly_at(other, from, len)
        }
        _ => true,
    }
}

/// Returns the first decompressed bytes; `None`: the file cannot be opened.
pub(super) fn packed_head(path: &Path) -> Option<Vec<u8>> {
    let mut packed = Packed::open(path).ok()?;
    let mut trace = Trace::default();
    let len = u64::try_from(HEAD_LEN_MAX).unwrap_or(u64::MAX);
    skip(&mut packed, &mut trace, len).ok()?;
    Some(trace.head_bytes().to_vec())
}

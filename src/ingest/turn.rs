//! The follower's reading: each file in its turn, until it has no more for now.

use std::path::{Path, PathBuf};

use crate::model::{GapCause, GenerationState, Look};

use super::IngestError;
use super::decompress::Packed;
use super::follow::{Follower, Now, Out, Pass, Tracked, Verdict};
use super::identity::{FileId, FileKind, Seen, Trace, len_u64, not_text};
use super::open::open_file;
use super::reader::{Reader, skip};
use super::recognise::{Match, has_more};
use super::worker::{Loss, Work};

/// The chunk while catching up.
const CHUNK_LEN: usize = 1024 * 1024;
/// The chunk while little is waiting.
const CHUNK_LEN_TAIL: usize = 64 * 1024;
/// How much of one file is read before the next file has its turn.
const TURN_BYTES: u64 = 16 * 1024 * 1024;

impl Follower {
    /// Reads every file in turn, older generations first.
    pub(super) fn read_all(&mut self, now: Now, out: &mut dyn Out) -> Result<Pass, IngestError> {
        let mut pass = std::mem::take(&mut self.read_early);
        let mut idx = 0;
        while idx < self.tracked.len() && !out.is_stopped() {
            idx = self.read_one(idx, &mut pass, now, out)?;
        }
        Ok(pass)
    }

    /// Reads the files that have bytes waiting, before their turn: others may be copies of them. Returns
    /// whether there were any.
    pub(super) fn read_waiting(
        &mut self,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<bool, IngestError> {
        let mut pass = std::mem::take(&mut self.read_early);
        let before = pass.bytes;
        let mut idx = 0;
        while let Some(at) = self.tracked.get(idx) {
            let is_waiting = at.is_packed || at.size > at.trace.offset();
            idx = if is_waiting && !out.is_stopped() {
                self.read_one(idx, &mut pass, now, out)?
            } else {
                idx + 1
            };
        }
        let has_read = pass.bytes > before;
        self.read_early = pass;
        Ok(has_read)
    }

    /// Gives a file its turn; returns the place of the next one.
    fn read_one(
        &mut self,
        idx: usize,
        pass: &mut Pass,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<usize, IngestError> {
        let Some(at) = self.tracked.get(idx).filter(|at| !at.is_finished) else {
            return Ok(idx + 1);
        };
        let is_due = at.is_judged || at.is_packed || at.size == 0;
        if !is_due && !self.judge_first(idx, now, out)? {
            self.is_waiting = true;
            return Ok(idx + 1);
        }
        let Some(at) = self.tracked.get_mut(idx) else {
            return Ok(idx + 1);
        };
        let turn = read_turn(at, now, out)?;
        if turn.bytes > 0 {
            at.first = Vec::new();
            at.idle_since = Some(now.elapsed);
            let look = at.look();
            self.catalogue.reached(at.slot, &at.trace, look, self.key);
        }
        pass.bytes += turn.bytes;
        self.bytes_done = self.bytes_done.saturating_add(turn.bytes);
        pass.has_more |= turn.end == End::NotYet;
        self.end_turn(idx, turn.end, now, out)
    }

    /// Does what the end of a file's turn asks for; returns the place of the next one.
    fn end_turn(
        &mut self,
        idx: usize,
        end: End,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<usize, IngestError> {
        let Some(at) = self.tracked.get_mut(idx) else {
            return Ok(idx + 1);
        };
        let seen = Seen {
            id: at.file,
            kind: FileKind::Regular,
            size: at.size,
            modified: at.modified,
            links: 1,
        };
        match end {
            End::NotYet => return Ok(idx + 1),
            End::NotText | End::Damaged => {
                self.settle(seen, Verdict::Read);
                self.damaged += 1;
                let loss = (end == End::Damaged).then_some(Loss {
                    to: None,
                    cause: GapCause::Damaged,
                });
                self.close(idx, GenerationState::Damaged, loss, now, out)?;
            }
            End::Reached if at.is_packed => {
                self.settle(seen, Verdict::Read);
                self.close(idx, GenerationState::Finished, None, now, out)?;
            }
            End::Reached if at.is_rotated => {
                at.idle_since.get_or_insert(now.elapsed);
                let is_over = self
                    .tracked
                    .get(idx)
                    .is_some_and(|at| self.is_over(at, now));
                if !is_over {
                    return Ok(idx + 1);
                }
                self.close(idx, GenerationState::Finished, None, now, out)?;
            }
            End::Reached => {
                self.rest(idx, now, out)?;
                return Ok(idx + 1);
            }
        }
        Ok(idx)
    }

    /// A file that stays at its path was read to its end: in a run that does not follow it is done with.
    fn rest(&mut self, idx: usize, now: Now, out: &mut dyn Out) -> Result<(), IngestError> {
        match self.tracked.get_mut(idx) {
            Some(at) if !self.is_following && !self.is_waiting => {
                at.is_finished = true;
                at.reader = None;
                out.send(Work::Settle {
                    slot: at.slot,
                    read_at: now.wall,
                })
            }
            _ => Ok(()),
        }
    }

    /// Looks at the first bytes of a file that was empty when it was met: they may have been copied there.
    /// Returns whether they can be read now.
    fn judge_first(
        &mut self,
        idx: usize,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<bool, IngestError> {
        let Some(at) = self.tracked.get_mut(idx) else {
            return Ok(true);
        };
        open_reader(at);
        let (own, path, id) = (at.slot, at.path.clone(), at.file);
        let (Some(Reader::Plain(file)), Some(seen)) =
            (&at.reader, at.reader.as_ref().and_then(Reader::seen))
        else {
            return Ok(true);
        };
        let Ok(file) = file.try_clone() else {
            return Ok(true);
        };
        match self.recognise_bytes(&file, &seen, Some(own), out)? {
            Match::Later => return Ok(false),
            Match::Alias(with) if self.tracked_at(with).is_some_and(has_more) => return Ok(false),
            Match::Alias(with) | Match::StartOf(with) | Match::Alike(with) => {
                out.send(Work::Repeat { slot: own, with })?;
            }
            Match::Known(slot, trace) => self.go_on_as(idx, (slot, trace), (path, id), now, out)?,
            Match::New | Match::Unread(..) | Match::Rewritten(..) => {}
        }
        if let Some(at) = self.tracked.get_mut(idx) {
            at.is_judged = true;
        }
        Ok(true)
    }

    /// Goes on with a known generation in a file that was tracked as a new one: it was copied there.
    fn go_on_as(
        &mut self,
        idx: usize,
        (slot, trace): (usize, Trace),
        (path, file): (PathBuf, FileId),
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let Some(at) = self.tracked.get_mut(idx) else {
            return Ok(());
        };
        let empty = std::mem::replace(&mut at.slot, slot);
        at.trace = trace.clone();
        let state = if at.is_rotated {
            GenerationState::Rotated
        } else {
            GenerationState::Open
        };
        self.catalogue.set_state(empty, GenerationState::Finished);
        self.catalogue.moved(slot, &path, file);
        self.catalogue.set_state(slot, state);
        out.send(Work::Close {
            slot: empty,
            state: GenerationState::Finished,
            loss: None,
            read_at: now.wall,
        })?;
        out.send(Work::Attach {
            slot,
            trace,
            state,
            renamed_to: Some(path.to_string_lossy().into_owned()),
        })
    }

    /// Hands on what the pipes delivered.
    pub(super) fn read_pipes(&mut self, now: Now, out: &mut dyn Out) -> Result<u64, IngestError> {
        let mut bytes = 0;
        for pipe in &mut self.pipes {
            if pipe.is_closed {
                continue;
            }
            while let Some(chunk) = pipe.next() {
                bytes += len_u64(&chunk);
                out.send(Work::Chunk {
                    slot: pipe.slot,
                    len: chunk.len(),
                    bytes: chunk,
                    look: Look::default(),
                    read_at: now.wall,
                })?;
            }
            if pipe.is_closed {
                out.send(Work::Close {
                    slot: pipe.slot,
                    state: GenerationState::Finished,
                    loss: None,
                    read_at: now.wall,
                })?;
            }
        }
        Ok(bytes)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    Reached,
    Damaged,
    NotText,
}

struct Turn {
    bytes: u64,
    end: End,
}

fn read_turn(at: &mut Tracked, now: Now, out: &mut dyn Out) -> Result<Turn, IngestError> {
    let mut turn = Turn {
        bytes: 0,
        end: End::NotYet,
    };
    if !open_reader(at) {
        turn.end = if at.is_packed {
            End::Damaged
        } else {
            End::Reached
        };
        return Ok(turn);
    }
    while turn.bytes < TURN_BYTES && !out.is_stopped() {
        let is_little = !at.is_packed
            && at.size.saturating_sub(at.trace.offset())
                < u64::try_from(CHUNK_LEN_TAIL).unwrap_or(u64::MAX);
        let want = if is_little { CHUNK_LEN_TAIL } else { CHUNK_LEN };
        let mut buffer = out.buffer(want);
        let Some(reader) = &mut at.reader else {
            break;
        };
        let len = match reader.read(at.trace.offset(), &mut buffer) {
            Ok(0) => {
                turn.end = End::Reached;
                break;
            }
            Ok(len) => len,
            Err(_) => {
                turn.end = if at.is_packed {
                    End::Damaged
                } else {
                    End::Reached
                };
                break;
            }
        };
        let new = buffer.get(..len).unwrap_or(&[]);
        let what = (at.trace.offset() == 0).then(|| not_text(new)).flatten();
        at.trace.push(new);
        turn.bytes = turn
            .bytes
            .saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        if let Some(what) = what {
            buffer.truncate(len);
            out.send(Work::NotText {
                slot: at.slot,
                bytes: buffer,
                what,
                read_at: now.wall,
            })?;
            turn.end = End::NotText;
            break;
        }
        out.send(Work::Chunk {
            slot: at.slot,
            bytes: buffer,
            len,
            look: at.look(),
            read_at: now.wall,
        })?;
    }
    Ok(turn)
}

/// Opens a generation at its offset unless it is open; a plain file must still be the same.
pub(super) fn open_reader(at: &mut Tracked) -> bool {
    if at.reader.is_some() {
        return true;
    }
    if at.is_packed {
        at.reader = packed_at(&at.path, at.trace.offset()).map(Reader::Packed);
        return at.reader.is_some();
    }
    let Ok(file) = open_file(&at.path) else {
        return false;
    };
    let is_same = file
        .metadata()
        .is_ok_and(|metadata| Seen::new(&metadata).id == at.file);
    if is_same {
        at.reader = Some(Reader::Plain(file));
    }
    is_same
}

/// Opens a compressed file and stands at a plain offset of it.
pub(super) fn packed_at(path: &Path, offset: u64) -> Option<Packed> {
    let mut packed = Packed::open(path).ok()?;
    let mut trace = Trace::default();
    (skip(&mut packed, &mut trace, offset).ok()? == offset).then_some(packed)
}

//! The follower's reading: each file in its turn, until it has no more for now.

use std::path::{Path, PathBuf};

use crate::model::{GapCause, GenerationState, Look, sanitise};

use super::IngestError;
use super::decompress::{Packed, Packing};
use super::files::Files;
use super::follow::Follower;
use super::identity::{FileId, FileKind, Seen, Trace, len_u64, not_text};
use super::matching::Match;
use super::pass::{Now, Out, Pass};
use super::place::Verdict;
use super::reader::{Reader, skip};
use super::tracked::{Damage, Tracked};
use super::work::{Loss, Work};

/// The chunk while catching up.
const CHUNK_LEN: usize = 256 * 1024;
/// The chunk while little is waiting.
const CHUNK_LEN_TAIL: usize = 64 * 1024;
/// How many damaged files are told of.
const DAMAGE_MAX: usize = 1_000;
/// How much of one file is read before the next file has its turn.
const TURN_BYTES: u64 = 16 * 1024 * 1024;

impl Follower {
    /// Reads every file in turn, older generations first.
    pub(super) fn read_all(&mut self, now: Now, out: &mut dyn Out) -> Result<Pass, IngestError> {
        let mut pass = Pass::default();
        // Decoders hold memory: one file is unpacked at a time.
        let unpacking = self.tracked.iter().find(|at| at.is_unpacking());
        let mut unpacking = unpacking.map(|at| at.slot);
        let mut idx = 0;
        while idx < self.tracked.len() && !out.is_stopped() {
            let Some(at) = self.tracked.get_mut(idx) else {
                break;
            };
            if at.is_finished {
                idx += 1;
                continue;
            }
            if at.is_packed && unpacking.is_some_and(|slot| slot != at.slot) {
                pass.has_more = true;
                idx += 1;
                continue;
            }
            let first = if at.is_judged || at.is_packed {
                First::Read
            } else {
                self.judge_first(idx, now, out)?
            };
            let is_crowded = self.is_crowded();
            let Some(at) = self.tracked.get_mut(idx) else {
                break;
            };
            let was_open = at.reader.is_some();
            let turn = match first {
                First::Read => read_turn(self.files.as_ref(), at, now, out)?,
                First::Nothing => Turn::ending(End::Reached),
            };
            if is_crowded && !was_open {
                at.lay_down();
            }
            if turn.bytes > 0 {
                let look = at.look();
                self.catalogue.reached(at.slot, &at.trace, look, self.key);
            }
            if at.is_packed {
                unpacking = (turn.end == End::NotYet).then_some(at.slot);
            }
            pass.bytes += turn.bytes;
            self.bytes_done = self.bytes_done.saturating_add(turn.bytes);
            pass.has_more |= turn.end == End::NotYet;
            if self.end_turn(idx, &turn, now, out)? {
                idx += 1;
            }
        }
        Ok(pass)
    }

    /// Draws the conclusions from the end of a turn; tells whether the file is still tracked.
    fn end_turn(
        &mut self,
        idx: usize,
        turn: &Turn,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<bool, IngestError> {
        let Some(at) = self.tracked.get_mut(idx) else {
            return Ok(false);
        };
        let seen = Seen {
            id: at.file,
            kind: FileKind::Regular,
            size: at.size,
            modified: at.modified,
            links: 1,
        };
        let (state, loss) = match turn.end {
            End::NotYet => return Ok(true),
            // The next pass meets it as what it is.
            End::Packed => (GenerationState::Finished, None),
            End::NotText | End::Damaged => {
                self.note_damage(idx, turn);
                self.settle(seen, Verdict::Read);
                let loss = (turn.end == End::Damaged).then_some(Loss {
                    to: None,
                    cause: GapCause::Damaged,
                });
                (GenerationState::Damaged, loss)
            }
            End::Reached if at.is_packed => {
                self.settle(seen, Verdict::Read);
                (GenerationState::Finished, None)
            }
            End::Reached if at.is_rotated => {
                if turn.bytes > 0 || at.idle_since.is_none() {
                    at.idle_since = Some(now.elapsed);
                }
                let at = self.tracked.get(idx);
                if !at.is_some_and(|at| self.is_over(at, now)) {
                    return Ok(true);
                }
                (GenerationState::Finished, None)
            }
            End::Reached => return self.rest(idx, now, out).map(|()| true),
        };
        self.close(idx, state, loss, now, out).map(|()| false)
    }

    fn note_damage(&mut self, idx: usize, turn: &Turn) {
        self.damaged += 1;
        if let Some(at) = self.tracked.get(idx)
            && self.damage.len() < DAMAGE_MAX
        {
            let damage = Damage {
                label: at.label.clone(),
                path: at.path.clone(),
                offset: at.trace.offset(),
                reason: turn.reason.clone(),
            };
            self.damage.insert(at.file, damage);
        }
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
    fn judge_first(
        &mut self,
        idx: usize,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<First, IngestError> {
        let Some(at) = self.tracked.get_mut(idx) else {
            return Ok(First::Read);
        };
        open_reader(self.files.as_ref(), at);
        let (path, id) = (at.path.clone(), at.file);
        let (Some(Reader::Plain(file)), Some(seen)) =
            (&at.reader, at.reader.as_ref().and_then(Reader::seen))
        else {
            return Ok(First::Read);
        };
        // Bytes that come after this look are judged by the next one, before they are read.
        if seen.size == 0 {
            return Ok(First::Nothing);
        }
        let Ok(file) = file.again() else {
            return Ok(First::Read);
        };
        match self.recognise_plain(file.as_ref(), &seen) {
            Match::Alias(_) => return Ok(First::Nothing),
            Match::Known(slot, trace) => self.go_on_as(idx, (slot, trace), (path, id), now, out)?,
            Match::New | Match::Later | Match::Unread(_) | Match::Rewritten(_) => {}
        }
        if let Some(at) = self.tracked.get_mut(idx) {
            at.is_judged = true;
        }
        Ok(First::Read)
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
            let (slot, read_at) = (pipe.slot, now.wall);
            let mut state = GenerationState::Finished;
            while let Some(chunk) = pipe.next() {
                bytes += len_u64(&chunk);
                let is_first = pipe.offset == len_u64(&chunk);
                let what = Packing::of_bytes(&chunk).map(Packing::in_a_pipe);
                if let Some(what) = what.or_else(|| not_text(&chunk)).filter(|_| is_first) {
                    out.send(Work::NotText {
                        slot,
                        bytes: chunk,
                        what,
                        read_at,
                    })?;
                    self.damaged += 1;
                    state = GenerationState::Damaged;
                    pipe.refuse();
                    break;
                }
                out.send(Work::Chunk {
                    slot,
                    len: chunk.len(),
                    bytes: chunk,
                    look: Look::default(),
                    read_at,
                })?;
            }
            if pipe.is_closed {
                out.send(Work::Close {
                    slot,
                    state,
                    loss: None,
                    read_at,
                })?;
            }
        }
        Ok(bytes)
    }
}

/// What the first bytes of a file are.
enum First {
    /// Something to be read.
    Read,
    /// No byte yet, or nothing but what was read elsewhere.
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    Reached,
    Damaged,
    NotText,
    /// Compressed bytes in a file that was empty when it was met.
    Packed,
}

struct Turn {
    bytes: u64,
    end: End,
    /// Why the file is damaged, fit to be shown.
    reason: String,
}

impl Turn {
    fn ending(end: End) -> Self {
        Self {
            bytes: 0,
            end,
            reason: String::new(),
        }
    }
}

fn read_turn(
    files: &dyn Files,
    at: &mut Tracked,
    now: Now,
    out: &mut dyn Out,
) -> Result<Turn, IngestError> {
    let mut turn = Turn::ending(End::NotYet);
    if !open_reader(files, at) {
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
            Err(cause) => {
                turn.reason = sanitise(&cause.to_string()).to_string();
                turn.end = if at.is_packed {
                    End::Damaged
                } else {
                    End::Reached
                };
                break;
            }
        };
        let new = buffer.get(..len).unwrap_or(&[]);
        let is_start = at.trace.offset() == 0;
        if is_start && !at.is_packed && Packing::of_bytes(new).is_some() {
            turn.end = End::Packed;
            break;
        }
        let what = is_start.then(|| not_text(new)).flatten();
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
            turn.reason = format!("no text: {what}");
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
pub(super) fn open_reader(files: &dyn Files, at: &mut Tracked) -> bool {
    if at.reader.is_some() {
        return true;
    }
    if at.is_packed {
        at.reader = packed_at(files, &at.path, at.trace.offset()).map(Reader::Packed);
        return at.reader.is_some();
    }
    let Ok(file) = files.open(&at.path) else {
        return false;
    };
    let is_same = file.seen().is_ok_and(|seen| seen.id == at.file);
    if is_same {
        at.reader = Some(Reader::Plain(file));
    }
    is_same
}

/// Opens a compressed file and stands at a plain offset of it.
pub(super) fn packed_at(files: &dyn Files, path: &Path, offset: u64) -> Option<Packed> {
    let mut packed = Packed::open(files, path).ok()?;
    let mut trace = Trace::default();
    (skip(&mut packed, &mut trace, offset).ok()? == offset).then_some(packed)
}

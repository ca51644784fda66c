//! The follower's search: which generation do these bytes belong to, what did rotations leave behind,
//! and the reading itself.

use std::path::{Path, PathBuf};

use crate::model::{GenerationState, sanitise};

use super::IngestError;
use super::decompress::{Packed, Packing};
use super::discover::siblings;
use super::files::{Files, OpenFile};
use super::follow::{Damage, Follower, Now, Out, Pass, Tracked, new_generation, unread};
use super::identity::{FileKind, Known, Seen, Trace, len_u64, not_text};
use super::reader::{Reader, packed_verify, plain_matches, plain_verify, skip, trace_of};
use super::worker::Work;

/// The chunk while catching up.
const CHUNK_LEN: usize = 1024 * 1024;
/// The chunk while little is waiting.
const CHUNK_LEN_TAIL: usize = 64 * 1024;
/// How much of one file is read before the next file has its turn.
const TURN_BYTES: u64 = 16 * 1024 * 1024;
/// How many damaged files are told of.
const DAMAGE_MAX: usize = 1_000;
/// Up to so many files are verified in every pass, changed or not.
const VERIFY_ALWAYS_MAX: usize = 256;

/// What a file is.
enum Match {
    /// A known generation, to be continued where the trace stands.
    Known(usize, Trace),
    /// The bytes of a generation that is being read from another file.
    Alias,
    /// Nothing known.
    New,
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
        // What came beside a path that nothing has left yet must have come since the start.
        let departed = self.departed.get(home).copied().unwrap_or(self.started);
        let mut has_anchor = false;
        let mut strangers: Vec<(PathBuf, Seen)> = Vec::new();
        let mut seen_now = std::collections::HashSet::new();
        for sibling in siblings(self.files.as_mut(), home) {
            let (path, seen) = (sibling.path, sibling.seen);
            if let Some(at) = self.tracked.iter_mut().find(|at| at.file == seen.id) {
                has_anchor = true;
                if at.path != path && !self.watched.contains_key(&at.path) || at.is_rotated {
                    self.note_rename(&path, &seen, now, out)?;
                }
                continue;
            }
            if self.watched.contains_key(&path) {
                continue;
            }
            let is_packed = self.is_packed(&path);
            if is_packed && !self.is_quiet(&seen, now) {
                self.rescan.insert(home.to_owned());
                let is_new = self
                    .baseline
                    .get(home)
                    .is_some_and(|before| !before.contains(&(seen.id, seen.size, seen.modified)));
                if is_new {
                    self.awaited.entry(seen.id).or_insert(departed);
                }
                continue;
            }
            seen_now.insert((seen.id, seen.size, seen.modified));
            match self.recognise(&path, &seen) {
                Match::Alias => has_anchor = true,
                Match::Known(slot, trace) => {
                    has_anchor = true;
                    let is_more = self.known.get(slot).is_some_and(|known| {
                        known.is_unfinished() || (!is_packed && seen.size > trace.offset())
                    });
                    if is_more {
                        self.attach(slot, trace, &label, home, &path, &seen, true, out)?;
                    }
                }
                Match::New if sibling.is_rotation && has_anchor => {
                    self.take_up(&label, home, &path, &seen, true, out)?;
                }
                Match::New if sibling.is_rotation => strangers.push((path, seen)),
                Match::New => {}
            }
        }
        let before = self.baseline.insert(home.to_owned(), seen_now);
        for (path, seen) in strangers {
            let awaited = self.awaited.remove(&seen.id);
            let is_old = before
                .as_ref()
                .is_none_or(|before| before.contains(&(seen.id, seen.size, seen.modified)));
            let is_since = seen.modified >= awaited.unwrap_or(departed);
            if is_since && (awaited.is_some() || !(has_anchor || is_old)) {
                self.take_up(&label, home, &path, &seen, true, out)?;
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
        label: &str,
        home: &Path,
        path: &Path,
        seen: &Seen,
        is_rotated: bool,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        if self.is_tracked(seen.id) {
            return Ok(());
        }
        match self.recognise(path, seen) {
            Match::Alias => Ok(()),
            Match::Known(slot, trace) => {
                let is_settled = self.known.get(slot).is_some_and(|known| {
                    known.state == GenerationState::Damaged && !known.is_compressed
                });
                if is_settled {
                    self.settled.insert(seen.id, *seen);
                    return Ok(());
                }
                self.attach(slot, trace, label, home, path, seen, is_rotated, out)
            }
            Match::New => {
                let is_packed = self.is_packed(path);
                let slot = self.known.len();
                out.send(Work::Open(new_generation(label, path, seen.id, is_packed)))?;
                self.known
                    .push(unread(&path.to_string_lossy(), seen.id, is_packed));
                self.track(slot, Trace::default(), label, home, path, seen, is_rotated);
                Ok(())
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "names one generation, one file and how both meet"
    )]
    fn attach(
        &mut self,
        slot: usize,
        trace: Trace,
        label: &str,
        home: &Path,
        path: &Path,
        seen: &Seen,
        is_rotated: bool,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let now_at = path.to_string_lossy().into_owned();
        let is_packed = self.is_packed(path);
        let Some(known) = self.known.get_mut(slot) else {
            return Ok(());
        };
        let renamed_to = (known.path != now_at).then(|| now_at.clone());
        known.path = now_at;
        known.file = seen.id;
        let state = match (is_packed, is_rotated) {
            (true, _) => known.state,
            (false, true) => GenerationState::Rotated,
            (false, false) => GenerationState::Open,
        };
        out.send(Work::Attach {
            slot,
            trace: trace.clone(),
            state,
            renamed_to,
        })?;
        self.track(slot, trace, label, home, path, seen, is_rotated);
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "names one generation, one file and how both meet"
    )]
    fn track(
        &mut self,
        slot: usize,
        trace: Trace,
        label: &str,
        home: &Path,
        path: &Path,
        seen: &Seen,
        is_rotated: bool,
    ) {
        let is_packed = self.is_packed(path);
        self.damage.remove(&seen.id);
        self.tracked.push(Tracked {
            slot,
            label: label.to_owned(),
            home: home.to_owned(),
            path: path.to_owned(),
            file: seen.id,
            size: seen.size,
            modified: seen.modified,
            reader: None,
            trace,
            is_packed,
            is_at_path: !is_rotated,
            is_rotated,
            is_finished: false,
            idle_since: None,
        });
        if let Some(at) = self.tracked.last_mut()
            && (!is_packed || at.trace.offset() == 0)
        {
            // Opened now, so that the next rename cannot take the file away; skipping over what was
            // unpacked before has time until its turn.
            open_reader(self.files.as_mut(), at);
        }
    }

    /// Finds the generation whose bytes these are.
    fn recognise(&mut self, path: &Path, seen: &Seen) -> Match {
        if self.is_packed(path) {
            self.recognise_packed(path)
        } else {
            self.recognise_plain(path, seen)
        }
    }

    fn recognise_plain(&mut self, path: &Path, seen: &Seen) -> Match {
        let Ok(file) = self.files.open(path) else {
            return Match::New;
        };
        let file = file.as_ref();
        let mut best: Option<(bool, usize, Trace)> = None;
        for (slot, known) in self.known.iter().enumerate() {
            if let Some(at) = self.tracked.iter().find(|at| at.slot == slot) {
                if self.is_copy_of(at, file, seen) {
                    return Match::Alias;
                }
                continue;
            }
            if known.is_pipe() || known.offset > seen.size {
                continue;
            }
            let is_same_file = known.file == seen.id;
            let trace = match known.offset {
                0 if is_same_file && known.state == GenerationState::Open => Trace::default(),
                0 => continue,
                _ => match plain_verify(file, known, self.key) {
                    Some(trace) => trace,
                    None => continue,
                },
            };
            // An unread generation proves nothing: its inode may have been given to another file.
            let evidence =
                |is_same: bool, trace: &Trace| (trace.offset() > 0, is_same, trace.offset());
            let is_better = best.as_ref().is_none_or(|(best_same, _, best_trace)| {
                evidence(is_same_file, &trace) >= evidence(*best_same, best_trace)
            });
            if is_better {
                best = Some((is_same_file, slot, trace));
            }
        }
        best.map_or(Match::New, |(_, slot, trace)| Match::Known(slot, trace))
    }

    /// Tells whether `file` holds a copy of what is being read, whole or only its start.
    fn is_copy_of(&self, at: &Tracked, file: &dyn OpenFile, seen: &Seen) -> bool {
        if at.trace.offset() == 0 || seen.size == 0 || at.file == seen.id {
            return false;
        }
        if seen.size >= at.trace.offset() {
            return plain_matches(file, &at.trace);
        }
        let Some(Reader::Plain(original)) = &at.reader else {
            return false;
        };
        let mut prefix = unread("", seen.id, false);
        let Some(trace) = trace_of(file, seen.size) else {
            return false;
        };
        prefix.remember(&trace, GenerationState::Open, self.key);
        plain_verify(original.as_ref(), &prefix, self.key).is_some()
    }

    fn recognise_packed(&mut self, path: &Path) -> Match {
        let live: Vec<(usize, Known)> = self
            .tracked
            .iter()
            .filter(|at| at.trace.offset() > 0)
            .map(|at| {
                let mut known = unread("", at.file, false);
                known.remember(&at.trace, GenerationState::Open, self.key);
                (at.slot, known)
            })
            .collect();
        let candidates: Vec<(usize, &Known)> = self
            .known
            .iter()
            .enumerate()
            .filter(|(slot, known)| !known.is_pipe() && live.iter().all(|(at, _)| at != slot))
            .chain(live.iter().map(|(slot, known)| (*slot, known)))
            .collect();
        match packed_verify(self.files.as_mut(), path, &candidates, self.key) {
            Ok(Some((slot, _))) if live.iter().any(|(at, _)| *at == slot) => Match::Alias,
            Ok(Some((slot, trace))) => Match::Known(slot, trace),
            _ => Match::New,
        }
    }

    /// Finds files that were cut or rewritten, and goes on in a copy when there is one.
    pub(super) fn check_truncated(
        &mut self,
        looks: &[(PathBuf, Seen)],
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let is_always = self.files.is_near() && self.tracked.len() <= VERIFY_ALWAYS_MAX;
        let mut idx = 0;
        while let Some(at) = self.tracked.get_mut(idx) {
            if is_intact(self.files.as_mut(), at, is_always) {
                idx += 1;
                continue;
            }
            let (home, path) = (at.home.clone(), at.path.clone());
            let beside = siblings(self.files.as_mut(), &home);
            let mut paths: Vec<PathBuf> = beside.into_iter().map(|s| s.path).collect();
            paths.extend(looks.iter().map(|(path, _)| path.clone()));
            let copy = (at.trace.offset() > 0)
                .then(|| self.find_copy(idx, &paths, &path))
                .flatten();
            match (copy, self.tracked.get_mut(idx)) {
                (Some((path, seen, reader)), Some(at)) => {
                    // What followed the cut may have been renamed away already.
                    self.rescan.insert(home);
                    at.path.clone_from(&path);
                    at.file = seen.id;
                    at.is_packed = matches!(reader, Reader::Packed(_));
                    at.reader = Some(reader);
                    at.size = seen.size;
                    at.is_rotated = !self.watched.contains_key(&path);
                    at.is_at_path = !at.is_rotated;
                    at.is_finished = false;
                    out.send(Work::Mark {
                        slot: at.slot,
                        state: GenerationState::Rotated,
                        renamed_to: Some(path.to_string_lossy().into_owned()),
                        read_at: now.wall,
                    })?;
                    idx += 1;
                }
                _ => self.close(idx, GenerationState::Truncated, now, out)?,
            }
        }
        Ok(())
    }

    fn find_copy(
        &mut self,
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
            let files = self.files.as_mut();
            if Packing::of(files, path).is_some() {
                let mut known = unread("", seen.id, true);
                known.remember(&at.trace, GenerationState::Open, self.key);
                let found = packed_verify(files, path, &[(0, &known)], self.key);
                if matches!(found, Ok(Some(_)))
                    && let Some(packed) = packed_at(files, path, at.trace.offset())
                {
                    return Some((path.clone(), seen, Reader::Packed(packed)));
                }
            } else if let Ok(file) = files.open(path)
                && plain_matches(file.as_ref(), &at.trace)
            {
                return Some((path.clone(), seen, Reader::Plain(file)));
            }
        }
        None
    }

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
            let turn = read_turn(self.files.as_mut(), at, now, out)?;
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
        let settled = Seen {
            id: at.file,
            kind: FileKind::Regular,
            size: at.size,
            modified: at.modified,
        };
        let last_state = match turn.end {
            End::NotYet => None,
            // The next pass meets it as what it is.
            End::Packed => Some(GenerationState::Finished),
            End::NotText | End::Damaged => {
                self.settled.insert(settled.id, settled);
                self.damaged += 1;
                if self.damage.len() < DAMAGE_MAX {
                    let damage = Damage {
                        label: at.label.clone(),
                        path: at.path.clone(),
                        offset: at.trace.offset(),
                        reason: turn.reason.clone(),
                    };
                    self.damage.insert(settled.id, damage);
                }
                Some(GenerationState::Damaged)
            }
            End::Reached if at.is_packed => {
                self.settled.insert(settled.id, settled);
                Some(GenerationState::Finished)
            }
            End::Reached if at.is_rotated => {
                if turn.bytes > 0 || at.idle_since.is_none() {
                    at.idle_since = Some(now.elapsed);
                }
                let at = self.tracked.get(idx);
                at.is_some_and(|at| self.is_over(at, now))
                    .then_some(GenerationState::Finished)
            }
            End::Reached if !self.is_following => {
                at.is_finished = true;
                at.reader = None;
                out.send(Work::Settle {
                    slot: at.slot,
                    read_at: now.wall,
                })?;
                None
            }
            End::Reached => None,
        };
        match last_state {
            Some(state) => self.close(idx, state, now, out).map(|()| false),
            None => Ok(true),
        }
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
                    read_at,
                })?;
            }
            if pipe.is_closed {
                out.send(Work::Close {
                    slot,
                    state,
                    read_at,
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
    /// Compressed bytes in a file that was empty when it was met.
    Packed,
}

struct Turn {
    bytes: u64,
    end: End,
    /// Why it is damaged, fit to be shown.
    reason: String,
}

fn read_turn(
    files: &mut dyn Files,
    at: &mut Tracked,
    now: Now,
    out: &mut dyn Out,
) -> Result<Turn, IngestError> {
    let mut turn = Turn {
        bytes: 0,
        end: End::NotYet,
        reason: String::new(),
    };
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
            read_at: now.wall,
        })?;
    }
    Ok(turn)
}

/// Opens a generation at its offset unless it is open; a plain file must still be the same.
fn open_reader(files: &mut dyn Files, at: &mut Tracked) -> bool {
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

fn packed_at(files: &mut dyn Files, path: &Path, offset: u64) -> Option<Packed> {
    let mut packed = Packed::open(files, path).ok()?;
    let mut trace = Trace::default();
    (skip(&mut packed, &mut trace, offset).ok()? == offset).then_some(packed)
}

/// Tells whether what was read of a file still stands in it.
fn is_intact(files: &mut dyn Files, at: &mut Tracked, is_always: bool) -> bool {
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

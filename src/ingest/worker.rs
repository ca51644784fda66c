//! The parse worker: chunks to lines to batches, each with the step of its checkpoint.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{
    Advance, Batch, ByteOffset, Gap, Generation, GenerationId, GenerationState, HashKey,
    NewGeneration, Reject, Timestamp,
};

use super::identity::{Trace, len_u64};
use super::lines::{Piece, Splitter};
use super::pending::{LastLine, Pending, is_accounted, take_piece};
use super::slot::{Slot, Start};
use super::twins::Families;
use super::work::{Loss, Work};
use super::{LineParser, Progress, Sink, SinkError};

/// The bounds of one batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) line_len: usize,
}

/// Owns the parser and the sink.
pub(super) struct Worker {
    parser: Box<dyn LineParser + Send>,
    pub(super) sink: Box<dyn Sink>,
    pub(super) key: HashKey,
    pub(super) limits: Limits,
    pub(super) slots: Vec<Slot>,
    pub(super) families: Families,
    pub(super) pending: Pending,
    names_sent: usize,
    progress: Arc<Progress>,
}

impl Worker {
    /// Starts with the generations that the sink knows, in the order of their slots.
    pub(super) fn new(
        parser: Box<dyn LineParser + Send>,
        sink: Box<dyn Sink>,
        key: HashKey,
        limits: Limits,
        known: &[Generation],
        progress: Arc<Progress>,
    ) -> Self {
        let names_sent = parser.names().len();
        let slots: Vec<Slot> = known.iter().map(Slot::of).collect();
        let mut families = Families::default();
        for (slot, at) in slots.iter().enumerate() {
            if let Some(first_line) = at.first_line {
                families.add(slot, first_line);
            }
        }
        Self {
            parser,
            sink,
            key,
            limits,
            slots,
            families,
            pending: Pending::default(),
            names_sent,
            progress,
        }
    }

    /// Does one piece of work; returns a buffer to be used again.
    pub(super) fn handle(&mut self, work: Work) -> Result<Option<Vec<u8>>, SinkError> {
        match work {
            Work::Open(new) => self.open(&new)?,
            Work::Attach {
                slot,
                trace,
                state,
                renamed_to,
            } => {
                self.attach(slot, trace);
                if let Some(at) = self.slots.get_mut(slot) {
                    at.state = state;
                    at.renamed_to = renamed_to;
                }
            }
            Work::Chunk {
                slot,
                bytes,
                len,
                look,
                read_at,
            } => {
                if let Some(at) = self.slots.get_mut(slot) {
                    at.look = look;
                }
                self.enter(slot, read_at)?;
                self.chunk(slot, bytes.get(..len).unwrap_or(&[]))?;
                return Ok(Some(bytes));
            }
            Work::NotText {
                slot,
                bytes,
                what,
                read_at,
            } => self.reject_file(slot, &bytes, what, read_at)?,
            Work::Mark {
                slot,
                state,
                renamed_to,
                read_at,
            } => {
                self.enter(slot, read_at)?;
                if let Some(at) = self.slots.get_mut(slot) {
                    at.state = state;
                    at.renamed_to = renamed_to.or(at.renamed_to.take());
                }
                self.commit()?;
            }
            Work::Close {
                slot,
                state,
                loss,
                read_at,
            } => self.close(slot, Some((state, loss)), read_at)?,
            Work::Settle { slot, read_at } => self.close(slot, None, read_at)?,
            Work::Flush => self.commit()?,
        }
        Ok(None)
    }

    fn attach(&mut self, slot: usize, trace: Trace) {
        if let Some(at) = self.slots.get_mut(slot) {
            debug_assert_eq!(at.offset, trace.offset(), "attached elsewhere");
            at.start = Start::at(trace.offset(), self.limits.line_len);
            at.splitter = Some(Splitter::new(self.key, self.limits.line_len, trace));
            at.checksum = (at.offset == 0).then_some(0);
        }
    }

    /// Returns how many generations there are.
    pub(super) fn slots_len(&self) -> usize {
        self.slots.len()
    }

    /// Returns the slot of every generation.
    pub(super) fn places(&self) -> HashMap<GenerationId, usize> {
        let slots = self.slots.iter().enumerate();
        slots.map(|(slot, at)| (at.id, slot)).collect()
    }

    /// Returns every generation as it is stored, everything handed over so far included.
    pub(super) fn stored(&mut self) -> Result<Vec<Generation>, SinkError> {
        self.finish()?;
        self.sink.generations()
    }

    /// Forgets what was read of a generation and not stored.
    pub(super) fn restart(&mut self, slot: usize, generation: &Generation) {
        if let Some(at) = self.slots.get_mut(slot) {
            *at = Slot::of(generation);
        }
    }

    /// Hands over what is pending and waits until everything is committed.
    pub(super) fn finish(&mut self) -> Result<(), SinkError> {
        self.commit()?;
        self.sink.flush()
    }

    fn open(&mut self, new: &NewGeneration) -> Result<(), SinkError> {
        self.commit()?;
        let id = self.sink.open_generation(new)?;
        let slot = Slot::new(id, new, self.key, self.limits.line_len);
        self.slots.push(slot);
        Ok(())
    }

    /// Makes `slot` the one whose batch is pending.
    fn enter(&mut self, slot: usize, read_at: Timestamp) -> Result<(), SinkError> {
        if self.pending.slot != slot {
            self.commit()?;
        }
        if let Some(at) = self.slots.get(slot)
            && self.pending.from == self.pending.to
        {
            self.pending.slot = slot;
            self.pending.is_passing = at.is_passing;
            self.pending.from = at.offset;
            self.pending.to = at.offset;
        }
        self.pending.read_at = read_at;
        Ok(())
    }

    /// Cuts bytes into lines.
    pub(super) fn lines(&mut self, slot: usize, bytes: &[u8]) -> Result<(), SinkError> {
        let Some(mut splitter) = self.slots.get_mut(slot).and_then(|at| at.splitter.take()) else {
            debug_assert!(false, "a chunk for a slot that is not attached");
            return Ok(());
        };
        let mut at = 0;
        while let Some(piece) = splitter.next(bytes, &mut at) {
            self.take(slot, &piece, None)?;
            if self.pending.tally.lines >= self.limits.lines
                || self.pending.tally.bytes >= self.limits.bytes
            {
                splitter.settle(bytes);
                self.store_step(slot, Some(splitter.trace()))?;
            }
        }
        splitter.end_chunk(bytes);
        if let Some(at) = self.slots.get_mut(slot) {
            at.splitter = Some(splitter);
        }
        Ok(())
    }

    /// Takes a piece into the pending batch, unless it repeats what was read before.
    pub(super) fn take(
        &mut self,
        slot: usize,
        piece: &Piece<'_>,
        last: Option<LastLine>,
    ) -> Result<(), SinkError> {
        let before = self.pending.to;
        let mark = self.mark_of(slot, piece)?;
        let is_repeated = match mark {
            Some(line) => self.is_repeated(slot, line, last.is_some())?,
            None => false,
        };
        if let (true, Some(line)) = (is_repeated, mark) {
            self.pending.tally.repeated += 1;
            self.pending.count(line.span);
        } else {
            let parser = self.parser.as_mut();
            take_piece(piece, parser, &mut self.pending, self.key, last);
        }
        if self.pending.to == before {
            return Ok(());
        }
        match (mark, piece) {
            (Some(line), _) => {
                self.marked(slot, line);
                self.pending.mark(line);
            }
            (None, Piece::Continuation { span })
                if self.slots.get(slot).is_some_and(|at| at.is_marked) =>
            {
                self.pending.mark_line_end(before, *span);
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends a generation (`Some` state and what may be lost) or only a run over a living file (`None`).
    fn close(
        &mut self,
        slot: usize,
        end: Option<(GenerationState, Option<Loss>)>,
        read_at: Timestamp,
    ) -> Result<(), SinkError> {
        self.enter(slot, read_at)?;
        self.end_start(slot, end.is_some())?;
        if let Some(mut splitter) = self.slots.get_mut(slot).and_then(|at| at.splitter.take()) {
            let before = self.pending.to;
            if let Some(piece) = splitter.remainder() {
                let last = match end {
                    // The rest of the line may still come: a compressed file may not be whole yet.
                    None | Some((GenerationState::Damaged, _)) => LastLine::IfWhole,
                    Some(_) => LastLine::Always,
                };
                self.take(slot, &piece, Some(last))?;
            }
            if self.pending.to > before {
                splitter.consume_remainder();
            }
            if let Some(at) = self.slots.get_mut(slot) {
                at.splitter = Some(splitter);
            }
        }
        if let (Some(at), Some((state, loss))) = (self.slots.get_mut(slot), end) {
            at.state = state;
            let from = self.pending.to;
            self.pending.gap = loss.map(|loss| Gap {
                from: ByteOffset(from),
                to: loss.to.filter(|to| *to > from).map(ByteOffset),
                cause: loss.cause,
            });
        }
        self.commit()?;
        if let (Some(at), Some(_)) = (self.slots.get_mut(slot), end) {
            at.splitter = None;
        }
        Ok(())
    }

    fn reject_file(
        &mut self,
        slot: usize,
        bytes: &[u8],
        what: &'static str,
        read_at: Timestamp,
    ) -> Result<(), SinkError> {
        self.enter(slot, read_at)?;
        self.pending.reject(
            len_u64(bytes),
            self.key.hash(bytes),
            Reject {
                reason: "not-text",
                detail: what.to_owned(),
            },
        );
        self.pending.count(len_u64(bytes));
        let mut trace = Trace::default();
        trace.push(bytes);
        if let Some(at) = self.slots.get_mut(slot) {
            at.state = GenerationState::Damaged;
            at.splitter = Some(Splitter::new(self.key, self.limits.line_len, trace));
        }
        self.commit()
    }

    /// Hands over the pending batch, if there is anything to hand over.
    fn commit(&mut self) -> Result<(), SinkError> {
        let slot = self.pending.slot;
        self.take_document(slot)?;
        let splitter = self.slots.get_mut(slot).and_then(|at| at.splitter.take());
        let outcome = self.store_step(slot, splitter.as_ref().map(Splitter::trace));
        if let Some(at) = self.slots.get_mut(slot) {
            at.splitter = splitter;
        }
        outcome
    }

    /// Hands over the pending batch; without a trace, which has a generation only while it is read, it
    /// holds no line.
    fn store_step(&mut self, slot: usize, trace: Option<&Trace>) -> Result<(), SinkError> {
        let Some(at) = self.slots.get_mut(slot) else {
            return Ok(());
        };
        let is_step = self.pending.to > self.pending.from;
        if !is_step {
            self.pending.from = at.offset;
            self.pending.to = at.offset;
        }
        let is_news = at.state != at.stored_state || at.renamed_to.is_some();
        if !is_step && !is_news && self.pending.gap.is_none() {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        debug_assert_eq!(
            pending.from, at.offset,
            "a step starts where the last ended"
        );
        debug_assert!(
            trace.is_none_or(|trace| trace.offset() == pending.to),
            "the trace stands at the step"
        );
        debug_assert!(
            is_accounted(&pending),
            "every byte and line is accounted for"
        );
        at.offset = pending.to;
        at.stored_state = at.state;
        if let Some(trace) = trace {
            at.head = trace.head(self.key);
            at.tail = trace.tail(self.key);
        }
        self.pending.slot = slot;
        self.pending.is_passing = at.is_passing;
        self.pending.from = pending.to;
        self.pending.to = pending.to;
        self.pending.read_at = pending.read_at;
        pending.tally.unknown_fields = self.parser.take_unknown_fields();
        pending.tally.asides = self.parser.take_asides();
        let names = self
            .parser
            .names()
            .after(self.names_sent)
            .map(|(name, text)| (name, Arc::clone(text)))
            .collect();
        self.names_sent = self.parser.names().len();
        count_all(&self.progress, &pending);
        self.sink.commit(Batch {
            advance: Advance {
                generation: at.id,
                from: ByteOffset(pending.from),
                to: ByteOffset(pending.to),
                head: at.head,
                tail: at.tail,
                state: at.state,
                renamed_to: at.renamed_to.take(),
                look: at.look,
            },
            read_at: pending.read_at,
            events: pending.events,
            rejects: pending.rejects,
            marks: pending.marks,
            gap: pending.gap,
            tally: pending.tally,
            names,
        })
    }
}

fn count_all(progress: &Progress, pending: &Pending) {
    let tally = &pending.tally;
    count(&progress.lines, tally.lines);
    count(&progress.quarantined, tally.quarantined);
    count(&progress.noise, tally.noise);
    count(&progress.blank, tally.blank);
    let events = u64::try_from(pending.events.len()).unwrap_or(u64::MAX);
    count(&progress.events, events);
}

fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

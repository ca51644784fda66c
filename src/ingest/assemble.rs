//! The worker's part for a file that is one JSON document: its bytes become lines when it is whole, all
//! in one batch, so that the checkpoint never stands inside it.

use crate::model::{GenerationState, Reject};

use super::SinkError;
use super::document::{DOCUMENT_LEN_MAX, Opening, Verdict};
use super::identity::{Trace, len_u64};
use super::lines::{Piece, Splitter};
use super::slot::Start;
use super::worker::Worker;

/// How many bytes of documents that are not whole yet may be held in all.
const HELD_LEN_MAX: usize = 4 * DOCUMENT_LEN_MAX;

impl Worker {
    /// Takes the next bytes of the slot whose batch is pending.
    pub(super) fn chunk(&mut self, slot: usize, bytes: &[u8]) -> Result<(), SinkError> {
        let Some(at) = self.slots.get_mut(slot) else {
            return Ok(());
        };
        match std::mem::replace(&mut at.start, Start::Lines) {
            Start::Lines => self.lines(slot, bytes),
            Start::GivenUp => {
                at.start = Start::GivenUp;
                self.skip(slot, bytes)
            }
            Start::Open(mut opening) => match opening.push(bytes) {
                Verdict::Lines => {
                    let held = opening.into_held();
                    self.lines(slot, &held)?;
                    self.lines(slot, bytes)
                }
                Verdict::Undecided => self.hold(slot, opening),
                Verdict::TooLong => {
                    self.give_up(slot, &opening)?;
                    self.skip(slot, bytes)
                }
            },
        }
    }

    fn hold(&mut self, slot: usize, opening: Box<Opening>) -> Result<(), SinkError> {
        let held = |start: &Start| match start {
            Start::Open(opening) => opening.held().len(),
            _ => 0,
        };
        let others: usize = self.slots.iter().map(|at| held(&at.start)).sum();
        if others + opening.held().len() > HELD_LEN_MAX {
            return self.give_up(slot, &opening);
        }
        if let Some(at) = self.slots.get_mut(slot) {
            at.start = Start::Open(opening);
        }
        Ok(())
    }

    /// Rejects what is held in one row; what follows belongs to it.
    fn give_up(&mut self, slot: usize, opening: &Opening) -> Result<(), SinkError> {
        let held = opening.held();
        let reject = Reject {
            reason: "too-long",
            detail: "a JSON document beyond 16 MiB or 100,000 elements: write one object a line"
                .to_owned(),
        };
        self.pending
            .reject(len_u64(held), self.key.hash(held), reject);
        self.pending.count(0);
        if let Some(at) = self.slots.get_mut(slot) {
            at.start = Start::GivenUp;
            at.state = GenerationState::Damaged;
            at.is_marked = false;
        }
        self.skip(slot, held)
    }

    /// Moves on over bytes that are no lines.
    fn skip(&mut self, slot: usize, bytes: &[u8]) -> Result<(), SinkError> {
        let span = len_u64(bytes);
        self.take(slot, &Piece::Continuation { span }, None)?;
        self.move_trace(slot, bytes);
        Ok(())
    }

    fn move_trace(&mut self, slot: usize, bytes: &[u8]) {
        if let Some(at) = self.slots.get_mut(slot) {
            let mut trace = match &at.splitter {
                Some(splitter) => splitter.trace().clone(),
                None => Trace::default(),
            };
            trace.push(bytes);
            at.splitter = Some(Splitter::new(self.key, self.limits.line_len, trace));
        }
    }

    /// Turns a document that is whole into the pending batch.
    pub(super) fn take_document(&mut self, slot: usize) -> Result<(), SinkError> {
        let Some(at) = self.slots.get_mut(slot) else {
            return Ok(());
        };
        match std::mem::replace(&mut at.start, Start::Lines) {
            Start::Open(opening) => match opening.pieces() {
                Some(pieces) => {
                    // Its lines have no line ends by which they could be found again one by one.
                    at.is_marked = false;
                    for piece in &pieces {
                        self.take(slot, piece, None)?;
                    }
                    self.move_trace(slot, opening.held());
                }
                None => at.start = Start::Open(opening),
            },
            other => at.start = other,
        }
        Ok(())
    }

    /// Decides what is held at the end of a file: a document that is not whole waits while the file
    /// lives, and is lines otherwise.
    pub(super) fn end_start(&mut self, slot: usize, is_over: bool) -> Result<(), SinkError> {
        self.take_document(slot)?;
        let Some(at) = self.slots.get_mut(slot) else {
            return Ok(());
        };
        match std::mem::replace(&mut at.start, Start::Lines) {
            Start::Open(opening) if is_over || !opening.has_line_end() => {
                let held = opening.into_held();
                self.lines(slot, &held)
            }
            other => {
                at.start = other;
                Ok(())
            }
        }
    }
}

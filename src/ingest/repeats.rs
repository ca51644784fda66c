//! The worker's part for lines that were read before: they are skipped, and counted.

use crate::model::{ByteOffset, LineMark};

use super::SinkError;
use super::lines::Piece;
use super::slot::Slot;
use super::twins::{Standing, Twin};
use super::worker::Worker;

impl Worker {
    /// Returns the mark of the next piece of a slot; `None`: a late line end, or lines that are not marked.
    pub(super) fn mark_of(
        &mut self,
        slot: usize,
        piece: &Piece<'_>,
    ) -> Result<Option<LineMark>, SinkError> {
        let Some(at) = self.slots.get(slot).filter(|at| at.is_marked) else {
            return Ok(None);
        };
        let before = match at.checksum {
            Some(checksum) => checksum,
            None => self.resume(slot)?,
        };
        let offset = ByteOffset(self.pending.to);
        let mark = |span, bytes: &[u8]| {
            let checksum = LineMark::checksum(before, bytes);
            Some(LineMark {
                offset,
                span,
                checksum,
            })
        };
        Ok(match *piece {
            Piece::Line { line, span } => mark(span, line),
            // Of a stretch that is not kept there is a hash.
            Piece::TooLong { hash, span, .. } => mark(span, &hash.to_le_bytes()),
            Piece::Hole { len, hash } => mark(len, &hash.to_le_bytes()),
            Piece::Continuation { .. } => None,
        })
    }

    /// Tells whether a twin has had the line that comes next in a slot; those that have another line there
    /// are twins no more, unless the line is a last one that may still grow.
    pub(super) fn is_repeated(
        &mut self,
        slot: usize,
        line: LineMark,
        may_grow: bool,
    ) -> Result<bool, SinkError> {
        if line.offset.0 == 0 {
            self.meet_family(slot, line.checksum);
        }
        let Some(at) = self.slots.get_mut(slot).filter(|at| !at.twins.is_empty()) else {
            return Ok(false);
        };
        let mut is_repeated = false;
        let mut twins = std::mem::take(&mut at.twins);
        let mut idx = 0;
        while let Some(twin) = twins.get_mut(idx) {
            let reached = self.slots.get(twin.slot).map_or(0, |of| of.offset);
            match twin.standing(line, reached, self.sink.as_mut())? {
                Standing::Same => is_repeated = true,
                Standing::NotRead => {}
                Standing::Differs if may_grow => {}
                Standing::Differs => {
                    twins.swap_remove(idx);
                    continue;
                }
            }
            idx += 1;
        }
        if let Some(at) = self.slots.get_mut(slot) {
            at.twins = twins;
        }
        Ok(is_repeated)
    }

    /// Notes the mark of a line that was taken.
    pub(super) fn marked(&mut self, slot: usize, line: LineMark) {
        let Some(at) = self.slots.get_mut(slot) else {
            return;
        };
        at.checksum = Some(line.checksum);
        if line.offset.0 == 0 {
            at.first_line = Some(line.checksum);
            self.families.add(slot, line.checksum);
        }
    }

    /// Finds out where the marks of a generation stand that is read on, and its twins.
    fn resume(&mut self, slot: usize) -> Result<u32, SinkError> {
        let Some(at) = self.slots.get(slot) else {
            return Ok(0);
        };
        let (id, first_line) = (at.id, at.first_line);
        let last = match at.offset.checked_sub(1) {
            Some(last) => self.sink.line_marks(id, ByteOffset(last))?,
            None => None,
        };
        // Where the marks were not kept, what follows is like nothing else.
        let checksum = last
            .and_then(|block| block.iter().last())
            .map_or(0, |line| line.checksum);
        if let Some(first_line) = first_line {
            self.meet_family(slot, first_line);
        }
        if let Some(at) = self.slots.get_mut(slot) {
            at.checksum = Some(checksum);
        }
        Ok(checksum)
    }

    /// Makes twins of a generation and those that begin with the same line, as far as one of the two may
    /// still come to a line that the other has had.
    fn meet_family(&mut self, slot: usize, first_line: u32) {
        let Some((id, offset)) = self.slots.get(slot).map(|at| (at.id, at.offset)) else {
            return;
        };
        let others = self.families.others(slot, first_line, |other| {
            let is_ahead = |at: &Slot| at.offset > offset || at.is_being_read();
            self.slots.get(other).is_some_and(is_ahead)
        });
        let mut twins = Vec::with_capacity(others.len());
        for other in others {
            let Some(at) = self.slots.get_mut(other) else {
                continue;
            };
            twins.push(Twin::new(other, at.id));
            if at.is_being_read() && at.twins.iter().all(|twin| twin.slot != slot) {
                at.twins.push(Twin::new(slot, id));
            }
        }
        if let Some(at) = self.slots.get_mut(slot) {
            at.twins = twins;
        }
    }
}

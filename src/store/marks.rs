//! The marks of lines read before, and the gaps: what is kept beside a checkpoint.

use rusqlite::{OptionalExtension, params};

use super::StoreError;
use super::writer::Writer;
use crate::model::{Advance, ByteOffset, Gap, GenerationId, GenerationState, LineMarks, Timestamp};

/// The most bytes of marks: those of about twelve million lines. Beyond it the marks of the generations
/// that were left alone longest are dropped; if such a file shrinks, its lines are read again and those
/// with ids are suppressed.
pub(super) const MARKS_MAX: u64 = 64 << 20;

impl Writer {
    /// Keeps the marks of a batch's lines.
    pub(super) fn put_marks(
        &mut self,
        generation: GenerationId,
        marks: &[LineMarks],
    ) -> Result<(), StoreError> {
        let mut added = 0;
        for block in marks {
            if !self.continue_block(generation, block)? {
                self.connection
                    .prepare_cached("INSERT OR REPLACE INTO line_mark VALUES (?1,?2,?3,?4)")?
                    .execute(params![
                        generation.0,
                        block.first().0.cast_signed(),
                        block.lines(),
                        block.to_bytes()
                    ])?;
            }
            added += block.entries().len() as u64;
        }
        if added > 0 {
            self.mark_bytes += added;
            self.connection
                .prepare_cached("UPDATE generation SET mark_bytes=mark_bytes+?2 WHERE id=?1")?
                .execute(params![generation.0, added.cast_signed()])?;
            self.prune_marks(generation, MARKS_MAX)?;
        }
        Ok(())
    }

    /// Appends to the last block of the generation when there is room and no hole between them.
    fn continue_block(
        &self,
        generation: GenerationId,
        block: &LineMarks,
    ) -> Result<bool, StoreError> {
        let room = LineMarks::LINES_MAX.saturating_sub(block.lines());
        let last: Option<(i64, Vec<u8>)> = self
            .connection
            .prepare_cached(
                "SELECT first_offset,body FROM line_mark WHERE generation=?1 AND first_offset<?2 AND lines<=?3 \
                 AND first_offset=(SELECT max(first_offset) FROM line_mark WHERE generation=?1)",
            )?
            .query_row(
                params![generation.0, block.first().0.cast_signed(), room],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((first, mut body)) = last else {
            return Ok(false);
        };
        let first = ByteOffset(first.cast_unsigned());
        if LineMarks::from_bytes(first, &body).is_none_or(|last| last.end() != block.first()) {
            return Ok(false);
        }
        body.extend_from_slice(block.entries());
        self.connection
            .prepare_cached(
                "UPDATE line_mark SET body=?3,lines=lines+?4 WHERE generation=?1 AND first_offset=?2",
            )?
            .execute(params![
                generation.0,
                first.0.cast_signed(),
                body,
                block.lines()
            ])?;
        Ok(true)
    }

    /// Drops the marks of whole generations, those left alone longest first, until at most `most` bytes
    /// are kept; those of `current` go last.
    pub(super) fn prune_marks(
        &mut self,
        current: GenerationId,
        most: u64,
    ) -> Result<(), StoreError> {
        while self.mark_bytes > most {
            let victim: Option<(u32, i64)> = self
                .connection
                .prepare_cached(
                    "SELECT id,mark_bytes FROM generation WHERE mark_bytes>0 ORDER BY id=?1,read_at,id LIMIT 1",
                )?
                .query_row([current.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((generation, bytes)) = victim else {
                self.mark_bytes = 0;
                break;
            };
            self.connection
                .execute("DELETE FROM line_mark WHERE generation=?1", [generation])?;
            self.connection.execute(
                "UPDATE generation SET mark_bytes=0 WHERE id=?1",
                [generation],
            )?;
            self.mark_bytes = self.mark_bytes.saturating_sub(bytes.cast_unsigned());
        }
        Ok(())
    }

    /// Returns the block of marks in which the line at `at` would stand, if it is kept.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub fn line_marks(
        &self,
        generation: GenerationId,
        at: ByteOffset,
    ) -> Result<Option<LineMarks>, StoreError> {
        let block: Option<(i64, Vec<u8>)> = self
            .connection
            .prepare_cached(
                "SELECT first_offset,body FROM line_mark WHERE generation=?1 AND first_offset<=?2 \
                 ORDER BY first_offset DESC LIMIT 1",
            )?
            .query_row(params![generation.0, at.0.cast_signed()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(block
            .and_then(|(first, body)| {
                LineMarks::from_bytes(ByteOffset(first.cast_unsigned()), &body)
            })
            .filter(|block| block.end() > at))
    }

    /// Keeps the gap that a step leaves, and ends the one whose bytes were found after all.
    pub(super) fn put_gap(
        &self,
        step: &Advance,
        gap: Option<Gap>,
        noticed_at: Timestamp,
    ) -> Result<(), StoreError> {
        let is_read_on = matches!(step.state, GenerationState::Open | GenerationState::Rotated);
        if step.to > step.from || is_read_on {
            self.connection
                .prepare_cached("DELETE FROM gap WHERE generation=?1 AND from_offset=?2")?
                .execute(params![step.generation.0, step.from.0.cast_signed()])?;
        }
        if let Some(gap) = gap {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO gap VALUES (?1,?2,?3,?4,?5)")?
                .execute(params![
                    step.generation.0,
                    gap.from.0.cast_signed(),
                    gap.to.map(|to| to.0.cast_signed()),
                    gap.cause.code(),
                    noticed_at.0
                ])?;
        }
        Ok(())
    }
}

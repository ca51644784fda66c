//! One transaction around a group of batches: checkpoints by compare-and-set, names, events.

use std::sync::Arc;

use rusqlite::params;

use super::StoreError;
use super::commit::Work;
use super::fault::Step;
use super::prepare::Prepared;
use super::writer::{Committed, Writer};
use crate::model::{Advance, Gap, LineMarks, Name, Timestamp};

/// What is stored with the step of a checkpoint.
struct Stepped {
    advance: Advance,
    read_at: Timestamp,
    marks: Vec<LineMarks>,
    gap: Option<Gap>,
}

impl Stepped {
    fn of(batch: &Prepared) -> Self {
        Self {
            advance: batch.advance.clone(),
            read_at: batch.read_at,
            marks: batch.marks.clone(),
            gap: batch.gap,
        }
    }
}

impl Writer {
    /// Stores the batches and moves their checkpoints, all in one transaction.
    ///
    /// # Errors
    ///
    /// When a checkpoint does not stand where its batch starts, or the database cannot be written;
    /// nothing is stored then.
    pub fn commit(&mut self, batches: Vec<Prepared>) -> Result<Committed, StoreError> {
        self.in_one_transaction(|writer| writer.try_commit(batches))
    }

    /// Does `work`, which begins and ends a transaction; when it fails, nothing of it stays.
    pub(super) fn in_one_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = work(self);
        if done.is_err() {
            if !self.connection.is_autocommit() {
                // The first error is the one to report; a failed rollback shows at the next BEGIN.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            self.reload()?;
        }
        done
    }

    fn try_commit(&mut self, batches: Vec<Prepared>) -> Result<Committed, StoreError> {
        self.check_numbers(batches.iter().map(Prepared::len).sum())?;
        self.fuse.pass(Step::BeforeBegin);
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let steps: Vec<Stepped> = batches.iter().map(Stepped::of).collect();
        if !self.is_split {
            self.fuse.pass(Step::BeforeAdvance);
            self.advance(&steps)?;
        }
        for batch in &batches {
            self.put_names(&batch.names)?;
        }
        let events = batches.iter().map(Prepared::len).sum();
        let read_at = batches.iter().map(|batch| batch.read_at).max();
        self.note_landing(read_at.unwrap_or_default())?;
        let committed = Work::new(self, events).store(batches)?;
        self.fuse.pass(Step::BeforeCommit);
        self.connection.execute_batch("COMMIT")?;
        self.fuse.pass(Step::AfterCommit);
        if self.is_split {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            self.advance(&steps)?;
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(committed)
    }

    /// Moves the checkpoint of one batch.
    pub(super) fn advance_one(&mut self, batch: &Prepared) -> Result<(), StoreError> {
        self.advance(&[Stepped::of(batch)])
    }

    fn advance(&mut self, steps: &[Stepped]) -> Result<(), StoreError> {
        for Stepped {
            advance: step,
            read_at,
            marks,
            gap,
        } in steps
        {
            let mut update = self.connection.prepare_cached(
                "UPDATE generation SET offset=?3,head_len=?4,head_hash=?5,tail_len=?6,tail_hash=?7,\
                 state=?8,path=coalesce(?9,path),size=max(size,?10),modified=?11 WHERE id=?1 AND offset=?2",
            )?;
            let changed = update.execute(params![
                step.generation.0,
                step.from.0.cast_signed(),
                step.to.0.cast_signed(),
                step.head.len,
                step.head.hash.cast_signed(),
                step.tail.len,
                step.tail.hash.cast_signed(),
                step.state.code(),
                step.renamed_to,
                step.look.size.cast_signed(),
                step.look.modified,
            ])?;
            drop(update);
            if changed != 1 {
                return Err(StoreError::CheckpointMoved {
                    generation: step.generation.0,
                    from: step.from.0,
                });
            }
            self.put_gap(step, *gap, *read_at)?;
            self.put_marks(step.generation, marks)?;
        }
        Ok(())
    }

    pub(super) fn put_names(&self, names: &[(Name, Arc<str>)]) -> Result<(), StoreError> {
        for (name, text) in names {
            self.put_name(name.id(), text)?;
        }
        Ok(())
    }

    fn put_name(&self, id: u32, text: &Arc<str>) -> Result<(), StoreError> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO name VALUES (?1, ?2)")?;
        if insert.execute(params![id, text])? == 0 {
            let known: String =
                self.connection
                    .query_row("SELECT text FROM name WHERE id = ?1", [id], |row| {
                        row.get(0)
                    })?;
            if known != **text {
                return Err(StoreError::NameClash { id });
            }
        }
        Ok(())
    }
}

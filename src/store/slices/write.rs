//! The slices on disk: changes joined with the minutes that they concern.

use rusqlite::{Connection, OptionalExtension, params};

use super::bytes::MinuteBytes;
use super::gather::Gathered;
use super::minute::{Count, LoadCount, MinuteCounts};
use super::tuples::Fold;
use crate::model::Minute;
use crate::stats::Load;
use crate::store::StoreError;
use crate::store::packed::Packer;

/// Writes slices; knows every tuple on disk.
#[derive(Debug, Default)]
pub(in crate::store) struct SliceWriter {
    fold: Fold,
    packer: Packer,
}

impl SliceWriter {
    /// Reads the tuples on disk.
    pub(in crate::store) fn load(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            fold: Fold::load(connection)?,
            packer: Packer::default(),
        })
    }

    /// Puts the changes into the tables.
    pub(in crate::store) fn flush(
        &mut self,
        connection: &Connection,
        gathered: Gathered,
    ) -> Result<(), StoreError> {
        let mut numbered = Vec::with_capacity(gathered.steps.len());
        for step in gathered.steps {
            let count = Count {
                tuple: self.fold.number(connection, &step.tuple)?,
                state: step.state,
                requests: step.sign.into(),
                cost_nano: step.cost_nano,
            };
            numbered.push((step.minute, count, step.load));
        }
        // Stable, since requests mostly come in order.
        numbered.sort_by_key(|(minute, ..)| *minute);
        for steps in numbered.chunk_by(|a, b| a.0 == b.0) {
            if let Some((minute, ..)) = steps.first() {
                self.change(connection, *minute, steps)?;
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        connection: &Connection,
        minute: Minute,
        steps: &[(Minute, Count, Option<Load>)],
    ) -> Result<(), StoreError> {
        let stored = connection
            .prepare_cached("SELECT counts,costs,loads FROM slice_minute WHERE minute=?1")?
            .query_row([minute.0], |row| {
                Ok(MinuteBytes {
                    counts: row.get(0)?,
                    costs: row.get(1)?,
                    loads: row.get(2)?,
                })
            })
            .optional()?;
        let mut counts = match &stored {
            Some(bytes) => bytes.to_minute()?,
            None => MinuteCounts::default(),
        };
        let changes: Vec<Count> = steps.iter().map(|(_, count, _)| *count).collect();
        let loads = steps.iter().filter_map(|(_, count, load)| {
            Some(LoadCount {
                tuple: count.tuple,
                state: count.state,
                load: (*load)?,
                requests: count.requests,
            })
        });
        counts.apply(&changes, loads);
        if counts.counts.is_empty() {
            if stored.is_some() {
                connection
                    .prepare_cached("DELETE FROM slice_minute WHERE minute=?1")?
                    .execute([minute.0])?;
            }
            return Ok(());
        }
        let bytes = MinuteBytes::of(&counts, &mut self.packer)?;
        connection
            .prepare_cached("INSERT OR REPLACE INTO slice_minute VALUES (?1,?2,?3,?4)")?
            .execute(params![minute.0, bytes.counts, bytes.costs, bytes.loads])?;
        Ok(())
    }
}

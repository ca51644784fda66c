//! Different accounts of known facts, as a transaction gathers and stores them.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::StoreError;
use crate::model::{Conflict, GenerationId, SourcePosition};

/// What a transaction has met.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    by_request: BTreeMap<(i64, String), u64>,
    by_generation: BTreeMap<(GenerationId, String), Met>,
}

/// How often, and the first: the row that holds the account that counts, and where the other one stands.
#[derive(Debug)]
struct Met {
    count: u64,
    row: i64,
    offset: u64,
}

impl Conflicts {
    /// Takes in what a line at `position` says otherwise than the request in `row`.
    pub(super) fn add(&mut self, row: i64, position: SourcePosition, found: Vec<Conflict>) {
        for Conflict { field } in found {
            if let Some(generation) = position.generation {
                let met = self.by_generation.entry((generation, field.clone()));
                let first = Met {
                    count: 0,
                    row,
                    offset: position.offset,
                };
                met.or_insert(first).count += 1;
            }
            *self.by_request.entry((row, field)).or_default() += 1;
        }
    }

    /// Adds them to those stored.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        for ((row, field), count) in &self.by_request {
            connection
                .prepare_cached(
                    "INSERT INTO conflict VALUES (?1,?2,?3) \
                     ON CONFLICT DO UPDATE SET count = count + excluded.count",
                )?
                .execute(params![row, field, count.cast_signed()])?;
        }
        for ((generation, field), met) in &self.by_generation {
            connection
                .prepare_cached(
                    "INSERT INTO conflict_count VALUES (?1,?2,?3,?4,?5) \
                     ON CONFLICT DO UPDATE SET count = count + excluded.count",
                )?
                .execute(params![
                    generation.0,
                    field,
                    met.count.cast_signed(),
                    met.row,
                    met.offset.cast_signed()
                ])?;
        }
        Ok(())
    }
}

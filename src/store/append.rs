//! The rows that are new in a transaction, appended at its end: columns, parts, residuals and zones.

use std::sync::Arc;

use rusqlite::params;

use super::StoreError;
use super::fault::Step;
use super::prepare::{Block, Encoded, ROWS_A_BLOCK};
use super::residual::{Packer, put_varint};
use super::row::{self, Stored};
use super::writer::Writer;

/// How many rows one statement appends: each statement costs as much as three rows.
const ROWS_A_STATEMENT: usize = 32;

/// A new row.
pub(super) struct Pending {
    pub(super) stored: Stored,
    /// Its record and hash as prepared; `None` once the row was changed.
    pub(super) encoded: Option<(Arc<Block>, Encoded)>,
}

/// A new row with its record.
struct Ready {
    stored: Stored,
    block: Arc<Block>,
    encoded: Encoded,
}

/// Appends the rows, the first of which gets the number `first`.
pub(super) fn append(writer: &Writer, first: i64, rows: Vec<Pending>) -> Result<(), StoreError> {
    let mut scratch = Vec::new();
    let rows: Vec<Ready> = rows
        .into_iter()
        .map(|Pending { stored, encoded }| {
            let (block, encoded) = encoded.unwrap_or_else(|| {
                let mut block = Block::default();
                let encoded = block.push(&stored.request, &writer.key, &mut scratch);
                (Arc::new(block), encoded)
            });
            Ready {
                stored,
                block,
                encoded,
            }
        })
        .collect();
    let mut packer = Packer::default();
    let mut first = first;
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let (rows, after) = rest.split_at(block_len(rest));
        append_rows(writer, first, rows)?;
        let last = first + i64::try_from(rows.len()).unwrap_or(0) - 1;
        put_zone(writer, first, last, rows)?;
        match whole_block(rows) {
            Some(packed) => put_residual(writer, first, last, packed)?,
            None => put_residual(writer, first, last, &pack(&mut packer, rows)?)?,
        }
        first = last + 1;
        rest = after;
    }
    Ok(())
}

/// Returns the packed records of the block that `rows` begin with, if they begin with a whole one.
fn whole_block(rows: &[Ready]) -> Option<&[u8]> {
    let first = rows.first().filter(|row| row.encoded.place == 0)?;
    let packed = first.block.packed.as_deref()?;
    // Its records stand in order and once, so that as many of them as it has are all.
    let is_whole = rows
        .get(..first.block.rows)?
        .iter()
        .all(|row| Arc::ptr_eq(&row.block, &first.block));
    is_whole.then_some(packed)
}

/// Returns how many of `rows` the next block takes: those of a whole one, or the rows before the next.
fn block_len(rows: &[Ready]) -> usize {
    if whole_block(rows).is_some() {
        return ROWS_A_BLOCK;
    }
    let most = rows.len().min(ROWS_A_BLOCK);
    (1..most)
        .find(|start| rows.get(*start..).and_then(whole_block).is_some())
        .unwrap_or(most)
}

fn append_rows(writer: &Writer, first: i64, rows: &[Ready]) -> Result<(), StoreError> {
    let connection = &writer.connection;
    let mut many = connection.prepare_cached(&row::append_sql(ROWS_A_STATEMENT))?;
    let mut one = connection.prepare_cached(&row::append_sql(1))?;
    let mut number = first;
    for group in rows.chunks(ROWS_A_STATEMENT) {
        for row in group {
            row::write_parts(connection, number, &row.stored, true)?;
            writer.fuse.pass(Step::BetweenRows);
            number += 1;
        }
        let mut columns = group
            .iter()
            .map(|row| (&*row.stored.request, row.encoded.hash));
        if group.len() == ROWS_A_STATEMENT {
            row::bind_all(&mut many, columns)?;
            many.raw_execute()?;
        } else {
            columns.try_for_each(|row| {
                row::bind_all(&mut one, std::iter::once(row))?;
                one.raw_execute().map(drop)
            })?;
        }
    }
    if connection.last_insert_rowid() != number - 1 && !rows.is_empty() {
        return Err(StoreError::damaged("the numbers of the rows"));
    }
    Ok(())
}

fn put_zone(writer: &Writer, first: i64, last: i64, rows: &[Ready]) -> Result<(), StoreError> {
    let times = || rows.iter().map(|row| row.stored.request.ts.0);
    writer
        .connection
        .prepare_cached("INSERT INTO zone VALUES (?1,?2,?3,?4)")?
        .execute(params![first, last, times().min(), times().max()])?;
    Ok(())
}

fn put_residual(writer: &Writer, first: i64, last: i64, body: &[u8]) -> Result<(), StoreError> {
    writer
        .connection
        .prepare_cached("INSERT INTO residual VALUES (?1,?2,?3)")?
        .execute(params![first, last, body])?;
    Ok(())
}

fn pack(packer: &mut Packer, rows: &[Ready]) -> Result<Vec<u8>, StoreError> {
    let mut raw = Vec::new();
    for row in rows {
        let record = row.encoded.record(&row.block);
        put_varint(&mut raw, record.len() as u64);
        raw.extend_from_slice(record);
    }
    packer.pack(&raw)
}

//! The rows that are new in a transaction, appended at its end: columns, parts, residuals and zones.

use std::sync::Arc;

use rusqlite::params;

use super::StoreError;
use super::columns::{self, Columns};
use super::fault::Step;
use super::packed::Packer;
use super::parts;
use super::prepare::{Block, Encoded, Fresh, ROWS_A_BLOCK};
use super::residual::put_varint;
use super::stored::Stored;
use super::writer::Writer;

/// How many rows one statement appends: each statement costs as much as three rows.
const ROWS_A_STATEMENT: usize = 32;

/// A new row.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the large kind, and stand in one vector"
)]
pub(super) enum Pending {
    /// As its line told it; by far most are.
    Fresh(Fresh, Arc<Block>),
    /// Changed by what else the transaction holds.
    Changed(Stored),
}

/// A new row with its record.
struct Ready {
    columns: Columns,
    profile: i64,
    block: Arc<Block>,
    encoded: Encoded,
    /// The request, where something of it stands beside its row.
    parts: Option<Stored>,
}

impl Ready {
    fn new(writer: &mut Writer, row: Pending, scratch: &mut Vec<u8>) -> Result<Self, StoreError> {
        let (columns, block, encoded, parts) = match row {
            Pending::Fresh(fresh, block) => {
                let parts = fresh.whole.map(Stored::new);
                (fresh.columns, block, fresh.encoded, parts)
            }
            Pending::Changed(stored) => {
                let columns = Columns::of(&stored.request);
                let mut block = Block::default();
                let encoded = block.push(&stored.request, &columns, &writer.key, scratch);
                (columns, Arc::new(block), encoded, Some(stored))
            }
        };
        Ok(Self {
            profile: writer
                .profiles
                .number(&writer.connection, &columns.profile)?,
            columns,
            block,
            encoded,
            parts,
        })
    }
}

/// Appends the rows, the first of which gets the number `first`.
pub(super) fn append(
    writer: &mut Writer,
    first: i64,
    rows: Vec<Pending>,
) -> Result<(), StoreError> {
    let mut scratch = Vec::new();
    let rows: Vec<Ready> = rows
        .into_iter()
        .map(|row| Ready::new(writer, row, &mut scratch))
        .collect::<Result<_, _>>()?;
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
    let mut many = connection.prepare_cached(&columns::append_sql(ROWS_A_STATEMENT))?;
    let mut one = connection.prepare_cached(&columns::append_sql(1))?;
    let step = columns::parameters_len();
    for group in rows.chunks(ROWS_A_STATEMENT) {
        for _ in group {
            writer.fuse.pass(Step::BetweenRows);
        }
        if group.len() == ROWS_A_STATEMENT {
            for (before, row) in (0..).step_by(step).zip(group) {
                let hash = row.encoded.hash;
                row.columns.bind(&mut many, before, row.profile, hash)?;
            }
            many.raw_execute()?;
        } else {
            for row in group {
                let hash = row.encoded.hash;
                row.columns.bind(&mut one, 0, row.profile, hash)?;
                one.raw_execute()?;
            }
        }
    }
    let end = first + i64::try_from(rows.len()).unwrap_or(0);
    if connection.last_insert_rowid() != end - 1 && !rows.is_empty() {
        return Err(StoreError::damaged("the numbers of the rows"));
    }
    let parts = (first..)
        .zip(rows)
        .filter_map(|(number, row)| Some((number, row.parts.as_ref()?)));
    parts::append(connection, parts)
}

fn put_zone(writer: &Writer, first: i64, last: i64, rows: &[Ready]) -> Result<(), StoreError> {
    let times = || rows.iter().map(|row| row.columns.ts.0);
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

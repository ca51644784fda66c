//! Many rows in full, residuals and all, block by block.

use hashbrown::HashMap;
use rusqlite::{Connection, params};

use super::StoreError;
use super::residual;
use super::row::load_range;
use super::stored::Stored;

/// Reads the rows from `first` to `last` in full.
///
/// # Errors
///
/// When the database cannot be read or is damaged.
pub(super) fn load_whole(
    connection: &Connection,
    first: i64,
    last: i64,
) -> Result<Vec<(i64, Stored)>, StoreError> {
    let mut rows = load_range(connection, first, last)?;
    let mut records: HashMap<i64, Box<[u8]>> = HashMap::new();
    let mut blocks = connection.prepare_cached(residual::SELECT_BLOCKS)?;
    let mut found = blocks.query(params![first, last])?;
    while let Some(row) = found.next()? {
        let start: i64 = row.get(0)?;
        let block = residual::unpack(row.get_ref(1)?.as_blob().unwrap_or_default())?;
        records.extend((start..).zip(block));
    }
    let mut patches = connection
        .prepare_cached("SELECT row,body FROM residual_patch WHERE row BETWEEN ?1 AND ?2")?;
    let mut found = patches.query(params![first, last])?;
    while let Some(row) = found.next()? {
        let body = row.get_ref(1)?.as_blob().unwrap_or_default();
        records.insert(row.get(0)?, Box::from(residual::unpatch(body)?));
    }
    for (number, stored) in &mut rows {
        if let Some(record) = records.get(number) {
            residual::fill(&mut stored.request, record)?;
        }
    }
    Ok(rows)
}

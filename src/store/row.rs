//! The rows of requests: reading them again, in part and in full, and their hash.

use hashbrown::HashMap;
use rusqlite::{Connection, params};

use super::StoreError;
use super::columns::{Columns, select_sql};
use super::residual::put_varint;
use super::stored::Stored;
use super::{parts, residual};
use crate::model::{Flags, HashKey, Request};

/// Returns the hash by which an exact repetition is recognised; 0 for a request that was merged.
///
/// `bytes` are what [`residual::put_facts`] and then [`put_hashed`] give: the origin is no part of it.
pub(super) fn hash(request: &Request, bytes: &[u8], key: &HashKey) -> u64 {
    if request.flags.has(Flags::MERGED) {
        return 0;
    }
    key.hash(bytes).max(1)
}

/// Appends what of a request is hashed and stands in no record.
pub(super) fn put_hashed(bytes: &mut Vec<u8>, request: &Request, columns: &Columns) {
    bytes.extend_from_slice(columns.id.as_bytes());
    let session = columns.session.map_or(0, |key| key.0);
    bytes.extend_from_slice(&columns.ts.0.to_le_bytes());
    bytes.extend_from_slice(&session.to_le_bytes());
    for number in columns.profile.numbers() {
        put_varint(bytes, u64::from(*number));
    }
    for number in columns.numbers {
        put_varint(
            bytes,
            number.map_or(0, |number| number.cast_unsigned().wrapping_add(1)),
        );
    }
    parts::put_bytes(request, bytes);
}

/// Reads the rows from `first` to `last` without their residuals.
pub(super) fn load_range(
    connection: &Connection,
    first: i64,
    last: i64,
) -> Result<Vec<(i64, Stored)>, StoreError> {
    let mut statement = connection.prepare_cached(&select_sql())?;
    let mut rows = statement.query(params![first, last])?;
    let mut loaded = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, columns) = Columns::read(row)?;
        loaded.push((number, Stored::new(Box::new(columns.into_request()))));
    }
    parts::load(connection, &mut loaded)?;
    Ok(loaded)
}

/// Residual blocks unpacked lately.
#[derive(Debug, Default)]
pub(super) struct BlockCache {
    blocks: HashMap<i64, Vec<Box<[u8]>>>,
}

impl BlockCache {
    const BLOCKS_MAX: usize = 32;

    /// Reads one row in full.
    pub(super) fn load(
        &mut self,
        connection: &Connection,
        number: i64,
    ) -> Result<Option<Stored>, StoreError> {
        let Some((_, mut stored)) = load_range(connection, number, number)?.pop() else {
            return Ok(None);
        };
        let mut patches =
            connection.prepare_cached("SELECT body FROM residual_patch WHERE row = ?1")?;
        let mut rows = patches.query([number])?;
        if let Some(row) = rows.next()? {
            let body = row.get_ref(0)?.as_blob().unwrap_or_default();
            residual::fill(&mut stored.request, residual::unpatch(body)?)?;
            return Ok(Some(stored));
        }
        let mut blocks = connection.prepare_cached(
            "SELECT first_row, body FROM residual WHERE first_row <= ?1 ORDER BY first_row DESC LIMIT 1",
        )?;
        let mut rows = blocks.query([number])?;
        if let Some(row) = rows.next()? {
            let first: i64 = row.get(0)?;
            if !self.blocks.contains_key(&first) {
                if self.blocks.len() >= Self::BLOCKS_MAX {
                    self.blocks.clear();
                }
                let body = row.get_ref(1)?.as_blob().unwrap_or_default();
                self.blocks.insert(first, residual::unpack(body)?);
            }
            let place = usize::try_from(number - first).unwrap_or(usize::MAX);
            if let Some(record) = self.blocks.get(&first).and_then(|block| block.get(place)) {
                residual::fill(&mut stored.request, record)?;
            }
        }
        Ok(Some(stored))
    }
}

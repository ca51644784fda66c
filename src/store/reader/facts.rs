//! What a database is and how much it holds.

use rusqlite::Connection;

use super::Reader;
use crate::model::Timestamp;
use crate::store::StoreError;
use crate::store::watermarks::Watermarks;

/// What `db info` tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseFacts {
    /// The version of its schema.
    pub schema: i64,
    /// Its random id, in hexadecimal digits.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of it that are free.
    pub free: u64,
    /// Bytes of its log.
    pub log_bytes: u64,
    /// The times of the oldest and the newest request, odd clocks included.
    pub extent: Option<(Timestamp, Timestamp)>,
    /// Rows of the tables that grow, by name.
    pub rows: Vec<(&'static str, u64)>,
    /// Before this, requests were dropped.
    pub rows_from: Option<Timestamp>,
    /// The process that writes.
    pub writer: Option<u32>,
}

impl Reader {
    /// Returns what the database is and how much it holds.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn facts(&self) -> Result<DatabaseFacts, StoreError> {
        let connection = &self.connection;
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let page = pragma("page_size")?;
        let bytes = |pages: i64| pages.saturating_mul(page).unsigned_abs();
        let tables = [
            ("requests", "request"),
            ("attempts", "attempt"),
            ("corrections", "correction"),
            ("rollups by minute", "rollup_minute"),
            ("rollups by hour", "rollup_hour"),
            ("rollups by day", "rollup_day"),
            ("slices by minute", "slice_minute"),
            ("tuples of slices", "slice_tuple"),
            ("names", "name"),
            ("sources", "source"),
            ("files", "generation"),
            ("rejected lines", "quarantine"),
        ];
        let rows = tables
            .iter()
            .map(|(name, table)| Ok((*name, count(connection, table)?)))
            .collect::<Result<_, StoreError>>()?;
        let extent =
            connection.query_row("SELECT min(ts_min),max(ts_max) FROM zone", [], |row| {
                let ends: (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
                Ok(ends.0.zip(ends.1))
            })?;
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        Ok(DatabaseFacts {
            schema: pragma("user_version")?,
            id: connection.query_row(
                "SELECT lower(hex(value)) FROM meta WHERE key='database_id'",
                [],
                |row| row.get(0),
            )?,
            created_at: Timestamp(connection.query_row(
                "SELECT value FROM meta WHERE key='created_at'",
                [],
                |row| row.get(0),
            )?),
            bytes: bytes(pragma("page_count")?),
            free: bytes(pragma("freelist_count")?),
            log_bytes: std::fs::metadata(log).map_or(0, |found| found.len()),
            extent: extent.map(|(from, to)| (Timestamp(from), Timestamp(to))),
            rows,
            rows_from: Watermarks::load(connection)?.rows_from,
            writer: self.writer_pid(),
        })
    }

    /// Returns the connection, for checks of other files of this room.
    pub(in crate::store) fn connection(&self) -> &Connection {
        &self.connection
    }
}

fn count(connection: &Connection, table: &str) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM {table}");
    Ok(connection
        .query_row(&sql, [], |row| row.get::<_, i64>(0))?
        .unsigned_abs())
}

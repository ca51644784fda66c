//! The write-ahead log: how long it is, and copying it into the database beside the writer.
//!
//! A commit only appends to the log. What it appended is copied by a thread of its own, since the disk
//! is waited for, and by the writer where that thread cannot keep up or the log should begin anew: it
//! does so with the first commit after all of it was copied.

use std::path::Path;

use rusqlite::Connection;

use super::fault::Step;
use super::writer::Writer;
use super::{StoreError, connection};

/// The pages of the log from which the writer copies what is left, so that it begins anew: 48 MiB.
const PAGES_DUE: u32 = 3 * 1024;
/// The pages that are worth a copy beside the writer: 8 MiB.
const PAGES_WAITING: u32 = 512;

/// How long the log is, in pages.
#[derive(Debug, Clone, Copy)]
struct Length {
    all: u32,
    /// Those not copied yet.
    waiting: u32,
}

/// Copies the log while the writer goes on; on a connection of its own, which writes nothing else.
#[derive(Debug)]
pub struct LogCopier {
    connection: Connection,
}

impl LogCopier {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connection::open_copier(path)?;
        Ok(Self { connection })
    }

    /// Copies what stands in the log; neither the writer nor readers wait for it.
    ///
    /// # Errors
    ///
    /// When the disk fails; the log still has everything then.
    pub fn copy(&self) -> Result<(), StoreError> {
        checkpoint(&self.connection, "PASSIVE").map(drop)
    }
}

impl Writer {
    /// Opens a copier of the log; it must be dropped before the writer is closed.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened again.
    pub fn log_copier(&self) -> Result<LogCopier, StoreError> {
        LogCopier::open(self.path())
    }

    /// Tells whether enough waits in the log to be worth a copy.
    ///
    /// # Errors
    ///
    /// When the log cannot be looked at.
    pub fn is_log_waiting(&self) -> Result<bool, StoreError> {
        Ok(checkpoint(&self.connection, "NOOP")?.waiting >= PAGES_WAITING)
    }

    /// Copies the log into the database when it is long, or when `is_idle` and something waits in it;
    /// readers are not waited for. Returns whether it was due.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn checkpoint_if_due(&mut self, is_idle: bool) -> Result<bool, StoreError> {
        let log = checkpoint(&self.connection, "NOOP")?;
        let is_due = log.waiting > 0 && (is_idle || log.all >= PAGES_DUE);
        if is_due {
            self.fuse.pass(Step::BeforeLogCheckpoint);
            checkpoint(&self.connection, "PASSIVE")?;
        }
        Ok(is_due)
    }
}

/// Runs a checkpoint of that mode; returns what is in the log after it.
fn checkpoint(connection: &Connection, mode: &str) -> Result<Length, StoreError> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let mut pragma = connection.prepare_cached(&sql)?;
    // Without a log both are -1.
    let pages = |pages: i64| u32::try_from(pages).unwrap_or(0);
    Ok(pragma.query_row([], |row| {
        let (all, copied) = (pages(row.get(1)?), pages(row.get(2)?));
        let waiting = all.saturating_sub(copied);
        Ok(Length { all, waiting })
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    /// Makes a database of which about 9 MiB wait in the log.
    fn writer(folder: &Path) -> Writer {
        let writer = Writer::open(&folder.join("r.db"), Timestamp(0)).unwrap();
        write(&writer, 9);
        writer
    }

    fn write(writer: &Writer, mebibytes: u32) {
        for _ in 0..mebibytes {
            writer
                .connection
                .execute("INSERT INTO id_chunk (body) VALUES (zeroblob(1048576))", [])
                .unwrap();
        }
    }

    #[test]
    fn a_copier_copies_beside_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        assert!(writer.is_log_waiting().unwrap());
        assert!(!writer.checkpoint_if_due(false).unwrap());
        writer.log_copier().unwrap().copy().unwrap();
        assert!(!writer.is_log_waiting().unwrap());
        assert!(!writer.checkpoint_if_due(true).unwrap(), "nothing waits");
        writer.close().unwrap();
    }

    #[test]
    fn a_long_log_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        let length = || {
            std::fs::metadata(folder.path().join("r.db-wal"))
                .unwrap()
                .len()
        };
        for _ in 0..8 {
            write(&writer, 16);
            writer.checkpoint_if_due(false).unwrap();
        }
        assert!(length() < 96 << 20, "{}", length());
    }
}

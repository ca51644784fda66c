//! Before a transaction: whether the database is still where it was opened, whether it is the writer's turn, and
//! whether there is room.

use std::path::Path;
use std::time::Duration;

use rusqlite::ErrorCode;
use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::StoreError;
use super::writer::Writer;

/// With less room than that a transaction may fail.
const ROOM_MIN: u64 = 256 << 20;
/// How long the lock of another program is waited for at a time.
const TURN: Duration = Duration::from_secs(1);
/// How long it is waited for within a transaction, which begins only when it was free just before.
const BUSY: Duration = Duration::from_secs(5);
/// Numbers of rows end here: an entry of the index holds 39 bits.
const ROWS_END: i64 = 1 << 39;

impl Writer {
    /// Checks that the database and its log are still the files that were opened: `SQLite` would write on into
    /// files that nobody finds any more.
    ///
    /// # Errors
    ///
    /// When one of them is gone or another one.
    pub fn check_place(&self) -> Result<(), StoreError> {
        match self.ground.missing() {
            None => Ok(()),
            Some(path) => Err(StoreError::Moved {
                path: path.to_owned(),
            }),
        }
    }

    /// Tells whether no other program holds the database's lock; waits for it a second.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub fn is_my_turn(&self) -> Result<bool, StoreError> {
        self.connection.busy_timeout(TURN)?;
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
        self.connection.busy_timeout(BUSY)?;
        match begun {
            Ok(()) => Ok(true),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whether a transaction may fail for want of room: on the disk, or by a limit.
    pub fn is_short_of_room(&self) -> bool {
        let folder = self.path().parent().unwrap_or(Path::new("."));
        let is_disk_full = statvfs(folder)
            .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM_MIN);
        let longest = self.ground.longest();
        let limit = getrlimit(Resource::Fsize).current;
        let is_limited = limit.is_some_and(|limit| limit.saturating_sub(longest) < ROOM_MIN);
        is_disk_full || is_limited || self.has_page_limit
    }

    /// Checks that `events` more rows have numbers.
    pub(super) fn check_numbers(&self, events: usize) -> Result<(), StoreError> {
        let end = i64::try_from(events)
            .ok()
            .and_then(|events| self.next_row.checked_add(events));
        match end {
            Some(end) if end < ROWS_END => Ok(()),
            _ => Err(StoreError::OutOfNumbers),
        }
    }
}

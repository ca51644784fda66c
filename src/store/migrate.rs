//! The table of migrations: the schema's version is the number of those applied.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// `RTop`: tells a database of this program from any other.
pub(super) const APPLICATION_ID: i32 = 0x5254_6f70;

/// Every migration in order; one is only ever added.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_events.sql")];

/// Returns the version of the schema that this program knows.
pub(super) fn known() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Brings the schema from its version to the newest, each step in a transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let applied = usize::try_from(version).unwrap_or(0);
    for (idx, sql) in MIGRATIONS.iter().enumerate().skip(applied) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", i64::try_from(idx + 1).unwrap_or(1))?;
        step.commit()?;
    }
    Ok(())
}

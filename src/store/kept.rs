//! The texts of rejected lines whose source cannot be read again: bounded in bytes and in time.

use rusqlite::{Connection, params};

use super::StoreError;
use crate::model::{GenerationId, KEPT_LINES_BYTES_MAX, KEPT_LINES_FOR, LineReject, Timestamp};

/// Keeps the text of a rejected line as long as there is room.
pub(super) fn keep(
    connection: &Connection,
    generation: GenerationId,
    line: &LineReject,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(text) = &line.kept else {
        return Ok(());
    };
    let len = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let room = connection
        .prepare_cached("UPDATE meta SET value=value+?1 WHERE key='kept_bytes' AND value+?1<=?2")?
        .execute(params![len, KEPT_LINES_BYTES_MAX.cast_signed()])?;
    if room == 1 {
        connection
            .prepare_cached("INSERT INTO quarantine_line VALUES (?1,?2,?3,?4)")?
            .execute(params![
                generation.0,
                line.offset.0.cast_signed(),
                now.0,
                &**text
            ])?;
    }
    Ok(())
}

/// Lets kept lines go that are too old.
pub(super) fn forget_old(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let gone = connection.execute(
        "DELETE FROM quarantine_line WHERE kept_at < ?1",
        [now.minus(KEPT_LINES_FOR).0],
    )?;
    if gone > 0 {
        connection.execute(
            "UPDATE meta SET value=(SELECT coalesce(sum(length(CAST(line AS BLOB))),0) \
             FROM quarantine_line) WHERE key='kept_bytes'",
            [],
        )?;
    }
    Ok(())
}

//! What a batch counted, put to its generation: lines, formats, fields, rejects.

use rusqlite::{Connection, params};

use super::prepare::Prepared;
use super::writer::Committed;
use super::{StoreError, kept};
use crate::model::{Look, Micros, Timestamp};

/// How many rejected lines are kept by their places.
const QUARANTINE_MAX: i64 = 100_000;

/// A file read to its end is read as it is written when it was written to at most so long before: another
/// host's clock says when, so that it is not too short.
const LIVE_MAX: Micros = Micros::MINUTE.times(15);

/// Adds what a batch counted to its generation.
pub(super) fn write(
    connection: &Connection,
    batch: &Prepared,
    here: Committed,
    newest: Option<Timestamp>,
) -> Result<(), StoreError> {
    let generation = batch.advance.generation.0;
    let tally = &batch.tally;
    connection
        .prepare_cached(
            "UPDATE generation SET lines=lines+?2,bytes=bytes+?3,blank=blank+?4,noise=noise+?5,\
             quarantined=quarantined+?6,events=events+?7,duplicates=duplicates+?8,\
             conflicts=conflicts+?9,newest_ts=max(coalesce(newest_ts,?10),coalesce(?10,newest_ts)),read_at=?11,\
             noise_sample=coalesce(?12,noise_sample),repeated=repeated+?13,\
             maps_corrections=max(maps_corrections,?14),\
             skew=CASE WHEN is_compressed THEN skew ELSE coalesce(?15,skew) END WHERE id=?1",
        )?
        .execute(params![
            generation,
            tally.lines.cast_signed(),
            tally.bytes.cast_signed(),
            tally.blank.cast_signed(),
            tally.noise.cast_signed(),
            tally.quarantined.cast_signed(),
            here.events.cast_signed(),
            here.duplicates.cast_signed(),
            here.conflicts.cast_signed(),
            newest.map(|ts| ts.0),
            batch.read_at.0,
            tally.noise_sample,
            tally.repeated.cast_signed(),
            tally.maps_corrections,
            newest.and_then(|newest| skew(batch, newest)),
        ])?;
    for (format, lines) in &tally.by_format {
        connection
            .prepare_cached(
                "INSERT INTO generation_format VALUES (?1,?2,?3) \
                 ON CONFLICT DO UPDATE SET lines = lines + excluded.lines",
            )?
            .execute(params![generation, format, lines.cast_signed()])?;
    }
    for (table, counts) in [
        ("generation_field", &tally.unknown_fields),
        ("generation_aside", &tally.asides),
    ] {
        for (name, count) in counts {
            connection
                .prepare_cached(&format!(
                    "INSERT INTO {table} VALUES (?1,?2,?3) \
                     ON CONFLICT DO UPDATE SET count = count + excluded.count"
                ))?
                .execute(params![generation, name.id(), count.cast_signed()])?;
        }
    }
    write_rejects(connection, batch)
}

/// Returns by how much the newest event of a batch is ahead of the clock here, negative when behind;
/// `None` when the batch was not read as it was written.
pub(super) fn skew(batch: &Prepared, newest: Timestamp) -> Option<i64> {
    let look = batch.advance.look;
    // A pipe has no look; what comes out of it was just written.
    let is_live = look == Look::default() || {
        let written = Timestamp(look.modified / 1_000);
        batch.advance.to.0 >= look.size && batch.read_at.since(written) <= LIVE_MAX
    };
    is_live.then(|| newest.0.saturating_sub(batch.read_at.0))
}

fn write_rejects(connection: &Connection, batch: &Prepared) -> Result<(), StoreError> {
    if batch.rejects.is_empty() {
        return Ok(());
    }
    let generation = batch.advance.generation.0;
    let mut room = QUARANTINE_MAX
        - connection.query_row("SELECT count(*) FROM quarantine", [], |row| {
            row.get::<_, i64>(0)
        })?;
    for line in &batch.rejects {
        connection
            .prepare_cached(
                "INSERT INTO reject_count VALUES (?1,?2,1,?3,?4,?5,?6) \
                 ON CONFLICT DO UPDATE SET count = count + 1",
            )?
            .execute(params![
                generation,
                line.reject.reason,
                line.offset.0.cast_signed(),
                line.len.cast_signed(),
                line.reject.detail,
                batch.read_at.0
            ])?;
        if room > 0 {
            room -= 1;
            kept::keep(connection, batch.advance.generation, line, batch.read_at)?;
            connection
                .prepare_cached("INSERT OR IGNORE INTO quarantine VALUES (?1,?2,?3,?4,?5,?6,?7)")?
                .execute(params![
                    generation,
                    line.offset.0.cast_signed(),
                    line.len.cast_signed(),
                    line.hash.cast_signed(),
                    line.reject.reason,
                    line.reject.detail,
                    batch.read_at.0
                ])?;
        }
    }
    Ok(())
}

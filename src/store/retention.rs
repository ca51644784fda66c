//! Letting go of what is old, or of the oldest when the database is too large: in steps of a few milliseconds.
//!
//! Requests go in the order in which they were stored, whole zones at a time, with everything that belongs to them.
//! The age of a zone is that of its newest event or of its storing, whichever is later, so that an old log that
//! is read in today stays as long as one written today. Space that became free is given back to the disk.

use std::time::Duration;

use rusqlite::params;

use super::StoreError;
use super::watermarks::{floor, hour_from};
use super::writer::Writer;
use crate::config::Retention;
use crate::model::{Micros, Timestamp};

/// The most zones of 512 rows that go in one step.
const ZONES_A_STEP: i64 = 8;
/// The most rollup cells, corrections or markers that go in one step.
const CELLS_A_STEP: i64 = 1_000;
/// The most minutes of slices, which are up to 100 KiB each.
const SLICES_A_STEP: i64 = 100;
/// The most pages that are given back in one step: 4 MiB.
const PAGES_A_STEP: i64 = 256;
/// How often the time of storing is noted.
const LANDING_EVERY: Micros = Micros::MINUTE;

/// A table of what is summed up by time.
#[derive(Debug, Clone, Copy)]
struct Sum {
    table: &'static str,
    /// The column that numbers its rows by time, and how many numbers one unit has.
    key: &'static str,
    keys_a_unit: i64,
    unit_us: i64,
    /// The most rows that go in one step.
    a_step: i64,
    /// The watermark that tells from when on it is whole.
    mark: &'static str,
}

impl Sum {
    const fn rollup(table: &'static str, unit_us: i64, mark: &'static str) -> Self {
        Self {
            table,
            key: "cell",
            keys_a_unit: 1 << 20,
            unit_us,
            a_step: CELLS_A_STEP,
            mark,
        }
    }
}

/// Those tables, the first to go first.
const SUMS: [Sum; 4] = [
    Sum {
        table: "slice_minute",
        key: "minute",
        keys_a_unit: 1,
        unit_us: 60_000_000,
        a_step: SLICES_A_STEP,
        mark: "slices_from",
    },
    Sum::rollup("rollup_minute", 60_000_000, "minutes_from"),
    Sum::rollup("rollup_hour", 3_600_000_000, "hours_from"),
    Sum::rollup("rollup_day", 86_400_000_000, ""),
];

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Requests that went.
    pub requests: u64,
    /// Rollup cells that went.
    pub cells: u64,
    /// Bytes that the file became shorter, once the log is copied.
    pub bytes: u64,
}

impl Pruned {
    /// Tells whether there was nothing to do.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another step did.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.cells += other.cells;
        self.bytes += other.bytes;
    }
}

/// Rows that may go.
#[derive(Debug, Clone, Copy)]
struct Prefix {
    last_row: i64,
    /// The newest event among them.
    newest: Timestamp,
    /// By when the last of them had been stored; `None`: newer rows may have been stored by then, too.
    landed: Option<Timestamp>,
}

impl Writer {
    /// Notes about once a minute which rows had been stored by when; called before more of them are stored, which
    /// were read at `read_at`.
    pub(super) fn note_landing(&mut self, read_at: Timestamp) -> Result<(), StoreError> {
        if self.next_row > self.watermarks.first_row
            && read_at.since(self.landed_at) >= LANDING_EVERY
        {
            self.connection.execute(
                "INSERT OR REPLACE INTO landed VALUES (?1,?2)",
                params![self.next_row, self.stored_at.0],
            )?;
            self.landed_at = read_at;
        }
        // A clock that was set back must not make rows older than they are.
        self.stored_at = self.stored_at.max(read_at);
        Ok(())
    }

    /// Takes one step towards what `retention` asks for at `now`; a step that did nothing tells that all is
    /// done.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; nothing is lost then but what went before.
    pub fn prune_step(
        &mut self,
        retention: &Retention,
        now: Timestamp,
    ) -> Result<Pruned, StoreError> {
        let is_too_large = match retention.size {
            Some(size) => self.used_bytes()? > size,
            None => false,
        };
        let cutoff = retention.requests.map(|age| back(now, age));
        if let Some(prefix) = self.prefix(cutoff, is_too_large)? {
            return self.in_one_transaction(|writer| writer.drop_rows(prefix));
        }
        let cells =
            self.in_one_transaction(|writer| writer.drop_cells(retention, now, is_too_large))?;
        if cells > 0 {
            return Ok(Pruned {
                cells,
                ..Pruned::default()
            });
        }
        self.give_back()
    }

    /// Returns which share of all requests is older than `retention` allows.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn share_too_old(&self, retention: &Retention, now: Timestamp) -> Result<f64, StoreError> {
        let Some(age) = retention.requests else {
            return Ok(0.0);
        };
        let cutoff = back(now, age);
        let share = "SELECT coalesce((SELECT CAST(count(*) AS REAL) FROM zone WHERE ts_max<?1 AND (?2<?1 OR last_row<\
             coalesce((SELECT max(first_row) FROM landed WHERE at<?1),0)))/nullif((SELECT count(*) FROM zone),0),0.0)";
        let times = [cutoff.0, self.stored_at.0];
        Ok(self.connection.query_row(share, times, |row| row.get(0))?)
    }

    /// Returns the bytes in use, free pages and the log aside.
    fn used_bytes(&self) -> Result<u64, StoreError> {
        let pragma = |name| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        let pages = pragma("page_count")? - pragma("freelist_count")?;
        Ok(pages.saturating_mul(pragma("page_size")?).unsigned_abs())
    }

    /// Returns the oldest rows when they may go, a few zones of them.
    fn prefix(
        &self,
        cutoff: Option<Timestamp>,
        is_too_large: bool,
    ) -> Result<Option<Prefix>, StoreError> {
        if cutoff.is_none() && !is_too_large {
            return Ok(None);
        }
        let mut zones = self.connection.prepare_cached(
            "SELECT z.last_row,z.ts_max,(SELECT min(at) FROM landed WHERE first_row>z.last_row) \
             FROM zone z ORDER BY z.first_row LIMIT ?1",
        )?;
        let mut rows = zones.query([ZONES_A_STEP])?;
        let mut prefix: Option<Prefix> = None;
        while let Some(row) = rows.next()? {
            let noted = row.get::<_, Option<i64>>(2)?.map(Timestamp);
            let (landed, ts_max) = (noted.unwrap_or(self.stored_at), Timestamp(row.get(1)?));
            // A clock that is ahead must not keep rows for ever.
            let newest = ts_max.min(landed.plus(Micros::DAY));
            let is_old = cutoff.is_some_and(|cutoff| landed < cutoff && newest < cutoff);
            if !is_old && !is_too_large {
                break;
            }
            let before = prefix.map_or(newest, |prefix| prefix.newest);
            prefix = Some(Prefix {
                last_row: row.get(0)?,
                newest: newest.max(before),
                landed: noted,
            });
        }
        Ok(prefix)
    }

    fn drop_rows(&mut self, prefix: Prefix) -> Result<Pruned, StoreError> {
        let connection = &self.connection;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let last = prefix.last_row;
        let orphans: i64 = connection.query_row(
            "SELECT count(*) FROM request r JOIN profile p ON p.id=r.profile WHERE row<=?1 AND p.route=0 \
             AND p.outcome=0 AND p.attempts=0 AND EXISTS (SELECT 1 FROM correction WHERE request=r.row AND is_session=0)",
            [last],
            |row| row.get(0),
        )?;
        let requests = connection.execute("DELETE FROM request WHERE row<=?1", [last])?;
        for sql in [
            "DELETE FROM attempt WHERE place<(?1+1)*65536",
            "DELETE FROM correction WHERE request<=?1",
            "DELETE FROM conflict WHERE request<=?1",
            "DELETE FROM residual WHERE last_row<=?1",
            "DELETE FROM residual_patch WHERE row<=?1",
            "DELETE FROM zone WHERE last_row<=?1",
            "DELETE FROM landed WHERE first_row<=?1",
        ] {
            connection.prepare_cached(sql)?.execute([last])?;
        }
        connection.execute(
            "UPDATE meta SET value=value-?1 WHERE key='orphans'",
            [orphans],
        )?;
        let runs = match prefix.landed {
            Some(landed) => self.drop_ids(landed)?,
            None => 0,
        };
        let mut marks = self.watermarks;
        marks.first_row = last + 1;
        let after = Timestamp(prefix.newest.0.saturating_add(1));
        let from = hour_from(after);
        marks.dropped_before = marks.dropped_before.max(Some(after));
        put_mark(self, "dropped_before", marks.dropped_before)?;
        marks.rows_from = marks.rows_from.max(Some(from));
        put_mark(self, "first_row", Some(Timestamp(marks.first_row)))?;
        put_mark(self, "rows_from", marks.rows_from)?;
        self.connection.execute_batch("COMMIT")?;
        self.watermarks = marks;
        if runs > 0 {
            self.index = super::ids::IdIndex::load(&self.connection)?;
        }
        Ok(Pruned {
            requests: requests as u64,
            ..Pruned::default()
        })
    }

    /// Drops the ids of rows that are all gone, stored by `landed`: the newest event of a run is not older than the
    /// storing of its rows.
    fn drop_ids(&self, landed: Timestamp) -> Result<usize, StoreError> {
        self.connection.execute(
            "DELETE FROM id_chunk WHERE chunk IN (SELECT c.chunk FROM id_run r JOIN id_chunk c \
             ON c.chunk>=r.first_chunk AND c.chunk<r.first_chunk+length(r.fences)/8 WHERE r.newest<=?1)",
            [landed.0],
        )?;
        Ok(self
            .connection
            .execute("DELETE FROM id_run WHERE newest<=?1", [landed.0])?)
    }

    /// Drops some old cells, corrections of sessions and markers; returns how many.
    fn drop_cells(
        &mut self,
        retention: &Retention,
        now: Timestamp,
        is_too_large: bool,
    ) -> Result<u64, StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut gone = 0;
        let mut marks = self.watermarks;
        // What is summed up outlives its requests, also those of an old log that was read in lately.
        let Some(rows_from) = marks.rows_from else {
            self.connection.execute_batch("COMMIT")?;
            return Ok(0);
        };
        if let Some(age) = retention.requests {
            for sql in [
                "DELETE FROM session_correction WHERE (session,ts,kind,author) IN \
                 (SELECT session,ts,kind,author FROM session_correction WHERE ts<?1 LIMIT ?2)",
                "DELETE FROM marker WHERE (ts,label,kind,route) IN \
                 (SELECT ts,label,kind,route FROM marker WHERE ts<?1 LIMIT ?2)",
            ] {
                let before = back(now, age).min(rows_from);
                gone += self
                    .connection
                    .execute(sql, params![before.0, CELLS_A_STEP])?;
            }
        }
        for level in SUMS {
            let age = match level.unit_us {
                60_000_000 => retention.minutes,
                3_600_000_000 => retention.hours,
                _ => retention.days,
            };
            let by_age = age.map(|age| back(now, age).min(rows_from));
            // Of what is too large the oldest go, the finest first.
            let by_size = Some(rows_from).filter(|_| is_too_large && gone == 0);
            let Some(before) = by_age.max(by_size) else {
                continue;
            };
            let before = floor(before, level.unit_us > 60_000_000);
            let bound = before.0.div_euclid(level.unit_us);
            let Sum { table, key, .. } = level;
            let sql = format!(
                "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {key}<?1 ORDER BY {key} LIMIT ?2)"
            );
            let bound = bound.saturating_mul(level.keys_a_unit);
            let cells = self
                .connection
                .execute(&sql, params![bound, level.a_step])?;
            gone += cells;
            if cells > 0 {
                let kept = match level.mark {
                    "slices_from" => Some(&mut marks.slices_from),
                    "minutes_from" => Some(&mut marks.minutes_from),
                    "hours_from" => Some(&mut marks.hours_from),
                    _ => None,
                };
                if let Some(kept) = kept {
                    *kept = (*kept).max(Some(before));
                    put_mark(self, level.mark, *kept)?;
                }
            }
        }
        self.connection.execute_batch("COMMIT")?;
        self.watermarks = marks;
        Ok(gone as u64)
    }

    /// Gives free pages back to the disk, some at a time.
    fn give_back(&mut self) -> Result<Pruned, StoreError> {
        let pragma = |name| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        let free = pragma("freelist_count")?;
        if free == 0 {
            return Ok(Pruned::default());
        }
        let sql = format!("PRAGMA incremental_vacuum({PAGES_A_STEP})");
        let mut vacuum = self.connection.prepare_cached(&sql)?;
        // Each row is one page: a statement that is not stepped to its end frees only the first.
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        let left = pragma("freelist_count")?;
        let pages = free.saturating_sub(left).unsigned_abs();
        Ok(Pruned {
            bytes: pages * pragma("page_size")?.unsigned_abs(),
            ..Pruned::default()
        })
    }
}

fn put_mark(writer: &Writer, key: &str, value: Option<Timestamp>) -> Result<(), StoreError> {
    writer
        .connection
        .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1,?2)")?
        .execute(params![key, value.unwrap_or_default().0])?;
    Ok(())
}

fn back(now: Timestamp, age: Duration) -> Timestamp {
    now.minus(Micros(u64::try_from(age.as_micros()).unwrap_or(u64::MAX)))
}

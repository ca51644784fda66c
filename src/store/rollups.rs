//! Rollup cells on disk: minute, hour and day, each counted per transaction and then put in once.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rusqlite::{Connection, Row};

use super::StoreError;
use crate::model::{Request, Timestamp};
use crate::stats::{Cell, Histogram};

/// One level: the microseconds of its unit, and its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) table: &'static str,
    pub(super) unit_us: i64,
    select: &'static str,
    scan: &'static str,
    delete: &'static str,
    insert: &'static str,
    update: &'static str,
}

macro_rules! columns {
    () => {
        "requests,completed,failed,cancelled,unfinished,attempts,attempted,first_pass,\
         first_pass_lenient,escalated,fallback,correctable,corrected,uncorrectable,cost_known,\
         cost_known_completed,cost_estimated,cost_nano,cost_completed_nano,latency,ttft,detail"
    };
}

macro_rules! level {
    ($table:literal, $unit_us:literal) => {
        Level {
            table: $table,
            unit_us: $unit_us,
            select: concat!("SELECT ", columns!(), " FROM ", $table, " WHERE cell = ?1"),
            scan: concat!(
                "SELECT cell,",
                columns!(),
                " FROM ",
                $table,
                " WHERE cell >= ?1 AND cell < ?2"
            ),
            delete: concat!("DELETE FROM ", $table, " WHERE cell = ?1"),
            insert: concat!(
                "INSERT OR IGNORE INTO ",
                $table,
                " VALUES (?23,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,\
                 ?19,?20,?21,?22)"
            ),
            update: concat!(
                "UPDATE ",
                $table,
                " SET (",
                columns!(),
                ") = (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,\
                 ?22) WHERE cell = ?23"
            ),
        }
    };
}

/// The levels from fine to coarse.
pub(super) const LEVELS: [Level; 3] = [
    level!("rollup_minute", 60_000_000),
    level!("rollup_hour", 3_600_000_000),
    level!("rollup_day", 86_400_000_000),
];

/// How many routes a minute, hour or day has room for: more than there can be names.
const ROUTES_MAX: i64 = 1 << 20;

/// Returns the key of a cell.
fn cell_key((t, route): (i64, i64)) -> i64 {
    t * ROUTES_MAX + route
}

/// Returns the key before which the cells of all units before `t` stand; bounds may be far off.
fn bound(t: i64) -> i64 {
    t.saturating_mul(ROUTES_MAX)
}

/// What a transaction changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    added: HashMap<(i64, i64), Cell>,
    removed: Vec<Request>,
}

/// Returns the number under which a request's route stands.
pub(super) fn route_of(request: &Request) -> i64 {
    request.route.map_or(0, |name| i64::from(name.id()))
}

impl Changes {
    pub(super) fn add(&mut self, request: &Request) {
        let minute = request.ts.0.div_euclid(60_000_000);
        self.added
            .entry((minute, route_of(request)))
            .or_default()
            .add(request);
    }

    pub(super) fn remove(&mut self, request: Request) {
        self.removed.push(request);
    }

    /// Puts the changes into every level.
    pub(super) fn flush(self, connection: &Connection) -> Result<(), StoreError> {
        let mut added: BTreeMap<(i64, i64), Cell> = self.added.into_iter().collect();
        for (idx, level) in LEVELS.iter().enumerate() {
            if idx > 0 {
                let ratio = if idx == 1 { 60 } else { 24 };
                let mut coarser: BTreeMap<(i64, i64), Cell> = BTreeMap::new();
                for ((t, route), cell) in added {
                    coarser
                        .entry((t.div_euclid(ratio), route))
                        .or_default()
                        .merge(&cell);
                }
                added = coarser;
            }
            let mut removed: BTreeMap<(i64, i64), Vec<&Request>> = BTreeMap::new();
            for request in &self.removed {
                let key = (request.ts.0.div_euclid(level.unit_us), route_of(request));
                added.entry(key).or_default();
                removed.entry(key).or_default().push(request);
            }
            for (key, cell) in &added {
                let gone = removed.get(key).map_or(&[][..], Vec::as_slice);
                upsert(connection, *level, cell_key(*key), cell, gone)?;
            }
        }
        Ok(())
    }
}

/// Puts a cell in, or joins it with the one that stands there.
fn upsert(
    connection: &Connection,
    level: Level,
    key: i64,
    added: &Cell,
    removed: &[&Request],
) -> Result<(), StoreError> {
    // Most cells of a log that is read for the first time are new: no look-up for those.
    if removed.is_empty() && !added.is_empty() && put(connection, level.insert, key, added)? {
        return Ok(());
    }
    let mut whole = Cell::default();
    let mut select = connection.prepare_cached(level.select)?;
    let mut rows = select.query([key])?;
    let is_there = match rows.next()? {
        Some(row) => {
            merge_row(&mut whole, row, 0, true)?;
            true
        }
        None => false,
    };
    drop(rows);
    whole.merge(added);
    for request in removed {
        whole.remove(request);
    }
    if whole.is_empty() {
        connection.prepare_cached(level.delete)?.execute([key])?;
    } else if is_there {
        put(connection, level.update, key, &whole)?;
    } else {
        put(connection, level.insert, key, &whole)?;
    }
    Ok(())
}

/// Writes a cell; returns whether one was written, which an insert leaves undone where one stands.
fn put(connection: &Connection, sql: &str, key: i64, cell: &Cell) -> Result<bool, StoreError> {
    let mut write = connection.prepare_cached(sql)?;
    for (place, number) in (1..).zip(counters(cell)) {
        write.raw_bind_parameter(place, number)?;
    }
    write.raw_bind_parameter(20, cell.latency.to_bytes())?;
    write.raw_bind_parameter(21, cell.ttft.to_bytes())?;
    write.raw_bind_parameter(22, cell.detail_to_bytes())?;
    write.raw_bind_parameter(23, key)?;
    Ok(write.raw_execute()? == 1)
}

fn counters(cell: &Cell) -> [i64; 19] {
    [
        cell.requests,
        cell.completed,
        cell.failed,
        cell.cancelled,
        cell.unfinished,
        cell.attempts,
        cell.attempted,
        cell.first_pass,
        cell.first_pass_lenient,
        cell.escalated,
        cell.fallback,
        cell.correctable,
        cell.corrected,
        cell.uncorrectable,
        cell.cost_known,
        cell.cost_known_completed,
        cell.cost_estimated,
        cell.cost_nano.cast_unsigned(),
        cell.cost_completed_nano.cast_unsigned(),
    ]
    .map(u64::cast_signed)
}

/// Adds the cell that stands in `row` from column `at` on.
fn merge_row(
    into: &mut Cell,
    row: &Row<'_>,
    at: usize,
    with_detail: bool,
) -> Result<(), StoreError> {
    let read = |idx: usize| row.get::<_, i64>(at + idx).map(i64::cast_unsigned);
    for (idx, counter) in [
        &mut into.requests,
        &mut into.completed,
        &mut into.failed,
        &mut into.cancelled,
        &mut into.unfinished,
        &mut into.attempts,
        &mut into.attempted,
        &mut into.first_pass,
        &mut into.first_pass_lenient,
        &mut into.escalated,
        &mut into.fallback,
        &mut into.correctable,
        &mut into.corrected,
        &mut into.uncorrectable,
        &mut into.cost_known,
        &mut into.cost_known_completed,
        &mut into.cost_estimated,
    ]
    .into_iter()
    .enumerate()
    {
        *counter = counter.saturating_add(read(idx)?);
    }
    into.cost_nano = into.cost_nano.saturating_add(read(17)?.cast_signed());
    into.cost_completed_nano = into
        .cost_completed_nano
        .saturating_add(read(18)?.cast_signed());
    let damaged = |error: crate::stats::DecodeError| StoreError::damaged(error.to_string());
    let blob =
        |idx: usize| Ok::<_, StoreError>(row.get_ref(at + idx)?.as_blob().unwrap_or_default());
    merge_histogram(&mut into.latency, blob(19)?)?;
    if with_detail {
        merge_histogram(&mut into.ttft, blob(20)?)?;
        into.merge_detail(blob(21)?).map_err(damaged)?;
    }
    Ok(())
}

fn merge_histogram(into: &mut Histogram, bytes: &[u8]) -> Result<(), StoreError> {
    into.merge_bytes(bytes)
        .map_err(|error| StoreError::damaged(error.to_string()))
}

/// Adds every cell in [`from`, `to`) of one level, in its units, to the cell that `place` names by
/// start and route.
pub(super) fn scan<K: Ord>(
    connection: &Connection,
    level: Level,
    (from, to): (i64, i64),
    with_detail: bool,
    cells: &mut BTreeMap<K, Cell>,
    place: &impl Fn(Timestamp, i64) -> Option<K>,
) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached(level.scan)?;
    let mut rows = select.query([bound(from), bound(to)])?;
    while let Some(row) = rows.next()? {
        let cell: i64 = row.get(0)?;
        let (t, route) = (cell.div_euclid(ROUTES_MAX), cell.rem_euclid(ROUTES_MAX));
        let start = Timestamp(t.saturating_mul(level.unit_us));
        if let Some(key) = place(start, route) {
            merge_row(cells.entry(key).or_default(), row, 1, with_detail)?;
        }
    }
    Ok(())
}

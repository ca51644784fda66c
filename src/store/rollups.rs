//! Rollup cells on disk: minute, hour and day, each counted per transaction and then put in once.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::StoreError;
use crate::model::{Request, Timestamp};
use crate::stats::{Cell, Histogram};

/// One level: its table and the microseconds of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) table: &'static str,
    pub(super) unit_us: i64,
}

/// The levels from fine to coarse.
pub(super) const LEVELS: [Level; 3] = [
    Level {
        table: "rollup_minute",
        unit_us: 60_000_000,
    },
    Level {
        table: "rollup_hour",
        unit_us: 3_600_000_000,
    },
    Level {
        table: "rollup_day",
        unit_us: 86_400_000_000,
    },
];

const COLUMNS: &str = "requests,completed,failed,cancelled,unfinished,attempts,attempted,\
    first_pass,first_pass_lenient,escalated,fallback,correctable,corrected,uncorrectable,\
    cost_known,cost_known_completed,cost_estimated,cost_nano,cost_completed_nano,latency,ttft,detail";

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
                upsert(connection, *level, *key, cell, gone)?;
            }
        }
        Ok(())
    }
}

fn upsert(
    connection: &Connection,
    level: Level,
    (t, route): (i64, i64),
    added: &Cell,
    removed: &[&Request],
) -> Result<(), StoreError> {
    let table = level.table;
    let sql = format!("SELECT {COLUMNS} FROM {table} WHERE t = ?1 AND route = ?2");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([t, route])?;
    let mut whole = None;
    if let Some(row) = rows.next()? {
        let mut cell = Cell::default();
        merge_row(&mut cell, row, 0, true)?;
        cell.merge(added);
        whole = Some(cell);
    } else if !removed.is_empty() {
        whole = Some(added.clone());
    }
    drop(rows);
    if let Some(cell) = &mut whole {
        for request in removed {
            cell.remove(request);
        }
    }
    let cell = whole.as_ref().unwrap_or(added);
    if cell.is_empty() {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE t = ?1 AND route = ?2"))?
            .execute([t, route])?;
        return Ok(());
    }
    let counts = counters(cell);
    let blobs = [
        cell.latency.to_bytes(),
        cell.ttft.to_bytes(),
        cell.detail_to_bytes(),
    ];
    let values = [&t as &dyn ToSql, &route]
        .into_iter()
        .chain(counts.iter().map(|count| count as &dyn ToSql))
        .chain(blobs.iter().map(|blob| blob as &dyn ToSql));
    let marks = ["?"; 24].join(",");
    let sql = format!("INSERT OR REPLACE INTO {table} (t,route,{COLUMNS}) VALUES ({marks})");
    connection
        .prepare_cached(&sql)?
        .execute(params_from_iter(values))?;
    Ok(())
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
    let sql = format!(
        "SELECT t,route,{COLUMNS} FROM {} WHERE t >= ?1 AND t < ?2",
        level.table
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([from, to])?;
    while let Some(row) = rows.next()? {
        let start = Timestamp(row.get::<_, i64>(0)?.saturating_mul(level.unit_us));
        if let Some(key) = place(start, row.get(1)?) {
            merge_row(cells.entry(key).or_default(), row, 2, with_detail)?;
        }
    }
    Ok(())
}

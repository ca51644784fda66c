//! Rollup cells on disk: minute, hour and day, each counted per transaction and then put in once, and
//! what else is a sum over requests: the policies seen, and the orphans.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rusqlite::{Connection, Row, params};

use super::StoreError;
use super::slices::{Gathered, SliceWriter};
use crate::model::{Name, Request, Timestamp};
use crate::stats::{Cell, Figures, Histogram};

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

/// The cells of one level, by unit since 1970 and route.
pub(super) type Cells = HashMap<(i64, i64), Cell>;

/// What a batch or a transaction changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    /// What is added, for each level.
    pub(super) added: [Cells; LEVELS.len()],
    removed: Vec<Request>,
    /// The first and last time of each policy, and how many requests more it has.
    pub(super) policies: HashMap<Name, (Timestamp, Timestamp, i64)>,
    /// How many requests more there are of which only a correction is known.
    pub(super) orphans: i64,
    slices: Gathered,
}

/// Returns the number under which a request's route stands.
pub(super) fn route_of(request: &Request) -> i64 {
    request.route.map_or(0, |name| i64::from(name.id()))
}

/// Counts many requests: each into its minute, and at the end the minutes into hours and days.
#[derive(Debug, Default)]
pub(super) struct Count {
    minutes: Cells,
    changes: Changes,
}

impl Count {
    pub(super) fn add(&mut self, request: &Request) {
        let [minute, ..] = LEVELS;
        let figures = Figures::of(request);
        let cell = self.minutes.entry(minute.place_of(request)).or_default();
        cell.add_with(request, figures);
        self.changes.slices.add(request, figures);
        self.changes.see(request, 1);
    }

    pub(super) fn into_changes(self) -> Changes {
        let [minute, hour, day] = LEVELS;
        let coarser = |finer: &Cells, ratio: i64| {
            let mut cells = Cells::new();
            for ((t, route), cell) in finer {
                let into = cells.entry((t.div_euclid(ratio), *route)).or_default();
                into.merge(cell);
            }
            cells
        };
        let hours = coarser(&self.minutes, hour.unit_us / minute.unit_us);
        let days = coarser(&hours, day.unit_us / hour.unit_us);
        Changes {
            added: [self.minutes, hours, days],
            ..self.changes
        }
    }
}

impl Changes {
    /// Counts what has no cell; `sign` tells whether the request comes or goes.
    pub(super) fn see(&mut self, request: &Request, sign: i64) {
        self.orphans += sign * i64::from(is_orphan(request));
        if let Some(policy) = request.policy {
            self.see_policy(policy, (request.ts, request.ts, sign));
        }
    }

    pub(super) fn see_policy(
        &mut self,
        policy: Name,
        (first, last, requests): (Timestamp, Timestamp, i64),
    ) {
        let seen = self.policies.entry(policy).or_insert((first, last, 0));
        *seen = (
            seen.0.min(first),
            seen.1.max(last),
            seen.2.saturating_add(requests),
        );
    }

    /// Adds what another batch changes.
    pub(super) fn merge(&mut self, other: Self) {
        for (into, from) in self.added.iter_mut().zip(other.added) {
            if into.is_empty() {
                *into = from;
                continue;
            }
            for (key, cell) in from {
                match into.entry(key) {
                    Entry::Occupied(mut known) => known.get_mut().merge(&cell),
                    Entry::Vacant(place) => {
                        place.insert(cell);
                    }
                }
            }
        }
        for (policy, seen) in other.policies {
            self.see_policy(policy, seen);
        }
        self.removed.extend(other.removed);
        self.orphans += other.orphans;
        self.slices.merge(other.slices);
    }

    /// Counts one request more.
    pub(super) fn add(&mut self, request: &Request) {
        let figures = Figures::of(request);
        for (level, cells) in LEVELS.iter().zip(&mut self.added) {
            let cell = cells.entry(level.place_of(request)).or_default();
            cell.add_with(request, figures);
        }
        self.slices.add(request, figures);
        self.see(request, 1);
    }

    /// Takes back a request that was added.
    pub(super) fn take_back(&mut self, request: &Request) {
        for (level, cells) in LEVELS.iter().zip(&mut self.added) {
            if let Some(cell) = cells.get_mut(&level.place_of(request)) {
                cell.remove(request);
            }
        }
        self.slices.take_back(request);
        self.see(request, -1);
    }

    /// Takes out a request that is counted on disk.
    pub(super) fn remove(&mut self, request: Request) {
        self.see(&request, -1);
        self.slices.take_back(&request);
        self.removed.push(request);
    }

    /// Puts the changes into the tables.
    pub(super) fn flush(
        self,
        connection: &Connection,
        slices: &mut SliceWriter,
    ) -> Result<(), StoreError> {
        for (policy, (first, last, requests)) in &self.policies {
            connection
                .prepare_cached(
                    "INSERT INTO policy VALUES (?1,?2,?3,?4) ON CONFLICT DO UPDATE SET \
                     first_seen=min(first_seen,excluded.first_seen),\
                     last_seen=max(last_seen,excluded.last_seen),requests=requests+excluded.requests",
                )?
                .execute(params![policy.id(), first.0, last.0, requests])?;
        }
        if self.orphans != 0 {
            connection.execute(
                "UPDATE meta SET value=value+?1 WHERE key='orphans'",
                [self.orphans],
            )?;
        }
        self.flush_cells(connection, slices)
    }

    /// Puts the cells into every level, and the slices.
    pub(super) fn flush_cells(
        self,
        connection: &Connection,
        slices: &mut SliceWriter,
    ) -> Result<(), StoreError> {
        slices.flush(connection, self.slices)?;
        for (level, mut added) in LEVELS.iter().zip(self.added) {
            added.retain(|_, cell| !cell.is_empty());
            let mut removed: HashMap<(i64, i64), Vec<&Request>> = HashMap::new();
            for request in &self.removed {
                let key = level.place_of(request);
                added.entry(key).or_default();
                removed.entry(key).or_default().push(request);
            }
            let mut cells: Vec<_> = added.iter().collect();
            cells.sort_unstable_by_key(|(key, _)| **key);
            for (key, cell) in cells {
                let gone = removed.get(key).map_or(&[][..], Vec::as_slice);
                upsert(connection, *level, cell_key(*key), cell, gone)?;
            }
        }
        Ok(())
    }
}

/// Tells whether nothing but a correction is known of a request.
fn is_orphan(request: &Request) -> bool {
    request.correction.is_some()
        && request.route.is_none()
        && request.outcome.is_none()
        && request.attempts.is_empty()
}

impl Level {
    /// Returns the unit and the route under which a request is counted.
    pub(super) fn place_of(&self, request: &Request) -> (i64, i64) {
        (request.ts.0.div_euclid(self.unit_us), route_of(request))
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
            merge_row(&mut whole, row, 0, Depth::All)?;
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

/// How much of a cell is read: histograms take longer than all counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// Counts.
    Counts,
    /// And the latency.
    Latency,
    /// Everything.
    All,
}

/// Adds the cell that stands in `row` from column `at` on.
fn merge_row(into: &mut Cell, row: &Row<'_>, at: usize, depth: Depth) -> Result<(), StoreError> {
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
    if depth >= Depth::Latency {
        merge_histogram(&mut into.latency, blob(19)?)?;
    }
    if depth == Depth::All {
        merge_histogram(&mut into.ttft, blob(20)?)?;
        into.merge_detail(blob(21)?).map_err(damaged)?;
    }
    Ok(())
}

fn merge_histogram(into: &mut Histogram, bytes: &[u8]) -> Result<(), StoreError> {
    into.merge_bytes(bytes)
        .map_err(|error| StoreError::damaged(error.to_string()))
}

/// Calls `visit` with the unit, the route and the plain counts of every cell of a level in the range of units, in the
/// order of units; of the counts only those of which rates are made are filled.
pub(super) fn visit_counts(
    connection: &Connection,
    level: Level,
    (from, to): (i64, i64),
    mut visit: impl FnMut(i64, i64, &Cell),
) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT cell,requests,completed,failed,attempted,first_pass,escalated,correctable,corrected \
         FROM {} WHERE cell >= ?1 AND cell < ?2",
        level.table
    ))?;
    let mut rows = select.query([bound(from), bound(to)])?;
    while let Some(row) = rows.next()? {
        let cell: i64 = row.get(0)?;
        let count = |column: usize| row.get(column).map(i64::unsigned_abs);
        let counts = Cell {
            requests: count(1)?,
            completed: count(2)?,
            failed: count(3)?,
            attempted: count(4)?,
            first_pass: count(5)?,
            escalated: count(6)?,
            correctable: count(7)?,
            corrected: count(8)?,
            ..Cell::default()
        };
        visit(
            cell.div_euclid(ROUTES_MAX),
            cell.rem_euclid(ROUTES_MAX),
            &counts,
        );
    }
    Ok(())
}

/// Adds every cell in [`from`, `to`) of one level, in its units, to the cell that `place` names by
/// start and route.
pub(super) fn scan<K: Ord>(
    connection: &Connection,
    level: Level,
    (from, to): (i64, i64),
    depth: Depth,
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
            merge_row(cells.entry(key).or_default(), row, 1, depth)?;
        }
    }
    Ok(())
}

/// Adds up the cells of one route in [`from`, `to`) of one level, in its units, without the detail: one look-up a unit,
/// whatever other routes there are.
pub(super) fn scan_route(
    connection: &Connection,
    level: Level,
    (from, to): (i64, i64),
    route: i64,
) -> Result<Cell, StoreError> {
    let mut select = connection.prepare_cached(level.scan)?;
    let mut sum = Cell::default();
    for unit in from..to {
        let cell = bound(unit).saturating_add(route);
        let mut rows = select.query([cell, cell.saturating_add(1)])?;
        while let Some(row) = rows.next()? {
            merge_row(&mut sum, row, 1, Depth::Latency)?;
        }
    }
    Ok(sum)
}

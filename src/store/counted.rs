//! Requests that are counted and not stored: what a report over all time needs of them.
//!
//! A look at a log that is not kept has no use for rows, except of requests that are told by more than one
//! line. All others are counted by day and route, and put into the tables as if their rows had been counted
//! there. Nothing but a report over all time may be asked of such a database.

use rusqlite::params;

use super::StoreError;
use super::commit::Work;
use super::prepare::{Prepared, id_key};
use super::rollups::{Cells, Changes, LEVELS};
use super::tally;
use super::writer::Writer;
use crate::model::{Batch, HashKey, Micros, Name, Request, RequestId, Timestamp};

/// The level of days.
const DAYS: usize = LEVELS.len() - 1;

/// A sum over requests.
#[derive(Debug, Default)]
pub struct Counted {
    changes: Changes,
    /// The first and the last time among sane clocks, and among all others.
    extents: [Option<(Timestamp, Timestamp)>; 2],
}

impl Counted {
    /// Returns what stands for an id: equal ids have equal keys.
    pub fn key_of(key: &HashKey, id: &RequestId) -> u64 {
        id_key(key, id)
    }

    /// Counts one request more.
    pub fn add(&mut self, request: &Request) {
        if let (Some(level), Some(days)) = (LEVELS.get(DAYS), self.changes.added.get_mut(DAYS)) {
            let cell = days.entry(level.place_of(request)).or_default();
            cell.add(request);
        }
        self.changes.see(request, 1);
    }

    /// Takes back a request that was added.
    pub fn take_back(&mut self, request: &Request) {
        if let (Some(level), Some(days)) = (LEVELS.get(DAYS), self.changes.added.get_mut(DAYS))
            && let Some(cell) = days.get_mut(&level.place_of(request))
        {
            cell.remove(request);
        }
        self.changes.see(request, -1);
    }

    /// Takes the time of a request into account, read at `read_at`: of those only that are left.
    pub fn see_time(&mut self, ts: Timestamp, read_at: Timestamp) {
        let is_sane = ts >= Timestamp::EARLIEST_SANE && ts <= read_at.plus(Micros::DAY);
        let [sane, odd] = &mut self.extents;
        let extent = if is_sane { sane } else { odd };
        *extent = Some(extent.map_or((ts, ts), |(from, to)| (from.min(ts), to.max(ts))));
    }

    /// Adds what was counted in other names; `rename` gives their names here.
    pub fn absorb(&mut self, other: Self, mut rename: impl FnMut(Name) -> Name) {
        let mut renamed = Changes::default();
        renamed.orphans = other.changes.orphans;
        for (into, from) in renamed.added.iter_mut().zip(other.changes.added) {
            let mut cells = Cells::new();
            for ((t, route), cell) in from {
                let name = u32::try_from(route).ok().and_then(Name::try_from_id);
                let route = name.map_or(0, |name| i64::from(rename(name).id()));
                let cell = cell.renamed(&mut rename);
                cells.entry((t, route)).or_default().merge(&cell);
            }
            *into = cells;
        }
        for (policy, seen) in other.changes.policies {
            renamed.see_policy(rename(policy), seen);
        }
        self.changes.merge(renamed);
        for (into, from) in self.extents.iter_mut().zip(other.extents) {
            *into = match (*into, from) {
                (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                (one, other) => one.or(other),
            };
        }
    }
}

impl Writer {
    /// Stores what was counted of a file instead of its rows: `batch` has no events but the step of the
    /// file's checkpoint and its tally, `events` of which were counted, the newest at `newest`.
    ///
    /// # Errors
    ///
    /// As [`Writer::commit`].
    pub fn commit_counted(
        &mut self,
        batch: Batch,
        counted: Counted,
        events: u64,
        newest: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        debug_assert!(
            batch.events.is_empty(),
            "events that have rows are committed"
        );
        self.in_one_transaction(|writer| {
            writer.connection.execute_batch("BEGIN IMMEDIATE")?;
            let generation = batch.advance.generation.0;
            let mut prepared = Prepared::new(batch, writer.key);
            prepared.changes = counted.changes;
            writer.advance_one(&prepared)?;
            writer.put_names(&prepared.names)?;
            let skew = newest.and_then(|newest| tally::skew(&prepared, newest));
            Work::new(writer, 0).store(vec![prepared])?;
            writer.connection.execute(
                "UPDATE generation SET events=events+?2,skew=coalesce(?4,skew),\
                 newest_ts=max(coalesce(newest_ts,?3),coalesce(?3,newest_ts)) WHERE id=?1",
                params![generation, events.cast_signed(), newest.map(|ts| ts.0), skew],
            )?;
            for (from, to) in counted.extents.into_iter().flatten() {
                // Zones without rows: they only tell between which times there is something.
                writer.connection.execute(
                    "INSERT INTO zone SELECT row,row,?1,?2 FROM (SELECT min(coalesce(min(first_row),0),0)-1 row FROM zone)",
                    params![from.0, to.0],
                )?;
            }
            writer.connection.execute_batch("COMMIT")?;
            Ok(())
        })
    }
}

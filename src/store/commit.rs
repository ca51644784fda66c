//! One transaction's events: joined in memory first, written once at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rusqlite::{OptionalExtension, params};
use smallvec::SmallVec;

use super::append::{Pending, append};
use super::columns::{self, Columns};
use super::conflicts::Conflicts;
use super::ids::session_entry;
use super::prepare::{Block, Fact, Fresh, Keys, Prepared, session_key};
use super::profile::Profile;
use super::rollups::Changes;
use super::stored::Stored;
use super::writer::{Committed, Writer};
use super::{StoreError, parts, residual, tally};
use crate::model::{Marker, Micros, Outcome, Request, Tie, Timestamp, merge};

/// What a transaction gathers before it writes.
pub(super) struct Work<'w> {
    pub(super) writer: &'w mut Writer,
    first_row: i64,
    pending: Vec<Pending>,
    /// Rows of earlier transactions, as they were and as they will be.
    pub(super) touched: BTreeMap<i64, (Stored, Stored)>,
    /// The new rows of each id and tie.
    by_key: HashMap<u64, SmallVec<[i64; 1]>>,
    /// The new rows of each session, once one is asked for.
    by_session: Option<HashMap<u64, Vec<i64>>>,
    sessions_filed: Vec<(u64, i64)>,
    entries: Vec<(u64, i64)>,
    pub(super) sessions: HashSet<u64>,
    conflicts: Conflicts,
    /// What the new rows add to the rollups, as far as they were not changed.
    changes: Changes,
    newest: Option<Timestamp>,
}

impl<'w> Work<'w> {
    pub(super) fn new(writer: &'w mut Writer, events: usize) -> Self {
        Self {
            first_row: writer.next_row,
            writer,
            pending: Vec::with_capacity(events),
            touched: BTreeMap::new(),
            by_key: HashMap::with_capacity(events),
            by_session: None,
            sessions_filed: Vec::with_capacity(events),
            entries: Vec::with_capacity(2 * events),
            sessions: HashSet::new(),
            conflicts: Conflicts::default(),
            changes: Changes::default(),
            newest: None,
        }
    }

    pub(super) fn store(mut self, batches: Vec<Prepared>) -> Result<Committed, StoreError> {
        let mut total = Committed::default();
        for mut batch in batches {
            let mut here = Committed::default();
            let mut newest = None;
            self.changes.merge(std::mem::take(&mut batch.changes));
            for fact in std::mem::take(&mut batch.facts) {
                here.events += 1;
                // An odd clock must not pass for the newest data.
                let ts = self.fact(fact, &batch.blocks, &mut here)?;
                newest = newest.max(Some(ts).filter(|ts| *ts <= batch.read_at.plus(Micros::DAY)));
            }
            self.newest = self.newest.max(newest).max(Some(batch.read_at));
            tally::write(&self.writer.connection, &batch, here, newest)?;
            total.events += here.events;
            total.duplicates += here.duplicates;
            total.conflicts += here.conflicts;
        }
        self.resolve_sessions()?;
        self.flush()?;
        Ok(total)
    }

    fn fact(
        &mut self,
        fact: Fact,
        blocks: &[Arc<Block>],
        here: &mut Committed,
    ) -> Result<Timestamp, StoreError> {
        match fact {
            Fact::Request(fresh) => {
                let ts = fresh.columns.ts;
                let block = blocks.get(fresh.block);
                let block = block.ok_or_else(|| StoreError::damaged("a batch"))?;
                self.request(fresh, block, here)?;
                Ok(ts)
            }
            Fact::SessionCorrection(found) => {
                if self.put_session_correction(&found)? {
                    self.sessions.insert(found.session.0);
                } else {
                    here.duplicates += 1;
                }
                Ok(found.ts)
            }
            Fact::Marker(marker) => {
                here.duplicates += u64::from(!self.put_marker(&marker)?);
                Ok(marker.ts)
            }
        }
    }

    /// Keeps a marker; returns whether it is new.
    fn put_marker(&self, marker: &Marker) -> Result<bool, StoreError> {
        let route = marker.route.map_or(0, |name| i64::from(name.id()));
        let changed = self
            .writer
            .connection
            .prepare_cached("INSERT OR IGNORE INTO marker VALUES (?1,?2,?3,?4)")?
            .execute(params![
                marker.ts.0,
                marker.label.id(),
                marker.kind.code(),
                route
            ])?;
        Ok(changed == 1)
    }

    /// Returns the rows filed under the key of an id or a tie, those of this transaction last.
    fn find(&self, key: u64) -> Result<Vec<i64>, StoreError> {
        let mut rows = self.writer.index.find(&self.writer.connection, key)?;
        rows.extend(self.by_key.get(&key).into_iter().flatten());
        Ok(rows)
    }

    /// Returns the rows filed under a session, those of this transaction last.
    pub(super) fn find_session(&mut self, session: u64) -> Result<Vec<i64>, StoreError> {
        let key = session_key(&self.writer.key, session);
        let mut rows = self
            .writer
            .index
            .find_session(&self.writer.connection, key)?;
        let filed = &self.sessions_filed;
        let by_session = self.by_session.get_or_insert_with(|| {
            let mut by_session: HashMap<u64, Vec<i64>> = HashMap::new();
            for (key, row) in filed {
                by_session.entry(*key).or_default().push(*row);
            }
            by_session
        });
        rows.extend(by_session.get(&key).into_iter().flatten());
        Ok(rows)
    }

    fn file(&mut self, key: u64, row: i64) {
        self.by_key.entry(key).or_default().push(row);
        self.entries.push((key, row));
    }

    fn file_session(&mut self, key: u64, row: i64) {
        debug_assert!(
            self.by_session.is_none(),
            "sessions are asked for when all events are in"
        );
        self.sessions_filed.push((key, row));
        self.entries.push(session_entry(key, row));
    }

    /// Returns a row to change; it is written at the end.
    pub(super) fn stored(&mut self, row: i64) -> Result<Option<&mut Stored>, StoreError> {
        if row >= self.first_row {
            let place = usize::try_from(row - self.first_row).unwrap_or(usize::MAX);
            return match self.pending.get_mut(place) {
                Some(pending) => changed(pending, &mut self.changes).map(Some),
                None => Ok(None),
            };
        }
        if !self.touched.contains_key(&row) {
            let writer = &mut *self.writer;
            let Some(found) = writer.blocks.load(&writer.connection, row)? else {
                return Ok(None);
            };
            self.touched.insert(row, (found.clone(), found));
        }
        Ok(self.touched.get_mut(&row).map(|(_, after)| after))
    }

    fn request(
        &mut self,
        fresh: Fresh,
        block: &Arc<Block>,
        here: &mut Committed,
    ) -> Result<(), StoreError> {
        let Keys { id, tie, .. } = fresh.keys;
        let mut row = self.find(id)?.first().copied();
        if row.is_some_and(|row| row < self.writer.watermarks.first_row)
            || (row.is_none() && self.writer.watermarks.is_dropped(fresh.columns.ts))
        {
            // It was known, and dropped because it was too old.
            here.duplicates += 1;
            let request = fresh.to_request(block)?;
            self.changes.take_back(&request);
            return Ok(());
        }
        if let Some(row) = row
            && self.is_repetition(row, fresh.encoded.hash)?
        {
            here.duplicates += 1;
            let request = fresh.to_request(block)?;
            self.changes.take_back(&request);
            return Ok(());
        }
        if row.is_none()
            && let (Some((tie, tie_key)), Some(line)) = (tie, &fresh.whole)
        {
            row = self.find_tied(line, tie, tie_key)?;
            if let Some(row) = row {
                self.file(id, row);
            }
        }
        let Some(row) = row else {
            self.append(fresh, block);
            return Ok(());
        };
        let request = fresh.to_request(block)?;
        self.changes.take_back(&request);
        self.join(row, *request, tie.is_some(), here)
    }

    fn append(&mut self, fresh: Fresh, block: &Arc<Block>) {
        let row = self.first_row + i64::try_from(self.pending.len()).unwrap_or(0);
        self.file(fresh.keys.id, row);
        if let Some((_, tie_key)) = fresh.keys.tie {
            self.file(tie_key, row);
        }
        if let (Some(session), Some(key)) = (fresh.columns.session, fresh.keys.session) {
            self.file_session(key, row);
            self.note_session(session.0);
        }
        self.pending.push(Pending::Fresh(fresh, Arc::clone(block)));
    }

    fn note_session(&mut self, session: u64) {
        if self.writer.corrected_sessions.contains(&session) {
            self.sessions.insert(session);
        }
    }

    fn is_repetition(&self, row: i64, hash: u64) -> Result<bool, StoreError> {
        if row >= self.first_row || self.touched.contains_key(&row) {
            return Ok(false);
        }
        let known: Option<i64> = self
            .writer
            .connection
            .prepare_cached("SELECT hash FROM request WHERE row = ?1")?
            .query_row([row], |row| row.get(0))
            .optional()?;
        Ok(hash != 0 && known == Some(hash.cast_signed()))
    }

    fn join(
        &mut self,
        row: i64,
        request: Request,
        is_tied: bool,
        here: &mut Committed,
    ) -> Result<(), StoreError> {
        let mut found = Vec::new();
        let Some(stored) = self.stored(row)? else {
            return Err(StoreError::damaged(format!(
                "row {row} is indexed but not there"
            )));
        };
        let had_session = stored.request.session;
        if is_tied && request.ts < stored.request.ts {
            stored.request.id = request.id.clone();
        }
        let position = request.position;
        let merged = merge(&mut stored.request, request, &mut found);
        let session = stored.request.session;
        here.duplicates += u64::from(merged == crate::model::Merged::Duplicate);
        here.conflicts += found.len() as u64;
        self.conflicts.add(row, position, found);
        if let Some(session) = session {
            if had_session.is_none() {
                self.file_session(session_key(&self.writer.key, session.0), row);
            }
            self.note_session(session.0);
        }
        Ok(())
    }

    /// The latest request of the same tie that the line may continue, or that may continue it.
    fn find_tied(
        &mut self,
        line: &Request,
        tie: Tie,
        hash: u64,
    ) -> Result<Option<i64>, StoreError> {
        let mut best: Option<(Timestamp, i64)> = None;
        for row in self.find(hash)? {
            let Some(known) = self.stored(row)? else {
                continue;
            };
            let known = &*known.request;
            let is_later = line.ts >= known.ts;
            let (first, second) = if is_later {
                (known, line)
            } else {
                (line, known)
            };
            let is_open = first.outcome != Some(Outcome::Completed);
            let pause = start_of(second).since(end_of(first));
            if is_open && pause <= tie.gap && best.is_none_or(|best| (known.ts, row) > best) {
                best = Some((known.ts, row));
            }
        }
        Ok(best.map(|(_, row)| row))
    }

    fn flush(self) -> Result<(), StoreError> {
        let mut changes = self.changes;
        for pending in &self.pending {
            if let Pending::Changed(stored) = pending {
                changes.add(&stored.effective());
            }
        }
        for (number, (before, after)) in &self.touched {
            if before == after {
                continue;
            }
            changes.remove(before.effective().into_owned());
            changes.add(&after.effective());
            let profile = Profile::of(&after.request);
            let profile = self
                .writer
                .profiles
                .number(&self.writer.connection, &profile)?;
            update(&self.writer.connection, *number, after, profile)?;
        }
        let connection = &self.writer.connection;
        self.conflicts.write(connection)?;
        let rows = self.pending.len();
        append(self.writer, self.first_row, self.pending)?;
        let Writer {
            connection, slices, ..
        } = &mut *self.writer;
        changes.flush(connection, slices)?;
        let newest = self.newest.unwrap_or_default();
        self.writer
            .index
            .push(&self.writer.connection, self.entries, newest)?;
        self.writer.next_row = self.first_row + i64::try_from(rows).unwrap_or(0);
        Ok(())
    }
}

fn update(
    connection: &rusqlite::Connection,
    number: i64,
    after: &Stored,
    profile: i64,
) -> Result<(), StoreError> {
    let mut replace = connection.prepare_cached(&columns::replace_sql())?;
    replace.raw_bind_parameter(1, number)?;
    Columns::of(&after.request).bind(&mut replace, 1, profile, 0)?;
    replace.raw_execute()?;
    parts::replace(connection, number, after)?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO residual_patch VALUES (?1,?2)")?
        .execute(params![number, residual::patch(&after.request)])?;
    connection
        .prepare_cached(
            "UPDATE zone SET ts_min=min(ts_min,?2),ts_max=max(ts_max,?2) WHERE first_row=\
             (SELECT max(first_row) FROM zone WHERE first_row<=?1)",
        )?
        .execute(params![number, after.request.ts.0])?;
    Ok(())
}

/// Returns a row of this transaction to change; what it adds to the rollups is counted at the end.
fn changed<'p>(
    pending: &'p mut Pending,
    changes: &mut Changes,
) -> Result<&'p mut Stored, StoreError> {
    if let Pending::Fresh(fresh, block) = pending {
        let request = fresh.to_request(block)?;
        changes.take_back(&request);
        *pending = Pending::Changed(Stored::new(request));
    }
    match pending {
        Pending::Changed(stored) => Ok(stored),
        Pending::Fresh(..) => Err(StoreError::damaged("a row that was to be changed")),
    }
}

fn start_of(request: &Request) -> Timestamp {
    request
        .first_attempt()
        .and_then(|attempt| attempt.start)
        .unwrap_or(request.ts)
}

fn end_of(request: &Request) -> Timestamp {
    let ended = |a: &crate::model::Attempt| Some(a.start?.plus(a.latency.unwrap_or_default()));
    request
        .last_attempt()
        .and_then(ended)
        .unwrap_or_else(|| request.answered_at())
}

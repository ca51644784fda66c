//! From the keyed hash of an id, a tie or a session to rows: sorted runs with a filter in memory.
//!
//! A transaction's entries become one run; sixteen runs of one size become one of the next. A run's
//! entries stand in chunks of 625, two of which fill a page: 8 bytes hash, 5 bytes row, sorted; the
//! highest bit of the row marks a session. `fences` holds the first hash of each chunk. `filter` is a
//! blocked Bloom filter of 64-bit words, six bits in one word for each entry, 16 bits of filter an
//! entry. Numbers are little endian.
//!
//! Sessions have no part in the filter: each request asks for its id, but only a correction without an
//! id asks for a session.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::StoreError;
use crate::model::{Micros, Timestamp};

const CHUNK_LEN: usize = 625;
const ENTRY_LEN: usize = 13;
/// Marks the entry of a session.
const SESSION: i64 = 1 << 39;
/// Larger runs are not merged any more.
const RUN_LEN_MAX: usize = 1 << 20;
/// The most bytes of filters in memory; the oldest runs are left out first.
const FILTER_BYTES_MAX: usize = 32 << 20;
/// How far back ids are looked for.
pub(super) const HORIZON: Micros = Micros::DAY.times(7);

#[derive(Debug)]
struct Run {
    run: i64,
    entries: usize,
    first_chunk: i64,
    newest: i64,
    filter: Vec<u64>,
    fences: Vec<u64>,
}

/// The runs within the horizon.
#[derive(Debug, Default)]
pub(super) struct IdIndex {
    runs: Vec<Run>,
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .filter_map(|c| Some(u64::from_le_bytes(c.try_into().ok()?)))
        .collect()
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn place(hash: u64, len: usize) -> (usize, u64) {
    let wide = u128::from(hash) * (len as u128);
    let word = usize::try_from(wide >> 64).unwrap_or(0);
    let bits = (0..6).fold(0, |bits, idx| bits | 1_u64 << ((hash >> (idx * 6)) & 63));
    (word, bits)
}

fn entries_of(body: &[u8]) -> impl Iterator<Item = (u64, i64)> {
    body.chunks_exact(ENTRY_LEN).filter_map(|entry| {
        let (hash, row) = entry.split_first_chunk::<8>()?;
        let mut wide = [0_u8; 8];
        wide.get_mut(..5)?.copy_from_slice(row);
        Some((u64::from_le_bytes(*hash), i64::from_le_bytes(wide)))
    })
}

impl Run {
    /// Returns the number behind that of the last chunk.
    fn end_chunk(&self) -> i64 {
        self.first_chunk + i64::try_from(self.fences.len()).unwrap_or(0)
    }

    fn may_hold(&self, hash: u64) -> bool {
        let (word, bits) = place(hash, self.filter.len());
        self.filter
            .get(word)
            .is_some_and(|word| word & bits == bits)
    }

    fn find(
        &self,
        connection: &Connection,
        hash: u64,
        rows: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        // Equal hashes may start in the chunk before the first fence that is not smaller.
        let first = self
            .fences
            .partition_point(|fence| *fence < hash)
            .saturating_sub(1);
        let last = self.fences.partition_point(|fence| *fence <= hash);
        let mut select = connection.prepare_cached("SELECT body FROM id_chunk WHERE chunk = ?1")?;
        for idx in first..last {
            let chunk = self.first_chunk + i64::try_from(idx).unwrap_or(0);
            let mut found = select.query([chunk])?;
            if let Some(row) = found.next()? {
                let body = row.get_ref(0)?.as_blob().unwrap_or_default();
                let found = entries_of(body).filter(|entry| entry.0 == hash);
                rows.extend(found.map(|(_, row)| row & !SESSION));
            }
        }
        Ok(())
    }
}

fn level(entries: usize) -> u32 {
    entries.max(1).ilog2() / 4
}

impl IdIndex {
    /// Reads the runs whose newest entry is not older than the horizon before the newest of all.
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let newest: Option<i64> =
            connection.query_row("SELECT max(newest) FROM id_run", [], |row| row.get(0))?;
        let oldest = newest.map_or(i64::MIN, |newest| Timestamp(newest).minus(HORIZON).0);
        let mut select = connection.prepare(
            "SELECT run,entries,first_chunk,newest,filter,fences FROM id_run WHERE newest >= ?1 ORDER BY run",
        )?;
        let runs = select.query_map([oldest], |row| {
            Ok(Run {
                run: row.get(0)?,
                entries: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
                first_chunk: row.get(2)?,
                newest: row.get(3)?,
                filter: words(row.get_ref(4)?.as_blob().unwrap_or_default()),
                fences: words(row.get_ref(5)?.as_blob().unwrap_or_default()),
            })
        })?;
        let mut index = Self {
            runs: runs.collect::<Result<_, _>>()?,
        };
        index.bound();
        Ok(index)
    }

    /// Returns the rows filed under the hash of an id or a tie.
    pub(super) fn find(&self, connection: &Connection, hash: u64) -> Result<Vec<i64>, StoreError> {
        let mut rows = Vec::new();
        for run in self.runs.iter().rev().filter(|run| run.may_hold(hash)) {
            run.find(connection, hash, &mut rows)?;
        }
        Ok(rows)
    }

    /// Returns the rows filed under the hash of a session.
    pub(super) fn find_session(
        &self,
        connection: &Connection,
        hash: u64,
    ) -> Result<Vec<i64>, StoreError> {
        let mut rows = Vec::new();
        for run in self.runs.iter().rev() {
            run.find(connection, hash, &mut rows)?;
        }
        Ok(rows)
    }

    /// Files a transaction's entries; those of sessions are made by [`session_entry`].
    pub(super) fn push(
        &mut self,
        connection: &Connection,
        mut entries: Vec<(u64, i64)>,
        newest: Timestamp,
    ) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        sort(&mut entries);
        let run = write(connection, &entries, newest.0)?;
        self.runs.push(run);
        while let Some(size) = self.runs.last().map(|run| level(run.entries)) {
            let same = self
                .runs
                .iter()
                .rev()
                .take_while(|run| level(run.entries) <= size)
                .count();
            let start = self.runs.len() - same;
            let total: usize = self.runs.iter().skip(start).map(|run| run.entries).sum();
            if same < 16 || total > RUN_LEN_MAX {
                break;
            }
            let merged = self.runs.split_off(start);
            self.runs.push(join(connection, &merged)?);
        }
        self.bound();
        Ok(())
    }

    fn bound(&mut self) {
        let newest = self
            .runs
            .iter()
            .map(|run| run.newest)
            .max()
            .unwrap_or(i64::MIN);
        let oldest = Timestamp(newest).minus(HORIZON).0;
        self.runs.retain(|run| run.newest >= oldest);
        let mut bytes: usize = self.runs.iter().map(|run| run.filter.len() * 8).sum();
        while bytes > FILTER_BYTES_MAX && !self.runs.is_empty() {
            bytes -= self.runs.remove(0).filter.len() * 8;
        }
    }
}

/// Returns the entry of a session's row.
pub(super) fn session_entry(hash: u64, row: i64) -> (u64, i64) {
    (hash, row | SESSION)
}

/// Sorts by hash. Hashes are spread evenly, so one pass puts each entry near its place, and what then
/// stands together is few.
fn sort(entries: &mut Vec<(u64, i64)>) {
    const BITS: u32 = 12;
    if entries.len() >> BITS > 0 {
        let bucket = |hash: u64| usize::try_from(hash >> (u64::BITS - BITS)).unwrap_or(0);
        let mut ends = vec![0_usize; 1 << BITS];
        for (hash, _) in entries.iter() {
            if let Some(count) = ends.get_mut(bucket(*hash)) {
                *count += 1;
            }
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        let mut spread = vec![(0, 0); entries.len()];
        for entry in entries.iter() {
            if let Some(end) = ends.get_mut(bucket(entry.0)) {
                *end -= 1;
                if let Some(place) = spread.get_mut(*end) {
                    *place = *entry;
                }
            }
        }
        *entries = spread;
        // Each count has become the start of its bucket.
        ends.push(entries.len());
        for ends in ends.windows(2) {
            if let [start, end] = ends
                && let Some(bucket) = entries.get_mut(*start..*end)
            {
                bucket.sort_unstable();
            }
        }
    } else {
        entries.sort_unstable();
    }
}

/// The entries of a run in order, a chunk at a time.
struct Walk<'c> {
    select: CachedStatement<'c>,
    next_chunk: i64,
    end: i64,
    entries: std::vec::IntoIter<(u64, i64)>,
}

impl<'c> Walk<'c> {
    fn new(connection: &'c Connection, run: &Run) -> Result<Self, StoreError> {
        Ok(Self {
            select: connection.prepare_cached("SELECT body FROM id_chunk WHERE chunk = ?1")?,
            next_chunk: run.first_chunk,
            end: run.end_chunk(),
            entries: Vec::new().into_iter(),
        })
    }

    fn next(&mut self) -> Result<Option<(u64, i64)>, StoreError> {
        loop {
            if let Some(entry) = self.entries.next() {
                return Ok(Some(entry));
            }
            if self.next_chunk >= self.end {
                return Ok(None);
            }
            let mut found = self.select.query([self.next_chunk])?;
            self.next_chunk += 1;
            let entries: Vec<_> = match found.next()? {
                Some(row) => entries_of(row.get_ref(0)?.as_blob().unwrap_or_default()).collect(),
                None => Vec::new(),
            };
            self.entries = entries.into_iter();
        }
    }
}

/// Makes one run of several. One chunk of each is in memory at a time.
fn join(connection: &Connection, runs: &[Run]) -> Result<Run, StoreError> {
    let mut walks: Vec<Walk> = runs
        .iter()
        .map(|run| Walk::new(connection, run))
        .collect::<Result<_, _>>()?;
    let mut heads = BinaryHeap::with_capacity(walks.len());
    for (idx, walk) in walks.iter_mut().enumerate() {
        heads.extend(walk.next()?.map(|entry| Reverse((entry, idx))));
    }
    let newest = runs.iter().map(|run| run.newest).max().unwrap_or(i64::MIN);
    let words = runs.iter().map(|run| run.filter.len()).sum();
    let mut writing = Writing::new(connection, words)?;
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((entry, idx)) = *head;
        writing.push(entry)?;
        match walks.get_mut(idx).map_or(Ok(None), Walk::next)? {
            Some(entry) => *head = Reverse((entry, idx)),
            None => drop(PeekMut::pop(head)),
        }
    }
    let joined = writing.end(newest)?;
    for run in runs {
        connection
            .prepare_cached("DELETE FROM id_chunk WHERE chunk >= ?1 AND chunk < ?2")?
            .execute([run.first_chunk, run.end_chunk()])?;
        connection
            .prepare_cached("DELETE FROM id_run WHERE run = ?1")?
            .execute([run.run])?;
    }
    Ok(joined)
}

fn write(connection: &Connection, entries: &[(u64, i64)], newest: i64) -> Result<Run, StoreError> {
    let filtered = entries.iter().filter(|(_, row)| row & SESSION == 0);
    let mut writing = Writing::new(connection, filtered.count().div_ceil(4))?;
    for entry in entries {
        writing.push(*entry)?;
    }
    writing.end(newest)
}

/// A run that is being written, entry after entry in order.
struct Writing<'c> {
    connection: &'c Connection,
    insert: CachedStatement<'c>,
    run: Run,
    body: Vec<u8>,
}

impl<'c> Writing<'c> {
    /// Starts behind all chunks, with a filter of so many words.
    fn new(connection: &'c Connection, words: usize) -> Result<Self, StoreError> {
        let first_chunk = connection.query_row(
            "SELECT coalesce(max(chunk), 0) + 1 FROM id_chunk",
            [],
            |row| row.get(0),
        )?;
        Ok(Self {
            connection,
            insert: connection.prepare_cached("INSERT INTO id_chunk VALUES (?1, ?2)")?,
            run: Run {
                run: 0,
                entries: 0,
                first_chunk,
                newest: 0,
                filter: vec![0; words],
                fences: Vec::new(),
            },
            body: Vec::with_capacity(CHUNK_LEN * ENTRY_LEN),
        })
    }

    fn push(&mut self, (hash, row): (u64, i64)) -> Result<(), StoreError> {
        if self.body.is_empty() {
            self.run.fences.push(hash);
        }
        self.body.extend_from_slice(&hash.to_le_bytes());
        self.body
            .extend_from_slice(row.to_le_bytes().get(..5).unwrap_or_default());
        let (word, bits) = place(hash, self.run.filter.len());
        if let Some(word) = self.run.filter.get_mut(word).filter(|_| row & SESSION == 0) {
            *word |= bits;
        }
        self.run.entries += 1;
        if self.body.len() == CHUNK_LEN * ENTRY_LEN {
            self.end_chunk()?;
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), StoreError> {
        let chunk = self.run.end_chunk() - 1;
        self.insert.execute(params![chunk, self.body])?;
        self.body.clear();
        Ok(())
    }

    fn end(mut self, newest: i64) -> Result<Run, StoreError> {
        if !self.body.is_empty() {
            self.end_chunk()?;
        }
        let mut run = self.run;
        run.newest = newest;
        self.connection
            .prepare_cached(
                "INSERT INTO id_run (entries,first_chunk,newest,filter,fences) VALUES (?1,?2,?3,?4,?5)",
            )?
            .execute(params![
                i64::try_from(run.entries).unwrap_or(i64::MAX),
                run.first_chunk,
                newest,
                bytes(&run.filter),
                bytes(&run.fences)
            ])?;
        run.run = self.connection.last_insert_rowid();
        Ok(run)
    }
}

/// Returns the rows filed under `hash` in any run, newest run first, without the filters.
pub(super) fn find_on_disk(connection: &Connection, hash: u64) -> Result<Vec<i64>, StoreError> {
    walk_runs(connection, hash, usize::MAX)
}

/// Returns the row filed last under the hash of an id or a tie, without a look at older runs.
pub(super) fn newest_on_disk(
    connection: &Connection,
    hash: u64,
) -> Result<Option<i64>, StoreError> {
    Ok(walk_runs(connection, hash, 1)?.first().copied())
}

/// Looks through the runs, the newest first, until `enough` rows are found.
fn walk_runs(connection: &Connection, hash: u64, enough: usize) -> Result<Vec<i64>, StoreError> {
    let mut rows = Vec::new();
    let mut runs = connection.prepare_cached("SELECT run FROM id_run ORDER BY run DESC")?;
    let runs: Vec<i64> = runs
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for number in runs {
        let run = connection
            .query_row(
                "SELECT first_chunk, fences FROM id_run WHERE run = ?1",
                [number],
                |row| {
                    Ok(Run {
                        run: number,
                        entries: 0,
                        first_chunk: row.get(0)?,
                        newest: 0,
                        filter: Vec::new(),
                        fences: words(row.get_ref(1)?.as_blob().unwrap_or_default()),
                    })
                },
            )
            .optional()?;
        if let Some(run) = run {
            run.find(connection, hash, &mut rows)?;
        }
        if rows.len() >= enough {
            break;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HashKey;

    #[test]
    fn many_entries_are_sorted_like_few() {
        for len in [0, 1, 9, 4_095, 4_096, 30_000_i64] {
            let hash = |row: i64| HashKey([7; 16]).hash(&(row / 2).to_le_bytes());
            let mut entries: Vec<_> = (0..len).map(|row| (hash(row), row)).collect();
            entries.extend([(0, 5), (u64::MAX, 6)]);
            let mut expected = entries.clone();
            expected.sort_unstable();
            sort(&mut entries);
            assert_eq!(entries, expected);
        }
    }
}

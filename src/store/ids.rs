//! From the keyed hash of an id, a tie or a session to rows: sorted runs with a filter in memory.
//!
//! A transaction's entries become one run; sixteen runs of one size become one of the next. A run's
//! entries stand in chunks of 625, two of which fill a page: 8 bytes hash, 5 bytes row, sorted; the
//! highest bit of the row marks a session. `fences` holds the first hash of each chunk. `filter` is a
//! blocked Bloom filter of 64-bit words, four bits in one word for each entry, 16 bits of filter an
//! entry. Numbers are little endian.
//!
//! Sessions have no part in the filter: each request asks for its id, but only a correction without an
//! id asks for a session.

use rusqlite::{Connection, OptionalExtension, params};

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
/// From this many entries on, memory matters more than the time of a merge.
const SORTED_IN_PLACE_MIN: usize = 1 << 18;
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
    let bits = (0..4).fold(0, |bits, idx| bits | 1_u64 << ((hash >> (idx * 6)) & 63));
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
            self.runs.push(join(connection, &merged, total)?);
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

fn join(connection: &Connection, runs: &[Run], total: usize) -> Result<Run, StoreError> {
    let mut entries = Vec::with_capacity(total);
    let mut select =
        connection.prepare_cached("SELECT body FROM id_chunk WHERE chunk >= ?1 AND chunk < ?2")?;
    for run in runs {
        let end = run.first_chunk + i64::try_from(run.fences.len()).unwrap_or(0);
        let mut found = select.query([run.first_chunk, end])?;
        while let Some(row) = found.next()? {
            entries.extend(entries_of(row.get_ref(0)?.as_blob().unwrap_or_default()));
        }
        connection
            .prepare_cached("DELETE FROM id_chunk WHERE chunk >= ?1 AND chunk < ?2")?
            .execute([run.first_chunk, end])?;
        connection
            .prepare_cached("DELETE FROM id_run WHERE run = ?1")?
            .execute([run.run])?;
    }
    if total < SORTED_IN_PLACE_MIN {
        // The stable sort finds the sorted runs and merges them, for which it needs half as much again.
        entries.sort_by_key(|entry| entry.0);
    } else {
        entries.sort_unstable();
    }
    let newest = runs.iter().map(|run| run.newest).max().unwrap_or(i64::MIN);
    write(connection, &entries, newest)
}

fn write(connection: &Connection, entries: &[(u64, i64)], newest: i64) -> Result<Run, StoreError> {
    let first_chunk: i64 = connection.query_row(
        "SELECT coalesce(max(chunk), 0) + 1 FROM id_chunk",
        [],
        |row| row.get(0),
    )?;
    let filtered = entries.iter().filter(|(_, row)| row & SESSION == 0);
    let mut filter = vec![0_u64; filtered.count().div_ceil(4)];
    let mut fences = Vec::with_capacity(entries.len().div_ceil(CHUNK_LEN));
    let mut insert = connection.prepare_cached("INSERT INTO id_chunk VALUES (?1, ?2)")?;
    let mut body = Vec::with_capacity(CHUNK_LEN * ENTRY_LEN);
    for (chunk, part) in (first_chunk..).zip(entries.chunks(CHUNK_LEN)) {
        body.clear();
        fences.extend(part.first().map(|entry| entry.0));
        for (hash, row) in part {
            body.extend_from_slice(&hash.to_le_bytes());
            body.extend_from_slice(row.to_le_bytes().get(..5).unwrap_or_default());
            let (word, bits) = place(*hash, filter.len());
            if let Some(word) = filter.get_mut(word).filter(|_| row & SESSION == 0) {
                *word |= bits;
            }
        }
        insert.execute(params![chunk, body])?;
    }
    connection
        .prepare_cached(
            "INSERT INTO id_run (entries,first_chunk,newest,filter,fences) VALUES (?1,?2,?3,?4,?5)",
        )?
        .execute(params![
            i64::try_from(entries.len()).unwrap_or(i64::MAX),
            first_chunk,
            newest,
            bytes(&filter),
            bytes(&fences)
        ])?;
    Ok(Run {
        run: connection.last_insert_rowid(),
        entries: entries.len(),
        first_chunk,
        newest,
        filter,
        fences,
    })
}

/// Returns the rows filed under `hash` in any run, newest run first, without the filters.
pub(super) fn find_on_disk(connection: &Connection, hash: u64) -> Result<Vec<i64>, StoreError> {
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

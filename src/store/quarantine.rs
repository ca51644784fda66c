//! Lines in quarantine: pages to read, and release.
//!
//! A line leaves quarantine in one transaction with the events that it became; the counts of its
//! generation are put right in the same transaction, so that lines and bytes still add up.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params, params_from_iter};

use super::StoreError;
use super::commit::Work;
use super::prepare::Prepared;
use super::writer::{Committed, Writer};
use crate::model::{
    Advance, Batch, ByteOffset, Fingerprint, GenerationId, GenerationState, LocatedEvent, Look,
    Name, QuarantinedLine, ReleasedLine, Tally, Timestamp,
};

impl Writer {
    /// Returns the lines in quarantine after `after`, at most `len`, in the order of generations and
    /// offsets; of `sources` only (as the user named them, or by their path), or of all when there are none.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn quarantine(
        &self,
        sources: &[String],
        after: Option<(GenerationId, ByteOffset)>,
        len: usize,
    ) -> Result<Vec<QuarantinedLine>, StoreError> {
        let marks = vec!["?"; sources.len()].join(",");
        let of = if sources.is_empty() {
            String::new()
        } else {
            format!("AND (s.name IN ({marks}) OR g.path IN ({marks}))")
        };
        let sql = format!(
            "SELECT q.generation,g.path,g.is_compressed,q.offset,q.len,q.hash,k.line FROM quarantine q \
             JOIN generation g ON g.id=q.generation JOIN source s ON s.id=g.source \
             LEFT JOIN quarantine_line k ON k.generation=q.generation AND k.offset=q.offset \
             WHERE (q.generation,q.offset) > (?,?) {of} ORDER BY q.generation,q.offset LIMIT ?"
        );
        let (generation, offset) = after.map_or((-1, -1), |(generation, offset)| {
            (i64::from(generation.0), offset.0.cast_signed())
        });
        let texts = || sources.iter().map(|source| Value::from(source.clone()));
        let values = [Value::from(generation), Value::from(offset)]
            .into_iter()
            .chain(texts())
            .chain(texts())
            .chain([Value::from(i64::try_from(len).unwrap_or(i64::MAX))]);
        let mut select = self.connection.prepare_cached(&sql)?;
        let unsigned =
            |row: &rusqlite::Row<'_>, idx: usize| row.get::<_, i64>(idx).map(i64::cast_unsigned);
        let rows = select.query_map(params_from_iter(values), |row| {
            Ok(QuarantinedLine {
                generation: GenerationId(row.get(0)?),
                path: row.get(1)?,
                is_compressed: row.get(2)?,
                offset: ByteOffset(unsigned(row, 3)?),
                len: unsigned(row, 4)?,
                hash: unsigned(row, 5)?,
                kept: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Tells whether anything was ever read from a source of that name or path.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn has_source(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM generation g JOIN source s ON s.id=g.source \
                   WHERE s.name=?1 OR g.path=?1)";
        Ok(self.connection.query_row(sql, [name], |row| row.get(0))?)
    }

    /// Returns how many rejected lines there are of which the place was not kept.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn quarantine_overflow(&self) -> Result<u64, StoreError> {
        let sql = "SELECT (SELECT coalesce(sum(quarantined),0) FROM generation)-(SELECT count(*) FROM quarantine)";
        let count: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Stores what the lines say now and takes them out of quarantine, all in one transaction. A line
    /// that is not in quarantine any more is left alone; how many were there is returned as well.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; nothing is changed then.
    pub fn release(
        &mut self,
        lines: Vec<ReleasedLine>,
        names: Vec<(Name, Arc<str>)>,
        now: Timestamp,
    ) -> Result<(u64, Committed), StoreError> {
        self.in_one_transaction(|writer| {
            writer.connection.execute_batch("BEGIN IMMEDIATE")?;
            writer.put_names(&names)?;
            let mut batches: BTreeMap<u32, Batch> = BTreeMap::new();
            let mut released = 0;
            for line in lines {
                if writer.take_out(&line)? {
                    released += 1;
                    let batch = batches.entry(line.generation.0);
                    add(batch.or_insert_with(|| still(line.generation, now)), line);
                }
            }
            if released > 0 {
                writer.settle_examples(batches.keys().copied())?;
            }
            let key = writer.key;
            let batches: Vec<Prepared> = batches
                .into_values()
                .map(|batch| Prepared::new(batch, key))
                .collect();
            let events = batches.iter().map(Prepared::len).sum();
            let committed = Work::new(writer, events).store(batches)?;
            writer.connection.execute_batch("COMMIT")?;
            Ok((released, committed))
        })
    }

    /// Takes a line out of quarantine; tells whether it was there.
    fn take_out(&self, line: &ReleasedLine) -> Result<bool, StoreError> {
        let key = params![line.generation.0, line.offset.0.cast_signed()];
        let connection = &self.connection;
        let mut delete = connection.prepare_cached(
            "DELETE FROM quarantine WHERE generation=?1 AND offset=?2 RETURNING reason",
        )?;
        let mut gone = delete.query(key)?;
        let Some(row) = gone.next()? else {
            return Ok(false);
        };
        let reason: String = row.get(0)?;
        drop(gone);
        let mut kept = connection.prepare_cached(
            "DELETE FROM quarantine_line WHERE generation=?1 AND offset=?2 \
             RETURNING length(CAST(line AS BLOB))",
        )?;
        if let Some(len) = kept.query_row(key, |row| row.get::<_, i64>(0)).optional()? {
            connection
                .prepare_cached("UPDATE meta SET value=value-?1 WHERE key='kept_bytes'")?
                .execute([len])?;
        }
        connection
            .prepare_cached("UPDATE generation SET quarantined=quarantined-1 WHERE id=?1")?
            .execute([line.generation.0])?;
        connection
            .prepare_cached(
                "UPDATE reject_count SET count=count-1 WHERE generation=?1 AND reason=?2",
            )?
            .execute(params![line.generation.0, reason])?;
        Ok(true)
    }

    /// Forgets reasons without lines; an example that was released gives way to the next line.
    fn settle_examples(&self, generations: impl Iterator<Item = u32>) -> Result<(), StoreError> {
        for generation in generations {
            self.connection
                .prepare_cached("DELETE FROM reject_count WHERE generation=?1 AND count<=0")?
                .execute([generation])?;
            self.connection
                .prepare_cached(
                    "UPDATE reject_count SET (offset,len,detail,first_seen)=\
                     (SELECT q.offset,q.len,q.detail,q.first_seen FROM quarantine q \
                      WHERE q.generation=reject_count.generation AND q.reason=reject_count.reason \
                      ORDER BY q.offset LIMIT 1) \
                     WHERE generation=?1 AND EXISTS (SELECT 1 FROM quarantine q \
                      WHERE q.generation=reject_count.generation AND q.reason=reject_count.reason)",
                )?
                .execute([generation])?;
        }
        Ok(())
    }
}

/// A batch that moves no checkpoint: its lines and bytes were counted when they were rejected.
fn still(generation: GenerationId, now: Timestamp) -> Batch {
    Batch {
        advance: Advance {
            generation,
            from: ByteOffset(0),
            to: ByteOffset(0),
            head: Fingerprint::default(),
            tail: Fingerprint::default(),
            state: GenerationState::Open,
            renamed_to: None,
            look: Look::default(),
        },
        read_at: now,
        events: Vec::new(),
        rejects: Vec::new(),
        marks: Vec::new(),
        gap: None,
        tally: Tally::default(),
        names: Vec::new(),
    }
}

fn add(batch: &mut Batch, line: ReleasedLine) {
    let offset = line.offset;
    batch.events.extend(
        line.events
            .into_iter()
            .map(|event| LocatedEvent { offset, event }),
    );
    let by_format = &mut batch.tally.by_format;
    match by_format
        .iter_mut()
        .find(|(known, _)| *known == line.format)
    {
        Some((_, lines)) => *lines += 1,
        None => by_format.push((line.format, 1)),
    }
}

//! The sources with what was read, refused, lost and told twice.

use std::collections::BTreeMap;

use super::Reader;
use crate::format::format_by_number;
use crate::model::{GapCause, GenerationState, Micros, Timestamp};
use crate::stats::{ConflictRow, GapRow, Page, RejectRow, Skew, Snapshot, SourceRow};
use crate::store::StoreError;
use crate::store::columns::read_id;

impl Reader {
    /// Fills sources, rejects, markers and totals.
    pub(super) fn sources(&self, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        let mut sources: BTreeMap<i64, SourceRow> = BTreeMap::new();
        let mut select = self.connection.prepare_cached(
            "SELECT s.id,s.name,g.state,g.lines,g.bytes,g.blank,g.noise,g.quarantined,g.events,g.duplicates+g.repeated,\
             g.conflicts,g.newest_ts,g.read_at,g.noise_sample,g.maps_corrections,\
             CASE WHEN g.state IN (0,1) THEN max(g.size-g.offset,0) ELSE 0 END,g.skew,\
             (SELECT count(*) FROM gap WHERE generation=g.id) FROM generation g JOIN source s ON s.id=g.source ORDER BY g.id",
        )?;
        let mut rows = select.query([])?;
        let totals = &mut snapshot.ingest;
        while let Some(row) = rows.next()? {
            let count = |idx: usize| row.get::<_, i64>(idx).map(i64::cast_unsigned);
            let source = sources.entry(row.get(0)?).or_default();
            source.source = row.get(1)?;
            source.state = GenerationState::from_code(row.get(2)?).word().to_owned();
            source.generations += 1;
            source.lines += count(3)?;
            source.bytes += count(4)?;
            source.noise += count(6)?;
            source.quarantined += count(7)?;
            source.newest = source
                .newest
                .max(row.get::<_, Option<i64>>(11)?.map(Timestamp));
            source.read_at = source
                .read_at
                .max(row.get::<_, Option<i64>>(12)?.map(Timestamp));
            source.noise_sample = row
                .get::<_, Option<String>>(13)?
                .or(source.noise_sample.take());
            source.corrections_known |= row.get::<_, bool>(14)?;
            source.unread_bytes += count(15)?;
            source.skew = row.get::<_, Option<i64>>(16)?.map(skew).or(source.skew);
            source.conflicts += count(10)?;
            source.gaps += count(17)?;
            totals.lines += count(3)?;
            totals.blank += count(5)?;
            totals.noise += count(6)?;
            totals.quarantined += count(7)?;
            totals.events += count(8)?;
            totals.duplicates += count(9)?;
            totals.conflicts += count(10)?;
        }
        let orphans: i64 = self.connection.query_row(
            "SELECT (SELECT value FROM meta WHERE key='orphans')+(SELECT count(*) FROM session_correction WHERE request IS NULL)",
            [],
            |row| row.get(0),
        )?;
        totals.orphans = orphans.unsigned_abs();
        let kept = "SELECT value FROM meta WHERE key='kept_bytes'";
        let kept: i64 = self.connection.query_row(kept, [], |row| row.get(0))?;
        totals.kept_bytes = kept.unsigned_abs();
        self.formats_of(&mut sources)?;
        snapshot.sources = sources.into_values().collect();
        snapshot.sources.sort_by(|a, b| a.source.cmp(&b.source));
        snapshot.rejects = self.rejects()?;
        if matches!(snapshot.query.page, Page::Sources | Page::Report) {
            snapshot.gaps = self.gaps()?;
            snapshot.conflicts = self.conflicts()?;
        }
        snapshot.markers = self.markers(snapshot.window)?;
        Ok(())
    }

    fn formats_of(&self, sources: &mut BTreeMap<i64, SourceRow>) -> Result<(), StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT g.source,f.format,sum(f.lines) FROM generation_format f JOIN generation g ON g.id=f.generation \
             GROUP BY 1,2 ORDER BY 3 DESC",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let number: u8 = row.get(1)?;
            let format = format_by_number(number);
            if let Some(source) = sources.get_mut(&row.get(0)?) {
                let name = format.map_or_else(
                    || format!("format {number}"),
                    |format| format.name.to_owned(),
                );
                source
                    .formats
                    .push((name, row.get::<_, i64>(2)?.unsigned_abs()));
                source.corrections_known |= format.is_some_and(|format| format.carries_corrections);
            }
        }
        self.counts_of(sources, "generation_field", "field", |source| {
            &mut source.unknown_fields
        })?;
        self.counts_of(sources, "generation_aside", "what", |source| {
            &mut source.asides
        })
    }

    /// Reads counts by name, most first, at most 20 a source.
    fn counts_of(
        &self,
        sources: &mut BTreeMap<i64, SourceRow>,
        table: &str,
        column: &str,
        into: fn(&mut SourceRow) -> &mut Vec<(String, u64)>,
    ) -> Result<(), StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT g.source,n.text,sum(f.count) FROM {table} f JOIN generation g ON g.id=f.generation \
             JOIN name n ON n.id=f.{column} GROUP BY 1,2 ORDER BY 3 DESC"
        ))?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(source) = sources.get_mut(&row.get(0)?)
                && into(source).len() < 20
            {
                into(source).push((row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()));
            }
        }
        Ok(())
    }

    fn rejects(&self) -> Result<Vec<RejectRow>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT s.name,r.reason,r.detail,sum(r.count),g.path,r.offset,min(r.first_seen),r.len FROM reject_count r \
             JOIN generation g ON g.id=r.generation JOIN source s ON s.id=g.source GROUP BY s.id,r.reason ORDER BY 4 DESC",
        )?;
        let rows = select.query_map([], |row| {
            Ok(RejectRow {
                source: row.get(0)?,
                reason: row.get(1)?,
                detail: row.get(2)?,
                count: row.get::<_, i64>(3)?.unsigned_abs(),
                path: row.get(4)?,
                offset: row.get::<_, i64>(5)?.cast_unsigned(),
                first_seen: Timestamp(row.get(6)?),
                len: row.get::<_, i64>(7)?.cast_unsigned(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn gaps(&self) -> Result<Vec<GapRow>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT s.name,g.path,p.from_offset,p.to_offset,p.cause,p.noticed_at FROM gap p \
             JOIN generation g ON g.id=p.generation JOIN source s ON s.id=g.source \
             ORDER BY p.noticed_at DESC,p.generation DESC LIMIT 100",
        )?;
        let rows = select.query_map([], |row| {
            Ok(GapRow {
                source: row.get(0)?,
                path: row.get(1)?,
                from: row.get::<_, i64>(2)?.cast_unsigned(),
                to: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
                cause: GapCause::from_code(row.get(4)?),
                noticed_at: Timestamp(row.get(5)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn conflicts(&self) -> Result<Vec<ConflictRow>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT s.name,c.field,sum(c.count),min(c.generation),g.path,c.offset,r.id FROM conflict_count c \
             JOIN generation g ON g.id=c.generation JOIN source s ON s.id=g.source JOIN request r ON r.row=c.request \
             GROUP BY s.id,c.field ORDER BY 3 DESC,2 LIMIT 100",
        )?;
        let rows = select.query_map([], |row| {
            Ok(ConflictRow {
                source: row.get(0)?,
                field: row.get(1)?,
                count: row.get::<_, i64>(2)?.unsigned_abs(),
                path: row.get(4)?,
                offset: row.get::<_, i64>(5)?.cast_unsigned(),
                request_id: read_id(row.get_ref(6)?).to_string(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn skew(micros: i64) -> Skew {
    let size = Micros(micros.unsigned_abs());
    if micros > 0 {
        Skew::Ahead(size)
    } else {
        Skew::Behind(size)
    }
}

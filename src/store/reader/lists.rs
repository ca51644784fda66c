//! Lists: decisions newest first, sources, rejects, markers, totals.

use std::collections::BTreeMap;

use super::{Reader, state};
use crate::format::format_by_number;
use crate::model::{GenerationState, MarkerKind, Name, Timestamp, Window};
use crate::stats::{DecisionRow, MarkerRow, RejectRow, Snapshot, SourceRow};
use crate::store::StoreError;
use crate::store::rollups::route_of;
use crate::store::row::{Stored, load_range};

impl Reader {
    /// Returns the newest rows: zones are visited from the newest on, until none can hold a newer row.
    pub(super) fn newest_rows(
        &self,
        window: Window,
        route: Option<i64>,
        len: usize,
        before: Option<(i64, i64)>,
    ) -> Result<Vec<(i64, Stored)>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT first_row,last_row,ts_max FROM zone WHERE ts_max>=?1 AND ts_min<?2 ORDER BY ts_max DESC",
        )?;
        let mut zones = select.query([window.from.0, window.to.0])?;
        let mut top: BTreeMap<(i64, i64), Stored> = BTreeMap::new();
        while let Some(zone) = zones.next()? {
            let full = top.len() >= len;
            if full
                && top
                    .first_key_value()
                    .is_some_and(|(key, _)| key.0 > zone.get::<_, i64>(2).unwrap_or(i64::MAX))
            {
                break;
            }
            for (row, stored) in load_range(&self.connection, zone.get(0)?, zone.get(1)?)? {
                let key = (stored.request.ts.0, row);
                if window.contains(stored.request.ts)
                    && route.is_none_or(|route| route == route_of(&stored.request))
                    && before.is_none_or(|before| key < before)
                {
                    top.insert(key, stored);
                    if top.len() > len {
                        top.pop_first();
                    }
                }
            }
        }
        Ok(top
            .into_iter()
            .rev()
            .map(|((_, row), stored)| (row, stored))
            .collect())
    }

    pub(super) fn decisions(
        &self,
        window: Window,
        route: Option<&str>,
        len: usize,
        before: Option<u64>,
        now: Timestamp,
    ) -> Result<Vec<DecisionRow>, StoreError> {
        let route = match route {
            None => None,
            Some(route) => match self.route_id(route) {
                Some(id) => Some(id),
                None => return Ok(Vec::new()),
            },
        };
        let before = match before.and_then(|row| i64::try_from(row).ok()) {
            None => None,
            Some(row) => load_range(&self.connection, row, row)?
                .pop()
                .map(|(row, stored)| (stored.request.ts.0, row)),
        };
        let rows = self.newest_rows(window, route, len, before)?;
        Ok(rows
            .iter()
            .map(|(row, stored)| self.decision(*row, stored, now))
            .collect())
    }

    fn decision(&self, row: i64, stored: &Stored, now: Timestamp) -> DecisionRow {
        let request = stored.effective();
        let name = |name: Option<Name>| name.map(|name| self.names.shared(name));
        let (sent, received) = request.tokens();
        let reason = request
            .attempts
            .iter()
            .find_map(|attempt| attempt.reason)
            .or(request.reason);
        DecisionRow {
            row: row.unsigned_abs(),
            ts: request.ts,
            route: self.route_name(route_of(&request)),
            id: request.id.to_string(),
            models: request
                .attempts
                .iter()
                .map(|a| (self.names.shared(a.model), DecisionRow::attempt_word(a)))
                .collect(),
            rule: name(request.rule),
            reason: name(reason),
            tokens: sent.map(|sent| sent + received.unwrap_or(0)).or(received),
            latency: request.latency(),
            cost: request.cost(),
            state: state(&request, now),
            is_escalated: request.is_escalated(),
            is_fallback: request.is_fallback(),
            is_corrected: request.is_corrected(),
            correction: request
                .correction
                .map(|c| (c.kind.word(), request.corrected_after())),
        }
    }

    /// Fills sources, rejects, markers and totals.
    pub(super) fn sources(&self, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        let mut sources: BTreeMap<i64, SourceRow> = BTreeMap::new();
        let mut select = self.connection.prepare_cached(
            "SELECT s.id,s.name,g.state,g.lines,g.bytes,g.blank,g.noise,g.quarantined,g.events,g.duplicates+g.repeated,\
             g.conflicts,g.newest_ts,g.read_at,g.noise_sample,g.maps_corrections FROM generation g JOIN source s ON s.id=g.source ORDER BY g.id",
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

    fn markers(&self, window: Window) -> Result<Vec<MarkerRow>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT ts,label,kind,route FROM marker WHERE ts>=?1 AND ts<?2 ORDER BY ts LIMIT 1000",
        )?;
        let rows = select.query_map([window.from.0, window.to.0], |row| {
            let name = |id: u32| Name::try_from_id(id).map(|name| self.names.shared(name));
            Ok(MarkerRow {
                ts: Timestamp(row.get(0)?),
                label: name(row.get(1)?).unwrap_or_default(),
                kind: MarkerKind::from_code(row.get(2)?),
                route: name(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

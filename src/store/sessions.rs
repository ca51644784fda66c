//! Corrections that name only a session: each goes to the latest completed request before it.
//!
//! Whenever a session with such corrections changes, all of them are given out again in order of
//! time, so that the result does not depend on the order of arrival.

use std::collections::BTreeMap;

use rusqlite::params;

use super::StoreError;
use super::commit::Work;
use crate::model::{
    Correction, CorrectionBy, CorrectionKind, Micros, Outcome, SessionCorrection, Timestamp,
};

impl Work<'_> {
    /// Keeps a correction; returns whether it is new.
    pub(super) fn put_session_correction(
        &mut self,
        found: &SessionCorrection,
    ) -> Result<bool, StoreError> {
        let correction = found.correction;
        self.writer.corrected_sessions.insert(found.session.0);
        let after = correction
            .after
            .map(|after| i64::try_from(after.0).unwrap_or(i64::MAX));
        let changed = self
            .writer
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO session_correction VALUES (?1,?2,?3,?4,?5,?6,NULL)",
            )?
            .execute(params![
                found.session.0.cast_signed(),
                found.ts.0,
                correction.kind.code(),
                correction.by.code(),
                correction.ts.map(|ts| ts.0),
                after,
            ])?;
        Ok(changed == 1)
    }

    /// Gives out the corrections of every session that changed.
    pub(super) fn resolve_sessions(&mut self) -> Result<(), StoreError> {
        for session in std::mem::take(&mut self.sessions) {
            self.resolve_session(session)?;
        }
        Ok(())
    }

    fn resolve_session(&mut self, session: u64) -> Result<(), StoreError> {
        let mut rows = self.find_session(session)?;
        rows.sort_unstable();
        rows.dedup();
        let mut completed = BTreeMap::new();
        for row in &rows {
            if let Some(stored) = self.stored(*row)? {
                let request = &stored.request;
                if request.outcome == Some(Outcome::Completed)
                    && request.session.is_some_and(|key| key.0 == session)
                {
                    completed.insert((request.ts, *row), request.correction.is_some());
                }
            }
        }
        let mut given: BTreeMap<i64, Correction> = BTreeMap::new();
        for (ts, correction) in self.corrections_of(session)? {
            let target = completed.range(..=(ts, i64::MAX)).next_back();
            let target = target.map(|((_, row), has_own)| (*row, *has_own));
            self.writer
                .connection
                .prepare_cached(
                    "UPDATE session_correction SET request=?5 WHERE session=?1 AND ts=?2 AND kind=?3 AND author=?4",
                )?
                .execute(params![
                    session.cast_signed(),
                    ts.0,
                    correction.kind.code(),
                    correction.by.code(),
                    target.map(|target| target.0)
                ])?;
            if let Some((row, false)) = target {
                given.entry(row).or_insert(correction);
            }
        }
        for row in rows {
            let correction = given.get(&row).copied();
            if let Some(stored) = self.stored(row)? {
                stored.via_session = correction;
            }
        }
        Ok(())
    }

    fn corrections_of(&self, session: u64) -> Result<Vec<(Timestamp, Correction)>, StoreError> {
        let mut select = self.writer.connection.prepare_cached(
            "SELECT ts,kind,author,made_at,after_us FROM session_correction WHERE session=?1 ORDER BY ts,kind,author",
        )?;
        let found = select.query_map([session.cast_signed()], |row| {
            let ts = Timestamp(row.get(0)?);
            let correction = Correction {
                kind: CorrectionKind::from_code(row.get(1)?),
                by: CorrectionBy::from_code(row.get(2)?),
                ts: Some(row.get::<_, Option<i64>>(3)?.map_or(ts, Timestamp)),
                after: row
                    .get::<_, Option<i64>>(4)?
                    .and_then(|after| u64::try_from(after).ok())
                    .map(Micros),
            };
            Ok((ts, correction))
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

//! Everything that is known, as events in the order in which it was stored.

use std::ops::ControlFlow;

use hashbrown::HashSet;
use rusqlite::params;

use super::Reader;
use crate::model::{
    Correction, CorrectionBy, CorrectionKind, Event, Marker, MarkerKind, Micros, Name, Names,
    SessionCorrection, SessionKey, Timestamp, Window,
};
use crate::stats::Filter;
use crate::store::StoreError;
use crate::store::whole::load_whole;
use crate::store::writer::load_names;

impl Reader {
    /// Hands every request that the filter holds of at `now`, with the corrections of its session, and every marker
    /// within `window` to `visit`, until that breaks; returns how many. A request comes with its own correction; one that it got through its session comes
    /// as the correction of the session.
    ///
    /// What is stored while it runs is left out; no transaction is longer than a block of rows.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn export(
        &mut self,
        window: Window,
        (filter, now): (&Filter, Timestamp),
        mut visit: impl FnMut(&Event, &Names) -> ControlFlow<()>,
    ) -> Result<u64, StoreError> {
        let policies = self.policies_for(filter)?;
        let mut sieve = self.sieve(filter, now, &policies)?;
        let mut events = 0;
        let mut left_out = HashSet::new();
        for stretch in self.stretches(window)? {
            self.connection.execute_batch("BEGIN")?;
            let rows = load_names(&self.connection, &mut self.names)
                .and_then(|()| load_whole(&self.connection, stretch.first, stretch.last));
            // A read transaction has nothing to lose.
            let _ = self.connection.execute_batch("COMMIT");
            for (row, stored) in rows? {
                if !window.contains(stored.request.ts) {
                    continue;
                }
                if !sieve.holds(&stored, &self.names) {
                    if stored.via_session.is_some() {
                        left_out.insert(row);
                    }
                    continue;
                }
                events += 1;
                if visit(&Event::Request(stored.request), &self.names).is_break() {
                    return Ok(events);
                }
            }
        }
        load_names(&self.connection, &mut self.names)?;
        for event in self.apart_from_requests(window, &left_out)? {
            events += 1;
            if visit(&event, &self.names).is_break() {
                break;
            }
        }
        Ok(events)
    }

    /// Returns the corrections of sessions, but for those that went to rows left out, and the markers.
    pub(super) fn apart_from_requests(
        &self,
        window: Window,
        left_out: &HashSet<i64>,
    ) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        let mut select = self.connection.prepare(
            "SELECT session,ts,kind,author,made_at,after_us,request FROM session_correction \
             WHERE ts>=?1 AND ts<?2 ORDER BY ts,session,kind,author",
        )?;
        let mut rows = select.query(params![window.from.0, window.to.0])?;
        while let Some(row) = rows.next()? {
            let request: Option<i64> = row.get(6)?;
            if request.is_some_and(|row| left_out.contains(&row)) {
                continue;
            }
            let after: Option<i64> = row.get(5)?;
            events.push(Event::SessionCorrection(SessionCorrection {
                session: SessionKey(row.get::<_, i64>(0)?.cast_unsigned()),
                ts: Timestamp(row.get(1)?),
                correction: Correction {
                    kind: CorrectionKind::from_code(row.get(2)?),
                    by: CorrectionBy::from_code(row.get(3)?),
                    ts: row.get::<_, Option<i64>>(4)?.map(Timestamp),
                    after: after
                        .and_then(|after| u64::try_from(after).ok())
                        .map(Micros),
                },
            }));
        }
        let mut select = self.connection.prepare(
            "SELECT ts,label,kind,route FROM marker WHERE ts>=?1 AND ts<?2 ORDER BY ts,label",
        )?;
        let mut rows = select.query(params![window.from.0, window.to.0])?;
        while let Some(row) = rows.next()? {
            let label = Name::try_from_id(row.get(1)?);
            events.push(Event::Marker(Marker {
                ts: Timestamp(row.get(0)?),
                label: label.ok_or_else(|| StoreError::damaged("the label of a marker"))?,
                kind: MarkerKind::from_code(row.get(2)?),
                route: Name::try_from_id(row.get(3)?),
            }));
        }
        Ok(events)
    }
}

//! Everything that is known, as events in the order in which it was stored.

use std::ops::ControlFlow;

use rusqlite::params;

use super::Reader;
use crate::model::{
    Correction, CorrectionBy, CorrectionKind, Event, Marker, MarkerKind, Micros, Name, Names,
    SessionCorrection, SessionKey, Timestamp, Window,
};
use crate::store::StoreError;
use crate::store::whole::load_whole;
use crate::store::writer::load_names;

impl Reader {
    /// Hands every request, marker and correction of a session within `window` to `visit`, until that breaks;
    /// returns how many. A request comes with its own correction; one that it got through its session comes
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
        mut visit: impl FnMut(&Event, &Names) -> ControlFlow<()>,
    ) -> Result<u64, StoreError> {
        let zones: Vec<(i64, i64)> = {
            let mut select = self.connection.prepare(
                "SELECT first_row,last_row FROM zone WHERE ts_max>=?1 AND ts_min<?2 ORDER BY first_row",
            )?;
            let found = select.query_map([window.from.0, window.to.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            found.collect::<Result<_, _>>()?
        };
        let mut events = 0;
        for (first, last) in zones {
            self.connection.execute_batch("BEGIN")?;
            let rows = load_names(&self.connection, &mut self.names)
                .and_then(|()| load_whole(&self.connection, first, last));
            // A read transaction has nothing to lose.
            let _ = self.connection.execute_batch("COMMIT");
            for (_, stored) in rows? {
                if !window.contains(stored.request.ts) {
                    continue;
                }
                events += 1;
                if visit(&Event::Request(stored.request), &self.names).is_break() {
                    return Ok(events);
                }
            }
        }
        load_names(&self.connection, &mut self.names)?;
        for event in self.apart_from_requests(window)? {
            events += 1;
            if visit(&event, &self.names).is_break() {
                break;
            }
        }
        Ok(events)
    }

    /// Returns the corrections of sessions, and the markers.
    pub(super) fn apart_from_requests(&self, window: Window) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        let mut select = self.connection.prepare(
            "SELECT session,ts,kind,author,made_at,after_us FROM session_correction \
             WHERE ts>=?1 AND ts<?2 ORDER BY ts,session,kind,author",
        )?;
        let mut rows = select.query(params![window.from.0, window.to.0])?;
        while let Some(row) = rows.next()? {
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

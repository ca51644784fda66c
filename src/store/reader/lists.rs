//! Lists: decisions newest first, markers.

use std::collections::BTreeMap;

use super::replay::Stretch;
use super::sieve::Sieve;
use super::{Reader, state};
use crate::model::{MarkerKind, Name, Timestamp, Window};
use crate::stats::{DecisionRow, MarkerRow, Query};
use crate::store::StoreError;
use crate::store::rollups::route_of;
use crate::store::row::load_range;
use crate::store::stored::Stored;

impl Reader {
    /// Returns the newest rows that the filter holds of: zones are visited from the newest on, until none can hold a newer row.
    pub(super) fn newest_rows(
        &self,
        window: Window,
        route: Option<i64>,
        len: usize,
        before: Option<(i64, i64)>,
        sieve: &mut Sieve<'_>,
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
            self.go_on()?;
            let stretch = Stretch {
                first: zone.get(0)?,
                last: zone.get(1)?,
            };
            for (row, stored) in sieve.load(self, stretch)? {
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
        query: &Query,
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
        let policies = self.policies_for(&query.filter)?;
        let mut sieve = self.sieve(&query.filter, query.now, &policies)?;
        let rows = self.newest_rows(window, route, len, before, &mut sieve)?;
        Ok(rows
            .iter()
            .map(|(row, stored)| self.decision(*row, stored, query.now))
            .collect())
    }

    pub(super) fn decision(&self, row: i64, stored: &Stored, now: Timestamp) -> DecisionRow {
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

    pub(super) fn markers(&self, window: Window) -> Result<Vec<MarkerRow>, StoreError> {
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

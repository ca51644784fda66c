//! The requests that a decision is held against: those of its route stored about when it was, and its session.

use rusqlite::{OptionalExtension, params};

use super::Reader;
use crate::model::{HashKey, Micros, Request, Timestamp};
use crate::stats::{Comparison, SessionPlace, apart};
use crate::store::StoreError;
use crate::store::decided::DecidedRows;
use crate::store::ids::find_on_disk;
use crate::store::prepare::session_key;
use crate::store::rollups::{LEVELS, route_of, scan_route};

/// Rows of so many stretches of up to 512 are looked at: each costs about a millisecond.
const STRETCHES_MAX: i64 = 2;
/// With so many of its route none further back are looked for.
const PEERS_ENOUGH: usize = 300;
/// None further away in time count.
const REACH: Micros = Micros::DAY.times(7);
const HOURS_OF_WEEK: i64 = 168;
/// So many requests of a session are looked at.
const SESSION_MAX: usize = 1_000;

impl Reader {
    /// Returns other requests of the same route, those stored with `row` and before it, in full but for their ids.
    pub(super) fn peers(&self, row: i64, request: &Request) -> Result<Vec<Request>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT first_row,last_row FROM zone WHERE first_row<=?1 ORDER BY first_row DESC LIMIT ?2",
        )?;
        let stretches = select.query_map(params![row, STRETCHES_MAX], |stretch| {
            Ok((stretch.get(0)?, stretch.get(1)?))
        })?;
        let stretches: Vec<(i64, i64)> = stretches.collect::<Result<_, _>>()?;
        let route = route_of(request);
        let (mut rows, mut peers) = (DecidedRows::default(), Vec::new());
        for (first, last) in stretches {
            let found = rows.load(&self.connection, first, last)?;
            let of_route = found.iter().filter(|(number, other)| {
                *number != row
                    && route_of(&other.request) == route
                    && apart(other.request.ts, request.ts) <= REACH
            });
            peers.extend(of_route.map(|(_, other)| other.effective().into_owned()));
            if peers.len() >= PEERS_ENOUGH {
                break;
            }
        }
        Ok(peers)
    }

    /// Compares with its peers; of a rare route, which has few of them, with the sums of the week up to its hour.
    pub(super) fn comparison(
        &self,
        request: &Request,
        peers: &[Request],
    ) -> Result<Comparison, StoreError> {
        let found = Comparison::of(request, peers);
        if found.is_enough() {
            return Ok(found);
        }
        let [_, hours, _] = LEVELS;
        let this = request.ts.0.div_euclid(hours.unit_us);
        let week = (this - HOURS_OF_WEEK, this + 1);
        let cell = scan_route(&self.connection, hours, week, route_of(request))?;
        // The request itself is one of them.
        let others = cell.requests.saturating_sub(1);
        Ok(if others < Comparison::COMPARED_MIN {
            found
        } else {
            Comparison::with_route(request, others, &cell.latency, REACH)
        })
    }

    /// Finds the place of a request in its session; `None` when no session is logged, or it is too long to look at.
    pub(super) fn session_place(
        &self,
        key: &HashKey,
        row: i64,
        request: &Request,
    ) -> Result<Option<SessionPlace>, StoreError> {
        let Some(session) = request.session else {
            return Ok(None);
        };
        let mut rows = find_on_disk(&self.connection, session_key(key, session.0))?;
        rows.sort_unstable();
        rows.dedup();
        if rows.len() > SESSION_MAX {
            return Ok(None);
        }
        let mut select = self.connection.prepare_cached(
            "SELECT ts, EXISTS (SELECT 1 FROM correction c WHERE c.request=request.row) FROM request \
             WHERE row=?1 AND session=?2",
        )?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let found = select.query_row(params![row, session.0.cast_signed()], |found| {
                Ok((Timestamp(found.get(0)?), row, found.get(1)?))
            });
            all.extend(found.optional()?);
        }
        Ok(Some(SessionPlace::of((request.ts, row), &all)))
    }
}

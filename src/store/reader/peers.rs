//! The requests that a decision is held against: those of its route stored shortly before it, and its session.

use rusqlite::{OptionalExtension, params};

use super::Reader;
use crate::model::{HashKey, Micros, Request, Timestamp, Window};
use crate::stats::{Cell, Comparison, SessionPlace};
use crate::store::StoreError;
use crate::store::decided::DecidedRows;
use crate::store::ids::find_on_disk;
use crate::store::prepare::session_key;
use crate::store::rollups::route_of;

/// Rows of so many stretches of up to 512 are looked at: each costs about a millisecond.
const STRETCHES_MAX: i64 = 4;
/// With so many of its route none further back are looked for.
const PEERS_ENOUGH: usize = 600;
/// No older ones count.
const REACH: Micros = Micros::DAY.times(7);
/// So many requests of a session are looked at.
const SESSION_MAX: usize = 1_000;

impl Reader {
    /// Returns requests of the same route, the latest of those stored before `row` and not arrived after it, in full but
    /// for their ids.
    pub(super) fn peers(&self, row: i64, request: &Request) -> Result<Vec<Request>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT first_row,last_row FROM zone WHERE first_row<=?1 ORDER BY first_row DESC LIMIT ?2",
        )?;
        let stretches = select.query_map(params![row, STRETCHES_MAX], |stretch| {
            Ok((stretch.get(0)?, stretch.get(1)?))
        })?;
        let stretches: Vec<(i64, i64)> = stretches.collect::<Result<_, _>>()?;
        let window = Window {
            from: request.ts.minus(REACH),
            to: Timestamp(request.ts.0.saturating_add(1)),
        };
        let route = route_of(request);
        let (mut rows, mut peers) = (DecidedRows::default(), Vec::new());
        for (first, last) in stretches {
            let found = rows.load(&self.connection, first, last.min(row - 1))?;
            let of_route = found.iter().filter(|(_, other)| {
                route_of(&other.request) == route && window.contains(other.request.ts)
            });
            peers.extend(of_route.map(|(_, other)| other.effective().into_owned()));
            if peers.len() >= PEERS_ENOUGH {
                break;
            }
        }
        Ok(peers)
    }

    /// Compares with its peers; of a rare route, which has few of them, with the sums of the week before.
    pub(super) fn comparison(
        &self,
        request: &Request,
        peers: &[Request],
    ) -> Result<Comparison, StoreError> {
        let found = Comparison::of(request, peers);
        if found.is_enough() {
            return Ok(found);
        }
        let to = request.ts.plus(Micros::MINUTE).minute().start();
        let week = Window {
            from: to.minus(REACH),
            to,
        };
        let cell: Cell = self.cell(week, route_of(request))?;
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

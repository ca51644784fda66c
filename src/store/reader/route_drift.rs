//! How far the latest decisions of one route do what their policy says.

use rusqlite::params;

use super::Reader;
use super::drift::judged;
use crate::model::Timestamp;
use crate::stats::{RouteDrift, UNKNOWN_ROUTE};
use crate::store::StoreError;
use crate::store::decided::DecidedRows;
use crate::store::rollups::route_of;
use crate::store::writer::load_names;

/// So many decisions are summed up.
const DECISIONS_MAX: usize = 1_000;
/// Rows of so many stretches of up to 512 are looked at: some hundredths of a second.
const STRETCHES_MAX: i64 = 64;

impl Reader {
    /// Sums up the last thousand decisions of a route (`None`: of those with none) that arrived up to `to`; `None` when
    /// no policy is known. A rare route has fewer of them among the last rows.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn route_drift(
        &mut self,
        route: Option<&str>,
        to: Timestamp,
    ) -> Result<Option<RouteDrift>, StoreError> {
        self.connection.execute_batch("BEGIN")?;
        let found = load_names(&self.connection, &mut self.names)
            .and_then(|()| self.route_drift_within(route.unwrap_or(UNKNOWN_ROUTE), to));
        // A read transaction has nothing to lose.
        let _ = self.connection.execute_batch("COMMIT");
        found
    }

    fn route_drift_within(
        &self,
        route: &str,
        to: Timestamp,
    ) -> Result<Option<RouteDrift>, StoreError> {
        let policies = self.policies()?;
        let Some(route) = self.route_id(route).filter(|_| !policies.is_empty()) else {
            return Ok(None);
        };
        let mut docket = self.docket(&policies)?;
        let mut select = self.connection.prepare_cached(
            "SELECT first_row,last_row FROM zone WHERE ts_min<=?1 ORDER BY first_row DESC LIMIT ?2",
        )?;
        let stretches = select.query_map(params![to.0, STRETCHES_MAX], |stretch| {
            Ok((stretch.get(0)?, stretch.get(1)?))
        })?;
        let stretches: Vec<(i64, i64)> = stretches.collect::<Result<_, _>>()?;
        let (mut rows, mut decisions) = (DecidedRows::default(), Vec::new());
        for (first, last) in stretches {
            for (row, stored) in rows.load(&self.connection, first, last)? {
                let request = &stored.request;
                if route_of(request) == route && request.ts <= to {
                    let rate = judged(request, &self.names, &mut docket).rate();
                    if rate.denominator > 0 {
                        decisions.push((request.ts, *row, rate.numerator > 0));
                    }
                }
            }
            if decisions.len() >= DECISIONS_MAX {
                break;
            }
        }
        decisions.sort_unstable();
        let first = decisions.len().saturating_sub(DECISIONS_MAX);
        let latest: Vec<(Timestamp, bool)> = decisions
            .iter()
            .skip(first)
            .map(|(ts, _, drifted)| (*ts, *drifted))
            .collect();
        Ok(Some(RouteDrift::of(&latest)))
    }
}

//! Some of the decisions behind a finding.

use std::cmp::Reverse;
use std::sync::Arc;

use super::Reader;
use crate::model::Window;
use crate::stats::changes::{Changes, Metric};
use crate::stats::{Attribute, DecisionRow, Figures, Tuple};
use crate::store::StoreError;
use crate::store::rollups::route_of;
use crate::store::stored::Stored;
use crate::store::whole::load_whole;

/// No more rows than these are looked at.
const ROWS_MAX: usize = 200_000;

impl Reader {
    /// Returns bad requests of the window, the newest first: those that the first cause is about, or any where none is
    /// named. Of latency, the slowest of those looked at.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn examples(&mut self, of: &Changes, len: usize) -> Result<Vec<DecisionRow>, StoreError> {
        let mut wanted = Vec::new();
        for (name, text) in of.causes.first().iter().flat_map(|cause| &cause.slice) {
            if let Some(attribute) = self.attribute(name)? {
                wanted.push((attribute, text.clone()));
            }
        }
        self.with_tuples(|reader| {
            let route = of.route.as_deref().map(|route| reader.route_id(route));
            let is_meant = |stored: &Stored| {
                let request = stored.effective();
                let tuple = Tuple::of(&request);
                let holds = |(attribute, text): &(Attribute, Arc<str>)| {
                    tuple.value(*attribute).text(&reader.names) == **text
                };
                of.window.contains(request.ts)
                    && route.is_none_or(|route| route == Some(route_of(&request)))
                    && of.metric.is_bad(Figures::of(&request).state)
                    && wanted.iter().all(holds)
            };
            let mut found = reader.newest_of(of.window, len, of.metric, is_meant)?;
            if of.metric == Metric::Latency {
                found.sort_by_key(|(_, stored)| Reverse(stored.request.latency()));
            } else {
                found.sort_by_key(|(row, stored)| Reverse((stored.request.ts, *row)));
            }
            found.truncate(len);
            let rows = found.iter();
            Ok(rows
                .map(|(row, stored)| reader.decision(*row, stored, of.window.to))
                .collect())
        })
    }

    /// Returns rows of which `is_meant` holds, from the newest zone on, until there are enough of them.
    fn newest_of(
        &self,
        window: Window,
        len: usize,
        metric: Metric,
        is_meant: impl Fn(&Stored) -> bool,
    ) -> Result<Vec<(i64, Stored)>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT first_row,last_row FROM zone WHERE ts_max>=?1 AND ts_min<?2 ORDER BY ts_max DESC",
        )?;
        let mut zones = select.query([window.from.0, window.to.0])?;
        let (mut found, mut looked_at) = (Vec::new(), 0);
        while let Some(zone) = zones.next()? {
            // The slowest may stand anywhere.
            let is_enough = found.len() >= len && metric != Metric::Latency;
            if is_enough || looked_at >= ROWS_MAX {
                break;
            }
            let rows = load_whole(&self.connection, zone.get(0)?, zone.get(1)?)?;
            looked_at += rows.len();
            found.extend(rows.into_iter().filter(|(_, stored)| is_meant(stored)));
        }
        Ok(found)
    }
}

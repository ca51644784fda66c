//! How late corrections come, and how much of a window's corrections has had time to come.

use std::collections::BTreeMap;

use super::Reader;
use super::fold::{Cells, Fold};
use crate::model::{CORRECTION_WINDOW, Micros, Timestamp, Window};
use crate::stats::{Cell, Exposure, Lateness, Nowcast};
use crate::store::StoreError;
use crate::store::rollups::Depth;

/// Younger requests are looked at by the minute, older ones by the hour.
const BY_MINUTE: Micros = Micros::HOUR.times(2);
/// The settled days from which the delays of corrections are taken.
const DAYS: u64 = 7;

impl Reader {
    /// Returns what the correction rate of each route in the window will be; nothing when too few
    /// corrections are known to tell how late they come.
    pub(super) fn nowcasts(
        &self,
        window: Window,
        now: Timestamp,
        cells: &Cells,
        fold: &Fold,
    ) -> Result<BTreeMap<i64, Nowcast>, StoreError> {
        let Some(lateness) = self.lateness(now)? else {
            return Ok(BTreeMap::new());
        };
        let settled = now.minus(CORRECTION_WINDOW).max(window.from);
        let young = now.minus(BY_MINUTE).max(settled);
        let mut exposures: BTreeMap<i64, Exposure> = BTreeMap::new();
        let mut unsettled: BTreeMap<i64, Cell> = BTreeMap::new();
        for (from, to, level, half) in [
            (settled, young, 1, Micros::HOUR.0 / 2),
            (young, now, 0, Micros::MINUTE.0 / 2),
        ] {
            let part = Window {
                from,
                to: to.min(window.to),
            };
            let place = |ts: Timestamp, route| Some((fold.place(route), ts.minute().start()));
            for ((route, start), cell) in self.count(part, level, Depth::Counts, &place)? {
                // Minutes at the edges of the hours are taken for younger than they are by half an hour.
                let age = now.since(start.plus(Micros(half)));
                exposures
                    .entry(route)
                    .or_default()
                    .add(&cell, age, &lateness);
                unsettled.entry(route).or_default().merge(&cell);
            }
        }
        let nowcast = |(route, cell): (&i64, &Cell)| {
            let young = unsettled.get(route).map_or(0, |cell| cell.correctable);
            let mut exposure = exposures.get(route).copied().unwrap_or_default();
            let old = Cell {
                correctable: cell.correctable.saturating_sub(young),
                ..Cell::default()
            };
            exposure.add(&old, CORRECTION_WINDOW, &lateness);
            let nowcast = Nowcast {
                corrected: cell.corrected,
                exposure: exposure.0,
            };
            (*route, nowcast)
        };
        Ok(cells.iter().map(nowcast).collect())
    }

    /// Returns how late the corrections of the last whole days came for which all have come.
    fn lateness(&self, now: Timestamp) -> Result<Option<Lateness>, StoreError> {
        let day = i64::try_from(Micros::DAY.0).unwrap_or(i64::MAX);
        let to = now.minus(CORRECTION_WINDOW).0.div_euclid(day) * day;
        let window = Window {
            from: Timestamp(to).minus(Micros::DAY.times(DAYS)),
            to: Timestamp(to),
        };
        // How late corrections come, all traffic tells better than the little that a filter lets through.
        let mut all = self.count_all(window, 2, Depth::All, &|_, _| Some(()))?;
        let delays = all.remove(&()).unwrap_or_default().correction_delays;
        Ok(Lateness::try_from_delays(delays))
    }
}

//! Windows counted through a filter.
//!
//! Rollups have forgotten what a filter asks about, so that rows are read: each window once, into segments that are
//! fine enough for everything asked of it. Windows of the past are kept for a minute, while the filter stays the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Reader;
use crate::model::{Micros, Timestamp, Window};
use crate::stats::{Cell, Filter, Query};
use crate::store::StoreError;
use crate::store::rollups::route_of;

/// How long the count of a past window is used again.
const FRESH: Micros = Micros::MINUTE;
/// Up to this length windows are cut into minutes, which trends ask for.
const MINUTES_MAX: Micros = Micros::HOUR.times(6);
/// Up to this length they are cut into hours.
const HOURS_MAX: Micros = Micros::DAY.times(8);
/// The youngest requests are told apart by the minute in any window, for the nowcast.
const YOUNG: Micros = Micros::HOUR.times(2);

/// A window counted: cells by start of the segment and route.
#[derive(Debug)]
struct Part {
    window: Window,
    at: Timestamp,
    cells: BTreeMap<(i64, i64), Cell>,
}

/// What was counted through a filter.
#[derive(Debug)]
pub(super) struct Filtered {
    filter: Filter,
    now: Timestamp,
    unit_us: i64,
    cuts: BTreeSet<i64>,
    parts: RefCell<Vec<Part>>,
}

impl Filtered {
    /// Prepares for a question about `window`, with what an earlier question left behind.
    pub(super) fn new(query: &Query, window: Window, earlier: Option<Self>) -> Self {
        let len = window.len();
        let unit = match len {
            len if len <= MINUTES_MAX => Micros::MINUTE,
            len if len <= HOURS_MAX => Micros::HOUR,
            _ => Micros::DAY,
        };
        let mut cuts = BTreeSet::from([
            window.from.0,
            window.to.0,
            query.now.minus(Query::OPEN_MAX).0.saturating_add(1),
            query.now.minus(Micros::DAY).0,
            query.now.minus(YOUNG).0,
        ]);
        let minutes = YOUNG.0 / Micros::MINUTE.0;
        let young = query.now.minus(YOUNG).minute().start();
        cuts.extend((0..=minutes).map(|n| young.plus(Micros::MINUTE.times(n)).0));
        let unit_us = i64::try_from(unit.0).unwrap_or(i64::MAX);
        let parts = earlier
            .filter(|earlier| earlier.filter == query.filter && earlier.unit_us == unit_us)
            .map_or_else(Vec::new, |earlier| earlier.parts.into_inner())
            .into_iter()
            .filter(|part| {
                let is_past = part.window.to <= window.from;
                is_past && part.at <= query.now && query.now.since(part.at) < FRESH
            })
            .collect();
        Self {
            filter: query.filter.clone(),
            now: query.now,
            unit_us,
            cuts,
            parts: RefCell::new(parts),
        }
    }

    fn segment(&self, ts: Timestamp, part: Window) -> i64 {
        let unit = ts.0.div_euclid(self.unit_us).saturating_mul(self.unit_us);
        let cut = self.cuts.range(..=ts.0).next_back();
        unit.max(part.from.0).max(cut.copied().unwrap_or(i64::MIN))
    }
}

impl Reader {
    /// Counts a window through the filter, by key.
    pub(super) fn count_filtered<K: Ord>(
        &self,
        filtered: &Filtered,
        window: Window,
        place: &impl Fn(Timestamp, i64) -> Option<K>,
    ) -> Result<BTreeMap<K, Cell>, StoreError> {
        let holds = |part: &Part| part.window.from <= window.from && window.to <= part.window.to;
        if window.is_empty() {
            return Ok(BTreeMap::new());
        }
        if !filtered.parts.borrow().iter().any(holds) {
            let part = self.count_part(filtered, window)?;
            filtered.parts.borrow_mut().push(part);
        }
        let mut cells: BTreeMap<K, Cell> = BTreeMap::new();
        let parts = filtered.parts.borrow();
        let part = parts.iter().find(|part| holds(part));
        for ((start, route), cell) in part.into_iter().flat_map(|part| &part.cells) {
            let start = Timestamp(*start);
            if let Some(key) = window
                .contains(start)
                .then(|| place(start, *route))
                .flatten()
            {
                cells.entry(key).or_default().merge(cell);
            }
        }
        Ok(cells)
    }

    fn count_part(&self, filtered: &Filtered, window: Window) -> Result<Part, StoreError> {
        let policies = self.policies_for(&filtered.filter)?;
        let mut sieve = self.sieve(&filtered.filter, filtered.now, &policies)?;
        let mut cells: BTreeMap<(i64, i64), Cell> = BTreeMap::new();
        for stretch in self.stretches(window)? {
            self.go_on()?;
            for (_, stored) in sieve.load(self, stretch)? {
                let request = stored.effective();
                if window.contains(request.ts) {
                    let key = (filtered.segment(request.ts, window), route_of(&request));
                    cells.entry(key).or_default().add(&request);
                }
            }
        }
        Ok(Part {
            window,
            at: filtered.now,
            cells,
        })
    }
}

//! Windows to metrics: whole units from rollups, cut minutes from rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Reader;
use super::filtered::Filtered;
use super::fold::{Cells, Fold};
use crate::model::{Micros, Timestamp, Window};
use crate::stats::{
    Baseline, Cell, Nowcast, Page, Query, RouteMetrics, RouteRow, Snapshot, Span, TrendPoint,
};
use crate::store::StoreError;
use crate::store::rollups::{Depth, LEVELS, route_of, scan};
use crate::store::row::load_range;
use crate::store::watermarks::{Watermarks, day_from, hour_from};

impl Reader {
    /// Calls `visit` with every row in the window, without residuals.
    pub(super) fn rows_in(
        &self,
        window: Window,
        visit: &mut impl FnMut(i64, &crate::store::stored::Stored),
    ) -> Result<(), StoreError> {
        if window.is_empty() {
            return Ok(());
        }
        let mut zones = self.connection.prepare_cached(
            "SELECT first_row,last_row FROM zone WHERE ts_max >= ?1 AND ts_min < ?2",
        )?;
        let found: Vec<(i64, i64)> = zones
            .query_map([window.from.0, window.to.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        for (first, last) in found {
            for (row, stored) in load_range(&self.connection, first, last)? {
                if window.contains(stored.request.ts) {
                    visit(row, &stored);
                }
            }
        }
        Ok(())
    }

    /// Counts what the filter holds of in the window into cells by key; `coarsest` is the largest level that may be
    /// used.
    pub(super) fn count<K: Ord>(
        &self,
        window: Window,
        coarsest: usize,
        depth: Depth,
        place: &impl Fn(Timestamp, i64) -> Option<K>,
    ) -> Result<BTreeMap<K, Cell>, StoreError> {
        match &self.filtered {
            Some(filtered) => self.count_filtered(filtered, window, place),
            None => self.count_all(window, coarsest, depth, place),
        }
    }

    /// Counts the window, whatever filter is set.
    pub(super) fn count_all<K: Ord>(
        &self,
        window: Window,
        coarsest: usize,
        depth: Depth,
        place: &impl Fn(Timestamp, i64) -> Option<K>,
    ) -> Result<BTreeMap<K, Cell>, StoreError> {
        let mut cells = BTreeMap::new();
        self.count_level(window, coarsest, depth, place, &mut cells)?;
        Ok(cells)
    }

    fn count_level<K: Ord>(
        &self,
        window: Window,
        level: usize,
        depth: Depth,
        place: &impl Fn(Timestamp, i64) -> Option<K>,
        cells: &mut BTreeMap<K, Cell>,
    ) -> Result<(), StoreError> {
        if window.is_empty() {
            return Ok(());
        }
        let Some(unit) = LEVELS.get(level) else {
            return Ok(());
        };
        let us = unit.unit_us;
        let ceil = |ts: i64| ts.div_euclid(us) + i64::from(ts.rem_euclid(us) != 0);
        let (from, to) = (ceil(window.from.0), window.to.0.div_euclid(us));
        let edges = if from <= to {
            scan(&self.connection, *unit, (from, to), depth, cells, place)?;
            let cut = |unit: i64| Timestamp(unit.saturating_mul(us));
            vec![
                Window {
                    from: window.from,
                    to: cut(from),
                },
                Window {
                    from: cut(to),
                    to: window.to,
                },
            ]
        } else {
            vec![window]
        };
        for edge in edges.into_iter().filter(|edge| edge.from < edge.to) {
            // All time has no edges; its ends are no whole units.
            if edge.len().0 > us.unsigned_abs() {
                continue;
            }
            if let Some(finer) = level.checked_sub(1) {
                self.count_level(edge, finer, depth, place, cells)?;
            } else {
                self.rows_in(edge, &mut |_, stored| {
                    let request = stored.effective();
                    if let Some(key) = place(request.ts, route_of(&request)) {
                        cells.entry(key).or_default().add(&request);
                    }
                })?;
            }
        }
        Ok(())
    }

    fn cells(&self, window: Window, fold: &Fold) -> Result<Cells, StoreError> {
        self.count(window, 2, Depth::All, &|_, route| Some(fold.place(route)))
    }

    /// Decides which routes of the window are told one by one; few names make few routes.
    fn fold(&self, window: Window, page: &Page) -> Result<Fold, StoreError> {
        if self.names.len() < Fold::ROUTES_MAX {
            return Ok(Fold::default());
        }
        let asked = match page {
            Page::Route { route } => self.route_id(route),
            Page::Decisions { route, .. } | Page::Changes { route, .. } => {
                route.as_ref().and_then(|it| self.route_id(it))
            }
            Page::Overview { .. }
            | Page::Explain { .. }
            | Page::Policies
            | Page::Sources
            | Page::Report => None,
        };
        let counts = self.count(window, 2, Depth::Counts, &|_, route| Some(route))?;
        Ok(Fold::of(&counts, asked))
    }

    /// Returns the times of the oldest and the newest request, leaving aside those with an odd clock,
    /// which would stretch every chart, unless there are no others.
    pub(super) fn extent(&self) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let ends = |sql: &str, of: (i64, i64)| {
            self.connection
                .prepare_cached(sql)?
                .query_row([of.0, of.1], |row| {
                    let ends: (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
                    Ok(ends.0.zip(ends.1))
                })
        };
        let read_at: Option<i64> =
            self.connection
                .query_row("SELECT max(read_at) FROM generation", [], |row| row.get(0))?;
        let newest = read_at.map_or(i64::MAX, |at| Timestamp(at).plus(Micros::DAY).0);
        let sane = (Timestamp::EARLIEST_SANE.0, newest);
        let inside = ends(
            "SELECT min(ts_min),max(ts_max) FROM zone WHERE ts_min>=?1 AND ts_max<=?2",
            sane,
        )?;
        // Zones with both kinds are few, and read row by row.
        let mixed = ends(
            "SELECT min(r.ts),max(r.ts) FROM zone z \
             CROSS JOIN request r ON r.row BETWEEN z.first_row AND z.last_row \
             WHERE NOT (z.ts_min>=?1 AND z.ts_max<=?2) AND r.ts BETWEEN ?1 AND ?2",
            sane,
        )?;
        let found = match (inside, mixed) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (inside, mixed) => inside.or(mixed),
        };
        let found = match found {
            None => ends(
                "SELECT min(ts_min),max(ts_max) FROM zone WHERE ?1<=?2",
                (0, 0),
            )?,
            found => found,
        };
        let oldest = self.oldest_rollup()?;
        Ok(found.map(|(low, high)| {
            (
                oldest.map_or(Timestamp(low), |at| at.min(Timestamp(low))),
                Timestamp(high),
            )
        }))
    }

    /// Returns when the oldest rollup begins, where it has outlived its rows.
    fn oldest_rollup(&self) -> Result<Option<Timestamp>, StoreError> {
        if Watermarks::load(&self.connection)?.rows_from.is_none() {
            return Ok(None);
        }
        let first = (Timestamp::EARLIEST_SANE.0.div_euclid(60_000_000)) << 20;
        let mut oldest = None;
        for (level, first) in LEVELS.iter().zip([first, first / 60, first / 1_440]) {
            let sql = format!("SELECT min(cell)>>20 FROM {} WHERE cell>=?1", level.table);
            let mut select = self.connection.prepare_cached(&sql)?;
            let unit: Option<i64> = select.query_row([first], |row| row.get(0))?;
            let start = unit.map(|unit| Timestamp(unit.saturating_mul(level.unit_us)));
            // The finest that reaches back says best where it begins.
            if start.is_some_and(|start| {
                oldest.is_none_or(|oldest| start.plus(level_len(level.unit_us)) <= oldest)
            }) {
                oldest = start;
            }
        }
        Ok(oldest)
    }

    /// Answers everything but lists.
    #[expect(
        clippy::too_many_lines,
        reason = "one straight walk from the question to the rows"
    )]
    pub(super) fn metrics(&mut self, query: &Query) -> Result<Snapshot, StoreError> {
        let extent = self.extent()?;
        let newest = extent.map(|extent| extent.1);
        let after = |ts: Timestamp| Timestamp(ts.0.saturating_add(1));
        let mut is_history = false;
        let window = match query.span {
            Span::All => extent.map_or(
                Window {
                    from: query.now,
                    to: query.now,
                },
                |(from, to)| Window {
                    from,
                    to: after(to),
                },
            ),
            Span::Between(window) => window,
            Span::Last(span) => {
                let to = match newest {
                    Some(newest) if newest < query.now.minus(span) => {
                        is_history = true;
                        after(newest)
                    }
                    _ => after(query.now),
                };
                Window {
                    from: to.minus(span),
                    to,
                }
            }
        };
        // All that was read counts, those with an odd clock too, which the window leaves out.
        let window = Watermarks::load(&self.connection)?.widened(window);
        let earlier = self.filtered.take();
        self.filtered = (!query.filter.is_empty()).then(|| Filtered::new(query, window, earlier));
        let counted = match query.span {
            Span::All => Window::ALL,
            _ => window,
        };
        let fold = self.fold(counted, &query.page)?;
        let now = self.cells(counted, &fold)?;
        let young = Window {
            from: after(query.now.minus(Query::OPEN_MAX)).max(window.from),
            to: window.to,
        };
        let open = self.count(young, 0, Depth::Counts, &|_, route| Some(fold.place(route)))?;
        let nowcasts = self.nowcasts(counted, query.now, &now, &fold)?;
        let (baseline, usual) = match (query.baseline, query.span) {
            (Baseline::None, _) | (_, Span::All) => (None, Cells::new()),
            (Baseline::Auto, _) => self.usual(window, &fold, true)?,
            (Baseline::Before, _) => self.usual(window, &fold, false)?,
        };
        let (fold, usual) = fold.with_usual(&now, usual);
        let (step, trends) = self.trends(query, window, &fold)?;
        let routes: BTreeSet<i64> = now.keys().chain(usual.keys()).copied().collect();
        let empty = Cell::default();
        let row = |name: Arc<str>, now: &Cell, open: u64, usual: &Cell, trend: Vec<TrendPoint>| {
            RouteRow {
                route: name,
                now: RouteMetrics::new(now, open, &self.names),
                usual: baseline
                    .is_some()
                    .then(|| RouteMetrics::new(usual, 0, &self.names)),
                latency: now.latency.clone(),
                usual_latency: usual.latency.clone(),
                trend,
            }
        };
        let sum = |cells: &Cells| {
            let mut total = Cell::default();
            for cell in cells.values() {
                total.merge(cell);
            }
            total
        };
        let trend = |route: Option<i64>| trend_of(query, window, step, &trends, route);
        let mut rows: Vec<RouteRow> = routes
            .iter()
            .map(|route| {
                let of = |cells: &Cells| cells.get(route).unwrap_or(&empty).clone();
                let open = open.get(route).map_or(0, |cell| cell.unfinished);
                let name = match *route {
                    Fold::OTHERS => fold.name(),
                    route => self.route_name(route),
                };
                let mut row = row(name, &of(&now), open, &of(&usual), trend(Some(*route)));
                row.now.correction_nowcast = nowcasts.get(route).copied();
                row
            })
            .collect();
        rows.sort_by(|a, b| a.route.cmp(&b.route));
        let mut total = row(
            Arc::from("all"),
            &sum(&now),
            sum(&open).unfinished,
            &sum(&usual),
            trend(None),
        );
        total.now.correction_nowcast = Nowcast::sum(nowcasts.into_values());
        let unfiltered = if self.filtered.is_some() {
            let all = self.count_all(counted, 2, Depth::Counts, &|_, _| Some(()))?;
            all.get(&()).map_or(0, |cell| cell.requests)
        } else {
            total.now.requests
        };
        Ok(Snapshot {
            unfiltered,
            unknown_field: None,
            counted,
            query: query.clone(),
            window,
            is_history,
            baseline,
            newest,
            trend_step: step,
            total,
            routes: rows,
            decisions: Vec::new(),
            decisions_total: 0,
            explanation: None,
            ambiguous: Vec::new(),
            sources: Vec::new(),
            rejects: Vec::new(),
            ingest: crate::stats::IngestTotals::default(),
            gaps: Vec::new(),
            conflicts: Vec::new(),
            markers: Vec::new(),
            drift: None,
            alarms: None,
            changes: None,
            policies: Vec::new(),
        })
    }

    /// The baseline: windows are widened to whole minutes, since only rates are compared.
    fn usual(
        &self,
        window: Window,
        fold: &Fold,
        by_days: bool,
    ) -> Result<(Option<Arc<str>>, Cells), StoreError> {
        let back = |window: Window, by: Micros| Window {
            from: window.from.minus(by).minute().start(),
            to: window.to.minus(by).minute().start(),
        };
        let mut cells = Cells::new();
        if by_days && window.len() <= Micros::DAY {
            for day in 1..=7 {
                for (route, cell) in self.cells(back(window, Micros::DAY.times(day)), fold)? {
                    cells.entry(route).or_default().merge(&cell);
                }
            }
            if !cells.is_empty() {
                return Ok((Some(Arc::from("same hours, last 7 days")), cells));
            }
        }
        let span = window.len().times(4);
        let before = Window {
            from: window.from.minus(span),
            to: window.from,
        };
        cells = self.cells(back(before, Micros(0)), fold)?;
        let minutes = span.0 / 60_000_000;
        let words = if minutes.is_multiple_of(60) {
            format!("{} h before", minutes / 60)
        } else {
            format!("{minutes} min before")
        };
        Ok(((!cells.is_empty()).then(|| Arc::from(words)), cells))
    }

    #[expect(clippy::type_complexity, reason = "step, and cells by step and route")]
    fn trends(
        &self,
        query: &Query,
        window: Window,
        fold: &Fold,
    ) -> Result<(Micros, BTreeMap<(i64, i64), Cell>), StoreError> {
        let len = u64::try_from(query.trend_len).unwrap_or(0);
        if len == 0 || window.is_empty() {
            return Ok((Micros::MINUTE, BTreeMap::new()));
        }
        let minutes = window.len().0.div_ceil(60_000_000) + 1;
        let mut step = minutes.div_ceil(len).max(1);
        let mut level = 0;
        if step > 12 {
            step = (minutes + 60).div_ceil(len).next_multiple_of(60);
            level = 1;
        }
        if step > 360 {
            step = (minutes + 1_440).div_ceil(len).next_multiple_of(1_440);
            level = 2;
        }
        let step = Micros::MINUTE.times(step);
        let us = i64::try_from(step.0).unwrap_or(i64::MAX);
        let start = trend_start(window, step);
        let cells = self.count(window, level, Depth::Latency, &|ts, route| {
            Some(((ts.0 - start).div_euclid(us), fold.place(route)))
        })?;
        Ok((step, cells))
    }
}

fn level_len(unit_us: i64) -> Micros {
    Micros(unit_us.unsigned_abs())
}

/// Trends start at a whole minute, hour or day, whichever the step is made of.
fn trend_start(window: Window, step: Micros) -> i64 {
    let unit = match step {
        step if step.0 % Micros::DAY.0 == 0 => 86_400_000_000,
        step if step.0 % Micros::HOUR.0 == 0 => 3_600_000_000,
        _ => 60_000_000,
    };
    window.from.0.div_euclid(unit) * unit
}

/// Counts the answers of a cell by band of latency.
fn bands(cell: &Cell) -> [u64; TrendPoint::BORDERS.len() + 1] {
    let mut bands = [0; TrendPoint::BORDERS.len() + 1];
    let borders = TrendPoint::BORDERS.map(|border| cell.latency.count_up_to(border));
    let mut before = 0;
    for (band, up_to) in bands
        .iter_mut()
        .zip(borders.into_iter().chain([cell.latency.count()]))
    {
        *band = up_to.saturating_sub(before);
        before = up_to;
    }
    bands
}

fn trend_of(
    query: &Query,
    window: Window,
    step: Micros,
    cells: &BTreeMap<(i64, i64), Cell>,
    route: Option<i64>,
) -> Vec<TrendPoint> {
    let us = i64::try_from(step.0).unwrap_or(i64::MAX);
    // Only the page of one route draws them.
    let with_bands = matches!(query.page, Page::Route { .. });
    let first = trend_start(window, step);
    if query.trend_len == 0 || window.is_empty() {
        return Vec::new();
    }
    let count = (window.to.0 - 1 - first).div_euclid(us) + 1;
    (0..count.min(10_000))
        .map(|idx| {
            let mut cell = Cell::default();
            let (low, high) = route.map_or((i64::MIN, i64::MAX), |route| (route, route));
            for (_, part) in cells.range((idx, low)..=(idx, high)) {
                cell.merge(part);
            }
            let start = Timestamp(first + idx * us);
            let millis = |share| cell.latency.quantile(share).map(|micros| micros / 1_000.0);
            TrendPoint {
                start,
                requests: cell.requests,
                finished: cell.completed + cell.failed,
                first_pass: cell.first_pass,
                attempted: cell.attempted,
                escalated: cell.escalated,
                fallback: cell.fallback,
                correctable: cell.correctable,
                corrected: cell.corrected,
                p50_ms: millis(0.5),
                p95_ms: millis(0.95),
                bands: if with_bands {
                    bands(&cell)
                } else {
                    Default::default()
                },
                is_closed: start.plus(step) <= query.now,
            }
        })
        .collect()
}

impl Reader {
    /// Returns where the rollups differ from the rows, in words; nothing when they agree.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn verify_rollups(&mut self) -> Result<Vec<String>, StoreError> {
        let mut differences = Vec::new();
        let rows_from = Watermarks::load(&self.connection)?.rows_from;
        for level in LEVELS {
            let whole_from = match (rows_from, level.unit_us) {
                (None, _) => Timestamp(i64::MIN),
                (Some(from), 86_400_000_000) => day_from(from),
                (Some(from), _) => hour_from(from),
            };
            let mut truth: BTreeMap<(i64, i64), Cell> = BTreeMap::new();
            self.rows_in(Window::ALL, &mut |_, stored| {
                let request = stored.effective();
                if request.ts < whole_from {
                    return;
                }
                let key = (request.ts.0.div_euclid(level.unit_us), route_of(&request));
                truth.entry(key).or_default().add(&request);
            })?;
            let mut kept = BTreeMap::new();
            let place = |ts: Timestamp, route| Some((ts.0.div_euclid(level.unit_us), route));
            scan(
                &self.connection,
                level,
                (whole_from.0.div_euclid(level.unit_us), i64::MAX),
                Depth::All,
                &mut kept,
                &place,
            )?;
            for key in truth.keys().chain(kept.keys()).collect::<BTreeSet<_>>() {
                if truth.get(key) != kept.get(key) {
                    differences.push(format!("{} {} of route {}", level.table, key.0, key.1));
                }
            }
        }
        Ok(differences)
    }
}

//! Sparklines, trend charts with a band, and bars. Columns are fixed buckets of time.

use crate::app::judge::{Metric, filling_len};
use crate::app::units;
use crate::model::{Micros, Timestamp};
use crate::stats::{Histogram, MarkerRow, RouteMetrics, RouteRow, TrendPoint};

use super::text::Row;
use super::theme::{Glyphs, Role};

/// A bucket with fewer events than this sets no scale.
const SCALE_MIN: u64 = 10;

/// Returns the value of one bucket: a share or milliseconds.
pub fn value(point: &TrendPoint, metric: Metric) -> Option<f64> {
    match metric.trend_rate(point) {
        Some(rate) => rate.share(),
        None if metric == Metric::P95 => point.p95_ms,
        None => None,
    }
}

/// Returns the top of one scale for all `rows`.
pub fn scale<'a>(rows: impl Iterator<Item = &'a RouteRow>, metric: Metric) -> f64 {
    rows.flat_map(|row| &row.trend)
        .filter(|point| point.requests >= SCALE_MIN)
        .filter_map(|point| value(point, metric))
        .fold(0.0, f64::max)
}

/// Draws the last `width` buckets as levels of `top`; a bucket without events is blank.
pub fn sparkline(
    trend: &[TrendPoint],
    metric: Metric,
    top: f64,
    width: usize,
    glyphs: Glyphs,
) -> Row {
    let mut row = Row::new();
    for point in trend.iter().skip(trend.len().saturating_sub(width)) {
        let glyph = value(point, metric).map_or(" ", |value| {
            let share = if top > 0.0 { value / top } else { 0.0 };
            let level = units::cells((share * 8.0).ceil(), 8).max(1);
            glyphs.levels.get(level - 1).copied().unwrap_or(" ")
        });
        row.push_own(glyph, Role::Plain);
    }
    row
}

/// What a trend chart shows.
#[derive(Debug, Clone, Copy)]
pub struct Trend<'a> {
    /// The route.
    pub row: &'a RouteRow,
    /// The metric.
    pub metric: Metric,
    /// Changes to mark on the axis.
    pub markers: &'a [MarkerRow],
    /// The length of a bucket.
    pub step: Micros,
}

impl Trend<'_> {
    /// Returns the line above the chart.
    pub fn legend(&self, glyphs: Glyphs) -> Row {
        let row = Row::new()
            .own(self.metric.heading(), Role::Title)
            .own(
                if self.metric == Metric::P95 {
                    "  o "
                } else {
                    " %  o "
                },
                Role::Plain,
            )
            .say(units::whole_span(self.step), Role::Plain);
        let row = if self.metric == Metric::P95 {
            row
        } else {
            row.own("  ", Role::Plain)
                .own(glyphs.band, Role::Plain)
                .own(" 95% band", Role::Plain)
        };
        row.own("  - - usual  ~ still filling", Role::Plain)
    }

    /// Draws the chart, axis and times included, in `width` by `height` cells.
    pub fn rows(&self, width: usize, height: usize, glyphs: Glyphs) -> Vec<Row> {
        let trend = &self.row.trend;
        let plot = width.saturating_sub(5);
        if trend.is_empty() || plot < 10 || height < 4 {
            return Vec::new();
        }
        let lines = height - 2;
        let wide = (plot / trend.len()).max(1);
        let points = trend
            .get(trend.len().saturating_sub(plot / wide)..)
            .unwrap_or(trend);
        let usual = self.usual();
        let top = self.top(points, usual);
        let filling = filling_len(trend, self.metric);
        let mut rows = Vec::new();
        for line in 0..lines {
            let cell = top / units::as_float(lines as u64);
            let high = top - cell * units::as_float(line as u64);
            let mut row = if line % 2 == 0 {
                Row::new().right(self.label(high), 4, Role::Dim)
            } else {
                Row::new().pad_to(4)
            };
            row.push_own("|", Role::Plain);
            for (idx, point) in points.iter().enumerate() {
                let is_filling = idx + filling >= points.len();
                self.bucket(
                    &mut row,
                    point,
                    (high - cell, high),
                    usual,
                    (wide, is_filling),
                    glyphs,
                );
            }
            rows.push(row);
        }
        rows.extend(self.axis(points, wide));
        rows
    }

    fn usual(&self) -> Option<f64> {
        let usual: &RouteMetrics = self.row.usual.as_ref()?;
        match self.metric.rate(usual) {
            Some(rate) => rate.is_shown().then(|| rate.share())?,
            None => usual.latency.p95,
        }
    }

    /// The largest value, with headroom, so that wide intervals of small buckets do not flatten it.
    fn top(&self, points: &[TrendPoint], usual: Option<f64>) -> f64 {
        let most = points
            .iter()
            .filter_map(|p| value(p, self.metric))
            .fold(0.0, f64::max);
        let top = most.max(usual.unwrap_or(0.0)) * 1.3;
        if self.metric == Metric::P95 {
            top.max(1.0)
        } else {
            top.clamp(0.01, 1.0)
        }
    }

    fn label(&self, value: f64) -> String {
        if self.metric == Metric::P95 {
            units::millis(value)
        } else if value < 0.1 {
            format!("{:.1}", value * 100.0)
        } else {
            format!("{:.0}", value * 100.0)
        }
    }

    fn bucket(
        &self,
        row: &mut Row,
        point: &TrendPoint,
        (low, high): (f64, f64),
        usual: Option<f64>,
        (wide, is_filling): (usize, bool),
        glyphs: Glyphs,
    ) {
        let holds = |value: f64| (value > low && value <= high) || (value <= 0.0 && low <= 0.0);
        let middle = low.midpoint(high);
        let interval = self
            .metric
            .trend_rate(point)
            .and_then(crate::stats::Rate::interval);
        let is_band = interval.is_some_and(|band| band.low <= middle && middle <= band.high);
        let is_point = value(point, self.metric).is_some_and(holds);
        let is_usual = usual.is_some_and(holds);
        for column in 0..wide {
            if is_point && column == wide / 2 {
                row.push_own(if is_filling { "~" } else { "o" }, Role::Title);
            } else if is_usual && column % 2 == 0 {
                row.push_own("-", Role::Plain);
            } else if is_band {
                row.push_own(glyphs.band, Role::Dim);
            } else {
                row.push_own(" ", Role::Plain);
            }
        }
    }

    fn axis(&self, points: &[TrendPoint], wide: usize) -> Vec<Row> {
        let columns = points.len() * wide;
        let place = |ts: Timestamp| {
            let at = points.iter().rposition(|point| point.start <= ts)?;
            (ts < points.last()?.start.plus(self.step)).then_some(at * wide)
        };
        let mut marks: Vec<(usize, &MarkerRow)> = self
            .markers
            .iter()
            .filter(|marker| {
                marker
                    .route
                    .as_ref()
                    .is_none_or(|route| *route == self.row.route)
            })
            .filter_map(|marker| Some((place(marker.ts)?, marker)))
            .collect();
        marks.sort_by_key(|mark| mark.0);
        let mut axis = Row::new().own("    +", Role::Plain);
        for column in 0..columns {
            let is_mark = marks.iter().any(|mark| mark.0 == column);
            axis.push_own(
                if is_mark { "^" } else { "-" },
                if is_mark { Role::Title } else { Role::Plain },
            );
        }
        let first = points.first().map(|p| p.start).unwrap_or_default();
        let end = points
            .last()
            .map(|p| p.start.plus(self.step))
            .unwrap_or_default();
        let is_long = end.since(first) > Micros::DAY;
        let time = |ts: Timestamp| {
            if is_long {
                units::day_clock(ts).get(5..16).unwrap_or("").to_owned()
            } else {
                units::minute(ts)
            }
        };
        let mut times = Row::new().pad_to(5).say(time(first), Role::Plain);
        let last = time(end);
        let last_at = (5 + columns).saturating_sub(last.len());
        for (column, marker) in marks {
            let text =
                crate::model::sanitise(&format!("{} {}", marker.label, units::minute(marker.ts)))
                    .cut(24);
            let start = (5 + column).saturating_sub(text.width() / 2);
            if start > times.width() && start + text.width() < last_at {
                times = times.pad_to(start).shown(text, Role::Title);
            }
        }
        if last_at > times.width() {
            times = times.pad_to(last_at).say(last, Role::Plain);
        }
        vec![axis, times]
    }
}

/// The borders of the latency bars in milliseconds, with their labels.
const BINS: [(f64, &str); 7] = [
    (250.0, "<0.25s"),
    (500.0, "0.5s"),
    (1_000.0, "1s"),
    (2_000.0, "2s"),
    (4_000.0, "4s"),
    (8_000.0, "8s"),
    (f64::INFINITY, ">8s"),
];

/// Draws how many answers of each step took how long, now at the right: ` .:*#` from none to half and more.
pub fn heatmap(trend: &[TrendPoint], width: usize) -> Vec<Row> {
    const LEVELS: [&str; 5] = [" ", ".", ":", "*", "#"];
    let room = width.saturating_sub(8).max(1);
    let skipped = trend.len().saturating_sub(room);
    let shown = trend.get(skipped..).unwrap_or_default();
    let each = (room / shown.len().max(1)).clamp(1, 6);
    let mut rows = vec![
        Row::new()
            .own("LATENCY OVER TIME", Role::Title)
            .own("  few . : * # many", Role::Dim),
    ];
    for (band, (_, label)) in BINS.iter().enumerate().rev() {
        let mut row = Row::new().own(label, Role::Plain).pad_to(8);
        for point in shown {
            let all: u64 = point.bands.iter().sum();
            let of = point.bands.get(band).copied().unwrap_or(0);
            let share = units::as_float(of) / units::as_float(all.max(1));
            let level = match share {
                share if share <= 0.0 => 0,
                share if share < 0.05 => 1,
                share if share < 0.2 => 2,
                share if share < 0.5 => 3,
                _ => 4,
            };
            for _ in 0..each {
                row.push_own(LEVELS.get(level).copied().unwrap_or(" "), Role::Plain);
            }
        }
        rows.push(row);
    }
    rows
}

/// Draws latency now (`#`) against the usual (`|`) in bars of at most `width` cells; a label is the
/// upper border of its bar.
pub fn latency_bars(now: &Histogram, usual: &Histogram, width: usize) -> Vec<Row> {
    let now = shares(now);
    let usual = (usual.count() > 0).then(|| shares(usual));
    let most = now
        .iter()
        .chain(usual.iter().flatten())
        .copied()
        .fold(0.0, f64::max)
        .max(0.01);
    let bar = width.saturating_sub(16).max(4);
    let len = |share: f64| units::cells(share / most * units::as_float(bar as u64 - 1), bar - 1);
    BINS.iter()
        .zip(now)
        .enumerate()
        .map(|(idx, ((_, label), share))| {
            let tick = usual
                .as_ref()
                .and_then(|usual| usual.get(idx))
                .map(|share| len(*share));
            let mut row = Row::new().own(label, Role::Plain).pad_to(8);
            for column in 0..bar {
                let glyph = match (tick == Some(column), column < len(share)) {
                    (true, _) => "|",
                    (false, true) => "#",
                    (false, false) => " ",
                };
                row.push_own(glyph, Role::Plain);
            }
            row.right(format!("{}%", units::percent(share)), 7, Role::Plain)
        })
        .collect()
}

fn shares(histogram: &Histogram) -> Vec<f64> {
    let total = units::as_float(histogram.count().max(1));
    let mut before = 0;
    BINS.iter()
        .map(|(border, _)| {
            let up_to = Micros::try_from_millis(*border)
                .map_or(histogram.count(), |border| histogram.count_up_to(border));
            let share = units::as_float(up_to.saturating_sub(before)) / total;
            before = up_to;
            share
        })
        .collect()
}

//! One route: numbers with intervals, trend, latency, reasons, models, paths.

use crate::app::judge::{Judged, Metric};
use crate::app::view::work;
use crate::app::{App, units};
use crate::model::NanoUsd;
use crate::stats::{Rate, RouteMetrics, RouteRow, Snapshot};
use crate::ui::chart::{self, Trend};
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

use super::figures::{rate_text, role_of};

/// Draws the page below the header.
pub fn draw(app: &App, snapshot: &Snapshot, canvas: &mut Canvas<'_>) {
    let name = app.route.as_deref().unwrap_or_default();
    let Some(row) = snapshot.routes.iter().find(|row| &*row.route == name) else {
        canvas.line(
            2,
            &Row::new().own(" no requests of this route in this window", Role::Plain),
        );
        return;
    };
    let judged = Judged::new(row);
    let (width, height) = (canvas.width(), canvas.height());
    let metric = app.shown_metric();
    let glyphs = canvas.theme.glyphs;
    let mut rows = numbers(&judged, width);
    if width < 80 || height < 16 {
        let top = chart::scale(std::iter::once(row), metric);
        rows.push(
            Row::new()
                .left(metric.word(), 12, Role::Title)
                .then(chart::sparkline(
                    &row.trend,
                    metric,
                    top,
                    width.saturating_sub(12),
                    glyphs,
                )),
        );
    } else {
        let trend = Trend {
            row,
            metric,
            markers: &snapshot.markers,
            step: snapshot.trend_step,
        };
        rows.push(Row::new());
        rows.push(Row::new().own(" ", Role::Plain).then(trend.legend(glyphs)));
        rows.extend(trend.rows(width.min(130), (height / 3).clamp(7, 16), glyphs));
        rows.push(Row::new());
    }
    rows.extend(spread(app, row, width));
    rows.push(Row::new());
    rows.extend(hidden(row));
    rows.extend(models(row));
    rows.extend(paths(row));
    let first = app.scroll.min(rows.len().saturating_sub(height - 2));
    for (idx, line) in rows.iter().skip(first).take(height - 2).enumerate() {
        canvas.line(idx + 1, line);
    }
}

/// Latency beside the reasons of escalations, or above them where there is no room.
fn spread(app: &App, row: &RouteRow, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let bars_width = if width < 120 { 38 } else { 58 };
    let bars = latency(app.is_heatmap, row, bars_width);
    let reasons = reasons(row, 7, 40);
    if width >= 80 {
        // A wide screen has room for the histogram and the heatmap.
        let beside = match width.checked_sub(bars_width + 50) {
            Some(room) if room >= 50 => latency(!app.is_heatmap, row, room.min(70)),
            _ => Vec::new(),
        };
        for idx in 0..bars.len().max(reasons.len()).max(beside.len()) {
            let left = bars.get(idx).cloned().unwrap_or_default();
            let right = reasons.get(idx).cloned().unwrap_or_default();
            let line = Row::new()
                .own(" ", Role::Plain)
                .then(left)
                .pad_to(bars_width + 3)
                .then(right);
            rows.push(match beside.get(idx) {
                Some(third) => line.pad_to(bars_width + 49).then(third.clone()),
                None => line,
            });
        }
    } else {
        rows.extend(reasons);
        rows.extend(bars);
    }
    rows
}

/// The histogram, or the heatmap in its place.
fn latency(is_heatmap: bool, row: &RouteRow, width: usize) -> Vec<Row> {
    if is_heatmap {
        return chart::heatmap(&row.trend, width);
    }
    let mut bars = vec![Row::new().own("LATENCY   # now  | usual", Role::Title)];
    bars.extend(chart::latency_bars(&row.latency, &row.usual_latency, width));
    bars
}

/// What the rates hide, a sentence each.
fn hidden(row: &RouteRow) -> Vec<Row> {
    let sentences = row.now.work.iter().flat_map(work::sentences);
    sentences
        .map(|text| Row::new().own(" ", Role::Plain).say(text, Role::Plain))
        .collect()
}

fn numbers(judged: &Judged<'_>, width: usize) -> Vec<Row> {
    let row = judged.row;
    let metrics = [
        Metric::Correction,
        Metric::Escalation,
        Metric::FirstPass,
        Metric::Failure,
    ];
    let mut rows = Vec::new();
    for metric in metrics {
        rows.push(number(judged, metric, width));
        rows.extend(still_open(&row.now, metric));
    }
    let usual = row.usual.as_ref();
    let ms = |value: Option<f64>| value.map_or_else(|| "--".to_owned(), units::millis);
    let p95 = judged.of(Metric::P95);
    rows.push(
        Row::new()
            .own(p95.severity.mark(), role_of(p95.severity))
            .say(
                format!(
                    " p95 {}  p50 {}  usual p95 {}  n={}  {}",
                    ms(row.now.latency.p95.filter(|_| row.now.latency.count >= 60)),
                    ms(row.now.latency.p50),
                    ms(usual.and_then(|u| u.latency.p95)),
                    row.now.latency.count,
                    p95.change.text()
                ),
                Role::Plain,
            ),
    );
    let usd = |of: Option<&RouteMetrics>| {
        of.map_or_else(
            || "--".to_owned(),
            |of| units::cost(of.cost_per_completed_usd, of.is_cost_estimated()),
        )
    };
    let margin = row
        .now
        .cost_per_completed_margin_usd
        .map(|m| format!(" +-{}", units::usd(m)))
        .unwrap_or_default();
    let cost = judged.of(Metric::Cost);
    rows.push(
        Row::new()
            .own(cost.severity.mark(), role_of(cost.severity))
            .say(
                format!(
                    " cost {}{margin} a completed request, usual {}  {}",
                    usd(Some(&row.now)),
                    usd(usual),
                    cost.change.text()
                ),
                Role::Plain,
            ),
    );
    if width >= 80 {
        let now = &row.now;
        rows.push(Row::new().say(
            format!(
                "   {} requests  {} completed  {} failed  {} cancelled  {} open  {} lost",
                now.requests, now.completed, now.failed, now.cancelled, now.open, now.lost
            ),
            Role::Plain,
        ));
    }
    rows
}

/// Returns what a rate may still become, where not all that counts for it is known.
fn still_open(now: &RouteMetrics, metric: Metric) -> Option<Row> {
    let text = match metric {
        Metric::Correction => {
            let nowcast = now.unsettled()?;
            let interval = nowcast.interval()?;
            format!(
                "   ~ about {} when all have come (95% {} to {})",
                units::percent(nowcast.share()?),
                units::percent(interval.low),
                units::percent(interval.high)
            )
        }
        Metric::FirstPass => {
            let bracket = now.first_pass_bracket()?;
            format!(
                "   ~ {} to {}, whatever becomes of open and lost",
                units::percent(bracket.low),
                units::percent(bracket.high)
            )
        }
        _ => return None,
    };
    Some(Row::new().say(text, Role::Dim))
}

fn number(judged: &Judged<'_>, metric: Metric, width: usize) -> Row {
    let now = &judged.row.now;
    let rate = metric.rate(now).unwrap_or_default();
    let is_not_logged = metric == Metric::Correction && now.completed > 0;
    let judgement = judged.of(metric);
    let row = Row::new()
        .own(judgement.severity.mark(), role_of(judgement.severity))
        .own(" ", Role::Plain)
        .left(metric.word(), if width < 80 { 11 } else { 18 }, Role::Plain);
    let bound = if metric == Metric::FirstPass && now.first_pass_is_upper_bound {
        "<="
    } else {
        ""
    };
    let row = row.right(
        format!("{bound}{}", rate_text(rate, is_not_logged)),
        7,
        role_of(judgement.severity),
    );
    if rate.denominator == 0 {
        return row.own(
            if is_not_logged {
                "  not logged by its source"
            } else {
                ""
            },
            Role::Plain,
        );
    }
    if !rate.is_shown() {
        return row.say(format!(" n={}, need 30", rate.denominator), Role::Plain);
    }
    let range = rate
        .interval()
        .map(|i| format!("% [{} {}]", units::percent(i.low), units::percent(i.high)))
        .unwrap_or_default();
    let usual = judged
        .row
        .usual
        .as_ref()
        .and_then(|usual| metric.rate(usual))
        .filter(|rate| rate.is_shown())
        .and_then(Rate::share);
    let usual = usual
        .map(|share| format!(" usual {}", units::percent(share)))
        .unwrap_or_default();
    row.say(
        format!(
            "{range}{usual} {} n={}",
            judgement.change.text(),
            rate.denominator
        ),
        Role::Plain,
    )
}

/// Returns the table of escalation reasons: share of attempted requests now and usually.
pub fn reasons(row: &RouteRow, len: usize, width: usize) -> Vec<Row> {
    let name = width.saturating_sub(22);
    let head = Row::new()
        .left("WHY ESCALATED", name, Role::Title)
        .right("now", 7, Role::Title)
        .right("usual", 7, Role::Title);
    let mut rows = vec![head];
    let usual = row.usual.as_ref();
    for (reason, count) in row.now.escalation_reasons.iter().take(len) {
        let now = Rate::new(*count, row.now.escalation.denominator)
            .share()
            .unwrap_or(0.0);
        let before = usual.and_then(|usual| {
            let count = usual
                .escalation_reasons
                .iter()
                .find(|r| r.0 == *reason)
                .map_or(0, |r| r.1);
            Rate::new(count, usual.escalation.denominator).share()
        });
        let text = before.map_or_else(
            || "--".to_owned(),
            |before| format!("{}%", units::percent(before)),
        );
        let times = before
            .filter(|b| *b > 0.0)
            .map(|b| now / b)
            .filter(|r| !(0.67..1.5).contains(r));
        let times = times
            .map(|r| format!(" {}{}x", if r > 1.0 { "^" } else { "v" }, units::ratio(r)))
            .unwrap_or_default();
        rows.push(
            Row::new()
                .left(reason, name, Role::Plain)
                .right(format!("{}%", units::percent(now)), 7, Role::Plain)
                .right(text, 7, Role::Plain)
                .say(times, Role::Plain),
        );
    }
    if row.now.escalation_reasons.is_empty() {
        rows.push(Row::new().own("no escalations in this window", Role::Plain));
    }
    rows
}

fn models(row: &RouteRow) -> Vec<Row> {
    let mut rows = vec![
        Row::new()
            .left(" MODEL", 30, Role::Title)
            .right("ASKED FIRST", 12, Role::Title)
            .right("CALLS", 8, Role::Title)
            .right("COST", 10, Role::Title),
    ];
    rows.extend(row.now.models.iter().map(|(name, used)| {
        let cost = units::cost(used.cost.map(NanoUsd::as_usd), row.now.is_cost_estimated());
        Row::new()
            .own(" ", Role::Plain)
            .left(name, 29, Role::Plain)
            .right(units::count(used.requests), 12, Role::Plain)
            .right(units::count(used.attempts), 8, Role::Plain)
            .right(cost, 10, Role::Plain)
    }));
    rows
}

fn paths(row: &RouteRow) -> Vec<Row> {
    row.now
        .escalation_paths
        .iter()
        .take(10)
        .map(|path| {
            Row::new()
                .own(" ", Role::Plain)
                .left(&path.from, 24, Role::Plain)
                .own(" -> ", Role::Plain)
                .left(&path.to, 24, Role::Plain)
                .right(units::count(path.requests), 8, Role::Plain)
        })
        .collect()
}

//! All routes, trouble first, with the worst finding as a sentence and the latest decisions.

use super::figures::{rate_text, role_of};
use crate::app::judge::{self, Judged, Metric, P95_SHOWN_MIN, Severity};
use crate::app::view::{alarms, policies};
use crate::app::{App, Change, units};
use crate::stats::alarms::{Alarm, AlarmSurvey};
use crate::stats::{DecisionRow, DriftRow, Rate, RouteRow, Snapshot};
use crate::ui::chart::{self, Trend};
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the page below the header.
#[expect(clippy::too_many_lines, reason = "straight-line layout of one page")]
pub fn draw(app: &App, snapshot: &Snapshot, canvas: &mut Canvas<'_>) {
    let routes = judge::ranked(snapshot, app.sort);
    let (width, height) = (canvas.width(), canvas.height());
    let is_small = width < 80 || height < 16;
    let (headline, drift) = (
        headline(snapshot, &routes, width),
        drift_mark(snapshot, width),
    );
    // Where both do not fit, the line below is free.
    if headline.width() + drift.width() <= width {
        canvas.line(1, &headline.then(drift));
    } else {
        canvas.line(1, &headline);
        if !is_small {
            canvas.line(2, &drift);
        }
    }
    let has_preview = width >= 160 && height >= 30;
    let list_width = if has_preview { 112 } else { width };
    let metric = app.shown_metric();
    let top = chart::scale(routes.iter().map(|judged| judged.row), metric);
    let head = if is_small { 2 } else { 3 };
    canvas.put(0, head, list_width, &heading(metric, list_width));
    let live_len = if is_small { 0 } else { (height / 4).min(12) };
    let room = height
        .saturating_sub(head + 2 + if is_small { 0 } else { live_len + 4 })
        .max(1);
    let selected = routes
        .iter()
        .position(|judged| Some(&*judged.row.route) == app.selected_route.as_deref())
        .unwrap_or(0);
    let first = selected / room * room;
    let mut y = head + 1;
    for (idx, judged) in routes.iter().enumerate().skip(first).take(room) {
        let row = route_row(
            snapshot,
            judged,
            (metric, top),
            list_width,
            canvas.theme.glyphs,
        );
        if idx == selected {
            canvas.put(0, y, 1, &Row::new().own(">", Role::Title));
        }
        canvas.put(1, y, list_width - 1, &row);
        if idx == selected {
            canvas.select(0, y, 20.min(list_width));
        }
        y += 1;
    }
    if routes.is_empty() {
        canvas.line(
            y,
            &Row::new().own(
                "    no requests in this window; t takes a wider one",
                Role::Plain,
            ),
        );
        y += 1;
    }
    if is_small {
        return;
    }
    let hidden = routes.len().saturating_sub(room);
    if hidden > 0 {
        canvas.put(
            4,
            y,
            list_width,
            &Row::new().say(
                format!(
                    "{} to {} of {} routes",
                    first + 1,
                    (first + room).min(routes.len()),
                    routes.len()
                ),
                Role::Dim,
            ),
        );
    }
    let all = Judged::new(&snapshot.total);
    canvas.put(
        1,
        y + 1,
        list_width - 1,
        &route_row(
            snapshot,
            &all,
            (metric, top),
            list_width,
            canvas.theme.glyphs,
        ),
    );
    draw_live(
        &snapshot.decisions,
        canvas,
        height - 2 - live_len,
        live_len,
        list_width,
    );
    if let Some(judged) = routes.get(selected).filter(|_| has_preview) {
        preview(judged.row, snapshot, metric, canvas, list_width + 2);
    }
}

/// Marks the route that does least what its policy says, where one clearly does not.
fn drift_mark(snapshot: &Snapshot, width: usize) -> Row {
    let marked = snapshot.drift.iter().flat_map(|survey| &survey.routes);
    let worst = marked
        .filter(|row| policies::is_marked(&row.counts))
        .max_by(|a, b| {
            let share = |row: &DriftRow| row.counts.rate().share().unwrap_or_default();
            share(a).total_cmp(&share(b))
        });
    let Some(worst) = worst.filter(|_| width >= 80) else {
        return Row::new();
    };
    let share = worst.counts.rate().share().map(units::percent);
    Row::new()
        .own("   ! drift ", Role::Watch)
        .shown(crate::model::sanitise(&worst.route).cut(16), Role::Plain)
        .say(format!(" {}%", share.unwrap_or_default()), Role::Watch)
}

/// Returns the worst alarm in words, and how many others fire.
fn alarmed(survey: &AlarmSurvey, alarm: &Alarm, width: usize) -> Row {
    let severity = Severity::of_alarm(alarm);
    let name = crate::model::sanitise(&alarm.route).cut(if width < 120 { 16 } else { 40 });
    let told = if width < 80 {
        alarms::short(alarm)
    } else {
        alarms::sentence(alarm, &|at| format!("{}Z", units::minute(at)))
    };
    let row = Row::new()
        .own(severity.mark(), role_of(severity))
        .own(" ", Role::Plain)
        .shown(name, Role::Title)
        .own(": ", Role::Plain)
        .say(told, Role::Plain);
    let more = survey.alarms.len() - 1;
    if more == 0 || width < 100 {
        return row;
    }
    row.say(format!("  (+{more} more)"), Role::Dim)
}

/// Returns the worst finding in words: an alarm, or what is clearly worse than usual.
pub fn headline(snapshot: &Snapshot, routes: &[Judged<'_>], width: usize) -> Row {
    if let Some(survey) = &snapshot.alarms
        && let Some(alarm) = survey.alarms.first()
    {
        return alarmed(survey, alarm, width);
    }
    if snapshot.baseline.is_none() {
        return Row::new().own(
            "   no baseline yet: rates are shown, not judged",
            Role::Plain,
        );
    }
    let found = routes
        .iter()
        .filter_map(|judged| Some((judged, judged.worst()?)))
        .max_by(|a, b| {
            (a.1.severity, a.1.badness)
                .partial_cmp(&(b.1.severity, b.1.badness))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
    let Some((judged, worst)) = found else {
        return Row::new().own("   no route is clearly worse than usual", Role::Plain);
    };
    let row = Row::new()
        .own(worst.severity.mark(), role_of(worst.severity))
        .own(" ", Role::Plain);
    let name = crate::model::sanitise(&judged.row.route).cut(if width < 120 { 16 } else { 40 });
    row.shown(name, Role::Title)
        .own(": ", Role::Plain)
        .say(sentence(judged.row, worst.metric, width), Role::Plain)
}

/// Returns `corrections 4.1% -> 8.9% since 02:41 (n=1204, 95% 7.4 to 10.6)`.
pub fn sentence(row: &RouteRow, metric: Metric, width: usize) -> String {
    let Some(usual) = &row.usual else {
        return String::new();
    };
    let since = judge::since(row, metric)
        .map(|ts| format!(" since {}Z", units::minute(ts)))
        .unwrap_or_default();
    if let (Some(now), Some(before)) = (metric.rate(&row.now), metric.rate(usual)) {
        let percent = |share: Option<f64>| share.map_or_else(|| "--".to_owned(), units::percent);
        let range = now
            .interval()
            .map(|i| format!("{} to {}", units::percent(i.low), units::percent(i.high)))
            .unwrap_or_default();
        let change = format!(
            "{} {}% -> {}%",
            metric.word(),
            percent(before.share()),
            percent(now.share())
        );
        if width < 80 {
            let word = match metric {
                Metric::Correction => "corr",
                Metric::Escalation => "escal",
                Metric::FirstPass => "first",
                _ => "fail",
            };
            return format!(
                "{word} {}>{}%",
                percent(before.share()),
                percent(now.share())
            );
        }
        return format!("{change}{since} (n={}, 95% {range})", now.denominator);
    }
    if metric == Metric::P95 {
        let text = |value: Option<f64>| value.map_or_else(|| "--".to_owned(), units::millis);
        return format!(
            "p95 {} -> {} (n={})",
            text(usual.latency.p95),
            text(row.now.latency.p95),
            row.latency.count()
        );
    }
    let text = |value: Option<f64>| value.map_or_else(|| "--".to_owned(), units::usd);
    let margin = text(row.now.cost_per_completed_margin_usd);
    format!(
        "cost per completed {} -> {} (+-{margin}, n={})",
        units::cost(usual.cost_per_completed_usd, usual.is_cost_estimated()),
        units::cost(row.now.cost_per_completed_usd, row.now.is_cost_estimated()),
        row.now.cost_known
    )
}

fn heading(metric: Metric, width: usize) -> Row {
    if width < 80 {
        return Row::new()
            .own("    ROUTE", Role::Title)
            .pad_to(20)
            .right("ESC%", 5, Role::Title)
            .right("CORR%", 7, Role::Title);
    }
    let row = Row::new()
        .own("    ROUTE", Role::Title)
        .pad_to(22)
        .right("REQ/s", 6, Role::Title);
    let row = row
        .right("ESC%", 7, Role::Title)
        .pad_to(42)
        .right("CORR%", 6, Role::Title)
        .pad_to(55);
    let row = if width >= 100 {
        row.right("FIRST%", 7, Role::Title)
            .pad_to(69)
            .right("COST", 8, Role::Title)
    } else {
        row
    };
    row.right("p95", 7, Role::Title)
        .own("  ", Role::Plain)
        .own(metric.heading(), Role::Title)
}

fn rate_cell(row: Row, judged: &Judged<'_>, metric: Metric, widths: (usize, usize)) -> Row {
    let now = &judged.row.now;
    let rate = metric.rate(now).unwrap_or_default();
    let is_not_logged = metric == Metric::Correction && now.completed > 0;
    let judgement = judged.of(metric);
    let role = role_of(judgement.severity);
    let bound = if metric == Metric::FirstPass && now.first_pass_is_upper_bound && rate.is_shown() {
        "<="
    } else {
        ""
    };
    let change = if rate.is_shown() {
        judgement.change.text()
    } else if rate.denominator > 0 {
        format!("n={}", rate.denominator)
    } else {
        String::new()
    };
    row.right(
        format!("{bound}{}", rate_text(rate, is_not_logged)),
        widths.0,
        role,
    )
    .own(" ", Role::Plain)
    .left(change, widths.1, role)
}

fn route_row(
    snapshot: &Snapshot,
    judged: &Judged<'_>,
    (metric, top): (Metric, f64),
    width: usize,
    glyphs: crate::ui::Glyphs,
) -> Row {
    let now = &judged.row.now;
    let mark = Row::new()
        .own(judged.severity.mark(), role_of(judged.severity))
        .own(" ", Role::Plain);
    if width < 80 {
        let row = mark.left(&judged.row.route, 15, Role::Plain);
        let row = row.right(
            rate_text(now.escalation, false),
            6,
            role_of(judged.of(Metric::Escalation).severity),
        );
        return rate_cell(row, judged, Metric::Correction, (6, 6));
    }
    let seconds = snapshot.window.len().as_seconds().max(1.0);
    let per_second = units::per_second(units::as_float(now.requests) / seconds);
    let row = mark
        .left(&judged.row.route, 18, Role::Plain)
        .right(per_second, 6, Role::Plain)
        .own(" ", Role::Plain);
    let row = rate_cell(row, judged, Metric::Escalation, (6, 6)).own(" ", Role::Plain);
    let mut row = rate_cell(row, judged, Metric::Correction, (6, 6));
    if width >= 100 {
        row = rate_cell(row, judged, Metric::FirstPass, (7, 6));
        let cost = units::cost(now.cost_per_completed_usd, now.is_cost_estimated());
        row = row.right(cost, 8, role_of(judged.of(Metric::Cost).severity));
    }
    let p95 = now
        .latency
        .p95
        .filter(|_| now.latency.count >= P95_SHOWN_MIN);
    let p95 = p95.map_or_else(|| "--".to_owned(), units::millis);
    let p95_judged = judged.of(Metric::P95);
    let is_marked =
        p95_judged.severity >= Severity::Watch && matches!(p95_judged.change, Change::Up(_));
    let p95 = if is_marked { format!("!{p95}") } else { p95 };
    let row = row
        .right(p95, 7, role_of(p95_judged.severity))
        .own("  ", Role::Plain);
    if now.requests < Rate::SHOWN_MIN {
        return row.say(format!("n={}, need 30", now.requests), Role::Dim);
    }
    let room = width.saturating_sub(row.width() + 1);
    row.then(chart::sparkline(
        &judged.row.trend,
        metric,
        top,
        room,
        glyphs,
    ))
}

fn draw_live(rows: &[DecisionRow], canvas: &mut Canvas<'_>, y: usize, len: usize, width: usize) {
    canvas.put(
        0,
        y - 1,
        width,
        &Row::new().own(" LATEST DECISIONS", Role::Title),
    );
    for (idx, row) in rows.iter().take(len).enumerate() {
        let line = Row::new()
            .own(" ", Role::Plain)
            .say(units::clock_millis(row.ts), Role::Plain)
            .own(" ", Role::Plain);
        let line = line.left(&row.route, 16, Role::Plain).own(" ", Role::Plain);
        canvas.put(
            0,
            y + idx,
            width,
            &super::decisions::facts(line, row, width),
        );
    }
}

fn preview(row: &RouteRow, snapshot: &Snapshot, metric: Metric, canvas: &mut Canvas<'_>, x: usize) {
    let width = canvas.width().saturating_sub(x);
    let glyphs = canvas.theme.glyphs;
    let trend = Trend {
        row,
        metric,
        markers: &snapshot.markers,
        step: snapshot.trend_step,
    };
    let mut rows = vec![
        Row::new()
            .own("PREVIEW  ", Role::Title)
            .say(&row.route, Role::Title),
        trend.legend(glyphs),
    ];
    rows.extend(trend.rows(width, 14, glyphs));
    rows.push(Row::new());
    rows.push(Row::new().own("LATENCY  # now  | usual", Role::Title));
    rows.extend(chart::latency_bars(
        &row.latency,
        &row.usual_latency,
        width.min(70),
    ));
    rows.push(Row::new());
    rows.extend(super::route::reasons(row, 8, 40));
    for (idx, line) in rows
        .iter()
        .take(canvas.height().saturating_sub(6))
        .enumerate()
    {
        canvas.put(x, idx + 3, width, line);
    }
}

//! One decision: what was recorded, the chain, how it compares, what came of it.

use crate::app::view::decision;
use crate::app::view::judgement::{self, Others};
use crate::app::view::policies::drift_in_words;
use crate::app::{App, units};
use crate::model::{Micros, NanoUsd, Timestamp};
use crate::stats::{Explanation, Snapshot};
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the page below the header.
pub fn draw(app: &App, snapshot: &Snapshot, now: Timestamp, canvas: &mut Canvas<'_>) {
    let asked = app.explained.as_deref().unwrap_or_default();
    let Some(found) = snapshot
        .explanation
        .as_ref()
        .filter(|found| found.id.starts_with(asked))
    else {
        let text = if snapshot.ambiguous.is_empty() {
            " looking this decision up, or it is not stored".to_owned()
        } else {
            format!(" several ids fit: {}", snapshot.ambiguous.join(" "))
        };
        canvas.line(2, &Row::new().say(text, Role::Plain));
        return;
    };
    let rows = page(app, snapshot, found, now);
    let room = canvas.height().saturating_sub(2);
    let first = app.scroll.min(rows.len().saturating_sub(room));
    for (idx, row) in rows.iter().skip(first).take(room).enumerate() {
        canvas.line(idx + 1, row);
    }
}

fn line(text: impl AsRef<str>) -> Row {
    Row::new().own(" ", Role::Plain).say(text, Role::Plain)
}

fn title(text: &'static str) -> Row {
    Row::new().own(" ", Role::Plain).own(text, Role::Title)
}

fn page(app: &App, snapshot: &Snapshot, found: &Explanation, now: Timestamp) -> Vec<Row> {
    let width = usize::from(app.settings.size.0);
    let mut rows = vec![line(heading(found, now, width))];
    let mut asked = asked(found, width);
    asked.push(Row::new());
    // The verdict and what happened come first on a small screen; what was asked is then a scroll away.
    let is_small = width < 60;
    if !is_small {
        rows.append(&mut asked);
    }
    rows.extend(policy(found, width));
    rows.extend(chain(found, width));
    rows.push(Row::new());
    let direct = decision::direct_in_words(found).map(|text| ("direct", text));
    let told = direct.into_iter().chain([
        ("normal", decision::normal_in_words(found)),
        ("outcome", decision::consequence_in_words(found, now)),
    ]);
    let drift = drift(snapshot, found).map(|text| ("", text));
    for (label, text) in told.chain(drift) {
        rows.extend(labelled(label, &text, Role::Plain, width));
    }
    rows.push(Row::new());
    rows.append(&mut asked);
    rows.extend(recorded(app, found));
    rows.extend(remarks(found));
    rows
}

/// The route, and when: what a narrow screen has no room for stands below.
fn heading(found: &Explanation, now: Timestamp, width: usize) -> String {
    let route = found.route.as_ref().map_or("(unknown)", |route| route);
    if width < 60 {
        let end = format!(" {} {}", found.state, units::clock(found.ts));
        let room = width.saturating_sub(end.len() + 1);
        return format!("{}{end}", crate::model::sanitise(route).cut(room));
    }
    let session = decision::session_in_words(found);
    let session = session.map_or_else(String::new, |session| format!("   {session}"));
    format!(
        "{route}   {}   {} ({} ago){session}",
        found.state,
        units::day_clock(found.ts),
        units::age(now.since(found.ts)),
    )
}

/// What the request was, as far as the log says.
fn asked(found: &Explanation, width: usize) -> Vec<Row> {
    let words: Vec<String> = decision::asked(found)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut rows = wrapped("asked: ", &words, width);
    if !found.attrs.is_empty() {
        let attrs: Vec<String> = found
            .attrs
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        rows.extend(wrapped("attributes: ", &attrs, width));
    }
    rows
}

/// What the log says of the decision, in its own terms.
fn recorded(app: &App, found: &Explanation) -> Vec<Row> {
    let text = |value: &Option<std::sync::Arc<str>>| {
        value
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string)
    };
    let mut rows = vec![
        title("RECORDED"),
        line(format!(
            "  rule {}   tier {}   model {}",
            text(&found.rule),
            text(&found.tier),
            text(&found.model)
        )),
        line(format!(
            "  policy {}   reason {}",
            text(&found.policy),
            text(&found.reason)
        )),
    ];
    if let Some(recorded) = &found.recorded {
        rows.extend(
            (app.settings.recorded_in_words)(found.format, recorded)
                .iter()
                .map(|text| line(format!("  {text}"))),
        );
    }
    if let Some(chance) = found.propensity {
        let text = format!("  chance of this tier {}%", units::percent(chance));
        rows.push(line(text));
    }
    for (model, score, why) in &found.candidates {
        let score = score.map_or_else(|| "--".to_owned(), |score| format!("{score:.3}"));
        rows.push(line(format!(
            "  candidate {model}  score {score}  {}",
            why.as_deref().unwrap_or("taken or not said")
        )));
    }
    rows
}

/// What is odd about the record, and where it stands.
fn remarks(found: &Explanation) -> Vec<Row> {
    let mut rows: Vec<Row> = found
        .conflicts
        .iter()
        .map(|conflict| line(format!("two accounts of: {conflict}; the first counts")))
        .collect();
    if found.has_odd_clock {
        rows.push(line(
            "clock? the time lies before 2000 or after it was read",
        ));
    }
    if found.has_bad_number {
        rows.push(line("a number in the log was broken and reads as unknown"));
    }
    if let Some((path, offset)) = &found.source {
        rows.push(line(format!("source: {path}, byte {offset}")));
    }
    rows
}

/// The policy's panel: the verdict and what stands behind it.
fn policy(found: &Explanation, width: usize) -> Vec<Row> {
    let judgement = &found.judgement;
    let weight = judgement::headline_weight(judgement);
    let mut rows = vec![
        Row::new()
            .own(" ", Role::Plain)
            .own("VERDICT ", Role::Title)
            .say(judgement::headline(judgement), Role::from(weight)),
    ];
    let others = match width {
        ..80 => Others::Counted,
        80..100 => Others::Last,
        _ => Others::InOrder,
    };
    for panel in judgement::lines(found, others) {
        rows.extend(labelled(
            panel.label,
            &panel.text,
            Role::from(panel.weight),
            width,
        ));
    }
    rows.push(Row::new());
    rows
}

/// A text behind its label; a narrow screen has no room for that.
fn labelled(label: &'static str, text: &str, role: Role, width: usize) -> Vec<Row> {
    let label_width = if width < 80 { 0 } else { 11 };
    let room = width.saturating_sub(label_width + 3).max(10);
    let parts = judgement::fitted(text, room).into_iter().enumerate();
    parts
        .map(|(idx, part)| {
            let label = if idx == 0 { label } else { "" };
            let row = Row::new().own("  ", Role::Plain);
            let row = if label_width > 0 {
                row.left(label, label_width, Role::Title)
            } else {
                row
            };
            row.say(part, role)
        })
        .collect()
}

fn wrapped(head: &'static str, words: &[String], width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = Row::new().own(" ", Role::Plain).own(head, Role::Title);
    for word in words {
        let word = crate::model::sanitise(word);
        if row.width() + word.width() + 2 > width && row.width() > 8 {
            rows.push(std::mem::take(&mut row).pad_to(0));
            row = Row::new().pad_to(3);
        }
        row = row.shown(word, Role::Plain).own("  ", Role::Plain);
    }
    rows.push(row);
    rows
}

/// What the policy says of the step that an attempt led to.
fn step_rows(found: &Explanation, attempt: usize, width: usize) -> Vec<Row> {
    let Some((step, weight)) = judgement::step_in_words(&found.judgement, attempt) else {
        return Vec::new();
    };
    judgement::fitted(step, width.saturating_sub(5).max(10))
        .into_iter()
        .map(|part| {
            Row::new()
                .own("    ", Role::Plain)
                .say(part, Role::from(weight))
        })
        .collect()
}

fn chain(found: &Explanation, width: usize) -> Vec<Row> {
    let ends = found
        .attempts
        .iter()
        .filter_map(|hop| Some(hop.offset?.saturating_add(hop.latency?)));
    let total = ends.max().or(found.latency).unwrap_or_default();
    let cost = found.cost.map_or_else(
        || "cost unknown".to_owned(),
        |cost| units::cost(Some(cost.as_usd()), found.is_cost_estimated),
    );
    let took = found
        .latency
        .map_or_else(|| "latency unknown".to_owned(), units::span);
    let head = format!(
        "  {took}, {} attempts, {cost}, bars to {}",
        found.attempts.len(),
        units::span(total)
    );
    let mut rows = vec![title("CHAIN").say(head, Role::Plain)];
    let bar = width.saturating_sub(if width < 80 { 26 } else { 66 });
    let listed = found.attempts.iter().take(Explanation::LISTED_MAX);
    let totals = found.running_totals();
    for (idx, (hop, totals)) in listed.zip(totals).enumerate() {
        let row = Row::new()
            .own("   ", Role::Plain)
            .left(&hop.model, if width < 80 { 14 } else { 20 }, Role::Plain)
            .own(" ", Role::Plain);
        let row = row
            .right(
                hop.latency.map_or_else(|| "--".to_owned(), units::span),
                6,
                Role::Plain,
            )
            .own(" ", Role::Plain);
        let row = if width < 80 {
            row
        } else {
            let why = hop.reason.as_ref().map_or_else(
                || hop.outcome.to_owned(),
                |reason| format!("{} {reason}", hop.outcome),
            );
            row.left(why, 24, Role::Plain)
                .right(
                    units::cost(hop.cost.map(NanoUsd::as_usd), found.is_cost_estimated),
                    8,
                    Role::Plain,
                )
                .own(" ", Role::Plain)
        };
        rows.push(row.then(hop_bar(hop.offset.zip(hop.latency), total, bar)));
        rows.extend(step_rows(found, idx, width));
        let call = decision::call_in_words(hop, totals, idx > 0);
        let parts = judgement::fitted(&call, width.saturating_sub(5).max(10));
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        rows.extend(parts.map(|part| Row::new().own("    ", Role::Plain).say(part, Role::Dim)));
    }
    let beside = decision::beside_the_chain(found).into_iter();
    rows.extend(beside.map(|(text, weight)| {
        Row::new()
            .own("   ", Role::Plain)
            .say(text, Role::from(weight))
    }));
    rows
}

fn hop_bar(place: Option<(Micros, Micros)>, total: Micros, width: usize) -> Row {
    let Some((offset, latency)) = place else {
        return Row::new();
    };
    let inner = width.saturating_sub(2);
    let scale = |span: Micros| {
        units::cells(
            span.as_seconds() / total.as_seconds().max(1e-9) * units::as_float(inner as u64),
            inner,
        )
    };
    let start = scale(offset);
    let end = scale(offset.saturating_add(latency)).max(start);
    let mut row = Row::new().pad_to(start).own("|", Role::Plain);
    for _ in start..end {
        row.push_own("#", Role::Plain);
    }
    row.own("|", Role::Plain)
}

/// How far the route does what its policy says, in the window.
fn drift(snapshot: &Snapshot, found: &Explanation) -> Option<String> {
    let survey = snapshot.drift.as_deref()?;
    let row = survey.route(found.route.as_deref()?)?;
    Some(format!("this route, {}", drift_in_words(survey, row)))
}

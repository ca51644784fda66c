//! One decision: what was recorded, the chain, how it compares, what came of it.

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
    let route = found.route.as_ref().map_or("(unknown)", |route| route);
    let mut rows = vec![line(format!(
        "{route}   {}   {} ({} ago)",
        found.state,
        units::day_clock(found.ts),
        units::age(now.since(found.ts))
    ))];
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
    rows.extend(compared(found, width));
    rows.push(line(consequence(found, now)));
    rows.extend(drift(snapshot, found));
    rows.push(Row::new());
    rows.append(&mut asked);
    rows.extend(recorded(app, found));
    rows.extend(remarks(found));
    rows
}

/// What the request was, as far as the log says.
fn asked(found: &Explanation, width: usize) -> Vec<Row> {
    let class = found.task_class.as_deref();
    let class = class.map(|class| format!("task_class={class}"));
    let signals = found
        .signals
        .iter()
        .map(|s| format!("{}={}", s.name, s.value.as_deref().unwrap_or("unknown")));
    let words: Vec<String> = class.into_iter().chain(signals).collect();
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
    let label_width = if width < 80 { 0 } else { 11 };
    let others = match width {
        ..80 => Others::Counted,
        80..100 => Others::Last,
        _ => Others::InOrder,
    };
    for panel in judgement::lines(found, others) {
        let room = width.saturating_sub(label_width + 3).max(10);
        for (idx, part) in judgement::fitted(&panel.text, room).into_iter().enumerate() {
            let label = if idx == 0 { panel.label } else { "" };
            let row = Row::new().own("  ", Role::Plain);
            let row = if label_width > 0 {
                row.left(label, label_width, Role::Title)
            } else {
                row
            };
            rows.push(row.say(part, Role::from(panel.weight)));
        }
    }
    rows.push(Row::new());
    rows
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
    for (idx, hop) in listed.enumerate() {
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
        if hop.input_tokens.is_some() || hop.output_tokens.is_some() {
            let count = |tokens: Option<u32>| {
                tokens.map_or_else(|| "--".to_owned(), |tokens| tokens.to_string())
            };
            rows.push(line(format!(
                "    {} tokens in, {} out",
                count(hop.input_tokens),
                count(hop.output_tokens)
            )));
        }
    }
    rows.extend(beside_the_chain(found));
    rows
}

/// What the list of attempts does not show: those cut off, a loop, those that the log hides.
fn beside_the_chain(found: &Explanation) -> Vec<Row> {
    let mut rows = Vec::new();
    let left = found.attempts.len().saturating_sub(Explanation::LISTED_MAX);
    if left > 0 {
        rows.push(line(format!("  and {left} more attempts")));
    }
    if let Some(model) = found.loop_over() {
        let text = format!("  loop: {model} was asked again after an escalation from it");
        rows.push(line(text));
    }
    if found.has_hidden_attempts {
        rows.push(line("  the log tells of an attempt that it does not hold"));
    }
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

fn compared(found: &Explanation, width: usize) -> Vec<Row> {
    let normal = &found.normal;
    if normal.compared_with < 10 {
        return vec![line(format!(
            "too few to compare ({})",
            normal.compared_with
        ))];
    }
    let mut parts = vec![format!(
        "{} requests of the route in {}:",
        units::count(normal.compared_with),
        units::whole_span(normal.reach),
    )];
    if let Some(percentile) = normal.latency_percentile {
        parts.push(format!("slower than or as slow as {percentile:.0}%"));
    }
    if let Some(percentile) = normal.cost_percentile {
        parts.push(format!("cost at or above {percentile:.0}%"));
    }
    // All of them needed at least one.
    if let Some(share) = normal.attempts_share.filter(|share| *share < 99.5) {
        parts.push(format!("{share:.0}% need as many attempts"));
    }
    wrapped("of ", &parts, width)
}

/// How far the route does what its policy says, in the window.
fn drift(snapshot: &Snapshot, found: &Explanation) -> Option<Row> {
    let survey = snapshot.drift.as_deref()?;
    let row = survey.route(found.route.as_deref()?)?;
    Some(line(format!("this route, {}", drift_in_words(survey, row))))
}

fn consequence(found: &Explanation, now: Timestamp) -> String {
    if let Some((kind, by, after)) = &found.correction {
        let after = after
            .map(|after| format!(" after {}", units::span(after)))
            .unwrap_or_default();
        return format!("corrected: {} by {}{after}", kind.word(), by.word());
    }
    match found.state {
        "open" => format!("open for {}", units::age(now.since(found.ts))),
        _ if !found.corrections_known => "corrections are not logged by this source".to_owned(),
        _ => "not corrected so far".to_owned(),
    }
}

//! What changed: the finding in one sentence, then who is hit and what moved.

use super::changes_chart::chart;
use super::line::{Line, Weight, wrapped};
use crate::app::{App, drill, units};
use crate::model::{Micros, Minute, Timestamp, Window};
use crate::stats::Snapshot;
use crate::stats::changes::{Cause, Changes, Onset, Tally, Values, Verdict};

/// How many slices of the same requests are named beside a cause.
const SAME_LEN: usize = 3;
/// How many rows the chart has.
const CHART_LEN: usize = 8;
/// So many times as many requests a minute, or as few, are told.
const VOLUME_TIMES: f64 = 1.2;
/// How many columns two rates take.
const RATES_LEN: usize = 20;

/// Puts an instant in words.
type At<'a> = &'a dyn Fn(Timestamp) -> String;

/// Returns the page's lines.
pub fn page(app: &App, snapshot: &Snapshot) -> Vec<Line> {
    let width = usize::from(app.settings.size.0);
    match &snapshot.changes {
        Some(changes) => {
            let at = |at| instant(at, changes.window.to);
            let width = width.saturating_sub(1);
            let mut page = lines(changes, width, drill::selected(app, changes), &at);
            page.extend(charted(changes, width, &at));
            page
        }
        None => vec![Line::of(" no request has this route")],
    }
}

/// Returns the time of the day, and the date where that is another day's.
fn instant(at: Timestamp, end: Timestamp) -> String {
    let time = format!("{}Z", units::minute(at));
    let date = at.to_rfc3339();
    match date.get(5..10) {
        Some(date) if end.since(at) >= Micros::HOUR.times(20) => format!("{date} {time}"),
        _ => time,
    }
}

/// Returns the finding as lines of at most `width` columns; the cause at `selected` is marked.
pub fn lines(of: &Changes, width: usize, selected: Option<usize>, at: At<'_>) -> Vec<Line> {
    let weight = match of.verdict {
        Verdict::NoChange => Weight::Plain,
        _ if of.refused.is_some() => Weight::Plain,
        _ => Weight::Title,
    };
    let mut lines = indented(1, &sentence(of, at), width, weight);
    lines.extend(indented(1, &compared(of, at), width, Weight::Dim));
    if of.is_filling {
        let told = "corrections of the window still come, for a day: it is at least this bad";
        lines.extend(indented(1, told, width, Weight::Dim));
    }
    if !of.causes.is_empty() {
        lines.push(Line::default());
        lines.push(Line::default().say(" WHO IS HIT", Weight::Title));
        for (idx, cause) in of.causes.iter().enumerate() {
            lines.extend(told(cause, width, selected == Some(idx), at));
        }
    }
    let moved = moved(of, width, at);
    if !moved.is_empty() {
        lines.push(Line::default());
        lines.push(Line::default().say(" WHAT MOVED (share of the requests)", Weight::Title));
        lines.extend(moved);
    }
    lines
}

/// Returns what moved: shares of the requests, thresholds, and how many requests there are.
fn moved(of: &Changes, width: usize, at: At<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for shift in &of.shifts {
        let rates = (percent(shift.before), percent(shift.after));
        let since = shift.at.map(|ts| format!(", since {}", at(ts)));
        let what = format!(
            "{}={}{}, {}",
            shift.attribute,
            shift.value,
            since.unwrap_or_default(),
            shift.reach.word()
        );
        lines.extend(with_rates(" ", rates, &what, width, Weight::Plain));
    }
    for moved in &of.thresholds {
        let values = (moved.before.to_string(), moved.after.to_string());
        let what = format!("threshold of rule {}: {}", moved.rule, moved.clause);
        lines.extend(with_rates(" ", values, &what, width, Weight::Plain));
    }
    if let Some((before, after)) = of
        .per_minute()
        .filter(|(before, after)| after / before > VOLUME_TIMES || before / after > VOLUME_TIMES)
    {
        let values = (format!("{before:.1}"), format!("{after:.1}"));
        lines.extend(with_rates(
            " ",
            values,
            "requests a minute",
            width,
            Weight::Plain,
        ));
    }
    lines
}

/// Returns the chart below its heading.
fn charted(of: &Changes, width: usize, at: At<'_>) -> Vec<Line> {
    let chart = chart(of, (width.saturating_sub(1), CHART_LEN), at);
    if chart.is_empty() {
        return chart.into_iter().map(Line::of).collect();
    }
    let title = format!(
        " {} (o, with its 95 % interval; | the window begins)",
        of.metric.word()
    );
    let head = [Line::default(), Line::default().say(title, Weight::Title)];
    let rows = chart.into_iter().map(|row| Line::of(format!(" {row}")));
    head.into_iter().chain(rows).collect()
}

fn indented(indent: usize, text: &str, width: usize, weight: Weight) -> Vec<Line> {
    let room = width.saturating_sub(indent).max(20);
    let parts = wrapped(text, room).into_iter();
    parts
        .map(|part| Line::default().say(format!("{:indent$}{part}", ""), weight))
        .collect()
}

/// Returns a mark, two rates, and what they are of beside them.
fn with_rates(
    mark: &str,
    (before, after): (String, String),
    what: &str,
    width: usize,
    weight: Weight,
) -> Vec<Line> {
    let room = width.saturating_sub(RATES_LEN).max(20);
    let parts = wrapped(what, room);
    let mut head = format!("{mark} {before:>6} -> {after:>6}  ");
    let mut lines = Vec::with_capacity(parts.len());
    for part in parts {
        lines.push(Line::default().say(format!("{head}{part}"), weight));
        head = " ".repeat(RATES_LEN);
    }
    lines
}

fn percent(share: f64) -> String {
    format!("{}%", units::percent(share))
}

fn sentence(of: &Changes, at: At<'_>) -> String {
    let whose = of
        .route
        .as_ref()
        .map_or_else(|| "all routes".to_owned(), Clone::clone);
    if let Some(refused) = &of.refused {
        return format!("{whose}: cannot tell: {refused}");
    }
    let rates = format!(
        "{} -> {} {}",
        share(of.before),
        share(of.after),
        of.metric.meaning()
    );
    let since = of.since.map(|onset| format!(" since {}", when(onset, at)));
    let since = since.unwrap_or_default();
    let first = of.causes.first().map(|cause| named(&cause.slice));
    let first = first.unwrap_or_default();
    match of.verdict {
        Verdict::NoChange => format!("{whose}: no change beyond chance, {rates}"),
        Verdict::Mix => {
            let which = of.mix.as_ref().map_or_else(String::new, |mix| {
                format!(
                    ": {}={} went from {} to {} of the requests",
                    mix.attribute,
                    mix.value,
                    percent(mix.before),
                    percent(mix.after)
                )
            });
            format!(
                "{whose}: {rates}{since}, by the mix of the requests and not how they fare{which}"
            )
        }
        Verdict::Behaviour => format!("{whose}: {rates}{since}, where {first}"),
        Verdict::Everywhere => {
            format!(
                "{whose}: {rates}{since}, everywhere alike: look upstream, no slice is to blame"
            )
        }
        Verdict::Local => format!("{whose}: {rates} in all, which hides a rise where {first}"),
    }
}

fn compared(of: &Changes, at: At<'_>) -> String {
    let stretch = |window: Window| format!("{} to {}", at(window.from), at(window.to));
    format!(
        "{} ({} requests) against {} ({})",
        stretch(of.window),
        units::count(of.after.requests),
        stretch(of.baseline),
        units::count(of.before.requests)
    )
}

fn told(cause: &Cause, width: usize, is_selected: bool, at: At<'_>) -> Vec<Line> {
    let mut who = named(&cause.slice);
    if let Some(onset) = cause.since {
        who.push_str(&format!(", since {}", when(onset, at)));
    }
    let rates = (share(cause.before), share(cause.after));
    let mark = if is_selected { ">" } else { " " };
    let mut lines = with_rates(mark, rates, &who, width, Weight::Watch);
    let of_rise = cause
        .share_of_rise
        .map(|share| format!(", {:.0}% of the rise", share * 100.0));
    let excess = format!(
        "{:.0} more than expected of {} requests{}",
        cause.excess,
        units::count(cause.after.requests),
        of_rise.unwrap_or_default()
    );
    lines.extend(indented(RATES_LEN, &excess, width, Weight::Plain));
    if !cause.same.is_empty() {
        let mut same: Vec<String> = cause.same.iter().take(SAME_LEN).map(named).collect();
        if cause.same.len() > SAME_LEN {
            same.push(format!("{} more", cause.same.len() - SAME_LEN));
        }
        let same = format!("nearly the same requests: {}", same.join("; "));
        lines.extend(indented(RATES_LEN, &same, width, Weight::Dim));
    }
    lines
}

fn share(tally: Tally) -> String {
    tally.share().map_or_else(|| "none".to_owned(), percent)
}

fn named(values: &Values) -> String {
    let parts: Vec<String> = values
        .iter()
        .map(|(attribute, value)| format!("{attribute}={value}"))
        .collect();
    parts.join(" and ")
}

fn when(onset: Onset, at: At<'_>) -> String {
    let at = |minute: Minute| at(minute.start());
    if onset.from == onset.to {
        return at(onset.at);
    }
    format!("{} ({} to {})", at(onset.at), at(onset.from), at(onset.to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::NOW;

    #[test]
    fn a_time_of_another_day_comes_with_its_date() {
        assert_eq!(instant(NOW, NOW), "03:11Z");
        assert_eq!(instant(NOW.minus(Micros::DAY), NOW), "11-22 03:11Z");
    }
}

//! The policies page: how far routes do what their policy says, which policies there are, and what they say.

use super::line::{Line, Weight, wrapped};
use crate::app::{App, units};
use crate::stats::{DriftCounts, DriftRow, DriftSurvey, PolicyRow, Rate, Snapshot};

/// From this many columns on every kind has a column.
const TABLE_WIDTH_MIN: usize = 80;
/// A route whose drift is clearly above this share is marked.
const MARKED_FROM: f64 = 0.01;

/// Returns how much of a route's decisions its policy does not explain, and since when.
pub fn drift_in_words(survey: &DriftSurvey, row: &DriftRow) -> String {
    let rate = row.counts.rate();
    if !rate.is_shown() {
        return format!("drift: too few decisions to tell ({})", rate.denominator);
    }
    let since = survey
        .since(row)
        .map(|at| format!(", more since {}Z", units::minute(at)))
        .unwrap_or_default();
    let sample = if survey.one_in > 1 {
        format!(", one stretch of 512 in {}", survey.one_in)
    } else {
        String::new()
    };
    format!(
        "drift: {} of {} decisions ({}){since}{sample}",
        units::count(rate.numerator),
        units::count(rate.denominator),
        share(rate)
    )
}

/// Tells whether a route clearly drifts.
pub fn is_marked(counts: &DriftCounts) -> bool {
    let rate = counts.rate();
    rate.is_shown()
        && rate
            .interval()
            .is_some_and(|interval| interval.low > MARKED_FROM)
}

fn share(rate: Rate) -> String {
    let percent = |share: Option<f64>| share.map_or_else(|| "--".to_owned(), units::percent);
    let interval = rate.interval();
    format!(
        "{}%, 95% {} to {}",
        percent(rate.share()),
        percent(interval.map(|interval| interval.low)),
        percent(interval.map(|interval| interval.high))
    )
}

/// Returns the page's lines.
pub fn lines(app: &App, snapshot: &Snapshot) -> Vec<Line> {
    let width = usize::from(app.settings.size.0);
    let mut lines = drift(snapshot, width);
    lines.push(Line::default());
    lines.push(Line::default().say(" POLICIES", Weight::Title));
    if snapshot.policies.is_empty() {
        lines.extend(indented(
            " ",
            "no decision records a policy, and none is known: `routetop policy add FILE` keeps one",
            width,
            Weight::Plain,
        ));
    }
    let seen = snapshot
        .drift
        .as_ref()
        .map_or(0, |survey| survey.total.counts.seen());
    for policy in &snapshot.policies {
        lines.push(Line::default().say(format!(" {}", policy.id), Weight::Title));
        for (text, weight) in details(policy, seen) {
            lines.extend(indented("   ", &text, width, weight));
        }
        if let Some(text) = policy.text.as_ref().filter(|_| app.is_prose_open) {
            for sentence in &text.prose {
                lines.extend(indented("   ", sentence, width, Weight::Plain));
            }
            lines.push(Line::default());
        }
    }
    lines
}

fn indented(indent: &'static str, text: &str, width: usize, weight: Weight) -> Vec<Line> {
    let room = width.saturating_sub(indent.len() + 1).max(20);
    let parts = wrapped(text, room).into_iter();
    parts
        .map(|part| Line::default().say(format!("{indent}{part}"), weight))
        .collect()
}

fn drift(snapshot: &Snapshot, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::default().say(
        " DRIFT: decisions that the policy in force does not explain",
        Weight::Title,
    )];
    let Some(survey) = &snapshot.drift else {
        lines.push(Line::of(
            " no policy is known, so nothing can be held against one",
        ));
        return lines;
    };
    let is_table = width >= TABLE_WIDTH_MIN;
    if is_table {
        lines.push(heading());
    }
    for row in survey.routes.iter().chain([&survey.total]) {
        if is_table {
            lines.push(table_row(survey, row));
        } else {
            let weight = weight(&row.counts);
            lines.push(
                Line::default()
                    .left(format!(" {}", row.route), 20, weight)
                    .say(rate_cell(row.counts.rate()), weight),
            );
        }
    }
    if survey.one_in > 1 {
        let text = format!(
            "one stretch of 512 decisions in {} was looked at",
            survey.one_in
        );
        lines.extend(indented(" ", &text, width, Weight::Dim));
    }
    lines
}

const KIND_WIDTH: usize = 8;

fn heading() -> Line {
    let names = ["JUDGED", "DRIFT", "MODEL", "RULE", "ESCAL", "COIN", "?"];
    names.iter().fold(
        Line::default().left("   ROUTE", 22, Weight::Title),
        |line, name| line.right(*name, KIND_WIDTH, Weight::Title),
    )
}

fn table_row(survey: &DriftSurvey, row: &DriftRow) -> Line {
    let counts = &row.counts;
    let weight = weight(counts);
    let mark = if weight == Weight::Watch { "! " } else { "  " };
    let number = |number: u64| {
        if number == 0 {
            "-".to_owned()
        } else {
            units::count(number)
        }
    };
    let line = Line::default()
        .say(format!(" {mark}"), weight)
        .left(row.route.to_string(), 19, Weight::Plain)
        .right(units::count(counts.judged), KIND_WIDTH, Weight::Plain)
        .right(rate_cell(counts.rate()), KIND_WIDTH, weight);
    let kinds = [
        counts.model,
        counts.rule,
        counts.escalation,
        counts.explored,
        counts.undecidable + counts.unknown,
    ];
    let line = kinds.iter().fold(line, |line, kind| {
        line.right(number(*kind), KIND_WIDTH, Weight::Plain)
    });
    match survey.since(row) {
        Some(at) => line.say(format!("  {}Z", units::minute(at)), Weight::Watch),
        None => line,
    }
}

fn weight(counts: &DriftCounts) -> Weight {
    if is_marked(counts) {
        Weight::Watch
    } else {
        Weight::Plain
    }
}

fn rate_cell(rate: Rate) -> String {
    match rate.share().filter(|_| rate.is_shown()) {
        Some(share) => format!("{}%", units::percent(share)),
        None => format!("n={}", rate.denominator),
    }
}

fn details(policy: &PolicyRow, seen: u64) -> Vec<(String, Weight)> {
    let counts = &policy.counts;
    let mut all = Vec::new();
    let used = match policy.seen {
        Some((first, last)) => format!(
            "{} decisions, {} to {}",
            units::count(policy.requests),
            units::day_clock(first),
            units::day_clock(last)
        ),
        None => "no decision records it".to_owned(),
    };
    all.push((used, Weight::Plain));
    if counts.seen() > 0 {
        let part = Rate::new(counts.seen(), seen).share().map(units::percent);
        all.push((
            format!(
                "{}% of the decisions in this window; drift {}",
                part.unwrap_or_default(),
                rate_cell(counts.rate())
            ),
            Weight::Plain,
        ));
    }
    match &policy.text {
        None => all.push((
            "its text is not known: `routetop policy add FILE` keeps it".to_owned(),
            Weight::Watch,
        )),
        Some(text) => all.extend(
            text.warnings
                .iter()
                .map(|warning| (format!("! {warning}"), Weight::Watch)),
        ),
    }
    all
}

//! The policies page: how far routes do what their policy says, which policies there are, and what they say.

use super::line::{Line, Weight, wrapped};
use super::trial;
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
    if let Some(trial) = &app.trials.shown {
        return trial::lines(app, trial);
    }
    let width = usize::from(app.settings.size.0);
    let mut lines = drift(app, snapshot, width);
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

fn drift(app: &App, snapshot: &Snapshot, width: usize) -> Vec<Line> {
    let is_table = width >= TABLE_WIDTH_MIN;
    let title = if is_table {
        " DRIFT: decisions that the policy in force does not explain"
    } else {
        " DRIFT: not explained by the policy"
    };
    let mut lines = vec![Line::default().say(title, Weight::Title)];
    let Some(survey) = &snapshot.drift else {
        lines.push(Line::of(
            " no policy is known, so nothing can be held against one",
        ));
        return lines;
    };
    if is_table {
        lines.push(heading());
    }
    for row in survey.routes.iter().chain([&survey.total]) {
        if is_table {
            lines.push(table_row(row));
        } else {
            let weight = weight(&row.counts);
            let cells = width.saturating_sub(29);
            lines.push(
                Line::default()
                    .left(format!(" {}", row.route), 19, weight)
                    .say(" ", weight)
                    .left(rate_cell(row.counts.rate()), 7, weight)
                    .say(trend(row, cells, app.settings.is_ascii), Weight::Plain),
            );
            if let Some(at) = survey.since(row) {
                let text = format!("   more since {}Z", units::minute(at));
                lines.push(Line::default().say(text, Weight::Watch));
            }
        }
    }
    if is_table {
        lines.extend(trends(app, survey, width));
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

fn table_row(row: &DriftRow) -> Line {
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
    kinds.iter().fold(line, |line, kind| {
        line.right(number(*kind), KIND_WIDTH, Weight::Plain)
    })
}

/// How sure the share of each route that drifts is, since when it is higher than before, and how it went.
fn trends(app: &App, survey: &DriftSurvey, width: usize) -> Vec<Line> {
    let all = survey.routes.iter().chain([&survey.total]);
    let drifting: Vec<&DriftRow> = all
        .filter(|row| row.counts.rate().numerator > 0 && row.counts.rate().is_shown())
        .collect();
    if drifting.is_empty() {
        return Vec::new();
    }
    let head = Line::default()
        .left("   HOW SURE, SINCE WHEN", 24, Weight::Title)
        .left("95%", 16, Weight::Title)
        .left("MORE SINCE", 12, Weight::Title)
        .say("THE WINDOW", Weight::Title);
    let rows = drifting.into_iter().map(|row| {
        let (rate, weight) = (row.counts.rate(), weight(&row.counts));
        let ends = rate.interval().map_or_else(String::new, |interval| {
            let (low, high) = (units::percent(interval.low), units::percent(interval.high));
            format!("{low} to {high}%")
        });
        let since = survey
            .since(row)
            .map(|at| format!("{}Z", units::minute(at)));
        Line::default()
            .left(format!("   {}", row.route), 23, Weight::Plain)
            .say(" ", Weight::Plain)
            .left(ends, 16, weight)
            .left(since.unwrap_or_else(|| "-".to_owned()), 12, weight)
            .say(
                trend(row, width.saturating_sub(54), app.settings.is_ascii),
                Weight::Plain,
            )
    });
    std::iter::once(head).chain(rows).collect()
}

/// The share over the window as a sparkline of at most `cells`, in the scale of its highest; a step without decisions is
/// blank.
fn trend(row: &DriftRow, cells: usize, is_ascii: bool) -> String {
    let together = row.trend.len().div_ceil(cells.max(1)).max(1);
    let steps: Vec<Rate> = row
        .trend
        .chunks(together)
        .map(|steps| {
            let sum = |of: &dyn Fn(&Rate) -> u64| steps.iter().map(of).sum();
            Rate::new(sum(&|rate| rate.numerator), sum(&|rate| rate.denominator))
        })
        .collect();
    let shares = || steps.iter().filter_map(|rate| rate.share());
    let top = shares().fold(0.0, f64::max);
    let levels = units::levels(is_ascii);
    steps
        .iter()
        .map(|rate| match rate.share() {
            None => " ",
            Some(share) => {
                let share = if top > 0.0 { share / top } else { 0.0 };
                let level = units::cells((share * 8.0).ceil(), 8).max(1);
                levels.get(level - 1).copied().unwrap_or(" ")
            }
        })
        .collect()
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

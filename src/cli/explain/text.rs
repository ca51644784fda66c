//! The explanation as text: asked, recorded, chain, against normal, consequence.

use crate::app::view::judgement::{Others, headline, lines as panel, step_in_words};
use crate::cli::report::style::Style;
use crate::cli::words::{self, foreign, millis, percent, span};
use crate::model::{Micros, NanoUsd};
use crate::stats::{Explanation, Hop};

/// Under so many requests a comparison says nothing.
const COMPARED_MIN: u64 = 10;
/// How many characters the longest chain takes.
const BAR_LEN: u64 = 40;

/// Renders the page. `reasons_of` turns a format's number and its recorded JSON into sentences.
pub fn render(of: &Explanation, style: Style, reasons_of: fn(u8, &str) -> Vec<String>) -> String {
    let show = |text: &str| foreign(text, style.ascii);
    let or_unknown =
        |text: &Option<std::sync::Arc<str>>| text.as_deref().map_or_else(|| "-".to_owned(), show);
    let mut lines = vec![format!(
        "req {}  {}  {}  {}  {}  {}",
        show(&of.id),
        style.zone.format(of.ts),
        or_unknown(&of.route),
        or_unknown(&of.task_class),
        of.state,
        headline(&of.judgement)
    )];
    lines.extend(
        panel(of, Others::InOrder)
            .iter()
            .map(|line| format!("{:11} {}", line.label, show(&line.text))),
    );
    lines.push(format!(
        "logged      tier {}, model {}, rule {}, policy {}",
        or_unknown(&of.tier),
        or_unknown(&of.model),
        or_unknown(&of.rule),
        or_unknown(&of.policy)
    ));
    if let Some(reason) = &of.reason {
        lines.push(format!("reason      {}", show(reason)));
    }
    let recorded = of
        .recorded
        .as_deref()
        .map(|text| reasons_of(of.format, text));
    lines.extend(
        recorded
            .iter()
            .flatten()
            .map(|line| format!("recorded    {}", show(line))),
    );
    for row in of.signals.iter().filter(|row| row.is_logged) {
        let value = row
            .value
            .as_deref()
            .map_or_else(|| "unknown".to_owned(), show);
        lines.push(format!("asked       {} {value}", show(&row.name)));
    }
    for (name, value) in &of.attrs {
        lines.push(format!("attr        {}={}", show(name), show(value)));
    }
    lines.extend(chain(of, style));
    lines.push(format!("normal      {}", normal(of)));
    lines.push(format!("consequence {}", consequence(of)));
    if of.has_bad_number {
        lines.push("number      one in the log was broken and reads as unknown".to_owned());
    }
    if of.has_odd_clock {
        lines.push("clock?      the time lies before 2000 or after it was read".to_owned());
    }
    lines.extend(
        of.conflicts
            .iter()
            .map(|text| format!("conflict    {}", show(text))),
    );
    if let Some((path, offset)) = &of.source {
        lines.push(format!("source      {} at byte {offset}", show(path)));
    }
    lines
        .iter()
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect()
}

fn chain(of: &Explanation, style: Style) -> Vec<String> {
    let end = of
        .attempts
        .iter()
        .filter_map(|hop| Some(hop.offset?.saturating_add(hop.latency?).0));
    let end = end.max().unwrap_or(0);
    let listed = of.attempts.iter().take(Explanation::LISTED_MAX);
    let mut lines = Vec::new();
    for (idx, hop) in listed.enumerate() {
        lines.push(hop_line(hop, end, of.is_cost_estimated, style));
        if let Some((step, _)) = step_in_words(&of.judgement, idx) {
            lines.push(format!("            {}", foreign(step, style.ascii)));
        }
    }
    let left = of.attempts.len().saturating_sub(Explanation::LISTED_MAX);
    if left > 0 {
        lines.push(format!("chain       and {left} more attempts"));
    }
    if let Some(model) = of.loop_over() {
        let model = foreign(model, style.ascii);
        lines.push(format!(
            "chain       loop: {model} was asked again after an escalation from it"
        ));
    }
    if of.has_hidden_attempts {
        lines.push("chain       the log tells of an attempt that it does not list".to_owned());
    }
    lines
}

fn hop_line(hop: &Hop, end: u64, is_cost_estimated: bool, style: Style) -> String {
    let reason = hop.reason.as_deref().map_or_else(String::new, |reason| {
        format!(": {}", foreign(reason, style.ascii))
    });
    format!(
        "chain {:>2}    {}  {}  {}  {}{reason}  {}",
        hop.n,
        foreign(&hop.model, style.ascii),
        time(hop.latency),
        cost(hop.cost, is_cost_estimated),
        hop.outcome,
        bar(hop, end)
    )
}

/// Draws where in the request's time the attempt lies, e.g. `|    ####  |`.
fn bar(hop: &Hop, end: u64) -> String {
    let (Some(offset), Some(latency)) = (hop.offset, hop.latency) else {
        return String::new();
    };
    let cells = |micros: u64| {
        let scaled = u128::from(micros) * u128::from(BAR_LEN) / u128::from(end.max(1));
        usize::try_from(scaled).unwrap_or(0).min(40)
    };
    let start = cells(offset.0).min(39);
    let len = cells(latency.0).clamp(1, 40 - start);
    format!(
        "|{}{}{}|",
        " ".repeat(start),
        "#".repeat(len),
        " ".repeat(40 - start - len)
    )
}

fn time(latency: Option<Micros>) -> String {
    latency.map_or_else(|| "-".to_owned(), |latency| millis(latency.as_millis()))
}

fn cost(cost: Option<NanoUsd>, is_estimated: bool) -> String {
    cost.map_or_else(
        || "cost unknown".to_owned(),
        |cost| words::cost(cost.as_usd(), is_estimated),
    )
}

fn normal(of: &Explanation) -> String {
    let n = of.normal.compared_with;
    let own = format!(
        "latency {}, {}",
        time(of.latency),
        cost(of.cost, of.is_cost_estimated)
    );
    if n < COMPARED_MIN {
        return format!("{own}; too few to compare ({n})");
    }
    let place = |at: Option<f64>| at.map_or_else(|| "-".to_owned(), |at| format!("p{at:.0}"));
    let share = of
        .normal
        .attempts_share
        .map_or_else(|| "-".to_owned(), |share| percent(share / 100.0));
    format!(
        "{own}; latency {}, cost {} of this route, as many attempts: {share} (n={n}, {})",
        place(of.normal.latency_percentile),
        place(of.normal.cost_percentile),
        span(of.normal.reach)
    )
}

fn consequence(of: &Explanation) -> String {
    match of.correction {
        Some((kind, by, after)) => {
            let after = after.map_or_else(String::new, |after| format!(" after {}", span(after)));
            format!("corrected by {}: {}{after}", by.word(), kind.word())
        }
        None if of.corrections_known => "no correction so far".to_owned(),
        None => "corrections are not logged by this source".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::explain::fixture::explanation;
    use crate::cli::report::fixture::{assert_safe, hostile};
    use proptest::prelude::*;

    #[test]
    fn tells_the_whole_story() {
        let text = render(&explanation("small-1"), Style::default(), |_, _| {
            vec!["score 0.42".into()]
        });
        for part in [
            "DRIFT (model)",
            "policy      standard (medium-1) by rule thin-evidence of essay@1#8a592a9285a1 (reconstructed)",
            "not allowed: `small-1` is no trigger",
            "recorded    score 0.42",
            "1.92s",
            "~$0.00410",
            "|#",
            "corrected by user: regenerate after 3m12s",
            "too few to compare (7)",
            "asked       retrieval_confidence 0.58",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    proptest! {
        #[test]
        fn hostile_texts_do_no_harm(name in hostile()) {
            assert_safe(&render(&explanation(&name), Style::default(), |_, text| vec![text.to_owned()]));
        }
    }
}

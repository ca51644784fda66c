//! The explanation as text: asked, decided, recorded, chain, against normal, consequence.

use crate::app::view::decision::{
    asked, beside_the_chain, call_in_words, consequence_in_words, direct_in_words, normal_in_words,
    session_in_words,
};
use crate::app::view::judgement::{Others, headline, lines as panel, step_in_words};
use crate::cli::report::style::Style;
use crate::cli::words::{self, foreign, millis, percent};
use crate::model::{Micros, NanoUsd, Timestamp};
use crate::stats::{Explanation, Hop, RouteDrift};

/// How many characters the longest chain takes.
const BAR_LEN: u64 = 40;

/// Renders the page as of `now`. `reasons_of` turns a format's number and its recorded JSON into sentences; `drift` is
/// that of the route, where the decision drifted.
pub fn render(
    of: &Explanation,
    drift: Option<RouteDrift>,
    now: Timestamp,
    style: Style,
    reasons_of: fn(u8, &str) -> Vec<String>,
) -> String {
    let mut lines = vec![title(of, style)];
    let mut say = |label: &str, text: &str| {
        lines.push(format!("{label:11} {}", foreign(text, style.ascii)));
    };
    for line in panel(of, Others::InOrder) {
        say(line.label, &line.text);
    }
    if let Some(drift) = drift {
        say("drift", &drift_in_words(drift, style));
    }
    let or_unknown = |text: &Option<std::sync::Arc<str>>| {
        text.as_deref()
            .map_or_else(|| "-".to_owned(), str::to_owned)
    };
    let logged = format!(
        "tier {}, model {}, rule {}, policy {}",
        or_unknown(&of.tier),
        or_unknown(&of.model),
        or_unknown(&of.rule),
        or_unknown(&of.policy)
    );
    say("logged", &logged);
    if let Some(reason) = &of.reason {
        say("reason", reason);
    }
    if let Some(chance) = of.propensity {
        say("chance", &format!("{} for this tier", percent(chance)));
    }
    let recorded = of
        .recorded
        .as_deref()
        .map(|text| reasons_of(of.format, text));
    for line in recorded.iter().flatten() {
        say("recorded", line);
    }
    for (model, score, why) in &of.candidates {
        let score = score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        let why = why.as_deref().unwrap_or("taken or not said");
        say("candidate", &format!("{model}  score {score}  {why}"));
    }
    for (name, value) in asked(of) {
        say("asked", &format!("{name} {value}"));
    }
    for (name, value) in &of.attrs {
        say("attr", &format!("{name}={value}"));
    }
    lines.extend(chain(of, style));
    let mut say = |label: &str, text: &str| {
        lines.push(format!("{label:11} {}", foreign(text, style.ascii)));
    };
    if let Some(direct) = direct_in_words(of) {
        say("direct", &direct);
    }
    say("normal", &normal_in_words(of));
    say("consequence", &consequence_in_words(of, now));
    for (label, text) in remarks(of) {
        say(label, &text);
    }
    lines
        .iter()
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect()
}

fn title(of: &Explanation, style: Style) -> String {
    let show = |text: &str| foreign(text, style.ascii);
    let or_unknown =
        |text: &Option<std::sync::Arc<str>>| text.as_deref().map_or_else(|| "-".to_owned(), show);
    let session = session_in_words(of).map_or_else(String::new, |session| format!("  {session}"));
    format!(
        "req {}  {}  {}  {}  {}{session}  {}",
        show(&of.id),
        style.zone.format(of.ts),
        or_unknown(&of.route),
        or_unknown(&of.task_class),
        of.state,
        headline(&of.judgement)
    )
}

/// What is odd about the record, and where it stands.
fn remarks(of: &Explanation) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if of.has_bad_number {
        let text = "one in the log was broken and reads as unknown";
        lines.push(("number", text.to_owned()));
    }
    if of.has_odd_clock {
        let text = "the time lies before 2000 or after it was read";
        lines.push(("clock?", text.to_owned()));
    }
    let conflicts = of.conflicts.iter();
    lines.extend(conflicts.map(|text| ("conflict", text.clone())));
    let source = of.source.iter();
    lines.extend(source.map(|(path, offset)| ("source", format!("{path} at byte {offset}"))));
    lines
}

fn drift_in_words(of: RouteDrift, style: Style) -> String {
    let since = of.since.map_or_else(String::new, |at| {
        format!(", more since {}", style.zone.format(at))
    });
    format!(
        "{} of the last {} decisions of this route ({}){since}",
        of.rate.numerator,
        of.rate.denominator,
        words::rate_with_interval(of.rate)
    )
}

fn chain(of: &Explanation, style: Style) -> Vec<String> {
    let end = of
        .attempts
        .iter()
        .filter_map(|hop| Some(hop.offset?.saturating_add(hop.latency?).0));
    let end = end.max().unwrap_or(0);
    let totals = of.running_totals();
    let listed = of.attempts.iter().take(Explanation::LISTED_MAX);
    let mut lines = Vec::new();
    for (idx, (hop, totals)) in listed.zip(totals).enumerate() {
        lines.push(hop_line(hop, end, of.is_cost_estimated, style));
        let call = call_in_words(hop, totals, idx > 0);
        if !call.is_empty() {
            lines.push(format!("            {}", foreign(&call, style.ascii)));
        }
        if let Some((step, _)) = step_in_words(&of.judgement, idx) {
            lines.push(format!("            {}", foreign(step, style.ascii)));
        }
    }
    let beside = beside_the_chain(of).into_iter();
    lines.extend(beside.map(|(text, _)| format!("chain       {}", foreign(&text, style.ascii))));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::explain::fixture::explanation;
    use crate::cli::report::fixture::{NOW, assert_safe, hostile};
    use crate::stats::Rate;
    use proptest::prelude::*;

    #[test]
    fn tells_the_whole_story() {
        let drift = RouteDrift {
            rate: Rate::new(72, 1_000),
            since: Some(NOW),
        };
        let of = explanation("small-1");
        let text = render(&of, Some(drift), NOW, Style::default(), |_, _| {
            vec!["score 0.42".into()]
        });
        for part in [
            "DRIFT (model)",
            "policy      standard (medium-1) by rule thin-evidence of essay@1#8a592a9285a1 (reconstructed)",
            "not allowed: `small-1` is no trigger",
            "recorded    score 0.42",
            "session 9 of 12  DRIFT (model)",
            "72 of the last 1000 decisions of this route (7.2% 6-9), more since 2026-",
            "asked       toxicity unknown",
            "tier small-1; at small-1",
            "direct      a direct start on small-1 would have taken about 2.0s and cost about ~$0.0030: medians of 64",
            "1.92s",
            "~$0.00410",
            "|#",
            "corrected by user: regenerate after 3.2m; 2 other corrections in this session",
            "too few to compare (7)",
            "asked       retrieval_confidence 0.58",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    proptest! {
        #[test]
        fn hostile_texts_do_no_harm(name in hostile()) {
            assert_safe(&render(&explanation(&name), None, NOW, Style::default(), |_, text| vec![text.to_owned()]));
        }
    }
}

//! What changed as text: the finding in one sentence, then who is hit and what moved.

use crate::cli::report::style::Style;
use crate::cli::words::{count, foreign, percent};
use crate::model::Window;
use crate::stats::changes::{Cause, Changes, Onset, Tally, Values, Verdict};

/// How many slices of the same requests are named beside a cause.
const SAME_LEN: usize = 3;

/// Renders the finding.
pub fn render(of: &Changes, style: Style) -> String {
    let mut lines = vec![sentence(of, style), compared(of, style)];
    if of.is_filling {
        lines.push(
            "corrections of the window still come, for a day: it is at least this bad".to_owned(),
        );
    }
    if !of.causes.is_empty() {
        lines.push(String::new());
        lines.push("WHO IS HIT".to_owned());
        for cause in &of.causes {
            lines.extend(told(cause, style));
        }
    }
    if !of.shifts.is_empty() {
        lines.push(String::new());
        lines.push("WHAT MOVED (share of the requests)".to_owned());
        for shift in &of.shifts {
            lines.push(format!(
                "  {:>6} -> {:>6}  {}={}",
                percent(shift.before),
                percent(shift.after),
                shift.attribute,
                shift.value
            ));
        }
    }
    let mut out = String::new();
    for line in lines {
        out.push_str(foreign(&line, style.ascii).trim_end());
        out.push('\n');
    }
    out
}

fn sentence(of: &Changes, style: Style) -> String {
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
    let since = of
        .since
        .map(|onset| format!(" since {}", when(onset, style)));
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

fn compared(of: &Changes, style: Style) -> String {
    let stretch = |window: Window| {
        let zone = style.zone;
        format!("{} to {}", zone.format(window.from), zone.format(window.to))
    };
    format!(
        "{} ({} requests) against {} ({})",
        stretch(of.window),
        count(of.after.requests),
        stretch(of.baseline),
        count(of.before.requests)
    )
}

fn told(cause: &Cause, style: Style) -> Vec<String> {
    let mut line = format!(
        "  {:>6} -> {:>6}  {}",
        share(cause.before),
        share(cause.after),
        named(&cause.slice)
    );
    if let Some(onset) = cause.since {
        line.push_str(&format!(", since {}", when(onset, style)));
    }
    let of_rise = cause
        .share_of_rise
        .map(|share| format!(", {:.0}% of the rise", share * 100.0));
    let mut lines = vec![
        line,
        format!(
            "                    {:.0} more than expected of {} requests{}",
            cause.excess,
            count(cause.after.requests),
            of_rise.unwrap_or_default()
        ),
    ];
    if !cause.same.is_empty() {
        let mut same: Vec<String> = cause.same.iter().take(SAME_LEN).map(named).collect();
        if cause.same.len() > SAME_LEN {
            same.push(format!("{} more", cause.same.len() - SAME_LEN));
        }
        lines.push(format!(
            "                    nearly the same requests: {}",
            same.join("; ")
        ));
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

fn when(onset: Onset, style: Style) -> String {
    let at = |minute: crate::model::Minute| style.zone.format(minute.start());
    if onset.from == onset.to {
        return at(onset.at);
    }
    format!("{} ({} to {})", at(onset.at), at(onset.from), at(onset.to))
}

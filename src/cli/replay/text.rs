//! A replay as text: what is certain, what is priced, what is estimated, and what no log can tell.

use crate::cli::report::style::Style;
use crate::cli::words::{count, dollars, foreign, percent};
use crate::model::Window;
use crate::policy::replay::{Estimate, Estimated, Method, Move, Replayed};

/// How many moves from rule to rule are listed.
const RULES_LEN: usize = 12;

/// Renders the replay.
pub fn render(replayed: &Replayed, window: Window, style: Style) -> String {
    let mut lines = head(replayed, window, style);
    lines.push(String::new());
    lines.extend(certain(replayed));
    lines.push(String::new());
    lines.extend(priced(replayed));
    lines.push(String::new());
    lines.extend(estimated(replayed));
    lines.push(String::new());
    lines.push("NEVER KNOWABLE from a log".to_owned());
    lines.extend(
        replayed
            .never_knowable()
            .iter()
            .map(|line| format!("  {line}")),
    );
    let mut out = String::new();
    for line in lines {
        out.push_str(foreign(&line, style.ascii).trim_end());
        out.push('\n');
    }
    out
}

fn head(replayed: &Replayed, window: Window, style: Style) -> Vec<String> {
    let stretch = if window == Window::ALL {
        "everything stored".to_owned()
    } else {
        let zone = style.zone;
        format!("{} to {}", zone.format(window.from), zone.format(window.to))
    };
    let of = replayed.recorded;
    let mut told = vec![format!("{} as the policy says", count(of.agrees))];
    for (number, what) in [
        (of.explore, "by a logged coin"),
        (of.drift_rule, "by another rule"),
        (of.drift_model, "with a model that nothing explains"),
        (of.undecidable, "lack signals that would change the tier"),
        (of.unknown_policy, "under no policy whose text is known"),
    ] {
        if number > 0 {
            told.push(format!("{} {what}", count(number)));
        }
    }
    vec![
        format!(
            "{} over {} requests, {stretch}",
            replayed.policy,
            count(replayed.requests)
        ),
        format!("recorded decisions: {}", told.join(", ")),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn share(part: u64, of: u64) -> String {
    if of == 0 {
        return String::new();
    }
    format!(" ({})", percent(part as f64 / of as f64))
}

fn certain(replayed: &Replayed) -> Vec<String> {
    let mut lines = vec![format!(
        "CERTAIN: {} of {} requests{} go to another tier",
        count(replayed.changed),
        count(replayed.requests),
        share(replayed.changed, replayed.requests)
    )];
    lines.extend(moves("tier", &replayed.tiers, usize::MAX));
    lines.extend(moves("rule", &replayed.rules, RULES_LEN));
    for class in replayed.classes.iter().filter(|class| class.changed > 0) {
        lines.push(format!(
            "  {:>9}  of {} {}{}",
            count(class.changed),
            count(class.requests),
            class.class,
            share(class.changed, class.requests)
        ));
    }
    for undecidable in &replayed.undecidable {
        lines.push(format!(
            "  {:>9}  cannot be decided, signals are missing: {}",
            count(undecidable.requests),
            undecidable.tiers.join(" or ")
        ));
    }
    lines
}

fn moves(what: &str, moves: &[Move], len_max: usize) -> Vec<String> {
    let listed = moves.iter().take(len_max);
    let mut lines: Vec<String> = listed
        .map(|one| {
            let requests = count(one.requests);
            format!("  {requests:>9}  {what} {} -> {}", one.from, one.to)
        })
        .collect();
    if let Some(more) = moves.len().checked_sub(len_max).filter(|more| *more > 0) {
        lines.push(format!("             and {more} more pairs of rules"));
    }
    lines
}

fn priced(replayed: &Replayed) -> Vec<String> {
    let title = "PRICED, if the new model writes as much";
    match &replayed.priced {
        _ if replayed.changed == 0 => vec![format!("{title}: nothing changes")],
        Err(because) => vec![format!("{title}: not known, {because}")],
        Ok(priced) => vec![format!(
            "{title}: {} to {} for the first calls of {} changed requests",
            signed_dollars(priced.low_usd),
            signed_dollars(priced.high_usd),
            count(priced.requests)
        )],
    }
}

fn estimated(replayed: &Replayed) -> Vec<String> {
    let of = match &replayed.estimated {
        Err(because) => return vec![format!("ESTIMATED: nothing, {because}")],
        Ok(of) => of,
    };
    let mut lines = vec![format!(
        "ESTIMATED, {}, 95% intervals, from {} changed requests that ran on their new tier",
        of.method.words(),
        count(of.supporting)
    )];
    if of.method == Method::MatchedStrata {
        lines.push(
            "  ! assumes the six signals explain why a tier was chosen: no chances are logged"
                .to_owned(),
        );
    }
    if of.one_session_in > 1 {
        lines.push(format!(
            "  of one session in {}, taken whole",
            of.one_session_in
        ));
    }
    lines.extend(figures(of));
    lines
}

fn figures(of: &Estimated) -> Vec<String> {
    let thousand = |value: f64| format!("{:+.1}", 1_000.0 * value);
    let row = |what: &str, estimate: Option<Estimate>, word: &dyn Fn(f64) -> String, unit: &str| {
        let figure = estimate.map_or_else(
            || "not logged".to_owned(),
            |of| {
                let (value, low, high) = (word(of.value), word(of.low), word(of.high));
                format!("{value:>10}  ({low} to {high}) {unit}")
            },
        );
        format!("  {what:<15}{figure}")
    };
    vec![
        row("first pass", of.first_pass, &thousand, "per 1,000 requests"),
        row("escalated", of.escalation, &thousand, "per 1,000 requests"),
        row("corrected", of.correction, &thousand, "per 1,000 requests"),
        row(
            "cost",
            of.cost_usd,
            &|value| signed_dollars(1_000.0 * value),
            "per 1,000 requests",
        ),
        row(
            "median latency",
            of.latency_p50_ms,
            &|ms| format!("{ms:+.0}"),
            "ms",
        ),
    ]
}

fn signed_dollars(usd: f64) -> String {
    let sign = if usd < 0.0 { "-" } else { "+" };
    format!("{sign}{}", dollars(usd.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::replay::fixture;

    #[test]
    fn the_blocks_are_told_apart() {
        let text = render(&fixture::estimated(), Window::ALL, Style::default());
        assert_eq!(
            text,
            "essay@2#0123456789ab over 10,000 requests, everything stored
recorded decisions: 9,000 as the policy says, 700 by a logged coin, 3 by another rule, 72 with a model that nothing explains, 25 lack signals that would change the tier, 200 under no policy whose text is known

CERTAIN: 410 of 10,000 requests (4.1%) go to another tier
        410  tier fast -> standard
        410  rule well-grounded -> thin-evidence
        410  of 1,598 grounded_answer (25.7%)
         12  cannot be decided, signals are missing: fast or standard

PRICED, if the new model writes as much: +$1.20 to +$3.40 for the first calls of 380 changed requests

ESTIMATED, doubly robust, 95% intervals, from 64 changed requests that ran on their new tier
  first pass          +20.0  (+10.0 to +30.0) per 1,000 requests
  escalated           -30.0  (-40.0 to -20.0) per 1,000 requests
  corrected      not logged
  cost               +$1.10  (+$0.900 to +$1.30) per 1,000 requests
  median latency       +120  (+80 to +160) ms

NEVER KNOWABLE from a log
  how users behave after other answers than those they got
  session_fallbacks of the 1204 requests that come after a changed one in their session
  rate limits and caches under another load
  prices and models that changed meanwhile
"
        );
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        let text = render(&fixture::refused(), Window::ALL, Style::default());
        assert!(
            text.contains("ESTIMATED: nothing, not enough evidence: 16 of 410 changed"),
            "{text}"
        );
        assert!(text.contains("PRICED, if the new model writes as much: not known, no changed"));
        assert!(!text.contains("session_fallbacks"));
    }
}

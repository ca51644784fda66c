//! One decision beside its policy: what was asked, its calls added up, how it compares, what came of it. Shared by the
//! explain page and `explain`.

use super::line::Weight;
use crate::app::units;
use crate::model::{Micros, NanoUsd, Timestamp};
use crate::stats::{Comparison, DirectStart, Explanation, Hop};

/// Returns class and signals by name, with `unknown` for each that the log lacks, the policy's own among them.
pub fn asked(of: &Explanation) -> Vec<(&str, &str)> {
    let class = ("task_class", of.task_class.as_deref().unwrap_or("unknown"));
    let signals = of
        .signals
        .iter()
        .map(|row| (&*row.name, row.value.as_deref().unwrap_or("unknown")));
    let unlisted = of.unlisted().map(|name| (name, "unknown"));
    std::iter::once(class)
        .chain(signals)
        .chain(unlisted)
        .collect()
}

/// Says what is known of a call beside its model, outcome, latency and cost; `totals` are those up to its end.
pub fn call_in_words(
    hop: &Hop,
    totals: (Option<Micros>, Option<NanoUsd>),
    with_totals: bool,
) -> String {
    let mut parts = Vec::new();
    if let Some(tier) = &hop.tier {
        parts.push(format!("tier {tier}"));
    }
    if let Some(provider) = &hop.provider {
        parts.push(format!("at {provider}"));
    }
    if hop.input_tokens.is_some() || hop.output_tokens.is_some() {
        let count = |tokens: Option<u32>| {
            tokens.map_or_else(|| "--".to_owned(), |tokens| tokens.to_string())
        };
        let (sent, received) = (count(hop.input_tokens), count(hop.output_tokens));
        parts.push(format!("{sent} tokens in, {received} out"));
    }
    let (time, cost) = totals;
    let totals: Vec<String> = time
        .map(units::span)
        .into_iter()
        .chain(cost.map(|cost| units::usd(cost.as_usd())))
        .collect();
    if with_totals && !totals.is_empty() {
        parts.push(format!("{} so far", totals.join(" and ")));
    }
    parts.join("; ")
}

fn group(count: u64, of: &Comparison) -> String {
    format!(
        "{} other requests ({}, within {})",
        units::count(count),
        of.alike.words(),
        units::whole_span(of.reach)
    )
}

/// Says how usual its latency, cost and calls are.
pub fn normal_in_words(of: &Explanation) -> String {
    let normal = &of.normal;
    let took = of.latency.map_or_else(
        || "latency unknown".to_owned(),
        |own| format!("latency {}", units::span(own)),
    );
    let cost = match of.cost {
        Some(own) => format!(
            "cost {}",
            units::cost(Some(own.as_usd()), of.is_cost_estimated)
        ),
        None => "cost unknown".to_owned(),
    };
    if !normal.is_enough() {
        return format!(
            "{took}, {cost}; too few to compare ({})",
            normal.compared_with
        );
    }
    let place = |at: Option<f64>| at.map_or_else(String::new, |at| format!(" = p{at:.0}"));
    let mut parts = vec![
        format!("{took}{}", place(normal.latency_percentile)),
        format!("{cost}{}", place(normal.cost_percentile)),
    ];
    // All of them needed at least one.
    if let Some(share) = normal.attempts_share.filter(|_| of.attempts.len() > 1) {
        parts.push(format!(
            "{} attempts: {share:.0}% need as many",
            of.attempts.len()
        ));
    }
    format!(
        "{}; of {}",
        parts.join(", "),
        group(normal.compared_with, normal)
    )
}

/// Says what a start on the model that answered would have been like; `None`: it did start there.
pub fn direct_in_words(of: &Explanation) -> Option<String> {
    let DirectStart {
        model,
        latency,
        cost,
        compared_with,
        alike,
    } = of.direct.as_ref()?;
    let figures: Vec<String> = latency
        .map(|latency| format!("taken about {}", units::span(latency)))
        .into_iter()
        .chain(cost.map(|cost| {
            let usd = units::cost(Some(cost.as_usd()), of.is_cost_estimated);
            format!("cost about {usd}")
        }))
        .collect();
    if figures.is_empty() {
        return Some(format!(
            "too few started on {model} to tell what that would have been ({compared_with})"
        ));
    }
    Some(format!(
        "a direct start on {model} would have {}: medians of {} ({})",
        figures.join(" and "),
        units::count(*compared_with),
        alike.words()
    ))
}

/// Says what came of it, and what else in its session.
pub fn consequence_in_words(of: &Explanation, now: Timestamp) -> String {
    let own = match &of.correction {
        Some((kind, by, after)) => {
            let after = after.map_or_else(String::new, |after| {
                format!(" after {}", units::span(after))
            });
            format!("corrected by {}: {}{after}", by.word(), kind.word())
        }
        None if of.state == "open" => open_in_words(of, now),
        None if !of.corrections_known => "corrections are not logged by this source".to_owned(),
        None => "not corrected so far".to_owned(),
    };
    match of.session.map_or(0, |session| session.other_corrections) {
        0 => own,
        1 => format!("{own}; 1 other correction in this session"),
        others => format!("{own}; {others} other corrections in this session"),
    }
}

fn open_in_words(of: &Explanation, now: Timestamp) -> String {
    let own = format!("open for {}", units::age(now.since(of.ts)));
    match of.normal.latency_p95.filter(|_| of.normal.is_enough()) {
        Some(usual) => format!(
            "{own}; 95% of {} finish within {}",
            group(of.normal.compared_with, &of.normal),
            units::span(usual)
        ),
        None => own,
    }
}

/// Says where in its session it stands; `None`: no session is logged.
pub fn session_in_words(of: &Explanation) -> Option<String> {
    let session = of.session?;
    Some(format!("session {} of {}", session.place, session.of))
}

/// Returns what asks for attention about the steps of the chain: those cut off, a loop, those that the log hides.
pub fn beside_the_chain(of: &Explanation) -> Vec<(String, Weight)> {
    let mut lines = Vec::new();
    let left = of.attempts.len().saturating_sub(Explanation::LISTED_MAX);
    if left > 0 {
        lines.push((format!("and {left} more attempts"), Weight::Plain));
    }
    if let Some(model) = of.loop_over() {
        let text = format!("loop: {model} was asked again after an escalation from it");
        lines.push((text, Weight::Watch));
    }
    if of.has_hidden_attempts {
        let text = "the log tells of an attempt that it does not list".to_owned();
        lines.push((text, Weight::Plain));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, explained};
    use crate::stats::{Alike, SessionPlace};
    use std::sync::Arc;

    fn alike() -> Alike {
        Alike {
            by_class: true,
            by_length: true,
        }
    }

    #[test]
    fn what_is_unusual_is_told_with_its_n_and_window() {
        let mut of = explained();
        of.normal = Comparison {
            latency_percentile: Some(93.2),
            cost_percentile: Some(97.0),
            attempts_share: Some(14.0),
            latency_p95: Some(Micros(12_000_000)),
            compared_with: 412,
            alike: alike(),
            reach: Micros::HOUR.times(6),
        };
        assert_eq!(
            normal_in_words(&of),
            "latency 2.9s = p93, cost $0.0041 = p97, 2 attempts: 14% need as many; \
             of 412 other requests (same route, class and length, within 6h)"
        );
        of.state = "open";
        of.ts = NOW.minus(Micros::SECOND.times(41));
        assert_eq!(
            consequence_in_words(&of, NOW),
            "open for 40s; 95% of 412 other requests (same route, class and length, within 6h) finish within 12.0s"
        );
        of.normal.compared_with = 7;
        assert!(normal_in_words(&of).ends_with("too few to compare (7)"));
        assert_eq!(consequence_in_words(&of, NOW), "open for 40s");
    }

    #[test]
    fn a_direct_start_is_about_a_median_or_not_told() {
        let mut of = explained();
        of.direct = Some(DirectStart {
            model: Arc::from("mid-70b"),
            latency: Some(Micros(2_400_000)),
            cost: Some(NanoUsd(3_000_000)),
            compared_with: 64,
            alike: alike(),
        });
        assert_eq!(
            direct_in_words(&of).unwrap(),
            "a direct start on mid-70b would have taken about 2.4s and cost about $0.0030: \
             medians of 64 (same route, class and length)"
        );
        of.direct = of.direct.map(|direct| DirectStart {
            latency: None,
            cost: None,
            compared_with: 3,
            ..direct
        });
        let text = direct_in_words(&of).unwrap();
        assert!(text.starts_with("too few started on mid-70b"), "{text}");
    }

    #[test]
    fn unknown_is_said_of_every_signal_that_the_log_lacks() {
        let mut of = explained();
        of.judgement.missing = vec![
            "task_class".to_owned(),
            "retrieval_confidence".to_owned(),
            "toxicity".to_owned(),
        ];
        let unknown: Vec<&str> = asked(&of)
            .into_iter()
            .filter(|row| row.1 == "unknown")
            .map(|row| row.0)
            .collect();
        assert_eq!(unknown, ["task_class", "retrieval_confidence", "toxicity"]);
    }

    #[test]
    fn other_corrections_of_the_session_are_counted() {
        let mut of = explained();
        assert_eq!(session_in_words(&of), None);
        of.session = Some(SessionPlace {
            place: 9,
            of: 12,
            other_corrections: 2,
        });
        assert_eq!(session_in_words(&of).unwrap(), "session 9 of 12");
        assert_eq!(
            consequence_in_words(&of, NOW),
            "not corrected so far; 2 other corrections in this session"
        );
    }

    #[test]
    fn totals_run_up_to_each_call() {
        let of = explained();
        let totals = of.running_totals();
        assert_eq!(
            call_in_words(&of.attempts[1], totals[1], true),
            "412 tokens in, 88 out; 2.9s and $0.0041 so far"
        );
        let mut unknown = of.clone();
        unknown.attempts[0].cost = None;
        assert_eq!(unknown.running_totals()[1], (Some(Micros(2_900_000)), None));
    }
}

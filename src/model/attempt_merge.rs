//! Joins two accounts of one call to a model.
//!
//! A trace tells of a call twice: the router's span says when and from which group a deployment was
//! chosen, the call's own span how it went, and either may come first. What one of them only infers
//! yields to what the other saw, so that the order of arrival does not matter.

use super::{Attempt, AttemptOutcome, Timestamp};

/// Whether two accounts can both be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accounts {
    /// They can.
    Agree,
    /// They cannot; the first one counts.
    Differ,
}

/// Keeps the first value; a different second one is reported.
pub(super) fn keep<T: PartialEq>(into: &mut Option<T>, other: Option<T>, conflict: impl FnOnce()) {
    match (into.as_ref(), other) {
        (None, other) => *into = other,
        (Some(known), Some(other)) if *known != other => conflict(),
        _ => {}
    }
}

/// Adds what `other` knows to `known`; both are about the same call.
pub(super) fn merge_accounts(known: &mut Attempt, mut other: Attempt) -> Accounts {
    settle_inferred_ending(known, &mut other);
    settle_inferred_model(known, &mut other);
    settle_start(known, &mut other);
    let mut differs = known.model != other.model || known.outcome != other.outcome;
    let mut differ = || differs = true;
    keep(&mut known.start, other.start, &mut differ);
    keep(&mut known.tier, other.tier, &mut differ);
    keep(&mut known.provider, other.provider, &mut differ);
    keep(&mut known.reason, other.reason, &mut differ);
    keep(&mut known.latency, other.latency, &mut differ);
    keep(&mut known.ttft, other.ttft, &mut differ);
    keep(&mut known.input_tokens, other.input_tokens, &mut differ);
    keep(&mut known.output_tokens, other.output_tokens, &mut differ);
    keep(&mut known.cost, other.cost, &mut differ);
    if differs {
        Accounts::Differ
    } else {
        Accounts::Agree
    }
}

/// A failure without a reason, in a log that does not number attempts, is inferred from the attempt
/// that followed; so is that it cost nothing.
fn settle_inferred_ending(known: &mut Attempt, other: &mut Attempt) {
    let is_inferred = |attempt: &Attempt| {
        attempt.n == 0 && attempt.outcome == AttemptOutcome::Error && attempt.reason.is_none()
    };
    match (is_inferred(known), is_inferred(other)) {
        (true, false) => yield_ending(known, other),
        (false, true) => yield_ending(other, known),
        _ => {}
    }
}

fn yield_ending(inferred: &mut Attempt, seen: &Attempt) {
    inferred.outcome = seen.outcome;
    if seen.cost.is_some() || !seen.outcome.is_unavailable() {
        inferred.cost = seen.cost;
    }
}

/// A model that bears the name of its tier is only known by the group it was chosen from.
fn settle_inferred_model(known: &mut Attempt, other: &mut Attempt) {
    let is_group = |attempt: &Attempt| attempt.n == 0 && attempt.tier == Some(attempt.model);
    match (is_group(known), is_group(other)) {
        (true, false) => known.model = other.model,
        (false, true) => other.model = known.model,
        _ => {}
    }
}

/// Of two starts the later one counts: a span may open before the call it tells of, e.g. with the
/// first of several retries. The end stays where it is; of two different ones the later counts. The
/// time to the first token is that of the call, whenever its span opened.
fn settle_start(known: &mut Attempt, other: &mut Attempt) {
    let (Some(first), Some(second)) = (known.start, other.start) else {
        return;
    };
    if first == second {
        return;
    }
    let start = first.max(second);
    count_from(known, start);
    count_from(other, start);
    if let (Some(known), Some(other)) = (&mut known.latency, &mut other.latency) {
        let later = (*known).max(*other);
        (*known, *other) = (later, later);
    }
}

/// Counts the latency of an attempt from a later start; what would end before it is unknown.
fn count_from(attempt: &mut Attempt, start: Timestamp) {
    let Some(old) = attempt.start.replace(start) else {
        return;
    };
    attempt.latency = attempt.latency.and_then(|latency| {
        let end = old.plus(latency);
        (end >= start).then(|| end.since(start))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Micros, Name, Names, NanoUsd};

    fn name(text: &str) -> Name {
        let texts = ["standard", "gpt-4.1", "Timeout"].map(std::sync::Arc::from);
        Names::from_texts(texts).find(text).unwrap()
    }

    /// What the router's span knows of a call that another followed.
    fn chosen() -> Attempt {
        Attempt {
            key: 7,
            tier: Some(name("standard")),
            start: Some(Timestamp(1_000)),
            cost: Some(NanoUsd(0)),
            ..Attempt::new(name("standard"), AttemptOutcome::Error)
        }
    }

    /// What the call's own span knows; it opened with an earlier retry.
    fn seen() -> Attempt {
        Attempt {
            key: 7,
            tier: Some(name("standard")),
            start: Some(Timestamp(400)),
            reason: Some(name("Timeout")),
            latency: Some(Micros(1_600)),
            ttft: Some(Micros(900)),
            cost: Some(NanoUsd(5)),
            ..Attempt::new(name("gpt-4.1"), AttemptOutcome::Timeout)
        }
    }

    #[test]
    fn what_is_inferred_yields_to_what_was_seen_in_either_order() {
        for (first, second) in [(chosen(), seen()), (seen(), chosen())] {
            let mut whole = first;
            assert_eq!(merge_accounts(&mut whole, second), Accounts::Agree);
            assert_eq!(whole.model, name("gpt-4.1"));
            assert_eq!(whole.outcome, AttemptOutcome::Timeout);
            assert_eq!(whole.cost, Some(NanoUsd(5)));
            assert_eq!(whole.start, Some(Timestamp(1_000)));
            assert_eq!(whole.latency, Some(Micros(1_000)), "the end stays at 2,000");
            assert_eq!(whole.ttft, Some(Micros(900)));
            for again in [chosen(), seen()] {
                let before = whole.clone();
                assert_eq!(merge_accounts(&mut whole, again), Accounts::Agree);
                assert_eq!(whole, before, "the same again changes nothing");
            }
        }
    }

    #[test]
    fn an_end_before_the_start_is_unknown() {
        let mut whole = chosen();
        let early = Attempt {
            latency: Some(Micros(500)),
            ..seen()
        };
        merge_accounts(&mut whole, early);
        assert_eq!(whole.latency, None);
    }

    #[test]
    fn numbered_attempts_infer_nothing() {
        let mut whole = Attempt { n: 1, ..chosen() };
        let other = Attempt { n: 1, ..seen() };
        assert_eq!(merge_accounts(&mut whole, other), Accounts::Differ);
        assert_eq!(whole.model, name("standard"));
        assert_eq!(whole.outcome, AttemptOutcome::Error);
    }
}

//! Joins two records of the same request, in whatever order they arrived.
//!
//! The first account of a fact counts; a different one is kept as a [`Conflict`]. Leaving conflicts
//! aside the result does not depend on the order of arrival, so that late and shuffled logs give the
//! same totals as ordered ones.

use super::attempt_merge::{Accounts, keep, merge_accounts};
use super::{
    Attempt, AttemptOutcome, Correction, Flags, Logged, Name, Outcome, Request, SignalValue,
    Signals,
};

/// A second, different account of a known fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The fact, e.g. `route` or `attempt 2`.
    pub field: String,
}

/// What joining did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// Nothing new: the same facts again.
    Duplicate,
    /// Something was added.
    Changed,
    /// Nothing was added but a different account was seen.
    Conflict,
}

/// Adds what `other` knows to `into`; both are about the same request.
///
/// Different accounts of a known fact are appended to `conflicts` and set [`Flags::CONFLICT`].
pub fn merge(into: &mut Request, other: Request, conflicts: &mut Vec<Conflict>) -> Merged {
    let before = into.clone();
    let conflicts_before = conflicts.len();
    if is_only_later_facts(into) && !is_only_later_facts(&other) {
        into.format = other.format;
    }
    let mut other = other;
    prefer_logged_costs(into, &mut other);
    merge_time_and_route(into, &other, conflicts);
    let mut note = |field: &str| {
        conflicts.push(Conflict {
            field: field.to_owned(),
        });
    };
    keep(&mut into.session, other.session, || note("session_id"));
    keep(&mut into.task_class, other.task_class, || {
        note("task_class");
    });
    keep(&mut into.policy, other.policy, || note("policy"));
    keep(&mut into.rule, other.rule, || note("rule"));
    keep(&mut into.tier, other.tier, || note("tier"));
    keep(&mut into.model, other.model, || note("model"));
    keep(&mut into.reason, other.reason, || note("reason"));
    keep(&mut into.propensity, other.propensity, || {
        note("propensity");
    });
    keep(&mut into.recorded, other.recorded, || note("recorded"));
    keep(&mut into.stamped_latency, other.stamped_latency, || {
        note("latency");
    });
    merge_correction(&mut into.correction, other.correction, || {
        note("correction");
    });
    merge_signals(&mut into.signals, other.signals, &mut note);
    if into.candidates.is_empty() {
        into.candidates = other.candidates;
    }
    merge_attrs(into, other.attrs);
    for attempt in other.attempts {
        merge_attempt(into, attempt, &mut note);
    }
    into.attempts.sort_by_key(order_of);
    merge_outcome(into, other.outcome, other.flags, &mut note);
    let merged_flags = Flags::BAD_NUMBER
        | Flags::ODD_CLOCK
        | Flags::CONFLICT
        | Flags::CORRECTABLE
        | Flags::FALLBACK_HINT
        | Flags::ESCALATED_HINT
        | Flags::COST_ESTIMATED;
    into.flags.set(Flags(other.flags.0 & merged_flags.0));
    if conflicts.len() > conflicts_before {
        into.flags.set(Flags::CONFLICT);
    }
    let mut settled = before;
    settled
        .flags
        .set(Flags(into.flags.0 & (Flags::CONFLICT | Flags::MERGED).0));
    settled.attrs.sort_unstable();
    if *into != settled {
        into.flags.set(Flags::MERGED);
        Merged::Changed
    } else if conflicts.len() > conflicts_before {
        Merged::Conflict
    } else {
        Merged::Duplicate
    }
}

fn merge_attrs(into: &mut Request, attrs: impl IntoIterator<Item = (Name, Name)>) {
    for (name, value) in attrs {
        if !into.attrs.iter().any(|(known, _)| *known == name) {
            into.attrs.push((name, value));
        }
    }
    into.attrs.sort_unstable();
}

/// The order of attempts; of those that began at once, an answer comes last. Their keys are random numbers,
/// which must decide only where nothing else does.
fn order_of(attempt: &Attempt) -> impl Ord + use<> {
    let is_answer = attempt.outcome == AttemptOutcome::Ok;
    let (model, latency) = (attempt.model, attempt.latency);
    (
        attempt.n,
        attempt.start,
        is_answer,
        latency,
        model,
        attempt.key,
    )
}

/// A cost that a log tells beats one that was estimated from prices, whichever came first.
fn prefer_logged_costs(into: &mut Request, other: &mut Request) {
    let is_estimate = |request: &Request| request.flags.has(Flags::COST_ESTIMATED);
    let (estimate, logged) = match (is_estimate(into), is_estimate(other)) {
        (true, false) => (into, &*other),
        (false, true) => (other, &*into),
        _ => return,
    };
    let mut is_left = false;
    for attempt in &mut estimate.attempts {
        let mut twins = logged.attempts.iter();
        let twin = twins.find(|known| is_same_call(known, attempt));
        match twin.and_then(|twin| twin.cost) {
            Some(cost) => attempt.cost = Some(cost),
            None => is_left |= attempt.cost.is_some(),
        }
    }
    if !is_left {
        estimate.flags.clear(Flags::COST_ESTIMATED);
    }
}

/// Tells whether two accounts are of one call.
fn is_same_call(one: &Attempt, other: &Attempt) -> bool {
    (one.n > 0 && one.n == other.n) || (one.key != 0 && one.key == other.key)
}

/// Tells whether nothing of the way to the answer is known, e.g. only a correction: its log need not
/// be the one that tells the rest, whose format counts.
fn is_only_later_facts(request: &Request) -> bool {
    request.route.is_none() && request.outcome.is_none() && request.attempts.is_empty()
}

/// The arrival beats any later time, else the earliest time counts; the route of a decision beats
/// the group of an attempt, else the group of the earlier attempt counts.
fn merge_time_and_route(into: &mut Request, other: &Request, conflicts: &mut Vec<Conflict>) {
    let mut note = |field: &str| {
        conflicts.push(Conflict {
            field: field.to_owned(),
        });
    };
    let is_earlier = other.ts < into.ts;
    match (into.route, other.route) {
        (None, Some(_)) => {
            into.route = other.route;
            copy_flag(into, other.flags, Flags::ROUTE_WEAK);
        }
        (Some(known), Some(route)) => {
            let weak = (
                into.flags.has(Flags::ROUTE_WEAK),
                other.flags.has(Flags::ROUTE_WEAK),
            );
            let replaces = matches!(weak, (true, false)) || (weak == (true, true) && is_earlier);
            if replaces {
                into.route = Some(route);
                copy_flag(into, other.flags, Flags::ROUTE_WEAK);
            } else if weak == (false, false) && known != route {
                note("route");
            }
        }
        (_, None) => {}
    }
    let known = (
        into.flags.has(Flags::ARRIVAL_KNOWN),
        other.flags.has(Flags::ARRIVAL_KNOWN),
    );
    match known {
        (false, true) => {
            into.ts = other.ts;
            into.flags.set(Flags::ARRIVAL_KNOWN);
        }
        (false, false) if is_earlier => into.ts = other.ts,
        (true, true) if into.ts != other.ts => note("ts"),
        _ => {}
    }
}

fn copy_flag(into: &mut Request, from: Flags, flag: Flags) {
    into.flags.clear(flag);
    into.flags.set(Flags(from.0 & flag.0));
}

/// A correction without details (a bare `corrected` flag) is filled by one that has them. Of several
/// that differ only in when they came, e.g. told by each line of a request that repeats another, the
/// earliest counts.
fn merge_correction(
    into: &mut Option<Correction>,
    other: Option<Correction>,
    conflict: impl FnOnce(),
) {
    let is_bare = |c: Correction| c.ts.is_none() && c.after.is_none();
    match (*into, other) {
        (None, Some(_)) => *into = other,
        (Some(known), Some(new)) if is_bare(known) && !is_bare(new) => *into = other,
        (Some(known), Some(new))
            if known.ts.is_some()
                && new.ts.is_some()
                && Correction {
                    ts: new.ts,
                    ..known
                } == new =>
        {
            *into = if new.ts < known.ts { other } else { *into };
        }
        (Some(known), Some(new)) if known != new && !is_bare(new) => conflict(),
        _ => {}
    }
}

fn merge_signals(into: &mut Signals, other: Signals, note: &mut impl FnMut(&str)) {
    log_first(
        &mut into.retrieval_confidence,
        other.retrieval_confidence,
        "retrieval_confidence",
        note,
    );
    log_first(
        &mut into.input_complexity,
        other.input_complexity,
        "input_complexity",
        note,
    );
    log_first(
        &mut into.tools_required,
        other.tools_required,
        "tools_required",
        note,
    );
    log_first(
        &mut into.format_strictness,
        other.format_strictness,
        "format_strictness",
        note,
    );
    log_first(&mut into.user_tier, other.user_tier, "user_tier", note);
    log_first(
        &mut into.session_fallbacks,
        other.session_fallbacks,
        "session_fallbacks",
        note,
    );
    for (name, value) in other.others {
        match into.others.iter_mut().find(|(known, _)| *known == name) {
            None => into.others.push((name, value)),
            Some((_, known)) if *known == SignalValue::Null => *known = value,
            Some((_, known)) if *known != value && value != SignalValue::Null => note("signals"),
            Some(_) => {}
        }
    }
    into.others.sort_by_key(|(name, _)| *name);
}

fn log_first<T: PartialEq + Copy>(
    into: &mut Logged<T>,
    other: Logged<T>,
    field: &str,
    note: &mut impl FnMut(&str),
) {
    match (*into, other) {
        (Logged::Absent, _) | (Logged::Null, Logged::Value(_)) => *into = other,
        (Logged::Value(known), Logged::Value(new)) if known != new => note(field),
        _ => {}
    }
}

fn merge_attempt(into: &mut Request, attempt: Attempt, note: &mut impl FnMut(&str)) {
    let same = |known: &&mut Attempt| is_same_call(known, &attempt);
    match into.attempts.iter_mut().find(same) {
        None => into.attempts.push(attempt),
        Some(known) => {
            let field = match attempt.n {
                0 => "attempt".to_owned(),
                n => format!("attempt {n}"),
            };
            if merge_accounts(known, attempt) == Accounts::Differ {
                note(&field);
            }
        }
    }
}

/// A final outcome beats a provisional one; of two provisional ones an answer beats a caller that
/// went away, and that beats a failure.
fn merge_outcome(
    into: &mut Request,
    other: Option<Outcome>,
    other_flags: Flags,
    note: &mut impl FnMut(&str),
) {
    let Some(outcome) = other else { return };
    let provisional = Flags::OUTCOME_PROVISIONAL;
    let weak = (into.flags.has(provisional), other_flags.has(provisional));
    match into.outcome {
        None => {
            into.outcome = Some(outcome);
            copy_flag(into, other_flags, provisional);
        }
        Some(known) if known == outcome => {
            if !weak.1 {
                into.flags.clear(provisional);
            }
        }
        Some(known) => match weak {
            (true, false) => {
                into.outcome = Some(outcome);
                into.flags.clear(provisional);
            }
            (true, true) if is_stronger(outcome, known) => into.outcome = Some(outcome),
            (false, false) => note("outcome"),
            _ => {}
        },
    }
}

fn is_stronger(outcome: Outcome, known: Outcome) -> bool {
    outcome == Outcome::Completed || known == Outcome::Failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AttemptOutcome, CorrectionBy, CorrectionKind, Micros, Name, Names, NanoUsd, RequestId,
        Timestamp,
    };
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        let mut names = Names::from_texts(
            ["support", "fast", "small-1", "large-1", "other"].map(std::sync::Arc::from),
        );
        names.intern(text)
    }

    fn bare(ts: i64) -> Request {
        Request::new(RequestId::try_from_text("r-1").unwrap(), Timestamp(ts))
    }

    /// The facts of one request as separate lines.
    fn facts() -> Vec<Request> {
        let mut decision = bare(1_000);
        decision.flags = Flags::ARRIVAL_KNOWN | Flags::CORRECTABLE;
        decision.route = Some(name("support"));
        decision.signals.user_tier = Logged::Value(name("fast"));
        let attempt = |n, model: &str, outcome| {
            let mut line = bare(1_000 + i64::from(n));
            let mut attempt = Attempt::new(name(model), outcome);
            attempt.n = n;
            attempt.latency = Some(Micros(10 * u64::from(n)));
            attempt.cost = Some(NanoUsd(5));
            line.attempts.push(attempt);
            line
        };
        let mut outcome = bare(1_100);
        outcome.outcome = Some(Outcome::Completed);
        let mut correction = bare(2_000);
        correction.correction = Some(Correction {
            kind: CorrectionKind::Edit,
            by: CorrectionBy::User,
            ts: Some(Timestamp(2_000)),
            after: None,
        });
        vec![
            decision,
            attempt(1, "small-1", AttemptOutcome::Escalated),
            attempt(2, "large-1", AttemptOutcome::Ok),
            outcome,
            correction,
        ]
    }

    fn join(lines: Vec<Request>) -> (Request, Vec<Conflict>) {
        let mut conflicts = Vec::new();
        let mut lines = lines.into_iter();
        let mut whole = lines.next().unwrap();
        for line in lines {
            merge(&mut whole, line, &mut conflicts);
        }
        (whole, conflicts)
    }

    #[test]
    fn of_attempts_that_began_at_once_the_answer_is_last_whatever_their_keys() {
        for (failed, answered) in [(1, 2), (2, 1)] {
            let mut names = crate::model::Names::default();
            let mut of = |model: &str, outcome, key| {
                let id = crate::model::RequestId::try_from_text("r-1").unwrap();
                let mut request = Request::new(id, crate::model::Timestamp(5));
                let mut attempt = Attempt::new(names.intern(model), outcome);
                attempt.start = Some(crate::model::Timestamp(5));
                attempt.key = key;
                request.attempts.push(attempt);
                request
            };
            let mut whole = of("b", AttemptOutcome::Ok, answered);
            let other = of("a", AttemptOutcome::Error, failed);
            merge(&mut whole, other, &mut Vec::new());
            let outcomes: Vec<_> = whole.attempts.iter().map(|a| a.outcome).collect();
            assert_eq!(outcomes, [AttemptOutcome::Error, AttemptOutcome::Ok]);
        }
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(order in Just(vec![0, 1, 2, 3, 4, 0, 1, 2, 3, 4]).prop_shuffle()) {
            let (expected, _) = join(facts());
            let lines = order.into_iter().map(|idx: usize| facts()[idx].clone()).collect();
            let (whole, conflicts) = join(lines);
            prop_assert_eq!(conflicts, vec![]);
            prop_assert_eq!(whole, expected);
        }
    }

    #[test]
    fn of_one_correction_told_twice_the_earliest_time_counts() {
        let correction = |ts: i64, kind| {
            let mut line = bare(ts);
            line.correction = Some(Correction {
                kind,
                by: CorrectionBy::User,
                ts: Some(Timestamp(ts)),
                after: None,
            });
            line
        };
        let first = correction(2_000, CorrectionKind::Edit);
        let again = correction(2_500, CorrectionKind::Edit);
        for lines in [
            vec![first.clone(), again.clone()],
            vec![again, first.clone()],
        ] {
            let (whole, conflicts) = join(lines);
            assert_eq!((whole.correction, conflicts), (first.correction, vec![]));
        }
        let (_, conflicts) = join(vec![first, correction(2_500, CorrectionKind::Takeover)]);
        assert_eq!(conflicts.len(), 1);
    }

    #[test]
    fn a_logged_cost_beats_an_estimated_one_in_either_order() {
        let line = |n: u16, cost: i64, is_estimate: bool| {
            let mut line = facts()[usize::from(n)].clone();
            line.attempts[0].cost = Some(NanoUsd(cost));
            if is_estimate {
                line.flags.set(Flags::COST_ESTIMATED);
            }
            line
        };
        let (estimate, logged) = (line(1, 7, true), line(1, 5, false));
        for lines in [
            vec![estimate.clone(), logged.clone()],
            vec![logged.clone(), estimate.clone()],
        ] {
            let (whole, conflicts) = join(lines);
            assert_eq!((whole.cost(), conflicts), (Some(NanoUsd(5)), vec![]));
            assert!(!whole.flags.has(Flags::COST_ESTIMATED));
        }
        let other = line(2, 3, true);
        for lines in [vec![other.clone(), logged.clone()], vec![logged, other]] {
            let (whole, conflicts) = join(lines);
            assert_eq!((whole.cost(), conflicts), (Some(NanoUsd(8)), vec![]));
            assert!(whole.flags.has(Flags::COST_ESTIMATED));
        }
    }

    #[test]
    fn the_same_again_is_a_duplicate() {
        let (mut whole, _) = join(facts());
        for line in facts() {
            assert_eq!(merge(&mut whole, line, &mut Vec::new()), Merged::Duplicate);
        }
    }

    #[test]
    fn the_first_account_counts_and_the_other_is_a_conflict() {
        let (mut whole, _) = join(facts());
        let mut other = facts()[0].clone();
        other.route = Some(name("other"));
        let mut conflicts = Vec::new();
        assert_eq!(merge(&mut whole, other, &mut conflicts), Merged::Conflict);
        assert_eq!(
            conflicts,
            [Conflict {
                field: "route".to_owned()
            }]
        );
        assert_eq!(whole.route, Some(name("support")));
        assert!(whole.flags.has(Flags::CONFLICT));
    }

    #[test]
    fn an_answer_after_a_provisional_failure_counts() {
        let mut failure = bare(1_000);
        failure.outcome = Some(Outcome::Failed);
        failure.flags = Flags::OUTCOME_PROVISIONAL | Flags::ROUTE_WEAK;
        failure.route = Some(name("support"));
        let mut success = bare(2_000);
        success.outcome = Some(Outcome::Completed);
        success.flags = Flags::OUTCOME_PROVISIONAL | Flags::ROUTE_WEAK;
        success.route = Some(name("other"));
        for lines in [
            vec![failure.clone(), success.clone()],
            vec![success, failure],
        ] {
            let (whole, conflicts) = join(lines);
            assert_eq!(whole.outcome, Some(Outcome::Completed));
            for (known, other) in [
                (Outcome::Failed, Outcome::Cancelled),
                (Outcome::Cancelled, Outcome::Failed),
            ] {
                let mut into = bare(1_000);
                into.flags = Flags::OUTCOME_PROVISIONAL;
                into.outcome = Some(known);
                merge_outcome(
                    &mut into,
                    Some(other),
                    Flags::OUTCOME_PROVISIONAL,
                    &mut |_| {},
                );
                assert_eq!(into.outcome, Some(Outcome::Cancelled));
            }
            assert_eq!(
                whole.route,
                Some(name("support")),
                "the earlier attempt's group"
            );
            assert_eq!(conflicts, []);
        }
    }
}

//! Fills what a format could not tell from what the mapping finds.

use super::view::{Unreadable, View, number};
use crate::config::{AttemptMap, Lookup, Measure, MoneyUnit};
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, whole};
use crate::model::{
    Attempt, AttemptOutcome, Flags, Logged, Name, NanoUsd, Outcome, Request, RequestId, SessionKey,
    SignalValue, Signals,
};

/// Adds to `request` what the mapping finds and the request does not know; with `override` also
/// what it knows otherwise. A request of several attempts keeps them as they are.
pub(crate) fn fill(scratch: &mut Scratch, view: &View<'_, '_>, request: &mut Request) {
    let map = &view.plan.mapping;
    identity(view, request);
    if request.flags.has(Flags::ROUTE_WEAK)
        && let Some(route) = name(scratch, view, map.route.as_ref())
    {
        request.route = Some(route);
        request.flags.clear(Flags::ROUTE_WEAK);
    }
    if (request.session.is_none() || map.is_override)
        && let Some(text) = map.session_id.as_ref().and_then(|at| view.text(at))
    {
        request.session = Some(SessionKey(scratch.key.hash(text.as_bytes())));
    }
    for (into, at) in [
        (&mut request.route, &map.route),
        (&mut request.task_class, &map.task_class),
        (&mut request.policy, &map.policy),
        (&mut request.rule, &map.rule),
        (&mut request.tier, &map.tier),
        (&mut request.model, &map.model),
        (&mut request.reason, &map.reason),
    ] {
        put(into, map.is_override, || name(scratch, view, at.as_ref()));
    }
    let flags = &mut request.flags;
    put(&mut request.outcome, map.is_override, || {
        view.meaning(map.outcome.as_ref(), Outcome::try_from_word)?
            .ok()
    });
    put(&mut request.stamped_latency, map.is_override, || {
        readable(view.span(map.latency.as_ref()), flags)
    });
    for (condition, flag) in [
        (&map.escalated, Flags::ESCALATED_HINT),
        (&map.fallback, Flags::FALLBACK_HINT),
    ] {
        if view.holds(condition.as_ref()) {
            flags.set(flag);
        }
    }
    for (key, at) in &map.signals {
        signal(scratch, view, request, key, at);
    }
    for (key, at) in &map.attrs {
        attribute(scratch, view, request, key, at);
    }
    attempt(scratch, view, request);
}

/// An id and a time stand in every line of a known format: only `override` replaces them.
fn identity(view: &View<'_, '_>, request: &mut Request) {
    let map = &view.plan.mapping;
    if !map.is_override {
        return;
    }
    if let Some(Ok(ts)) = view.time(map.ts.as_ref()) {
        request.ts = ts;
    }
    if let Some(id) = id(view, map.request_id.as_ref()) {
        request.id = id;
        request.tie = None;
    }
}

/// Returns the id that a mapping finds.
pub(super) fn id(view: &View<'_, '_>, at: Option<&Lookup>) -> Option<RequestId> {
    RequestId::try_from_text(&view.text(at?)?)
}

/// Returns the name of a text, number or truth value.
pub(super) fn name(
    scratch: &mut Scratch,
    view: &View<'_, '_>,
    at: Option<&Lookup>,
) -> Option<Name> {
    scratch.name_of_any(&view.known(at)?)
}

fn put<T>(into: &mut Option<T>, is_override: bool, find: impl FnOnce() -> Option<T>) {
    if (into.is_none() || is_override)
        && let Some(found) = find()
    {
        *into = Some(found);
    }
}

/// Returns what can be read; what is there and cannot flags the event.
pub(super) fn readable<T>(found: Option<Result<T, Unreadable>>, flags: &mut Flags) -> Option<T> {
    let found = found?.ok();
    if found.is_none() {
        flags.set(Flags::BAD_NUMBER);
    }
    found
}

fn signal(
    scratch: &mut Scratch,
    view: &View<'_, '_>,
    request: &mut Request,
    key: &str,
    at: &Lookup,
) {
    let is_override = view.plan.mapping.is_override;
    let (signals, flags) = (&mut request.signals, &mut request.flags);
    let value = view.value(at);
    let share = |n: f64| (0.0..=1.0).contains(&n).then_some(n);
    match key {
        "retrieval_confidence" => {
            log(
                &mut signals.retrieval_confidence,
                is_override,
                &value,
                flags,
                |v| number(v).and_then(share),
            );
        }
        "input_complexity" => {
            log(
                &mut signals.input_complexity,
                is_override,
                &value,
                flags,
                |v| number(v).and_then(share),
            );
        }
        "session_fallbacks" => {
            log(
                &mut signals.session_fallbacks,
                is_override,
                &value,
                flags,
                |v| number(v).and_then(whole),
            );
        }
        "tools_required" => log(
            &mut signals.tools_required,
            is_override,
            &value,
            flags,
            truth,
        ),
        "format_strictness" => {
            log(
                &mut signals.format_strictness,
                is_override,
                &value,
                flags,
                |v| scratch.name_of_any(v),
            );
        }
        "user_tier" => {
            log(&mut signals.user_tier, is_override, &value, flags, |v| {
                scratch.name_of_any(v)
            });
        }
        _ => other_signal(scratch, signals, key, &value, is_override),
    }
}

/// Keeps a signal that is none of the six under its own name.
fn other_signal(
    scratch: &mut Scratch,
    signals: &mut Signals,
    key: &str,
    value: &Scalar<'_>,
    is_override: bool,
) {
    let value = match value {
        Scalar::Absent | Scalar::Nested => return,
        Scalar::Null => SignalValue::Null,
        Scalar::Bool(value) => SignalValue::Bool(*value),
        Scalar::Number(number) if number.is_finite() => SignalValue::Number(*number),
        Scalar::Number(_) => SignalValue::Null,
        Scalar::Text(text) => SignalValue::Text(scratch.intern(text)),
    };
    let key = scratch.intern(key);
    match signals.others.iter_mut().find(|(name, _)| *name == key) {
        None => signals.others.push((key, value)),
        Some(known) if is_override => known.1 = value,
        Some(_) => {}
    }
}

/// Logs a signal as a native line does: null decides like "not known", and so does what cannot be read.
fn log<T>(
    into: &mut Logged<T>,
    is_override: bool,
    value: &Scalar<'_>,
    flags: &mut Flags,
    read: impl FnOnce(&Scalar<'_>) -> Option<T>,
) {
    if !matches!(into, Logged::Absent) && !is_override {
        return;
    }
    *into = match value {
        Scalar::Absent => return,
        Scalar::Null => Logged::Null,
        value => read(value).map_or_else(
            || {
                flags.set(Flags::BAD_NUMBER);
                Logged::Null
            },
            Logged::Value,
        ),
    };
}

fn truth(value: &Scalar<'_>) -> Option<bool> {
    match value {
        Scalar::Bool(value) => Some(*value),
        Scalar::Number(number) => Some(*number != 0.0),
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn attribute(
    scratch: &mut Scratch,
    view: &View<'_, '_>,
    request: &mut Request,
    key: &str,
    at: &Lookup,
) {
    let Some(value) = name(scratch, view, Some(at)) else {
        return;
    };
    let key = scratch.intern(key);
    match request.attrs.iter_mut().find(|(known, _)| *known == key) {
        None => request.attrs.push((key, value)),
        Some(known) if view.plan.mapping.is_override => known.1 = value,
        Some(_) => {}
    }
}

/// Fills the only attempt, or makes one where the log has none and the mapping knows model and ending.
fn attempt(scratch: &mut Scratch, view: &View<'_, '_>, request: &mut Request) {
    let map = &view.plan.mapping.attempt;
    if request.attempts.is_empty()
        && let Some(model) = name(scratch, view, map.model.as_ref())
        && let Some(outcome) = ending(view, request.outcome)
    {
        request.attempts.push(Attempt::new(model, outcome));
    }
    let [only] = request.attempts.as_mut_slice() else {
        return;
    };
    facts(scratch, view, map, only, &mut request.flags);
}

/// Returns how the line's attempt ended, where the mapping says where that stands.
pub(super) fn attempt_outcome(view: &View<'_, '_>) -> Option<Result<AttemptOutcome, Unreadable>> {
    let words = view.plan.mapping.attempt.outcome.as_ref();
    view.meaning(words, AttemptOutcome::try_from_word)
}

fn ending(view: &View<'_, '_>, outcome: Option<Outcome>) -> Option<AttemptOutcome> {
    match attempt_outcome(view) {
        Some(found) => found.ok(),
        None => outcome.map(|outcome| match outcome {
            Outcome::Completed => AttemptOutcome::Ok,
            Outcome::Failed => AttemptOutcome::Error,
            Outcome::Cancelled => AttemptOutcome::Cancelled,
        }),
    }
}

fn facts(
    scratch: &mut Scratch,
    view: &View<'_, '_>,
    map: &AttemptMap,
    into: &mut Attempt,
    flags: &mut Flags,
) {
    let is_override = view.plan.mapping.is_override;
    if is_override {
        if let Some(model) = name(scratch, view, map.model.as_ref()) {
            into.model = model;
        }
        if let Some(Ok(outcome)) = attempt_outcome(view) {
            into.outcome = outcome;
        }
    }
    for (slot, at) in [
        (&mut into.provider, &map.provider),
        (&mut into.tier, &map.tier),
        (&mut into.reason, &map.reason),
    ] {
        put(slot, is_override, || name(scratch, view, at.as_ref()));
    }
    let n = view.number(map.n.as_ref());
    let n = readable(n.map(|n| n.and_then(|n| place(n).ok_or(Unreadable))), flags);
    if let Some(n) = n.filter(|_| into.n == 0 || is_override) {
        into.n = n;
    }
    put(&mut into.latency, is_override, || {
        readable(view.span(map.latency.as_ref()), flags)
    });
    put(&mut into.ttft, is_override, || {
        readable(view.span(map.ttft.as_ref()), flags)
    });
    for (slot, at) in [
        (&mut into.input_tokens, &map.input_tokens),
        (&mut into.output_tokens, &map.output_tokens),
    ] {
        put(slot, is_override, || {
            let number = view.number(at.as_ref());
            readable(
                number.map(|n| n.and_then(|n| whole(n).ok_or(Unreadable))),
                flags,
            )
        });
    }
    put(&mut into.cost, is_override, || {
        readable(cost(view, map.cost.as_ref()), flags)
    });
}

fn place(number: f64) -> Option<u16> {
    u16::try_from(whole(number)?).ok().filter(|n| *n > 0)
}

fn cost(
    view: &View<'_, '_>,
    measure: Option<&Measure<MoneyUnit>>,
) -> Option<Result<NanoUsd, Unreadable>> {
    let measure = measure?;
    let number = view.number(Some(&measure.at))?;
    let in_usd = match measure.unit {
        MoneyUnit::Usd => 1.0,
        MoneyUnit::Cents => 1e2,
        MoneyUnit::MicroUsd => 1e6,
    };
    Some(number.and_then(|number| NanoUsd::try_from_usd(number / in_usd).ok_or(Unreadable)))
}

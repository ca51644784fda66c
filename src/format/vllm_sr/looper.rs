//! The chain of a looped decision: the router asks small models first and a larger one where the
//! confidence in the answer is too low (`looper/attempt_trace.go`, algorithm `confidence`).

use serde::Deserialize;
use smallvec::SmallVec;
use sonic_rs::LazyValue;

use super::wire::Record;
use crate::format::nested::items;
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, count, millis, usd};
use crate::model::{Attempt, AttemptOutcome, Flags, Micros};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Diagnostics<'a> {
    #[serde(borrow)]
    looper: Option<Trace<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Trace<'a> {
    #[serde(borrow)]
    algorithm: Scalar<'a>,
    attempts_truncated: Scalar<'a>,
    attempts: Option<LazyValue<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Call<'a> {
    #[serde(borrow)]
    role: Scalar<'a>,
    model: Scalar<'a>,
    status: Scalar<'a>,
    reason: Scalar<'a>,
    accepted: Scalar<'a>,
    usable: Scalar<'a>,
    selected: Scalar<'a>,
    usage: Option<Usage<'a>>,
    actual_cost: Scalar<'a>,
    currency: Scalar<'a>,
    first_byte_latency_ms: Scalar<'a>,
    total_latency_ms: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Usage<'a> {
    #[serde(borrow)]
    prompt_tokens: Scalar<'a>,
    completion_tokens: Scalar<'a>,
}

/// Returns the calls of an escalating chain in their order; empty where the decision did not loop,
/// asked several models side by side, or the trace is not whole.
pub(super) fn chain(
    scratch: &mut Scratch,
    line: &Record<'_>,
    flags: &mut Flags,
) -> SmallVec<[Attempt; 1]> {
    let mut out = SmallVec::<[Attempt; 1]>::new();
    let raw = line.route_diagnostics.as_ref();
    let diagnostics = raw.map_or("{}", LazyValue::as_raw_str);
    let diagnostics: Diagnostics<'_> = sonic_rs::from_str(diagnostics).unwrap_or_default();
    let Some(trace) = diagnostics.looper else {
        return out;
    };
    if trace.algorithm.text() != Some("confidence") || trace.attempts_truncated.is_true() {
        return out;
    }
    for call in items::<Call<'_>>(trace.attempts.as_ref()) {
        let Some(attempt) = attempt(scratch, &call, flags) else {
            continue;
        };
        if call.role.text().is_some_and(|role| role.contains("verif")) {
            if let Some(judged) = out.last_mut() {
                add(judged, &attempt);
            }
            continue;
        }
        out.push(attempt);
    }
    for (n, attempt) in (1..).zip(&mut out) {
        attempt.n = n;
    }
    out
}

fn attempt(scratch: &mut Scratch, call: &Call<'_>, flags: &mut Flags) -> Option<Attempt> {
    let is_no = |value: &Scalar<'_>| *value == Scalar::Bool(false);
    let outcome = match call.status.text()? {
        "succeeded" if call.selected.is_true() => AttemptOutcome::Ok,
        "succeeded" if is_no(&call.accepted) || is_no(&call.usable) => AttemptOutcome::Escalated,
        "succeeded" => AttemptOutcome::Ok,
        "timed_out" => AttemptOutcome::Timeout,
        "cancelled" => AttemptOutcome::Cancelled,
        _ => AttemptOutcome::Error,
    };
    let mut attempt = Attempt::new(scratch.name(&call.model)?, outcome);
    if outcome != AttemptOutcome::Ok {
        attempt.reason = scratch.name(&call.reason);
    }
    attempt.latency = millis(&call.total_latency_ms, flags);
    attempt.ttft = millis(&call.first_byte_latency_ms, flags);
    if let Some(usage) = &call.usage {
        attempt.input_tokens = count(&usage.prompt_tokens, flags);
        attempt.output_tokens = count(&usage.completion_tokens, flags);
    }
    if matches!(call.currency.text(), None | Some("USD")) {
        attempt.cost = usd(&call.actual_cost, flags);
    }
    Some(attempt)
}

/// Adds the call that verified an answer to the attempt that gave it, so that the sums are whole.
fn add(judged: &mut Attempt, verifier: &Attempt) {
    let both = |a: Option<u32>, b: Option<u32>| Some(a?.saturating_add(b?));
    judged.input_tokens = both(judged.input_tokens, verifier.input_tokens);
    judged.output_tokens = both(judged.output_tokens, verifier.output_tokens);
    judged.cost = judged
        .cost
        .zip(verifier.cost)
        .map(|(a, b)| a.saturating_add(b));
    let latency = judged.latency.zip(verifier.latency);
    judged.latency = latency.map(|(a, b): (Micros, Micros)| a.saturating_add(b));
}

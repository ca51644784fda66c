//! What log events and replay records share: the request and the decision made of their fields.

use super::provenance;
use super::wire::{Record, families};
use crate::format::nested::{fields, scalars};
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, count, is_odd, share, usd};
use crate::format::screen::reject;
use crate::format::time;
use crate::model::{
    Attempt, AttemptOutcome, Flags, Logged, NanoUsd, Outcome, Reject, Request, RequestId,
    SessionKey, SignalValue, Timestamp,
};

/// The provider under which an answer from the router's semantic cache is counted.
pub(super) const CACHE: &str = "cache";

/// Starts the request that the record is about, at its own time, else at that of the log line.
pub(super) fn start(line: &Record<'_>, format: u8, read_at: Timestamp) -> Result<Request, Reject> {
    let ids = [&line.request_id, &line.replay_id, &line.id];
    let id = ids.iter().find_map(|id| id.text());
    let id = id.ok_or_else(|| reject("missing-field", "`request_id` is missing"))?;
    let id = RequestId::try_from_text(id)
        .ok_or_else(|| reject("bad-value", "`request_id` is longer than 256 bytes"))?;
    let (field, value) = if line.timestamp.is_unset() {
        ("ts", &line.ts)
    } else {
        ("timestamp", &line.timestamp)
    };
    if value.is_unset() {
        return Err(reject("missing-field", format!("`{field}` is missing")));
    }
    let ts = value.text().and_then(time::utc).ok_or_else(|| {
        reject(
            "bad-time",
            format!("`{field}` is no date and time, e.g. 2026-11-23T02:41:07.123"),
        )
    })?;
    let mut request = Request::new(id, ts);
    request.format = format;
    if is_odd(ts, read_at) {
        request.flags.set(Flags::ODD_CLOCK);
    }
    Ok(request)
}

/// Fills the decision: route, rule, policy, tier, model, signals and, of a replay record, the
/// recorded reasons.
pub(super) fn decide(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    route(scratch, line, request);
    let sessions = [&line.session_id, &line.conversation_id];
    request.session = sessions
        .iter()
        .find_map(|session| session.text())
        .map(|text| SessionKey(scratch.key.hash(text.as_bytes())));
    request.task_class = scratch.name(&line.category);
    request.policy = scratch.name(&line.recipe);
    request.model = scratch.name(&line.selected_model);
    request.tier = line
        .decision_tier
        .number()
        .filter(|tier| *tier > 0.0)
        .map(|tier| scratch.intern(&tier.to_string()));
    if line.rag_enabled.is_true() {
        // A score of zero is left out of the record, so that none can mean either.
        request.signals.retrieval_confidence =
            share(&line.rag_similarity_score, &mut request.flags)
                .map_or(Logged::Null, Logged::Value);
    }
    if line.tool_definitions.text().is_some() || !scalars(line.tool_names.as_ref()).is_empty() {
        request.signals.tools_required = Logged::Value(true);
    }
    let families = families(line);
    signals(scratch, line, &families, request);
    if line.signals.is_some() {
        request.recorded = provenance::of(line, &families);
    }
}

/// The decision that matched names the route; a model that the caller named itself is a weak one.
pub(super) fn route(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    request.rule = scratch.name(&line.decision);
    request.route = request.rule;
    if request.route.is_none() {
        request.route = scratch
            .name(&line.original_model)
            .or_else(|| scratch.name(&line.selected_model));
        if request.route.is_some() {
            request.flags.set(Flags::ROUTE_WEAK);
        }
    }
}

/// Keeps what matched by family, and what was measured, as named signals.
fn signals(
    scratch: &mut Scratch,
    line: &Record<'_>,
    families: &[(String, Vec<String>)],
    request: &mut Request,
) {
    for (family, found) in families {
        if family == "authz"
            && let [only] = found.as_slice()
        {
            request.signals.user_tier = Logged::Value(scratch.intern(only));
        }
        let name = scratch.intern(family);
        let value = SignalValue::Text(scratch.intern(&found.join(", ")));
        request.signals.others.push((name, value));
    }
    for (key, value) in fields(line.signal_values.as_ref()) {
        if let Some(number) = value.number().filter(|number| number.is_finite()) {
            let name = scratch.intern(&key);
            let value = SignalValue::Number(number);
            request.signals.others.push((name, value));
        }
    }
}

/// Returns the attempt that a finished request was answered by; its latency is the request's.
pub(super) fn answer(
    scratch: &mut Scratch,
    line: &Record<'_>,
    model: &Scalar<'_>,
    outcome: Outcome,
    flags: &mut Flags,
) -> Option<Attempt> {
    let outcome = match outcome {
        Outcome::Completed => AttemptOutcome::Ok,
        Outcome::Failed => AttemptOutcome::Error,
        Outcome::Cancelled => AttemptOutcome::Cancelled,
    };
    let mut attempt = Attempt::new(scratch.name(model)?, outcome);
    attempt.n = 1;
    if outcome == AttemptOutcome::Error {
        attempt.reason = scratch.name(&line.terminal_reason).or_else(|| {
            let status = line.response_status.number().filter(|status| *status > 0.0);
            status.map(|status| scratch.intern(&status.to_string()))
        });
    }
    if line.from_cache.is_true() {
        return Some(from_cache(scratch, attempt));
    }
    if line.total_tokens.number() != Some(0.0) {
        attempt.input_tokens = count(&line.prompt_tokens, flags);
        attempt.output_tokens = count(&line.completion_tokens, flags);
    }
    attempt.cost = cost(line, flags);
    Some(attempt)
}

/// Makes the attempt one that the semantic cache answered: no model was paid.
pub(super) fn from_cache(scratch: &mut Scratch, attempt: Attempt) -> Attempt {
    Attempt {
        provider: Some(scratch.intern(CACHE)),
        cost: Some(NanoUsd(0)),
        ..attempt
    }
}

/// Reads the cost, which is known in dollars only, and only where a price is configured.
fn cost(line: &Record<'_>, flags: &mut Flags) -> Option<NanoUsd> {
    let is_usd = line.currency.is_unset() || line.currency.text() == Some("USD");
    if !is_usd || !line.pricing.is_unset() {
        return None;
    }
    let cost = if line.actual_cost.is_unset() {
        &line.cost
    } else {
        &line.actual_cost
    };
    usd(cost, flags)
}

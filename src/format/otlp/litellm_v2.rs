//! LiteLLM's telemetry with `LITELLM_OTEL_V2`: one trace for each client request of the proxy.
//!
//! | span | what it tells |
//! | --- | --- |
//! | server span | arrival, latency and outcome as the caller saw them; an event for each deployment chosen, that is for each attempt: when, from which group, `initial`, `retry` or `fallback` |
//! | `route GROUP` | the auto-router's decision; failed: a group without a deployment to ask |
//! | call span (`litellm.call_id`) | model, tokens, cost, session. LiteLLM writes one for the first failure and one for the answer, whatever lies between |
//!
//! All are children of the server span and may come in different lines, so calls are named by what
//! each span knows by itself: the first call failed, the last one answered, others have their place.
//! (litellm/router.py, litellm/integrations/otel, 1.106.2)

use super::call::{self, Names, failure};
use super::litellm_routing;
use super::wire::{Span, SpanEvent, instant, lookup};
use crate::format::reading::OTLP_LITELLM_V2;
use crate::format::scalar::Scalar;
use crate::format::scratch::Scratch;
use crate::model::{Attempt, AttemptOutcome, Flags, Name, Outcome, Reject, Request, Timestamp};

const NAMES: Names = Names {
    model: &["litellm.provider.model", "gen_ai.request.model"],
    asked: &["gen_ai.request.model"],
    provider: &["gen_ai.provider.name", "gen_ai.system"],
    session: &["gen_ai.conversation.id"],
    input_tokens: &["gen_ai.usage.input_tokens"],
    output_tokens: &["gen_ai.usage.output_tokens"],
    cost: &["litellm.cost.total"],
    first_token: &["gen_ai.response.time_to_first_chunk"],
};

const SELECTED: &str = "litellm.request.deployment_selected";
const RETRIED: &str = "litellm.routing.retry";
const GROUP: &str = "litellm.deployment.model_group";

/// The call that failed first.
const FIRST: &[u8] = b"first";
/// The call that answered.
const ANSWER: &[u8] = b"answer";

/// Tells whether a span is the server span of a request to a model.
pub(super) fn is_server(span: &Span<'_>) -> bool {
    let is_ours = || {
        let mut events = span.events.items.iter();
        events.any(|event| event.name.text().is_some_and(|n| n.starts_with("litellm.")))
            || span.keys().any(|key| key.starts_with("litellm."))
    };
    span.is_server()
        && is_ours()
        && (span.has("gen_ai.request.model") || selections(span).next().is_some())
}

/// Tells whether a span is the choice of a deployment within a request.
///
/// In the SDK such a span is alone in its trace, and nothing leads from it to its request.
pub(super) fn is_route(span: &Span<'_>) -> bool {
    group_of(span).is_some() && !span.is_root()
}

/// Tells whether a span is a call on the caller's behalf; LiteLLM's own calls have a purpose.
pub(super) fn is_call(span: &Span<'_>) -> bool {
    span.has("litellm.call_id") && !span.has("litellm.request.purpose")
}

/// Reads a server span.
pub(super) fn server(scratch: &mut Scratch, span: &Span<'_>) -> Result<Request, Reject> {
    let mut request = span.request(OTLP_LITELLM_V2)?;
    call::asked(scratch, span, &NAMES, &mut request);
    request.flags.set(Flags::ARRIVAL_KNOWN);
    request.stamped_latency = span.duration(&mut request.flags);
    let outcome = span.outcome_for_caller();
    request.outcome = Some(outcome);
    let mut attempts = selected(scratch, span);
    let last = attempts.len().saturating_sub(1);
    for (idx, attempt) in attempts.iter_mut().enumerate() {
        let is_answer = idx == last && outcome == Outcome::Completed;
        if is_answer {
            attempt.outcome = AttemptOutcome::Ok;
            attempt.reason = None;
        } else {
            litellm_routing::settle_failure(attempt, None);
        }
        attempt.key = match idx {
            _ if is_answer => key(scratch, span, &span.span_id, ANSWER),
            0 => key(scratch, span, &span.span_id, FIRST),
            _ => key(scratch, span, &span.span_id, &idx.to_le_bytes()),
        };
    }
    request.route = request
        .route
        .or(attempts.first().and_then(|first| first.tier));
    request.attempts = attempts.into();
    Ok(request)
}

fn key(scratch: &Scratch, span: &Span<'_>, server: &Scalar<'_>, which: &[u8]) -> u64 {
    span.call_key(scratch, server, which)
}

fn selections<'s>(span: &'s Span<'_>) -> impl Iterator<Item = &'s SpanEvent<'s>> {
    let events = span.events.items.iter();
    events.filter(|event| event.name.text() == Some(SELECTED))
}

/// Reads the attempts of a request in order. Each failed, as far as its event tells: that another
/// one followed says no more, except for an auto-router, which logs why it went on.
fn selected(scratch: &mut Scratch, span: &Span<'_>) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    for event in &span.events.items {
        match event.name.text() {
            Some(SELECTED) => {
                let group = scratch.name(&lookup(&event.attributes, GROUP));
                let group = group.unwrap_or_else(|| scratch.intern("(no group)"));
                attempts.push(chosen(group, instant(&event.time)));
            }
            Some(RETRIED) => {
                let is_call = !lookup(&event.attributes, "litellm.deployment.id").is_unset();
                let class = lookup(&event.attributes, "error.type");
                if let (Some(class), Some(attempt), true) =
                    (class.text(), attempts.last_mut(), is_call)
                {
                    attempt.outcome = failure(class);
                    attempt.reason = Some(scratch.intern(class));
                }
            }
            _ => {}
        }
    }
    attempts
}

/// An attempt of which only the group is known.
fn chosen(group: Name, at: Option<Timestamp>) -> Attempt {
    Attempt {
        tier: Some(group),
        start: at,
        ..Attempt::new(group, AttemptOutcome::Error)
    }
}

fn group_of<'s>(span: &'s Span<'_>) -> Option<&'s str> {
    span.name.text()?.strip_prefix("route ")
}

/// Reads the choice of a deployment: what the router decided, and a group that had none to ask.
pub(super) fn route(scratch: &mut Scratch, span: &Span<'_>) -> Result<Request, Reject> {
    let mut request = span.request(OTLP_LITELLM_V2)?;
    call::asked(scratch, span, &NAMES, &mut request);
    let is_decided = litellm_routing::fill(scratch, span, &mut request);
    if span.is_failed() {
        // The span is named after the group asked for; an auto-router's choice is in its decision.
        let decided = request.model.filter(|_| is_decided);
        let group = decided.unwrap_or_else(|| scratch.intern(group_of(span).unwrap_or_default()));
        let class = span.error_type();
        let mut skipped = chosen(group, Some(request.ts));
        skipped.outcome = AttemptOutcome::Skipped;
        skipped.reason = class.map(|class| scratch.intern(&class));
        skipped.latency = span.duration(&mut request.flags);
        skipped.key = key(scratch, span, &span.span_id, b"route");
        request.attempts.push(skipped);
    }
    Ok(request)
}

/// Reads a call span.
pub(super) fn call(scratch: &mut Scratch, span: &Span<'_>) -> Result<Request, Reject> {
    let mut request = call::read(scratch, span, &NAMES, OTLP_LITELLM_V2)?;
    let asked = request.route;
    let is_decided = litellm_routing::fill(scratch, span, &mut request);
    let group = if is_decided { request.model } else { asked };
    let class = span.error_type();
    for attempt in &mut request.attempts {
        let is_answer = attempt.outcome == AttemptOutcome::Ok;
        let which = if is_answer { ANSWER } else { FIRST };
        attempt.key = key(scratch, span, &span.parent_span_id, which);
        attempt.tier = group;
        litellm_routing::settle_failure(attempt, class.as_deref());
    }
    request.tie = call::tie_by_input(scratch, span, "litellm.metadata.user_api_key_end_user_id");
    Ok(request)
}

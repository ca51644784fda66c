//! LiteLLM's `StandardLoggingPayload`: one line per attempt (SDK Router), or the first failure and
//! then the success (proxy).
//!
//! SDK lines carry no request id: attempts share `trace_id`, which may be the session, so that the
//! input and closeness in time must agree too. Proxy lines share `litellm_call_id`.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use smallvec::smallvec;
use sonic_rs::LazyValue;

use super::litellm_caller::{self, ErrorFacts, Hidden, Requester};
use super::reading::{LITELLM_PROXY, LITELLM_SDK, Reading};
use super::routing_decision::{self, RoutingDecision};
use super::scalar::Scalar;
use super::scratch::{Scratch, count, is_odd, usd};
use super::screen::{refuse, reject};
use crate::model::{
    Attempt, AttemptOutcome, Event, Flags, Micros, Name, Outcome, Reject, Request, RequestId, Tie,
    Timestamp,
};

/// The longest pause within a request whose trace id may be a session: in a real run no pause
/// between the end of an attempt and the next start was over 2.6 s; timeouts come on top.
const GAP: Micros = Micros(10_000_000);
/// The same where the trace id is the request's own.
const GAP_OWN_TRACE: Micros = Micros(600_000_000);

static CALL_ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"litellm_call_id\""));

#[derive(Deserialize, Default)]
#[serde(default)]
struct Payload<'a> {
    #[serde(borrow)]
    litellm_call_id: Scalar<'a>,
    trace_id: Scalar<'a>,
    session_id: Scalar<'a>,
    call_type: Scalar<'a>,
    stream: Scalar<'a>,
    status: Scalar<'a>,
    custom_llm_provider: Scalar<'a>,
    #[serde(rename = "startTime")]
    start: Scalar<'a>,
    #[serde(rename = "endTime")]
    end: Scalar<'a>,
    #[serde(rename = "completionStartTime")]
    first_token: Scalar<'a>,
    model: Scalar<'a>,
    model_group: Scalar<'a>,
    model_id: Scalar<'a>,
    metadata: Option<Metadata<'a>>,
    response_cost: Scalar<'a>,
    prompt_tokens: Scalar<'a>,
    completion_tokens: Scalar<'a>,
    request_tags: Option<Vec<Scalar<'a>>>,
    messages: Option<LazyValue<'a>>,
    hidden_params: Option<Hidden<'a>>,
    error_information: Option<ErrorFacts<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    user_api_key_request_route: Scalar<'a>,
    requester_metadata: Option<Requester<'a>>,
    routing_decision: Option<LazyValue<'a>>,
}

/// Tells whether the line has the key of a payload somewhere.
pub(crate) fn may_be(line: &str) -> bool {
    CALL_ID.find(line.as_bytes()).is_some()
}

/// Reads a payload.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let line = match sonic_rs::from_str::<Payload<'_>>(text) {
        Ok(line) => line,
        Err(error) => return refuse(text, &error),
    };
    let is_payload = line.litellm_call_id.text().is_some()
        && line.status.text().is_some()
        && !line.start.is_unset()
        && (line.hidden_params.is_some() || !line.call_type.is_unset());
    if !is_payload {
        return Reading::NotMine;
    }
    match request(scratch, &line, read_at) {
        Ok(request) => {
            Reading::Events(request.format, smallvec![Event::Request(Box::new(request))])
        }
        Err(reject) => Reading::Rejected(reject),
    }
}

fn request(
    scratch: &mut Scratch,
    line: &Payload<'_>,
    read_at: Timestamp,
) -> Result<Request, Reject> {
    let is_success = match line.status.text() {
        Some("success") => true,
        Some("failure") => false,
        _ => {
            return Err(reject(
                "bad-value",
                "`status` is neither success nor failure",
            ));
        }
    };
    let id = line
        .litellm_call_id
        .text()
        .and_then(RequestId::try_from_text);
    let id = id.ok_or_else(|| reject("bad-value", "`litellm_call_id` is longer than 256 bytes"))?;
    let start = line.start.number().and_then(Timestamp::try_from_seconds);
    let start = start.ok_or_else(|| reject("bad-time", "`startTime` is not epoch seconds"))?;
    let metadata = line.metadata.as_ref();
    let is_proxy = metadata.is_some_and(|m| !m.user_api_key_request_route.is_unset());
    let mut request = Request::new(id, start);
    request.format = if is_proxy { LITELLM_PROXY } else { LITELLM_SDK };
    request.flags = Flags::OUTCOME_PROVISIONAL;
    if is_odd(start, read_at) {
        request.flags.set(Flags::ODD_CLOCK);
    }
    request.outcome = Some(if is_success {
        Outcome::Completed
    } else {
        Outcome::Failed
    });
    if !is_proxy {
        request.tie = tie(scratch, line);
    }
    let requester = metadata.and_then(|m| m.requester_metadata.as_ref());
    let tags = line.request_tags.as_deref().unwrap_or(&[]);
    litellm_caller::fill(scratch, requester, tags, &mut request);
    request.session = request
        .session
        .or_else(|| litellm_caller::session(scratch, &line.session_id));
    let tier = decide(scratch, line, &mut request);
    if line
        .hidden_params
        .as_ref()
        .is_some_and(Hidden::has_more_attempts)
    {
        request.flags.set(Flags::FALLBACK_HINT);
    }
    let mut attempt = attempt(scratch, line, start, is_success, &mut request.flags)?;
    attempt.tier = tier;
    request.attempts.push(attempt);
    Ok(request)
}

fn tie(scratch: &Scratch, line: &Payload<'_>) -> Option<Tie> {
    let trace = line.trace_id.text()?.as_bytes();
    if line.session_id.text().is_some() {
        let key = scratch.key.hash_parts([trace]);
        return Some(Tie {
            key,
            gap: GAP_OWN_TRACE,
        });
    }
    let input = line.messages.as_ref().map_or("", LazyValue::as_raw_str);
    let key = scratch.key.hash_parts([trace, input.as_bytes()]);
    Some(Tie { key, gap: GAP })
}

/// Fills the route and, where an auto-router decided, its provenance; returns the attempt's tier.
fn decide(scratch: &mut Scratch, line: &Payload<'_>, request: &mut Request) -> Option<Name> {
    let raw = line
        .metadata
        .as_ref()
        .and_then(|m| m.routing_decision.as_ref())
        .map(LazyValue::as_raw_str);
    match raw.and_then(|raw| Some((raw, RoutingDecision::from_json(raw)?))) {
        Some((raw, decision)) if routing_decision::fill(scratch, &decision, raw, request) => {
            request.tier.or_else(|| scratch.name(&line.model_group))
        }
        _ => weak_route(scratch, line, request),
    }
}

fn weak_route(scratch: &mut Scratch, line: &Payload<'_>, request: &mut Request) -> Option<Name> {
    request.route = scratch.name(&line.model_group);
    request.flags.set(Flags::ROUTE_WEAK);
    request.route
}

fn attempt(
    scratch: &mut Scratch,
    line: &Payload<'_>,
    start: Timestamp,
    is_success: bool,
    flags: &mut Flags,
) -> Result<Attempt, Reject> {
    let model = scratch
        .name(&line.model)
        .or_else(|| scratch.name(&line.model_group))
        .ok_or_else(|| reject("missing-field", "`model` is missing"))?;
    let call_id = line.litellm_call_id.text().unwrap_or("");
    let mut attempt = Attempt::new(model, AttemptOutcome::Ok);
    attempt.key = attempt_key(scratch, call_id, is_success, start);
    attempt.start = Some(start);
    attempt.provider = scratch.name(&line.custom_llm_provider);
    attempt.latency = span(&line.end, start, flags);
    attempt.cost = usd(&line.response_cost, flags);
    if is_success {
        attempt.input_tokens = count(&line.prompt_tokens, flags);
        attempt.output_tokens = count(&line.completion_tokens, flags);
        if line.stream.is_true() {
            attempt.ttft = span(&line.first_token, start, flags);
        }
    } else {
        let facts = line.error_information.as_ref();
        attempt.outcome = failure(&line.model_id, facts.map_or("", ErrorFacts::class));
        attempt.reason = facts.and_then(|facts| facts.reason(scratch));
    }
    Ok(attempt)
}

/// Names the logged call: the payload and the spend log of one call agree in all three.
pub(crate) fn attempt_key(
    scratch: &Scratch,
    call_id: &str,
    is_success: bool,
    start: Timestamp,
) -> u64 {
    let status: &[u8] = if is_success { b"success" } else { b"failure" };
    let parts = [call_id.as_bytes(), status, &start.0.to_le_bytes()];
    scratch.key.hash_parts(parts).max(1)
}

/// Classes a failure; one without a deployment, or for want of one, reached no model.
pub(crate) fn failure(model_id: &Scalar<'_>, class: &str) -> AttemptOutcome {
    if matches!(model_id, Scalar::Text(id) if id.is_empty()) || class == "RouterRateLimitError" {
        AttemptOutcome::Skipped
    } else if class.contains("Timeout") {
        AttemptOutcome::Timeout
    } else {
        AttemptOutcome::Error
    }
}

/// Reads how long after `start` an instant in epoch seconds is.
fn span(value: &Scalar<'_>, start: Timestamp, flags: &mut Flags) -> Option<Micros> {
    if value.is_unset() {
        return None;
    }
    let end = value.number().and_then(Timestamp::try_from_seconds);
    let span = end.filter(|end| *end >= start).map(|end| end.since(start));
    if span.is_none() {
        flags.set(Flags::BAD_NUMBER);
    }
    span
}

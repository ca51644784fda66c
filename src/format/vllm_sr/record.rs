//! What log events and replay records share: the fields, the start of a request, and its answer.

use serde::Deserialize;
use sonic_rs::LazyValue;

use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, count, is_odd, usd};
use crate::format::screen::reject;
use crate::format::time;
use crate::model::{
    Attempt, AttemptOutcome, Flags, NanoUsd, Outcome, Reject, Request, RequestId, Timestamp,
};

/// The provider under which an answer from the router's semantic cache is counted.
pub(super) const CACHE: &str = "cache";

/// One log event or replay record; content (`prompt`, `request_body`, `query`, …) is not read.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    pub(super) msg: Scalar<'a>,
    pub(super) event: Scalar<'a>,
    pub(super) ts: Scalar<'a>,
    pub(super) timestamp: Scalar<'a>,
    pub(super) id: Scalar<'a>,
    pub(super) replay_id: Scalar<'a>,
    pub(super) request_id: Scalar<'a>,
    pub(super) session_id: Scalar<'a>,
    pub(super) conversation_id: Scalar<'a>,
    pub(super) recipe: Scalar<'a>,
    pub(super) decision: Scalar<'a>,
    pub(super) decision_tier: Scalar<'a>,
    pub(super) decision_priority: Scalar<'a>,
    pub(super) category: Scalar<'a>,
    pub(super) original_model: Scalar<'a>,
    pub(super) selected_model: Scalar<'a>,
    pub(super) model: Scalar<'a>,
    pub(super) reasoning_mode: Scalar<'a>,
    pub(super) reasoning_enabled: Scalar<'a>,
    pub(super) reasoning_effort: Scalar<'a>,
    pub(super) reason_code: Scalar<'a>,
    pub(super) routing_latency_ms: Scalar<'a>,
    pub(super) confidence_score: Scalar<'a>,
    pub(super) confidence_score_available: Scalar<'a>,
    pub(super) selection_method: Scalar<'a>,
    pub(super) signals: Option<LazyValue<'a>>,
    pub(super) signal_confidences: Option<LazyValue<'a>>,
    pub(super) signal_values: Option<LazyValue<'a>>,
    pub(super) projections: Option<LazyValue<'a>>,
    pub(super) projection_scores: Option<LazyValue<'a>>,
    pub(super) route_diagnostics: Option<LazyValue<'a>>,
    pub(super) rag_enabled: Scalar<'a>,
    pub(super) rag_similarity_score: Scalar<'a>,
    pub(super) tool_definitions: Scalar<'a>,
    pub(super) tool_names: Option<LazyValue<'a>>,
    pub(super) context_token_count: Scalar<'a>,
    pub(super) response_status: Scalar<'a>,
    pub(super) lifecycle_state: Scalar<'a>,
    pub(super) terminal_reason: Scalar<'a>,
    pub(super) duration_ms: Scalar<'a>,
    pub(super) from_cache: Scalar<'a>,
    pub(super) prompt_tokens: Scalar<'a>,
    pub(super) completion_tokens: Scalar<'a>,
    pub(super) total_tokens: Scalar<'a>,
    pub(super) completion_latency_ms: Scalar<'a>,
    pub(super) actual_cost: Scalar<'a>,
    pub(super) cost: Scalar<'a>,
    pub(super) currency: Scalar<'a>,
    pub(super) pricing: Scalar<'a>,
    pub(super) outcomes: Option<LazyValue<'a>>,
}

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

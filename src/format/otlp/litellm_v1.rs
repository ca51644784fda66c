//! LiteLLM's `otel` callback, version 1: a span for each call, `metadata.*` as Python prints it.
//!
//! The SDK gives every attempt a trace of its own; attempts of one request share only the input. The
//! proxy writes the same attributes on the server span of the request, or on a child of it.
//! (litellm/integrations/opentelemetry.py, 1.106.2)

use super::call::{self, Names};
use super::wire::Span;
use super::{litellm_routing, python};
use crate::format::litellm_caller::{self, Hidden, Requester};
use crate::format::reading::OTLP_LITELLM_V1;
use crate::format::scratch::Scratch;
use crate::model::{Flags, Reject, Request};

const NAMES: Names = Names {
    model: &[
        "litellm.provider.model",
        "gen_ai.request.model",
        "litellm.model_group",
    ],
    asked: &["litellm.model_group", "gen_ai.request.model"],
    provider: &["gen_ai.provider.name", "gen_ai.system"],
    session: &["gen_ai.conversation.id"],
    input_tokens: &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"],
    output_tokens: &[
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
    ],
    cost: &["gen_ai.cost.total_cost"],
    first_token: &["gen_ai.response.time_to_first_chunk"],
};

/// Tells whether a span is such a call.
pub(super) fn is_call(span: &Span<'_>, is_litellm: bool) -> bool {
    span.has("litellm.model_group") || is_litellm && span.name.text() == Some("litellm_request")
}

/// Reads a call.
pub(super) fn call(scratch: &mut Scratch, span: &Span<'_>) -> Result<Request, Reject> {
    let mut request = call::read(scratch, span, &NAMES, OTLP_LITELLM_V1)?;
    caller(scratch, span, &mut request);
    litellm_routing::fill(scratch, span, &mut request);
    let tier = request.tier.or(request.route);
    let class = span.error_type();
    for attempt in &mut request.attempts {
        litellm_routing::settle_failure(attempt, class.as_deref());
        attempt.tier = tier;
    }
    request.tie = call::tie_by_input(scratch, span, "llm.user");
    Ok(request)
}

/// Fills what the caller and the response headers say.
fn caller(scratch: &mut Scratch, span: &Span<'_>, request: &mut Request) {
    let printed = span.attribute("metadata.requester_metadata");
    let said = printed.text().and_then(python::to_json);
    if let Some(said) = said.map(|said| said.to_string()) {
        let said = sonic_rs::from_str::<Requester<'_>>(&said).ok();
        let session = request.session;
        litellm_caller::fill(scratch, said.as_ref(), &[], request);
        request.session = request.session.or(session);
    }
    let hidden = span.attribute("hidden_params");
    let hidden = hidden.text().map(sonic_rs::from_str::<Hidden<'_>>);
    if hidden.is_some_and(|hidden| hidden.is_ok_and(|hidden| hidden.has_more_attempts())) {
        request.flags.set(Flags::FALLBACK_HINT);
    }
}

//! The GenAI semantic conventions of OpenTelemetry, current and older names.
//!
//! They know no routing: attempts of a request are the calls of one trace, in order of time. A span
//! that serves a request (kind server) and reports no usage is the request itself, as its caller saw
//! it. (<https://github.com/open-telemetry/semantic-conventions-genai>)

use super::call::{self, Names};
use super::wire::Span;
use crate::format::reading::OTLP_GENAI;
use crate::format::scratch::Scratch;
use crate::model::{Flags, Reject, Request};

const NAMES: Names = Names {
    model: &["gen_ai.response.model", "gen_ai.request.model"],
    asked: &["gen_ai.request.model", "gen_ai.response.model"],
    provider: &["gen_ai.provider.name", "gen_ai.system"],
    session: &["gen_ai.conversation.id", "session.id"],
    input_tokens: &[
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
    ],
    output_tokens: &[
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
    ],
    cost: &["gen_ai.usage.cost"],
    first_token: &[
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
        "gen_ai.latency.time_to_first_token",
    ],
};

/// Operations that ask no model themselves.
const NO_CALLS: [&str; 8] = [
    "create_agent",
    "invoke_agent",
    "invoke_workflow",
    "execute_tool",
    "retrieval",
    "plan",
    "search_memory",
    "update_memory",
];

/// Tells whether a span names an operation that asks no model; those of LiteLLM begin with its name.
pub(super) fn is_other_operation(span: &Span<'_>) -> bool {
    let operation = span.attribute("gen_ai.operation.name");
    operation
        .text()
        .is_some_and(|word| NO_CALLS.contains(&word) || word.starts_with("litellm."))
}

/// Tells whether a span is a request as its caller saw it.
pub(super) fn is_server(span: &Span<'_>) -> bool {
    span.is_server() && span.has("gen_ai.request.model") && !has_usage(span)
}

/// Tells whether a span is a call. A model alone makes none: baggage may carry it to any span.
pub(super) fn is_call(span: &Span<'_>) -> bool {
    let names_model = span.has("gen_ai.request.model") || span.has("gen_ai.response.model");
    let names_call =
        || span.has("gen_ai.operation.name") || NAMES.provider.iter().any(|name| span.has(name));
    names_model && (names_call() || has_usage(span))
}

fn has_usage(span: &Span<'_>) -> bool {
    let mut names = NAMES.input_tokens.iter().chain(NAMES.output_tokens);
    names.any(|name| span.has(name))
}

/// Reads a request as its caller saw it.
pub(super) fn server(scratch: &mut Scratch, span: &Span<'_>) -> Result<Request, Reject> {
    let mut request = span.request(OTLP_GENAI)?;
    call::asked(scratch, span, &NAMES, &mut request);
    request.flags.set(Flags::ARRIVAL_KNOWN);
    request.stamped_latency = span.duration(&mut request.flags);
    request.outcome = Some(span.outcome_for_caller());
    Ok(request)
}

/// Reads a call. Where the model's server took part in the trace, its span and the caller's are two
/// accounts of one call.
pub(super) fn call(scratch: &mut Scratch, span: &Span<'_>) -> Result<Request, Reject> {
    let mut request = call::read(scratch, span, &NAMES, OTLP_GENAI)?;
    if span.is_server() && !span.is_root() {
        for attempt in &mut request.attempts {
            attempt.key = span.call_key(scratch, &span.parent_span_id, b"call");
        }
    }
    Ok(request)
}

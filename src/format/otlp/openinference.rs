//! OpenInference: spans of kind `LLM` with `llm.*` attributes, e.g. of the Envoy AI Gateway.
//! (<https://arize-ai.github.io/openinference/spec/attributes/semantic-conventions.html>)

use serde::Deserialize;

use super::call::{self, Names};
use super::wire::{Span, instant};
use crate::format::reading::OTLP_OPENINFERENCE;
use crate::format::scalar::Scalar;
use crate::format::scratch::Scratch;
use crate::format::screen::reject;
use crate::model::{Reject, Request};

const NAMES: Names = Names {
    model: &[
        "llm.model_name",
        "gen_ai.response.model",
        "gen_ai.request.model",
    ],
    asked: &["gen_ai.request.model", "llm.model_name"],
    provider: &["llm.provider", "llm.system"],
    session: &["session.id", "gen_ai.conversation.id"],
    input_tokens: &["llm.token_count.prompt"],
    output_tokens: &["llm.token_count.completion"],
    cost: &["llm.cost.total"],
    first_token: &[],
};

const KIND: &str = "openinference.span.kind";
const FIRST_TOKEN: &str = "First Token Stream Event";
const PARAMETERS: &str = "llm.invocation_parameters";

/// The parameters of a call, as far as they are read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Parameters<'a> {
    #[serde(borrow)]
    model: Scalar<'a>,
}

/// Tells whether a span follows these conventions.
pub(super) fn is_known(span: &Span<'_>) -> bool {
    span.has(KIND)
}

/// Tells whether a span is a call.
pub(super) fn is_call(span: &Span<'_>) -> bool {
    span.attribute(KIND).text() == Some("LLM")
}

/// Reads a call. The model asked for stands only among the parameters: a failed call names no other.
pub(super) fn call(scratch: &mut Scratch, span: &Span<'_>) -> Result<Request, Reject> {
    let parameters = span.attribute(PARAMETERS);
    let asked = parameters.text().and_then(|text| {
        let parameters = sonic_rs::from_str::<Parameters<'_>>(text).ok()?;
        parameters.model.text().map(str::to_owned)
    });
    let asked = asked.map(|model| scratch.intern(&model));
    let model = scratch.name(&span.first_of(NAMES.model)).or(asked);
    let model = model.ok_or_else(|| reject("missing-field", "a call names no model"))?;
    let mut request = call::read_of_model(scratch, span, &NAMES, model, OTLP_OPENINFERENCE)?;
    let first_token = span
        .events
        .items
        .iter()
        .find(|event| event.name.text() == Some(FIRST_TOKEN));
    let first_token = first_token.and_then(|event| instant(&event.time));
    for attempt in &mut request.attempts {
        let start = attempt
            .start
            .filter(|start| first_token.is_some_and(|first| first >= *start));
        attempt.ttft = start
            .zip(first_token)
            .map(|(start, first)| first.since(start));
    }
    request.route = asked.or(request.route);
    Ok(request)
}

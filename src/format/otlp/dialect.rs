//! What a span is, told by the names it uses.

use super::wire::Span;
use super::{genai, litellm_v1, litellm_v2, openinference};
use crate::format::reading::{OTLP_GENAI, OTLP_LITELLM_V2, OTLP_OPENINFERENCE};
use crate::format::scratch::Scratch;
use crate::model::{Reject, Request};

/// What reads a span of some kind.
pub(super) type Read = fn(&mut Scratch, &Span<'_>) -> Result<Request, Reject>;

/// Returns the reader of a span that tells of a request; `scope` is the instrumentation's name.
///
/// The order matters: LiteLLM's spans also use the names of the conventions that it follows.
pub(super) fn reader(span: &Span<'_>, scope: &str) -> Option<Read> {
    let is_litellm = is_litellm(scope);
    if litellm_v2::is_server(span) && !span.has("litellm.model_group") {
        return Some(litellm_v2::server);
    }
    if is_litellm && litellm_v2::is_route(span) {
        return Some(litellm_v2::route);
    }
    if genai::is_other_operation(span) {
        return None;
    }
    if litellm_v1::is_call(span, is_litellm) {
        return Some(litellm_v1::call);
    }
    if litellm_v2::is_call(span) {
        return Some(litellm_v2::call);
    }
    if is_litellm {
        return None;
    }
    if openinference::is_known(span) {
        return openinference::is_call(span).then_some(openinference::call);
    }
    if genai::is_server(span) {
        return Some(genai::server);
    }
    genai::is_call(span).then_some(genai::call)
}

/// Returns the format under which a batch counts that has no call in it.
pub(super) fn format_of(span: &Span<'_>, scope: &str) -> u8 {
    if is_litellm(scope) {
        OTLP_LITELLM_V2
    } else if openinference::is_known(span) {
        OTLP_OPENINFERENCE
    } else {
        OTLP_GENAI
    }
}

fn is_litellm(scope: &str) -> bool {
    scope == "litellm" || scope.starts_with("litellm.")
}

//! What a span tells of one call to a model, in whatever names its dialect has for it.

use super::wire::Span;
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, count, seconds, usd};
use crate::format::screen::reject;
use crate::model::{
    Attempt, AttemptOutcome, Flags, Logged, Micros, Name, Outcome, Reject, Request, SessionKey, Tie,
};

/// What LiteLLM writes in place of texts that its operator does not want logged.
const REDACTED: &str = "redacted-by-litellm";
/// The longest pause within a request whose spans share nothing but the input, as for the payload.
const GAP: Micros = Micros(10_000_000);

/// The attributes of one dialect; of several names the first that is set counts.
pub(super) struct Names {
    /// The model called.
    pub(super) model: &'static [&'static str],
    /// What the caller asked for: the route where no decision names one.
    pub(super) asked: &'static [&'static str],
    /// Who served the model.
    pub(super) provider: &'static [&'static str],
    /// The session.
    pub(super) session: &'static [&'static str],
    /// Tokens sent.
    pub(super) input_tokens: &'static [&'static str],
    /// Tokens received.
    pub(super) output_tokens: &'static [&'static str],
    /// Dollars.
    pub(super) cost: &'static [&'static str],
    /// Seconds to the first token.
    pub(super) first_token: &'static [&'static str],
}

/// Reads the record of a request that knows of one call: the span's.
pub(super) fn read(
    scratch: &mut Scratch,
    span: &Span<'_>,
    names: &Names,
    format: u8,
) -> Result<Request, Reject> {
    let model = scratch.name(&span.first_of(names.model));
    let model = model.ok_or_else(|| reject("missing-field", "a call names no model"))?;
    read_of_model(scratch, span, names, model, format)
}

/// Reads the same where the model is named elsewhere than in an attribute.
pub(super) fn read_of_model(
    scratch: &mut Scratch,
    span: &Span<'_>,
    names: &Names,
    model: Name,
    format: u8,
) -> Result<Request, Reject> {
    let mut request = span.request(format)?;
    request.flags.set(Flags::OUTCOME_PROVISIONAL);
    asked(scratch, span, names, &mut request);
    let session = span.first_of(names.session);
    request.session = session
        .text()
        .map(|text| SessionKey(scratch.key.hash(text.as_bytes())));
    let mut attempt = Attempt::new(model, AttemptOutcome::Ok);
    attempt.start = Some(request.ts);
    attempt.key = span.call_key(scratch, &span.span_id, b"call");
    how_it_went(scratch, span, names, &mut attempt, &mut request.flags);
    request.outcome = Some(match attempt.outcome {
        AttemptOutcome::Ok | AttemptOutcome::Escalated => Outcome::Completed,
        AttemptOutcome::Cancelled => Outcome::Cancelled,
        _ => Outcome::Failed,
    });
    request.attempts.push(attempt);
    signals(scratch, span, &mut request);
    Ok(request)
}

/// Fills the route with what was asked for, until a decision tells better.
pub(super) fn asked(scratch: &mut Scratch, span: &Span<'_>, names: &Names, request: &mut Request) {
    request.route = scratch.name(&span.first_of(names.asked));
    request.flags.set(Flags::ROUTE_WEAK);
}

fn how_it_went(
    scratch: &mut Scratch,
    span: &Span<'_>,
    names: &Names,
    attempt: &mut Attempt,
    flags: &mut Flags,
) {
    attempt.latency = span.duration(flags);
    attempt.provider = scratch.name(&span.first_of(names.provider));
    attempt.cost = usd(&span.first_of(names.cost).unquoted(), flags);
    attempt.ttft = seconds(&span.first_of(names.first_token).unquoted(), flags);
    let mut tokens = |names| count(&span.first_of(names).unquoted(), flags);
    attempt.input_tokens = tokens(names.input_tokens);
    attempt.output_tokens = tokens(names.output_tokens);
    if span.is_failed() {
        let class = span.error_type();
        attempt.outcome = failure(class.as_deref().unwrap_or(""));
        attempt.reason = class.map(|class| scratch.intern(&class));
        // Zero tokens of a failed call are a filler.
        attempt.input_tokens = attempt.input_tokens.filter(|tokens| *tokens > 0);
        attempt.output_tokens = attempt.output_tokens.filter(|tokens| *tokens > 0);
    }
}

/// Tells how a call failed by the class or code of its error.
pub(super) fn failure(class: &str) -> AttemptOutcome {
    let class = class.to_lowercase();
    let has = |word: &str| class.contains(word);
    if has("timeout") || has("timed_out") || has("deadline") || matches!(&*class, "408" | "504") {
        AttemptOutcome::Timeout
    } else if has("cancel") || class == "499" {
        AttemptOutcome::Cancelled
    } else {
        AttemptOutcome::Error
    }
}

/// Fills the signals that calls of any dialect may tell.
fn signals(scratch: &mut Scratch, span: &Span<'_>, request: &mut Request) {
    let declared = span.attribute("litellm.request.tools.declared").unquoted();
    let has_tools = declared.number().map(|tools| tools > 0.0);
    let is_listed = span.has("gen_ai.tool.definitions").then_some(true);
    if let Some(has_tools) = has_tools.or(is_listed) {
        request.signals.tools_required = Logged::Value(has_tools);
    }
    let output = span.attribute("gen_ai.output.type");
    let strictness = match output.text() {
        Some("text") => Scalar::Text("none".into()),
        _ => output,
    };
    if let Some(strictness) = scratch.name(&strictness) {
        request.signals.format_strictness = Logged::Value(strictness);
    }
}

/// Ties a call that is alone in its trace to the others of its request: by the input, where the log
/// has it, and closeness in time. A server's span is a whole request: its caller may well repeat it.
pub(super) fn tie_by_input(scratch: &Scratch, span: &Span<'_>, user: &str) -> Option<Tie> {
    let input = span.raw("gen_ai.input.messages");
    if !span.is_root() || span.is_server() || input.is_empty() || input.contains(REDACTED) {
        return None;
    }
    let user = span.raw(user);
    let key = scratch.key.hash_parts([user.as_bytes(), input.as_bytes()]);
    Some(Tie { key, gap: GAP })
}

//! Trace samples of the fleet simulator (`src/fleet-sim/examples/trace_samples`): reduced decisions
//! without id, cost, latency or outcome, at seconds since the trace began.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use smallvec::smallvec;

use crate::format::reading::{Reading, VLLM_SR_TRACE};
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, count, is_odd};
use crate::format::screen::{refuse, reject};
use crate::model::{
    Attempt, AttemptOutcome, Event, Flags, Outcome, Reject, Request, SignalValue, Timestamp,
};

static TOKENS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"generated_tokens\""));

#[derive(Deserialize, Default)]
#[serde(default)]
struct Sample<'a> {
    #[serde(borrow)]
    timestamp: Scalar<'a>,
    prompt_tokens: Scalar<'a>,
    generated_tokens: Scalar<'a>,
    selected_model: Scalar<'a>,
    complexity: Scalar<'a>,
    category: Scalar<'a>,
}

/// Tells whether the line has the key that only a trace sample has.
pub(crate) fn may_be(line: &str) -> bool {
    TOKENS.find(line.as_bytes()).is_some()
}

/// Reads a trace sample.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let line = match sonic_rs::from_str::<Sample<'_>>(text) {
        Ok(line) => line,
        Err(error) => return refuse(text, &error),
    };
    let is_mine = line.selected_model.text().is_some()
        && !line.generated_tokens.is_unset()
        && line.timestamp.number().is_some();
    if !is_mine {
        return Reading::NotMine;
    }
    match request(scratch, text, &line, read_at) {
        Ok(request) => Reading::Events(VLLM_SR_TRACE, smallvec![Event::Request(Box::new(request))]),
        Err(reject) => Reading::Rejected(reject),
    }
}

fn request(
    scratch: &mut Scratch,
    text: &str,
    line: &Sample<'_>,
    read_at: Timestamp,
) -> Result<Request, Reject> {
    let ts = line
        .timestamp
        .number()
        .and_then(Timestamp::try_from_seconds);
    let ts = ts.ok_or_else(|| reject("bad-time", "`timestamp` is out of any range"))?;
    let mut request = Request::new(scratch.id_of_line(text), ts);
    request.format = VLLM_SR_TRACE;
    request.flags = Flags::ROUTE_WEAK | Flags::OUTCOME_PROVISIONAL;
    if is_odd(ts, read_at) {
        request.flags.set(Flags::ODD_CLOCK);
    }
    request.task_class = scratch.name(&line.category);
    request.route = request.task_class;
    request.model = scratch.name(&line.selected_model);
    if let Some(complexity) = scratch.name(&line.complexity) {
        let name = scratch.intern("complexity");
        let value = SignalValue::Text(complexity);
        request.signals.others.push((name, value));
    }
    if let Some(model) = request.model {
        // The tokens that it generated say that the model answered.
        let mut attempt = Attempt::new(model, AttemptOutcome::Ok);
        attempt.n = 1;
        attempt.input_tokens = count(&line.prompt_tokens, &mut request.flags);
        attempt.output_tokens = count(&line.generated_tokens, &mut request.flags);
        request.attempts.push(attempt);
        request.outcome = Some(Outcome::Completed);
    }
    Ok(request)
}

//! Log events: one line of the router's standard output.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use smallvec::smallvec;

use super::record;
use super::wire::Record;
use crate::format::reading::{Aside, Reading, VLLM_SR_LOG};
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, millis};
use crate::format::screen::refuse;
use crate::model::{Attempt, AttemptOutcome, Event, Flags, Outcome, Reject, Request, Timestamp};

static MESSAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"msg\""));
static EVENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"event\""));

/// Tells whether the line has the two keys that hold the event's name.
pub(crate) fn may_be(line: &str) -> bool {
    MESSAGE.find(line.as_bytes()).is_some() && EVENT.find(line.as_bytes()).is_some()
}

/// Reads a log event; what does not concern the routing of a request is set aside.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let line = match sonic_rs::from_str::<Record<'_>>(text) {
        Ok(line) => line,
        Err(error) => return refuse(text, &error),
    };
    let Some(name) = line
        .event
        .text()
        .filter(|name| line.msg.text() == Some(name))
    else {
        return Reading::NotMine;
    };
    let fill = match name {
        "routing_decision" if line.selected_model.is_unset() => {
            return aside("vLLM SR route lookup");
        }
        "routing_decision" => decision,
        "llm_usage" => usage,
        "router_replay_start" | "router_replay_complete" => replay,
        "cache_hit" if !line.request_id.is_unset() => cache_hit,
        "rate_limit_rejected" if !line.request_id.is_unset() => refused,
        "fallback_candidate_succeeded" if !line.request_id.is_unset() => fallback,
        _ => return aside("vLLM SR event without routing"),
    };
    match read(scratch, &line, read_at, fill) {
        Ok(request) => Reading::Events(VLLM_SR_LOG, smallvec![Event::Request(Box::new(request))]),
        Err(reject) => Reading::Rejected(reject),
    }
}

fn aside(what: &'static str) -> Reading {
    Reading::Aside(Aside {
        format: VLLM_SR_LOG,
        what,
        about: None,
    })
}

/// Fills a request with what one kind of event tells.
type Fill = fn(&mut Scratch, &Record<'_>, &mut Request);

fn read(
    scratch: &mut Scratch,
    line: &Record<'_>,
    read_at: Timestamp,
    fill: Fill,
) -> Result<Request, Reject> {
    let mut request = record::start(line, VLLM_SR_LOG, read_at)?;
    fill(scratch, line, &mut request);
    Ok(request)
}

/// The decision was logged when it had been made.
fn decision(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    let spent = millis(&line.routing_latency_ms, &mut request.flags);
    request.ts = request.ts.minus(spent.unwrap_or_default());
    record::route(scratch, line, request);
    request.model = scratch.name(&line.selected_model);
    request.reason = scratch.name(&line.reason_code);
    if let Scalar::Bool(is_on) = line.reasoning_enabled {
        let effort = line.reasoning_effort.text().filter(|_| is_on);
        let value = scratch.intern(effort.unwrap_or(if is_on { "on" } else { "off" }));
        request.attrs.push((scratch.intern("reasoning"), value));
    }
}

/// The usage is logged when the answer is complete.
fn usage(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    let flags = &mut request.flags;
    let latency = millis(&line.completion_latency_ms, flags);
    request.outcome = Some(Outcome::Completed);
    if let Some(mut attempt) = record::answer(scratch, line, &line.model, Outcome::Completed, flags)
    {
        attempt.latency = latency;
        request.attempts.push(attempt);
    }
    request.flags.set(Flags::OUTCOME_PROVISIONAL);
    request.ts = request.ts.minus(latency.unwrap_or_default());
}

fn replay(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    record::decide(scratch, line, request);
    super::replay::outcome(scratch, line, request);
}

/// The semantic cache answered; the line names the decision as `category` in older versions.
fn cache_hit(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    let decision = scratch
        .name(&line.decision)
        .or_else(|| scratch.name(&line.category));
    request.rule = decision;
    request.route = decision;
    if request.route.is_none() {
        request.route = scratch.name(&line.model);
        request.flags.set(Flags::ROUTE_WEAK);
    }
    request.outcome = Some(Outcome::Completed);
    if let Some(model) = scratch.name(&line.model) {
        let mut attempt = Attempt::new(model, AttemptOutcome::Ok);
        attempt.n = 1;
        request.attempts.push(record::from_cache(scratch, attempt));
    }
}

fn refused(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    record::route(scratch, line, request);
    request.outcome = Some(Outcome::Failed);
    request.reason = Some(scratch.intern("rate_limit_rejected"));
}

/// Another model served than the one decided for; the attempts before it are not in the log.
fn fallback(_: &mut Scratch, _: &Record<'_>, request: &mut Request) {
    request.flags.set(Flags::FALLBACK_HINT);
}

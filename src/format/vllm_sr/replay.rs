//! Replay records, one a line or as the list that the management API returns.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use smallvec::SmallVec;
use sonic_rs::LazyValue;

use super::looper;
use super::record;
use super::wire::Record;
use crate::format::nested::items;
use crate::format::reading::{Reading, VLLM_SR_REPLAY};
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, millis};
use crate::format::screen::{refuse, reject};
use crate::format::time;
use crate::model::{
    Correction, CorrectionBy, CorrectionKind, Event, Flags, Outcome, Reject, Request, Timestamp,
};

static SIGNALS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"signals\""));
static TURN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"decision_tier\""));

/// The list of the management API (`routerreplay/responses.go`, `ListResponse`).
#[derive(Deserialize, Default)]
#[serde(default)]
struct Page<'a> {
    #[serde(borrow)]
    data: Option<LazyValue<'a>>,
}

/// One judgement of an answer.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Verdict<'a> {
    #[serde(borrow)]
    timestamp: Scalar<'a>,
    source: Scalar<'a>,
    verdict: Scalar<'a>,
}

/// Tells whether the line has two keys that every replay record has.
pub(crate) fn may_be(line: &str) -> bool {
    SIGNALS.find(line.as_bytes()).is_some() && TURN.find(line.as_bytes()).is_some()
}

/// Reads a replay record, or all records of a list.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let line = match sonic_rs::from_str::<Record<'_>>(text) {
        Ok(line) => line,
        Err(error) => return refuse(text, &error),
    };
    if is_record(&line) {
        return match read(scratch, &line, read_at) {
            Ok(event) => Reading::Events(VLLM_SR_REPLAY, SmallVec::from_iter([event])),
            Err(reject) => Reading::Rejected(reject),
        };
    }
    let page = sonic_rs::from_str::<Page<'_>>(text).unwrap_or_default();
    let records: Vec<Record<'_>> = items(page.data.as_ref());
    if records.is_empty() || !records.iter().all(is_record) {
        return Reading::NotMine;
    }
    let mut events = SmallVec::new();
    for (idx, record) in records.iter().enumerate() {
        match read(scratch, record, read_at) {
            Ok(event) => events.push(event),
            Err(r) => {
                let detail = format!("record {}: {}", idx + 1, r.detail);
                return Reading::Rejected(reject(r.reason, detail));
            }
        }
    }
    Reading::Events(VLLM_SR_REPLAY, events)
}

fn is_record(line: &Record<'_>) -> bool {
    let is_object = |value: &LazyValue<'_>| value.as_raw_str().starts_with('{');
    line.signals.as_ref().is_some_and(is_object)
        && line.msg.is_unset()
        && !line.decision_tier.is_unset()
        && line.id.text().is_some()
}

fn read(scratch: &mut Scratch, line: &Record<'_>, read_at: Timestamp) -> Result<Event, Reject> {
    let mut request = record::start(line, VLLM_SR_REPLAY, read_at)?;
    request.flags.set(Flags::CORRECTABLE);
    record::decide(scratch, line, &mut request);
    outcome(scratch, line, &mut request);
    let chain = looper::chain(scratch, line, &mut request.flags);
    if !chain.is_empty() {
        request.attempts = chain;
    }
    request.correction = correction(&items(line.outcomes.as_ref()));
    Ok(Event::Request(Box::new(request)))
}

/// Fills how the request ended and its answering attempt; a request in progress has neither.
pub(super) fn outcome(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    let flags = &mut request.flags;
    let Some(outcome) = outcome_of(line) else {
        return;
    };
    request.outcome = Some(outcome);
    request.stamped_latency = millis(&line.duration_ms, flags);
    request.attempts.extend(record::answer(
        scratch,
        line,
        &line.selected_model,
        outcome,
        flags,
    ));
}

/// Records of versions without a lifecycle say it by their status, which is 0 until an answer came.
fn outcome_of(line: &Record<'_>) -> Option<Outcome> {
    match line.lifecycle_state.text() {
        Some("completed") => Some(Outcome::Completed),
        Some("failed") => Some(Outcome::Failed),
        Some("aborted") => Some(Outcome::Cancelled),
        Some("in_progress") => None,
        _ => match line.response_status.number() {
            Some(status) if status >= 400.0 => Some(Outcome::Failed),
            Some(status) if status >= 200.0 => Some(Outcome::Completed),
            _ => None,
        },
    }
}

/// Takes the first verdict that the answer was not good enough. A provider or the router itself
/// judges the call, not the answer: theirs are no corrections.
fn correction(verdicts: &[Verdict<'_>]) -> Option<Correction> {
    let bad = verdicts.iter().filter_map(|outcome| {
        let by = match outcome.source.text()? {
            "user" => CorrectionBy::User,
            "operator" => CorrectionBy::Reviewer,
            "agent" | "eval" => CorrectionBy::Judge,
            _ => return None,
        };
        matches!(outcome.verdict.text()?, "underpowered" | "failed").then_some(Correction {
            kind: CorrectionKind::Other,
            by,
            ts: outcome.timestamp.text().and_then(time::utc),
            after: None,
        })
    });
    // A verdict without a time is no earlier than one with a time.
    bad.min_by_key(|correction| (correction.ts.is_none(), correction.ts))
}

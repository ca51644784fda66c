//! A row of any of the four shapes, and what a generation says.

use serde::Deserialize;
use sonic_rs::LazyValue;

use crate::format::nested::{fields, scalars};
use crate::format::reading::LANGFUSE;
use crate::format::scalar::{Scalar, tag};
use crate::format::scratch::{Scratch, count, is_odd, usd};
use crate::format::screen::reject;
use crate::format::time;
use crate::model::{
    Attempt, AttemptOutcome, Flags, Logged, Micros, NanoUsd, Reject, Request, RequestId,
    SessionKey, Timestamp,
};

/// The longest start of an error message that is kept as its reason.
const REASON_LEN_MAX: usize = 64;

/// A trace, an observation or a score, in either spelling; `input`, `output`, `metadata` and comments
/// are not read.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    pub(super) trace: Option<LazyValue<'a>>,
    pub(super) observations: Option<LazyValue<'a>>,
    pub(super) scores: Option<LazyValue<'a>>,
    pub(super) id: Scalar<'a>,
    pub(super) timestamp: Scalar<'a>,
    pub(super) name: Scalar<'a>,
    pub(super) environment: Scalar<'a>,
    pub(super) release: Scalar<'a>,
    pub(super) bookmarked: Scalar<'a>,
    pub(super) tags: Option<LazyValue<'a>>,
    #[serde(alias = "sessionId")]
    pub(super) session_id: Scalar<'a>,
    #[serde(rename = "type")]
    pub(super) kind: Scalar<'a>,
    #[serde(alias = "traceId")]
    pub(super) trace_id: Scalar<'a>,
    #[serde(alias = "traceName")]
    pub(super) trace_name: Scalar<'a>,
    #[serde(alias = "parentObservationId")]
    pub(super) parent_observation_id: Scalar<'a>,
    #[serde(alias = "startTime")]
    pub(super) start_time: Scalar<'a>,
    #[serde(alias = "endTime")]
    pub(super) end_time: Scalar<'a>,
    #[serde(alias = "completionStartTime")]
    pub(super) completion_start_time: Scalar<'a>,
    pub(super) level: Scalar<'a>,
    #[serde(alias = "statusMessage")]
    pub(super) status_message: Scalar<'a>,
    #[serde(alias = "providedModelName")]
    pub(super) provided_model_name: Scalar<'a>,
    pub(super) model: Scalar<'a>,
    #[serde(alias = "usageDetails")]
    pub(super) usage_details: Option<LazyValue<'a>>,
    #[serde(alias = "costDetails")]
    pub(super) cost_details: Option<LazyValue<'a>>,
    #[serde(alias = "totalCost")]
    pub(super) total_cost: Scalar<'a>,
    #[serde(rename = "inputUsage")]
    pub(super) input_usage: Scalar<'a>,
    #[serde(rename = "outputUsage")]
    pub(super) output_usage: Scalar<'a>,
    #[serde(alias = "dataType")]
    pub(super) data_type: Scalar<'a>,
    pub(super) value: Scalar<'a>,
}

impl Row<'_> {
    /// Tells whether it is the document of a trace with its observations.
    pub(super) fn is_document(&self) -> bool {
        let starts = |value: &Option<LazyValue<'_>>, with: char| {
            let raw = value.as_ref().map_or("", LazyValue::as_raw_str);
            raw.starts_with(with)
        };
        starts(&self.trace, '{') && starts(&self.observations, '[')
    }

    /// Tells whether it is an observation.
    pub(super) fn is_observation(&self) -> bool {
        self.kind.text().is_some()
            && self.trace_id.text().is_some()
            && !self.start_time.is_unset()
            && self.parent_observation_id != Scalar::Absent
    }

    /// Tells whether it is a score.
    pub(super) fn is_score(&self) -> bool {
        self.data_type.text().is_some()
            && self.name.text().is_some()
            && self.value != Scalar::Absent
            && (self.trace_id != Scalar::Absent || self.session_id != Scalar::Absent)
    }

    /// Tells whether it is a trace.
    pub(super) fn is_trace(&self) -> bool {
        self.bookmarked != Scalar::Absent
            && self.session_id != Scalar::Absent
            && self.id.text().is_some()
            && !self.timestamp.is_unset()
    }

    /// Tells whether it is a call of a model.
    pub(super) fn is_generation(&self) -> bool {
        self.kind.text() == Some("GENERATION")
    }

    /// Tells whether the generation failed.
    pub(super) fn is_error(&self) -> bool {
        self.level.text() == Some("ERROR")
    }

    /// Tells whether the generation has ended: it has an end, an error, or came out with something.
    pub(super) fn has_ended(&self) -> bool {
        let tokens = tokens(self, "output", &self.output_usage, &mut Flags::default());
        !self.end_time.is_unset() || self.is_error() || tokens.is_some_and(|tokens| tokens > 0)
    }
}

/// Starts the request of a trace at a time of one of its rows.
pub(super) fn start(
    id: &Scalar<'_>,
    (field, at): (&str, &Scalar<'_>),
    read_at: Timestamp,
) -> Result<Request, Reject> {
    let id = id
        .text()
        .ok_or_else(|| reject("missing-field", "the id of the trace is missing"))?;
    let id = RequestId::try_from_text(id)
        .ok_or_else(|| reject("bad-value", "the id of the trace is longer than 256 bytes"))?;
    let ts =
        instant(at).ok_or_else(|| reject("bad-time", format!("`{field}` is no date and time")))?;
    let mut request = Request::new(id, ts);
    request.format = LANGFUSE;
    if is_odd(ts, read_at) {
        request.flags.set(Flags::ODD_CLOCK);
    }
    Ok(request)
}

/// Reads a time of either spelling.
pub(super) fn instant(value: &Scalar<'_>) -> Option<Timestamp> {
    value.text().and_then(time::utc)
}

/// Fills what a trace, or a row that repeats its trace, says of the request.
pub(super) fn describe(scratch: &mut Scratch, row: &Row<'_>, request: &mut Request) {
    let session = row.session_id.text();
    request.session = session.map(|text| SessionKey(scratch.key.hash(text.as_bytes())));
    let tags = scalars(row.tags.as_ref());
    request.task_class = tag(&tags, "task:").map(|text| scratch.intern(text));
    if let Some(tier) = tag(&tags, "tier:") {
        request.signals.user_tier = Logged::Value(scratch.intern(tier));
    }
    for (key, value) in [("environment", &row.environment), ("release", &row.release)] {
        if let Some(value) = scratch.name(value) {
            let key = scratch.intern(key);
            request.attrs.push((key, value));
        }
    }
}

/// Reads a generation; `None` where it names no model or has not ended.
pub(super) fn attempt(scratch: &mut Scratch, row: &Row<'_>, flags: &mut Flags) -> Option<Attempt> {
    let model = scratch
        .name(&row.provided_model_name)
        .or_else(|| scratch.name(&row.model))?;
    if !row.has_ended() {
        return None;
    }
    let mut attempt = Attempt::new(model, AttemptOutcome::Ok);
    let id = row.id.text().unwrap_or("");
    attempt.key = scratch
        .key
        .hash_parts([&b"langfuse"[..], id.as_bytes()])
        .max(1);
    attempt.start = instant(&row.start_time);
    attempt.latency = span(&row.end_time, attempt.start, flags);
    attempt.ttft = span(&row.completion_start_time, attempt.start, flags);
    attempt.input_tokens = tokens(row, "input", &row.input_usage, flags);
    attempt.output_tokens = tokens(row, "output", &row.output_usage, flags);
    attempt.cost = cost(row, flags);
    if row.is_error() {
        let reason = row.status_message.text().and_then(reason);
        attempt.outcome = if reason.is_some_and(|reason| reason.to_lowercase().contains("timeout"))
        {
            AttemptOutcome::Timeout
        } else {
            AttemptOutcome::Error
        };
        attempt.reason = reason.map(|reason| scratch.intern(reason));
    }
    Some(attempt)
}

/// Returns the start of an error message, up to its first colon: the class or the code. What follows
/// may quote the prompt; a start that is a long sentence may too.
fn reason(message: &str) -> Option<&str> {
    let start = message.split([':', '\n', '{']).next().unwrap_or("").trim();
    (!start.is_empty() && start.len() <= REASON_LEN_MAX).then_some(start)
}

fn span(value: &Scalar<'_>, start: Option<Timestamp>, flags: &mut Flags) -> Option<Micros> {
    if value.is_unset() {
        return None;
    }
    let span = instant(value)
        .zip(start)
        .filter(|(end, start)| end >= start)
        .map(|(end, start)| end.since(start));
    if span.is_none() {
        flags.set(Flags::BAD_NUMBER);
    }
    span
}

/// Sums the details whose name starts with `kind`: cached and reasoning tokens stand beside the rest.
/// Without details the page's own sum counts, where it is not the 0 of no details.
fn tokens(row: &Row<'_>, kind: &str, sum: &Scalar<'_>, flags: &mut Flags) -> Option<u32> {
    let details = fields(row.usage_details.as_ref());
    let known: Vec<u32> = details
        .iter()
        .filter(|(key, _)| key.starts_with(kind))
        .filter_map(|(_, value)| count(value, flags))
        .collect();
    if known.is_empty() {
        return count(sum, flags).filter(|tokens| *tokens > 0);
    }
    Some(known.into_iter().fold(0, u32::saturating_add))
}

fn cost(row: &Row<'_>, flags: &mut Flags) -> Option<NanoUsd> {
    let has_details = !fields(row.cost_details.as_ref()).is_empty();
    usd(&row.total_cost, flags).filter(|cost| cost.0 > 0 || has_details)
}

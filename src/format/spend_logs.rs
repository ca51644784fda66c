//! LiteLLM's spend log: one row a client request, as the proxy writes it to its database
//! (`LiteLLM_SpendLogs` in `schema.prisma`; `get_logging_payload` in
//! `litellm/proxy/spend_tracking/spend_tracking_utils.py`, 1.106.2).
//!
//! `metadata` and `request_tags` are JSON inside texts in the row, and plain JSON where the
//! management API gives it. Times are ISO 8601 with a blank or `T`; a database column without a zone
//! is UTC. The row knows the group that was asked (`original_model_group`), which the standard logging
//! payload does not, and only how many fallbacks came between. Both name the call by
//! `litellm_call_id` and agree in its start, so that they join without a conflict.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use smallvec::smallvec;
use sonic_rs::LazyValue;

use super::litellm::{attempt_key, failure};
use super::litellm_caller::ErrorFacts;
use super::nested::scalars;
use super::reading::{Aside, LITELLM_SPEND, Reading};
use super::routing_decision::{self, RoutingDecision};
use super::scalar::{Scalar, tag};
use super::scratch::{Scratch, count, is_odd, millis, usd};
use super::screen::{is_too_deep, refuse, reject};
use super::time;
use crate::model::{
    Attempt, AttemptOutcome, Event, Flags, Logged, Micros, Outcome, Reject, Request, RequestId,
    SessionKey, Timestamp,
};

static SPEND: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"spend\""));

#[derive(Deserialize, Default)]
#[serde(default)]
struct Row<'a> {
    #[serde(borrow)]
    request_id: Scalar<'a>,
    litellm_call_id: Scalar<'a>,
    call_type: Scalar<'a>,
    spend: Scalar<'a>,
    #[serde(rename = "startTime")]
    start: Scalar<'a>,
    #[serde(rename = "endTime")]
    end: Scalar<'a>,
    #[serde(rename = "completionStartTime")]
    first_token: Scalar<'a>,
    request_duration_ms: Scalar<'a>,
    model: Scalar<'a>,
    model_id: Scalar<'a>,
    model_group: Scalar<'a>,
    custom_llm_provider: Scalar<'a>,
    prompt_tokens: Scalar<'a>,
    completion_tokens: Scalar<'a>,
    cache_hit: Scalar<'a>,
    session_id: Scalar<'a>,
    status: Scalar<'a>,
    request_tags: Option<LazyValue<'a>>,
    metadata: Option<LazyValue<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    litellm_call_id: Scalar<'a>,
    status: Scalar<'a>,
    original_model_group: Scalar<'a>,
    attempted_retries: Scalar<'a>,
    attempted_fallbacks: Scalar<'a>,
    routing_decision: Option<LazyValue<'a>>,
    error_information: Option<LazyValue<'a>>,
}

/// Tells whether the line has the key of a spend log somewhere.
pub(crate) fn may_be(line: &str) -> bool {
    SPEND.find(line.as_bytes()).is_some()
}

/// Reads a row.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let row = match sonic_rs::from_str::<Row<'_>>(text) {
        Ok(row) => row,
        Err(error) => return refuse(text, &error),
    };
    let is_row = !row.spend.is_unset()
        && row.request_id.text().is_some()
        && row.call_type != Scalar::Absent
        && matches!(row.start, Scalar::Text(_));
    if !is_row {
        return Reading::NotMine;
    }
    if row
        .call_type
        .text()
        .is_some_and(|kind| kind.contains("mcp"))
    {
        return Reading::Aside(Aside {
            format: LITELLM_SPEND,
            what: "MCP call",
            about: None,
        });
    }
    let metadata = unpacked(row.metadata.as_ref());
    let metadata: Metadata<'_> = sonic_rs::from_str(&metadata).unwrap_or_default();
    match request(scratch, &row, &metadata, read_at) {
        Ok(request) => Reading::Events(LITELLM_SPEND, smallvec![Event::Request(Box::new(request))]),
        Err(reject) => Reading::Rejected(reject),
    }
}

/// Returns the JSON of a value that may stand inside a text; what is nested too deep is nothing.
fn unpacked<'a>(value: Option<&'a LazyValue<'_>>) -> Cow<'a, str> {
    let raw = value.map_or("{}", LazyValue::as_raw_str);
    if !raw.starts_with('"') {
        return Cow::Borrowed(raw);
    }
    let inner: String = sonic_rs::from_str(raw).unwrap_or_default();
    if is_too_deep(inner.as_bytes()) {
        return Cow::Borrowed("{}");
    }
    Cow::Owned(inner)
}

fn request(
    scratch: &mut Scratch,
    row: &Row<'_>,
    metadata: &Metadata<'_>,
    read_at: Timestamp,
) -> Result<Request, Reject> {
    let is_success = match row.status.text().or_else(|| metadata.status.text()) {
        // Rows of versions without a status are written for successes only.
        None | Some("success") => true,
        Some("failure") => false,
        Some(_) => {
            let why = "`status` is neither success nor failure";
            return Err(reject("bad-value", why));
        }
    };
    let ids = [
        &row.litellm_call_id,
        &metadata.litellm_call_id,
        &row.request_id,
    ];
    let call_id = ids.iter().find_map(|id| id.text()).unwrap_or_default();
    let id = RequestId::try_from_text(call_id)
        .ok_or_else(|| reject("bad-value", "`request_id` is longer than 256 bytes"))?;
    let start = row.start.text().and_then(time::utc);
    let start = start.ok_or_else(|| reject("bad-time", "`startTime` is no date and time"))?;
    let mut request = Request::new(id, start);
    request.format = LITELLM_SPEND;
    if is_odd(start, read_at) {
        request.flags.set(Flags::ODD_CLOCK);
    }
    request.outcome = Some(if is_success {
        Outcome::Completed
    } else {
        Outcome::Failed
    });
    caller_facts(scratch, row, &mut request);
    decide(scratch, row, metadata, &mut request);
    let mut attempt = attempt(scratch, row, call_id, start, is_success, &mut request.flags)?;
    attempt.tier = request.tier.or_else(|| scratch.name(&row.model_group));
    if !is_success {
        let raw = metadata.error_information.as_ref();
        let raw = raw.map_or("{}", LazyValue::as_raw_str);
        let facts: ErrorFacts<'_> = sonic_rs::from_str(raw).unwrap_or_default();
        attempt.outcome = failure(&row.model_id, facts.class());
        attempt.reason = facts.reason(scratch);
    }
    request.attempts.push(attempt);
    Ok(request)
}

fn caller_facts(scratch: &mut Scratch, row: &Row<'_>, request: &mut Request) {
    let tags = unpacked(row.request_tags.as_ref());
    let tags: LazyValue<'_> = sonic_rs::from_str(&tags).unwrap_or_default();
    let tags = scalars(Some(&tags));
    request.task_class = tag(&tags, "task:").map(|text| scratch.intern(text));
    if let Some(tier) = tag(&tags, "tier:") {
        request.signals.user_tier = Logged::Value(scratch.intern(tier));
    }
    let session = row.session_id.text();
    request.session = session.map(|text| SessionKey(scratch.key.hash(text.as_bytes())));
    if row.cache_hit.is_true() || row.cache_hit.text() == Some("True") {
        let (name, value) = (scratch.intern("cache"), scratch.intern("hit"));
        request.attrs.push((name, value));
    }
}

/// The auto-router that decided names the route, else the group that was asked first; the group that
/// served is only the last resort.
fn decide(scratch: &mut Scratch, row: &Row<'_>, metadata: &Metadata<'_>, request: &mut Request) {
    let raw = metadata
        .routing_decision
        .as_ref()
        .map_or("", LazyValue::as_raw_str);
    let is_decided = RoutingDecision::from_json(raw)
        .is_some_and(|decision| routing_decision::fill(scratch, &decision, raw, request));
    if !is_decided {
        // A fallback loses the decision, so that the group asked may be an auto-router without the
        // tier it decided for; the payload of the first failure has both and counts.
        let groups = [&metadata.original_model_group, &row.model_group, &row.model];
        request.route = groups.iter().find_map(|group| scratch.name(group));
        request.flags.set(Flags::ROUTE_WEAK);
    }
    for tries in [&metadata.attempted_retries, &metadata.attempted_fallbacks] {
        if count(tries, &mut request.flags).is_some_and(|tries| tries > 0) {
            request.flags.set(Flags::FALLBACK_HINT);
        }
    }
}

fn attempt(
    scratch: &mut Scratch,
    row: &Row<'_>,
    call_id: &str,
    start: Timestamp,
    is_success: bool,
    flags: &mut Flags,
) -> Result<Attempt, Reject> {
    let model = scratch
        .name(&row.model)
        .or_else(|| scratch.name(&row.model_group))
        .ok_or_else(|| reject("missing-field", "`model` is missing"))?;
    let mut attempt = Attempt::new(model, AttemptOutcome::Ok);
    attempt.key = attempt_key(scratch, call_id, is_success, start);
    attempt.start = Some(start);
    attempt.provider = scratch.name(&row.custom_llm_provider);
    attempt.latency = span(&row.end, start, flags);
    if row.end.is_unset() {
        attempt.latency = millis(&row.request_duration_ms, flags);
    }
    attempt.cost = usd(&row.spend, flags);
    if is_success {
        attempt.input_tokens = count(&row.prompt_tokens, flags);
        attempt.output_tokens = count(&row.completion_tokens, flags);
        // Without a stream the first token is said to come with the last.
        let first = span(&row.first_token, start, flags);
        attempt.ttft = first.filter(|first| attempt.latency.is_some_and(|end| *first < end));
    }
    Ok(attempt)
}

fn span(value: &Scalar<'_>, start: Timestamp, flags: &mut Flags) -> Option<Micros> {
    if value.is_unset() {
        return None;
    }
    let end = value.text().and_then(time::utc);
    let span = end.filter(|end| *end >= start).map(|end| end.since(start));
    if span.is_none() {
        flags.set(Flags::BAD_NUMBER);
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::recorded_in_words;
    use crate::format::tests::request as read;
    use crate::format::tests::{READ_AT, event, mutated, names_hold, parser, reason};
    use crate::format::{Parsed, Parser};
    use crate::model::{Name, NanoUsd, merge};
    use proptest::prelude::*;

    const ROWS: &str = include_str!("../../tests/fixtures/format/spend_logs.jsonl");

    fn line(number: usize) -> &'static str {
        ROWS.lines().nth(number - 1).unwrap()
    }

    fn text(parser: &Parser, name: Option<Name>) -> String {
        parser.names().text(name.unwrap()).to_owned()
    }

    #[test]
    fn a_row_tells_who_was_asked_and_who_served() {
        let mut parser = parser();
        let it = read(&mut parser, line(1));
        assert_eq!(it.format, LITELLM_SPEND);
        assert_eq!(it.id.to_string(), "dd793c2c-5023-4163-8781-38c6cf78f7a8");
        assert_eq!(it.ts.to_rfc3339(), "2026-11-23T21:45:06.702191Z");
        assert_eq!(text(&parser, it.route), "fast", "the group asked");
        assert_eq!(text(&parser, it.attempts[0].tier), "long-context");
        assert_eq!(text(&parser, it.attempts[0].provider), "openai");
        assert!(it.is_fallback(), "one fallback was made");
        assert_eq!(it.latency(), Some(Micros(616_028)));
        assert_eq!(it.ttft(), None, "not streamed");
        assert_eq!(it.cost(), Some(NanoUsd(1_234_567)));
        assert_eq!(text(&parser, it.task_class), "extraction");
        assert_eq!(
            it.signals.user_tier,
            Logged::Value(parser.names().find("free").unwrap())
        );
        assert!(it.session.is_some());
        assert!(!names_hold(&parser, "secret"));
    }

    #[test]
    fn an_auto_routers_decision_is_kept_whole() {
        let mut parser = parser();
        let it = read(&mut parser, line(2));
        assert_eq!(text(&parser, it.route), "smart/medium");
        assert_eq!(text(&parser, it.policy), "smart@6ac669a8ccf3");
        assert_eq!(text(&parser, it.rule), "heuristic_scorer");
        assert_eq!(text(&parser, it.attempts[0].tier), "medium");
        assert_eq!(it.ttft(), Some(Micros(100_000)), "streamed");
        let told = recorded_in_words(LITELLM_SPEND, it.recorded.as_deref().unwrap());
        assert_eq!(
            told[0],
            "Complexity score 0.42 lies between simple/medium 0.30 and medium/complex 0.55, so tier MEDIUM."
        );
        assert_eq!(text(&parser, it.attrs.first().map(|(_, v)| *v)), "hit");
    }

    #[test]
    fn the_row_of_the_management_api_reads_the_same() {
        let mut parser = parser();
        let packed = read(&mut parser, line(1));
        let open = read(&mut parser, line(3));
        assert_eq!(
            open, packed,
            "metadata and tags as JSON, a time without zone"
        );
    }

    #[test]
    fn a_failure_is_classed_by_its_error() {
        let mut parser = parser();
        let it = read(&mut parser, line(4));
        assert_eq!(it.outcome, Some(Outcome::Failed));
        assert_eq!(it.attempts[0].outcome, AttemptOutcome::Timeout);
        assert_eq!(text(&parser, it.attempts[0].reason), "408");
        assert_eq!(it.attempts[0].input_tokens, None);
        match event(&mut parser, line(1)) {
            Event::Request(_) => {}
            other => panic!("{other:?}"),
        }
        match parser.parse(line(5).as_bytes(), READ_AT) {
            Parsed::Events { format, events } => {
                assert_eq!((format, events.len()), (LITELLM_SPEND, 0), "an MCP call");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn payload_and_row_of_one_call_join_without_conflict() {
        let mut parser = parser();
        let success = r#"{"litellm_call_id":"dd793c2c-5023-4163-8781-38c6cf78f7a8","trace_id":"t","call_type":"acompletion","status":"success","startTime":1795470306.702191,"endTime":1795470307.318219,"completionStartTime":1795470307.318219,"model":"openai/gpt-4.1-mini","model_group":"long-context","custom_llm_provider":"openai","response_cost":0.001234567,"prompt_tokens":2860,"completion_tokens":12,"hidden_params":{},"metadata":{"user_api_key_request_route":"/v1/chat/completions"}}"#;
        let failure = success
            .replace("success", "failure")
            .replace("1795470306.702191", "1795470306.5")
            .replace("\"long-context\"", "\"fast\"");
        let lines = [line(1), success, &failure].map(|line| read(&mut parser, line));
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
            let mut whole = lines[order[0]].clone();
            let mut conflicts = Vec::new();
            for idx in &order[1..] {
                merge(&mut whole, lines[*idx].clone(), &mut conflicts);
            }
            assert_eq!(conflicts, []);
            assert_eq!(whole.attempts.len(), 2);
            assert_eq!(text(&parser, whole.route), "fast");
            assert_eq!(whole.outcome, Some(Outcome::Completed));
        }
    }

    #[test]
    fn wrong_rows_are_refused_with_the_field() {
        for (from, to, code) in [
            ("2026-11-23 21:45:06.702191+00:00", "1795470306", "bad-time"),
            ("\"status\":\"success\"", "\"status\":\"odd\"", "bad-value"),
            ("\"spend\":", "\"spend\":0,\"spend\":", "ambiguous-key"),
            ("\"spend\":0.001234567", "\"spend\":\"much\"", "event"),
            ("\"metadata\":\"{", "\"metadata\":\"", "event"),
        ] {
            let changed = line(1).replacen(from, to, 1);
            assert_ne!(changed, line(1), "{from}");
            assert_eq!(reason(changed.as_bytes()), code, "{to}");
        }
        let deep = format!(
            "{{\\\"a\\\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        let changed = line(5).replace("\"metadata\":\"{}\"", &format!("\"metadata\":\"{deep}\""));
        let changed = changed.replace("call_mcp_tool", "acompletion");
        assert_eq!(reason(changed.as_bytes()), "event");
        // What is nested too deep says nothing at all, whichever reader would get through it.
        let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
        let changed = line(1).replacen("{\\\"", &format!("{{\\\"deep\\\": {deep}, \\\""), 1);
        let mut parser = parser();
        let it = read(&mut parser, &changed);
        assert_eq!(text(&parser, it.route), "long-context");
    }

    proptest! {
        #[test]
        fn no_change_of_a_row_makes_it_panic(which in 1..6_usize, at in any::<prop::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 0..4), cut in any::<bool>()) {
            let _ = parser().parse(&mutated(line(which), at, with, cut), READ_AT);
        }
    }
}

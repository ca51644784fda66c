//! The access log of the Envoy AI Gateway: one line a client request, with its last attempt.
//!
//! The operator names the keys. Read by default are those of the documentation
//! (envoyproxy/ai-gateway, `site/docs/capabilities/observability/accesslogs.md` and
//! `examples/accesslogs-envoy-proxy-llm.yaml`), in their present names and the older `genai_*` ones;
//! a mapping reads any others. A line that asked no model, as a call of an MCP tool, is set aside.
//!
//! Numbers may be texts and `-` is nothing. `duration` is what the caller waited;
//! `x-envoy-upstream-service-time` ends at the answer's headers and is neither latency nor time to
//! first token. Flags are those of Envoy's `%RESPONSE_FLAGS%`
//! (`docs/root/configuration/observability/access_log/usage.rst`).

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use smallvec::smallvec;

use super::reading::{Aside, ENVOY, Reading};
use super::scalar::Scalar;
use super::scratch::{Scratch, count, is_odd, millis};
use super::screen::{refuse, reject};
use super::time;
use crate::model::{
    Attempt, AttemptOutcome, Event, Flags, Outcome, Reject, Request, RequestId, SessionKey,
    Timestamp,
};

static KEYS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| {
    [
        Finder::new("\"upstream_cluster\""),
        Finder::new("\"gen_ai.request.model\""),
        Finder::new("\"genai_model_name\""),
    ]
});

/// Flags of requests that reached no model: no host, no route, refused before the call.
const NOT_CALLED: [&str; 12] = [
    "UH", "UO", "NR", "NC", "LH", "RL", "UAEX", "RLSE", "IH", "DPE", "FI", "OM",
];
/// Flags of requests that took too long.
const TIMED_OUT: [&str; 4] = ["UT", "DT", "SI", "UMSDR"];
/// The flag of a client that went away.
const CLIENT_LEFT: &str = "DC";
/// Flags that say that the call was tried more than once.
const RETRIED: [&str; 1] = ["URX"];
/// Flags that say nothing of the outcome: an injected delay, a cached answer.
const HARMLESS: [&str; 2] = ["DI", "RFCF"];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "gen_ai.request.model")]
    model: Scalar<'a>,
    #[serde(rename = "genai_model_name")]
    model_old: Scalar<'a>,
    #[serde(rename = "gen_ai.request.model_override")]
    model_override: Scalar<'a>,
    #[serde(rename = "genai_model_name_override")]
    model_override_old: Scalar<'a>,
    #[serde(rename = "gen_ai.response.model")]
    model_served: Scalar<'a>,
    #[serde(rename = "gen_ai.provider.name")]
    backend: Scalar<'a>,
    #[serde(rename = "genai_backend_name")]
    backend_old: Scalar<'a>,
    #[serde(rename = "gen_ai.usage.input_tokens")]
    input_tokens: Scalar<'a>,
    #[serde(rename = "genai_tokens_input")]
    input_tokens_old: Scalar<'a>,
    #[serde(rename = "gen_ai.usage.output_tokens")]
    output_tokens: Scalar<'a>,
    #[serde(rename = "genai_tokens_output")]
    output_tokens_old: Scalar<'a>,
    #[serde(rename = "mcp.method.name")]
    mcp_method: Scalar<'a>,
    #[serde(rename = "mcp_method")]
    mcp_method_old: Scalar<'a>,
    #[serde(rename = "session.id")]
    session: Scalar<'a>,
    #[serde(rename = "x-request-id")]
    request_id: Scalar<'a>,
    #[serde(rename = "x-envoy-upstream-service-time")]
    service_time: Scalar<'a>,
    token_latency_ttft: Scalar<'a>,
    start_time: Scalar<'a>,
    duration: Scalar<'a>,
    response_code: Scalar<'a>,
    response_flags: Scalar<'a>,
    route_name: Scalar<'a>,
    upstream_cluster: Scalar<'a>,
    upstream_request_attempt_count: Scalar<'a>,
}

/// Tells whether the line has a key of the documented logs.
pub(crate) fn may_be(line: &str) -> bool {
    KEYS.iter().any(|key| key.find(line.as_bytes()).is_some())
}

/// Reads a line of the access log.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let line = match sonic_rs::from_str::<Line<'_>>(text) {
        Ok(line) => line,
        Err(error) => return refuse(text, &error),
    };
    // Which keys there are is the operator's choice: those of Envoy itself tell its log from any
    // other with a model in it.
    let is_envoy = line.service_time != Scalar::Absent
        || line.response_flags != Scalar::Absent
        || (line.response_code != Scalar::Absent && line.upstream_cluster != Scalar::Absent);
    if !is_envoy {
        return Reading::NotMine;
    }
    if set(&line.model, &line.model_old).is_none() {
        let is_mcp = set(&line.mcp_method, &line.mcp_method_old).is_some();
        return Reading::Aside(Aside {
            format: ENVOY,
            what: if is_mcp {
                "MCP call"
            } else {
                "Envoy request that asked no model"
            },
            about: None,
        });
    }
    match request(scratch, text, &line, read_at) {
        Ok(request) => Reading::Events(ENVOY, smallvec![Event::Request(Box::new(request))]),
        Err(reject) => Reading::Rejected(reject),
    }
}

/// Returns the text under the present key, else under the older one.
fn set<'a>(value: &'a Scalar<'_>, old: &'a Scalar<'_>) -> Option<&'a str> {
    let is_set = |value: &&str| *value != "-";
    value
        .text()
        .filter(is_set)
        .or_else(|| old.text().filter(is_set))
}

/// Returns the number under the present key, else under the older one.
fn number<'a>(value: &Scalar<'a>, old: &Scalar<'a>) -> Scalar<'a> {
    match value.unquoted() {
        Scalar::Absent | Scalar::Null => old.unquoted(),
        value => value,
    }
}

fn request(
    scratch: &mut Scratch,
    text: &str,
    line: &Line<'_>,
    read_at: Timestamp,
) -> Result<Request, Reject> {
    if line.start_time.is_unset() {
        return Err(reject("missing-field", "`start_time` is missing"));
    }
    let ts = line.start_time.text().and_then(time::utc);
    let ts = ts.ok_or_else(|| reject("bad-time", "`start_time` is no date and time"))?;
    let id = match set(&line.request_id, &Scalar::Absent) {
        Some(id) => RequestId::try_from_text(id)
            .ok_or_else(|| reject("bad-value", "`x-request-id` is longer than 256 bytes"))?,
        None => scratch.id_of_line(text),
    };
    let mut request = Request::new(id, ts);
    request.format = ENVOY;
    request.flags = Flags::ARRIVAL_KNOWN;
    if is_odd(ts, read_at) {
        request.flags.set(Flags::ODD_CLOCK);
    }
    let session = set(&line.session, &Scalar::Absent);
    request.session = session.map(|text| SessionKey(scratch.key.hash(text.as_bytes())));
    let asked = set(&line.model, &line.model_old).unwrap_or_default();
    let route = set(&line.route_name, &line.upstream_cluster).unwrap_or(asked);
    request.route = Some(scratch.intern(route));
    request.model = Some(scratch.intern(asked));
    request.stamped_latency = millis(&line.duration.unquoted(), &mut request.flags);
    let tries = line.upstream_request_attempt_count.unquoted();
    if count(&tries, &mut request.flags).is_some_and(|tries| tries > 1) {
        request.flags.set(Flags::FALLBACK_HINT);
    }
    answer(scratch, line, asked, &mut request);
    Ok(request)
}

/// Fills how the request ended and its last attempt.
fn answer(scratch: &mut Scratch, line: &Line<'_>, asked: &str, request: &mut Request) {
    let flags = set(&line.response_flags, &Scalar::Absent).unwrap_or("");
    let raised: Vec<&str> = flags
        .split(',')
        .map(str::trim)
        .filter(|flag| !flag.is_empty() && !HARMLESS.contains(flag))
        .collect();
    let any = |of: &[&str]| raised.iter().any(|flag| of.contains(flag));
    let code = line.response_code.unquoted().number().unwrap_or(0.0);
    let (outcome, attempt) = if any(&[CLIENT_LEFT]) || code == 499.0 {
        (Some(Outcome::Cancelled), AttemptOutcome::Cancelled)
    } else if any(&TIMED_OUT) {
        (Some(Outcome::Failed), AttemptOutcome::Timeout)
    } else if any(&NOT_CALLED) {
        (Some(Outcome::Failed), AttemptOutcome::Skipped)
    } else if !raised.is_empty() || code >= 400.0 {
        (Some(Outcome::Failed), AttemptOutcome::Error)
    } else if code >= 200.0 {
        (Some(Outcome::Completed), AttemptOutcome::Ok)
    } else {
        (None, AttemptOutcome::Ok)
    };
    request.outcome = outcome;
    if any(&RETRIED) {
        request.flags.set(Flags::FALLBACK_HINT);
    }
    if outcome.is_none() {
        return;
    }
    let served = set(&line.model_served, &line.model_override)
        .or_else(|| set(&line.model_override_old, &Scalar::Absent))
        .unwrap_or(asked);
    let mut attempt = Attempt::new(scratch.intern(served), attempt);
    attempt.key = scratch
        .key
        .hash_parts([b"envoy", request.id.as_bytes()])
        .max(1);
    attempt.provider = set(&line.backend, &line.backend_old)
        .map(|backend| scratch.intern(backend.split("/route/").next().unwrap_or(backend)));
    if attempt.outcome != AttemptOutcome::Ok {
        let reason = if raised.is_empty() {
            code.to_string()
        } else {
            raised.join(",")
        };
        attempt.reason = Some(scratch.intern(&reason));
    }
    let bad = &mut request.flags;
    attempt.input_tokens = count(&number(&line.input_tokens, &line.input_tokens_old), bad);
    attempt.output_tokens = count(&number(&line.output_tokens, &line.output_tokens_old), bad);
    attempt.ttft = millis(&line.token_latency_ttft.unquoted(), bad);
    request.attempts.push(attempt);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Parsed;
    use crate::format::tests::request as read;
    use crate::format::tests::{READ_AT, mutated, parser, reason};
    use crate::model::{Micros, Name};
    use proptest::prelude::*;

    const LINES: &str = include_str!("../../tests/fixtures/format/envoy.jsonl");

    fn line(number: usize) -> &'static str {
        LINES.lines().nth(number - 1).unwrap()
    }

    #[test]
    fn a_documented_line_is_read() {
        let mut parser = parser();
        let it = read(&mut parser, line(1));
        let text = |name: Option<Name>| parser.names().text(name.unwrap()).to_owned();
        assert_eq!(it.format, ENVOY);
        assert_eq!(it.id.to_string(), "5b0c1d2e-1111-4222-8333-0a1b2c3d4e5f");
        assert_eq!(it.ts.to_rfc3339(), "2026-10-30T16:51:37.894000Z");
        assert_eq!(text(it.route), "httproute/shop/llm/rule/0/match/0/*");
        assert_eq!(text(it.model), "small-1");
        assert_eq!(it.outcome, Some(Outcome::Completed));
        assert_eq!(it.latency(), Some(Micros(1_526_000)));
        let attempt = &it.attempts[0];
        assert_eq!(text(Some(attempt.model)), "small-1-2026");
        assert_eq!(text(attempt.provider), "shop/upstream");
        assert_eq!(
            (attempt.input_tokens, attempt.output_tokens),
            (Some(15), Some(7))
        );
        assert_eq!(attempt.ttft, Some(Micros(88_000)));
        assert_eq!(attempt.cost, None);
        assert_eq!(it.flags, Flags::ARRIVAL_KNOWN);
    }

    #[test]
    fn older_keys_and_numbers_in_texts_are_read() {
        let mut parser = parser();
        let it = read(&mut parser, line(2));
        assert_eq!(it.latency(), Some(Micros(900_000)));
        assert_eq!(it.attempts[0].input_tokens, Some(12));
        assert_eq!(it.attempts[0].output_tokens, None, "a dash is nothing");
        assert_eq!(parser.names().text(it.attempts[0].model), "big-1");
        assert!(!it.flags.has(Flags::BAD_NUMBER));
        assert!(it.id.to_string().starts_with("line-"));
        assert!(it.flags.has(Flags::FALLBACK_HINT), "two tries");
        assert!(it.session.is_some());
    }

    #[test]
    fn flags_say_how_it_ended() {
        let mut parser = parser();
        for (flags, code, outcome, attempt, why) in [
            ("-", "200", "completed", "ok", None),
            ("DI", "200", "completed", "ok", None),
            ("-", "429", "failed", "error", Some("429")),
            ("UC", "200", "failed", "error", Some("UC")),
            ("UF,URX", "503", "failed", "error", Some("UF,URX")),
            ("UT", "504", "failed", "timeout", Some("UT")),
            ("UH", "503", "failed", "skipped", Some("UH")),
            ("DC", "0", "cancelled", "cancelled", Some("DC")),
        ] {
            let text = line(1)
                .replace("_flags\":\"-\"", &format!("_flags\":\"{flags}\""))
                .replace("_code\":200", &format!("_code\":{code}"));
            let it = read(&mut parser, &text);
            let found = (
                it.outcome.unwrap().word(),
                it.attempts[0].outcome.word(),
                it.attempts[0].reason.map(|name| parser.names().text(name)),
            );
            assert_eq!(found, (outcome, attempt, why), "{flags} {code}");
            let is_retried = it.flags.has(Flags::FALLBACK_HINT);
            assert_eq!(is_retried, flags.contains("URX"), "{flags}");
        }
        let unknown = line(1).replace("\"response_code\":200", "\"response_code\":null");
        let it = read(&mut parser, &unknown);
        assert_eq!((it.outcome, it.attempts.len()), (None, 0));
    }

    #[test]
    fn a_line_without_a_model_is_set_aside() {
        let mut parser = parser();
        for number in [3, 4] {
            match parser.parse(line(number).as_bytes(), READ_AT) {
                Parsed::Events { format, events } => {
                    assert_eq!((format, events.len()), (ENVOY, 0));
                }
                other => panic!("{other:?}"),
            }
        }
        let asides: Vec<String> = parser
            .take_asides()
            .iter()
            .map(|(what, n)| format!("{} {n}", parser.names().text(*what)))
            .collect();
        assert_eq!(
            asides,
            ["MCP call 1", "Envoy request that asked no model 1"]
        );
    }

    #[test]
    fn wrong_lines_are_refused_with_the_field() {
        for (from, to, code) in [
            ("2026-10-30T16:51:37.894Z", "noon", "bad-time"),
            ("\"start_time\"", "\"begin\"", "missing-field"),
            ("\"duration\":1526", "\"duration\":\"fast\"", "event"),
            ("\"method\"", "\"duration\":1,\"method\"", "ambiguous-key"),
            (
                "\"response_flags\"",
                "\"a\":{\"b\":[1]},\"response_flags\"",
                "event",
            ),
        ] {
            assert_eq!(reason(line(1).replace(from, to).as_bytes()), code, "{to}");
        }
        let fast = line(1).replace("\"duration\":1526", "\"duration\":\"fast\"");
        let it = read(&mut parser(), &fast);
        assert!(it.flags.has(Flags::BAD_NUMBER) && it.latency().is_none());
        let foreign = r#"{"gen_ai.request.model":"m","x":1}"#;
        assert_eq!(reason(foreign.as_bytes()), "unknown-format");
    }

    proptest! {
        #[test]
        fn no_change_of_a_line_makes_it_panic(which in 1..5_usize, at in any::<prop::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 0..4), cut in any::<bool>()) {
            let _ = parser().parse(&mutated(line(which), at, with, cut), READ_AT);
        }
    }
}

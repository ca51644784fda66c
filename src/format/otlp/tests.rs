//! Batches of every dialect through the whole parser, cut anywhere and in any order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::format::{Parsed, Parser, Rules};
use crate::model::{
    CorrectionBy, CorrectionKind, Event, Flags, HashKey, Logged, Merged, Micros, Name, Names,
    NanoUsd, Outcome, Request, Timestamp, merge,
};

const V2: &str = include_str!("../../../tests/fixtures/format/otlp-litellm-v2.jsonl");
const V1: &str = include_str!("../../../tests/fixtures/format/otlp-litellm-v1.jsonl");
const READ_AT: Timestamp = Timestamp(1_795_500_000_000_000);
const TRACE: &str = "5b8efff798038103d269b633813fc60c";
/// 2026-11-23T21:44:42Z.
const START: u64 = 1_795_470_282_000_000_000;

fn parser() -> Parser {
    Parser::new(Names::default(), HashKey([7; 16]), Rules::default())
}

fn requests(parser: &mut Parser, line: &str) -> Vec<Request> {
    match parser.parse(line.as_bytes(), READ_AT) {
        Parsed::Events { events, .. } => events
            .into_iter()
            .map(|event| match event {
                Event::Request(request) => *request,
                other => panic!("{other:?}"),
            })
            .collect(),
        other => panic!("{line}: {other:?}"),
    }
}

/// Joins lines as the store does, by id; the same request must never contradict itself.
fn joined<'a>(parser: &mut Parser, lines: impl IntoIterator<Item = &'a str>) -> Vec<Request> {
    let mut whole: BTreeMap<String, Request> = BTreeMap::new();
    let mut conflicts = Vec::new();
    for request in lines.into_iter().flat_map(|line| requests(parser, line)) {
        match whole.get_mut(&request.id.to_string()) {
            Some(known) => {
                merge(known, request, &mut conflicts);
            }
            None => {
                whole.insert(request.id.to_string(), request);
            }
        }
    }
    assert_eq!(conflicts, []);
    whole
        .into_values()
        .map(|mut request| {
            assert!(!request.flags.has(Flags::CONFLICT), "{}", request.id);
            request.flags.clear(Flags::MERGED);
            request
        })
        .collect()
}

/// Tells a request in lines of text: the decision, then each attempt.
fn story(parser: &Parser, it: &Request) -> Vec<String> {
    let name = |name: Option<Name>| name.map_or("-", |name| parser.names().text(name));
    let ms = |span: Option<Micros>| {
        span.map_or("-".to_owned(), |span| format!("{:.0}", span.as_millis()))
    };
    let mut lines = vec![format!(
        "{} {} {} {} {} in {} ms, first token {}, {}",
        name(it.route),
        name(it.policy),
        name(it.rule),
        name(it.tier),
        it.outcome.map_or("open", Outcome::word),
        ms(it.latency()),
        ms(it.ttft()),
        it.cost().map_or("-".to_owned(), |cost| cost.0.to_string()),
    )];
    lines.extend(it.attempts.iter().map(|a| {
        format!(
            "+{} {} on {} {} {} {} ms {:?}/{:?} {}",
            ms(a.start.map(|start| start.since(it.ts))),
            name(a.tier),
            name(Some(a.model)),
            a.outcome.word(),
            name(a.reason),
            ms(a.latency),
            a.input_tokens.unwrap_or(0),
            a.output_tokens.unwrap_or(0),
            a.cost.map_or("-".to_owned(), |cost| cost.0.to_string()),
        )
    }));
    lines
}

fn by_id<'a>(requests: &'a [Request], id: &str) -> &'a Request {
    let mut found = requests
        .iter()
        .filter(|it| it.id.to_string().starts_with(id));
    found.next().unwrap()
}

#[test]
fn litellm_v2_tells_every_attempt() {
    let mut parser = parser();
    let whole = joined(&mut parser, V2.lines());
    assert_eq!(whole.len(), 10);
    for (id, expected) in [
        (
            "08631489",
            &[
                "smart/reasoning smart@6ac669a8ccf3 literal_keyword_match reasoning completed in 2923 ms, first token -, 6010000",
                "+623 strongest on anthropic/claude-opus-4-5 ok - 2297 ms 137/213 6010000",
            ][..],
        ),
        (
            "975720ec",
            &[
                "smart/reasoning smart@6ac669a8ccf3 literal_keyword_match reasoning completed in 4938 ms, first token -, 1312000",
                "+18 strongest on anthropic/claude-opus-4-5 timeout Timeout 4004 ms 0/0 0",
                "+4082 standard on openai/gpt-4.1 ok - 844 ms 84/143 1312000",
            ],
        ),
        (
            "4453b836",
            &[
                "strongest - - - completed in 8993 ms, first token -, 2310000",
                "+13 strongest on anthropic/claude-opus-4-5 error RateLimitError 24 ms 0/0 0",
                "+2598 strongest on strongest error - - ms 0/0 0",
                "+5186 strongest on strongest error - - ms 0/0 0",
                "+7573 standard on openai/gpt-4.1 ok - 1412 ms 99/264 2310000",
            ],
        ),
        (
            "9b46f08c",
            &[
                "standard - - - failed in 44 ms, first token -, 0",
                "+9 standard on standard skipped RouterRateLimitError 3 ms 0/0 -",
                "+14 strongest on strongest skipped RouterRateLimitError 5 ms 0/0 -",
            ],
        ),
    ] {
        assert_eq!(story(&parser, by_id(&whole, id)), expected, "{id}");
    }
    let streamed = by_id(&whole, "bb85b60d");
    let last = streamed.attempts.last().unwrap();
    assert_eq!(last.ttft.unwrap().0 / 1_000, 910);
    assert_eq!(streamed.ttft().unwrap().0 / 1_000, 985, "as the caller saw");
    let escalated = by_id(&whole, "0b497f02");
    assert!(escalated.is_escalated() && escalated.session.is_some());
    let skipped = by_id(&whole, "594e83ce");
    assert_eq!((skipped.calls(), skipped.is_fallback()), (1, true));
    let attrs: Vec<_> = skipped
        .attrs
        .iter()
        .map(|(key, value)| (parser.names().text(*key), parser.names().text(*value)))
        .collect();
    assert_eq!(
        attrs,
        [("service", "llm-router"), ("environment", "sample")]
    );
    let asides = parser.take_asides();
    assert_eq!(asides.len(), 1);
    assert_eq!(asides[0].1, 10, "one `auth` span each");
}

#[test]
fn litellm_v1_ties_attempts_by_their_input_and_reads_what_python_printed() {
    let mut parser = parser();
    let spans: Vec<Request> = V1.lines().flat_map(|l| requests(&mut parser, l)).collect();
    let told: Vec<_> = spans
        .iter()
        .map(|it| story(&parser, it).join(" | "))
        .collect();
    assert_eq!(
        told,
        [
            "smart/medium smart@6ac669a8ccf3 session_affinity_escalation medium completed in 556 ms, first token -, 762000 | +0 medium on openai/gpt-4.1 ok - 556 ms 101/70 762000",
            "smart/simple smart@6ac669a8ccf3 heuristic_scorer simple failed in 44 ms, first token -, 0 | +0 simple on anthropic/claude-haiku-4-5 error ContentPolicyViolationError 44 ms 0/0 0",
            "strongest - - - completed in 1235 ms, first token -, 2945000 | +0 strongest on anthropic/claude-opus-4-5 ok - 1235 ms 74/103 2945000",
            "fast - - - failed in 34 ms, first token -, 0 | +0 fast on anthropic/claude-haiku-4-5 error ContextWindowExceededError 34 ms 0/0 0",
            "long-context - - - completed in 738 ms, first token -, 1192800 | +0 long-context on openai/gpt-4.1-mini ok - 738 ms 2862/30 1192800",
        ]
    );
    let ties: Vec<_> = spans.iter().map(|it| it.tie.unwrap().key).collect();
    assert!(ties[1] == ties[2] && ties[3] == ties[4] && ties[0] != ties[1] && ties[2] != ties[3]);
    let recorded = spans[1].recorded.as_deref().unwrap();
    assert_eq!(
        crate::format::recorded_in_words(spans[1].format, recorded)[0],
        "Complexity score 0.00 lies below simple/medium 0.15, so tier SIMPLE."
    );
    assert!(spans[0].is_escalated());
    let reason = parser.names().text(spans[0].reason.unwrap());
    assert_eq!(reason, "keyword: is wrong");
}

#[test]
fn no_prompt_and_no_key_is_kept() {
    let mut parser = parser();
    let mut kept = String::new();
    for line in V2.lines().chain(V1.lines()) {
        kept.push_str(&format!("{:?}", requests(&mut parser, line)));
    }
    let names: Vec<_> = parser
        .names()
        .after(0)
        .map(|(_, text)| text.to_string())
        .collect();
    kept.push_str(&names.join("\n"));
    for secret in [
        "back-office",
        "warranty",
        "litellm_proxy_master_key",
        "user-0",
        "127.0.0.1",
        "Anthropic",
    ] {
        assert!(!kept.contains(secret), "{secret}");
    }
}

/// Takes lines apart into single spans, each a line of its own.
fn apart(lines: &str) -> Vec<Value> {
    let mut spans = Vec::new();
    for line in lines.lines() {
        let batch: Value = serde_json::from_str(line).unwrap();
        for sender in batch["resourceSpans"].as_array().unwrap() {
            for scope in sender["scopeSpans"].as_array().unwrap() {
                for span in scope["spans"].as_array().unwrap() {
                    spans.push(json!({
                        "resource": sender["resource"],
                        "scopeSpans": [{"scope": scope["scope"], "spans": [span]}],
                    }));
                }
            }
        }
    }
    spans
}

fn together(spans: &[Value]) -> String {
    json!({ "resourceSpans": spans }).to_string()
}

proptest! {
    #[test]
    fn a_trace_may_be_cut_anywhere_and_come_in_any_order(
        spans in Just([apart(V2), apart(V1)].concat()).prop_shuffle(),
        cuts in proptest::collection::vec(0..60_usize, 0..20),
    ) {
        let mut parser = parser();
        let whole = together(&[apart(V2), apart(V1)].concat());
        let expected = joined(&mut parser, [&*whole]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(spans.len())).collect();
        cuts.extend([0, spans.len()]);
        cuts.sort_unstable();
        let lines: Vec<String> = cuts.windows(2).map(|cut| together(&spans[cut[0]..cut[1]])).collect();
        let found = joined(&mut parser, lines.iter().map(|line| &**line));
        prop_assert_eq!(&found, &expected);
        // The same lines once more change nothing.
        let again = joined(&mut parser, lines.iter().chain(&lines).map(|line| &**line));
        prop_assert_eq!(&again, &expected);
    }

    #[test]
    fn no_change_of_a_batch_makes_the_parser_panic(
        which in 0..17_usize,
        at in any::<prop::sample::Index>(),
        with in proptest::collection::vec(any::<u8>(), 0..4),
        cut in any::<bool>(),
    ) {
        let mut bytes = V2.lines().chain(V1.lines()).nth(which).unwrap().as_bytes().to_vec();
        let idx = at.index(bytes.len());
        if cut {
            bytes.truncate(idx);
        } else {
            let end = (idx + with.len()).min(bytes.len());
            bytes.splice(idx..end, with);
        }
        let _ = parser().parse(&bytes, READ_AT);
    }

    #[test]
    fn any_value_in_any_place_is_survived(
        name in "(traceId|spanId|parentSpanId|name|kind|startTimeUnixNano|endTimeUnixNano|attributes|events|status)",
        value in prop_oneof![
            Just(Value::Null), any::<bool>().prop_map(Value::from), any::<f64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from), ".{0,8}".prop_map(Value::from),
            Just(json!([])), Just(json!([{}])), Just(json!([1])), Just(json!({"code": []})),
        ],
    ) {
        let mut span = chat("a", "1", &[]);
        span[&name] = value;
        let mut parser = parser();
        let _ = parser.parse(line_of(vec![span.clone()]).as_bytes(), READ_AT);
        let _ = parser.parse(span.to_string().as_bytes(), READ_AT);
    }
}

#[test]
fn a_fragment_seen_again_is_a_duplicate() {
    let mut parser = parser();
    for line in V2.lines() {
        let once = requests(&mut parser, line);
        for (mut known, again) in once.clone().into_iter().zip(requests(&mut parser, line)) {
            assert_eq!(known, again);
            assert!(
                !again.flags.has(Flags::MERGED),
                "its row must be found again"
            );
            assert_eq!(merge(&mut known, again, &mut Vec::new()), Merged::Duplicate);
        }
    }
}

fn attribute(key: &str, value: Value) -> Value {
    json!({"key": key, "value": value})
}

/// A call of the GenAI conventions that takes 100 ms.
fn chat(trace: &str, span: &str, more: &[(&str, Value)]) -> Value {
    let mut attributes = vec![
        attribute("gen_ai.operation.name", json!({"stringValue": "chat"})),
        attribute("gen_ai.provider.name", json!({"stringValue": "openai"})),
        attribute("gen_ai.request.model", json!({"stringValue": "gpt-5-mini"})),
    ];
    attributes.extend(
        more.iter()
            .map(|(key, value)| attribute(key, value.clone())),
    );
    json!({
        "traceId": trace, "spanId": span, "parentSpanId": "c0", "name": "chat gpt-5-mini", "kind": 3,
        "startTimeUnixNano": START.to_string(), "endTimeUnixNano": (START + 100_000_000).to_string(),
        "attributes": attributes, "status": {},
    })
}

fn line_of(spans: Vec<Value>) -> String {
    json!({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]})
        .to_string()
}

#[test]
fn genai_names_current_and_older_numbers_as_text_or_number() {
    let current = [
        (
            "gen_ai.response.model",
            json!({"stringValue": "gpt-5-mini-2026-01-01"}),
        ),
        ("gen_ai.usage.input_tokens", json!({"intValue": "131"})),
        ("gen_ai.usage.output_tokens", json!({"intValue": 92})),
        (
            "gen_ai.response.time_to_first_chunk",
            json!({"doubleValue": 0.025}),
        ),
        ("gen_ai.conversation.id", json!({"stringValue": "s-1"})),
        ("gen_ai.usage.cost", json!({"doubleValue": 0.0015})),
        ("gen_ai.output.type", json!({"stringValue": "json"})),
        (
            "gen_ai.input.messages",
            json!({"stringValue": "secret words"}),
        ),
    ];
    let older = [
        (
            "gen_ai.response.model",
            json!({"stringValue": "gpt-5-mini-2026-01-01"}),
        ),
        ("gen_ai.usage.prompt_tokens", json!({"stringValue": "131"})),
        (
            "gen_ai.usage.completion_tokens",
            json!({"doubleValue": 92.0}),
        ),
        (
            "gen_ai.server.time_to_first_token",
            json!({"stringValue": "0.025"}),
        ),
        ("session.id", json!({"stringValue": "s-1"})),
        ("gen_ai.usage.cost", json!({"stringValue": "0.0015"})),
    ];
    let mut parser = parser();
    for more in [&current[..], &older] {
        let mut span = chat(&TRACE.to_uppercase(), "1", more);
        span["startTimeUnixNano"] = json!(START);
        let found = requests(&mut parser, &line_of(vec![span]));
        assert_eq!(
            story(&parser, &found[0]),
            [
                "gpt-5-mini - - - completed in 100 ms, first token 25, 1500000",
                "+0 - on gpt-5-mini-2026-01-01 ok - 100 ms 131/92 1500000",
            ]
        );
        assert_eq!(found[0].id.to_string(), TRACE);
        assert_eq!(found[0].ts, Timestamp(1_795_470_282_000_000));
        assert!(found[0].session.is_some() && !found[0].flags.has(Flags::BAD_NUMBER));
        assert_eq!(found[0].format, 6);
    }
    let strictness = requests(&mut parser, &line_of(vec![chat(TRACE, "1", &current)]));
    let json_word = parser.names().find("json").unwrap();
    assert_eq!(
        strictness[0].signals.format_strictness,
        Logged::Value(json_word)
    );
    assert_eq!(parser.names().find("secret words"), None);
}

#[test]
fn calls_of_a_trace_are_its_attempts_and_other_operations_are_counted_aside() {
    let mut failed = chat(TRACE, "1", &[("error.type", json!({"stringValue": "429"}))]);
    failed["status"] = json!({"code": "STATUS_CODE_ERROR"});
    let mut late = chat(TRACE, "2", &[]);
    late["startTimeUnixNano"] = json!((START + 200_000_000).to_string());
    late["endTimeUnixNano"] = json!((START + 450_000_000).to_string());
    let agent = chat(TRACE, "3", &[]);
    let agent = agent.to_string().replace("\"chat\"", "\"invoke_agent\"");
    let database =
        json!({"traceId": TRACE, "spanId": "4", "name": "redis.get", "startTimeUnixNano": "1"});
    let carried = json!({"traceId": TRACE, "spanId": "5", "attributes": [
        attribute("gen_ai.request.model", json!({"stringValue": "from-baggage"})),
    ]});
    let spans = vec![
        late,
        failed,
        serde_json::from_str(&agent).unwrap(),
        database,
        carried,
    ];
    let mut parser = parser();
    let found = requests(&mut parser, &line_of(spans));
    assert_eq!(
        story(&parser, &found[0]),
        [
            "gpt-5-mini - - - completed in 450 ms, first token -, -",
            "+0 - on gpt-5-mini error 429 100 ms 0/0 -",
            "+200 - on gpt-5-mini ok - 250 ms 0/0 -",
        ]
    );
    assert_eq!(parser.take_asides()[0].1, 3);
}

#[test]
fn a_server_span_is_the_request_or_the_other_side_of_a_call() {
    let usage = [("gen_ai.usage.input_tokens", json!({"intValue": "7"}))];
    let call = chat(TRACE, "b1", &usage);
    // The gateway's own span: no usage, and the caller gave up.
    let mut gateway = chat(
        TRACE,
        "c0",
        &[("http.response.status_code", json!({"intValue": "499"}))],
    );
    gateway["kind"] = json!("SPAN_KIND_SERVER");
    gateway["parentSpanId"] = json!("");
    gateway["startTimeUnixNano"] = json!((START - 5_000_000).to_string());
    gateway["endTimeUnixNano"] = json!((START + 120_000_000).to_string());
    // The model server's side of the same call.
    let mut model = chat(TRACE, "a9", &usage);
    model["kind"] = json!(2);
    model["parentSpanId"] = json!("b1");
    model["startTimeUnixNano"] = json!((START + 10_000_000).to_string());
    model["endTimeUnixNano"] = json!((START + 90_000_000).to_string());
    let mut parser = parser();
    let lines = [
        line_of(vec![call]),
        line_of(vec![model]),
        line_of(vec![gateway]),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let found = joined(&mut parser, order.map(|idx: usize| &*lines[idx]));
        assert_eq!(
            story(&parser, &found[0]),
            [
                "gpt-5-mini - - - cancelled in 125 ms, first token -, -",
                "+15 - on gpt-5-mini ok - 90 ms 7/0 -",
            ]
        );
        assert!(found[0].flags.has(Flags::ARRIVAL_KNOWN));
    }
}

#[test]
fn openinference_with_and_without_the_wrapper() {
    let text = |key, value: &str| attribute(key, json!({"stringValue": value}));
    let span = json!({
        "traceId": TRACE, "spanId": "eee19b7ec3c1b174", "kind": "SPAN_KIND_INTERNAL", "name": "ChatCompletion",
        "startTimeUnixNano": START.to_string(), "endTimeUnixNano": (START + 300_000_000).to_string(),
        "attributes": [
            text("openinference.span.kind", "LLM"), text("llm.system", "openai"),
            text("llm.model_name", "gpt-5-nano-2025-08-07"), text("session.id", "s-1"),
            text("llm.invocation_parameters", "{\"model\": \"gpt-5-nano\", \"max_tokens\": 5}"),
            text("input.value", "Hello"), attribute("llm.token_count.prompt", json!({"intValue": "8"})),
            attribute("llm.token_count.completion", json!({"intValue": "377"})),
            attribute("llm.cost.total", json!({"doubleValue": 0.25})),
        ],
        "events": [{"name": "First Token Stream Event", "timeUnixNano": (START + 90_000_000).to_string()}],
        "status": {"code": "STATUS_CODE_OK"},
    });
    let mut failed = span.clone();
    failed["attributes"] = json!([
        text("openinference.span.kind", "LLM"),
        text("llm.invocation_parameters", "{\"model\": \"gpt-5-nano\"}"),
    ]);
    failed["status"] = json!({"code": "STATUS_CODE_ERROR", "message": "BadRequestError: secret"});
    failed["events"] = json!([{"name": "exception", "attributes": [text("exception.type", "openai.BadRequestError")]}]);
    let mut parser = parser();
    for line in [span.to_string(), line_of(vec![span])] {
        let found = requests(&mut parser, &line);
        assert_eq!(
            story(&parser, &found[0]),
            [
                "gpt-5-nano - - - completed in 300 ms, first token 90, 250000000",
                "+0 - on gpt-5-nano-2025-08-07 ok - 300 ms 8/377 250000000",
            ]
        );
        assert_eq!(found[0].format, 7);
    }
    let found = requests(&mut parser, &failed.to_string());
    assert_eq!(
        story(&parser, &found[0])[1],
        "+0 - on gpt-5-nano error BadRequestError 300 ms 0/0 -"
    );
    let tool = failed.to_string().replace("\"LLM\"", "\"TOOL\"");
    assert_eq!(
        reason(&tool),
        "unknown-format",
        "a bare span that is no call"
    );
}

fn reason(line: &str) -> &'static str {
    match parser().parse(line.as_bytes(), READ_AT) {
        Parsed::Blank => "blank",
        Parsed::Noise => "noise",
        Parsed::Events { events, .. } if events.is_empty() => "nothing",
        Parsed::Events { .. } => "events",
        Parsed::Rejected(reject) => reject.reason,
    }
}

#[test]
fn hostile_batches() {
    let good = line_of(vec![chat(TRACE, "1", &[])]);
    let without = |field: &str| {
        let mut span = chat(TRACE, "1", &[]);
        span.as_object_mut().unwrap().remove(field);
        line_of(vec![span])
    };
    let deep = format!("{{\"resourceSpans\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let mixed: Value = serde_json::from_str(&without("traceId")).unwrap();
    let mixed = mixed["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone();
    for (line, expected) in [
        (good.clone(), "events"),
        (without("traceId"), "missing-field"),
        (good.replace(TRACE, &"0".repeat(32)), "missing-field"),
        (without("startTimeUnixNano"), "bad-time"),
        (
            good.replace(&format!("\"{START}\""), "\"soon\""),
            "bad-time",
        ),
        (good.replace("gpt-5-mini", ""), "missing-field"),
        (line_of(vec![mixed, chat(TRACE, "1", &[])]), "events"),
        (line_of(vec![]), "nothing"),
        ("{\"resourceSpans\":null}".to_owned(), "unknown-format"),
        (
            "{\"resourceSpans\":[],\"resourceSpans\":[]}".to_owned(),
            "ambiguous-key",
        ),
        ("{\"resourceMetrics\":[{}]}".to_owned(), "nothing"),
        (
            "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{}}]}]}]}".to_owned(),
            "nothing",
        ),
        (
            "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[1]}]}]}".to_owned(),
            "bad-value",
        ),
        (deep, "too-deep"),
        (good[..good.len() - 1].to_owned(), "not-json"),
        (
            "{\"attributes\":[],\"status\":\"ok\"}".to_owned(),
            "unknown-format",
        ),
    ] {
        assert_eq!(reason(&line), expected, "{line}");
    }
}

#[test]
fn bad_numbers_are_unknown_and_flag_the_request() {
    let tokens = "gen_ai.usage.input_tokens";
    for bad in [
        json!({"intValue": "many"}),
        json!({"intValue": -1}),
        json!({"doubleValue": "NaN"}),
        json!({"boolValue": true}),
        json!({"arrayValue": {"values": []}}),
    ] {
        let line = line_of(vec![chat(TRACE, "1", &[(tokens, bad.clone())])]);
        let found = requests(&mut parser(), &line);
        assert_eq!(found[0].attempts[0].input_tokens, None, "{bad}");
        assert!(found[0].flags.has(Flags::BAD_NUMBER), "{bad}");
    }
    let line = line_of(vec![chat(
        TRACE,
        "1",
        &[(tokens, json!({"doubleValue": 0.125}))],
    )]);
    let found = requests(&mut parser(), &line.replace("0.125", "NaN"));
    assert!(
        found[0].flags.has(Flags::BAD_NUMBER),
        "NaN as Python writes it"
    );
    let mut backwards = chat(TRACE, "1", &[]);
    backwards["endTimeUnixNano"] = json!("1");
    let found = requests(&mut parser(), &line_of(vec![backwards]));
    assert_eq!(found[0].latency(), None);
    assert!(found[0].flags.has(Flags::BAD_NUMBER));
    let mut odd = chat(TRACE, "1", &[]);
    odd["startTimeUnixNano"] = json!("2795470282000000000");
    let found = requests(&mut parser(), &line_of(vec![odd]));
    assert!(found[0].flags.has(Flags::ODD_CLOCK));
}

fn verdict(name: &str, label: &str, trace: &str) -> String {
    let text = |key, value: &str| attribute(key, json!({"stringValue": value}));
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "eventName": "gen_ai.evaluation.result", "traceId": trace, "spanId": "1",
        "timeUnixNano": (START + 60_000_000_000).to_string(),
        "attributes": [
            text("gen_ai.evaluation.name", name), text("gen_ai.evaluation.score.label", label),
            text("gen_ai.evaluation.explanation", "the user wrote secret words"),
        ],
    }]}]}]})
    .to_string()
}

#[test]
fn a_bad_verdict_corrects_its_trace_whichever_comes_first() {
    let call = line_of(vec![chat(TRACE, "1", &[])]);
    let bad = verdict("user_feedback", "thumbs down", &TRACE.to_uppercase());
    let mut parser = parser();
    for lines in [[&*call, &*bad], [&*bad, &*call]] {
        let found = joined(&mut parser, lines);
        assert_eq!(found.len(), 1);
        let correction = found[0].correction.unwrap();
        assert_eq!(correction.kind, CorrectionKind::ThumbsDown);
        assert_eq!(correction.by, CorrectionBy::User);
        assert_eq!(found[0].corrected_after(), Some(Micros(59_900_000)));
        assert!(found[0].is_corrected());
        assert_eq!(
            found[0].format, 6,
            "the trace tells how to read the request"
        );
        assert_eq!(found[0].ts, Timestamp(1_795_470_282_000_000));
    }
    assert_eq!(parser.names().find("the user wrote secret words"), None);
}

#[test]
fn a_good_verdict_only_makes_corrections_known() {
    let call = line_of(vec![chat(TRACE, "1", &[])]);
    let good = verdict("correctness", "pass", TRACE);
    let mut parser = parser();
    let found = joined(&mut parser, [&*call]);
    assert!(!found[0].flags.has(Flags::CORRECTABLE));
    let found = joined(&mut parser, [&*call, &*good]);
    assert_eq!(found[0].correction, None);
    assert!(found[0].flags.has(Flags::CORRECTABLE));
    assert_eq!(reason(&verdict("correctness", "fail", "")), "missing-field");
    let failed = good.replace("gen_ai.evaluation.explanation", "error.type");
    assert_eq!(reason(&failed), "nothing", "the evaluation itself failed");
}

#[test]
fn only_calls_alone_in_their_trace_are_tied_by_input() {
    let v1 = |root: bool, kind: u8, input: &str| {
        let mut span = chat(
            TRACE,
            "1",
            &[
                ("litellm.model_group", json!({"stringValue": "fast"})),
                ("gen_ai.input.messages", json!({"stringValue": input})),
                ("llm.user", json!({"stringValue": "u-1"})),
                (
                    "hidden_params",
                    json!({"stringValue": "{\"additional_headers\":{\"x-litellm-attempted-fallbacks\":1}}"}),
                ),
                (
                    "metadata.requester_metadata",
                    json!({"stringValue": "{'task_class': 'planning', 'retrieval_confidence': '0.5', 'session_id': 's-1'}"}),
                ),
            ],
        );
        span["kind"] = json!(kind);
        if root {
            span["parentSpanId"] = json!("");
        }
        line_of(vec![span])
    };
    let mut parser = parser();
    let mut tie = |line: String| requests(&mut parser, &line)[0].tie.map(|tie| tie.key);
    let tied = tie(v1(true, 1, "hello"));
    assert!(tied.is_some());
    assert_eq!(tie(v1(true, 1, "hello")), tied);
    assert_ne!(tie(v1(true, 1, "other")), tied);
    assert_eq!(tie(v1(false, 1, "hello")), None, "the trace ties");
    assert_eq!(tie(v1(true, 2, "hello")), None, "the proxy's own span");
    assert_eq!(
        tie(v1(true, 1, "redacted-by-litellm")),
        None,
        "all inputs look alike"
    );
    let found = requests(&mut parser, &v1(true, 2, "hello"));
    let found = &found[0];
    assert!(found.flags.has(Flags::FALLBACK_HINT) && found.session.is_some());
    assert_eq!(parser.names().text(found.task_class.unwrap()), "planning");
    assert_eq!(found.signals.retrieval_confidence, Logged::Value(0.5));
}

#[test]
fn calls_on_litellms_own_account_are_no_attempts() {
    let own = [
        ("litellm.call_id", json!({"stringValue": "x"})),
        (
            "litellm.request.purpose",
            json!({"stringValue": "autorouter_classifier"}),
        ),
    ];
    let line = line_of(vec![chat(TRACE, "1", &own)]).replace("\"x\"", "\"litellm\"");
    assert_eq!(reason(&line), "nothing");
    let lone_route = json!({"traceId": TRACE, "spanId": "1", "name": "route fast",
        "startTimeUnixNano": START.to_string(),
        "attributes": [attribute("gen_ai.request.model", json!({"stringValue": "fast"}))]});
    let line = line_of(vec![lone_route.clone()]).replace("\"x\"", "\"litellm\"");
    assert_eq!(
        reason(&line),
        "nothing",
        "the SDK's: nothing leads to its request"
    );
    let mut within = lone_route;
    within["parentSpanId"] = json!("c0");
    let line = line_of(vec![within]).replace("\"x\"", "\"litellm\"");
    assert_eq!(reason(&line), "events");
}

#[test]
fn litellm_books_failed_calls_at_nothing_and_lone_calls_need_no_server_span() {
    let mut parser = parser();
    let lone: Vec<Value> = apart(V2)
        .into_iter()
        .filter(|span| {
            let span = &span["scopeSpans"][0]["spans"][0];
            span["traceId"].as_str().unwrap().starts_with("975720ec")
                && span["name"].as_str().unwrap().starts_with("chat")
        })
        .collect();
    let found = joined(&mut parser, [&*together(&lone)]);
    let found = &found[0];
    assert_eq!(found.cost(), Some(NanoUsd(1_312_000)));
    assert_eq!(
        (found.calls(), found.outcome),
        (2, Some(Outcome::Completed))
    );
    assert_eq!(parser.names().text(found.route.unwrap()), "smart/reasoning");
    assert!(!found.flags.has(Flags::ARRIVAL_KNOWN));
}

//! Lines of every kind through the whole parser.

use proptest::prelude::*;

use super::wire::Line;
use super::{Parsed, Parser, Rules};
use crate::model::{
    AttemptOutcome, CorrectionBy, CorrectionKind, Event, Flags, HashKey, Logged, MarkerKind,
    Micros, Names, NanoUsd, Outcome, Request, Timestamp, merge,
};

const CHAINS: &str = include_str!("../../tests/fixtures/format/chains.slp.jsonl");
pub(super) const READ_AT: Timestamp = Timestamp(1_795_500_000_000_000);
const WHOLE: &str = r#"{"ts":"2026-11-23T02:41:07.5Z","event":"request","request_id":"r-1","session_id":"s","task_class":"planning","route":"support","policy":"p@1#ab","rule":"light","tier":"fast","signals":{"retrieval_confidence":null,"input_complexity":0.25,"tools_required":false,"user_tier":"free","session_fallbacks":2,"lang":"de"},"attempts":[{"model":"small-1","latency_ms":10.5,"ttft_ms":2,"input_tokens":214,"output_tokens":53,"cost_usd":4.26e-05,"outcome":"escalated","reason":"drifting"},{"model":"large-1","outcome":"ok","zzz":1}],"outcome":"completed","corrected":false,"correction":{"kind":"edited","by":"user","after_s":3.5},"propensity":0.9,"attrs":{"region":"eu"},"extra":{"a":[1]}}"#;

pub(super) fn parser() -> Parser {
    Parser::new(Names::default(), HashKey([7; 16]), Rules::default())
}

pub(super) fn event(parser: &mut Parser, line: &str) -> Event {
    match parser.parse(line.as_bytes(), READ_AT) {
        Parsed::Events { mut events, .. } => events.remove(0),
        other => panic!("{line}: {other:?}"),
    }
}

pub(super) fn request(parser: &mut Parser, line: &str) -> Request {
    match event(parser, line) {
        Event::Request(request) => *request,
        other => panic!("{line}: {other:?}"),
    }
}

pub(super) fn reason(line: &[u8]) -> &'static str {
    match parser().parse(line, READ_AT) {
        Parsed::Blank => "blank",
        Parsed::Noise => "noise",
        Parsed::Events { .. } => "event",
        Parsed::Rejected(reject) => reject.reason,
    }
}

/// Tells whether any name given so far holds `part`.
pub(super) fn names_hold(parser: &Parser, part: &str) -> bool {
    parser.names().after(0).any(|(_, text)| text.contains(part))
}

/// A line with some bytes replaced, or cut off.
pub(super) fn mutated(line: &str, at: prop::sample::Index, with: Vec<u8>, cut: bool) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    let idx = at.index(bytes.len());
    if cut {
        bytes.truncate(idx);
    } else {
        let end = (idx + with.len()).min(bytes.len());
        bytes.splice(idx..end, with);
    }
    bytes
}

#[test]
fn a_whole_request_is_read() {
    let mut parser = parser();
    let it = request(&mut parser, WHOLE);
    let names = parser.names();
    let text = |name: Option<crate::model::Name>| names.text(name.unwrap()).to_owned();
    assert_eq!(it.ts.to_rfc3339(), "2026-11-23T02:41:07.500000Z");
    assert_eq!(it.flags, Flags::CORRECTABLE | Flags::ARRIVAL_KNOWN);
    assert_eq!(text(it.route), "support");
    assert_eq!(text(it.rule), "light");
    assert_eq!(text(it.tier), "fast");
    assert_eq!(it.signals.retrieval_confidence, Logged::Null);
    assert_eq!(it.signals.input_complexity, Logged::Value(0.25));
    assert_eq!(it.signals.tools_required, Logged::Value(false));
    assert_eq!(it.signals.format_strictness, Logged::Absent);
    assert_eq!(it.signals.session_fallbacks, Logged::Value(2));
    assert_eq!(it.signals.others.len(), 1);
    assert_eq!(it.attempts.len(), 2);
    assert_eq!((it.attempts[0].n, it.attempts[1].n), (1, 2));
    assert_eq!(it.attempts[0].outcome, AttemptOutcome::Escalated);
    assert_eq!(it.attempts[0].cost, Some(NanoUsd(42_600)));
    assert_eq!(it.attempts[0].latency, Some(Micros(10_500)));
    assert_eq!(it.attempts[1].cost, None);
    assert_eq!(it.outcome, Some(Outcome::Completed));
    let correction = it.correction.unwrap();
    assert_eq!(correction.kind, CorrectionKind::Edit);
    assert_eq!(correction.by, CorrectionBy::User);
    assert_eq!(correction.after, Some(Micros(3_500_000)));
    assert_eq!(it.propensity, Some(0.9));
    let unknown = parser.take_unknown_fields();
    let told: Vec<_> = unknown
        .iter()
        .map(|(name, n)| (parser.names().text(*name), *n))
        .collect();
    assert_eq!(told, [("extra", 1), ("attempts.zzz", 1)]);
    assert_eq!(parser.take_unknown_fields(), []);
}

#[test]
fn streaming_lines_join_in_any_order() {
    let lines = [
        r#"{"event":"decision","ts":1795400000000,"request_id":"r","route":"a","tier":"fast"}"#,
        r#"{"event":"attempt","ts":1795400001000,"request_id":"r","n":1,"model":"m","outcome":"error","reason":"429","latency_ms":5}"#,
        r#"{"event":"attempt","ts":1795400002000,"request_id":"r","n":2,"model":"m2","outcome":"ok","latency_ms":6}"#,
        r#"{"event":"outcome","ts":1795400003000,"request_id":"r","outcome":"completed","latency_ms":20}"#,
        r#"{"event":"correction","ts":1795400009000,"request_id":"r","kind":"rephrase","note":"dropped"}"#,
    ];
    let mut parser = parser();
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        let mut conflicts = Vec::new();
        let mut whole = request(&mut parser, lines[order[0]]);
        for idx in &order[1..] {
            let line = request(&mut parser, lines[*idx]);
            merge(&mut whole, line, &mut conflicts);
        }
        assert_eq!(conflicts, []);
        assert_eq!(whole.ts, Timestamp(1_795_400_000_000_000));
        assert_eq!(
            whole.attempts.iter().map(|a| a.n).collect::<Vec<_>>(),
            [1, 2]
        );
        assert!(whole.attempts.iter().all(|a| a.start.is_none()));
        assert_eq!(whole.latency(), Some(Micros(20_000)));
        assert!(whole.is_corrected() && whole.is_fallback());
    }
}

#[test]
fn markers_and_session_corrections_need_no_request() {
    let mut parser = parser();
    let marker =
        r#"{"event":"marker","ts":"2026-11-23T02:41:07Z","label":"4.3.0","kind":"deploy"}"#;
    match event(&mut parser, marker) {
        Event::Marker(marker) => assert_eq!(marker.kind, MarkerKind::Deploy),
        other => panic!("{other:?}"),
    }
    let line = r#"{"event":"correction","ts":"2026-11-23T02:41:07Z","session_id":"s"}"#;
    match event(&mut parser, line) {
        Event::SessionCorrection(it) => assert_eq!(it.session.0, HashKey([7; 16]).hash(b"s")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn hostile_lines() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let cases: Vec<(Vec<u8>, &str)> = [
        ("", "blank"),
        ("  \r", "blank"),
        ("INFO: started", "noise"),
        ("\u{1b}[31m{}", "noise"),
        ("[INFO] started", "noise"),
        ("2026-11-23 started", "noise"),
        ("null", "not-an-object"),
        ("[]", "not-an-object"),
        ("\"x\"", "not-an-object"),
        ("{} {}", "not-json"),
        ("{\"a\":1,}", "not-json"),
        ("{\"event\":\"request\"", "not-json"),
        ("{\"event\":\"request\",\"ts\":1,\"request_id\":\"\\ud800\"}", "not-json"),
        ("{\"a\":\"\0\"}", "nul-byte"),
        ("{\"a\":1}", "unknown-format"),
        ("{}", "unknown-format"),
        (&deep, "too-deep"),
        (r#"{"event":"llm_usage","request_id":"r","ts":1}"#, "unknown-event"),
        (r#"{"event":"decision","request_id":"r","route":"a"}"#, "missing-field"),
        (r#"{"event":"decision","ts":1,"route":"a"}"#, "missing-field"),
        (r#"{"event":"decision","ts":1,"request_id":"r"}"#, "missing-field"),
        (r#"{"event":"decision","ts":1,"request_id":{},"route":"a"}"#, "bad-value"),
        (r#"{"event":"decision","ts":1,"request_id":"r","route":5}"#, "bad-value"),
        (r#"{"event":"decision","ts":"2026-11-23T02:41:07","request_id":"r","route":"a"}"#, "bad-time"),
        (r#"{"event":"decision","ts":1,"request_id":"r","request_id":"q","route":"a"}"#, "ambiguous-key"),
        (r#"{"event":"outcome","ts":1,"request_id":"r","outcome":"done"}"#, "bad-value"),
        (r#"{"event":"attempt","ts":1,"request_id":"r","n":0,"model":"m","outcome":"ok"}"#, "bad-value"),
        (r#"{"event":"attempt","ts":1,"request_id":"r","n":1,"model":"m","outcome":"fine"}"#, "bad-value"),
        (r#"{"event":"request","ts":1,"request_id":"r","route":"a","attempts":5,"outcome":"completed"}"#, "bad-value"),
        (r#"{"event":"request","ts":1,"request_id":"r","route":"a","attempts":[{"model":"m","outcome":"ok"}],"outcome":"completed"}"#, "event"),
        (r#"{"litellm_call_id":"a","spend":1.0,"startTime":"2026-01-01"}"#, "unknown-format"),
    ]
    .into_iter()
    .map(|(line, code)| (line.as_bytes().to_vec(), code))
    .chain([
        (b"{\"a\":\"\xff\"}".to_vec(), "not-utf8"),
        ([WHOLE.as_bytes(), b"\r"].concat(), "event"),
        ([b"\xef\xbb\xbf", WHOLE.as_bytes()].concat(), "byte-order-mark"),
    ])
    .collect();
    for (line, code) in cases {
        assert_eq!(reason(&line), code, "{}", String::from_utf8_lossy(&line));
    }
}

#[test]
fn bad_numbers_become_unknown_and_flag_the_event() {
    for bad in [
        "NaN",
        "-Infinity",
        "Infinity",
        "-1",
        "\"12ms\"",
        "1e999",
        "{}",
        "true",
    ] {
        let line = WHOLE.replace("10.5", bad);
        let it = request(&mut parser(), &line);
        assert_eq!(it.attempts[0].latency, None, "{bad}");
        assert!(it.flags.has(Flags::BAD_NUMBER), "{bad}");
        assert_eq!(it.attempts[0].ttft, Some(Micros(2_000)));
        let line = WHOLE.replace("0.25", bad);
        assert_eq!(
            request(&mut parser(), &line).signals.input_complexity,
            Logged::Null
        );
    }
    let line = WHOLE.replace("0.25", "1.5");
    assert!(request(&mut parser(), &line).flags.has(Flags::BAD_NUMBER));
    let line = WHOLE.replace("2026-11-23T02:41:07.5Z", "1970-01-01T00:00:00Z");
    assert!(request(&mut parser(), &line).flags.has(Flags::ODD_CLOCK));
}

/// Joins requests as the store does: by id, else by tie when close in time and not yet answered.
/// Returns them with the count of conflicts.
fn join(requests: impl IntoIterator<Item = Request>) -> (Vec<Request>, usize) {
    let mut whole: Vec<Request> = Vec::new();
    let mut conflicts = Vec::new();
    let mut by_key = std::collections::HashMap::new();
    for request in requests {
        let key = request
            .tie
            .map_or_else(|| request.id.to_string(), |tie| tie.key.to_string());
        let earlier = by_key.get(&key).copied().filter(|idx: &usize| {
            request.tie.is_none_or(|tie| {
                whole[*idx].outcome != Some(Outcome::Completed)
                    && request.ts.since(whole[*idx].answered_at()) <= tie.gap
            })
        });
        if let Some(idx) = earlier {
            merge(&mut whole[idx], request, &mut conflicts);
        } else {
            by_key.insert(key, whole.len());
            whole.push(request);
        }
    }
    (whole, conflicts.len())
}

#[test]
fn litellm_chains() {
    let mut parser = parser();
    let lines: Vec<Request> = CHAINS.lines().map(|l| request(&mut parser, l)).collect();
    let formats: Vec<u8> = lines.iter().map(|line| line.format).collect();
    assert_eq!(formats, [3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2]);
    assert!(lines.iter().all(|line| !line.flags.has(Flags::CORRECTABLE)));
    let decided = &lines[2];
    assert_eq!(parser.names().text(decided.route.unwrap()), "smart/medium");
    assert_eq!(
        parser.names().text(decided.policy.unwrap()),
        "smart@6ac669a8ccf3"
    );
    assert_eq!(decided.signals.retrieval_confidence, Logged::Value(0.848));
    assert!(decided.session.is_some());
    assert_eq!(lines[4].attempts[0].outcome, AttemptOutcome::Skipped);
    assert!(
        lines[11]
            .flags
            .has(Flags::FALLBACK_HINT | Flags::ROUTE_WEAK)
    );
    let escalated = &lines[12];
    assert!(escalated.flags.has(Flags::ESCALATED_HINT));
    assert_eq!(
        parser.names().text(escalated.reason.unwrap()),
        "keyword: is wrong"
    );
    assert!(lines[13].attempts[0].ttft.is_some());
    let (whole, _) = join(lines);
    let counts: Vec<_> = whole
        .iter()
        .map(|r| (r.attempts.len(), r.outcome.unwrap()))
        .collect();
    assert_eq!(
        counts,
        [
            (2, Outcome::Completed),
            (2, Outcome::Completed),
            (2, Outcome::Completed),
            (1, Outcome::Failed),
            (4, Outcome::Completed),
            (1, Outcome::Completed),
            (1, Outcome::Completed),
            (1, Outcome::Completed)
        ]
    );
    for secret in ["back-office", "127.0.0.1", "user-081"] {
        assert!(!names_hold(&parser, secret));
    }
}

fn json_text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap())
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parser().parse(&bytes, READ_AT);
    }

    #[test]
    fn no_change_of_a_line_makes_the_parser_panic(which in 0..15_usize, at in any::<prop::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 0..4), cut in any::<bool>()) {
        let line = CHAINS.lines().nth(which).unwrap_or(WHOLE);
        let _ = parser().parse(&mutated(line, at, with, cut), READ_AT);
    }

    #[test]
    fn the_fast_reader_agrees_with_the_slow_one(id in json_text(), route in json_text(), key in json_text(), number in -1_000_000_i64..1_000_000, places in 0..4_u32, tools in any::<bool>()) {
        let number = format!("{}.{:0width$}", number / 1000, number.rem_euclid(1000), width = places.max(3) as usize);
        let line = format!(r#"{{"event":"request","ts":{number},"request_id":{id},"route":{route},"signals":{{"input_complexity":{number},"tools_required":{tools},"x":{route}}},"attempts":[{{"model":{route},"latency_ms":{number},"outcome":null}}],"attrs":{{"a":{id}}},"note":[{key},{{}}]}}"#);
        let fast = sonic_rs::from_str::<Line<'_>>(&line);
        let slow = serde_json::from_str::<Line<'_>>(&line);
        prop_assert_eq!(fast.unwrap(), slow.unwrap());
    }
}

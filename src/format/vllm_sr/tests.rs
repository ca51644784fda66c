//! Lines of the vLLM Semantic Router through the whole parser.

use proptest::prelude::*;

use crate::format::reading::{VLLM_SR_LOG, VLLM_SR_REPLAY, VLLM_SR_TRACE};
use crate::format::recorded_in_words;
use crate::format::tests::{READ_AT, event, names_hold, parser, reason, request};
use crate::format::{Parsed, Parser};
use crate::model::{
    AttemptOutcome, CorrectionBy, Event, Flags, Logged, Micros, Name, NanoUsd, Outcome, Request,
    SignalValue, Timestamp, merge,
};

const LOG: &str = include_str!("../../../tests/fixtures/format/vllm_sr.log.jsonl");
const REPLAY: &str = include_str!("../../../tests/fixtures/format/vllm_sr.replay.jsonl");
const SAMPLE: &str = r#"{"timestamp":0.451,"prompt_tokens":467,"generated_tokens":61,"selected_model":"llama8b","complexity":"low","category":"prose"}"#;

fn line(text: &str, number: usize) -> &str {
    text.lines().nth(number - 1).unwrap()
}

fn text(parser: &Parser, name: Option<Name>) -> String {
    parser.names().text(name.unwrap()).to_owned()
}

#[test]
fn the_lines_of_one_request_join_in_any_order_without_conflict() {
    for order in [[1, 2, 3, 4], [4, 3, 2, 1], [3, 1, 4, 2]] {
        let mut parser = parser();
        let mut conflicts = Vec::new();
        let mut whole = request(&mut parser, line(LOG, order[0]));
        for number in &order[1..] {
            let other = request(&mut parser, line(LOG, *number));
            assert_eq!(other.format, VLLM_SR_LOG);
            merge(&mut whole, other, &mut conflicts);
        }
        assert_eq!(conflicts, []);
        assert_eq!(whole.ts.to_rfc3339(), "2026-08-22T20:57:46.100000Z");
        assert_eq!(text(&parser, whole.route), "math_route");
        assert_eq!(text(&parser, whole.rule), "math_route");
        assert_eq!(text(&parser, whole.tier), "2");
        assert_eq!(text(&parser, whole.model), "qwen3-32b");
        assert_eq!(text(&parser, whole.reason), "auto_routing");
        assert_eq!(text(&parser, whole.task_class), "math");
        assert!(whole.session.is_some());
        assert_eq!(
            whole.signals.user_tier,
            Logged::Value(parser.names().find("premium_tier").unwrap())
        );
        assert_eq!(whole.outcome, Some(Outcome::Completed));
        assert_eq!(whole.attempts.len(), 1);
        assert_eq!(whole.attempts[0].cost, Some(NanoUsd(420_000)));
        assert_eq!(whole.attempts[0].output_tokens, Some(120));
        assert_eq!(whole.attempts[0].latency, Some(Micros(2_290_000)));
        assert_eq!(whole.latency(), Some(Micros(2_281_000)));
        assert!(!whole.flags.has(Flags::CORRECTABLE));
        let told = recorded_in_words(VLLM_SR_LOG, whole.recorded.as_deref().unwrap());
        assert!(told.contains(&"Signals, domain: math (0.91).".to_owned()));
    }
}

#[test]
fn what_is_not_configured_or_not_reported_is_unknown() {
    let mut parser = parser();
    let decided = request(&mut parser, line(LOG, 5));
    assert!(decided.flags.has(Flags::ROUTE_WEAK));
    assert_eq!(text(&parser, decided.route), "qwen3-4b");
    assert_eq!(decided.rule, None);
    let mut used = request(&mut parser, line(LOG, 6));
    assert_eq!(used.attempts[0].cost, None);
    assert_eq!(used.attempts[0].input_tokens, None);
    assert_eq!(used.outcome, Some(Outcome::Completed));
    assert!(used.flags.has(Flags::OUTCOME_PROVISIONAL));
    assert_eq!(
        used.ts.to_rfc3339(),
        "2026-08-22T20:58:01.110000Z",
        "its start"
    );
    let unpriced = line(LOG, 6).replace("\"unknown\"", "\"USD\"");
    assert_eq!(request(&mut parser, &unpriced).cost(), None);
    let fallback = request(&mut parser, line(LOG, 12));
    merge(&mut used, fallback, &mut Vec::new());
    assert!(used.is_fallback());
    let failed = request(&mut parser, line(LOG, 11));
    assert_eq!(failed.outcome, Some(Outcome::Failed));
    assert_eq!(failed.attempts[0].outcome, AttemptOutcome::Error);
    assert_eq!(
        text(&parser, failed.attempts[0].reason),
        "upstream_error_response"
    );
    assert_eq!(failed.tier, None);
    let told = recorded_in_words(VLLM_SR_LOG, failed.recorded.as_deref().unwrap());
    assert_eq!(told[0], "Decision \"math_route\" (priority 100) matched.");
}

#[test]
fn a_cached_answer_costs_nothing_and_its_prompt_is_not_kept() {
    let mut parser = parser();
    let hit = request(&mut parser, line(LOG, 8));
    assert_eq!(text(&parser, hit.route), "faq_route");
    assert_eq!(hit.attempts[0].cost, Some(NanoUsd(0)));
    assert_eq!(text(&parser, hit.attempts[0].provider), "cache");
    let cached = request(&mut parser, line(REPLAY, 5));
    assert_eq!(cached.cost(), Some(NanoUsd(0)));
    assert_eq!(text(&parser, cached.attempts[0].provider), "cache");
    for text in [LOG, REPLAY] {
        for line in text.lines() {
            let _ = parser.parse(line.as_bytes(), READ_AT);
        }
    }
    assert!(!names_hold(&parser, "secret"));
}

#[test]
fn what_concerns_no_request_is_set_aside() {
    let mut parser = parser();
    for number in [7, 9] {
        match parser.parse(line(LOG, number).as_bytes(), READ_AT) {
            Parsed::Events { format, events } => {
                assert_eq!((format, events.len()), (VLLM_SR_LOG, 0), "line {number}");
            }
            other => panic!("{other:?}"),
        }
    }
    let asides: Vec<_> = parser
        .take_asides()
        .into_iter()
        .map(|(what, n)| (parser.names().text(what).to_owned(), n))
        .collect();
    assert_eq!(
        asides,
        [
            ("vLLM SR event without routing".to_owned(), 1),
            ("vLLM SR route lookup".to_owned(), 1)
        ]
    );
    assert_eq!(parser.take_asides(), []);
}

#[test]
fn a_replay_record_is_kept_whole() {
    let mut parser = parser();
    let it = request(&mut parser, line(REPLAY, 1));
    assert_eq!(it.format, VLLM_SR_REPLAY);
    assert_eq!(it.ts.to_rfc3339(), "2026-08-22T20:57:46.121345Z");
    assert_eq!(text(&parser, it.policy), "default");
    assert_eq!(it.signals.retrieval_confidence, Logged::Value(0.76));
    assert_eq!(it.signals.tools_required, Logged::Value(true));
    assert_eq!(it.signals.others.len(), 3);
    assert!(
        it.signals
            .others
            .iter()
            .any(|(_, value)| *value == SignalValue::Number(5_321.0))
    );
    let correction = it.correction.unwrap();
    assert_eq!(correction.by, CorrectionBy::User);
    assert_eq!(
        correction.ts.unwrap().to_rfc3339(),
        "2026-08-22T21:04:00.000000Z"
    );
    assert!(it.is_corrected() && it.flags.has(Flags::CORRECTABLE));
    assert_eq!(
        recorded_in_words(VLLM_SR_REPLAY, it.recorded.as_deref().unwrap()),
        [
            "Decision \"math_route\" (tier 2, priority 100) matched with confidence 0.87.",
            "Routed from auto to qwen3-32b by router_dc: closest cluster.",
            "Reasoning: on. Category: math. Recipe: default.",
            "Signals, complexity: maths:hard.",
            "Signals, domain: math (0.91).",
            "Measured: context:long 5321.",
            "Projections: balance (0.42).",
            "Context: 812 tokens.",
            "Session: action allow_switch, reason switch_allowed, previous_model qwen3-4b.",
        ]
    );
}

#[test]
fn reasons_do_not_depend_on_the_order_in_the_line() {
    let mut parser = parser();
    let with = |order: &str| {
        let own = r#""signal_confidences":{"domain:math":0.91}"#;
        line(REPLAY, 1).replace(own, &format!(r#""signal_confidences":{{{order}}}"#))
    };
    let one = request(&mut parser, &with(r#""a":0.1,"b":0.2"#));
    let other = request(&mut parser, &with(r#""b":0.2,"a":0.1"#));
    assert!(one.recorded.is_some());
    assert_eq!(one.recorded, other.recorded);
}

#[test]
fn a_looped_decision_is_a_chain_of_escalations() {
    let mut parser = parser();
    let it = request(&mut parser, line(REPLAY, 2));
    let chain: Vec<_> = it
        .attempts
        .iter()
        .map(|a| (a.n, text(&parser, Some(a.model)), a.outcome, a.cost))
        .collect();
    assert_eq!(
        chain,
        [
            (
                1,
                "small".to_owned(),
                AttemptOutcome::Escalated,
                Some(NanoUsd(150_000))
            ),
            (
                2,
                "large".to_owned(),
                AttemptOutcome::Ok,
                Some(NanoUsd(2_000_000))
            ),
        ]
    );
    assert!(it.is_escalated());
    assert_eq!(it.cost(), Some(NanoUsd(2_150_000)), "as the record says");
    assert_eq!(it.attempts[0].latency, Some(Micros(500_000)));
    assert_eq!(text(&parser, it.attempts[0].reason), "threshold_not_met");
}

#[test]
fn the_lifecycle_says_how_a_request_ended() {
    let mut parser = parser();
    let open = request(&mut parser, line(REPLAY, 3));
    assert_eq!((open.outcome, open.attempts.len()), (None, 0));
    let aborted = request(&mut parser, line(REPLAY, 4));
    assert_eq!(aborted.outcome, Some(Outcome::Cancelled));
    assert_eq!(aborted.attempts[0].outcome, AttemptOutcome::Cancelled);
    assert_eq!(aborted.attempts[0].cost, None, "euros are no dollars");
}

#[test]
fn the_list_of_the_management_api_is_read_whole() {
    let records: Vec<&str> = REPLAY.lines().collect();
    let page = format!(
        r#"{{"object":"router_replay.list","count":5,"data":[{}]}}"#,
        records.join(",")
    );
    let mut parser = parser();
    match parser.parse(page.as_bytes(), READ_AT) {
        Parsed::Events { format, events } => {
            assert_eq!(format, VLLM_SR_REPLAY);
            let alone: Vec<Event> = records
                .iter()
                .map(|line| event(&mut parser, line))
                .collect();
            assert_eq!(events.to_vec(), alone);
        }
        other => panic!("{other:?}"),
    }
    let broken = page.replace("2026-08-22T21:58:46Z", "yesterday");
    match parser.parse(broken.as_bytes(), READ_AT) {
        Parsed::Rejected(reject) => {
            assert_eq!(reject.reason, "bad-time");
            assert!(reject.detail.starts_with("record 3:"), "{}", reject.detail);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trace_sample_is_a_request_at_an_odd_time() {
    let mut parser = parser();
    let it: Request = request(&mut parser, SAMPLE);
    assert_eq!(it.format, VLLM_SR_TRACE);
    assert_eq!(it.ts, Timestamp(451_000));
    assert!(it.flags.has(Flags::ODD_CLOCK | Flags::ROUTE_WEAK));
    assert_eq!(text(&parser, it.route), "prose");
    assert_eq!(it.attempts[0].output_tokens, Some(61));
    assert_eq!((it.latency(), it.cost()), (None, None));
    let other = request(&mut parser, &SAMPLE.replace("0.451", "0.452"));
    assert_ne!(other.id, it.id);
    assert_eq!(
        request(&mut parser, SAMPLE).id,
        it.id,
        "the same line again"
    );
}

#[test]
fn wrong_lines_are_refused_with_the_field() {
    let start = line(LOG, 2);
    for (from, to, code) in [
        (
            "\"timestamp\":\"2026-08-22T20:57:46.121\"",
            "\"timestamp\":7",
            "bad-time",
        ),
        (
            "\"request_id\":\"7f0c7d2e-52a1-4c3b-9d1e-0a4f5c6b7d8e\"",
            "\"request_id\":null,\"request_id\":\"b\"",
            "ambiguous-key",
        ),
        ("\"decision_tier\":2", "\"decision_tier\":\"high\"", "event"),
        ("\"signals\":{", "\"signals\":[1],\"x\":{", "event"),
    ] {
        let changed = start.replace(from, to);
        assert_ne!(changed, start, "{from}");
        assert_eq!(reason(changed.as_bytes()), code, "{to}");
    }
    let bare =
        r#"{"level":"info","ts":"2026-08-22T20:57:46.123","msg":"llm_usage","event":"llm_usage"}"#;
    assert_eq!(reason(bare.as_bytes()), "missing-field");
}

proptest! {
    #[test]
    fn no_change_of_a_line_makes_it_panic(which in 0..18_usize, at in any::<prop::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 0..4), cut in any::<bool>()) {
        let line = LOG.lines().chain(REPLAY.lines()).nth(which).unwrap_or(SAMPLE);
        let _ = parser().parse(&crate::format::tests::mutated(line, at, with, cut), READ_AT);
    }
}

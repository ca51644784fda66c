//! Lines and documents of Langfuse through the whole parser.

use proptest::prelude::*;

use crate::format::reading::{LANGFUSE, Reading};
use crate::format::scratch::Scratch;
use crate::format::tests::{READ_AT, mutated, names_hold, parser, reason, request};
use crate::format::{Parsed, Parser};
use crate::model::{
    AttemptOutcome, Flags, HashKey, Logged, Micros, Name, Names, NanoUsd, Outcome, merge,
};

const LINES: &str = include_str!("../../../tests/fixtures/format/langfuse.jsonl");

fn line(number: usize) -> &'static str {
    LINES.lines().nth(number - 1).unwrap()
}

fn text(parser: &Parser, name: Option<Name>) -> String {
    parser.names().text(name.unwrap()).to_owned()
}

#[test]
fn trace_and_generations_join_in_any_order() {
    for order in [[1, 3, 4], [4, 3, 1], [3, 1, 4]] {
        let mut parser = parser();
        let mut conflicts = Vec::new();
        let mut whole = request(&mut parser, line(order[0]));
        for number in &order[1..] {
            let other = request(&mut parser, line(*number));
            assert_eq!(other.format, LANGFUSE);
            merge(&mut whole, other, &mut conflicts);
        }
        assert_eq!(conflicts, []);
        assert_eq!(whole.ts.to_rfc3339(), "2026-10-05T15:45:52.971000Z");
        assert_eq!(text(&parser, whole.route), "support-chat");
        assert!(!whole.flags.has(Flags::ROUTE_WEAK));
        assert_eq!(text(&parser, whole.task_class), "rag_answer");
        assert_eq!(
            whole.signals.user_tier,
            Logged::Value(parser.names().find("pro").unwrap())
        );
        assert!(whole.session.is_some());
        let attrs: Vec<_> = whole
            .attrs
            .iter()
            .map(|(k, v)| (parser.names().text(*k), parser.names().text(*v)))
            .collect();
        assert!(
            attrs.contains(&("release", "4.2.0")) && attrs.contains(&("environment", "production"))
        );
        let chain: Vec<_> = whole.attempts.iter().map(|a| a.outcome).collect();
        assert_eq!(chain, [AttemptOutcome::Error, AttemptOutcome::Ok]);
        let [failed, answered] = whole.attempts.as_slice() else {
            panic!("two attempts");
        };
        assert_eq!(text(&parser, failed.reason), "RateLimitError");
        assert_eq!(failed.cost, None, "a cost that was never computed");
        assert_eq!(failed.input_tokens, None);
        assert_eq!(answered.cost, Some(NanoUsd(830_000)));
        assert_eq!(answered.input_tokens, Some(20), "cached tokens included");
        assert_eq!(answered.latency, Some(Micros(2_447_000)), "by the times");
        assert_eq!(answered.ttft, Some(Micros(500_000)));
        assert_eq!(whole.outcome, Some(Outcome::Completed));
        assert_eq!(whole.latency(), Some(Micros(2_747_000)));
        assert!(whole.is_fallback() && !whole.is_escalated());
        assert!(!whole.flags.has(Flags::CORRECTABLE));
    }
}

#[test]
fn an_enriched_row_needs_no_trace_and_a_running_call_no_outcome() {
    let mut parser = parser();
    let it = request(&mut parser, line(6));
    assert_eq!(text(&parser, it.route), "planner");
    assert_eq!((it.outcome, it.attempts.len()), (None, 0));
    assert_eq!(it.session, None);
    let ended = line(6).replace("\"end_time\":null", "\"end_time\":\"2026-10-05 15:50:54\"");
    let it = request(&mut parser, &ended);
    assert_eq!(it.outcome, Some(Outcome::Completed));
    assert_eq!(it.latency(), Some(Micros(1_000_000)));
}

#[test]
fn spans_and_scores_are_set_aside_and_a_score_names_its_trace() {
    let mut parser = parser();
    for number in [2, 5] {
        match parser.parse(line(number).as_bytes(), READ_AT) {
            Parsed::Events { format, events } => {
                assert_eq!((format, events.len()), (LANGFUSE, 0), "line {number}");
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
        [
            "Langfuse observation that asked no model 1",
            "Langfuse score 1"
        ]
    );
    let mut scratch = Scratch::new(Names::default(), HashKey([7; 16]), None);
    match super::parse(&mut scratch, line(5), READ_AT) {
        Reading::Aside(aside) => {
            let about = aside.about.unwrap();
            assert_eq!(about.id.to_string(), "t-1");
            assert_eq!(about.ts.to_rfc3339(), "2026-10-05T16:00:00.000000Z");
            assert_eq!(about.correction, None);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_is_one_request() {
    let mut parser = parser();
    let it = request(&mut parser, line(7));
    assert_eq!(it.id.to_string(), "t-3");
    assert_eq!(text(&parser, it.route), "tutor");
    assert_eq!(it.outcome, Some(Outcome::Completed));
    assert_eq!(it.attempts.len(), 1);
    assert_eq!(it.attempts[0].latency, Some(Micros(500_000)));
    assert_eq!(it.latency(), Some(Micros(9_236_000)), "the whole trace");
    assert_eq!(it.cost(), Some(NanoUsd(3_870_000)));
    let asides = parser.take_asides();
    assert_eq!(asides.len(), 1, "its score is counted");
    let failed = line(7).replacen("\"DEFAULT\"", "\"ERROR\"", 1);
    let it = request(&mut parser, &failed);
    assert_eq!(it.outcome, Some(Outcome::Failed));
    let spans = line(7).replace("GENERATION", "TOOL");
    match parser.parse(spans.as_bytes(), READ_AT) {
        Parsed::Events { events, .. } => assert!(events.is_empty()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_content_is_kept() {
    let mut parser = parser();
    for line in LINES.lines() {
        let _ = parser.parse(line.as_bytes(), READ_AT);
    }
    assert!(!names_hold(&parser, "secret"));
}

#[test]
fn wrong_lines_are_refused_with_the_field() {
    for (number, from, to, code) in [
        (4, "2026-10-05 15:45:53.300000", "soon", "bad-time"),
        (
            4,
            "\"level\"",
            "\"level\":\"ERROR\",\"level\"",
            "ambiguous-key",
        ),
        (4, "{\"input\":13", "[1],\"x\":{\"input\":13", "event"),
        (1, "2026-10-05 15:45:52.971000", "", "bad-time"),
        (7, "2026-10-29T13:46:10.728Z", "never", "bad-time"),
        (7, "\"parentObservationId\"", "\"parent\"", "unknown-format"),
    ] {
        let text = line(number).replacen(from, to, 1);
        assert_ne!(text, line(number));
        assert_eq!(reason(text.as_bytes()), code, "{number} {to}");
    }
    let back = line(4).replace("15:45:55.747", "15:45:50.000");
    let it = request(&mut parser(), &back);
    assert!(it.flags.has(Flags::BAD_NUMBER));
    assert_eq!(it.attempts[0].latency, None);
}

proptest! {
    #[test]
    fn no_change_of_a_line_makes_it_panic(which in 1..8_usize, at in any::<prop::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 0..4), cut in any::<bool>()) {
        let _ = parser().parse(&mutated(line(which), at, with, cut), READ_AT);
    }
}

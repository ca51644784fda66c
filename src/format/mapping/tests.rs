//! Lines of every kind through a parser with a mapping.

use proptest::prelude::*;

use crate::config::Config;
use crate::format::{Parsed, Parser, Rules};
use crate::model::{
    AttemptOutcome, CorrectionBy, CorrectionKind, Event, Flags, HashKey, Logged, Micros, Name,
    Names, NanoUsd, Outcome, Request, SignalValue, Timestamp,
};

const CHAINS: &str = include_str!("../../../tests/fixtures/format/chains.slp.jsonl");
const READ_AT: Timestamp = Timestamp(1_795_500_000_000_000);
const KEY: HashKey = HashKey([7; 16]);

/// A mapping for a log of one's own.
const OWN: &str = r#"
[map]
request_id = "/id"
session_id = "/user/session"
ts = { at = "/at", unit = "ms" }
route = "/route"
task_class = "tag:task:"
rule = "/why/rule"
outcome = { at = "/state", completed = ["done", 200], failed = "5*" }
escalated = { at = "/why/escalated" }
[map.signals]
retrieval_confidence = "/why/confidence"
tools_required = "/why/tools"
user_tier = "tag:tier:"
lang = "/user/lang"
[map.attrs]
region = "/region"
[map.attempt]
model = "/model"
latency = { at = "/took", unit = "s" }
input_tokens = "/tokens/0"
output_tokens = "/tokens/1"
cost = { at = "/cents", unit = "cents" }
[map.correction]
when = { at = "/feedback/score", below = 0.5 }
request_id = "/feedback/of"
session_id = "/feedback/session"
kind = { at = "/feedback/type", regenerate = ["again"] }
by = { value = "user" }
after = { at = "/feedback/after_s", unit = "s" }
"#;
const WHOLE: &str = r#"{"id":"r-1","at":1795470436796,"route":"support","tags":["x","task:planning","tier:pro"],"why":{"rule":"light","confidence":"0.5","tools":false,"escalated":"r-0"},"user":{"session":"s-1","lang":"de"},"region":"eu","state":200,"model":"small-1","took":1.5,"tokens":[120,30],"cents":0.024}"#;

fn parser(toml: &str) -> Parser {
    let config = Config::parse(toml).unwrap();
    let rules = Rules::try_new(config.mapping, config.prices).unwrap();
    Parser::new(Names::default(), KEY, rules)
}

fn events(parser: &mut Parser, line: &str) -> (u8, Vec<Event>) {
    match parser.parse(line.as_bytes(), READ_AT) {
        Parsed::Events { format, events } => (format, events.into_vec()),
        other => panic!("{line}: {other:?}"),
    }
}

fn requests(parser: &mut Parser, line: &str) -> Vec<Request> {
    let (_, events) = events(parser, line);
    let requests = events.into_iter().map(|event| match event {
        Event::Request(request) => *request,
        other => panic!("{line}: {other:?}"),
    });
    requests.collect()
}

fn reject(parser: &mut Parser, line: &str) -> (&'static str, String) {
    match parser.parse(line.as_bytes(), READ_AT) {
        Parsed::Rejected(reject) => (reject.reason, reject.detail),
        other => panic!("{line}: {other:?}"),
    }
}

fn text(parser: &Parser, name: Option<Name>) -> String {
    parser.names().text(name.unwrap()).to_owned()
}

#[test]
fn a_log_of_ones_own_is_read() {
    let mut parser = parser(OWN);
    let (format, _) = events(&mut parser, WHOLE);
    assert_eq!(format, 14);
    let it = requests(&mut parser, WHOLE).remove(0);
    assert_eq!(it.id.to_string(), "r-1");
    assert_eq!(it.ts, Timestamp(1_795_470_436_796_000));
    assert_eq!(text(&parser, it.route), "support");
    assert_eq!(text(&parser, it.task_class), "planning");
    assert_eq!(text(&parser, it.rule), "light");
    assert_eq!(it.session.unwrap().0, KEY.hash(b"s-1"));
    assert_eq!(it.outcome, Some(Outcome::Completed));
    assert_eq!(it.signals.retrieval_confidence, Logged::Value(0.5));
    assert_eq!(it.signals.tools_required, Logged::Value(false));
    assert_eq!(it.signals.input_complexity, Logged::Absent);
    assert!(matches!(it.signals.others[..], [(_, SignalValue::Text(_))]));
    assert_eq!(text(&parser, Some(it.attrs[0].1)), "eu");
    assert_eq!(it.flags, Flags::CORRECTABLE | Flags::ESCALATED_HINT);
    let attempt = &it.attempts[0];
    assert_eq!(attempt.outcome, AttemptOutcome::Ok, "as the request ended");
    assert_eq!(attempt.latency, Some(Micros(1_500_000)));
    assert_eq!(
        (attempt.input_tokens, attempt.output_tokens),
        (Some(120), Some(30))
    );
    assert_eq!(attempt.cost, Some(NanoUsd(240_000)));
    assert_eq!(it.correction, None);
}

#[test]
fn the_words_of_the_config_file_are_those_of_events() {
    use crate::config::{ATTEMPT_OUTCOMES, CORRECTION_KINDS, OUTCOMES};
    assert_eq!(ATTEMPT_OUTCOMES, AttemptOutcome::WORDS.map(|row| row.1));
    assert_eq!(OUTCOMES, Outcome::WORDS.map(|row| row.1));
    assert_eq!(CORRECTION_KINDS, CorrectionKind::WORDS.map(|row| row.1));
}

#[test]
fn several_lines_of_one_request_are_its_attempts() {
    let toml = "[map]\nrequest_id = \"/id\"\nts = { at = \"/at\", unit = \"s\" }\nroute = { value = \"r\" }\n\
                [map.attempt]\nmodel = \"/model\"\noutcome = { at = \"/code\", ok = 200, error = \"5*\" }\nN";
    let failed = r#"{"id":"a","at":1795470000,"model":"m","code":503,"try":1}"#;
    let answered = r#"{"id":"a","at":1795470002,"model":"m","code":200,"try":2}"#;
    for n in ["", "n = \"/try\"\n"] {
        let mut parser = parser(&toml.replace('N', n));
        for order in [[failed, answered], [answered, failed]] {
            let mut conflicts = Vec::new();
            let mut whole = requests(&mut parser, order[0]).remove(0);
            for line in [order[1], order[0], order[1]] {
                let line = requests(&mut parser, line).remove(0);
                crate::model::merge(&mut whole, line, &mut conflicts);
            }
            let outcomes: Vec<_> = whole.attempts.iter().map(|a| a.outcome).collect();
            assert_eq!(outcomes, [AttemptOutcome::Error, AttemptOutcome::Ok]);
            assert_eq!(whole.outcome, Some(Outcome::Completed));
            assert_eq!(whole.ts, Timestamp(1_795_470_000_000_000), "the earliest");
            assert_eq!(conflicts, []);
        }
    }
}

#[test]
fn what_cannot_be_read_is_unknown_and_flags_the_event() {
    let mut parser = parser(OWN);
    let line = WHOLE.replace("1.5", "-1").replace("\"0.5\"", "\"high\"");
    let it = requests(&mut parser, &line).remove(0);
    assert_eq!(it.attempts[0].latency, None);
    assert_eq!(it.signals.retrieval_confidence, Logged::Null);
    assert!(it.flags.has(Flags::BAD_NUMBER));
    let line = WHOLE.replace("1.5", "NaN");
    assert_eq!(requests(&mut parser, &line)[0].attempts[0].latency, None);
}

#[test]
fn lines_that_the_mapping_does_not_understand_say_why() {
    let mut parser = parser(OWN);
    for (line, reason, detail) in [
        (
            WHOLE.replace("\"route\"", "\"r\""),
            "unmapped",
            "the mapping finds no route",
        ),
        (
            WHOLE.replace("\"id\"", "\"i\""),
            "unmapped",
            "the mapping finds no request id",
        ),
        (
            WHOLE.replace("\"at\"", "\"a\""),
            "unmapped",
            "the mapping finds no time",
        ),
        (
            WHOLE.replace("1795470436796", "\"now\""),
            "bad-time",
            "not of the form",
        ),
        (
            WHOLE.replace(":200", ":\"odd\""),
            "unmapped-word",
            "`outcome` has a word that",
        ),
        (format!("{WHOLE}}}"), "not-json", ""),
        ("{\"route\":\"a\"}".to_owned(), "unmapped", "no time"),
    ] {
        let found = reject(&mut parser, &line);
        assert!(
            found.0 == reason && found.1.contains(detail),
            "{line}: {found:?}"
        );
    }
    let line = r#"{"a":1}"#;
    let mut only_more = self::parser("[map]\ntask_class = \"/t\"\n");
    assert_eq!(reject(&mut only_more, line).0, "unknown-format");
    let mut only_native = self::parser(&OWN.replace("[map]\n", "[map]\nformats = [\"native\"]\n"));
    assert_eq!(reject(&mut only_native, WHOLE).0, "unknown-format");
}

#[test]
fn corrections_of_another_request_of_a_session_and_of_itself() {
    let mut parser = parser(OWN);
    let with =
        |feedback: &str| WHOLE.replace("\"took\"", &format!("\"feedback\":{feedback},\"took\""));
    let both = requests(
        &mut parser,
        &with(r#"{"score":0,"of":"r-0","type":"again","after_s":3}"#),
    );
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].correction, None);
    let other = &both[1];
    assert_eq!(
        (other.id.to_string(), other.ts),
        ("r-0".to_owned(), both[0].ts)
    );
    let correction = other.correction.unwrap();
    assert_eq!(correction.kind, CorrectionKind::Regenerate);
    assert_eq!(correction.by, CorrectionBy::User);
    assert_eq!(correction.after, Some(Micros::SECOND.times(3)));
    assert!(
        other.route.is_none() && other.attempts.is_empty() && other.flags.has(Flags::CORRECTABLE)
    );
    let itself = requests(&mut parser, &with(r#"{"score":0.4,"type":"edited"}"#));
    assert_eq!(itself[0].correction.unwrap().kind, CorrectionKind::Edit);
    let named = requests(&mut parser, &with(r#"{"score":0.4,"of":"r-1"}"#));
    assert_eq!(
        (named.len(), named[0].correction.unwrap().kind),
        (1, CorrectionKind::Other)
    );
    let fine = requests(&mut parser, &with(r#"{"score":0.5,"of":"r-0"}"#));
    assert_eq!((fine.len(), fine[0].correction), (1, None));
    // Lines about nothing but feedback.
    let line = r#"{"at":1795470436796,"feedback":{"score":0,"of":"r-9"}}"#;
    assert_eq!(requests(&mut parser, line)[0].id.to_string(), "r-9");
    let line = r#"{"at":1795470436796,"id":"r-8","feedback":{"score":0}}"#;
    let own = requests(&mut parser, line).remove(0);
    assert!(own.correction.is_some() && own.flags.has(Flags::CORRECTABLE));
    let line = r#"{"at":1795470436796,"feedback":{"score":0,"session":"s-1"}}"#;
    match events(&mut parser, line).1.remove(0) {
        Event::SessionCorrection(found) => assert_eq!(found.session.0, KEY.hash(b"s-1")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mapping_fills_what_a_format_left_open_and_no_more() {
    let toml = "[map]\ntask_class = { value = \"mapped\" }\nroute = { value = \"mapped\" }\n\
                rule = \"/metadata/requester_metadata/rule_version\"\n\
                [map.signals]\nuser_tier = { value = \"mapped\" }\ninput_complexity = { value = 0.25 }\n\
                [map.attempt]\nmodel = { value = \"mapped\" }\noutcome = { value = \"timeout\" }\nreason = \"/error_information/error_code\"\n";
    let line = CHAINS.lines().nth(2).unwrap();
    let mut plain = parser("");
    let before = requests(&mut plain, line).remove(0);
    let mut polite = parser(toml);
    let after = requests(&mut polite, line).remove(0);
    assert_eq!(
        text(&polite, after.route),
        text(&plain, before.route),
        "decided by an auto-router"
    );
    assert_eq!(
        text(&polite, after.task_class),
        text(&plain, before.task_class)
    );
    assert_eq!(after.signals.input_complexity, Logged::Value(0.25));
    assert_eq!(after.attempts[0].outcome, before.attempts[0].outcome);
    assert_eq!(after.flags, before.flags, "no correction is mapped");
    let mut bold = parser(&toml.replace("[map]\n", "[map]\noverride = true\n"));
    let after = requests(&mut bold, line).remove(0);
    assert_eq!(text(&bold, after.route), "mapped");
    assert_eq!(text(&bold, after.task_class), "mapped");
    assert_eq!(after.attempts[0].outcome, AttemptOutcome::Timeout);
    assert_eq!(text(&bold, Some(after.attempts[0].model)), "mapped");
    // A route that is only a model group gives way.
    let weak = CHAINS.lines().nth(11).unwrap();
    assert!(requests(&mut plain, weak)[0].flags.has(Flags::ROUTE_WEAK));
    let after = requests(&mut polite, weak).remove(0);
    assert_eq!(text(&polite, after.route), "mapped");
    assert!(!after.flags.has(Flags::ROUTE_WEAK));
}

#[test]
fn an_id_of_ones_own_unties_lines() {
    let toml = "[map]\noverride = true\nrequest_id = \"/litellm_call_id\"\nts = { at = \"/endTime\", unit = \"s\" }\n";
    let line = CHAINS.lines().nth(7).unwrap();
    assert!(requests(&mut parser(""), line)[0].tie.is_some());
    let it = requests(&mut parser(toml), line).remove(0);
    assert_eq!(it.tie, None);
    assert!(it.ts > requests(&mut parser(""), line)[0].ts);
}

#[test]
fn corrections_of_a_known_format_are_known_only_where_the_mapping_is_for_it() {
    let toml = "[map]\nformats = [\"litellm-proxy\"]\n[map.correction]\n\
                when = \"/metadata/requester_metadata/user_correction_of\"\n\
                request_id = \"/metadata/requester_metadata/user_correction_of\"\n\
                kind = \"/metadata/requester_metadata/user_feedback\"\n";
    let mut parser = parser(toml);
    assert!(parser.maps_corrections_of(3) && !parser.maps_corrections_of(2));
    let proxy = CHAINS.lines().next().unwrap();
    assert!(
        requests(&mut parser, proxy)[0]
            .flags
            .has(Flags::CORRECTABLE)
    );
    let sdk = CHAINS.lines().nth(7).unwrap();
    assert!(!requests(&mut parser, sdk)[0].flags.has(Flags::CORRECTABLE));
    let line = proxy.replacen("\"requester_metadata\": {", "\"requester_metadata\": {\"user_correction_of\": \"r-0\", \"user_feedback\": \"thumbs_down\", ", 1);
    assert_ne!(line, proxy);
    let both = requests(&mut parser, &line);
    assert_eq!((both.len(), both[1].format), (2, 3));
    assert_eq!(both[1].correction.unwrap().kind, CorrectionKind::ThumbsDown);
}

#[test]
fn spans_are_filled_from_their_own_attributes() {
    let attribute = |key: &str, value: &str| {
        format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)
    };
    let span = |trace: &str, more: &[String]| {
        let mut attributes = vec![
            attribute("gen_ai.operation.name", "chat"),
            attribute("gen_ai.request.model", "m"),
        ];
        attributes.extend_from_slice(more);
        format!(
            r#"{{"traceId":"{trace:0>32}","spanId":"{trace:0>16}","name":"chat m","kind":3,"startTimeUnixNano":"1795470282000000000","endTimeUnixNano":"1795470283000000000","attributes":[{}],"status":{{}}}}"#,
            attributes.join(",")
        )
    };
    let corrected = format!("{:0>32}", "a0");
    let one = span(
        "a1",
        &[
            attribute("app.task", "planning"),
            attribute("app.corrects", &corrected),
        ],
    );
    let two = span("a2", &[attribute("app.task", "extraction")]);
    let line = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{one},{two}]}}]}}]}}"#);
    let toml = "[map]\ntask_class = \"attr:app.task\"\n[map.correction]\n\
                when = \"attr:app.corrects\"\nrequest_id = \"attr:app.corrects\"\n";
    let mut parser = parser(toml);
    let found = requests(&mut parser, &line);
    let told: Vec<_> = found
        .iter()
        .map(|it| {
            let task = it.task_class.map_or("", |name| parser.names().text(name));
            let id = it.id.to_string();
            format!(
                "{} {task} {}",
                id.trim_start_matches('0'),
                it.correction.is_some()
            )
        })
        .collect();
    assert_eq!(
        told,
        ["a1 planning false", "a0  true", "a2 extraction false"]
    );
    assert!(found.iter().all(|it| it.flags.has(Flags::CORRECTABLE)));
}

#[test]
fn a_score_is_a_correction_where_the_mapping_says_so() {
    let score = |value: &str| {
        format!(
            r#"{{"id":"s-1","timestamp":"2026-10-05T16:00:00.000Z","trace_id":"t-1","observation_id":null,"name":"thumbs","value":{value},"data_type":"NUMERIC","source":"ANNOTATION"}}"#
        )
    };
    let toml = "[map.correction]\nwhen = { at = \"/value\", is = [0] }\nkind = { value = \"thumbs_down\" }\n";
    let mut parser = parser(toml);
    let bad = requests(&mut parser, &score("0")).remove(0);
    assert_eq!((bad.id.to_string(), bad.format), ("t-1".to_owned(), 12));
    assert_eq!(bad.correction.unwrap().kind, CorrectionKind::ThumbsDown);
    assert_eq!(parser.take_asides(), []);
    assert_eq!(events(&mut parser, &score("1")), (12, vec![]));
    assert_eq!(parser.take_asides().len(), 1, "a good score tells nothing");
    assert!(parser.maps_corrections_of(12));
}

#[test]
fn prose_in_json_is_noise_with_a_mapping_too() {
    let line = r#"{"message":"started","level":"INFO","timestamp":"2026-11-23T21:47:16Z","component":"LiteLLM"}"#;
    assert_eq!(parser(OWN).parse(line.as_bytes(), READ_AT), Parsed::Noise);
    assert_eq!(parser("").parse(line.as_bytes(), READ_AT), Parsed::Noise);
}

#[test]
fn prices_fill_costs_of_any_format() {
    let toml = format!("{OWN}\n[price]\n\"small*\" = {{ input = 1, output = 2 }}\n");
    let mut parser = parser(&toml);
    let it = requests(&mut parser, WHOLE).remove(0);
    assert!(
        !it.flags.has(Flags::COST_ESTIMATED),
        "the line says what it cost"
    );
    let it = requests(&mut parser, &WHOLE.replace("\"cents\"", "\"c\"")).remove(0);
    assert_eq!(it.cost(), Some(NanoUsd(180_000)));
    assert!(it.flags.has(Flags::COST_ESTIMATED));
    let native = r#"{"event":"request","ts":1795400000000,"request_id":"r","route":"a","attempts":[{"model":"small-1","outcome":"ok","input_tokens":1,"output_tokens":1}],"outcome":"completed"}"#;
    let it = requests(&mut parser, native).remove(0);
    assert_eq!(it.cost(), Some(NanoUsd(3_000)));
    assert!(it.flags.has(Flags::COST_ESTIMATED));
}

#[test]
fn secrets_in_mapped_texts_are_redacted() {
    let mut parser = parser(OWN);
    let line = WHOLE
        .replace("\"eu\"", "\"token=abcdefgh\"")
        .replace("support", "sk-proj-abcdefghijklmnop1234");
    let it = requests(&mut parser, &line).remove(0);
    assert_eq!(text(&parser, it.route), "[redacted]");
    assert_eq!(text(&parser, Some(it.attrs[0].1)), "token=[redacted]");
}

proptest! {
    #[test]
    fn no_bytes_make_a_mapping_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), with in ".{0,4}") {
        let mut parser = parser(OWN);
        let _ = parser.parse(&bytes, READ_AT);
        for line in [WHOLE, CHAINS.lines().next().unwrap()] {
            let mut bytes = line.as_bytes().to_vec();
            let idx = at.index(bytes.len());
            let end = (idx + with.len()).min(bytes.len());
            bytes.splice(idx..end, with.bytes());
            let _ = parser.parse(&bytes, READ_AT);
        }
    }
}

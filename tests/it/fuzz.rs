//! D27: mutated inputs make nothing panic, hang or grow.
//!
//! A million inputs are tried in every run, in process and from a fixed seed. More, or others, on
//! demand: `ROUTETOP_FUZZ_INPUTS=100000000 ROUTETOP_FUZZ_SEED=7 cargo test --test it fuzz::`. An
//! input that takes longer than 50 ms fails the test; a failure prints seed and input.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use routetop::format::{FORMATS, Parsed, Parser, Rules, noise_sample, recorded_in_words, redact};
use routetop::model::{HashKey, Names, Timestamp, sanitise, sanitise_block};

use crate::support::Random;

/// How many inputs are tried unless the environment says otherwise.
const INPUTS: u64 = 1_000_000;
/// The longest that any input may take; generous, since the machine may be busy.
const TIME_MAX: Duration = Duration::from_millis(50);

/// Lines of more bytes than this are seldom taken.
const LONG: usize = 4_096;

const READ_AT: Timestamp = Timestamp(1_795_500_000_000_000);

/// Lines of every format, one of which each input starts from.
const LINES: &[&str] = &[
    include_str!("../fixtures/format/chains.slp.jsonl"),
    include_str!("../fixtures/format/vllm_sr.log.jsonl"),
    include_str!("../fixtures/format/vllm_sr.replay.jsonl"),
    include_str!("../fixtures/format/envoy.jsonl"),
    include_str!("../fixtures/format/langfuse.jsonl"),
    include_str!("../fixtures/format/spend_logs.jsonl"),
    include_str!("../fixtures/format/otlp-litellm-v1.jsonl"),
    include_str!("../fixtures/format/otlp-litellm-v2.jsonl"),
    concat!(
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","kind":3,"name":"chat","startTimeUnixNano":"1795470282311994882","endTimeUnixNano":"1795470283705325409","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.request.model","value":{"stringValue":"fast"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"8"}}],"status":{"code":2}}]}]}]}"#,
        "\n",
        r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"eee19b7ec3c1b174","kind":"SPAN_KIND_INTERNAL","name":"c","startTimeUnixNano":"1795470282311994882","endTimeUnixNano":"1795470283705325409","attributes":[{"key":"openinference.span.kind","value":{"stringValue":"LLM"}},{"key":"llm.model_name","value":{"stringValue":"m"}}],"status":{"code":"STATUS_CODE_OK"}}"#,
        "\n",
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"gen_ai.evaluation.result","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"1","timeUnixNano":"1795470283705325409","attributes":[{"key":"gen_ai.evaluation.name","value":{"stringValue":"user_feedback"}},{"key":"gen_ai.evaluation.score.label","value":{"stringValue":"thumbs down"}}]}]}]}]}"#,
    ),
    concat!(
        r#"{"event":"request","ts":"2026-11-23T02:41:07.5Z","request_id":"r-1","session_id":"s","task_class":"planning","route":"support","policy":"p@1#ab","rule":"light","tier":"fast","signals":{"retrieval_confidence":null,"input_complexity":0.25,"tools_required":false,"user_tier":"free","session_fallbacks":2,"lang":"de"},"candidates":[{"model":"m","score":0.5}],"attempts":[{"model":"small-1","latency_ms":10.5,"ttft_ms":2,"input_tokens":214,"output_tokens":53,"cost_usd":4.26e-05,"outcome":"escalated","reason":"drifting"},{"model":"large-1","outcome":"ok","zzz":1}],"outcome":"completed","corrected":false,"correction":{"kind":"edited","by":"user","after_s":3.5},"propensity":0.9,"attrs":{"region":"eu"},"extra":{"a":[1]}}"#,
        "\n",
        r#"{"event":"correction","ts":1795400000000,"session_id":"s","kind":"edit"}"#,
        "\n",
        r#"{"event":"marker","ts":"2026-11-23T02:41:07+05:45","label":"4.3.0","kind":"deploy"}"#,
        "\n",
        r#"{"message":"x","level":"INFO","timestamp":"2026-11-23T21:44:41.862365","component":"uvicorn.access"}"#,
        "\n",
        r#"{"timestamp":0.451,"prompt_tokens":467,"generated_tokens":61,"selected_model":"llama8b","complexity":"low","category":"prose"}"#,
    ),
];

/// What a mutation likes to put in: structure, numbers at their limits, escapes, controls, marks.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"null",
    b"true",
    b"false",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1",
    b"-0",
    b"0.1",
    b"9223372036854775808",
    b"18446744073709551616",
    b"1e-400",
    b"\\u0000",
    b"\\ud800",
    b"\\\"",
    b"\\",
    b"\x00",
    b"\x1b[31m",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\xcc\x81\xcc\x81\xcc\x81",
    b"9999-12-31T23:59:60Z",
    b"0000-00-00 00:00:00",
    b"2026-02-30T24:00:00+24:00",
    b"+23:59",
    b"Z",
    b"T",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":",
    b"\"event\":\"request\"",
    b"\"ts\":",
    b"sk-aaaaaaaaaaaaaaaa",
    b"eyJaaaaa.aaaaaa.a",
    b"password=",
    b"-----BEGIN RSA PRIVATE KEY-----",
    b"https://u:p@h/",
];

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap())
}

/// Changes a few places of a line: bytes, pieces, repetitions, cuts, swaps with another line.
fn mutate(random: &mut Random, lines: &[&[u8]], into: &mut Vec<u8>) {
    let pick =
        |random: &mut Random, len: usize| usize::try_from(random.below(len.max(1) as u64)).unwrap();
    let mut line = lines[pick(random, lines.len())];
    // Long lines take most of the time and find little that short ones do not.
    while line.len() > LONG && random.below(16) > 0 {
        line = lines[pick(random, lines.len())];
    }
    into.clear();
    into.extend_from_slice(line);
    for _ in 0..=random.below(4) {
        let at = pick(random, into.len() + 1);
        let end = (at + pick(random, 12)).min(into.len());
        match random.below(7) {
            0 if at < into.len() => into[at] = u8::try_from(random.below(256)).unwrap(),
            1 => into.truncate(at),
            2 => drop(into.drain(at..end)),
            3 => {
                let part = into[at..end].to_vec();
                for _ in 0..random.below(40) {
                    into.splice(at..at, part.iter().copied());
                }
            }
            4 => {
                let other = lines[pick(random, lines.len())];
                let from = pick(random, other.len());
                let to = (from + pick(random, 200)).min(other.len());
                into.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let piece = PIECES[pick(random, PIECES.len())];
                into.splice(at..end, piece.iter().copied());
            }
        }
    }
    into.truncate(64 * 1024);
}

/// Tries the inputs; `run` is what is fuzzed.
fn fuzz(name: &str, share: u64, mut run: impl FnMut(&[u8])) {
    let seed = number("ROUTETOP_FUZZ_SEED", 1);
    let inputs = number("ROUTETOP_FUZZ_INPUTS", INPUTS) * share / 100;
    let lines: Vec<&[u8]> = LINES
        .iter()
        .flat_map(|text| text.lines())
        .map(str::as_bytes)
        .collect();
    let mut random = Random(seed);
    let mut input = Vec::new();
    for n in 0..inputs {
        mutate(&mut random, &lines, &mut input);
        let once = |run: &mut dyn FnMut(&[u8])| {
            let start = Instant::now();
            let done = catch_unwind(AssertUnwindSafe(|| run(&input)));
            let told = String::from_utf8_lossy(&input).into_owned();
            assert!(
                done.is_ok(),
                "{name} panics, seed {seed}, input {n}: {told}"
            );
            start.elapsed()
        };
        // A pause of the machine is no fault of the input, which takes long every time.
        let is_slow =
            once(&mut run) > TIME_MAX && once(&mut run) > TIME_MAX && once(&mut run) > TIME_MAX;
        assert!(
            !is_slow,
            "{name} is slow, seed {seed}, input {n}: {}",
            String::from_utf8_lossy(&input)
        );
    }
}

#[test]
fn d27_lines_of_every_format() {
    let mut parser = Parser::new(Names::default(), HashKey([7; 16]), Rules::default());
    let mut formats = std::collections::BTreeSet::new();
    let (mut refused, mut noise) = (0, 0);
    fuzz("the line parser", 50, |line| {
        match parser.parse(line, READ_AT) {
            Parsed::Events { format, events } => {
                formats.insert(format);
                assert!(events.len() <= 1_000, "one line, {} events", events.len());
            }
            Parsed::Rejected(reject) => {
                assert!(reject.detail.len() < 1_024);
                refused += 1;
            }
            Parsed::Noise => noise += 1,
            Parsed::Blank => {}
        }
        if parser.names().len() > 100_000 {
            // Nothing ever leaves the table of names; a real one is bounded as `d26` says.
            parser = Parser::new(Names::default(), HashKey([7; 16]), Rules::default());
        }
    });
    assert_eq!(
        formats.len(),
        FORMATS
            .iter()
            .filter(|format| format.name != "mapped")
            .count(),
        "mutations still reach every format"
    );
    assert!(refused > 0 && noise > 0);
}

#[test]
fn d27_times() {
    let mut parser = Parser::new(Names::default(), HashKey([7; 16]), Rules::default());
    let mut random = Random(number("ROUTETOP_FUZZ_SEED", 1));
    let mut read = 0_u64;
    fuzz("the time parser", 20, |input| {
        // Texts near a time, of which the mutated line gives the bytes.
        let mut time = b"2026-11-23T02:41:07.123456+05:45".to_vec();
        for byte in input.iter().take(3) {
            let at = usize::try_from(random.below(time.len() as u64)).unwrap();
            time[at] = b"0123456789-+:.TtZz ,"[usize::from(*byte) % 20];
        }
        time.truncate(usize::try_from(10 + random.below(24)).unwrap());
        let time = String::from_utf8(time).unwrap();
        for line in [
            format!(r#"{{"event":"marker","ts":"{time}","label":"x"}}"#),
            format!(
                r#"{{"msg":"llm_usage","event":"llm_usage","request_id":"r","ts":"{time}","model":"m"}}"#
            ),
        ] {
            read += u64::from(matches!(
                parser.parse(line.as_bytes(), READ_AT),
                Parsed::Events { .. }
            ));
        }
    });
    assert!(read > 0);
}

#[test]
fn d27_the_sanitiser() {
    fuzz("the sanitiser", 15, |input| {
        let text = String::from_utf8_lossy(input);
        let shown = sanitise(&text).to_string();
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        for line in sanitise_block(&text) {
            assert!(!line.to_string().chars().any(char::is_control));
        }
    });
}

#[test]
fn d27_the_redactor_and_recorded_reasons() {
    fuzz("the redactor", 15, |input| {
        let text = String::from_utf8_lossy(input);
        let clean = redact(&text);
        assert!(clean.len() <= text.len() + 12 * (text.len() / 4 + 1));
        assert!(noise_sample(input).len() <= 120);
        for format in FORMATS {
            let _ = recorded_in_words(format.number, &text);
        }
    });
}

#[test]
fn d27_config_files() {
    use routetop::config::Config;
    let sample = include_bytes!("../../assets/samples/mapping.toml");
    assert!(Config::parse(std::str::from_utf8(sample).unwrap()).is_ok());
    let mut random = Random(number("ROUTETOP_FUZZ_SEED", 1));
    let (mut read, mut refused) = (0_u64, 0_u64);
    fuzz("the config reader", 1, |input| {
        // Some lines of the sample, with a few bytes of the mutated line written over them.
        let lines: Vec<&[u8]> = sample.split(|byte| *byte == b'\n').collect();
        let first = usize::try_from(random.below(lines.len() as u64)).unwrap();
        let mut text = lines[first..(first + 12).min(lines.len())].join(&b'\n');
        for byte in input.iter().take(usize::try_from(random.below(4)).unwrap()) {
            if !text.is_empty() {
                let at = usize::try_from(random.below(text.len() as u64)).unwrap();
                text[at] = *byte;
            }
        }
        match Config::parse(&String::from_utf8_lossy(&text)) {
            Ok(_) => read += 1,
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    });
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
}

#[test]
fn d27_keys_and_whatever_else_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let line = LINES[9].lines().next().unwrap();
    std::fs::write(folder.path().join("r.jsonl"), format!("{line}\n")).unwrap();
    let args = ["--db", "t.db", "r.jsonl"];
    let mut session = crate::pty::Session::dashboard(folder.path(), &args, (80, 24));
    session.sees("support");
    let mut random = Random(number("ROUTETOP_FUZZ_SEED", 1));
    for _ in 0..200 {
        let mut typed: Vec<u8> = (0..64)
            .map(|_| u8::try_from(random.below(256)).unwrap())
            // All but the keys that leave: q, ^c, ^z and ^\.
            .filter(|byte| !matches!(byte, b'q' | 3 | 26 | 28))
            .collect();
        if random.below(3) == 0 {
            typed.extend_from_slice(b"\x1b[<0;10;10M\x1b[?1;2c\x1b]52;c;QQ==\x07\x1b[12;40R\x1bOP");
        }
        session.press_bytes(&typed);
    }
    // What is left of a sequence may swallow a key, and an open line takes letters.
    crate::support::wait_for("the end", 20, || {
        session.press_bytes(b"\x1b\\\x03");
        crate::support::pause(Duration::from_millis(50));
        session.child.try_wait().unwrap().is_some()
    });
    let (code, bytes) = session.end(5);
    assert_eq!(code, 0);
    crate::pty::assert_restored(&bytes);
}

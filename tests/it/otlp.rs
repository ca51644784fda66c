//! OTLP files through the real binary and the parser, against what clients and upstreams know.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use routetop::format::{Parsed, Parser, Rules, recorded_in_words};
use routetop::model::{
    Event, Flags, HashKey, Name, Names, NanoUsd, Outcome, Request, RequestId, Timestamp, merge,
};
use serde_json::{Value, json};

use crate::support::{run_ok, shared_samples};

/// Reads a file with the real binary and returns the report.
fn report(source: &Path) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let source = source.to_str().unwrap();
    run_ok(folder.path(), ["ingest", "--db", "t.db", source]);
    let text = run_ok(
        folder.path(),
        ["report", "--db", "t.db", "--format", "json"],
    );
    serde_json::from_str(&text).unwrap()
}

fn truth(samples: &Path, file: &str) -> Value {
    let text = std::fs::read_to_string(samples.join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn lines(path: &Path) -> Vec<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Reads lines with the parser alone, joined by id, and returns the names as well.
fn requests(lines: &[String]) -> (Vec<Request>, Names) {
    let mut parser = Parser::new(Names::default(), HashKey([7; 16]), Rules::default());
    let mut whole: BTreeMap<RequestId, Request> = BTreeMap::new();
    let mut conflicts = Vec::new();
    for line in lines {
        let parsed = parser.parse(line.as_bytes(), Timestamp(1_795_500_000_000_000));
        let Parsed::Events { events, .. } = parsed else {
            panic!("{parsed:?}");
        };
        for event in events {
            let Event::Request(request) = event else {
                panic!("{event:?}");
            };
            match whole.get_mut(&request.id) {
                Some(known) => {
                    merge(known, *request, &mut conflicts);
                }
                None => {
                    whole.insert(request.id.clone(), *request);
                }
            }
        }
    }
    assert_eq!(conflicts, []);
    (whole.into_values().collect(), parser.names().clone())
}

fn near(what: &str, found: f64, truth: f64, relative: f64) {
    let error = (found - truth).abs();
    assert!(
        error <= relative * truth.abs(),
        "{what}: {found} is not {truth}"
    );
}

#[test]
fn litellm_v2_counts_what_clients_and_upstreams_counted() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let truth = truth(&samples, "litellm/truth-proxy.json");
    let report = report(&samples.join("litellm/proxy.otlp-traces-v2.jsonl.gz"));
    let totals = &report["totals"];
    let client = &truth["client"];
    assert_eq!(totals["requests"], client["requests"]);
    assert_eq!(totals["completed"], client["ok"]);
    assert_eq!(totals["failed"], client["failed"]);
    assert_eq!(totals["attempts"], truth["upstream"]["calls"]);
    assert_eq!(totals["cost_known"], client["requests"]);
    let cost = totals["cost_usd"].as_f64().unwrap();
    let spend = truth["spend_usd_total"].as_f64().unwrap();
    assert!((cost - spend).abs() < 1e-8, "{cost} is not {spend}");
    let on_the_way = client["ok_with_retry_or_fallback_header_gt0"].as_u64();
    let failed = client["failed"].as_u64();
    assert_eq!(
        totals["fallback"]["numerator"].as_u64(),
        on_the_way.zip(failed).map(|(ok, failed)| ok + failed),
        "every failed request and every answer with a header that says so"
    );
    let ingest = &report["ingest"];
    assert_eq!(ingest["conflicts"], 0);
    assert_eq!(ingest["quarantined"], 0);
    assert_eq!(
        ingest["sources"][0]["formats"],
        json!({"otlp-litellm-v2": 67})
    );
    assert_eq!(
        ingest["sources"][0]["asides"],
        json!({"span of no request to a model": 1594}),
        "the `auth` phase of each request"
    );
    by_group_asked(&report, client);
}

/// Compares requests and failures by the group that the client asked for.
fn by_group_asked(report: &Value, client: &Value) {
    let mut found: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for route in report["routes"].as_array().unwrap() {
        let asked = route["route"].as_str().unwrap().split('/').next().unwrap();
        let counts = found.entry(asked).or_default();
        counts[0] += route["requests"].as_u64().unwrap();
        counts[1] += route["failed"].as_u64().unwrap();
    }
    for (asked, requests) in client["by_requested_model"].as_object().unwrap() {
        let failed = client["failed_by_requested_model"][asked].as_u64().unwrap();
        assert_eq!(
            found[&**asked],
            [requests.as_u64().unwrap(), failed],
            "{asked}"
        );
    }
}

#[test]
fn batches_may_come_in_any_order() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut lines = lines(&samples.join("litellm/proxy.otlp-traces-v2.jsonl.gz"));
    let path = folder.path().join("t.jsonl");
    let totals = |lines: &[String]| {
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let report = report(&path);
        assert_eq!(report["ingest"]["conflicts"], 0);
        (report["totals"].clone(), report["routes"].clone())
    };
    let in_order = totals(&lines);
    lines.reverse();
    assert_eq!(totals(&lines), in_order, "the last batch first");
    let by_halves: Vec<_> = (0..2)
        .flat_map(|half| lines.iter().skip(half).step_by(2).cloned())
        .collect();
    assert_eq!(totals(&by_halves), in_order, "every other batch first");
}

#[test]
fn litellm_v2_knows_groups_tokens_streams_and_waiting_times() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let truth = truth(&samples, "litellm/truth-proxy.json");
    let lines = lines(&samples.join("litellm/proxy.otlp-traces-v2.jsonl.gz"));
    let (requests, names) = requests(&lines);
    let text = |name: Option<Name>| name.map_or("", |name| names.text(name)).to_owned();
    let mut calls: BTreeMap<String, u64> = BTreeMap::new();
    let mut served: BTreeMap<String, u64> = BTreeMap::new();
    let mut spend: BTreeMap<String, f64> = BTreeMap::new();
    let mut waits: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let (mut input, mut output, mut streamed, mut without_session) = (0, 0, 0, 0);
    for it in &requests {
        assert!(!it.flags.has(Flags::CONFLICT) && it.flags.has(Flags::ARRIVAL_KNOWN));
        for attempt in it.attempts.iter().filter(|a| a.outcome.is_call()) {
            *calls.entry(text(attempt.tier)).or_default() += 1;
            let cost = attempt.cost.map_or(0.0, NanoUsd::as_usd);
            *spend.entry(text(attempt.tier)).or_default() += cost;
        }
        if it.outcome == Some(Outcome::Completed) {
            let last = it.attempts.last().unwrap();
            assert_ne!(
                names.text(last.model),
                text(last.tier),
                "the model is known"
            );
            *served.entry(text(last.tier)).or_default() += 1;
            streamed += u64::from(last.ttft.is_some());
            assert!(it.ttft().is_none_or(|ttft| ttft <= it.latency().unwrap()));
        }
        let tokens = it.tokens();
        input += tokens.0.unwrap_or(0);
        output += tokens.1.unwrap_or(0);
        without_session += u64::from(it.session.is_none());
        let asked = text(it.route).split('/').next().unwrap().to_owned();
        let latency = it.latency().unwrap().as_seconds();
        waits.entry(asked).or_default().push(latency);
    }
    let client = &truth["client"];
    assert_eq!(json!(calls), truth["upstream"]["calls_by_group"]);
    assert_eq!(json!(served), client["served_by_group_for_ok"]);
    assert_eq!(json!(input), truth["tokens"]["prompt"]);
    assert_eq!(json!(output), truth["tokens"]["completion"]);
    for (group, spent) in truth["spend_usd_by_group"].as_object().unwrap() {
        near(group, spend[group], spent.as_f64().unwrap(), 1e-8);
    }
    // Of 251 streamed requests those that failed never had a first token; of a request that failed
    // before it was called, LiteLLM logs no session.
    assert_eq!(streamed, 243);
    let sessionless = client["requests_without_session_id"].as_u64().unwrap();
    assert!((sessionless..=sessionless + 40).contains(&without_session));
    for (asked, walls) in client["wall_s_by_requested_model"].as_object().unwrap() {
        let found = waits.get_mut(asked).unwrap();
        found.sort_by(f64::total_cmp);
        assert_eq!(json!(found.len()), walls["n"]);
        let median = found[found.len() / 2];
        near(asked, median, walls["p50"].as_f64().unwrap(), 0.03);
    }
}

#[test]
fn litellm_v2_explains_its_decisions_in_words() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let lines = lines(&samples.join("litellm/proxy.otlp-traces-v2.jsonl.gz"));
    let (requests, names) = requests(&lines);
    let decided: Vec<_> = requests.iter().filter(|it| it.rule.is_some()).collect();
    assert_eq!(decided.len(), 598, "every request to the auto-router");
    for it in &decided {
        assert_eq!(names.text(it.policy.unwrap()), "smart@6ac669a8ccf3");
        let told = recorded_in_words(it.format, it.recorded.as_deref().unwrap()).join(" ");
        for part in ["so tier ", "Tier "] {
            if told.contains(part) {
                let tier = names.text(it.tier.unwrap()).to_uppercase();
                assert!(told.contains(&format!("{part}{tier}")), "{told}");
            }
        }
        assert!(
            told.contains("Cause: ") && told.contains("Routed to "),
            "{told}"
        );
        assert_eq!(told.contains("Escalated"), it.is_escalated(), "{told}");
    }
}

#[test]
fn litellm_v1_has_a_span_for_every_attempt() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let path = samples.join("litellm/sdk.otlp-traces-v1.part.jsonl.gz");
    // The payload log of the same run tells by call id what each span must say.
    let payloads: BTreeMap<String, Value> = lines(&samples.join("litellm/sdk.slp.jsonl.gz"))
        .iter()
        .map(|line| {
            let payload: Value = serde_json::from_str(line).unwrap();
            (
                payload["litellm_call_id"].as_str().unwrap().to_owned(),
                payload,
            )
        })
        .collect();
    let mut spend = 0.0;
    let mut answered = 0;
    for id in call_ids(&path) {
        spend += payloads[&id]["response_cost"].as_f64().unwrap();
        answered += u64::from(payloads[&id]["status"] == "success");
    }
    let report = report(&path);
    let totals = &report["totals"];
    assert_eq!(totals["attempts"], 711);
    let cost = totals["cost_usd"].as_f64().unwrap();
    assert!((cost - spend).abs() < 1e-8, "{cost} is not {spend}");
    // Within this part of the run every request was answered in the end.
    assert_eq!(totals["requests"], json!(answered));
    assert_eq!(totals["completed"], json!(answered));
    assert_eq!(report["ingest"]["conflicts"], 0);
    assert_eq!(report["ingest"]["quarantined"], 0);
}

fn call_ids(path: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for line in lines(path) {
        let batch: Value = serde_json::from_str(&line).unwrap();
        for span in batch["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array()
            .unwrap()
        {
            let attributes = span["attributes"].as_array();
            let call = attributes.into_iter().flatten();
            ids.extend(
                call.filter(|attribute| attribute["key"] == "litellm.call_id")
                    .map(|attribute| {
                        attribute["value"]["stringValue"]
                            .as_str()
                            .unwrap()
                            .to_owned()
                    }),
            );
        }
    }
    ids
}

#[test]
fn spans_without_ids_are_quarantined_with_a_reason() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let mut lines = String::new();
    for name in ["basic", "streaming", "bad-request", "unknown-model"] {
        let path = samples.join(format!("envoy-ai-gateway/openinference-chat-{name}.json"));
        let span: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        lines.push_str(&format!("{span}\n"));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spans.jsonl");
    std::fs::write(&path, &lines).unwrap();
    let ingest = &report(&path)["ingest"];
    assert_eq!(
        ingest["quarantined"], 4,
        "the fixtures have neither ids nor times"
    );
    // The same spans as an exporter writes them.
    let whole: Vec<_> = lines
        .lines()
        .enumerate()
        .map(|(idx, line)| {
            let mut span: Value = serde_json::from_str(line).unwrap();
            span["traceId"] = json!(format!("{:032x}", idx + 1));
            span["spanId"] = json!(format!("{:016x}", idx + 1));
            span["startTimeUnixNano"] = json!("1795470282000000000");
            span["endTimeUnixNano"] = json!("1795470282500000000");
            span.to_string()
        })
        .collect();
    std::fs::write(&path, whole.join("\n") + "\n").unwrap();
    let report = report(&path);
    let totals = &report["totals"];
    assert_eq!(
        (&totals["requests"], &totals["completed"]),
        (&json!(4), &json!(2))
    );
    let mut routes: Vec<_> = report["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| route["route"].as_str().unwrap())
        .collect();
    routes.sort_unstable();
    assert_eq!(routes, ["gpt-4.1-nano-wrong", "gpt-5-nano"]);
    assert_eq!(
        report["ingest"]["sources"][0]["formats"],
        json!({"otlp-openinference": 4})
    );
}

#[test]
fn a_verdict_from_another_file_corrects_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format/otlp-litellm-v2.jsonl");
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let verdict = |trace: &str, label: &str| {
        json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "eventName": "gen_ai.evaluation.result", "traceId": trace,
        "timeUnixNano": "1795470900000000000", "attributes": [
            text("gen_ai.evaluation.name", "correctness"),
            text("gen_ai.evaluation.score.label", label),
        ]}]}]}]})
    };
    let bad = "1f3895b8eaf04ec58f220b9a2637eb19";
    let good = "086314894edbbb8cba4d1f0a031f8a75";
    let verdicts = format!("{}\n{}\n", verdict(bad, "fail"), verdict(good, "pass"));
    std::fs::write(folder.path().join("verdicts.jsonl"), verdicts).unwrap();
    run_ok(folder.path(), ["ingest", "--db", "t.db", "verdicts.jsonl"]);
    run_ok(
        folder.path(),
        ["ingest", "--db", "t.db", fixture.to_str().unwrap()],
    );
    let text = run_ok(
        folder.path(),
        ["report", "--db", "t.db", "--format", "json"],
    );
    let report: Value = serde_json::from_str(&text).unwrap();
    let correction = &report["totals"]["correction"];
    assert_eq!(report["totals"]["requests"], 10);
    assert_eq!(
        (&correction["numerator"], &correction["denominator"]),
        (&json!(1), &json!(2)),
        "corrections are known of judged requests only"
    );
    let explained = run_ok(folder.path(), ["explain", "--db", "t.db", bad]);
    for part in [
        "ContextWindowExceededError",
        "openai/gpt-4.1-mini",
        "by judge",
    ] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
}

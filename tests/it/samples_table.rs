//! What must come out of every file of the shared samples, read one at a time by the real binary.
//!
//! Files of one folder describe the same traffic, so that each goes into a database of its own. A file
//! that the table does not name fails the test: it needs a row here or a place in [`NOT_LOGS`].

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{run_ok, shared_samples};

/// What a file holds.
struct Row {
    file: &'static str,
    /// The file is one JSON document over many lines; it is given to the reader on one line.
    is_document: bool,
    /// Lines accepted, by format.
    formats: &'static [(&'static str, u64)],
    requests: u64,
    attempts: u64,
    completed: u64,
    failed: u64,
    /// Dollars, to 1e-8, of as many requests as have a known cost.
    cost: Option<(f64, u64)>,
    noise: u64,
    blank: u64,
    /// Lines in quarantine, by reason.
    quarantined: &'static [(&'static str, u64)],
    /// Records that tell nothing to be stored, by what they are.
    asides: &'static [(&'static str, u64)],
    /// Records that tell nothing new of their request.
    duplicates: u64,
}

const NOTHING: Row = Row {
    file: "",
    is_document: false,
    formats: &[],
    requests: 0,
    attempts: 0,
    completed: 0,
    failed: 0,
    cost: None,
    noise: 0,
    blank: 0,
    quarantined: &[],
    asides: &[],
    duplicates: 0,
};

const OTHER_SPAN: &str = "span of no request to a model";
const OTHER_RECORD: &str = "log record that is no verdict";
const BROKEN: &str = "span of a call without id, time or model";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { file: "envoy-ai-gateway/accesslog-doc-examples.jsonl", formats: &[("envoy-ai-gateway", 2)],
        requests: 1, attempts: 1, completed: 1, asides: &[("MCP call", 1)], ..NOTHING },
    // Spans of a test: without ids and times nothing can be told of when and what they were.
    Row { file: "envoy-ai-gateway/openinference-chat-bad-request.json", is_document: true,
        quarantined: &[("missing-field", 1)], asides: &[(BROKEN, 1)], ..NOTHING },
    Row { file: "envoy-ai-gateway/openinference-chat-basic.json", is_document: true,
        quarantined: &[("missing-field", 1)], asides: &[(BROKEN, 1)], ..NOTHING },
    Row { file: "envoy-ai-gateway/openinference-chat-streaming.json", is_document: true,
        quarantined: &[("missing-field", 1)], asides: &[(BROKEN, 1)], ..NOTHING },
    Row { file: "envoy-ai-gateway/openinference-chat-unknown-model.json", is_document: true,
        quarantined: &[("missing-field", 1)], asides: &[(BROKEN, 1)], ..NOTHING },

    Row { file: "langfuse/autogen-2025-06-06.json", is_document: true, formats: &[("langfuse", 1)],
        requests: 1, attempts: 1, completed: 1, cost: Some((0.000_025, 1)), ..NOTHING },
    Row { file: "langfuse/google-vertex-tools-langchain-2025-09-19.json", is_document: true, formats: &[("langfuse", 1)],
        requests: 1, attempts: 1, completed: 1, cost: Some((0.000_11, 1)), ..NOTHING },
    Row { file: "langfuse/llamaindex-2025-06-05.json", is_document: true, formats: &[("langfuse", 1)],
        requests: 1, attempts: 1, completed: 1, cost: Some((0.000_842_499_999, 1)), ..NOTHING },
    Row { file: "langfuse/openai-assistants-2024-05-29.json", is_document: true, formats: &[("langfuse", 1)],
        requests: 1, attempts: 1, completed: 1, cost: Some((0.003_87, 1)), ..NOTHING },

    Row { file: "litellm/chains.slp.jsonl", formats: &[("litellm-proxy", 7), ("litellm-sdk", 7)],
        requests: 8, attempts: 13, completed: 7, failed: 1, cost: Some((0.012_089_2, 8)), ..NOTHING },
    Row { file: "litellm/proxy.slp.jsonl.gz", formats: &[("litellm-proxy", 1_733)],
        requests: 1_594, attempts: 1_630, completed: 1_541, failed: 53, cost: Some((2.306_527_6, 1_594)), ..NOTHING },
    Row { file: "litellm/sdk.slp.jsonl.gz", formats: &[("litellm-sdk", 2_218)],
        requests: 2_093, attempts: 2_218, completed: 2_083, failed: 10, cost: Some((3.085_873_3, 2_093)), ..NOTHING },
    Row { file: "litellm/proxy.spend-logs.part.jsonl.gz", formats: &[("litellm-spend-logs", 600)],
        requests: 600, attempts: 600, completed: 600, cost: Some((0.877_544_5, 600)), ..NOTHING },
    // Log messages, a banner and colours: no request can be counted from them.
    Row { file: "litellm/proxy.stdout-info.jsonl.gz", noise: 8_552, blank: 9, ..NOTHING },
    Row { file: "litellm/proxy.stdout-default.jsonl", noise: 187, blank: 9, ..NOTHING },
    // Side files of the sampling itself; a mapping may read them.
    Row { file: "litellm/proxy.fallback-events.jsonl.gz", quarantined: &[("unknown-format", 177)], ..NOTHING },
    Row { file: "litellm/sdk.fallback-events.jsonl.gz", quarantined: &[("unknown-format", 229)], ..NOTHING },
    Row { file: "litellm/proxy.router-metadata.jsonl.gz", quarantined: &[("unknown-format", 1_733)], ..NOTHING },
    Row { file: "litellm/sdk.router-metadata.jsonl.gz", quarantined: &[("unknown-format", 2_218)], ..NOTHING },
    Row { file: "litellm/proxy.response-headers.jsonl", quarantined: &[("unknown-format", 42)], ..NOTHING },
    // Beside each request its `auth` phase. Three times a line holds nothing but a retry's choice of a
    // deployment, which opens no request that is not open already.
    Row { file: "litellm/proxy.otlp-traces-v2.jsonl.gz", formats: &[("otlp-litellm-v2", 67)],
        requests: 1_594, attempts: 1_686, completed: 1_541, failed: 53, cost: Some((2.306_527_6, 1_594)),
        asides: &[(OTHER_SPAN, 1_594)], duplicates: 3, ..NOTHING },
    // Beside each answered call its raw request.
    Row { file: "litellm/sdk.otlp-traces-v1.part.jsonl.gz", formats: &[("otlp-litellm-v1", 24)],
        requests: 690, attempts: 711, completed: 690, cost: Some((0.984_754, 690)),
        asides: &[(OTHER_SPAN, 690)], ..NOTHING },

    Row { file: "otlp-spec/events.jsonl", formats: &[("otlp-evaluation", 1)], asides: &[(OTHER_RECORD, 1)], ..NOTHING },
    Row { file: "otlp-spec/logs.jsonl", formats: &[("otlp-evaluation", 1)], asides: &[(OTHER_RECORD, 1)], ..NOTHING },
    Row { file: "otlp-spec/trace.jsonl", formats: &[("otlp-genai", 1)], asides: &[(OTHER_SPAN, 1)], ..NOTHING },

    Row { file: "real/arena.jsonl.gz", formats: &[("native", 2_878)],
        requests: 2_878, attempts: 2_878, completed: 2_878, cost: Some((0.335_135_526, 2_878)), ..NOTHING },
    Row { file: "real/incident_1.jsonl.gz", formats: &[("native", 15_361)],
        requests: 15_361, attempts: 17_557, completed: 15_322, cost: Some((128.097_045_6, 15_361)), ..NOTHING },
    Row { file: "real/llmperf.jsonl.gz", formats: &[("native", 2_845)],
        requests: 2_845, attempts: 2_845, completed: 2_306, failed: 539, ..NOTHING },
    Row { file: "real/routellm_fixed.jsonl.gz", formats: &[("native", 30_722)],
        requests: 30_722, attempts: 30_722, completed: 30_722, cost: Some((259.655_943_92, 30_722)), ..NOTHING },
    Row { file: "real/routellm_policy.jsonl.gz", formats: &[("native", 15_361)],
        requests: 15_361, attempts: 17_564, completed: 15_323, cost: Some((133.082_080_8, 15_361)), ..NOTHING },
    // What every policy would have met: no log of requests.
    Row { file: "real/routellm_potential.jsonl.gz", quarantined: &[("unknown-format", 15_361)], ..NOTHING },

    Row { file: "vllm-semantic-router/router_decisions.semantic_router.jsonl", formats: &[("vllm-sr-trace", 240)],
        requests: 240, attempts: 240, completed: 240, ..NOTHING },
];

/// Files that nobody would point a reader of logs at: descriptions, licences, truths, policies.
const NOT_LOGS: &[&str] = &[
    "README.md",
    "LICENSES/",
    "real/MANIFEST.json",
    "real/PUBLISHED.json",
    "real/TRUTH.json",
    "real/incidents.json",
    ".route",
    "litellm/truth-",
];

/// Reads one source into a database of its own; returns the report and the reasons in quarantine.
fn read(source: &Path) -> (Value, BTreeMap<String, u64>) {
    let folder = tempfile::tempdir().unwrap();
    let source = source.to_str().unwrap();
    run_ok(folder.path(), ["ingest", "-q", "--db", "t.db", source]);
    let text = run_ok(
        folder.path(),
        ["report", "--db", "t.db", "--format", "json"],
    );
    let store = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
    let mut select = store
        .prepare("SELECT reason, sum(count) FROM reject_count GROUP BY 1")
        .unwrap();
    let rejected = select
        .query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    (serde_json::from_str(&text).unwrap(), rejected)
}

fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
    of.iter()
        .map(|(name, n)| ((*name).to_owned(), *n))
        .collect()
}

fn object(value: &Value) -> BTreeMap<String, u64> {
    let fields = value.as_object().unwrap().iter();
    fields
        .map(|(key, n)| (key.clone(), n.as_u64().unwrap()))
        .collect()
}

/// Puts a document on one line, as the reader of whole documents does.
fn on_one_line(source: &Path, folder: &Path) -> PathBuf {
    let document: Value = serde_json::from_str(&fs::read_to_string(source).unwrap()).unwrap();
    let path = folder.join("document.jsonl");
    fs::write(&path, format!("{document}\n")).unwrap();
    path
}

fn check(row: &Row, samples: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let mut source = samples.join(row.file);
    if row.is_document {
        source = on_one_line(&source, folder.path());
    }
    let (report, rejected) = read(&source);
    let (ingest, totals, file) = (&report["ingest"], &report["totals"], row.file);
    let from = &ingest["sources"][0];
    assert_eq!(
        object(&from["formats"]),
        counts(row.formats),
        "{file} formats"
    );
    assert_eq!(
        object(&from["asides"]),
        counts(row.asides),
        "{file} set aside"
    );
    assert_eq!(rejected, counts(row.quarantined), "{file} quarantine");
    for (what, found, expected) in [
        ("requests", &totals["requests"], row.requests),
        ("attempts", &totals["attempts"], row.attempts),
        ("completed", &totals["completed"], row.completed),
        ("failed", &totals["failed"], row.failed),
        ("noise", &ingest["noise"], row.noise),
        ("blank", &ingest["blank"], row.blank),
        ("conflicts", &ingest["conflicts"], 0),
        ("duplicates", &ingest["duplicates"], row.duplicates),
        ("orphans", &ingest["orphans"], 0),
    ] {
        assert_eq!(found.as_u64(), Some(expected), "{file} {what}");
    }
    let lines: u64 = counts(row.formats).values().sum::<u64>()
        + counts(row.quarantined).values().sum::<u64>()
        + row.noise
        + row.blank;
    assert_eq!(ingest["lines"].as_u64(), Some(lines), "{file}: every line");
    let (cost, known) = row.cost.map_or((None, 0), |(usd, n)| (Some(usd), n));
    assert_eq!(
        totals["cost_known"].as_u64(),
        Some(known),
        "{file} costs known"
    );
    match (totals["cost_usd"].as_f64(), cost) {
        (None, None) => {}
        (Some(found), Some(cost)) => {
            assert!(
                (found - cost).abs() <= 1e-8,
                "{file}: ${found} is not ${cost}"
            );
        }
        other => panic!("{file}: {other:?}"),
    }
}

#[test]
fn every_sample_comes_out_as_the_table_says() {
    let Some(samples) = shared_samples() else {
        return;
    };
    for row in TABLE {
        check(row, &samples);
    }
}

#[test]
fn the_table_names_every_sample() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let mut folders = vec![samples.clone()];
    let mut missing = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&samples).unwrap().to_str().unwrap();
            let is_named = TABLE.iter().any(|row| row.file == name)
                || NOT_LOGS.iter().any(|part| name.contains(part));
            if !is_named {
                missing.push(name.to_owned());
            }
        }
    }
    assert_eq!(missing, [""; 0], "files without a row");
}

#[test]
fn the_spend_log_costs_what_its_rows_say() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let packed = samples.join("litellm/proxy.spend-logs.part.jsonl.gz");
    let mut rows = String::new();
    let mut reader = flate2::read::MultiGzDecoder::new(fs::File::open(&packed).unwrap());
    std::io::Read::read_to_string(&mut reader, &mut rows).unwrap();
    let spend: f64 = rows
        .lines()
        .map(|row| {
            serde_json::from_str::<Value>(row).unwrap()["spend"]
                .as_f64()
                .unwrap()
        })
        .sum();
    let (report, _) = read(&packed);
    let found = report["totals"]["cost_usd"].as_f64().unwrap();
    assert!((found - spend).abs() <= 1e-8, "${found} is not ${spend}");
    assert_eq!(
        report["totals"]["fallback"]["numerator"], 18,
        "13 rows with a fallback and 5 with a retry"
    );
}

#[test]
fn spend_log_and_payload_of_the_same_traffic_are_one() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for file in ["proxy.spend-logs.part.jsonl.gz", "proxy.slp.jsonl.gz"] {
        let source = samples.join("litellm").join(file);
        let source = source.to_str().unwrap();
        run_ok(folder.path(), ["ingest", "-q", "--db", "t.db", source]);
    }
    let text = run_ok(
        folder.path(),
        ["report", "--db", "t.db", "--format", "json"],
    );
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["totals"]["requests"], 1_594);
    assert_eq!(report["totals"]["attempts"], 1_630);
    assert_eq!(report["ingest"]["conflicts"], 0);
    let found = report["totals"]["cost_usd"].as_f64().unwrap();
    assert!((found - 2.306_527_6).abs() <= 1e-8, "${found}");
}

//! `--filter`: what a filtered report counts is what a filtered export holds.

use std::path::Path;

use serde_json::Value;

use crate::support::{run, run_ok, shared_samples};

const NOW: &str = "2026-12-01T00:00:00Z";

/// Two routes, two languages, escalations and corrections; the tiers stand in the attempts only.
fn log() -> String {
    let mut log = String::new();
    for idx in 0..400_u32 {
        let route = ["support-chat", "code-review"][(idx % 2) as usize];
        let lang = ["de", "fr", "en, us"][(idx % 3) as usize];
        let escalated = idx % 5 == 0;
        let confidence = f64::from(idx % 10) / 10.0;
        let minute = 3 + idx % 40;
        let second = idx % 60;
        let attempts = if escalated {
            r#"{"model":"small-8b","tier":"fast","outcome":"escalated","reason":"low_confidence","latency_ms":900,"cost_usd":0.001},{"model":"mid-70b","tier":"standard","outcome":"ok","latency_ms":2000,"cost_usd":0.01}"#
        } else {
            r#"{"model":"small-8b","tier":"fast","outcome":"ok","latency_ms":700,"cost_usd":0.001,"input_tokens":100,"output_tokens":9}"#
        };
        let corrected = idx % 7 == 0;
        log.push_str(&format!(
            r#"{{"event":"request","ts":"2026-11-20T10:{minute:02}:{second:02}Z","request_id":"r{idx}","route":"{route}","session_id":"s{idx}","task_class":"{class}","signals":{{"retrieval_confidence":{confidence},"tools_required":{tools}}},"attrs":{{"lang":"{lang}"}},"attempts":[{attempts}],"outcome":"completed","corrected":{corrected}}}"#,
            tools = idx % 4 == 0,
            class = ["extraction", "planning"][(idx % 11 % 2) as usize],
        ));
        log.push('\n');
    }
    // A correction that goes to its session's last request.
    log.push_str(
        r#"{"event":"correction","ts":"2026-11-20T10:59:00Z","session_id":"s1","kind":"rephrase"}"#,
    );
    log.push('\n');
    log
}

fn report(folder: &Path, database: &str, more: &[&str]) -> Value {
    let args = ["report", "--db", database, "--format", "json", "--now", NOW];
    let text = run_ok(folder, args.iter().chain(more).copied());
    let mut report: Value = serde_json::from_str(&text).unwrap();
    // By when an answer should be there, all requests tell, whatever the filter.
    let routes = report["routes"].as_array().unwrap().len();
    for idx in 0..=routes {
        let row = match idx {
            0 => &mut report["totals"],
            idx => &mut report["routes"][idx - 1],
        };
        for key in ["quality", "quality_interval", "quality_targets_ms"] {
            row[key] = Value::Null;
        }
    }
    report
}

#[test]
fn a_filtered_report_is_the_report_of_what_a_filtered_export_holds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("log.jsonl"), log()).unwrap();
    run_ok(folder, ["ingest", "-q", "--db", "all.db", "log.jsonl"]);
    for (idx, filter) in [
        "route=support-*",
        "lang=de escalated",
        "lang=\"en, us\" -corrected",
        "-lang=de,fr tools_required=yes",
        "retrieval_confidence<0.4 corrected",
        "latency>2s",
        "reason=low_confidence cost>=0.011",
        "tier=fast attempts=1 tokens=109",
        "70b",
        "source=*log.jsonl r1",
        "verdict=rule",
        "lang=it",
    ]
    .into_iter()
    .enumerate()
    {
        let part = format!("part{idx}");
        let (file, database) = (format!("{part}.jsonl"), format!("{part}.db"));
        let export = [
            "export", "-q", "--db", "all.db", "--filter", filter, "-o", &file,
        ];
        run_ok(folder, export);
        let windows: [&[&str]; 3] = [
            &[],
            &[
                "--from",
                "2026-11-20T10:05:30Z",
                "--to",
                "2026-11-20T10:30:10Z",
            ],
            &[
                "--from",
                "2026-11-18T00:00:00Z",
                "--to",
                "2026-11-30T00:00:00Z",
            ],
        ];
        let is_empty = std::fs::read(folder.join(&file)).unwrap().is_empty();
        assert_eq!(is_empty, idx > 9, "{filter}");
        if is_empty {
            let none = report(folder, "all.db", &["--filter", filter]);
            assert_eq!(none["totals"]["requests"], 0, "{filter}");
            continue;
        }
        run_ok(folder, ["ingest", "-q", "--db", &database, &file]);
        for window in windows {
            let with_filter: Vec<&str> =
                window.iter().copied().chain(["--filter", filter]).collect();
            let through = report(folder, "all.db", &with_filter);
            let alone = report(folder, &database, window);
            assert_eq!(through["filter"], filter);
            assert_eq!(through["totals"], alone["totals"], "{filter} in {window:?}");
            assert_eq!(through["routes"], alone["routes"], "{filter} in {window:?}");
            // A quick look counts the same.
            if window.is_empty() {
                let quick = [
                    "report",
                    "log.jsonl",
                    "--format",
                    "json",
                    "--now",
                    NOW,
                    "--filter",
                    filter,
                ];
                let mut quick: Value = serde_json::from_str(&run_ok(folder, quick)).unwrap();
                for key in ["quality", "quality_interval", "quality_targets_ms"] {
                    quick["totals"][key] = Value::Null;
                }
                assert_eq!(
                    through["totals"], quick["totals"],
                    "{filter} without a database"
                );
            }
        }
    }
    let text = run_ok(folder, ["report", "--db", "all.db", "--filter", "lang=de"]);
    assert!(text.contains("filter: lang=de"), "{text}");
}

#[test]
fn drift_is_a_field_like_any_other() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let real = samples.join("real");
    let log = real.join("incident_1.jsonl.gz");
    run_ok(
        folder,
        ["ingest", "-q", "--db", "i.db", log.to_str().unwrap()],
    );
    for file in std::fs::read_dir(&real).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "route") {
            run_ok(
                folder,
                [
                    "policy",
                    "add",
                    "-q",
                    "--db",
                    "i.db",
                    path.to_str().unwrap(),
                ],
            );
        }
    }
    let all = report(folder, "i.db", &[]);
    let drift = report(folder, "i.db", &["--filter", "drift"]);
    let others = report(folder, "i.db", &["--filter", "-drift"]);
    let requests = |of: &Value| of["totals"]["requests"].as_u64().unwrap();
    assert_eq!(requests(&drift) + requests(&others), requests(&all));
    assert_eq!(
        drift["totals"]["drift"]["numerator"],
        all["totals"]["drift"]["numerator"]
    );
    assert_eq!(
        requests(&drift),
        all["totals"]["drift"]["numerator"].as_u64().unwrap()
    );
    let by_verdict = report(folder, "i.db", &["--filter", "verdict=drift"]);
    assert_eq!(by_verdict["totals"], drift["totals"]);
}

#[test]
fn a_wrong_filter_says_where_and_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("log.jsonl"), log()).unwrap();
    run_ok(folder, ["ingest", "-q", "--db", "all.db", "log.jsonl"]);
    for (filter, says) in [
        (
            "latency>2",
            "column 9: latency needs a unit behind 2\nhelp: write 2ms or 2s",
        ),
        (
            "corrected langg=de",
            "column 11: no request has a field `langg`\nhelp: did you mean lang?",
        ),
        (
            "-rout=x",
            "column 2: no request has a field `rout`\nhelp: did you mean route?",
        ),
        ("((((", ""),
    ] {
        for command in ["report", "export"] {
            let output = run(folder, [command, "--db", "all.db", "--filter", filter]);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.contains(says), "{filter}: {stderr}");
            assert_eq!(
                output.status.code(),
                Some(if says.is_empty() { 0 } else { 2 }),
                "{filter}"
            );
        }
    }
}

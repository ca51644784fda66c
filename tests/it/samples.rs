//! The shared samples against their reference values.

use std::path::Path;

use serde_json::Value;

use crate::support::{run_ok, shared_samples};

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

fn near(what: &str, found: &Value, truth: &Value, absolute: f64, relative: f64) {
    match (found.as_f64(), truth.as_f64()) {
        (None, None) => {}
        (Some(found), Some(truth)) => {
            let error = (found - truth).abs();
            assert!(
                error <= absolute + relative * truth.abs(),
                "{what}: {found} is not {truth}"
            );
        }
        _ => panic!("{what}: {found} is not {truth}"),
    }
}

fn same_route(what: &str, found: &Value, truth: &Value) {
    let count = |of: &Value| of.as_u64().unwrap();
    for (ours, theirs) in [
        ("requests", "requests"),
        ("completed", "completed"),
        ("attempts", "attempts"),
    ] {
        assert_eq!(count(&found[ours]), count(&truth[theirs]), "{what} {ours}");
    }
    assert_eq!(
        count(&found["completed"]) + count(&found["failed"]),
        count(&truth["finished"]),
        "{what} finished"
    );
    for (rate, hits, share, interval) in [
        (
            "first_pass",
            "first_pass_success",
            "first_pass_rate",
            "first_pass_wilson95",
        ),
        (
            "escalation",
            "escalated",
            "escalation_rate",
            "escalation_wilson95",
        ),
        (
            "correction",
            "corrected",
            "correction_rate",
            "correction_wilson95",
        ),
    ] {
        assert_eq!(
            count(&found[rate]["numerator"]),
            count(&truth[hits]),
            "{what} {rate}"
        );
        near(
            &format!("{what} {rate}"),
            &found[rate]["rate"],
            &truth[share],
            1e-9,
            0.0,
        );
        near(
            &format!("{what} {rate} low"),
            &found[rate]["low"],
            &truth[interval][0],
            1e-6,
            0.0,
        );
        near(
            &format!("{what} {rate} high"),
            &found[rate]["high"],
            &truth[interval][1],
            1e-6,
            0.0,
        );
    }
    for field in ["cost_usd", "cost_per_completed_usd"] {
        near(
            &format!("{what} {field}"),
            &found[field],
            &truth[field],
            1e-6,
            0.0,
        );
    }
    for sketch in ["latency_ms", "ttft_ms"] {
        for quantile in ["p50", "p90", "p95", "p99"] {
            near(
                &format!("{what} {sketch} {quantile}"),
                &found[sketch][quantile],
                &truth[sketch][quantile],
                1e-3,
                0.01,
            );
        }
    }
}

#[test]
fn native_samples_match_their_truth() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let text = std::fs::read_to_string(samples.join("real/TRUTH.json")).unwrap();
    let truth: Value = serde_json::from_str(&text).unwrap();
    let mut files = 0;
    for (file, routes) in truth.as_object().unwrap() {
        if !file.ends_with(".jsonl.gz") {
            continue;
        }
        files += 1;
        let report = report(&samples.join("real").join(file));
        same_route(&format!("{file} all"), &report["totals"], &routes["*"]);
        for (route, truth) in routes.as_object().unwrap() {
            if route == "*" || route.starts_with('_') {
                continue;
            }
            let found = report["routes"]
                .as_array()
                .unwrap()
                .iter()
                .find(|row| row["route"] == **route)
                .unwrap_or_else(|| panic!("{file}: no route {route}"));
            same_route(&format!("{file} {route}"), found, truth);
        }
        let named = routes
            .as_object()
            .unwrap()
            .keys()
            .filter(|k| *k != "*" && !k.starts_with('_'));
        assert_eq!(
            report["routes"].as_array().unwrap().len(),
            named.count(),
            "{file} routes"
        );
        assert_eq!(report["ingest"]["quarantined"], 0, "{file}");
    }
    assert_eq!(files, 5);
}

#[test]
fn a_litellm_proxy_log_matches_what_the_client_saw() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let text = std::fs::read_to_string(samples.join("litellm/truth-proxy.json")).unwrap();
    let truth: Value = serde_json::from_str(&text).unwrap();
    let report = report(&samples.join("litellm/proxy.slp.jsonl.gz"));
    let totals = &report["totals"];
    assert_eq!(totals["requests"], truth["client"]["requests"]);
    assert_eq!(totals["failed"], truth["client"]["failed"]);
    assert_eq!(totals["completed"], truth["client"]["ok"]);
    near(
        "spend",
        &totals["cost_usd"],
        &truth["spend_usd_total"],
        1e-8,
        0.0,
    );
    assert_eq!(totals["cost_known"], truth["client"]["requests"]);
    assert_eq!(report["ingest"]["lines"], truth["slp_file"]["lines"]);
    assert_eq!(
        totals["correction"]["denominator"], 0,
        "LiteLLM logs no corrections"
    );
    assert_eq!(totals["first_pass_is_upper_bound"], true);
}

#[test]
fn a_litellm_sdk_log_is_tied_into_requests() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let text = std::fs::read_to_string(samples.join("litellm/truth-sdk.json")).unwrap();
    let truth: Value = serde_json::from_str(&text).unwrap();
    let report = report(&samples.join("litellm/sdk.slp.jsonl.gz"));
    let totals = &report["totals"];
    assert_eq!(
        totals["attempts"], truth["slp_file"]["lines"],
        "every line is one attempt"
    );
    near(
        "spend",
        &totals["cost_usd"],
        &truth["spend_usd_total_visible_in_log"],
        1e-8,
        0.0,
    );
    // 54 of the client's requests left no line: every group was in cooldown.
    let left_a_line = truth["client"]["requests"].as_f64().unwrap() - 54.0;
    let share = totals["requests"].as_f64().unwrap() / left_a_line;
    assert!((0.97..=1.0).contains(&share), "{share}");
}

#[test]
fn reading_a_log_twice_counts_once() {
    let Some(samples) = shared_samples() else {
        return;
    };
    for file in [
        "litellm/proxy.slp.jsonl.gz",
        "litellm/sdk.slp.jsonl.gz",
        "litellm/proxy.otlp-traces-v2.jsonl.gz",
        "litellm/sdk.otlp-traces-v1.part.jsonl.gz",
        "real/arena.jsonl.gz",
    ] {
        let folder = tempfile::tempdir().unwrap();
        // Two different names and a changed first byte of the stream, so that only ids can tell.
        let packed = samples.join(file);
        let mut lines = String::from("\n");
        let mut reader = flate2::read::MultiGzDecoder::new(std::fs::File::open(packed).unwrap());
        std::io::Read::read_to_string(&mut reader, &mut lines).unwrap();
        std::fs::write(folder.path().join("a.jsonl"), &lines).unwrap();
        std::fs::write(folder.path().join("b.jsonl"), format!("\n\n{lines}")).unwrap();
        let total = || -> Value {
            let text = run_ok(
                folder.path(),
                ["report", "--db", "t.db", "--format", "json"],
            );
            serde_json::from_str::<Value>(&text).unwrap()["totals"].clone()
        };
        run_ok(folder.path(), ["ingest", "--db", "t.db", "a.jsonl"]);
        let once = total();
        run_ok(folder.path(), ["ingest", "--db", "t.db", "b.jsonl"]);
        assert_eq!(total(), once, "{file}");
    }
}

//! `policy replay` over a database: what is certain, priced, estimated, refused.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::pty::Session;
use crate::support::{Random, run, run_ok, shared_samples};

const POLICY: &str = "policy \"p\" version 1
tier fast is small-1
tier strong is large-1
rule hard: when input_complexity is above 0.8 use strong
otherwise use fast
explore 20 percent between fast and strong
";
const ID: &str = "p@1#";

fn id(folder: &Path) -> String {
    let doc: Value = serde_json::from_str(&run_ok(
        folder,
        ["policy", "show", "old.route", "--format", "json"],
    ))
    .unwrap();
    doc["policies"][0]["policy"].as_str().unwrap().to_owned()
}

/// Requests decided by [`POLICY`]: a tenth got the other tier by a coin. The strong model is right more often.
fn log(policy: &str, len: u64) -> String {
    let mut random = Random(7);
    let mut text = String::new();
    for n in 0..len {
        let complexity = f64::from(u32::try_from(random.below(100)).unwrap()) / 100.0;
        let is_explored = random.below(10) == 0;
        let is_strong = (complexity > 0.8) != is_explored;
        let is_corrected = random.below(100) < if is_strong { 10 } else { 40 };
        let (input, output) = (100 + random.below(400), 20 + random.below(200));
        let price = if is_strong {
            (1e-5, 3e-5)
        } else {
            (2e-7, 4e-7)
        };
        let float = |tokens: u64| f64::from(u32::try_from(tokens).unwrap());
        let (input_f, output_f) = (float(input), float(output));
        let line = json!({
            "event": "request", "ts": 1_795_000_000_000_u64 + n * 60_000, "request_id": format!("r-{n}"),
            "session_id": format!("s-{}", n / 4), "route": "support", "task_class": "planning",
            "policy": policy, "rule": if is_explored { "explore" } else if complexity > 0.8 { "hard" } else { "otherwise" },
            "signals": {"input_complexity": complexity, "session_fallbacks": 0},
            "attempts": [{
                "model": if is_strong { "large-1" } else { "small-1" }, "outcome": "ok",
                "latency_ms": if is_strong { 900 } else { 300 } + random.below(200),
                "input_tokens": input, "output_tokens": output,
                "cost_usd": price.0 * input_f + price.1 * output_f,
            }],
            "outcome": "completed", "corrected": is_corrected,
        });
        text.push_str(&format!("{line}\n"));
    }
    text
}

fn folder(len: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("old.route"), POLICY).unwrap();
    fs::write(
        at.join("new.route"),
        POLICY.replace("above 0.8", "above 0.3"),
    )
    .unwrap();
    fs::write(at.join("log.jsonl"), log(&id(at), len)).unwrap();
    run_ok(at, ["ingest", "-q", "log.jsonl"]);
    folder
}

fn replay(folder: &Path, more: &[&str]) -> Value {
    let words = [
        "policy",
        "replay",
        "--policy",
        "new.route",
        "--format",
        "json",
    ];
    let text = run_ok(folder, words.iter().chain(more).copied());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_edit_is_certain_priced_and_estimated() {
    let folder = folder(4_000);
    let at = folder.path();
    run_ok(at, ["policy", "add", "-q", "old.route"]);
    let doc = replay(at, &[]);
    assert!(doc["policy"].as_str().unwrap().starts_with(ID));
    assert_eq!(
        (&doc["requests"], &doc["undecidable"]),
        (&json!(4_000), &json!(0))
    );
    let of = |name: &str| doc["recorded"][name].as_u64().unwrap();
    assert_eq!(of("agrees") + of("explore"), 4_000, "{doc}");
    let changed = doc["changed"]["requests"].as_u64().unwrap();
    assert!((1_800..2_200).contains(&changed), "{changed}");
    assert_eq!(
        doc["changed"]["tiers"],
        json!([{"from": "fast", "to": "strong", "requests": changed}])
    );
    assert_eq!(doc["changed"]["rules"][0]["from"], "otherwise");
    // About 1,800 first calls of 300 tokens in and 120 out at 50 and 75 times the price.
    let low = doc["priced"]["cost_delta_usd"]["low"].as_f64().unwrap();
    assert!((9.0..14.0).contains(&low), "{low}");
    let estimated = &doc["estimated"];
    assert_eq!(estimated["method"], "doubly robust");
    let covers = |name: &str, truth: f64| {
        let of = |end: &str| estimated[name][end].as_f64().unwrap();
        assert!(
            of("low") < of("value") && of("value") < of("high"),
            "{name}"
        );
        assert!(
            (of("low")..of("high")).contains(&truth),
            "{name}: {}",
            estimated[name]
        );
    };
    // Half of the requests change, a tenth of them ran there anyway, and 30 of 100 more are right.
    covers("first_pass_delta", 0.5 * 0.9 * 0.3);
    covers("correction_delta", -0.5 * 0.9 * 0.3);
    covers(
        "latency_p50_delta_ms",
        estimated["latency_p50_delta_ms"]["value"].as_f64().unwrap(),
    );
    assert!(
        estimated["latency_p50_delta_ms"]["low"].as_f64().unwrap() > 300.0,
        "{estimated}"
    );
    assert_eq!(doc["refused_because"], Value::Null);
    let text = run_ok(at, ["policy", "replay", "--policy", "new.route"]);
    for word in [
        "CERTAIN: ",
        "PRICED, ",
        "ESTIMATED, doubly robust",
        "NEVER KNOWABLE",
    ] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn the_dashboard_compares_a_given_policy_with_the_one_in_force() {
    let folder = folder(4_000);
    let at = folder.path();
    run_ok(at, ["policy", "add", "-q", "old.route"]);
    let doc = replay(at, &[]);
    let args = ["--db", "routes.db", "--policy", "new.route", "--all"];
    let mut session = Session::dashboard(at, &args, (120, 40));
    session.sees("support");
    session.press("6");
    session.sees("c compare");
    session.press("c");
    session.sees("CERTAIN: ");
    session.sees("went  would go");
    session.sees("ESTIMATED, doubly robust, 95% intervals");
    session.sees("NEVER KNOWABLE");
    // The same as the command tells.
    let changed = &doc["changed"]["requests"];
    session.sees(&format!("CERTAIN: {changed} of 4000 requests"));
    session.press("\x1b");
    session.sees("DRIFT: decisions");
    // What was kept is there at once, also on the smallest screen.
    session.resize((40, 10));
    session.sees("DRIFT: not explained");
    session.press("c");
    session.sees("COMPARED: ");
    session.press("q");
    let (code, _) = session.end(5);
    assert_eq!(code, 0);
}

#[test]
fn thin_evidence_and_unknown_policies_are_said() {
    let folder = folder(400);
    let at = folder.path();
    // Nobody has told the policy that decided: what is logged is where requests went.
    let doc = replay(at, &[]);
    assert_eq!(doc["recorded"]["unknown_policy"], 400);
    assert_eq!(doc["estimated"], Value::Null);
    let because = doc["refused_because"].as_str().unwrap();
    assert!(
        because.starts_with("not enough evidence: 0 of "),
        "{because}"
    );
    // The config file tells it.
    fs::write(at.join("c.toml"), "[policy]\nfiles = [\"old.route\"]\n").unwrap();
    let doc = replay(at, &["--config", "c.toml"]);
    assert_eq!(doc["recorded"]["unknown_policy"], 0);
    let because = doc["refused_because"].as_str().unwrap();
    assert!(
        because.contains("changed requests ever ran on strong"),
        "{because}"
    );
    assert!(because.contains("at a chance of 10.0 %"), "{because}");
    // A window, and a policy that needs what the log lacks.
    let doc = replay(
        at,
        &[
            "--from",
            "2026-11-18T11:06:40Z",
            "--to",
            "2026-11-18T12:06:40Z",
        ],
    );
    assert_eq!(doc["requests"], 60);
    let wants = POLICY.replace("input_complexity is above 0.8", "the user is pro");
    fs::write(at.join("new.route"), wants).unwrap();
    let doc = replay(at, &["--config", "c.toml"]);
    assert_eq!(doc["undecidable"], 400);
    assert_eq!(
        doc["undecidable_tiers"],
        json!([{"tiers": ["fast", "strong"], "requests": 400}])
    );
    let output = run(
        at,
        [
            "policy",
            "replay",
            "--db",
            "none.db",
            "--policy",
            "new.route",
        ],
    );
    assert_eq!(output.status.code(), Some(3));
    assert!(!at.join("none.db").exists());
}

#[test]
fn the_shared_sample_is_replayed_from_its_database() {
    let Some(shared) = shared_samples().map(|folder| folder.join("real")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let file = |name: &str| shared.join(name).display().to_string();
    run_ok(at, ["ingest", "-q", &file("routellm_policy.jsonl.gz")]);
    run_ok(
        at,
        [
            "policy",
            "add",
            "-q",
            &file("two-tier-v1.route"),
            &file("two-tier-v2.route"),
        ],
    );
    let edited = fs::read_to_string(file("two-tier-v1.route"))
        .unwrap()
        .replace(
            "session_fallbacks is at least 3",
            "session_fallbacks is at least 3000",
        );
    fs::write(at.join("new.route"), edited).unwrap();
    // Drift in the report is the same.
    let report: Value = serde_json::from_str(&run_ok(at, ["report", "--format", "json"])).unwrap();
    let drift = &report["totals"]["drift"];
    assert_eq!(
        (&drift["numerator"], &drift["denominator"]),
        (&json!(72), &json!(15_361))
    );
    let routes = report["routes"].as_array().unwrap().iter();
    let of_routes = routes.filter_map(|route| route["drift"]["numerator"].as_u64());
    assert_eq!(of_routes.sum::<u64>(), 72);
    let text = run_ok(at, ["report"]);
    assert!(text.contains("with another model"), "{text}");
    let bare: Value = serde_json::from_str(&run_ok(
        at,
        [
            "report",
            "--format",
            "json",
            &file("routellm_fixed.jsonl.gz"),
        ],
    ))
    .unwrap();
    assert_eq!(
        bare["totals"]["drift"],
        Value::Null,
        "no policy is known there"
    );
    let doc = replay(at, &[]);
    assert_eq!(
        doc["recorded"],
        json!({"agrees": 14_632, "explore": 657, "drift_rule": 0, "drift_model": 72,
            "unknown_policy": 0, "undecidable": 0})
    );
    assert_eq!(doc["requests"], 15_361);
    assert!(
        doc["estimated"]["supporting"].as_u64().unwrap() >= 50,
        "{doc}"
    );
    assert!(
        doc["estimated"]["cost_delta_usd"]["high"].as_f64().unwrap() < 0.0,
        "{doc}"
    );
}

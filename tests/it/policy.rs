//! Policies from the command line: checked, shown, compared, tested, kept, and decided by.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Running, routetop, run, run_ok, shared_samples};

const ESSAY: &str = include_str!("../../assets/policies/essay.route");

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("essay.route"), ESSAY).unwrap();
    let edited = ESSAY.replace("below 0.62", "below 0.7");
    fs::write(folder.path().join("edited.route"), edited).unwrap();
    folder
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn json_of(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&run_ok(folder, args.iter().copied())).unwrap()
}

#[test]
fn check_tells_mistakes_with_a_caret_and_lints_with_an_example() {
    let folder = folder();
    let text = run_ok(folder.path(), ["policy", "check", "essay.route"]);
    assert_eq!(
        text,
        "essay.route: essay@1#8a592a9285a1, 9 rules, 3 tiers, 8 tests: nothing to say\n"
    );
    let wrong = ESSAY.replace("the task is planning", "the task is plannning");
    fs::write(folder.path().join("wrong.route"), wrong).unwrap();
    let output = run(folder.path(), ["policy", "check", "wrong.route"]);
    assert_eq!(code(&output), 2);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("wrong.route: line 20, column 20: `plannning` is no task class\n"),
        "{text}"
    );
    assert!(
        text.contains("^^^^^^^^^\n  help: did you mean `planning`?\n"),
        "{text}"
    );
    let late = ESSAY.replace(
        "otherwise use",
        "rule late:\n  when the task is planning use fast\n\notherwise use",
    );
    fs::write(folder.path().join("late.route"), late).unwrap();
    let doc = json_of(
        folder.path(),
        &["policy", "check", "late.route", "--format", "json"],
    );
    let warning = &doc["policies"][0]["warnings"][0];
    assert_eq!(warning["lint"], "unreachable-shadowed");
    assert_eq!(
        warning["message"],
        "rule late decides nothing: it stands behind shaky-session, plan"
    );
    assert_eq!(warning["example"]["task_class"], "planning");
    let output = run(folder.path(), ["policy", "check", "none.route"]);
    assert_eq!(code(&output), 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("read `none.route`"));
}

#[test]
fn format_show_diff_and_test_say_what_they_should() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(run_ok(at, ["policy", "format", "essay.route"]), ESSAY);
    let text = run_ok(at, ["policy", "show", "essay.route"]);
    assert!(
        text.contains("3. When the task is planning, use standard, because planning"),
        "{text}"
    );
    assert!(
        text.contains("high_stakes      strongest  finalize-high-stakes  else\n"),
        "{text}"
    );
    let doc = json_of(
        at,
        &[
            "policy",
            "diff",
            "essay.route",
            "edited.route",
            "--format",
            "json",
        ],
    );
    assert_eq!((&doc["moved"], &doc["cells"]), (&json!(4), &json!(378)));
    assert_eq!(doc["groups"][0]["from"], "fast");
    let text = run_ok(at, ["policy", "diff", "essay.route", "essay.route"]);
    assert!(
        text.contains("Every request is decided for the same tier."),
        "{text}"
    );
    assert_eq!(
        run_ok(at, ["policy", "test", "essay.route"]),
        "essay.route: 8 of 8 lines hold\n"
    );
    let output = run(at, ["policy", "test", "edited.route"]);
    assert_eq!(code(&output), 1);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("but thin-evidence decides\nedited.route: 7 of 8 lines hold\n"),
        "{text}"
    );
}

#[test]
fn decide_answers_each_line_before_the_next_is_there() {
    let folder = folder();
    let mut child = Running(
        routetop()
            .current_dir(folder.path())
            .args(["decide", "--policy", "essay.route"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut input = child.0.stdin.take().unwrap();
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    for (class, rule) in [("planning", "plan"), ("extraction", "light-work")] {
        writeln!(input, "{{\"request_id\":\"r\",\"task_class\":\"{class}\"}}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["rule"], rule);
    }
    writeln!(input, "no request").unwrap();
    drop(input);
    let status = child.0.wait().unwrap();
    assert_eq!(status.code(), Some(1));
    let mut errors = String::new();
    let stderr = child.0.stderr.take().unwrap();
    BufReader::new(stderr).read_line(&mut errors).unwrap();
    assert!(errors.starts_with("line 3: not decided: "), "{errors}");
}

#[test]
fn what_decide_writes_is_read_and_explained() {
    let folder = folder();
    let at = folder.path();
    let ask = r#"{"request_id":"r-1","ts":"2026-11-23T02:41:07Z","task_class":"grounded_answer","signals":{"retrieval_confidence":0.58,"input_complexity":0.31,"session_fallbacks":0}}"#;
    fs::write(at.join("asks.jsonl"), format!("{ask}\n")).unwrap();
    let output = routetop()
        .current_dir(at)
        .args(["decide", "--policy", "essay.route"])
        .stdin(fs::File::open(at.join("asks.jsonl")).unwrap())
        .output()
        .unwrap();
    fs::write(at.join("d.jsonl"), output.stdout).unwrap();
    run_ok(at, ["ingest", "--db", "t.db", "d.jsonl"]);
    let explain = |args: &[&str]| {
        let mut all = vec!["explain", "--db", "t.db", "r-1", "--format", "json"];
        all.extend(args);
        json_of(at, &all)
    };
    let before = explain(&[]);
    assert_eq!(before["verdict"], "NO POLICY");
    assert_eq!(before["policy"], "essay@1#8a592a9285a1");
    let given = explain(&["--policy", "edited.route"]);
    assert_eq!(
        (&given["verdict"], &given["reconstructed"]),
        (&json!("RULE"), &json!(true))
    );
    run_ok(at, ["policy", "add", "--db", "t.db", "essay.route"]);
    let output = run(at, ["policy", "add", "--db", "t.db", "essay.route"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("already kept: essay@1#8a592a9285a1"));
    let after = explain(&[]);
    assert_eq!(
        (&after["verdict"], &after["reconstructed"]),
        (&json!("RULE"), &json!(false))
    );
    assert_eq!(after["decided_by"], "thin-evidence");
    assert_eq!(after["recorded"]["rule"], "thin-evidence");
    assert_eq!(after["flips"][0]["changes"][0]["to"], 0.62);
    let text = run_ok(at, ["explain", "--db", "t.db", "r-1"]);
    assert!(
        text.contains("standard (medium-1) by rule thin-evidence of essay@1#8a592a9285a1"),
        "{text}"
    );
}

#[test]
fn the_share_of_traffic_near_a_line_is_told() {
    let folder = folder();
    let at = folder.path();
    let log: String = (0..40)
        .map(|idx| {
            // From 0.50 to 0.89: those from 0.57 to 0.67 are within 0.05 of 0.62, the one at 0.58 is explained.
            let more = format!(
                ",\"task_class\":\"grounded_answer\",\"signals\":{{\"retrieval_confidence\":0.{},\"input_complexity\":0.1,\"session_fallbacks\":0}}",
                50 + idx
            );
            request(&format!("r-{idx:02}"), &more, "{\"model\":\"medium-1\",\"outcome\":\"ok\"}")
        })
        .collect();
    fs::write(at.join("log.jsonl"), log).unwrap();
    run_ok(at, ["ingest", "--db", "t.db", "log.jsonl"]);
    run_ok(at, ["policy", "add", "--db", "t.db", "essay.route"]);
    let doc = json_of(at, &["explain", "--db", "t.db", "r-08", "--format", "json"]);
    assert_eq!(
        doc["flips"][0]["near"],
        json!({"rate": 10.0 / 39.0, "numerator": 10, "denominator": 39})
    );
    let text = run_ok(at, ["explain", "--db", "t.db", "r-08"]);
    assert!(
        text.contains("; 25.6% of 39 of the route about then are near that line"),
        "{text}"
    );
}

/// A request line with what the log of a router may hold.
fn request(id: &str, more: &str, attempts: &str) -> String {
    format!(
        "{{\"event\":\"request\",\"ts\":\"2026-11-23T02:41:07Z\",\"request_id\":\"{id}\",\"route\":\"a\",\"outcome\":\"completed\",\"attempts\":[{attempts}]{more}}}\n"
    )
}

/// The n-th minute of the story's day, a class with evidence, and one call.
fn minute(n: u32, more: &str, attempts: &str) -> String {
    format!(
        "{{\"event\":\"request\",\"ts\":\"2026-11-23T02:{n:02}:07Z\",\"request_id\":\"m-{n}\",\"route\":\"a\",\"task_class\":\"grounded_answer\",\"signals\":{{\"retrieval_confidence\":0.58,\"input_complexity\":0.31,\"user_tier\":\"pro\",\"session_fallbacks\":0}},\"outcome\":\"completed\",\"attempts\":[{attempts}]{more}}}\n"
    )
}

fn call(model: &str, outcome: &str, latency_ms: u32, cost: f64) -> String {
    format!(
        "{{\"model\":\"{model}\",{outcome},\"latency_ms\":{latency_ms},\"input_tokens\":400,\"output_tokens\":50,\"cost_usd\":{cost}}}"
    )
}

#[test]
fn what_is_normal_and_a_direct_start_and_the_session_are_told() {
    let folder = folder();
    let at = folder.path();
    let ok = "\"outcome\":\"ok\"";
    let mut log = String::new();
    for n in 0..20 {
        log.push_str(&minute(n, "", &call("large-1", ok, 2_000 + 10 * n, 0.03)));
    }
    let corrected = ",\"session_id\":\"s-1\",\"corrected\":true";
    for n in 20..40 {
        let more = if n < 22 { corrected } else { "" };
        log.push_str(&minute(n, more, &call("medium-1", ok, 900, 0.004)));
    }
    let chain = format!(
        "{},{}",
        call(
            "medium-1",
            "\"outcome\":\"escalated\",\"reason\":\"under_specified\"",
            1_920,
            0.0041
        ),
        call("large-1", ok, 4_100, 0.031)
    );
    let story = ",\"session_id\":\"s-1\",\"correction\":{\"kind\":\"regenerated\",\"by\":\"user\",\"after_s\":192}";
    log.push_str(&minute(50, story, &chain));
    fs::write(at.join("log.jsonl"), log).unwrap();
    run_ok(at, ["ingest", "--db", "t.db", "log.jsonl"]);
    run_ok(at, ["policy", "add", "--db", "t.db", "essay.route"]);
    let text = run_ok(at, ["explain", "--db", "t.db", "m-50"]);
    for part in [
        "  session 3 of 3  RULE",
        "asked       tools_required unknown",
        "asked       format_strictness unknown",
        "allowed by: standard -> strongest, the user is at least pro",
        "400 tokens in, 50 out; 6.0s and $0.0351 so far",
        "direct      a direct start on large-1 would have taken about 2.1s and cost about $0.0300: medians of 20 (same route, class and length)",
        "normal      latency 6.0s = p100, cost $0.0351 = p100, 2 attempts: 0% need as many; of 40 other requests (same route, class and length, within 50m)",
        "consequence corrected by user: regenerate after 3.2m; 2 other corrections in this session",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let doc = json_of(at, &["explain", "--db", "t.db", "m-50", "--format", "json"]);
    assert_eq!(doc["normal"]["compared_with"], 40);
    assert_eq!(doc["normal"]["alike"], "same route, class and length");
    assert_eq!(doc["direct_start"]["compared_with"], 20);
    assert_eq!(
        doc["session"],
        json!({"place": 3, "of": 3, "other_corrections": 2})
    );
    assert_eq!(doc["signals"]["tools_required"], Value::Null);
    assert_eq!(doc["attempts"][1]["latency_so_far_ms"], 6_020.0);
    assert_eq!(doc["route_drift"], Value::Null, "it did not drift");
    // One that did says how its route stands: those of the first twenty ran on another tier.
    let text = run_ok(at, ["explain", "--db", "t.db", "m-19"]);
    assert!(text.contains("DRIFT (model)"), "{text}");
    assert!(
        text.contains("drift       20 of the last 20 decisions of this route"),
        "{text}"
    );
    let doc = json_of(at, &["explain", "--db", "t.db", "m-19", "--format", "json"]);
    assert_eq!(doc["route_drift"]["drift"]["numerator"], 20);
}

#[test]
fn two_policies_of_one_time_are_both_told_and_a_recorded_rule_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let policy = |version: u32, tier: &str| {
        let text = format!(
            "policy \"p\" version {version} tier fast is x tier strong is y
             rule plan: when the task is planning and tools are not required use {tier}
             otherwise use fast"
        );
        let file = format!("p{version}.route");
        fs::write(at.join(&file), text).unwrap();
        let doc = json_of(at, &["policy", "check", &file, "--format", "json"]);
        doc["policies"][0]["policy"].as_str().unwrap().to_owned()
    };
    let (one, two) = (policy(1, "fast"), policy(2, "strong"));
    let facts = ",\"task_class\":\"planning\",\"signals\":{\"tools_required\":false}";
    let line = |id: &str, minute: u32, policy: Option<&str>, more: &str| {
        let policy = policy.map_or_else(String::new, |id| format!(",\"policy\":\"{id}\""));
        format!(
            "{{\"event\":\"request\",\"ts\":\"2026-11-23T02:{minute:02}:07Z\",\"request_id\":\"{id}\",\"route\":\"a\",\"outcome\":\"completed\",\"attempts\":[{{\"model\":\"y\",\"outcome\":\"ok\"}}]{policy}{more}}}\n"
        )
    };
    let log = [
        line("old-1", 1, Some(&one), facts),
        line("new-1", 2, Some(&two), facts),
        line("bare", 3, None, facts),
        line("old-2", 4, Some(&one), facts),
        line("new-2", 5, Some(&two), facts),
        line("late", 6, None, facts),
        line("rule-only", 5, Some(&two), ",\"rule\":\"plan\""),
    ];
    fs::write(at.join("log.jsonl"), log.concat()).unwrap();
    run_ok(at, ["ingest", "--db", "t.db", "log.jsonl"]);
    run_ok(
        at,
        ["policy", "add", "--db", "t.db", "p1.route", "p2.route"],
    );
    let explain = |id: &str| run_ok(at, ["explain", "--db", "t.db", id]);
    let both = explain("bare");
    assert!(
        both.contains(&format!("strong (y) by rule plan of {two} (reconstructed)")),
        "{both}"
    );
    let rival = format!(
        "other decisions of that time record {one} too, under which rule plan decides for fast"
    );
    assert!(both.contains(&rival), "{both}");
    assert!(!explain("late").contains("too, under which"));
    let quoted = explain("rule-only");
    assert!(quoted.contains("UNDECIDABLE"), "{quoted}");
    assert!(
        quoted.contains(
            "it says: When the task is planning and tools are not required, use strong (plan)."
        ),
        "{quoted}"
    );
    assert!(
        quoted.contains("task_class unknown (not logged), needs planning"),
        "{quoted}"
    );
}

#[test]
fn every_verdict_has_its_case() {
    let folder = folder();
    let at = folder.path();
    let policy = "policy \"p\" version 1
        tier fast is x
        tier strongest is y
        rule r: when the task is planning and input_complexity is above 0.5 use strongest
        otherwise use fast
        escalate fast to strongest when the answer is under-specified
        explore 8 percent between fast and strongest";
    fs::write(at.join("p.route"), policy).unwrap();
    let id =
        json_of(at, &["policy", "check", "p.route", "--format", "json"])["policies"][0]["policy"]
            .as_str()
            .unwrap()
            .to_owned();
    let decided = |class: &str, complexity: &str, rule: &str| {
        format!(
            ",\"policy\":\"{id}\",\"task_class\":\"{class}\",\"rule\":\"{rule}\",\"signals\":{{\"input_complexity\":{complexity}}}"
        )
    };
    let ok = |model: &str| format!("{{\"model\":\"{model}\",\"outcome\":\"ok\"}}");
    let step = |reason: &str| {
        format!(
            "{{\"model\":\"x\",\"outcome\":\"escalated\",\"reason\":\"{reason}\"}},{}",
            ok("y")
        )
    };
    let cases = [
        (
            "rule",
            decided("planning", "0.6", "r"),
            ok("y"),
            "RULE",
            Value::Null,
        ),
        (
            "otherwise",
            decided("planning", "null", "otherwise"),
            ok("x"),
            "OTHERWISE",
            Value::Null,
        ),
        (
            "explore",
            decided("planning", "0.6", "explore"),
            ok("x"),
            "EXPLORE",
            Value::Null,
        ),
        (
            "pinned",
            format!(
                "{},\"reason\":\"session_pin\"",
                decided("planning", "0.6", "r")
            ),
            ok("x"),
            "PINNED",
            Value::Null,
        ),
        (
            "drift-model",
            decided("planning", "0.6", "r"),
            ok("x"),
            "DRIFT",
            json!("model"),
        ),
        (
            "drift-rule",
            decided("planning", "0.6", "otherwise"),
            ok("y"),
            "DRIFT",
            json!("rule"),
        ),
        (
            "undecidable",
            format!(",\"policy\":\"{id}\",\"task_class\":\"planning\",\"rule\":\"r\""),
            ok("y"),
            "UNDECIDABLE",
            Value::Null,
        ),
        (
            "neither",
            format!(",\"policy\":\"{id}\""),
            ok("x"),
            "NO POLICY",
            Value::Null,
        ),
        (
            "foreign",
            ",\"policy\":\"router:other\",\"task_class\":\"planning\"".to_owned(),
            ok("x"),
            "NO POLICY",
            Value::Null,
        ),
        (
            "allowed",
            decided("extraction", "0.1", "otherwise"),
            step("under_specified"),
            "OTHERWISE",
            Value::Null,
        ),
        (
            "refused",
            decided("extraction", "0.1", "otherwise"),
            step("drifting"),
            "OTHERWISE",
            Value::Null,
        ),
        (
            "fallback",
            decided("planning", "0.6", "r"),
            format!(
                "{{\"model\":\"y\",\"outcome\":\"error\",\"reason\":\"429\"}},{}",
                ok("x")
            ),
            "RULE",
            Value::Null,
        ),
        (
            "no-rule",
            ",\"task_class\":\"planning\",\"signals\":{\"input_complexity\":0.6}".to_owned(),
            ok("y"),
            "RULE",
            Value::Null,
        ),
    ];
    let log: String = cases
        .iter()
        .map(|case| request(case.0, &case.1, &case.2))
        .collect();
    fs::write(at.join("log.jsonl"), log).unwrap();
    run_ok(at, ["ingest", "--db", "t.db", "log.jsonl"]);
    run_ok(at, ["policy", "add", "--db", "t.db", "p.route"]);
    let explain = |id: &str| json_of(at, &["explain", "--db", "t.db", id, "--format", "json"]);
    for (id, _, _, verdict, drift) in &cases {
        let doc = explain(id);
        assert_eq!(
            (&doc["verdict"], &doc["drift"]),
            (&json!(verdict), drift),
            "{id}: {doc}"
        );
        let text = run_ok(at, ["explain", "--db", "t.db", id]);
        assert!(text.lines().next().unwrap().contains(verdict), "{text}");
    }
    assert_eq!(explain("no-rule")["reconstructed"], true);
    assert_eq!(
        explain("undecidable")["possible"]["tiers"],
        json!(["fast", "strongest"])
    );
    assert_eq!(explain("allowed")["attempts"][0]["allowed"], true);
    assert_eq!(explain("allowed")["attempts"][1]["allowed"], Value::Null);
    assert_eq!(explain("refused")["attempts"][0]["allowed"], false);
    assert_eq!(explain("drift-rule")["decided_by"], "r");
    assert_eq!(explain("drift-rule")["recorded"]["rule"], "otherwise");
}

#[test]
fn a_policy_is_added_beside_a_live_writer() {
    let folder = folder();
    let at = folder.path();
    fs::write(
        at.join("log.jsonl"),
        request("r-1", "", "{\"model\":\"x\",\"outcome\":\"ok\"}"),
    )
    .unwrap();
    let _writer = Running(
        routetop()
            .current_dir(at)
            .args(["ingest", "--db", "t.db", "--follow", "log.jsonl"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    crate::support::wait_for("the first request", 30, || {
        run(at, ["explain", "--db", "t.db", "r-1"]).status.success()
    });
    run_ok(at, ["policy", "add", "--db", "t.db", "essay.route"]);
    let more = request(
        "r-2",
        ",\"task_class\":\"high_stakes\"",
        "{\"model\":\"large-1\",\"outcome\":\"ok\"}",
    );
    let mut log = fs::OpenOptions::new()
        .append(true)
        .open(at.join("log.jsonl"))
        .unwrap();
    log.write_all(more.as_bytes()).unwrap();
    crate::support::wait_for("the second request", 30, || {
        run(at, ["explain", "--db", "t.db", "r-2"]).status.success()
    });
    let doc = json_of(at, &["explain", "--db", "t.db", "r-2", "--format", "json"]);
    assert_eq!(
        (&doc["verdict"], &doc["tier"]),
        (&json!("RULE"), &json!("strongest"))
    );
}

#[test]
fn sample_decisions_are_explained_by_the_policy_that_they_record() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let real = samples.join("real");
    let name = |file: &str| real.join(file).to_str().unwrap().to_owned();
    run_ok(
        at,
        ["ingest", "--db", "t.db", &name("routellm_policy.jsonl.gz")],
    );
    run_ok(
        at,
        [
            "policy",
            "add",
            "--db",
            "t.db",
            &name("two-tier-v1.route"),
            &name("two-tier-v2.route"),
        ],
    );
    let explain = |id: &str| json_of(at, &["explain", "--db", "t.db", id, "--format", "json"]);
    let doc = explain("47ad4886-2ad0-804f-aefb-c1651cafece0");
    assert_eq!(doc["verdict"], "OTHERWISE");
    assert_eq!(doc["policy"], "two-tier@1#9582b59af79a");
    assert_eq!(doc["reconstructed"], false);
    assert_eq!(doc["attempts"][0]["allowed"], true);
    let text = run_ok(
        at,
        [
            "explain",
            "--db",
            "t.db",
            "47ad4886-2ad0-804f-aefb-c1651cafece0",
        ],
    );
    assert!(
        text.contains("allowed by: fast -> strongest, tools are required"),
        "{text}"
    );
}

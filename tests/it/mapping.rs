//! A mapping from the command line to the report.

use std::path::Path;

use serde_json::Value;

use crate::support::{run, run_ok, shared_samples};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/samples/mapping.toml");

fn report(folder: &Path) -> Value {
    let text = run_ok(folder, ["report", "--db", "t.db", "--format", "json"]);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_litellm_proxy_log_with_the_sample_mapping_shows_its_corrections() {
    let Some(samples) = shared_samples() else {
        return;
    };
    let truth = std::fs::read_to_string(samples.join("litellm/truth-proxy.json")).unwrap();
    let truth: Value = serde_json::from_str(&truth).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let source = samples.join("litellm/proxy.slp.jsonl.gz");
    let source = source.to_str().unwrap();
    run_ok(
        folder.path(),
        ["ingest", "--db", "t.db", "--map", SAMPLE, source],
    );
    let report = report(folder.path());
    let totals = &report["totals"];
    assert_eq!(totals["requests"], truth["client"]["requests"]);
    assert_eq!(
        totals["correction"]["numerator"],
        truth["client"]["by_kind"]["correction_turn"]
    );
    assert_eq!(totals["correction"]["denominator"], truth["client"]["ok"]);
    assert_eq!(totals["first_pass_is_upper_bound"], false);
    assert_eq!(report["ingest"]["sources"][0]["corrections_known"], true);
    assert_eq!(report["ingest"]["conflicts"], 0);
    assert_eq!(report["ingest"]["orphans"], 0);
}

#[test]
fn a_log_of_ones_own_is_read_through_the_config_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("routetop/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let toml = "[map]\nrequest_id = \"/id\"\nts = { at = \"/at\", unit = \"s\" }\nroute = { value = \"chat\" }\n\
                [map.attempt]\nmodel = \"/model\"\noutcome = { at = \"/code\", ok = 200, error = \"5*\" }\n\
                input_tokens = \"/in\"\noutput_tokens = \"/out\"\n\
                [price]\n\"big*\" = { input = 2, output = 8 }\n\"*\" = { input = 0.1, output = 0.4 }\n";
    std::fs::write(&config, toml).unwrap();
    let log = "{\"id\":\"a\",\"at\":1795470000,\"model\":\"big-1\",\"code\":200,\"in\":100,\"out\":10}\n\
               {\"id\":\"b\",\"at\":1795470001,\"model\":\"small\",\"code\":200,\"in\":100,\"out\":10}\n\
               {\"id\":\"c\",\"at\":1795470002,\"model\":\"small\",\"code\":503}\n\
               {\"id\":\"d\",\"at\":1795470003,\"model\":\"small\",\"code\":302}\n\
               {\"at\":1795470004}\n";
    std::fs::write(folder.path().join("own.jsonl"), log).unwrap();
    let output = crate::support::routetop()
        .current_dir(folder.path())
        .env("XDG_CONFIG_HOME", folder.path())
        .args(["ingest", "--db", "t.db", "own.jsonl"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report = report(folder.path());
    let totals = &report["totals"];
    assert_eq!(
        (&totals["requests"], &totals["cost_known"]),
        (&3.into(), &2.into())
    );
    assert_eq!(
        totals["cost_usd"], 0.000_294,
        "100 * 2 + 10 * 8, and 100 * 0.1 + 10 * 0.4 dollars a million"
    );
    assert_eq!(totals["cost_estimated"], 2);
    let text = run_ok(folder.path(), ["report", "--db", "t.db"]);
    assert!(
        text.contains("~$0.000147") && text.contains("cost estimated for 2 of 2"),
        "{text}"
    );
    let text = run_ok(
        folder.path(),
        ["report", "--db", "t.db", "--format", "markdown"],
    );
    assert!(text.contains("\\~$0.000147"), "{text}");
    let text = run_ok(folder.path(), ["explain", "--db", "t.db", "a"]);
    assert!(text.contains("~$0.000280"), "{text}");
    assert_eq!(report["ingest"]["quarantined"], 2);
    assert_eq!(report["ingest"]["sources"][0]["formats"]["mapped"], 3);
}

#[test]
fn a_wrong_mapping_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("map.toml"), "[map]\nrout = \"/r\"\n").unwrap();
    std::fs::write(folder.path().join("empty.toml"), "").unwrap();
    for (args, told, hint) in [
        (
            ["--map", "map.toml"],
            "use `map.toml`: line 2, column 1: `rout` is no key of [map]",
            "did you mean `route`?",
        ),
        (
            ["--map", "empty.toml"],
            "use `empty.toml` as a mapping: it has no section [map]",
            "mapping.toml",
        ),
        (
            ["--map", "none.toml"],
            "read `none.toml`: No such file",
            "TOML",
        ),
        (
            ["--config", "map.toml"],
            "use `map.toml`: line 2, column 1",
            "did you mean",
        ),
    ] {
        let output = run(folder.path(), ["report"].into_iter().chain(args));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(told) && errors.contains(hint), "{errors}");
        assert!(!folder.path().join("routes.db").exists());
    }
}

//! The recorded decisions of the shared samples, decided again.

use std::io::Read;
use std::path::{Path, PathBuf};

use routetop::model::AttemptOutcome;
use routetop::policy::{ChainLink, EXPLORE, Facts, Input, Policy, Recorded};
use routetop::stats::{Drift, Verdict};
use serde_json::Value;

use crate::support::shared_samples;

fn shared() -> Option<PathBuf> {
    shared_samples().map(|folder| folder.join("real"))
}

fn policy(folder: &Path, file: &str) -> Policy {
    Policy::parse(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

fn lines(folder: &Path, file: &str) -> Vec<Value> {
    let packed = std::fs::File::open(folder.join(file)).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed)
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn facts<'a>(policy: &'a Policy, line: &'a Value) -> Facts<'a> {
    let mut facts = policy.facts();
    let signals = line["signals"].as_object().unwrap().iter();
    let class = ("task_class", &line["task_class"]);
    for (name, value) in signals
        .map(|(name, value)| (name.as_str(), value))
        .chain([class])
    {
        let input = match value {
            Value::String(text) => Input::Text(text),
            Value::Bool(answer) => Input::YesNo(*answer),
            Value::Number(number) => Input::Number(number.as_f64().unwrap()),
            _ => Input::Unknown,
        };
        facts.set(name, input);
    }
    facts
}

fn chain(line: &Value) -> Vec<ChainLink<'_>> {
    let attempts = line["attempts"].as_array().unwrap();
    attempts
        .iter()
        .map(|attempt| ChainLink {
            model: attempt["model"].as_str().unwrap(),
            tier: None,
            outcome: AttemptOutcome::try_from_word(attempt["outcome"].as_str().unwrap()).unwrap(),
            reason: attempt["reason"].as_str(),
        })
        .collect()
}

#[test]
fn the_sample_policies_have_their_published_ids() {
    let Some(folder) = shared() else { return };
    for (file, id) in [
        ("essay.route", "essay@1#8a592a9285a1"),
        ("two-tier-v1.route", "two-tier@1#9582b59af79a"),
        ("two-tier-v2.route", "two-tier@2#218fa7a14b9d"),
    ] {
        assert_eq!(policy(&folder, file).id(), id);
    }
}

#[test]
fn every_recorded_decision_is_decided_as_recorded() {
    let Some(folder) = shared() else { return };
    let policies = [
        policy(&folder, "two-tier-v1.route"),
        policy(&folder, "two-tier-v2.route"),
    ];
    let (mut decided, mut explored, mut drifts, mut refused) = (0, 0, 0, 0);
    for line in lines(&folder, "routellm_policy.jsonl.gz") {
        let policy = policies
            .iter()
            .find(|policy| policy.id() == line["policy"])
            .unwrap();
        let facts = facts(policy, &line);
        let (rule, chain) = (line["rule"].as_str().unwrap(), chain(&line));
        let recorded = Recorded {
            policy: line["policy"].as_str(),
            rule: Some(rule),
            chain: &chain,
            ..Recorded::default()
        };
        let judgement = policy.judge(&facts, &recorded, false);
        if rule == EXPLORE {
            explored += 1;
            assert_eq!(judgement.verdict, Verdict::Explore, "{line}");
        } else {
            decided += 1;
            assert_eq!(policy.rules()[policy.rule_for(&facts)].name, rule, "{line}");
        }
        match judgement.drift {
            Some(Drift::Model) => drifts += 1,
            Some(Drift::Rule) => panic!("{line}"),
            None => {
                let own = 1.0 - policy.explore().unwrap().share / 2.0;
                let propensity = line["propensity"].as_f64().unwrap();
                let expected = if rule == EXPLORE { 1.0 - own } else { own };
                assert!((propensity - expected).abs() < 1e-9, "{line}");
            }
        }
        refused += judgement
            .steps
            .iter()
            .filter(|step| step.is_allowed == Some(false))
            .count();
    }
    assert_eq!((decided, explored, drifts), (14_704, 657, 72));
    // A model used against its rule may be escalated where no line allows it; nothing else is.
    assert!(refused <= drifts, "{refused}");
}

#[test]
fn the_incident_is_decided_as_recorded_too() {
    let Some(folder) = shared() else { return };
    let policies = [
        policy(&folder, "two-tier-v1.route"),
        policy(&folder, "two-tier-v2.route"),
    ];
    let mut decided = 0;
    for line in lines(&folder, "incident_1.jsonl.gz") {
        let Some(policy) = policies.iter().find(|policy| policy.id() == line["policy"]) else {
            continue;
        };
        let rule = line["rule"].as_str().unwrap();
        if rule != EXPLORE {
            decided += 1;
            let facts = facts(policy, &line);
            assert_eq!(policy.rules()[policy.rule_for(&facts)].name, rule, "{line}");
        }
    }
    assert!(decided > 10_000, "{decided}");
}

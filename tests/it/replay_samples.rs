//! Replays of the shared samples against what both tiers would really have answered.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use routetop::format::{Parsed, Parser, Rules};
use routetop::model::{Event, HashKey, Names, Outcome, Request, Timestamp};
use routetop::policy::Policy;
use routetop::policy::replay::{Estimate, Method, Replay, Replayed, SUPPORT_MIN, Tally};
use serde_json::Value;

use crate::support::{Random, shared_samples};

/// The made-up part of the samples, as their README tells it: what a checker catches of wrong and of right answers of
/// the fast model, who corrects wrong and right final answers, and how often a first call fails.
const CAUGHT: [f64; 2] = [0.55, 0.05];
const CORRECTED: [f64; 2] = [0.45, 0.01];
const FAILED: f64 = 0.004;

const FAST: &str = "mistralai/Mixtral-8x7B-Instruct-v0.1";

fn text(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text
}

struct Corpus {
    requests: Vec<Request>,
    names: Names,
    policies: Vec<Policy>,
    /// By request: whether the fast and the strong answer are right, and their costs.
    potential: HashMap<String, [(bool, f64); 2]>,
}

fn corpus() -> Option<Corpus> {
    let folder = shared_samples()?.join("real");
    let mut parser = Parser::new(Names::default(), HashKey([7; 16]), Rules::default());
    let mut requests = Vec::new();
    for line in text(&folder.join("routellm_policy.jsonl.gz")).lines() {
        let Parsed::Events { events, .. } = parser.parse(line.as_bytes(), Timestamp(0)) else {
            panic!("{line}")
        };
        for event in events {
            let Event::Request(request) = event else {
                panic!("{line}")
            };
            requests.push(*request);
        }
    }
    let potential = text(&folder.join("routellm_potential.jsonl.gz"))
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let of = |tier: &str| {
                let tier = &line[tier];
                (
                    tier["right"].as_bool().unwrap(),
                    tier["cost_usd"].as_f64().unwrap(),
                )
            };
            let id = line["request_id"].as_str().unwrap().to_owned();
            (id, [of("fast"), of("strongest")])
        })
        .collect();
    let policies = ["two-tier-v1.route", "two-tier-v2.route"]
        .map(|file| Policy::parse(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap());
    Some(Corpus {
        requests,
        names: parser.names().clone(),
        policies: policies.into(),
        potential,
    })
}

/// What a request would have been on a tier: the chance of a first pass, and the mean cost.
fn would_be(potential: &[(bool, f64); 2], is_fast: bool) -> (f64, f64) {
    let [fast, strong] = potential;
    let (is_right, cost) = if is_fast { *fast } else { *strong };
    let of = |rates: [f64; 2]| rates[usize::from(is_right)];
    let caught = if is_fast { of(CAUGHT) } else { 0.0 };
    let first_pass = (1.0 - caught) * (1.0 - of(CORRECTED)) * (1.0 - FAILED);
    (first_pass, cost + caught * strong.1)
}

struct Truth {
    changed: u64,
    first_pass: f64,
    cost: f64,
}

/// The difference per request, over those of which the log knows the measure.
fn truth(corpus: &Corpus, requests: &[&Request], edited: &Policy) -> Truth {
    let names = &corpus.names;
    let (mut changed, mut passes, mut costs) = (0, (0.0, 0.0), (0.0, 0.0));
    for request in requests {
        let id = names.text(request.policy.unwrap());
        let old = corpus
            .policies
            .iter()
            .find(|policy| policy.id() == id)
            .unwrap();
        let tier = |policy: &Policy| {
            let rule = policy.rule_for(&policy.facts_of(request, names));
            policy.tier_name(policy.rules()[rule].tier).to_owned()
        };
        let is_finished = matches!(request.outcome, Some(Outcome::Completed | Outcome::Failed));
        let cost = request.cost().map(routetop::model::NanoUsd::as_usd);
        passes.1 += f64::from(u8::from(is_finished));
        costs.1 += f64::from(u8::from(cost.is_some()));
        let new = tier(edited);
        if tier(old) == new {
            continue;
        }
        changed += 1;
        let is_fast = names.text(request.attempts[0].model) == FAST;
        if is_fast == (new == "fast") {
            continue;
        }
        let (pass, mean_cost) = would_be(&corpus.potential[&request.id.to_string()], new == "fast");
        if is_finished {
            let was = request.is_single_pass() && !request.is_corrected();
            passes.0 += pass - f64::from(u8::from(was));
        }
        costs.0 += cost.map_or(0.0, |cost| mean_cost - cost);
    }
    Truth {
        changed,
        first_pass: passes.0 / passes.1,
        cost: costs.0 / costs.1,
    }
}

fn replayed(corpus: &Corpus, requests: &[&Request], edited: &Policy) -> Replayed {
    let mut whole: Option<Tally> = None;
    // In two parts, as two threads would.
    for (part, requests) in requests.chunks(requests.len().div_ceil(2)).enumerate() {
        let mut replay = Replay::new(edited, &corpus.policies);
        for (row, request) in requests.iter().enumerate() {
            replay.add((part * 1_000_000 + row) as u64, request, &corpus.names);
        }
        match &mut whole {
            None => whole = Some(replay.into_tally()),
            Some(whole) => whole.merge(replay.into_tally()),
        }
    }
    whole
        .unwrap()
        .finish(edited, &corpus.policies, &corpus.names)
}

/// Edits of the first policy: what is replaced by what.
const EDITS: [(&str, &str, &str); 12] = [
    ("retrieval to 0.76", "below 0.62", "below 0.76"),
    ("complexity to 0.30", "above 0.45", "above 0.30"),
    ("complexity to 0.15", "above 0.45", "above 0.15"),
    (
        "all planning",
        "the task is planning\n   and input_complexity is above 0.45",
        "the task is planning",
    ),
    (
        "drop shaky",
        "session_fallbacks is at least 3",
        "session_fallbacks is at least 3000",
    ),
    (
        "shaky from 1",
        "session_fallbacks is at least 3",
        "session_fallbacks is at least 1",
    ),
    (
        "high stakes to fast",
        "the user is at least pro\n  use strongest",
        "the user is at least pro\n  use fast",
    ),
    (
        "light work strong",
        "transformation\n  use fast",
        "transformation\n  use strongest",
    ),
    (
        "otherwise strong",
        "otherwise use fast",
        "otherwise use strongest",
    ),
    (
        "classification and extraction strong",
        "rule light-work:",
        "rule strong-work:\n  when the task is classification or extraction\n  use strongest\n\nrule light-work:",
    ),
    (
        "complex is strong",
        "rule high-stakes-answers:",
        "rule complex:\n  when input_complexity is above 0.25\n  use strongest\n\nrule high-stakes-answers:",
    ),
    (
        "all fast",
        "rule high-stakes-answers:",
        "rule everything:\n  when input_complexity is above 0.0\n  use fast\n\nrule high-stakes-answers:",
    ),
];

fn edited(corpus: &Corpus, edit: &(&str, &str, &str)) -> Policy {
    let text = corpus.policies[0].text();
    assert!(text.contains(edit.1), "{}", edit.0);
    Policy::parse(&text.replacen(edit.1, edit.2, 1)).unwrap()
}

fn covers(estimate: Option<Estimate>, truth: f64) -> bool {
    let estimate = estimate.unwrap();
    assert!(estimate.low <= estimate.value && estimate.value <= estimate.high);
    (estimate.low..=estimate.high).contains(&truth)
}

#[test]
fn intervals_of_replays_cover_what_really_would_have_been() {
    let Some(corpus) = corpus() else { return };
    let (mut supported, mut refused, mut covered) = (0, 0, [0, 0]);
    let mut said = String::new();
    for edit in &EDITS {
        let edited = edited(&corpus, edit);
        for seed in 0..8 {
            let half: Vec<&Request> = corpus
                .requests
                .iter()
                .filter(|request| {
                    Random(request.session.unwrap().0 ^ seed)
                        .next()
                        .is_multiple_of(2)
                })
                .collect();
            let truth = truth(&corpus, &half, &edited);
            let replayed = replayed(&corpus, &half, &edited);
            assert_eq!(replayed.changed, truth.changed, "{}", edit.0);
            match &replayed.estimated {
                Ok(estimated) => {
                    supported += 1;
                    assert!(estimated.supporting >= SUPPORT_MIN);
                    assert_eq!(estimated.method, Method::DoublyRobust);
                    let hits = [
                        covers(estimated.first_pass, truth.first_pass),
                        covers(estimated.cost_usd, truth.cost),
                    ];
                    for (covered, hit) in covered.iter_mut().zip(hits) {
                        *covered += u32::from(hit);
                    }
                    said.push_str(&format!(
                        "{} {seed}: {hits:?} {:.5} {:?} {:.7} {:?}\n",
                        edit.0,
                        truth.first_pass,
                        estimated.first_pass,
                        truth.cost,
                        estimated.cost_usd
                    ));
                }
                Err(refusal) => {
                    refused += 1;
                    assert!(
                        refusal.to_string().starts_with("not enough evidence: "),
                        "{refusal}"
                    );
                }
            }
        }
    }
    assert!(
        supported >= 40 && refused > 0,
        "{supported} supported, {refused} refused"
    );
    for covered in covered {
        assert!(
            f64::from(covered) >= 0.85 * f64::from(supported),
            "{covered} of {supported} cover\n{said}"
        );
    }
}

#[test]
fn a_replay_of_the_sample_says_what_moves() {
    let Some(corpus) = corpus() else { return };
    let all: Vec<&Request> = corpus.requests.iter().collect();
    let replayed = replayed(&corpus, &all, &edited(&corpus, &EDITS[0]));
    assert_eq!((replayed.requests, replayed.undecidable_len()), (15_361, 0));
    let recorded = replayed.recorded;
    assert_eq!(
        (recorded.explore, recorded.drift_model, recorded.drift_rule),
        (657, 72, 0)
    );
    assert_eq!(recorded.agrees + 657 + 72, 15_361);
    let refusal = replayed.estimated.unwrap_err().to_string();
    assert!(
        refusal.contains("changed requests ever ran on strongest"),
        "{refusal}"
    );
    let priced = replayed.priced.unwrap();
    assert!(
        priced.low_usd > 0.0 && priced.low_usd <= priced.high_usd,
        "{priced:?}"
    );
    assert!(replayed.later_in_session.unwrap() > 0);
}

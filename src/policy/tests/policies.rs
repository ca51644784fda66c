//! Policies and requests at random, small enough to try every value.

use proptest::prelude::*;

use crate::policy::{Fact, Facts, Policy, SignalKind};

const CLASSES: [&str; 4] = ["extraction", "planning", "grounded_answer", "rag_answer"];
const TIERS: [&str; 3] = ["fast", "standard", "strongest"];
/// The numbers that thresholds are taken from.
const NUMBERS: [&str; 4] = ["0.2", "0.50", "0.7", "1"];

fn clause() -> impl Strategy<Value = String> {
    let words = |all: &'static [&'static str]| {
        (
            proptest::sample::subsequence(all, 1..all.len()),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(|(words, is_not, has_or)| {
                let not = if is_not { "not " } else { "" };
                let (last, before) = words.split_last().unwrap();
                match (before.is_empty(), has_or) {
                    (true, _) => format!("{not}{last}"),
                    (false, true) => format!("{not}{} or {last}", before.join(", ")),
                    (false, false) => format!("{not}{}, {last}", before.join(", ")),
                }
            })
    };
    let compared = |name: &'static str, numbers: &'static [&'static str]| {
        let how = proptest::sample::select(&["above", "below", "at least", "at most"]);
        (how, proptest::sample::select(numbers))
            .prop_map(move |(how, number)| format!("{name} is {how} {number}"))
    };
    let known = proptest::sample::select(&["known", "unknown"]);
    prop_oneof![
        3 => words(&CLASSES).prop_map(|words| format!("the task is {words}")),
        2 => proptest::sample::select(&["free", "pro", "enterprise"])
            .prop_map(|word| format!("the user is at least {word}")),
        1 => words(&["free", "pro", "enterprise"]).prop_map(|words| format!("the user is {words}")),
        1 => any::<bool>().prop_map(|is| {
            format!("tools are {}required", if is { "" } else { "not " })
        }),
        4 => compared("retrieval_confidence", &NUMBERS),
        2 => compared("toxicity", &NUMBERS),
        2 => compared("session_fallbacks", &["0", "1", "3"]),
        1 => (proptest::sample::select(&["retrieval_confidence", "toxicity", "the task"]), known)
            .prop_map(|(name, known)| format!("{name} is {known}")),
    ]
}

/// The text of a policy with up to six rules and up to four escalations.
pub(super) fn text() -> impl Strategy<Value = String> {
    let tier = || proptest::sample::select(&TIERS);
    let rule = (proptest::collection::vec(clause(), 1..4), tier());
    let triggers = [
        "the answer is under-specified",
        "the model is drifting",
        "the tool output is messy",
        "the ask is high-risk",
    ];
    let step = (tier(), tier(), proptest::sample::select(triggers.to_vec()));
    (
        proptest::collection::vec(rule, 0..6),
        tier(),
        proptest::collection::vec(step, 0..4),
        1_u32..3,
    )
        .prop_map(|(rules, otherwise, steps, stop)| {
            let mut text = "policy \"p\" version 1\nclass rag_answer\nsignal toxicity is a number from 0 to 1\n".to_owned();
            for tier in TIERS {
                text.push_str(&format!("tier {tier} is {tier}-1\n"));
            }
            for (idx, (clauses, tier)) in rules.iter().enumerate() {
                text.push_str(&format!(
                    "rule r{idx}: when {} use {tier}\n",
                    clauses.join(" and ")
                ));
            }
            text.push_str(&format!("otherwise use {otherwise} because \"else\"\n"));
            for (from, to, trigger) in steps {
                text.push_str(&format!("escalate {from} to {to} when {trigger}\n"));
            }
            text.push_str(&format!("stop after {stop} escalations\n"));
            text
        })
}

/// Every request that the thresholds above can tell apart, in steps of a twentieth.
pub(super) fn requests(policy: &Policy) -> Vec<Facts<'_>> {
    let mut all = vec![policy.facts()];
    for (place, signal) in policy.vocabulary().signals().iter().enumerate() {
        let is_asked = policy
            .rules()
            .iter()
            .any(|rule| rule.clauses.iter().any(|clause| clause.signal == place));
        if !is_asked && signal.name != "task_class" {
            continue;
        }
        let mut values: Vec<Fact<'_>> = match &signal.kind {
            SignalKind::Words { words, .. } => (0..words.len())
                .map(Fact::Word)
                .chain([Fact::Foreign("poetry")])
                .collect(),
            SignalKind::YesNo => vec![Fact::YesNo(true), Fact::YesNo(false)],
            SignalKind::Number { .. } => (0..=20)
                .map(|n| Fact::Number(f64::from(n) / 20.0))
                .collect(),
            SignalKind::Count => (0..=4).map(|n| Fact::Number(f64::from(n))).collect(),
        };
        values.push(Fact::Unknown);
        all = all
            .iter()
            .flat_map(|facts| {
                values.iter().map(move |value| {
                    let mut facts = facts.clone();
                    facts.put(place, *value);
                    facts
                })
            })
            .collect();
    }
    all
}

/// One request, and the values it was made of.
pub(super) fn request<'a>(policy: &'a Policy, seed: &[u8]) -> Facts<'a> {
    let mut facts = policy.facts();
    let signals = policy.vocabulary().signals().iter().enumerate();
    for ((place, signal), byte) in signals.zip(seed.iter().cycle()) {
        let fact = match (&signal.kind, byte % 23) {
            (_, 22) => Fact::Unknown,
            (_, 21) => Fact::Absent,
            (SignalKind::Words { words, .. }, byte) => Fact::Word(usize::from(byte) % words.len()),
            (SignalKind::YesNo, byte) => Fact::YesNo(byte % 2 == 0),
            (SignalKind::Number { .. }, byte) => Fact::Number(f64::from(byte) / 20.0),
            (SignalKind::Count, byte) => Fact::Number(f64::from(byte % 5)),
        };
        facts.put(place, fact);
    }
    facts
}

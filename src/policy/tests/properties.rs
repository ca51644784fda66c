//! Laws that hold for every policy and every request.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::policies::{request, requests, text};
use crate::policy::{Diff, Fact, Facts, Input, LintKind, Policy, RuleIdx};
use crate::stats::{Flip, Given, Truth};

fn tier<'a>(policy: &'a Policy, facts: &Facts<'_>) -> &'a str {
    policy.tier_name(policy.rules()[policy.rule_for(facts)].tier)
}

/// Another layout of the same words: blanks, line breaks and comments at random.
fn scattered(text: &str, seed: &[u8]) -> String {
    let mut out = String::from("# top\n");
    for (idx, word) in text.split_inclusive([' ', '\n', ',']).enumerate() {
        let bare = word.trim_end();
        out.push_str(bare);
        out.push_str(match seed[idx % seed.len()] % 4 {
            0 => " ",
            1 => "\n\t ",
            2 => " # why, \"not\"\n",
            _ => "\r\n",
        });
    }
    out
}

fn without_spans(policy: &Policy) -> String {
    let rules: Vec<_> = policy
        .rules()
        .iter()
        .map(|rule| {
            let tests: Vec<_> = rule.clauses.iter().map(|c| (c.signal, &c.test)).collect();
            format!("{} {tests:?} {} {:?}", rule.name, rule.tier, rule.because)
        })
        .collect();
    let steps: Vec<_> = policy
        .escalations()
        .iter()
        .map(|line| (line.from, line.to, line.trigger))
        .collect();
    format!(
        "{rules:?} {steps:?} {:?} {:?} {:?}",
        policy.tiers(),
        policy.stop(),
        policy.vocabulary()
    )
}

/// The facts with the changes of a flip, gone part of the way.
fn changed<'a>(policy: &'a Policy, facts: &Facts<'a>, flip: &Flip, part: f64) -> Option<Facts<'a>> {
    let mut out = facts.clone();
    for change in &flip.changes {
        let signal = policy.vocabulary().find(&change.signal).unwrap();
        match (&change.from, &change.to) {
            (Given::Number(from), Given::Number(to)) if part < 1.0 => {
                let is_count = change.signal == "session_fallbacks";
                let value = if is_count {
                    (from + (to - from) * part).round()
                } else {
                    from + (to - from) * part
                };
                // A step to the next value there is cannot be halved.
                if value == *to {
                    return None;
                }
                out.put(signal, Fact::Number(value));
            }
            (_, Given::Word(word)) if part >= 1.0 => {
                let words = policy.vocabulary().words(signal);
                out.put(
                    signal,
                    Fact::Word(words.iter().position(|w| w == word).unwrap()),
                );
            }
            (_, Given::YesNo(answer)) if part >= 1.0 => out.put(signal, Fact::YesNo(*answer)),
            (_, Given::Number(value)) if part >= 1.0 => out.put(signal, Fact::Number(*value)),
            _ => return None,
        }
    }
    Some(out)
}

fn rules_of(policy: &Policy, kinds: &[LintKind]) -> BTreeSet<String> {
    policy
        .lints()
        .into_iter()
        .filter(|lint| kinds.contains(&lint.kind))
        .filter_map(|lint| lint.message.split(' ').nth(1).map(str::to_owned))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn printing_keeps_the_policy(text in text()) {
        let policy = Policy::parse(&text).unwrap();
        let printed = policy.format();
        let again = Policy::parse(&printed).unwrap();
        prop_assert_eq!(without_spans(&again), without_spans(&policy));
        prop_assert_eq!(again.id(), policy.id());
        prop_assert_eq!(again.format(), printed);
    }

    #[test]
    fn layout_and_comments_keep_the_hash(text in text(), seed in proptest::collection::vec(any::<u8>(), 1..40)) {
        let policy = Policy::parse(&text).unwrap();
        let scattered = scattered(&text, &seed);
        let other = Policy::parse(&scattered).unwrap();
        prop_assert_eq!(other.id(), policy.id());
        let printed = other.format();
        let again = Policy::parse(&printed).unwrap();
        prop_assert_eq!(again.id(), policy.id());
        prop_assert_eq!(again.format(), printed);
        let edited = Policy::parse(&text.replace("version 1", "version 2")).unwrap();
        prop_assert_ne!(edited.id().rsplit('#').next(), policy.id().rsplit('#').next());
    }

    #[test]
    fn the_trace_agrees_with_the_decision(text in text(), seed in proptest::collection::vec(any::<u8>(), 9)) {
        let policy = Policy::parse(&text).unwrap();
        let facts = request(&policy, &seed);
        let trace = policy.trace(&facts);
        let first = trace.iter().position(|rule| rule.result == Truth::Holds).unwrap();
        prop_assert_eq!(first, policy.rule_for(&facts));
        for (rule, trace) in policy.rules().iter().zip(&trace) {
            prop_assert_eq!(rule.clauses.len(), trace.clauses.len());
            for clause in &trace.clauses {
                if let Some(margin) = clause.margin.filter(|margin| *margin != 0.0) {
                    prop_assert_eq!(margin > 0.0, clause.result == Truth::Holds);
                }
            }
        }
    }

    #[test]
    fn every_flip_flips_and_half_of_it_does_not(text in text(), seed in proptest::collection::vec(any::<u8>(), 9)) {
        let policy = Policy::parse(&text).unwrap();
        let facts = request(&policy, &seed);
        let own = tier(&policy, &facts).to_owned();
        let flips = policy.flips(&facts);
        for flip in &flips {
            let whole = changed(&policy, &facts, flip, 1.0).unwrap();
            prop_assert_eq!(tier(&policy, &whole), &flip.tier);
            prop_assert_ne!(&flip.tier, &own);
            if flip.changes.len() == 1 && let Some(half) = changed(&policy, &facts, flip, 0.5) {
                prop_assert_ne!(tier(&policy, &half), &flip.tier, "{:?}", flip);
            }
            // Of a pair, either half alone changes nothing.
            for change in flip.changes.iter().filter(|_| flip.changes.len() > 1) {
                let alone = Flip { changes: vec![change.clone()], ..flip.clone() };
                let half = changed(&policy, &facts, &alone, 1.0).unwrap();
                prop_assert_eq!(tier(&policy, &half), &own, "{:?}", flip);
            }
        }
        // Where a single value flips, a single value is named.
        let has_single = requests(&policy).iter().any(|other| {
            (0..policy.vocabulary().signals().len())
                .filter(|place| other.fact(*place) != Fact::Unknown && other.fact(*place) != Fact::Absent)
                .filter(|place| !matches!(other.fact(*place), Fact::Foreign(_)))
                .any(|place| {
                    let mut one = facts.clone();
                    one.put(place, other.fact(place));
                    tier(&policy, &one) != own
                })
        });
        if has_single {
            prop_assert!(flips.iter().any(|flip| flip.changes.len() == 1));
        }
    }

    #[test]
    fn lints_agree_with_brute_force(text in text()) {
        let policy = Policy::parse(&text).unwrap();
        let all = requests(&policy);
        let mut used: BTreeSet<RuleIdx> = BTreeSet::new();
        let mut matched: BTreeSet<RuleIdx> = BTreeSet::new();
        for facts in &all {
            used.insert(policy.rule_for(facts));
            for (idx, rule) in policy.rules().iter().enumerate() {
                if rule.clauses.iter().all(|c| c.truth(facts.fact(c.signal)) == Truth::Holds) {
                    matched.insert(idx);
                }
            }
        }
        let last = policy.rules().len() - 1;
        let named = |is_in: &dyn Fn(RuleIdx) -> bool| -> BTreeSet<String> {
            (0..last).filter(|idx| is_in(*idx)).map(|idx| policy.rules()[idx].name.clone()).collect()
        };
        prop_assert_eq!(
            rules_of(&policy, &[LintKind::Contradictory]),
            named(&|idx| !matched.contains(&idx))
        );
        prop_assert_eq!(
            rules_of(&policy, &[LintKind::Shadowed]),
            named(&|idx| matched.contains(&idx) && !used.contains(&idx))
        );
    }

    #[test]
    fn class_and_tier_lints_agree_with_brute_force(text in text()) {
        let policy = Policy::parse(&text).unwrap();
        let vocabulary = policy.vocabulary();
        // A sound log: every word is known, and unknown is said only where it may be.
        let may_be_unknown: Vec<bool> = vocabulary
            .signals()
            .iter()
            .enumerate()
            .map(|(place, signal)| signal.may_be_unknown || policy.asks_if_known(place))
            .collect();
        let sound: Vec<Facts<'_>> = requests(&policy)
            .into_iter()
            .filter(|facts| (0..may_be_unknown.len()).all(|place| match facts.fact(place) {
                Fact::Foreign(_) => false,
                Fact::Unknown => may_be_unknown[place],
                _ => true,
            }))
            .collect();
        let lints = policy.lints();
        let has = |kind: LintKind, word: &str| {
            lints.iter().any(|lint| lint.kind == kind && lint.message.contains(word))
        };
        for (place, class) in vocabulary.classes().enumerate() {
            let mut of_class = sound.iter().filter(|facts| facts.fact(0) == Fact::Word(place)).peekable();
            prop_assert!(of_class.peek().is_some());
            let mut tiers = BTreeSet::new();
            let mut is_otherwise = true;
            for facts in of_class {
                let rule = policy.rule_for(facts);
                is_otherwise &= rule + 1 == policy.rules().len();
                tiers.insert(policy.rules()[rule].tier);
            }
            prop_assert_eq!(
                has(LintKind::ClassWithoutRule, &format!("decides {}:", class.name)),
                is_otherwise
            );
            prop_assert_eq!(
                has(LintKind::StrongestOnLightweight, &class.name),
                class.is_lightweight && tiers.contains(&2)
            );
        }
        let better = sound.iter().any(|facts| {
            let Fact::Word(own) = facts.fact(2) else { return false };
            (own + 1..3).any(|higher| {
                let mut other = facts.clone();
                other.put(2, Fact::Word(higher));
                policy.rules()[policy.rule_for(facts)].tier > policy.rules()[policy.rule_for(&other)].tier
            })
        });
        prop_assert_eq!(has(LintKind::LowerTierTreatedBetter, ""), better);
    }

    #[test]
    fn a_diff_names_exactly_the_requests_that_move(first in text(), second in text()) {
        let (before, after) = (Policy::parse(&first).unwrap(), Policy::parse(&second).unwrap());
        let diff = Diff::between(&before, &after).unwrap();
        let moves = requests(&before)
            .into_iter()
            .chain(requests(&after))
            .any(|facts| tier(&before, &facts) != tier(&after, &facts));
        if moves {
            prop_assert!(!diff.groups.is_empty());
        }
        for group in &diff.groups {
            let of = |policy: &Policy| {
                let mut facts = policy.facts();
                for (signal, given) in &group.example.signals {
                    facts.set(signal, Input::from(given));
                }
                let rule = &policy.rules()[policy.rule_for(&facts)];
                (rule.name.clone(), policy.tier_name(rule.tier).to_owned())
            };
            prop_assert_eq!(of(&before), (group.from_rule.clone(), group.from_tier.clone()));
            prop_assert_eq!(of(&after), (group.to_rule.clone(), group.to_tier.clone()));
            prop_assert_ne!(&group.from_tier, &group.to_tier);
        }
    }

    #[test]
    fn no_text_panics(words in proptest::collection::vec(
        proptest::sample::select(&[
            "policy", "\"p\"", "version", "1", "class", "signal", "is", "a", "number", "from", "to", "one", "of",
            "yes", "or", "no", "count", "tier", "fast", "rule", "x", ":", "when", "the", "task", "user", "at",
            "least", "pro", "not", "planning", "and", "use", "because", "otherwise", "escalate", "answer",
            "under-specified", "stop", "after", "escalation", "explore", "percent", "between", "expect", "for",
            "with", "unknown", "retrieval_confidence", "below", "0.5", "#", "\"", "\n", ",", "tools", "are",
            "required", "-1", "99999999999999999999", "é\u{301}", "\u{feff}",
        ]), 0..60), start in any::<bool>()) {
        let head = if start { "policy \"p\" version 1 tier fast is x " } else { "" };
        let text = format!("{head}{}", words.join(" "));
        match Policy::parse(&text) {
            Ok(policy) => {
                let _ = (policy.format(), policy.lints(), policy.prose(), policy.test());
            }
            Err(error) => prop_assert!(!error.faults.is_empty() && !error.to_string().is_empty()),
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Policy::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_cut_or_changed_essay_panics(at in 0_usize..3_000, byte in any::<char>()) {
        let text = include_str!("../../../assets/policies/essay.route");
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let _ = Policy::parse(&text[..at]);
        let mut changed = text.to_owned();
        changed.insert(at, byte);
        if let Ok(policy) = Policy::parse(&changed) {
            let _ = (policy.format(), policy.lints());
        }
    }
}

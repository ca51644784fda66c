//! Lints of the escalation lines against every walk that they allow.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::policies::{requests, text};
use crate::policy::{LintKind, Policy, TRIGGERS, TierIdx};

/// What walks found: the lines taken, by their places, and the tiers reached.
#[derive(Default)]
struct Walked {
    taken: BTreeSet<usize>,
    reached: BTreeSet<TierIdx>,
    longest_up: u32,
}

/// Takes every line from `tier` on while steps are left; `up` counts those taken so far if all led up.
fn walk(policy: &Policy, tier: TierIdx, left: u32, up: Option<u32>, found: &mut Walked) {
    found.reached.insert(tier);
    found.longest_up = found.longest_up.max(up.unwrap_or(0));
    for (place, line) in policy.escalations().iter().enumerate() {
        if line.from == tier && left > 0 {
            found.taken.insert(place);
            let up = up.filter(|_| line.to > tier).map(|up| up + 1);
            walk(policy, line.to, left - 1, up, found);
        }
    }
}

/// Tells whether a walk of at most as many lines as there are leads from `tier` to `end`.
fn leads(policy: &Policy, tier: TierIdx, end: TierIdx, left: usize) -> bool {
    tier == end
        || left > 0
            && policy
                .escalations()
                .iter()
                .any(|line| line.from == tier && leads(policy, line.to, end, left - 1))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn step_lints_agree_with_every_walk(text in text()) {
        let policy = Policy::parse(&text).unwrap();
        let lines = policy.escalations();
        let lints = policy.lints();
        // The lines that a lint points at, and says `words` of.
        let told = |kind: LintKind, words: &str| -> BTreeSet<usize> {
            let of_kind = lints.iter().filter(|lint| lint.kind == kind && lint.message.contains(words));
            of_kind
                .map(|lint| lines.iter().position(|line| line.span == lint.span).unwrap())
                .collect()
        };
        let those = |is_in: &dyn Fn(usize) -> bool| -> BTreeSet<usize> {
            (0..lines.len()).filter(|place| is_in(*place)).collect()
        };
        prop_assert_eq!(
            told(LintKind::EscalationLoop, "loop"),
            those(&|at| leads(&policy, lines[at].to, lines[at].from, lines.len()))
        );
        prop_assert_eq!(
            told(LintKind::EscalationDownward, "weaker"),
            those(&|at| lines[at].to < lines[at].from)
        );
        let starts: BTreeSet<TierIdx> = requests(&policy)
            .iter()
            .map(|facts| policy.rules()[policy.rule_for(facts)].tier)
            .collect();
        let mut found = Walked::default();
        let mut unbounded = Walked::default();
        for start in starts {
            walk(&policy, start, policy.stop(), Some(0), &mut found);
            // Ways up alone end by themselves: there are three tiers.
            walk(&policy, start, 3, Some(0), &mut unbounded);
        }
        prop_assert_eq!(
            told(LintKind::EscalationDead, "is never taken"),
            those(&|at| !found.taken.contains(&at))
        );
        let says = |words: &str| {
            lints.iter().any(|lint| lint.kind == LintKind::EscalationDead && lint.message.contains(words))
        };
        for (tier, known) in policy.tiers().iter().enumerate() {
            let words = format!("tier {} is never reached", known.name);
            prop_assert_eq!(says(&words), !found.reached.contains(&tier), "{}", words);
        }
        for trigger in TRIGGERS {
            let has_way = lines.iter().any(|line| line.trigger == trigger && line.from == 0 && line.to > 0);
            let words = format!("when the {} there is no way up", trigger.words);
            prop_assert_eq!(says(&words), !lines.is_empty() && !has_way, "{}", words);
        }
        prop_assert_eq!(
            says("steps, and the policy stops after"),
            unbounded.longest_up > policy.stop()
        );
    }
}

//! Where requests went and where they would go: from tier to tier, from rule to rule, and how many to each.

use hashbrown::HashMap;

use super::result::{Move, TierCount};
use crate::model::{Name, Names};
use crate::policy::evaluate::RuleIdx;
use crate::policy::policy::Policy;

/// Where a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Past {
    /// By this rule of a known policy.
    Ruled { policy: usize, rule: RuleIdx },
    /// As logged: its tier, else its model, and its rule.
    Logged {
        tier: Option<Name>,
        rule: Option<Name>,
    },
}

impl Past {
    /// Returns the names of its tier and its rule.
    fn named<'n>(self, known: &'n [Policy], names: &'n Names) -> (&'n str, &'n str) {
        let logged = |name: Option<Name>| name.map_or("(not logged)", |name| names.text(name));
        match self {
            Self::Ruled { policy, rule } => known.get(policy).map_or(("", ""), |policy| {
                (
                    policy.tier_name(policy.tier_of_rule(rule)),
                    rule_name(policy, rule),
                )
            }),
            Self::Logged { tier, rule } => (logged(tier), logged(rule)),
        }
    }
}

fn rule_name(policy: &Policy, rule: RuleIdx) -> &str {
    policy
        .rules()
        .get(rule)
        .map_or("", |rule| rule.name.as_str())
}

/// Counts of the requests that can be decided.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// Those that go elsewhere.
    moves: HashMap<(Past, RuleIdx), u64>,
    /// All, by where they went.
    past: HashMap<Past, u64>,
    /// All, by the rule that they would go by.
    edited: HashMap<RuleIdx, u64>,
}

impl Places {
    pub(super) fn add(&mut self, past: Past, rule: RuleIdx, is_changed: bool) {
        *self.past.entry(past).or_default() += 1;
        *self.edited.entry(rule).or_default() += 1;
        if is_changed {
            *self.moves.entry((past, rule)).or_default() += 1;
        }
    }

    pub(super) fn merge(&mut self, later: Self) {
        for (key, count) in later.moves {
            *self.moves.entry(key).or_default() += count;
        }
        for (past, count) in later.past {
            *self.past.entry(past).or_default() += count;
        }
        for (rule, count) in later.edited {
            *self.edited.entry(rule).or_default() += count;
        }
    }

    /// Returns the moves from tier to tier and from rule to rule, most first.
    pub(super) fn moves(
        &self,
        edited: &Policy,
        known: &[Policy],
        names: &Names,
    ) -> (Vec<Move>, Vec<Move>) {
        let (mut tiers, mut rules) = (HashMap::new(), HashMap::new());
        for ((past, rule), count) in &self.moves {
            let (from_tier, from_rule) = past.named(known, names);
            let to_tier = edited.tier_name(edited.tier_of_rule(*rule));
            *tiers.entry((from_tier, to_tier)).or_insert(0) += count;
            let to_rule = rule_name(edited, *rule);
            *rules.entry((from_rule, to_rule)).or_insert(0) += count;
        }
        (in_order(tiers), in_order(rules))
    }

    /// Returns how many requests went to each tier and would go there: the tiers of the edited policy, weakest first,
    /// and then others that requests went to, most first.
    pub(super) fn split(&self, edited: &Policy, known: &[Policy], names: &Names) -> Vec<TierCount> {
        let mut went: HashMap<&str, u64> = HashMap::new();
        for (past, count) in &self.past {
            *went.entry(past.named(known, names).0).or_default() += count;
        }
        let mut tiers: Vec<TierCount> = Vec::new();
        for (idx, tier) in edited.tiers().iter().enumerate() {
            let by_rule = self.edited.iter();
            let there = by_rule.filter(|(rule, _)| edited.tier_of_rule(**rule) == idx);
            tiers.push(TierCount {
                tier: tier.name.clone(),
                went: went.remove(tier.name.as_str()).unwrap_or_default(),
                would_go: there.map(|(_, count)| count).sum(),
            });
        }
        let mut others: Vec<TierCount> = went
            .into_iter()
            .map(|(tier, went)| TierCount {
                tier: tier.to_owned(),
                went,
                would_go: 0,
            })
            .collect();
        others.sort_by(|a, b| (b.went, &a.tier).cmp(&(a.went, &b.tier)));
        tiers.extend(others);
        tiers
    }
}

fn in_order(counts: HashMap<(&str, &str), u64>) -> Vec<Move> {
    let mut moves: Vec<Move> = counts
        .into_iter()
        .map(|((from, to), requests)| Move {
            from: from.to_owned(),
            to: to.to_owned(),
            requests,
        })
        .collect();
    moves.sort_by(|a, b| {
        b.requests
            .cmp(&a.requests)
            .then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
    });
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;

    #[test]
    fn both_sides_count_the_same_requests() {
        let policy = essay();
        let known = [essay()];
        let mut names = Names::default();
        let old = names.intern("legacy");
        let rule = |name: &str| {
            policy
                .rules()
                .iter()
                .position(|rule| rule.name == name)
                .unwrap()
        };
        let by = |rule| Past::Ruled { policy: 0, rule };
        let logged = Past::Logged {
            tier: Some(old),
            rule: None,
        };
        let (plan, light) = (rule("plan"), rule("light-work"));
        let mut places = Places::default();
        places.add(by(plan), plan, false);
        places.add(by(plan), light, true);
        let mut later = Places::default();
        later.add(logged, light, true);
        later.add(by(plan), light, true);
        places.merge(later);
        let count = |tier: &str, went, would_go| TierCount {
            tier: tier.to_owned(),
            went,
            would_go,
        };
        assert_eq!(
            places.split(&policy, &known, &names),
            [
                count("fast", 0, 3),
                count("standard", 3, 1),
                count("strongest", 0, 0),
                count("legacy", 1, 0)
            ]
        );
        let (tiers, rules) = places.moves(&policy, &known, &names);
        assert_eq!((tiers[0].from.as_str(), tiers[0].requests), ("standard", 2));
        assert_eq!(
            (rules[1].from.as_str(), rules[1].to.as_str()),
            ("(not logged)", "light-work")
        );
    }
}

//! The first word about a stored decision, for many decisions in a row: what [`Policy::judge`] says of one of
//! them, without its sentences.
//!
//! Where every signal is logged no memory is asked for. Where signals are missing, the rules that may have
//! decided are found once for all decisions of the same cell.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::evaluate::RuleIdx;
use super::facts::{Fact, Facts};
use super::policy::Policy;
use super::recorded::Recorded;
use super::rule::TierIdx;
use super::vocabulary::SignalIdx;
use crate::stats::{Drift, Verdict};

/// What the policy says of one stored decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling {
    /// The first word.
    pub verdict: Verdict,
    /// What drifted.
    pub drift: Option<Drift>,
    /// The rule that decides; `None` when that cannot be told.
    pub rule: Option<RuleIdx>,
    /// What sets the decision apart from the policy.
    pub(super) oddity: Oddity,
}

impl Ruling {
    fn without_rule(verdict: Verdict) -> Self {
        Self {
            verdict,
            drift: None,
            rule: None,
            oddity: Oddity::None,
        }
    }
}

/// What sets a decision apart from the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oddity {
    /// Nothing.
    None,
    /// The session is held on another model.
    Held,
    /// Another model answered because one was not available.
    Unavailable,
    /// Another tier is recorded, and no model.
    Tier,
    /// The model is none of the tier.
    Model,
    /// Another rule is recorded.
    Rule,
}

impl Policy {
    /// Rules on a decision that one of the `possible` rules has made.
    pub(super) fn ruling(
        &self,
        facts: &Facts<'_>,
        possible: &[RuleIdx],
        recorded: &Recorded<'_>,
        is_reconstructed: bool,
    ) -> Ruling {
        if facts.is_empty() && recorded.rule.is_none() {
            return Ruling::without_rule(Verdict::NoPolicy);
        }
        let mut tiers = possible.iter().map(|rule| self.tier_of_rule(*rule));
        let first = tiers.next().unwrap_or_default();
        if tiers.any(|tier| tier != first) {
            return Ruling::without_rule(Verdict::Undecidable);
        }
        let deciding = self.rule_for(facts);
        let ruled = |verdict, drift, oddity| Ruling {
            verdict,
            drift,
            rule: Some(deciding),
            oddity,
        };
        let oddity = self.model_oddity(self.tier_of_rule(deciding), recorded);
        if matches!(oddity, Oddity::Tier | Oddity::Model) {
            return ruled(Verdict::Drift, Some(Drift::Model), oddity);
        }
        let (is_explored, is_pinned) = (recorded.is_explored(), recorded.is_pinned());
        if !is_explored
            && !is_pinned
            && let Some(rule) = recorded.rule
            && self.is_other_rule(rule, possible, recorded, is_reconstructed)
        {
            return ruled(Verdict::Drift, Some(Drift::Rule), Oddity::Rule);
        }
        let verdict = if is_explored {
            Verdict::Explore
        } else if is_pinned {
            Verdict::Pinned
        } else if deciding + 1 == self.rules().len() {
            Verdict::Otherwise
        } else {
            Verdict::Rule
        };
        ruled(verdict, None, oddity)
    }

    pub(super) fn tier_of_rule(&self, rule: RuleIdx) -> TierIdx {
        self.rules().get(rule).map_or(0, |rule| rule.tier)
    }

    /// Tells whether a model counts as a tier.
    pub fn is_model_of(&self, tier: TierIdx, model: &str) -> bool {
        let models = self.tiers().get(tier).map(|tier| &tier.models);
        models.is_some_and(|models| models.iter().any(|known| known == model))
    }

    /// Tells how the model differs from the tier, unless a coin explains it.
    fn model_oddity(&self, tier: TierIdx, recorded: &Recorded<'_>) -> Oddity {
        let Some(model) = recorded.first_model() else {
            let other = recorded
                .tier
                .filter(|tier_logged| *tier_logged != self.tier_name(tier));
            let is_coin = recorded.is_explored() || recorded.is_pinned();
            return if other.is_some() && !is_coin {
                Oddity::Tier
            } else {
                Oddity::None
            };
        };
        if self.is_model_of(tier, model) {
            return Oddity::None;
        }
        let coin_sides = self.explore().map_or([tier; 2], |explore| explore.between);
        if recorded.is_explored() && coin_sides.iter().any(|side| self.is_model_of(*side, model)) {
            return Oddity::None;
        }
        if recorded.is_pinned() {
            Oddity::Held
        } else if recorded.has_hidden_fallback {
            Oddity::Unavailable
        } else {
            Oddity::Model
        }
    }

    fn is_other_rule(
        &self,
        rule: &str,
        possible: &[RuleIdx],
        recorded: &Recorded<'_>,
        is_reconstructed: bool,
    ) -> bool {
        match self.rules().iter().position(|known| known.name == rule) {
            Some(known) => !possible.contains(&known),
            // The rules of another policy have other names, which says nothing of this one.
            None => !is_reconstructed || recorded.policy.is_some(),
        }
    }
}

/// How many cells with missing signals are remembered.
const CELLS_REMEMBERED: usize = 1 << 14;

/// Rules on many decisions by one policy.
#[derive(Debug)]
pub struct Judge<'p> {
    policy: &'p Policy,
    asked: Vec<(SignalIdx, Vec<f64>)>,
    /// The rules that may decide in a cell where signals are missing.
    possible: HashMap<SmallVec<[u32; 10]>, Vec<RuleIdx>>,
}

impl<'p> Judge<'p> {
    /// Makes one.
    pub fn new(policy: &'p Policy) -> Self {
        let asked = policy.asked().into_iter();
        Self {
            policy,
            asked: asked
                .map(|signal| (signal, policy.thresholds(signal)))
                .collect(),
            possible: HashMap::new(),
        }
    }

    /// Returns the policy.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// Rules on a decision. `is_reconstructed`: another policy was recorded than this one, or none.
    pub fn ruling(
        &mut self,
        facts: &Facts<'_>,
        recorded: &Recorded<'_>,
        is_reconstructed: bool,
    ) -> Ruling {
        let policy = self.policy;
        self.with_possible(facts, |possible| {
            policy.ruling(facts, possible, recorded, is_reconstructed)
        })
    }

    /// Returns the rule that decides; `None` when missing signals leave more than one tier.
    pub fn deciding(&mut self, facts: &Facts<'_>) -> Option<RuleIdx> {
        let policy = self.policy;
        self.with_possible(facts, |possible| {
            let mut tiers = possible.iter().map(|rule| policy.tier_of_rule(*rule));
            let first = tiers.next()?;
            let is_certain = tiers.all(|tier| tier == first);
            is_certain.then(|| policy.rule_for(facts))
        })
    }

    /// Returns the tiers that may have been decided for, weakest first.
    pub fn possible_tiers(&mut self, facts: &Facts<'_>) -> Vec<TierIdx> {
        let policy = self.policy;
        self.with_possible(facts, |possible| {
            let mut tiers: Vec<TierIdx> = possible
                .iter()
                .map(|rule| policy.tier_of_rule(*rule))
                .collect();
            tiers.sort_unstable();
            tiers.dedup();
            tiers
        })
    }

    fn with_possible<T>(&mut self, facts: &Facts<'_>, then: impl FnOnce(&[RuleIdx]) -> T) -> T {
        let is_absent = |(signal, _): &(SignalIdx, _)| facts.fact(*signal) == Fact::Absent;
        if !self.asked.iter().any(is_absent) {
            return then(&[self.policy.rule_for(facts)]);
        }
        let cell = self.cell(facts);
        if self.possible.len() >= CELLS_REMEMBERED {
            self.possible.clear();
        }
        then(
            self.possible
                .entry(cell)
                .or_insert_with(|| self.policy.possible_rules(facts)),
        )
    }

    /// Two requests of the same cell pass and fail the same clauses.
    fn cell(&self, facts: &Facts<'_>) -> SmallVec<[u32; 10]> {
        let place = |idx: usize| u32::try_from(idx).unwrap_or(u32::MAX - 4).saturating_add(4);
        let values = self
            .asked
            .iter()
            .map(|(signal, thresholds)| match facts.fact(*signal) {
                Fact::Absent => 0,
                Fact::Unknown => 1,
                Fact::Foreign(_) => 2,
                Fact::YesNo(answer) => 3 + u32::from(answer),
                Fact::Word(idx) => place(idx),
                Fact::Number(value) => {
                    let below = thresholds.partition_point(|threshold| *threshold < value);
                    let is_on = thresholds.get(below).is_some_and(|next| *next <= value);
                    place(2 * below + usize::from(is_on))
                }
            });
        values.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;
    use proptest::prelude::*;

    fn facts(policy: &Policy, picks: [usize; 4]) -> Facts<'_> {
        let mut facts = policy.facts();
        let classes = ["extraction", "grounded_answer", "planning", "poetry"];
        if let Some(class) = classes.get(picks[0]) {
            facts.set("task_class", *class);
        }
        for (signal, pick) in [
            ("retrieval_confidence", picks[1]),
            ("input_complexity", picks[2]),
        ] {
            match pick {
                0 => {}
                1 => drop(facts.set(signal, None::<f64>)),
                pick => drop(facts.set(signal, [0.1, 0.62, 0.7, 0.9][pick % 4])),
            }
        }
        if picks[3] > 0 {
            facts.set("session_fallbacks", [0_u32, 2, 3, 4][picks[3] % 4]);
        }
        facts
    }

    proptest! {
        #[test]
        fn what_is_remembered_of_a_cell_is_what_holds(
            picks in proptest::collection::vec(
                (0_usize..5, 0_usize..6, 0_usize..6, 0_usize..5), 1..40),
            rule in proptest::option::of(proptest::sample::select(
                vec!["plan", "light-work", "otherwise", "explore", "sticky-session"])),
            model in proptest::option::of(proptest::sample::select(
                vec!["small-1", "medium-1", "large-1"])),
        ) {
            let policy = essay();
            let mut judge = Judge::new(&policy);
            let recorded = Recorded { rule, model, policy: Some(policy.id()), ..Recorded::default() };
            for pick in picks {
                let facts = facts(&policy, [pick.0, pick.1, pick.2, pick.3]);
                let ruling = judge.ruling(&facts, &recorded, false);
                let judgement = policy.judge(&facts, &recorded, false);
                prop_assert_eq!(ruling.verdict, judgement.verdict);
                prop_assert_eq!(ruling.drift, judgement.drift);
                let name = ruling.rule.map(|rule| policy.rules()[rule].name.clone());
                prop_assert_eq!(name, judgement.decided_by);
                let tiers: Vec<&str> = judge
                    .possible_tiers(&facts)
                    .into_iter()
                    .map(|tier| policy.tier_name(tier))
                    .collect();
                if judgement.verdict != Verdict::NoPolicy {
                    prop_assert_eq!(tiers, judgement.possible_tiers);
                }
                prop_assert_eq!(judge.deciding(&facts).is_none(),
                    judge.possible_tiers(&facts).len() > 1);
            }
        }
    }
}

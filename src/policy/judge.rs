//! A stored decision held against the policy: the verdict, and everything that stands behind it.

use super::decide::EXPLORE;
use super::evaluate::RuleIdx;
use super::facts::Facts;
use super::policy::Policy;
use super::rule::TierIdx;
use super::steps::ChainLink;
use crate::stats::{Drift, Judgement, RuleTrace, Truth, Verdict};

/// A margin below this is shown as "on the line": a router may have rounded the value.
pub const ON_THE_LINE: f64 = 0.005;

/// What the log says of a decision, beside its facts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Recorded<'a> {
    /// The policy's id.
    pub policy: Option<&'a str>,
    /// The rule.
    pub rule: Option<&'a str>,
    /// The tier.
    pub tier: Option<&'a str>,
    /// The model decided for.
    pub model: Option<&'a str>,
    /// Why.
    pub reason: Option<&'a str>,
    /// The calls in order.
    pub chain: &'a [ChainLink<'a>],
    /// Whether a call is known to be missing from the chain because a model was not available.
    pub has_hidden_fallback: bool,
}

impl Recorded<'_> {
    /// The model decided for, else the one asked first.
    fn first_model(&self) -> Option<&str> {
        self.model.or(self.chain.first().map(|link| link.model))
    }

    fn is_explored(&self) -> bool {
        self.rule == Some(EXPLORE)
    }

    /// A session held on its model says so in its reason or its rule.
    fn is_pinned(&self) -> bool {
        let words = [self.reason, self.rule];
        words.iter().flatten().any(|word| {
            word.split(|char: char| !char.is_alphanumeric())
                .any(|part| matches!(part, "pin" | "pinned" | "sticky" | "affinity"))
        })
    }
}

impl Policy {
    /// Judges a decision. `is_reconstructed`: another policy was recorded than this one, or none.
    pub fn judge(
        &self,
        facts: &Facts<'_>,
        recorded: &Recorded<'_>,
        is_reconstructed: bool,
    ) -> Judgement {
        if facts.is_empty() && recorded.rule.is_none() {
            let note = "the log has neither a rule nor a signal of the policy".to_owned();
            return Judgement::without_policy(vec![note], recorded.chain.len());
        }
        let possible = self.possible_rules(facts);
        let mut tiers: Vec<TierIdx> = self.tiers_of_rules(&possible);
        tiers.sort_unstable();
        tiers.dedup();
        let deciding = self.rule_for(facts);
        let is_decidable = tiers.len() < 2;
        let (verdict, drift, notes) = if is_decidable {
            self.verdict(deciding, &possible, recorded, is_reconstructed)
        } else {
            let note = self.why_undecidable(facts, recorded);
            (Verdict::Undecidable, None, vec![note])
        };
        let rule = self.rules().get(deciding).filter(|_| is_decidable);
        let mut rules = self.trace(facts);
        for rule in rules.iter_mut().filter(|_| !is_decidable) {
            rule.is_deciding = false;
        }
        Judgement {
            verdict,
            drift,
            notes,
            policy: Some(self.id().to_owned()),
            is_reconstructed,
            decided_by: rule.map(|rule| rule.name.clone()),
            tier: rule.map(|rule| self.tier_name(rule.tier).to_owned()),
            models: rule
                .and_then(|rule| self.tiers().get(rule.tier))
                .map_or_else(Vec::new, |tier| tier.models.clone()),
            because: rule.and_then(|rule| rule.because.clone()),
            possible_rules: self.rule_names(&possible),
            possible_tiers: tiers
                .iter()
                .map(|tier| self.tier_name(*tier).to_owned())
                .collect(),
            missing: self.missing_names(facts),
            rules,
            flips: if is_decidable {
                self.flips(facts)
            } else {
                Vec::new()
            },
            steps: self.check_steps(facts, recorded.chain),
        }
    }

    fn tiers_of_rules(&self, rules: &[RuleIdx]) -> Vec<TierIdx> {
        let rules = rules.iter().filter_map(|rule| self.rules().get(*rule));
        rules.map(|rule| rule.tier).collect()
    }

    fn rule_names(&self, rules: &[RuleIdx]) -> Vec<String> {
        let rules = rules.iter().filter_map(|rule| self.rules().get(*rule));
        rules.map(|rule| rule.name.clone()).collect()
    }

    fn missing_names(&self, facts: &Facts<'_>) -> Vec<String> {
        let missing = self.missing(facts);
        let signals = missing
            .iter()
            .filter_map(|signal| self.vocabulary().signal(*signal));
        signals.map(|signal| signal.name.clone()).collect()
    }

    fn why_undecidable(&self, facts: &Facts<'_>, recorded: &Recorded<'_>) -> String {
        let lacks = format!("the log lacks {}", self.missing_names(facts).join(", "));
        match recorded.rule {
            Some(rule) => format!("rule {rule} as recorded, which cannot be checked: {lacks}"),
            None => lacks,
        }
    }

    /// Decides on the first word, where the tier is certain.
    fn verdict(
        &self,
        deciding: RuleIdx,
        possible: &[RuleIdx],
        recorded: &Recorded<'_>,
        is_reconstructed: bool,
    ) -> (Verdict, Option<Drift>, Vec<String>) {
        let tier = self.rules().get(deciding).map_or(0, |rule| rule.tier);
        let mut notes = Vec::new();
        if let Some(note) = self.model_drift(tier, recorded, &mut notes) {
            notes.push(note);
            return (Verdict::Drift, Some(Drift::Model), notes);
        }
        let is_exempt = recorded.is_explored() || recorded.is_pinned();
        if let Some(rule) = recorded.rule.filter(|_| !is_exempt)
            && let Some(note) = self.rule_drift(rule, possible, recorded, is_reconstructed)
        {
            notes.push(note);
            return (Verdict::Drift, Some(Drift::Rule), notes);
        }
        let is_otherwise = deciding + 1 == self.rules().len();
        let verdict = if recorded.is_explored() {
            Verdict::Explore
        } else if recorded.is_pinned() {
            Verdict::Pinned
        } else if is_otherwise {
            Verdict::Otherwise
        } else {
            Verdict::Rule
        };
        (verdict, None, notes)
    }

    /// Says how the model differs from the tier, unless a coin, a pin or a missing model explains it.
    fn model_drift(
        &self,
        tier: TierIdx,
        recorded: &Recorded<'_>,
        notes: &mut Vec<String>,
    ) -> Option<String> {
        let is_of = |tier: TierIdx, model: &str| {
            let models = self.tiers().get(tier).map(|tier| &tier.models);
            models.is_some_and(|models| models.iter().any(|known| known == model))
        };
        let name = self.tier_name(tier);
        let Some(model) = recorded.first_model() else {
            let other = recorded.tier.filter(|logged| *logged != name)?;
            let is_coin = recorded.is_explored() || recorded.is_pinned();
            return (!is_coin).then(|| format!("expected tier {name}, got tier {other}"));
        };
        if is_of(tier, model) {
            return None;
        }
        let coin_sides = self.explore().map_or([tier; 2], |explore| explore.between);
        if recorded.is_explored() && coin_sides.iter().any(|side| is_of(*side, model)) {
            return None;
        }
        if recorded.is_pinned() {
            notes.push(format!("the session is held on {model}"));
            return None;
        }
        if recorded.has_hidden_fallback {
            notes.push(format!(
                "{model} answered because another model was not available"
            ));
            return None;
        }
        let models = self.tiers().get(tier).map(|tier| tier.models.join(" or "));
        Some(format!(
            "expected tier {name} ({}), got {model}",
            models.unwrap_or_default()
        ))
    }

    fn rule_drift(
        &self,
        rule: &str,
        possible: &[RuleIdx],
        recorded: &Recorded<'_>,
        is_reconstructed: bool,
    ) -> Option<String> {
        let known = self.rules().iter().position(|known| known.name == rule);
        let other = || match recorded.policy {
            Some(policy) => format!("another policy was recorded, {policy}"),
            None => "no policy was recorded".to_owned(),
        };
        match known {
            Some(known) if possible.contains(&known) => None,
            Some(_) if is_reconstructed => Some(format!("recorded is rule {rule}; {}", other())),
            Some(_) => Some(format!(
                "recorded is rule {rule}: a signal may have been logged after the decision, or rounded"
            )),
            // The rules of another policy have other names, which says nothing of this one.
            None if is_reconstructed && recorded.policy.is_none() => None,
            None if is_reconstructed => Some(format!(
                "recorded is rule {rule}, which this policy does not have; {}",
                other()
            )),
            None => Some(format!(
                "recorded is rule {rule}, which this policy does not have"
            )),
        }
    }
}

/// Returns the clause that separates the recorded rule from the deciding one: the first of the
/// recorded rule that does not hold, else the closest of the deciding rule.
pub fn separating_clause<'a>(
    rules: &'a [RuleTrace],
    recorded: &str,
) -> Option<(&'a RuleTrace, &'a crate::stats::ClauseTrace)> {
    let named = rules.iter().find(|rule| rule.name == recorded);
    let failing = named.and_then(|rule| {
        let clause = rule
            .clauses
            .iter()
            .find(|clause| clause.result != Truth::Holds);
        clause.map(|clause| (rule, clause))
    });
    failing.or_else(|| {
        let rule = rules.iter().find(|rule| rule.is_deciding)?;
        let distance = |margin: Option<f64>| margin.map_or(f64::INFINITY, f64::abs);
        let closest = rule
            .clauses
            .iter()
            .min_by(|a, b| distance(a.margin).total_cmp(&distance(b.margin)))?;
        Some((rule, closest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AttemptOutcome;
    use crate::policy::fixture::essay;

    const WITH_COIN: &str = "policy \"p\" version 1 tier a is x tier b is y tier c is z
        rule r: when the task is planning use b
        otherwise use a
        explore 10 percent between a and b";

    fn judged(
        policy: &Policy,
        class: Option<&str>,
        recorded: Recorded<'_>,
    ) -> (Verdict, Option<Drift>) {
        let mut facts = policy.facts();
        if let Some(class) = class {
            facts.set("task_class", class);
        }
        let judgement = policy.judge(&facts, &recorded, false);
        (judgement.verdict, judgement.drift)
    }

    #[test]
    fn every_first_word_has_its_case() {
        let policy = Policy::parse(WITH_COIN).unwrap();
        let one = |rule: Option<&'static str>, model: Option<&'static str>| Recorded {
            rule,
            model,
            ..Recorded::default()
        };
        let planning = Some("planning");
        for (class, recorded, expected) in [
            (planning, one(Some("r"), Some("y")), (Verdict::Rule, None)),
            (planning, one(None, None), (Verdict::Rule, None)),
            (
                Some("extraction"),
                one(None, Some("x")),
                (Verdict::Otherwise, None),
            ),
            (
                planning,
                one(Some("explore"), Some("x")),
                (Verdict::Explore, None),
            ),
            (
                planning,
                one(Some("explore"), Some("z")),
                (Verdict::Drift, Some(Drift::Model)),
            ),
            (
                planning,
                one(Some("r"), Some("x")),
                (Verdict::Drift, Some(Drift::Model)),
            ),
            (
                planning,
                one(Some("otherwise"), Some("x")),
                (Verdict::Drift, Some(Drift::Model)),
            ),
            (
                planning,
                one(Some("otherwise"), Some("y")),
                (Verdict::Drift, Some(Drift::Rule)),
            ),
            (
                None,
                one(Some("r"), Some("y")),
                (Verdict::Undecidable, None),
            ),
            (None, one(None, None), (Verdict::NoPolicy, None)),
        ] {
            assert_eq!(
                judged(&policy, class, recorded),
                expected,
                "{class:?} {recorded:?}"
            );
        }
    }

    #[test]
    fn pins_and_missing_models_explain_another_model() {
        let policy = Policy::parse(WITH_COIN).unwrap();
        let pinned = Recorded {
            reason: Some("session_pin"),
            model: Some("z"),
            ..Recorded::default()
        };
        assert_eq!(
            judged(&policy, Some("planning"), pinned),
            (Verdict::Pinned, None)
        );
        let other_rule = Recorded {
            rule: Some("otherwise"),
            ..pinned
        };
        assert_eq!(
            judged(&policy, Some("planning"), other_rule),
            (Verdict::Pinned, None)
        );
        let hidden = Recorded {
            model: Some("z"),
            has_hidden_fallback: true,
            ..Recorded::default()
        };
        assert_eq!(
            judged(&policy, Some("planning"), hidden),
            (Verdict::Rule, None)
        );
        // A fallback that the chain shows: the model decided for was asked first.
        let chain = [("y", AttemptOutcome::Error), ("x", AttemptOutcome::Ok)];
        let chain = chain.map(|(model, outcome)| ChainLink {
            model,
            tier: None,
            outcome,
            reason: None,
        });
        let shown = Recorded {
            chain: &chain,
            ..Recorded::default()
        };
        assert_eq!(
            judged(&policy, Some("planning"), shown),
            (Verdict::Rule, None)
        );
    }

    #[test]
    fn missing_signals_that_change_nothing_leave_it_decidable() {
        let policy = essay();
        let facts = policy.facts().with("task_class", "high_stakes");
        let judgement = policy.judge(&facts, &Recorded::default(), false);
        assert_eq!(judgement.verdict, Verdict::Rule);
        assert_eq!(judgement.tier.as_deref(), Some("strongest"));
        let facts = policy.facts().with("task_class", "extraction");
        let recorded = Recorded {
            rule: Some("light-work"),
            ..Recorded::default()
        };
        let judgement = policy.judge(&facts, &recorded, false);
        assert_eq!(judgement.verdict, Verdict::Undecidable);
        assert_eq!(judgement.possible_tiers, ["fast", "standard"]);
        assert_eq!(judgement.possible_rules, ["ambiguous", "light-work"]);
        assert_eq!((judgement.decided_by, judgement.tier), (None, None));
        assert!(judgement.rules.iter().all(|rule| !rule.is_deciding));
        assert!(judgement.missing.contains(&"input_complexity".to_owned()));
    }

    #[test]
    fn the_clause_between_two_rules_is_found() {
        let policy = essay();
        let facts = policy
            .facts()
            .with("task_class", "grounded_answer")
            .with("retrieval_confidence", 0.6)
            .with("input_complexity", 0.1)
            .with("session_fallbacks", 0_u32);
        let trace = policy.trace(&facts);
        let (rule, clause) = separating_clause(&trace, "well-grounded").unwrap();
        assert_eq!(rule.name, "thin-evidence");
        assert_eq!(clause.signal, "retrieval_confidence");
        let (rule, clause) = separating_clause(&trace, "ambiguous").unwrap();
        assert_eq!(
            (rule.name.as_str(), clause.signal.as_str()),
            ("ambiguous", "input_complexity")
        );
    }
}

//! A stored decision held against the policy: the verdict, and everything that stands behind it.

use super::evaluate::RuleIdx;
use super::facts::Facts;
use super::policy::Policy;
use super::recorded::Recorded;
use super::rule::TierIdx;
use super::verdict::{Oddity, Ruling};
use crate::stats::{Judgement, RuleTrace, Truth, Verdict};

/// A margin below this is shown as "on the line": a router may have rounded the value.
pub const ON_THE_LINE: f64 = 0.005;

impl Policy {
    /// Judges a decision. `is_reconstructed`: another policy was recorded than this one, or none.
    pub fn judge(
        &self,
        facts: &Facts<'_>,
        recorded: &Recorded<'_>,
        is_reconstructed: bool,
    ) -> Judgement {
        let possible = self.possible_rules(facts);
        let ruling = self.ruling(facts, &possible, recorded, is_reconstructed);
        if ruling.verdict == Verdict::NoPolicy {
            let note = "the log has neither a rule nor a signal of the policy".to_owned();
            return Judgement::without_policy(vec![note], recorded.chain.len());
        }
        let mut tiers: Vec<TierIdx> = self.tiers_of_rules(&possible);
        tiers.sort_unstable();
        tiers.dedup();
        let is_decidable = ruling.rule.is_some();
        let rule = ruling.rule.and_then(|rule| self.rules().get(rule));
        let mut rules = self.trace(facts);
        for rule in rules.iter_mut().filter(|_| !is_decidable) {
            rule.is_deciding = false;
        }
        Judgement {
            verdict: ruling.verdict,
            drift: ruling.drift,
            notes: self.notes(ruling, facts, recorded, is_reconstructed),
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
            Some(rule) => format!("rule {rule}, as recorded, cannot be checked: {lacks}"),
            None => lacks,
        }
    }

    /// Says in sentences what a ruling found.
    fn notes(
        &self,
        ruling: Ruling,
        facts: &Facts<'_>,
        recorded: &Recorded<'_>,
        is_reconstructed: bool,
    ) -> Vec<String> {
        if ruling.verdict == Verdict::Undecidable {
            let mut notes = vec![self.why_undecidable(facts, recorded)];
            let named = self
                .rules()
                .iter()
                .find(|rule| Some(rule.name.as_str()) == recorded.rule);
            notes.extend(named.map(|rule| format!("it says: {}", self.rule_in_words(rule))));
            return notes;
        }
        let tier = ruling.rule.map_or(0, |rule| self.tier_of_rule(rule));
        let name = self.tier_name(tier);
        let model = recorded.first_model().unwrap_or_default();
        let note = match ruling.oddity {
            Oddity::None => None,
            Oddity::Held => Some(format!("the session is held on {model}")),
            Oddity::Unavailable => Some(format!(
                "{model} answered because another model was not available"
            )),
            Oddity::Tier => {
                let other = recorded.tier.unwrap_or_default();
                Some(format!("expected tier {name}, got tier {other}"))
            }
            Oddity::Model => {
                let models = self.tiers().get(tier).map(|tier| tier.models.join(" or "));
                let models = models.unwrap_or_default();
                Some(format!("expected tier {name} ({models}), got {model}"))
            }
            Oddity::Rule => Some(self.why_another_rule(recorded, is_reconstructed)),
        };
        note.into_iter().collect()
    }

    fn why_another_rule(&self, recorded: &Recorded<'_>, is_reconstructed: bool) -> String {
        let rule = recorded.rule.unwrap_or_default();
        let is_known = self.rules().iter().any(|known| known.name == rule);
        let other = match recorded.policy {
            Some(policy) => format!("another policy was recorded, {policy}"),
            None => "no policy was recorded".to_owned(),
        };
        match (is_known, is_reconstructed) {
            (true, true) => format!("recorded is rule {rule}; {other}"),
            (true, false) => format!(
                "recorded is rule {rule}: a signal may have been logged after the decision, or rounded"
            ),
            (false, true) => {
                format!("recorded is rule {rule}, which this policy does not have; {other}")
            }
            (false, false) => format!("recorded is rule {rule}, which this policy does not have"),
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
    use crate::policy::ChainLink;
    use crate::policy::fixture::essay;
    use crate::stats::Drift;

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

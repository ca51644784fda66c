//! What may have been decided where the log lacks signals.

use super::evaluate::{RuleIdx, all};
use super::facts::{Fact, Facts};
use super::policy::Policy;
use super::vocabulary::{SignalIdx, SignalKind};
use crate::stats::Truth;

/// The most combinations of missing values that are tried one by one.
const COMBINATIONS_MAX: usize = 50_000;
/// Stands for every word that a policy does not know.
const ANY_OTHER: &str = "any other";

impl Policy {
    /// Returns the signals that the rules ask for and of which nothing was said.
    pub fn missing(&self, facts: &Facts<'_>) -> Vec<SignalIdx> {
        let mut asked = self.asked();
        asked.retain(|signal| facts.fact(*signal) == Fact::Absent);
        asked
    }

    /// Returns every rule that decides for some values of the missing signals, "unknown" among them;
    /// the one rule that decides when nothing is missing.
    ///
    /// Exact up to 50,000 combinations; beyond that a rule is listed when nothing rules it out.
    pub fn possible_rules(&self, facts: &Facts<'_>) -> Vec<RuleIdx> {
        let missing: Vec<(SignalIdx, Vec<Fact<'static>>)> = self
            .missing(facts)
            .into_iter()
            .map(|signal| (signal, self.open_values(signal)))
            .collect();
        let combinations = missing
            .iter()
            .try_fold(1_usize, |product, (_, values)| {
                product.checked_mul(values.len())
            })
            .filter(|product| *product <= COMBINATIONS_MAX);
        let Some(combinations) = combinations else {
            return self.not_ruled_out(facts);
        };
        let mut found = vec![false; self.rules().len()];
        let mut tried = facts.clone();
        for combination in 0..combinations {
            let mut rest = combination;
            for (signal, values) in &missing {
                let fact = values.get(rest % values.len()).copied().unwrap_or_default();
                tried.put(*signal, fact);
                rest /= values.len();
            }
            if let Some(place) = found.get_mut(self.rule_for(&tried)) {
                *place = true;
            }
        }
        places(&found)
    }

    fn open_values(&self, signal: SignalIdx) -> Vec<Fact<'static>> {
        let mut values = self.candidates(signal);
        values.push(Fact::Unknown);
        let kind = self.vocabulary().signal(signal).map(|signal| &signal.kind);
        if matches!(kind, Some(SignalKind::Words { .. })) {
            values.push(Fact::Foreign(ANY_OTHER));
        }
        values
    }

    /// Goes through the rules until one holds for certain; what is absent may be anything.
    fn not_ruled_out(&self, facts: &Facts<'_>) -> Vec<RuleIdx> {
        let mut found = vec![false; self.rules().len()];
        for (rule, place) in self.rules().iter().zip(&mut found) {
            let truth = all(rule.clauses.iter().map(|clause| {
                match facts.fact(clause.signal) {
                    Fact::Absent => Truth::Unknown,
                    // A comparison with what is logged as unknown never holds.
                    fact => match clause.truth(fact) {
                        Truth::Unknown => Truth::Fails,
                        truth => truth,
                    },
                }
            }));
            *place = truth != Truth::Fails;
            if truth == Truth::Holds {
                break;
            }
        }
        places(&found)
    }
}

fn places(found: &[bool]) -> Vec<RuleIdx> {
    let found = found.iter().enumerate().filter(|(_, is_in)| **is_in);
    found.map(|(idx, _)| idx).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;

    fn names(policy: &Policy, rules: &[RuleIdx]) -> Vec<String> {
        rules
            .iter()
            .map(|rule| policy.rules()[*rule].name.clone())
            .collect()
    }

    #[test]
    fn the_class_alone_rules_most_rules_out() {
        let policy = essay();
        let facts = policy.facts().with("task_class", "planning");
        assert_eq!(
            names(&policy, &policy.possible_rules(&facts)),
            ["shaky-session", "plan"]
        );
        let facts = facts.with("session_fallbacks", None::<u32>);
        assert_eq!(names(&policy, &policy.possible_rules(&facts)), ["plan"]);
        assert_eq!(policy.possible_rules(&policy.facts()).len(), 9);
    }

    #[test]
    fn what_nothing_rules_out_holds_all_that_is_possible() {
        let policy = essay();
        for class in ["planning", "extraction", "grounded_answer", "poetry"] {
            let facts = policy.facts().with("task_class", class);
            let exact = policy.possible_rules(&facts);
            let wide = policy.not_ruled_out(&facts);
            assert!(exact.iter().all(|rule| wide.contains(rule)), "{class}");
        }
    }
}

//! From facts to a rule: quickly, and with a full trace.

use super::facts::{Fact, Facts};
use super::policy::Policy;
use super::rule::{Clause, Comparison, Rule, Test};
use super::vocabulary::SignalIdx;
use crate::stats::{ClauseTrace, Given, Needed, RuleTrace, Truth};

/// The place of a rule in [`Policy::rules`].
pub type RuleIdx = usize;

impl Clause {
    /// Tells whether the clause holds. A comparison with what is not known is unknown.
    pub(super) fn truth(&self, fact: Fact<'_>) -> Truth {
        let is_known = !matches!(fact, Fact::Absent | Fact::Unknown);
        let holds = match (&self.test, fact) {
            (Test::IsKnown(wanted), _) => is_known == *wanted,
            (_, Fact::Absent | Fact::Unknown) => return Truth::Unknown,
            (Test::OneOf { words, is_negated }, Fact::Word(idx)) => {
                words.get(idx).copied().unwrap_or_default() != *is_negated
            }
            (Test::OneOf { is_negated, .. }, Fact::Foreign(_)) => *is_negated,
            (Test::AtLeastWord(least), Fact::Word(idx)) => idx >= *least,
            (Test::Is(wanted), Fact::YesNo(value)) => value == *wanted,
            (
                Test::Compare {
                    comparison,
                    threshold,
                },
                Fact::Number(value),
            ) => comparison.holds(value, *threshold),
            // A word that is not in the order, or a value of another kind: it cannot be compared.
            _ => return Truth::Unknown,
        };
        if holds { Truth::Holds } else { Truth::Fails }
    }
}

/// Joins clauses by "and": fails when one fails, else is unknown when one is.
pub(super) fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    truths
        .into_iter()
        .fold(Truth::Holds, |so_far, next| match (so_far, next) {
            (Truth::Fails, _) | (_, Truth::Fails) => Truth::Fails,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            (Truth::Holds, Truth::Holds) => Truth::Holds,
        })
}

impl Policy {
    /// Returns the rule that decides: the first of which every clause holds. Asks for no memory.
    pub fn rule_for(&self, facts: &Facts<'_>) -> RuleIdx {
        self.deciding(|signal| facts.fact(signal))
    }

    /// The same over facts held elsewhere.
    pub(super) fn deciding<'a>(&self, fact: impl Fn(SignalIdx) -> Fact<'a>) -> RuleIdx {
        let matches = |rule: &Rule| {
            rule.clauses
                .iter()
                .all(|clause| clause.truth(fact(clause.signal)) == Truth::Holds)
        };
        let last = self.rules().len().saturating_sub(1);
        self.rules().iter().position(matches).unwrap_or(last)
    }

    /// Evaluates every clause of every rule, whether or not an earlier rule matched.
    pub fn trace(&self, facts: &Facts<'_>) -> Vec<RuleTrace> {
        let deciding = self.rule_for(facts);
        self.rules()
            .iter()
            .enumerate()
            .map(|(idx, rule)| {
                let clauses: Vec<ClauseTrace> = rule
                    .clauses
                    .iter()
                    .map(|clause| self.trace_clause(clause, facts))
                    .collect();
                RuleTrace {
                    name: rule.name.clone(),
                    tier: self.tier_name(rule.tier).to_owned(),
                    because: rule.because.clone(),
                    result: all(clauses.iter().map(|clause| clause.result)),
                    is_deciding: idx == deciding,
                    clauses,
                }
            })
            .collect()
    }

    fn trace_clause(&self, clause: &Clause, facts: &Facts<'_>) -> ClauseTrace {
        let fact = facts.fact(clause.signal);
        let words = |is_in: &dyn Fn(usize) -> bool| {
            let words = self.vocabulary().words(clause.signal).iter().enumerate();
            Needed::OneOf(
                words
                    .filter(|(idx, _)| is_in(*idx))
                    .map(|(_, word)| Given::Word(word.clone()))
                    .collect(),
            )
        };
        let (operator, needed, margin) = match &clause.test {
            Test::OneOf {
                words: mask,
                is_negated,
            } => {
                let is_in = |idx: usize| mask.get(idx).copied().unwrap_or_default() != *is_negated;
                ("in", words(&is_in), None)
            }
            Test::AtLeastWord(least) => ("in", words(&|idx| idx >= *least), None),
            Test::Is(wanted) => ("in", Needed::OneOf(vec![Given::YesNo(*wanted)]), None),
            Test::IsKnown(true) => ("known", Needed::Nothing, None),
            Test::IsKnown(false) => ("unknown", Needed::Nothing, None),
            Test::Compare {
                comparison,
                threshold,
            } => (
                comparison.operator(),
                Needed::Number(*threshold),
                margin(*comparison, *threshold, fact),
            ),
        };
        ClauseTrace {
            text: clause.text.clone(),
            signal: self
                .vocabulary()
                .signal(clause.signal)
                .map_or_else(String::new, |signal| signal.name.clone()),
            actual: facts.given(clause.signal),
            is_logged: fact != Fact::Absent,
            operator,
            needed,
            result: clause.truth(fact),
            margin,
        }
    }
}

fn margin(comparison: Comparison, threshold: f64, fact: Fact<'_>) -> Option<f64> {
    match fact {
        Fact::Number(value) => Some(comparison.margin(value, threshold)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::policy::fixture::essay;

    fn rule(policy: &Policy, facts: &Facts<'_>) -> String {
        policy.rules()[policy.rule_for(facts)].name.clone()
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let policy = essay();
        for (class, retrieval, expected) in [
            ("high_stakes", None, "finalize-high-stakes"),
            ("planning", None, "plan"),
            ("grounded_answer", Some(0.61), "thin-evidence"),
            ("grounded_answer", Some(0.62), "well-grounded"),
            ("grounded_answer", None, "unscored-evidence"),
            ("extraction", None, "light-work"),
            ("poetry", None, "otherwise"),
        ] {
            let facts = policy
                .facts()
                .with("task_class", class)
                .with("retrieval_confidence", retrieval)
                .with("session_fallbacks", 0_u32)
                .with("input_complexity", 0.31);
            assert_eq!(rule(&policy, &facts), expected, "{class} {retrieval:?}");
        }
        assert_eq!(rule(&policy, &policy.facts()), "otherwise");
    }

    #[test]
    fn the_trace_tells_every_clause_with_its_margin() {
        let policy = essay();
        let facts = policy
            .facts()
            .with("task_class", "grounded_answer")
            .with("retrieval_confidence", 0.58)
            .with("input_complexity", None::<f64>)
            .with("session_fallbacks", 0_u32);
        let trace = policy.trace(&facts);
        assert_eq!(trace.len(), 9);
        let deciding: Vec<_> = trace.iter().filter(|rule| rule.is_deciding).collect();
        assert_eq!(deciding[0].name, "thin-evidence");
        assert_eq!(deciding.len(), 1);
        let margin = deciding[0].clauses[1].margin.unwrap();
        assert!((margin - 0.04).abs() < 1e-9);
        assert_eq!(deciding[0].clauses[1].operator, "<");
        let shaky = &trace[1];
        assert_eq!(shaky.result, Truth::Fails);
        assert_eq!(shaky.clauses[0].margin, Some(-3.0));
        assert_eq!(shaky.clauses[1].result, Truth::Holds, "no short cut");
        assert!(matches!(&shaky.clauses[1].needed, Needed::OneOf(words) if words.len() == 6));
        assert_eq!(trace[3].result, Truth::Unknown);
        assert!(trace[3].clauses[0].is_logged);
        assert_eq!(trace[8].result, Truth::Holds, "otherwise always holds");
    }

    #[test]
    fn a_foreign_word_is_none_of_a_list_and_has_no_order() {
        let text = "policy \"p\" version 1 tier a is x tier b is y
            rule not-free: when the user is not free use b
            rule paid: when the user is at least pro use b
            otherwise use a";
        let policy = Policy::parse(text).unwrap();
        let facts = policy.facts().with("user_tier", "platinum");
        let trace = policy.trace(&facts);
        assert_eq!(trace[0].result, Truth::Holds);
        assert_eq!(trace[1].result, Truth::Unknown);
        assert_eq!(trace[1].clauses[0].actual, Given::Word("platinum".into()));
    }
}

//! Thresholds that differ between two policies, rule by rule.

use super::policy::Policy;
use super::rule::{Clause, Comparison, Test};
use crate::stats::changes::ThresholdMove;

/// Returns the thresholds of rules of the same name that are others in `after`, in its order.
pub fn threshold_moves(before: &Policy, after: &Policy) -> Vec<ThresholdMove> {
    let mut moves = Vec::new();
    for rule in after.rules() {
        let Some(known) = before.rules().iter().find(|known| known.name == rule.name) else {
            continue;
        };
        for (signal, comparison, threshold) in compared(after, &rule.clauses) {
            let was = compared(before, &known.clauses)
                .find(|was| was.0 == signal && was.1 == comparison)
                .map(|was| was.2);
            let moved = was.filter(|was| (was - threshold).abs() > f64::EPSILON);
            moves.extend(moved.map(|was| ThresholdMove {
                rule: rule.name.clone(),
                clause: format!("{signal} {}", comparison.operator()),
                before: was,
                after: threshold,
            }));
        }
    }
    moves
}

/// Returns the clauses that compare a number: the signal, how, and the threshold.
fn compared<'p>(
    policy: &'p Policy,
    clauses: &'p [Clause],
) -> impl Iterator<Item = (&'p str, Comparison, f64)> {
    clauses.iter().filter_map(|clause| match clause.test {
        Test::Compare {
            comparison,
            threshold,
        } => Some((
            policy.vocabulary().signal(clause.signal)?.name.as_str(),
            comparison,
            threshold,
        )),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        Policy::parse(text).unwrap()
    }

    #[test]
    fn only_thresholds_of_the_same_rule_and_clause_are_compared() {
        let text = include_str!("../../assets/policies/essay.route");
        let before = policy(text);
        assert!(threshold_moves(&before, &before).is_empty());
        let edited = text.replacen(
            "retrieval_confidence is below 0.62",
            "retrieval_confidence is below 0.7",
            1,
        );
        assert_ne!(edited, text);
        let moves = threshold_moves(&before, &policy(&edited));
        assert_eq!(moves.len(), 1, "{moves:?}");
        let moved = moves.first().unwrap();
        assert_eq!(moved.clause, "retrieval_confidence <");
        assert!(moved.after > moved.before);
    }
}

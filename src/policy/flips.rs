//! The smallest change that would have given another tier: exact for one signal, pairs where no single
//! one does it.

use super::facts::{Fact, Facts};
use super::policy::Policy;
use super::rule::TierIdx;
use super::vocabulary::{SignalIdx, SignalKind};
use crate::stats::{Change, Flip};

/// A value that a signal might have had.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    signal: SignalIdx,
    fact: Fact<'static>,
    distance: f64,
}

impl Policy {
    /// Returns the smallest changes that give another tier, nearest first: for every signal and tier
    /// the nearest value that gives it, else the nearest pair of values for every tier.
    ///
    /// A change to "unknown" is none. Costs one decision a threshold and word, or the square of that.
    pub fn flips(&self, facts: &Facts<'_>) -> Vec<Flip> {
        let own = self.tier_of(facts);
        let candidates: Vec<Candidate> = self
            .asked()
            .into_iter()
            .flat_map(|signal| self.near(facts, signal))
            .collect();
        let mut found = Vec::new();
        for candidate in &candidates {
            self.keep(&mut found, facts, own, &[*candidate], |a, b| {
                a.first().map(|c| c.signal) == b.first().map(|c| c.signal)
            });
        }
        if found.is_empty() {
            for (idx, first) in candidates.iter().enumerate() {
                for second in candidates.iter().skip(idx + 1) {
                    if first.signal != second.signal {
                        self.keep(&mut found, facts, own, &[*first, *second], |_, _| true);
                    }
                }
            }
        }
        found.sort_by(|a, b| a.1.distance.total_cmp(&b.1.distance));
        found.into_iter().map(|(_, flip)| flip).collect()
    }

    fn tier_of(&self, facts: &Facts<'_>) -> TierIdx {
        let rule = self.rules().get(self.rule_for(facts));
        rule.map_or(0, |rule| rule.tier)
    }

    /// Keeps a change if it gives another tier and no nearer one is kept that does the same.
    fn keep(
        &self,
        found: &mut Vec<(Vec<Candidate>, Flip)>,
        facts: &Facts<'_>,
        own: TierIdx,
        changes: &[Candidate],
        is_same: impl Fn(&[Candidate], &[Candidate]) -> bool,
    ) {
        let rule = self.rules().get(self.deciding(|signal| {
            changes
                .iter()
                .find(|change| change.signal == signal)
                .map_or_else(|| facts.fact(signal), |change| change.fact)
        }));
        let Some(rule) = rule.filter(|rule| rule.tier != own) else {
            return;
        };
        let flip = Flip {
            tier: self.tier_name(rule.tier).to_owned(),
            rule: rule.name.clone(),
            changes: changes.iter().map(|c| self.change(facts, c)).collect(),
            distance: changes.iter().map(|change| change.distance).sum(),
            near: None,
        };
        let place = found
            .iter_mut()
            .find(|(kept, other)| other.tier == flip.tier && is_same(kept, changes));
        match place {
            Some(place) if place.1.distance <= flip.distance => {}
            Some(place) => *place = (changes.to_vec(), flip),
            None => found.push((changes.to_vec(), flip)),
        }
    }

    fn near(&self, facts: &Facts<'_>, signal: SignalIdx) -> Vec<Candidate> {
        let own = facts.fact(signal);
        self.candidates(signal)
            .into_iter()
            .filter(|fact| *fact != own)
            .map(|fact| Candidate {
                signal,
                fact,
                distance: self.distance(signal, own, fact),
            })
            .collect()
    }

    /// Numbers are as far apart as their part of the signal's range (of its greatest threshold for
    /// counts); anything else is 1 apart.
    fn distance(&self, signal: SignalIdx, from: Fact<'_>, to: Fact<'_>) -> f64 {
        let (Fact::Number(from), Fact::Number(to)) = (from, to) else {
            return 1.0;
        };
        let range = match self.vocabulary().signal(signal).map(|signal| &signal.kind) {
            Some(SignalKind::Number { low, high }) => high - low,
            _ => self
                .thresholds(signal)
                .last()
                .map_or(1.0, |last| last.max(1.0)),
        };
        (to - from).abs() / range
    }

    fn change(&self, facts: &Facts<'_>, candidate: &Candidate) -> Change {
        let signal = candidate.signal;
        let line = match (facts.fact(signal), candidate.fact) {
            (from, Fact::Number(to)) => self.line(signal, from, to),
            _ => None,
        };
        Change {
            signal: self
                .vocabulary()
                .signal(signal)
                .map_or_else(String::new, |signal| signal.name.clone()),
            from: facts.given(signal),
            to: self.facts().put_and_tell(signal, candidate.fact),
            line,
        }
    }

    /// Says a value as the side of the threshold that it stands on.
    fn line(&self, signal: SignalIdx, from: Fact<'_>, to: f64) -> Option<(&'static str, f64)> {
        let is_count = matches!(
            self.vocabulary().signal(signal).map(|signal| &signal.kind),
            Some(SignalKind::Count)
        );
        let near = |threshold: f64| {
            if is_count {
                (threshold - 1.0, threshold + 1.0)
            } else {
                (threshold.next_down(), threshold.next_up())
            }
        };
        let is_upwards = !matches!(from, Fact::Number(from) if from > to);
        let thresholds = self.thresholds(signal);
        if thresholds.contains(&to) {
            return Some((if is_upwards { ">=" } else { "<=" }, to));
        }
        thresholds.into_iter().find_map(|threshold| {
            let (below, above) = near(threshold);
            if to == above {
                Some((">", threshold))
            } else if to == below {
                Some(("<", threshold))
            } else {
                None
            }
        })
    }
}

impl Facts<'_> {
    fn put_and_tell(mut self, signal: SignalIdx, fact: Fact<'static>) -> crate::stats::Given {
        self.put(signal, fact);
        self.given(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;
    use crate::stats::Given;

    #[test]
    fn the_nearest_single_change_comes_first() {
        let policy = essay();
        let facts = policy
            .facts()
            .with("task_class", "grounded_answer")
            .with("retrieval_confidence", 0.58)
            .with("input_complexity", 0.31)
            .with("session_fallbacks", 0_u32);
        let flips = policy.flips(&facts);
        let first = &flips[0];
        assert_eq!(
            (first.tier.as_str(), first.rule.as_str()),
            ("fast", "well-grounded")
        );
        assert_eq!(first.changes[0].to, Given::Number(0.62));
        assert_eq!(first.changes[0].line, Some((">=", 0.62)));
        let strongest = flips.iter().find(|flip| flip.tier == "strongest").unwrap();
        assert_eq!(strongest.changes[0].to, Given::Word("high_stakes".into()));
        assert!(flips.iter().all(|flip| flip.changes.len() == 1));
    }

    #[test]
    fn pairs_are_tried_where_no_single_change_does_it() {
        let policy = Policy::parse(
            "policy \"p\" version 1 tier a is x tier b is y
             rule r: when tools are required and input_complexity is above 0.5 use b
             otherwise use a",
        )
        .unwrap();
        let facts = policy
            .facts()
            .with("tools_required", false)
            .with("input_complexity", 0.2);
        let flips = policy.flips(&facts);
        assert_eq!(flips.len(), 1);
        assert_eq!(flips[0].changes.len(), 2);
        assert_eq!(flips[0].changes[1].line, Some((">", 0.5)));
    }

    #[test]
    fn a_policy_of_one_tier_has_no_flips() {
        let policy = Policy::parse("policy \"p\" version 1 tier a is x otherwise use a").unwrap();
        assert!(policy.flips(&policy.facts()).is_empty());
    }
}

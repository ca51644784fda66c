//! Escalation steps of a chain, checked against the steps that the policy allows.

use super::evaluate::all;
use super::facts::Facts;
use super::policy::Policy;
use super::rule::{Escalation, TierIdx};
use super::vocabulary::TRIGGERS;
use crate::model::AttemptOutcome;
use crate::stats::{Step, Truth};

/// One attempt of a chain, as logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainLink<'a> {
    /// The model called.
    pub model: &'a str,
    /// The tier it was called for.
    pub tier: Option<&'a str>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it was escalated.
    pub reason: Option<&'a str>,
}

impl Policy {
    /// Tells of each attempt whether the policy allows the escalation that it led to.
    pub fn check_steps(&self, facts: &Facts<'_>, chain: &[ChainLink<'_>]) -> Vec<Step> {
        let mut taken = 0;
        chain
            .iter()
            .enumerate()
            .map(|(idx, link)| {
                if link.outcome != AttemptOutcome::Escalated {
                    return Step::default();
                }
                taken += 1;
                match chain.get(idx + 1) {
                    Some(next) => self.check_step(facts, link, next, taken),
                    None => Step::default(),
                }
            })
            .collect()
    }

    fn check_step(
        &self,
        facts: &Facts<'_>,
        from: &ChainLink<'_>,
        to: &ChainLink<'_>,
        taken: u32,
    ) -> Step {
        if taken > self.stop() {
            return refused(format!(
                "not allowed: the policy stops after {}",
                self.stop()
            ));
        }
        let Some(reason) = from.reason else {
            return Step {
                is_allowed: None,
                because: Some("the log does not say what triggered it".to_owned()),
            };
        };
        let (from_tiers, to_tiers) = (self.link_tiers(from), self.link_tiers(to));
        let Some(trigger) = TRIGGERS.iter().find(|trigger| trigger.reason == reason) else {
            return refused(format!("not allowed: `{reason}` is no trigger"));
        };
        let pairs = format!("{} -> {}", self.names(&from_tiers), self.names(&to_tiers));
        let lines = || {
            self.escalations().iter().filter(|line| {
                line.trigger == *trigger
                    && from_tiers.contains(&line.from)
                    && to_tiers.contains(&line.to)
            })
        };
        let truth = |line: &Escalation| {
            all(line
                .clauses
                .iter()
                .map(|clause| clause.truth(facts.fact(clause.signal))))
        };
        if let Some(line) = lines().find(|line| truth(line) == Truth::Holds) {
            return Step {
                is_allowed: Some(true),
                because: Some(format!("allowed by: {}", self.line_in_words(line))),
            };
        }
        match lines().find(|line| truth(line) == Truth::Unknown) {
            Some(line) => Step {
                is_allowed: None,
                because: Some(format!(
                    "not to be told: {} is not known",
                    self.line_in_words(line)
                )),
            },
            None => refused(format!(
                "not allowed: no line says {pairs} when the {}{}",
                trigger.words,
                if lines().next().is_some() {
                    " for such a request"
                } else {
                    ""
                }
            )),
        }
    }

    /// A model counts as its tiers in the policy, else as the tier that the log names.
    fn link_tiers(&self, link: &ChainLink<'_>) -> Vec<TierIdx> {
        let listed: Vec<TierIdx> = self.tiers_of(link.model).collect();
        if !listed.is_empty() {
            return listed;
        }
        let logged = self
            .tiers()
            .iter()
            .position(|tier| Some(tier.name.as_str()) == link.tier);
        logged.into_iter().collect()
    }

    fn names(&self, tiers: &[TierIdx]) -> String {
        let names: Vec<&str> = tiers.iter().map(|tier| self.tier_name(*tier)).collect();
        if names.is_empty() {
            "a model of no tier".to_owned()
        } else {
            names.join(" or ")
        }
    }

    fn line_in_words(&self, line: &Escalation) -> String {
        let mut words = format!(
            "{} -> {}",
            self.tier_name(line.from),
            self.tier_name(line.to)
        );
        for clause in &line.clauses {
            words.push_str(", ");
            words.push_str(&clause.text);
        }
        words
    }
}

fn refused(because: String) -> Step {
    Step {
        is_allowed: Some(false),
        because: Some(because),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;

    fn link<'a>(model: &'a str, reason: Option<&'a str>) -> ChainLink<'a> {
        ChainLink {
            model,
            tier: None,
            outcome: if reason.is_some() {
                AttemptOutcome::Escalated
            } else {
                AttemptOutcome::Ok
            },
            reason,
        }
    }

    fn allowed(user: Option<&str>, chain: &[ChainLink<'_>]) -> Vec<Option<bool>> {
        let policy = essay();
        let mut facts = policy.facts();
        if let Some(user) = user {
            facts.set("user_tier", user);
        }
        let steps = policy.check_steps(&facts, chain);
        steps.iter().map(|step| step.is_allowed).collect()
    }

    #[test]
    fn steps_are_checked_with_their_trigger_and_clauses() {
        let under = Some("under_specified");
        let chain = [link("medium-1", under), link("large-1", None)];
        assert_eq!(allowed(Some("pro"), &chain), [Some(true), None]);
        assert_eq!(allowed(Some("free"), &chain), [Some(false), None]);
        assert_eq!(allowed(None, &chain), [None, None]);
        let two = [
            link("small-1", under),
            link("medium-1", under),
            link("reason-1", None),
        ];
        assert_eq!(allowed(Some("pro"), &two), [Some(true), Some(true), None]);
        let three = [
            link("small-1", under),
            link("medium-1", under),
            link("medium-1", under),
            link("large-1", None),
        ];
        assert_eq!(
            allowed(Some("pro"), &three),
            [Some(true), Some(false), Some(false), None],
            "standard to standard is no step, and two are the end"
        );
        for (reason, expected) in [("bored", Some(false)), ("drifting", Some(false))] {
            let chain = [link("medium-1", Some(reason)), link("large-1", None)];
            assert_eq!(allowed(Some("pro"), &chain)[0], expected, "{reason}");
        }
        let mut unsaid = [link("medium-1", under), link("large-1", None)];
        unsaid[0].reason = None;
        assert_eq!(allowed(Some("pro"), &unsaid), [None, None]);
    }
}

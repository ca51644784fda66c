//! The tests that stand in a policy's text.

use super::facts::Input;
use super::policy::Policy;

/// What came of one `expect` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The line as written.
    pub text: String,
    /// Where it stands: the 1-based line.
    pub line: usize,
    /// The rule that should decide.
    pub expected: String,
    /// The rule that decides.
    pub found: String,
}

impl Outcome {
    /// Tells whether the line holds.
    pub fn is_met(&self) -> bool {
        self.expected == self.found
    }
}

impl Policy {
    /// Runs the `expect` lines in order; a signal that a line does not name is unknown.
    pub fn test(&self) -> Vec<Outcome> {
        self.expects()
            .iter()
            .map(|expect| {
                let mut facts = self.facts();
                for (signal, given) in &expect.signals {
                    facts.set_at(*signal, Input::from(given));
                }
                let found = self.rules().get(self.rule_for(&facts));
                Outcome {
                    text: expect.text.clone(),
                    line: expect.span.line,
                    expected: expect.rule.clone(),
                    found: found.map_or_else(String::new, |rule| rule.name.clone()),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_does_not_hold_says_what_does() {
        let policy = Policy::parse(
            "policy \"p\" version 1 tier a is x tier b is y
             rule r: when the task is planning and tools are required use b
             otherwise use a
             expect r for planning with tools_required yes
             expect r for planning",
        )
        .unwrap();
        let outcomes = policy.test();
        assert!(outcomes[0].is_met());
        assert!(!outcomes[1].is_met());
        assert_eq!(
            (
                outcomes[1].found.as_str(),
                outcomes[1].line,
                outcomes[1].text.as_str()
            ),
            ("otherwise", 5, "expect r for planning")
        );
    }

    #[test]
    fn the_shipped_policies_pass() {
        for text in [
            include_str!("../../assets/policies/essay.route"),
            include_str!("../../assets/policies/starter.route"),
        ] {
            let outcomes = Policy::parse(text).unwrap().test();
            assert!(outcomes.len() >= 4);
            for outcome in outcomes {
                assert!(outcome.is_met(), "{outcome:?}");
            }
        }
    }
}

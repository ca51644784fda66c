//! The decision itself, as a router takes it: a tier, a model, and the coin where the policy flips one.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::facts::Facts;
use super::policy::Policy;
use super::rule::{Explore, TierIdx};

/// The rule that a decision records when a coin decided.
pub const EXPLORE: &str = "explore";
/// How many different values the coin has.
const COIN_SIDES: f64 = 9_007_199_254_740_992.0;

/// What a router does with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision<'a> {
    /// The rule that decided; [`EXPLORE`] when a coin overruled it.
    pub rule: &'a str,
    /// The tier.
    pub tier: &'a str,
    /// The tier's default model.
    pub model: &'a str,
    /// Why, in the policy's words; `None` for a coin.
    pub because: Option<&'a str>,
    /// The chance with which this tier was chosen for such a request: 1 unless the policy explores.
    pub propensity: f64,
}

impl Policy {
    /// Decides. Asks for no memory; the same request is always decided alike, since the coin is a
    /// hash (SipHash-2-4 with a zero key) of the policy's id, a zero byte and the request's id.
    pub fn decide(&self, facts: &Facts<'_>, request_id: &str) -> Decision<'_> {
        let deciding = self.rule_for(facts);
        let Some(rule) = self.rules().get(deciding) else {
            return self.decision("", None, 0, 1.0);
        };
        let Some(explore) = self.explore().filter(|e| e.between.contains(&rule.tier)) else {
            return self.decision(&rule.name, rule.because.as_deref(), rule.tier, 1.0);
        };
        let drawn = draw(explore, self.coin(request_id), rule.tier);
        if drawn == rule.tier {
            let propensity = 1.0 - explore.share / 2.0;
            return self.decision(&rule.name, rule.because.as_deref(), rule.tier, propensity);
        }
        self.decision(EXPLORE, None, drawn, explore.share / 2.0)
    }

    fn decision<'a>(
        &'a self,
        rule: &'a str,
        because: Option<&'a str>,
        tier: TierIdx,
        propensity: f64,
    ) -> Decision<'a> {
        let chosen = self.tiers().get(tier);
        Decision {
            rule,
            tier: chosen.map_or("", |tier| &tier.name),
            model: chosen
                .and_then(|tier| tier.models.first())
                .map_or("", String::as_str),
            because,
            propensity,
        }
    }

    /// Returns the coin of a request, 0 to 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are what an f64 holds exactly"
    )]
    fn coin(&self, request_id: &str) -> f64 {
        let mut hasher = SipHasher24::new();
        hasher.write(self.id().as_bytes());
        hasher.write_u8(0);
        hasher.write(request_id.as_bytes());
        (hasher.finish() >> 11) as f64 / COIN_SIDES
    }
}

/// Below half the share the coin falls on the first tier, below the share on the second, else the rule stands.
fn draw(explore: Explore, coin: f64, own: TierIdx) -> TierIdx {
    let [first, second] = explore.between;
    if coin < explore.share / 2.0 {
        first
    } else if coin < explore.share {
        second
    } else {
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "policy \"p\" version 1 tier a is x or y tier b is z tier c is w
        rule top: when the task is high_stakes use c because \"why\"
        otherwise use a
        explore 8 percent between a and b";

    #[test]
    fn coins_repeat_and_log_their_chance() {
        let policy = Policy::parse(TEXT).unwrap();
        let facts = policy.facts().with("task_class", "planning");
        let mut explored = 0;
        for idx in 0..20_000 {
            let id = format!("req-{idx}");
            let decision = policy.decide(&facts, &id);
            assert_eq!(decision, policy.decide(&facts, &id));
            if decision.tier == "a" {
                assert_eq!((decision.rule, decision.model), ("otherwise", "x"));
                assert!((decision.propensity - 0.96).abs() < 1e-12);
            } else {
                assert_eq!((decision.rule, decision.model), ("explore", "z"));
                assert!((decision.propensity - 0.04).abs() < 1e-12);
                explored += 1;
            }
        }
        // 800 are expected, with a standard deviation of 28.
        assert!((650..950).contains(&explored), "{explored}");
    }

    #[test]
    fn a_tier_outside_the_two_is_never_explored() {
        let policy = Policy::parse(TEXT).unwrap();
        let facts = policy.facts().with("task_class", "high_stakes");
        for idx in 0..200 {
            let decision = policy.decide(&facts, &idx.to_string());
            assert_eq!((decision.tier, decision.propensity), ("c", 1.0));
            assert_eq!(decision.because, Some("why"));
        }
    }
}

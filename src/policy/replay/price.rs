//! What changed requests would cost at the new tier's price: a bracket, without any statistics of outcomes.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::strata::Means;
use crate::model::{Name, Names};
use crate::policy::policy::Policy;
use crate::policy::rule::TierIdx;

/// The cost of the first calls of the changed requests, at the new tier's price and as logged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priced {
    /// How many requests: those whose first call ran elsewhere and has known tokens and cost.
    pub requests: u64,
    /// The lower end of the difference in dollars, over all of them.
    pub low_usd: f64,
    /// The upper end: one end is with answers as long as logged, the other with answers as long as the new tier's
    /// median of the class.
    pub high_usd: f64,
}

/// Sums from which the price of a token is fitted, dollars over tokens in and out.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    calls: f64,
    in_in: f64,
    in_out: f64,
    out_out: f64,
    in_cost: f64,
    out_cost: f64,
    tokens: f64,
    cost: f64,
}

/// The price of one token in and of one token out, in dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TokenPrice {
    input: f64,
    output: f64,
}

/// One call with all that a price needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) input: f64,
    pub(super) output: f64,
    pub(super) cost: f64,
}

impl Fit {
    fn add(&mut self, call: Call) {
        self.calls += 1.0;
        self.in_in += call.input * call.input;
        self.in_out += call.input * call.output;
        self.out_out += call.output * call.output;
        self.in_cost += call.input * call.cost;
        self.out_cost += call.output * call.cost;
        self.tokens += call.input + call.output;
        self.cost += call.cost;
    }

    fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.in_in += other.in_in;
        self.in_out += other.in_out;
        self.out_out += other.out_out;
        self.in_cost += other.in_cost;
        self.out_cost += other.out_cost;
        self.tokens += other.tokens;
        self.cost += other.cost;
    }

    /// Fits a list price by least squares; where all calls are of one shape, or a price would be negative, every
    /// token costs the same.
    fn price(&self) -> Option<TokenPrice> {
        if self.calls < 1.0 || self.tokens <= 0.0 {
            return None;
        }
        let determinant = self.in_in * self.out_out - self.in_out * self.in_out;
        let input = (self.in_cost * self.out_out - self.out_cost * self.in_out) / determinant;
        let output = (self.out_cost * self.in_in - self.in_cost * self.in_out) / determinant;
        let is_sound =
            determinant > 1e-6 * self.in_in * self.out_out && input >= 0.0 && output >= 0.0;
        let each = self.cost / self.tokens;
        Some(if is_sound {
            TokenPrice { input, output }
        } else {
            TokenPrice {
                input: each,
                output: each,
            }
        })
    }
}

/// Sums over the first calls of changed requests.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    calls: u64,
    input: f64,
    output: f64,
    cost: f64,
}

/// What is counted for prices.
#[derive(Debug, Clone, Default)]
pub(super) struct Prices {
    fits: HashMap<Name, Fit>,
    /// By class and new tier.
    moved: BTreeMap<(u64, TierIdx), Moved>,
}

impl Prices {
    /// Counts a call to a model.
    pub(super) fn add(&mut self, model: Name, call: Call) {
        self.fits.entry(model).or_default().add(call);
    }

    /// Counts the first call of a request of `class` that would go to `tier`.
    pub(super) fn add_moved(&mut self, class: u64, tier: TierIdx, call: Call) {
        let moved = self.moved.entry((class, tier)).or_default();
        moved.calls += 1;
        moved.input += call.input;
        moved.output += call.output;
        moved.cost += call.cost;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (model, fit) in &other.fits {
            self.fits.entry(*model).or_default().merge(fit);
        }
        for (key, from) in &other.moved {
            let into = self.moved.entry(*key).or_default();
            into.calls += from.calls;
            into.input += from.input;
            into.output += from.output;
            into.cost += from.cost;
        }
    }

    /// Returns the bracket; an error says which tier has no price, or that nothing could be priced.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(super) fn bracket(
        &self,
        policy: &Policy,
        names: &Names,
        means: &Means,
    ) -> Result<Priced, String> {
        let (mut requests, mut same, mut median) = (0, 0.0, 0.0);
        for ((class, tier), moved) in &self.moved {
            let price = self.price_of(policy, *tier, names).ok_or_else(|| {
                let tier = policy.tier_name(*tier);
                format!("no call to tier {tier} with known tokens and cost is in the window")
            })?;
            let with = |output: f64| price.input * moved.input + price.output * output - moved.cost;
            let own = means.class(*class, *tier).or_else(|| means.tier(*tier));
            let usual = own.and_then(|ran| ran.output.quantile(0.5));
            requests += moved.calls;
            same += with(moved.output);
            median += with(usual.map_or(moved.output, |tokens| tokens * moved.calls as f64));
        }
        if requests == 0 {
            return Err("no changed request has known tokens and cost".to_owned());
        }
        Ok(Priced {
            requests,
            low_usd: same.min(median),
            high_usd: same.max(median),
        })
    }

    /// The price of the tier's default model, else of those of its models that were called.
    fn price_of(&self, policy: &Policy, tier: TierIdx, names: &Names) -> Option<TokenPrice> {
        let models = &policy.tiers().get(tier)?.models;
        let fits: Vec<&Fit> = models
            .iter()
            .filter_map(|model| self.fits.get(&names.find(model)?))
            .collect();
        let default = models.first().and_then(|model| names.find(model));
        if let Some(fit) = default.and_then(|model| self.fits.get(&model)) {
            return fit.price();
        }
        let mut all = Fit::default();
        for fit in fits {
            all.merge(fit);
        }
        all.price()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_price_is_found_and_calls_of_one_shape_share_it() {
        let mut fit = Fit::default();
        let call = |input: f64, output: f64| Call {
            input,
            output,
            cost: input * 1e-5 + output * 3e-5,
        };
        fit.add(call(100.0, 10.0));
        let each = fit.price().unwrap();
        assert!((each.input - each.output).abs() < 1e-18);
        fit.add(call(20.0, 300.0));
        fit.add(call(700.0, 30.0));
        let price = fit.price().unwrap();
        assert!((price.input - 1e-5).abs() < 1e-12 && (price.output - 3e-5).abs() < 1e-12);
        assert_eq!(Fit::default().price(), None);
    }
}

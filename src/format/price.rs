//! What a call cost where its log does not say: tokens times the user's prices, marked as estimated.

use super::glob;
use crate::config::Price;
use crate::model::{Flags, Names, NanoUsd, Request};

/// Fills the cost of every call that has none, whose tokens are known and whose model has a price;
/// the first price whose pattern fits counts.
pub(super) fn estimate(prices: &[Price], names: &Names, request: &mut Request) {
    for attempt in &mut request.attempts {
        if attempt.cost.is_some() || !attempt.outcome.is_call() {
            continue;
        }
        let (Some(input), Some(output)) = (attempt.input_tokens, attempt.output_tokens) else {
            continue;
        };
        let model = names.text(attempt.model);
        let price = prices
            .iter()
            .find(|price| glob::matches(&price.models, model));
        if let Some(price) = price {
            attempt.cost = Some(cost(price, input, output));
            request.flags.set(Flags::COST_ESTIMATED);
        }
    }
}

/// Rounds once, half up, from exact pico-dollars.
fn cost(price: &Price, input: u32, output: u32) -> NanoUsd {
    let pico = u128::from(price.input_pico) * u128::from(input)
        + u128::from(price.output_pico) * u128::from(output);
    NanoUsd(i64::try_from((pico + 500) / 1_000).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attempt, AttemptOutcome, RequestId, Timestamp};

    fn price(models: &str, input_pico: u64, output_pico: u64) -> Price {
        Price {
            models: models.to_owned(),
            input_pico,
            output_pico,
        }
    }

    #[test]
    fn costs_are_exact_to_the_nano_dollar() {
        // $0.10 and $0.40 per million: 120 * 100 + 30 * 400 nano-dollars.
        assert_eq!(
            cost(&price("*", 100_000, 400_000), 120, 30),
            NanoUsd(24_000)
        );
        assert_eq!(cost(&price("*", 1, 0), 499, 0), NanoUsd(0));
        assert_eq!(cost(&price("*", 1, 0), 500, 0), NanoUsd(1));
        let most = price("*", 1_000_000_000_000, 1_000_000_000_000);
        assert_eq!(
            cost(&most, u32::MAX, u32::MAX),
            NanoUsd(8_589_934_590_000_000_000)
        );
    }

    #[test]
    fn only_unknown_costs_of_known_calls_are_estimated() {
        let mut names = Names::default();
        let mut attempt = |model: &str, outcome, tokens: Option<u32>, cost: Option<i64>| Attempt {
            input_tokens: tokens,
            output_tokens: tokens,
            cost: cost.map(NanoUsd),
            ..Attempt::new(names.intern(model), outcome)
        };
        let attempts = [
            attempt("gpt-4.1-nano", AttemptOutcome::Ok, Some(10), None),
            attempt("gpt-4.1", AttemptOutcome::Ok, Some(10), None),
            attempt("gpt-4.1", AttemptOutcome::Ok, Some(10), Some(7)),
            attempt("gpt-4.1", AttemptOutcome::Error, None, None),
            attempt("gpt-4.1", AttemptOutcome::Skipped, Some(10), None),
            attempt("other", AttemptOutcome::Ok, Some(10), None),
        ];
        let mut request = Request::new(RequestId::try_from_text("r").unwrap(), Timestamp(0));
        request.attempts = attempts.into_iter().collect();
        let prices = [price("*-nano", 1_000, 1_000), price("gpt*", 2_000, 2_000)];
        estimate(&prices, &names, &mut request);
        let costs: Vec<_> = request
            .attempts
            .iter()
            .map(|a| a.cost.map(|cost| cost.0))
            .collect();
        assert_eq!(costs, [Some(20), Some(40), Some(7), None, None, None]);
        assert!(request.flags.has(Flags::COST_ESTIMATED));
        let mut known = Request::new(RequestId::try_from_text("r").unwrap(), Timestamp(0));
        known.attempts.push(request.attempts[2].clone());
        estimate(&prices, &names, &mut known);
        assert!(!known.flags.has(Flags::COST_ESTIMATED));
    }
}

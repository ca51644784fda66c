//! Costs as slices keep them.

use crate::model::NanoUsd;

/// So many leading bits of a cost are kept.
const BITS: u32 = 7;

/// Returns the cost to its seven leading bits, rounded to the nearest: within 0.8 %, and as often over as
/// under, so that the sum over a slice is much nearer. A cost takes half the room that way.
pub(super) fn rounded(cost: NanoUsd) -> NanoUsd {
    let Some(shift) = cost
        .0
        .checked_ilog2()
        .and_then(|top| (top + 1).checked_sub(BITS))
    else {
        return cost;
    };
    let half = (1 << shift) >> 1;
    NanoUsd((cost.0.saturating_add(half) >> shift) << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        #[expect(clippy::cast_precision_loss, reason = "a share is compared")]
        fn it_is_near_and_stays_where_it_is(cost in 0_i64..9_000_000_000_000_000_000) {
            let near = rounded(NanoUsd(cost));
            prop_assert!((near.0 - cost).abs() as f64 <= 0.0079 * cost as f64, "{near:?}");
            prop_assert_eq!(rounded(near), near);
        }
    }
}

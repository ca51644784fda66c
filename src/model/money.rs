//! Money as integer nano-dollars: sums over millions of requests stay exact.

use serde::{Deserialize, Serialize};

/// An amount in billionths of a US dollar.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// Reads dollars; negative, infinite, not-a-number and absurd (over 9e9) values are no amount.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the value was checked to be finite, not negative and below 2^63"
    )]
    pub fn try_from_usd(usd: f64) -> Option<Self> {
        let nano = (usd * 1e9).round();
        // The given number is looked at too: a small negative one rounds to nothing.
        (usd >= 0.0 && (0.0..9.0e18).contains(&nano)).then_some(Self(nano as i64))
    }

    /// Returns the amount in dollars.
    #[expect(
        clippy::cast_precision_loss,
        reason = "15 digits of a dollar amount are enough"
    )]
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Returns the sum, capped at the largest amount.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_cent_are_exact() {
        assert_eq!(NanoUsd::try_from_usd(0.000_100_32), Some(NanoUsd(100_320)));
        assert_eq!(NanoUsd::try_from_usd(-0.1), None);
        assert_eq!(NanoUsd::try_from_usd(-1e-12), None);
        assert_eq!(NanoUsd::try_from_usd(-0.0), Some(NanoUsd(0)));
        assert_eq!(NanoUsd::try_from_usd(f64::NAN), None);
    }
}

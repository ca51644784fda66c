//! A share of events and how sure one can be of it.

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// A closed interval of shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end, at least 0.
    pub low: f64,
    /// The upper end, at most 1.
    pub high: f64,
}

impl Interval {
    /// Tells whether no share lies in both intervals.
    pub fn is_clear_of(self, other: Self) -> bool {
        self.low > other.high || self.high < other.low
    }
}

/// Returns the 95 % score interval of `hits` in `total` (Wilson 1927, J. Am. Stat. Assoc. 22:209);
/// `None` when `total` is 0.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub fn wilson(hits: u64, total: u64) -> Option<Interval> {
    let n = total as f64;
    wilson_share(hits.min(total) as f64 / n, n)
}

/// Returns the 95 % score interval of a share of `n` events, which need not be a whole number; `None`
/// when there are none.
pub(super) fn wilson_share(share: f64, n: f64) -> Option<Interval> {
    if n <= 0.0 {
        return None;
    }
    let z2 = Z * Z;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Some(Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn matches_published_values() {
        // Newcombe 1998, Stat. Med. 17:857, table I, method 3: 81/263, 15/148, 0/20, 1/29.
        for (hits, total, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson(hits, total).unwrap();
            assert!((interval.low - low).abs() < 5e-5, "{interval:?}");
            assert!((interval.high - high).abs() < 5e-5, "{interval:?}");
        }
        assert_eq!(wilson(0, 0), None);
    }

    proptest! {
        #[test]
        #[expect(clippy::cast_precision_loss, reason = "test values are small")]
        fn holds_the_share_and_stays_a_share(hits in 0_u64..10_000, more in 0_u64..10_000) {
            let total = hits + more;
            prop_assume!(total > 0);
            let interval = wilson(hits, total).unwrap();
            let share = hits as f64 / total as f64;
            prop_assert!(0.0 <= interval.low && interval.low <= share + 1e-12);
            prop_assert!(share <= interval.high + 1e-12 && interval.high <= 1.0);
        }
    }
}

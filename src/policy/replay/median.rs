//! How a median moves when shares at every border do, with the interval of Woodruff (1952, J. Am. Stat. Assoc.
//! 47:635): the borders at which the share is as far from a half as it is unsure.

use super::effect::{Effect, Estimate, Z};
use crate::model::Micros;
use crate::stats::Histogram;

/// The share of values up to each border, as logged.
pub(super) struct Curve {
    /// Borders in microseconds, ascending, with the share up to each.
    points: Vec<(u64, f64)>,
}

impl Curve {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(super) fn of(histogram: &Histogram) -> Self {
        let (mut so_far, all) = (0, histogram.count() as f64);
        let points = histogram.buckets().map(|(_, high, count)| {
            so_far += count;
            (high.0, so_far as f64 / all)
        });
        Self {
            points: points.collect(),
        }
    }

    /// Returns the border up to which a share of `target` lies, once `moved` is added to the share at every border;
    /// linear between two borders.
    fn border(&self, target: f64, moved: &mut impl FnMut(Micros) -> Option<f64>) -> Option<f64> {
        let (mut low, mut high) = (0, self.points.len());
        let mut share_at = |idx: usize| {
            let (border, share) = *self.points.get(idx)?;
            Some(share + moved(Micros(border))?)
        };
        while low < high {
            let middle = low + (high - low) / 2;
            if share_at(middle)? < target {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let last = self.points.len().checked_sub(1)?;
        let above = low.min(last);
        let (Some(before), Some(after)) = (above.checked_sub(1), self.points.get(above)) else {
            return self.points.first().map(|point| float(point.0));
        };
        let (from, to) = (float(self.points.get(before)?.0), float(after.0));
        let (share_from, share_to) = (share_at(before)?, share_at(above)?);
        let part = if share_to > share_from {
            ((target - share_from) / (share_to - share_from)).clamp(0.0, 1.0)
        } else {
            1.0
        };
        Some(from + part * (to - from))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "spans stay far below 2^52 microseconds"
)]
fn float(micros: u64) -> f64 {
    micros as f64
}

/// Returns how the median moves, in milliseconds; `effect` is that on the share up to a border.
pub(super) fn median_delta(
    logged: &Curve,
    effect: impl Fn(Micros) -> Option<Effect>,
) -> Option<Estimate> {
    let before = logged.border(0.5, &mut |_| Some(0.0))?;
    let mut moved = |border: Micros| effect(border).map(|effect| effect.delta);
    let after = logged.border(0.5, &mut moved)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a border of the curve"
    )]
    let unsure = Z * effect(Micros(after as u64))?.error;
    let low = logged.border(0.5 - unsure, &mut moved)?;
    let high = logged.border(0.5 + unsure, &mut moved)?;
    let millis = |border: f64| (border - before) / 1_000.0;
    Some(Estimate {
        value: millis(after),
        low: millis(low.min(after)),
        high: millis(high.max(after)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_moves_with_the_shares() {
        let mut histogram = Histogram::default();
        for millis in 1..=1_000 {
            histogram.record(Micros(millis * 1_000));
        }
        let curve = Curve::of(&histogram);
        let still = median_delta(&curve, |_| {
            Some(Effect {
                delta: 0.0,
                error: 0.01,
            })
        })
        .unwrap();
        assert!(still.value.abs() < 1e-9);
        assert!(
            (still.low + 19.6).abs() < 2.0 && (still.high - 19.6).abs() < 2.0,
            "{still:?}"
        );
        // A tenth more lies under every border: the median goes down by a tenth of the range.
        let faster = median_delta(&curve, |_| {
            Some(Effect {
                delta: 0.1,
                error: 0.0,
            })
        })
        .unwrap();
        assert!((faster.value + 100.0).abs() < 5.0, "{faster:?}");
        assert!((faster.low - faster.high).abs() < 1e-9);
        assert_eq!(
            median_delta(&Curve::of(&Histogram::default()), |_| None),
            None
        );
    }
}

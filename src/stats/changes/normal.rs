//! The tail of the normal distribution, and back.

use std::f64::consts::PI;

/// Beyond this the tail is smaller than any share that is asked for.
const FARTHEST: f64 = 38.0;

/// Returns the chance of a standard normal value above `z` (Abramowitz and Stegun 26.2.11 below 2, the
/// continued fraction 26.2.14 above).
pub(super) fn upper_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - upper_tail(-z);
    }
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    if z >= 2.0 {
        let fraction = (1..=60)
            .rev()
            .fold(z, |below, step| z + f64::from(step) / below);
        return density / fraction;
    }
    let (mut term, mut sum) = (z, z);
    for step in 1..60 {
        term *= z * z / f64::from(2 * step + 1);
        sum += term;
    }
    0.5 - density * sum
}

/// Returns the value above which a standard normal value lies with chance `share`, 0 to 1.
pub(super) fn quantile_above(share: f64) -> f64 {
    let (mut low, mut high) = (-FARTHEST, FARTHEST);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if upper_tail(middle) > share {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_quantiles_are_met() {
        for (share, z) in [
            (0.5, 0.0),
            (0.05, 1.644_853_627),
            (0.025, 1.959_963_985),
            (0.01, 2.326_347_874),
            (1e-5, 4.264_890_794),
            (1e-9, 5.997_807_015),
        ] {
            assert!((quantile_above(share) - z).abs() < 1e-7, "{share}");
            assert!((quantile_above(1.0 - share) + z).abs() < 1e-5, "{share}");
        }
        assert!((upper_tail(1.999_999_9) - upper_tail(2.000_000_1)).abs() < 1e-7);
    }
}

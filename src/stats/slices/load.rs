//! How long an answer was and how long it took, in bands: what a latency is judged by.

use super::super::state::Figures;
use crate::model::{Micros, Request};

/// The band of an answer's length, and the bucket of its latency.
///
/// Lengths are told apart in half octaves of output tokens, from 1 on; 0 stands for an answer of several
/// calls or of unknown length, whose latency is not compared with others'. Latencies are told apart in
/// buckets of an eighth of an octave from 16 µs on, so that the middle of a bucket is within 6.3 % of
/// every value in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Load {
    /// The band of the length.
    pub length: u8,
    /// The bucket of the latency.
    pub latency: u8,
}

const SUB_BITS: u32 = 3;
const SUB: u64 = 1 << SUB_BITS;
/// Latencies are looked at in units of so many microseconds.
const UNIT_BITS: u32 = 1;

impl Load {
    /// Reads it off a request that `figures` tell the latency of.
    pub fn of(request: &Request, figures: Figures) -> Option<Self> {
        let latency = figures.latency?;
        let is_single = request.calls() == 1;
        let tokens = request.tokens().1.filter(|_| is_single);
        Some(Self {
            length: tokens.map_or(0, length_band),
            latency: bucket(latency),
        })
    }

    /// Tells whether the latency may be compared with that of answers of the same length.
    pub fn is_comparable(self) -> bool {
        self.length > 0
    }

    /// Returns the middle of the bucket of the latency.
    pub fn middle(self) -> Micros {
        let bucket = u64::from(self.latency);
        let (low, width) = if bucket < SUB {
            (bucket, 1)
        } else {
            let octave = bucket / SUB - 1;
            ((SUB + bucket % SUB) << octave, 1 << octave)
        };
        Micros(((low << 1) + width) << UNIT_BITS >> 1)
    }
}

/// Half octaves from 1 on: 1 token is band 1, 2 are band 3.
fn length_band(tokens: u64) -> u8 {
    let tokens = u128::from(tokens.max(1));
    // The half octave of t is the octave of its square.
    let band = (tokens * tokens).ilog2() + 1;
    u8::try_from(band).unwrap_or(u8::MAX)
}

fn bucket(latency: Micros) -> u8 {
    let units = latency.0 >> UNIT_BITS;
    if units < SUB {
        return u8::try_from(units).unwrap_or(0);
    }
    let octave = u64::from(units.ilog2() - SUB_BITS);
    let sub = (units >> octave) - SUB;
    u8::try_from((octave + 1) * SUB + sub).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_fall_into_half_octaves() {
        for (tokens, band) in [
            (0, 1),
            (1, 1),
            (2, 3),
            (3, 4),
            (4, 5),
            (1_000, 20),
            (1_024, 21),
        ] {
            assert_eq!(length_band(tokens), band, "{tokens}");
        }
        assert_eq!(length_band(u64::from(u32::MAX)), 64);
    }

    proptest! {
        #[test]
        #[expect(clippy::cast_precision_loss, reason = "test values are small")]
        fn the_middle_of_a_bucket_is_near_every_value_in_it(micros in 16_u64..7_000_000_000) {
            let load = Load { length: 0, latency: bucket(Micros(micros)) };
            let off = (load.middle().0 as f64 - micros as f64).abs();
            prop_assert!(off <= 0.063 * micros as f64, "{} for {micros}", load.middle().0);
        }

        #[test]
        fn longer_latencies_never_fall_into_earlier_buckets(a in any::<u64>(), b in any::<u64>()) {
            prop_assert!(bucket(Micros(a.min(b))) <= bucket(Micros(a.max(b))));
        }
    }
}

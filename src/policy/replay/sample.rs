//! The changed requests that the estimate is made of: all of them, or those of some sessions taken whole.

use super::outcome::MEASURES_LEN;
use super::strata::Stratum;
use crate::model::Micros;
use crate::policy::rule::TierIdx;

/// How many are kept, about 25 MiB of memory.
pub(super) const KEPT_MAX: usize = 1 << 19;

/// A request that the edited policy sends elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changed {
    pub(super) stratum: Stratum,
    /// Its session, or itself.
    pub(super) cluster: u64,
    /// The tier it would go to.
    pub(super) tier: TierIdx,
    /// Whether it ran there all the same.
    pub(super) is_there: bool,
    /// Then one over the chance of that; 0 when a drift brought it there, not a number when the chance is not known.
    pub(super) weight: f32,
    pub(super) values: [f32; MEASURES_LEN],
    pub(super) latency: Option<Micros>,
}

/// Tells whether a hash is among the one in two to the power of `level` that are kept.
pub(super) fn is_kept(level: u32, hash: u64) -> bool {
    hash.leading_zeros() >= level
}

/// Spreads numbers that are not hashes yet (the finaliser of `SplitMix64`, Steele et al. 2014).
pub(super) fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The kept ones. Which sessions are kept is decided by their hash, so that parts agree on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    level: u32,
    kept: Vec<Changed>,
}

impl Sample {
    pub(super) fn push(&mut self, changed: Changed) {
        if is_kept(self.level, changed.cluster) {
            self.kept.push(changed);
            self.thin();
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        let level = self.level.max(other.level);
        self.kept.extend(other.kept);
        self.raise(level);
        self.thin();
    }

    fn thin(&mut self) {
        while self.kept.len() > KEPT_MAX && self.level < u64::BITS {
            self.raise(self.level + 1);
        }
    }

    fn raise(&mut self, level: u32) {
        self.level = level;
        self.kept.retain(|changed| is_kept(level, changed.cluster));
    }

    pub(super) fn kept(&self) -> &[Changed] {
        &self.kept
    }

    /// Of how many sessions one was kept.
    pub(super) fn one_in(&self) -> u64 {
        1_u64.checked_shl(self.level).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Names, Request, RequestId, Timestamp};

    #[test]
    fn whole_sessions_are_kept_whatever_the_order() {
        let request = Request::new(RequestId::try_from_text("r").unwrap(), Timestamp(0));
        let stratum = Stratum::of(&request, &Names::default());
        let changed = |session: u64| Changed {
            stratum,
            cluster: spread(session),
            tier: 0,
            is_there: false,
            weight: 0.0,
            values: [0.0; MEASURES_LEN],
            latency: None,
        };
        let mut parts = [Sample::default(), Sample::default()];
        let mut whole = Sample::default();
        let len = KEPT_MAX as u64 + 10;
        for idx in 0..len {
            // Two requests a session, one in each part.
            parts[usize::from(idx % 2 == 1)].push(changed(idx / 2));
            whole.push(changed(idx / 2));
        }
        let [mut first, second] = parts;
        first.merge(second);
        assert_eq!((first.one_in(), whole.one_in()), (2, 2));
        let sorted = |sample: &Sample| {
            let mut clusters: Vec<u64> = sample.kept().iter().map(|kept| kept.cluster).collect();
            clusters.sort_unstable();
            clusters
        };
        assert_eq!(sorted(&first), sorted(&whole));
        let clusters = sorted(&first);
        assert!(clusters.chunks(2).all(|pair| pair[0] == pair[1]));
    }
}

//! The counts of one minute, in memory.

use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

use crate::stats::{Load, State};

/// Requests of one tuple in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Count {
    /// The number of the tuple.
    pub(in crate::store) tuple: u32,
    pub(in crate::store) state: State,
    pub(in crate::store) requests: i64,
    /// What those of known cost cost, in nano-dollars.
    pub(in crate::store) cost_nano: i64,
}

/// Completed requests of one tuple, state and load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct LoadCount {
    pub(in crate::store) tuple: u32,
    pub(in crate::store) state: State,
    pub(in crate::store) load: Load,
    pub(in crate::store) requests: i64,
}

/// Everything counted of one minute: sorted by tuple, state and load, each once, no count of nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::store) struct MinuteCounts {
    pub(in crate::store) counts: Vec<Count>,
    pub(in crate::store) loads: Vec<LoadCount>,
}

impl MinuteCounts {
    /// Adds changes, which may take away, in any order.
    pub(super) fn apply(&mut self, counts: &[Count], loads: impl Iterator<Item = LoadCount>) {
        self.counts.extend_from_slice(counts);
        self.loads.extend(loads);
        // Stable sorts, which make use of what is in order: both parts mostly are.
        self.counts.sort_by_key(|count| (count.tuple, count.state));
        self.loads
            .sort_by_key(|count| (count.tuple, count.state, count.load));
        self.counts.dedup_by(|next, kept| {
            let is_same = (next.tuple, next.state) == (kept.tuple, kept.state);
            if is_same {
                kept.requests = kept.requests.saturating_add(next.requests);
                kept.cost_nano = kept.cost_nano.saturating_add(next.cost_nano);
            }
            is_same
        });
        self.loads.dedup_by(|next, kept| {
            let is_same =
                (next.tuple, next.state, next.load) == (kept.tuple, kept.state, kept.load);
            if is_same {
                kept.requests = kept.requests.saturating_add(next.requests);
            }
            is_same
        });
        self.counts.retain(|count| count.requests > 0);
        self.loads.retain(|count| count.requests > 0);
    }
}

/// A sum over requests by which two ways of counting a minute are compared: equal counts have equal sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::store) struct Checksum(u64);

impl Checksum {
    /// Adds requests of one tuple and state, hashed by `hasher`.
    pub(in crate::store) fn add(&mut self, hasher: &DefaultHashBuilder, count: Count) {
        let key = (count.tuple, count.state);
        self.step(hasher, (0_u8, key), count.requests);
        self.step(hasher, (1_u8, key), count.cost_nano);
    }

    /// Adds completed requests of one tuple, state and load.
    pub(in crate::store) fn add_load(&mut self, hasher: &DefaultHashBuilder, count: LoadCount) {
        let key = (count.tuple, count.state, count.load);
        self.step(hasher, (2_u8, key), count.requests);
    }

    fn step(&mut self, hasher: &DefaultHashBuilder, key: impl Hash, times: i64) {
        let part = hasher.hash_one(key).wrapping_mul(times.cast_unsigned());
        self.0 = self.0.wrapping_add(part);
    }
}

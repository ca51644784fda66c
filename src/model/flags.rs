//! Yes/no facts of a request that need no column of their own.

use std::ops::{BitOr, BitOrAssign};

/// A set of yes/no facts, kept as one integer.
///
/// Bits are part of the store's format: they are only ever added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u32);

impl Flags {
    /// No fact.
    pub const NONE: Self = Self(0);
    /// A number in the line was broken and reads as unknown.
    pub const BAD_NUMBER: Self = Self(1);
    /// The time lies outside [2000, a day after its ingest].
    pub const ODD_CLOCK: Self = Self(1 << 1);
    /// A different account of a known fact was seen.
    pub const CONFLICT: Self = Self(1 << 2);
    /// The source carries corrections, so the lack of one means something.
    pub const CORRECTABLE: Self = Self(1 << 3);
    /// The log says that a fallback happened without logging the attempt behind it.
    pub const FALLBACK_HINT: Self = Self(1 << 4);
    /// The log says that an escalation happened without logging the attempt behind it.
    pub const ESCALATED_HINT: Self = Self(1 << 5);
    /// The time is that of the request's arrival, not of a later fact.
    pub const ARRIVAL_KNOWN: Self = Self(1 << 6);
    /// The route is only the model group of the earliest known attempt.
    pub const ROUTE_WEAK: Self = Self(1 << 7);
    /// The outcome stands only as long as no later attempt is seen.
    pub const OUTCOME_PROVISIONAL: Self = Self(1 << 8);
    /// The cost was estimated from a price table.
    pub const COST_ESTIMATED: Self = Self(1 << 9);
    /// The request has gone through a merge of several facts.
    pub const MERGED: Self = Self(1 << 10);

    /// Tells whether every fact of `other` is in the set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds the facts of `other`.
    pub fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Takes the facts of `other` away.
    pub fn clear(&mut self, other: Self) {
        self.0 &= !other.0;
    }
}

impl BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

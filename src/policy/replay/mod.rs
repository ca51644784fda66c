//! What an edited policy would have done with the requests of a log, and what may be said of it.
//!
//! Stored requests enter through [`Replay::add`], in the order in which they came; parts of a log may be tallied
//! apart and joined by [`Tally::merge`]. [`Tally::finish`] tells three things that are never mixed:
//!
//! 1. *Certain*: which requests go elsewhere.
//! 2. *Priced*: what they would have cost at the new tier's price, if the new model wrote as much.
//! 3. *Estimated*: first passes, escalations, corrections, cost and latency, with intervals; or why there is too
//!    little evidence.
//!
//! The decisions are those of the rules. Coins that the edited policy would flip are left out: the estimate is of
//! every changed request on the tier of its new rule against what the log has of it.
//!
//! Memory is bounded: of more than 524,288 changed requests whole sessions are left out of the estimate.

mod effect;
mod estimate;
#[cfg(test)]
pub mod fixture;
mod median;
mod outcome;
mod places;
mod price;
mod refusal;
mod result;
mod sample;
mod sessions;
mod strata;
mod tally;

pub use effect::Estimate;
pub use estimate::{Estimated, Method};
pub use price::Priced;
pub use refusal::{Refusal, SUPPORT_MIN};
pub use result::{ClassCount, Move, RecordedCounts, Replayed, TierCount, UndecidableCount};
pub use tally::{Replay, Tally};

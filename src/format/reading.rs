//! What a format makes of a line, and the numbers that stand for the formats in the store.

use smallvec::SmallVec;

use crate::model::{Event, Reject};

/// routetop's native events.
pub(super) const NATIVE: u8 = 1;
/// LiteLLM, written by the SDK's router.
pub(super) const LITELLM_SDK: u8 = 2;
/// LiteLLM, written by the proxy.
pub(super) const LITELLM_PROXY: u8 = 3;
/// Any JSON, as the user's mapping says.
pub(super) const MAPPED: u8 = 14;

/// What a format made of a line.
#[derive(Debug)]
pub enum Reading {
    /// The line is not of this format.
    NotMine,
    /// The line is not JSON that a strict reader takes.
    Broken,
    /// The line is of this format but cannot be an event.
    Rejected(Reject),
    /// The events of the line, and the format's number.
    Events(u8, SmallVec<[Event; 1]>),
}

//! A policy as pages list it.

use super::DriftCounts;
use crate::model::Timestamp;

/// A policy that decisions record, or whose text is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PolicyRow {
    /// Its id, as recorded.
    pub id: String,
    /// Its decisions in the window, as far as they were looked at.
    pub counts: DriftCounts,
    /// The first and the last decision that records it.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// How many decisions ever recorded it.
    pub requests: u64,
    /// What is known of its text; `None`: nothing.
    pub text: Option<PolicyText>,
}

/// What a policy's text says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyText {
    /// Its sentences.
    pub prose: Vec<String>,
    /// What is probably not meant.
    pub warnings: Vec<String>,
}

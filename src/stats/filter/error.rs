//! Why a text is no filter.

use std::fmt;

/// Why a text is no filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// The place in the text, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl FilterError {
    pub(super) fn new(column: usize, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            column,
            what: what.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.what)
    }
}

impl std::error::Error for FilterError {}

//! Where something stands in the text of a policy.

/// A stretch of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The 1-based line of the first byte.
    pub line: usize,
    /// The 1-based column of the first byte, in characters.
    pub column: usize,
}

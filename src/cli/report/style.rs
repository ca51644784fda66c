//! How the texts for people are written.

use crate::cli::times::Zone;

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// The zone of times.
    pub zone: Zone,
    /// Whether everything beyond ASCII is written as `\u{..}`.
    pub ascii: bool,
}

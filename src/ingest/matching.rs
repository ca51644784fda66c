//! What a file that is not being read turns out to be.

use super::identity::Trace;

/// What a file is.
pub(super) enum Match {
    /// A known generation, to be continued where the trace stands.
    Known(usize, Trace),
    /// A known generation of which nothing was read.
    Unread(usize),
    /// A copy of a generation that is being read.
    Alias(usize),
    /// A known generation whose file was cut or rewritten.
    Rewritten(usize),
    /// Perhaps half of a compressed file.
    Later,
    /// Nothing known; lines that it shares with what was read before are skipped one by one.
    New,
}

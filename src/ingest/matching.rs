//! What a file that is not being read turns out to be.

use super::identity::Trace;

/// What a file is.
pub(super) enum Match {
    /// A known generation, to be continued where the trace stands.
    Known(usize, Trace),
    /// A known generation of which nothing was read; with another one, the lines that both begin with are
    /// skipped.
    Unread(usize, Option<usize>),
    /// A copy of a generation that is being read.
    Alias(usize),
    /// Nothing but the first lines of a generation.
    StartOfKnown,
    /// A known generation whose file was cut or rewritten; with the one whose lines it has now.
    Rewritten(usize, Option<usize>),
    /// A file of its own that begins with the lines of another one: most likely a copy that went on by
    /// itself. An event carries its time, so that an equal line at an equal place is the same event.
    Alike(usize),
    /// Perhaps a copy of a file that nothing was read of yet.
    Later,
    /// Nothing known.
    New,
}

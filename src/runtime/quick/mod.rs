//! A look at logs that are not kept: read by all cores, counted, and stored only where lines must be joined.
//!
//! ```text
//! stretches of the files --> scan (one thread a core): parse, count by day, note id and place
//!                            join: the lines of ids told more than once, of ties, of corrected sessions
//!                            store: those lines as events, everything else as counts
//! ```
//!
//! What this cannot do, it leaves to the ordinary way ([`QuickLook::Unfit`]): a pipe, a packed file, a file that
//! may be a copy of another, or logs of which so many lines must be joined that nothing would be won.

mod join;
mod scan;
mod tally;

pub use join::{QuickLook, QuickScan};

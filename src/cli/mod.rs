//! The command line: arguments to plans, answers to text.
//!
//! Arguments enter as words and leave as a [`args::Plan`] with every time worked out; a
//! [`Snapshot`](crate::stats::Snapshot) enters a renderer and leaves as text that is safe to print
//! anywhere. Nothing in these files reads a clock, a file or a terminal.

pub mod args;
pub mod demo;
pub mod error;
pub mod explain;
pub mod progress;
pub mod report;
pub mod times;
mod words;

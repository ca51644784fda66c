//! The command line: arguments to plans, answers to text.
//!
//! Arguments enter as words and leave as a [`args::Plan`] with every time worked out; a
//! [`Snapshot`](crate::stats::Snapshot) enters a renderer and leaves as text that is safe to print
//! anywhere. Only `command` and `run` touch files, clocks and terminals, through `runtime` and `store`.

pub mod args;
pub mod care;
pub mod changes;
pub mod changes_args;
pub mod check;
mod command;
mod config_file;
pub mod decide;
pub mod demo;
mod doctor;
pub mod error;
mod examples;
pub mod explain;
pub mod export_args;
mod filter_args;
pub mod page_command;
pub mod policy;
pub mod policy_args;
mod policy_file;
pub mod progress;
pub mod replay;
pub mod report;
mod run;
pub mod times;
mod words;

pub use run::main;

//! routetop: a terminal observatory for LLM model routing.
//!
//! # The way of the data
//!
//! ```text
//! bytes -> line -> record -> batch -> ONE transaction -> data_version moves -> snapshot -> view model -> frame
//!  ingest   ingest   format    ingest   store/writer          store/reader        store       app           ui
//! ```
//!
//! # The map of the house
//!
//! A room imports only from floors below it; rooms on one floor do not know each other and meet only
//! in [`runtime`] and [`cli`].
//!
//! | floor | room | what for |
//! | --- | --- | --- |
//! | 1 | [`model`] | plain types and the glossary |
//! | 1 | [`config`] | environment and defaults as plain values |
//! | 2 | [`mod@format`] | one line of a log to an event, pure |
//! | 2 | [`stats`] | counts, intervals, quantiles, the questions and their answers, pure |
//! | 3 | [`policy`] | the routing policy: language, decisions, traces, lints, pure |
//! | 4 | [`store`] | `SQLite`: the only room that names `rusqlite` |
//! | 4 | [`ingest`] | files to batches: rotation, checkpoints, decompression |
//! | 4 | [`app`] | what is shown, without drawing |
//! | 5 | [`ui`] | drawing |
//! | 6 | [`runtime`] | threads, terminal, clock: the only impure glue |
//! | 7 | [`cli`] | arguments, one file a command |

pub mod app;
pub mod cli;
pub mod config;
pub mod format;
pub mod ingest;
pub mod model;
pub mod policy;
pub mod runtime;
pub mod stats;
pub mod store;
pub mod ui;

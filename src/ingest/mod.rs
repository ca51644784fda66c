//! Files to lines to batches: rotation, checkpoints and decompression, each line exactly once.
//!
//! Sources enter as [`SourceSpec`]s and leave as [`Batch`](crate::model::Batch)es through a [`Sink`]; what a
//! line means is the business of a [`LineParser`]. This room knows neither the store nor the formats.
//!
//! # Threads
//!
//! ```text
//! run (tokio, current thread)            parse worker                     behind the Sink
//! Follower::step: look, identify, read --chunks--> split, parse, batch --commit--> transaction
//!                 ^--------- empty buffers -----------'
//! ```
//!
//! Every channel is bounded; a sink that blocks stops the worker, then the reader.
//!
//! # What is promised
//!
//! A batch carries the step of its generation's checkpoint. A sink that stores rows and step in one
//! transaction, only when the checkpoint still stands at the step's start, stores every line once. The
//! checkpoint always stands just after a newline, or at the end of a last line that was complete without one.
//!
//! Which generation a file continues is found out from its first and last bytes. Wherever that cannot be told
//! for certain, it is read from its start, and the lines that any generation has had at the same place after
//! the same lines are skipped: files that shrank, copies, copies of copies. Bytes that were cut off before
//! they were read and live in no sibling are lost, and leave a gap.
//!
//! Lines read from a pipe are stored at most once: those not yet committed when the process dies are gone.

mod assemble;
mod bulk;
mod catalogue;
mod cut;
mod decompress;
mod desk;
mod discover;
mod document;
mod error;
mod files;
mod follow;
mod identity;
mod lines;
mod matching;
mod parser;
mod pass;
mod pending;
mod pipe;
mod place;
mod progress;
mod reader;
mod recognise;
mod repeats;
mod reread;
mod run;
mod sample;
mod scan;
mod sink;
mod slot;
mod spec;
mod ssh;
mod status;
mod stop;
mod tracked;
mod turn;
mod twins;
mod watch;
mod work;
mod worker;

#[cfg(test)]
mod tests;

pub use bulk::{BulkFile, Lines};
pub use error::{IngestError, SinkError};
pub use parser::{LineParser, ParsedLine};
pub use progress::{Health, Progress, SourceStatus};
pub use reread::{Lost, Rereader};
pub use run::{IngestOptions, Summary, run};
pub use sample::{Sample, sample};
pub use sink::Sink;
pub use spec::SourceSpec;
pub use ssh::Address;
pub use stop::StopFlag;

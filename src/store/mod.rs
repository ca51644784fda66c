//! The database: events, rollups and checkpoints in one `SQLite` file. The only room that names
//! `rusqlite`.
//!
//! Batches enter as [`Prepared`] through [`Writer::commit`], one transaction each time; answers leave through
//! [`Reader::answer`]. There is one writer, held apart by a lock beside the database, and any number
//! of readers. A rollup may always be rebuilt from the rows.

mod append;
mod commit;
mod conflicts;
mod connection;
mod error;
mod fault;
mod ids;
mod in_row;
mod kept;
mod lock;
mod log;
mod marks;
mod migrate;
mod policies;
mod prepare;
mod quarantine;
mod reader;
mod residual;
mod rollups;
mod row;
mod sessions;
mod tally;
mod transaction;
mod writer;

pub use error::StoreError;
pub use fault::{Step, WriterOptions};
pub use lock::writer_of;
pub use log::LogCopier;
pub use policies::add_policies;
pub use prepare::Prepared;
pub use reader::Reader;
pub use writer::{Committed, Writer};

#[cfg(test)]
mod tests;

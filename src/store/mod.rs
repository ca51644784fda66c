//! The database: events, rollups and checkpoints in one `SQLite` file. The only room that names
//! `rusqlite`.
//!
//! Batches enter as [`Prepared`] through [`Writer::commit`], one transaction each time; answers leave through
//! [`Reader::answer`]. There is one writer, held apart by a lock beside the database, and any number
//! of readers. A rollup may always be rebuilt from the rows.

mod append;
mod backup;
mod columns;
mod commit;
mod conflicts;
mod connection;
mod counted;
mod decided;
mod error;
mod fault;
mod ground;
mod ids;
mod in_row;
mod incident;
mod kept;
mod lock;
mod log;
mod marks;
mod migrate;
mod packed;
mod parts;
mod policies;
mod prepare;
mod profile;
mod quarantine;
mod reader;
mod rebuild;
mod residual;
mod retention;
mod rollups;
mod row;
mod sessions;
mod slices;
mod stored;
mod tally;
mod transaction;
mod turn;
mod verify;
mod watermarks;
mod whole;
mod writer;

pub use backup::backup;
pub use counted::Counted;
pub use error::StoreError;
pub use fault::{Step, WriterOptions};
pub use incident::Incident;
pub use lock::writer_of;
pub use log::LogCopier;
pub use policies::add_policies;
pub use prepare::Prepared;
pub use reader::{ChangesQuestion, DatabaseFacts, Explained, Reader, SliceParts, Stretch};
pub use retention::Pruned;
pub use verify::{Finding, Verified};
pub use writer::{Committed, Writer};

#[cfg(test)]
mod tests;

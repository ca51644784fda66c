//! What can go wrong between the threads and the devices.

use std::io;

use crate::ingest::IngestError;
use crate::store::StoreError;

/// Why the dashboard or an ingest run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Stdout is no terminal.
    #[error("draw the dashboard: standard output is not a terminal")]
    NoTerminal,
    /// The terminal failed.
    #[error("use the terminal: {0}")]
    Terminal(#[source] io::Error),
    /// A thread could not be started or died.
    #[error("run the {0} thread")]
    Thread(&'static str),
    /// A policy is not known.
    #[error("find policy `{0}`: its text is not known")]
    UnknownPolicy(String),
    /// A file was written over while it was read.
    #[error("read `{0}`: it was written over while it was read")]
    Changed(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Ingest failed.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl RuntimeError {
    /// Returns what to do next, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTerminal => {
                Some("use `routetop report` for the same figures as text".to_owned())
            }
            Self::Terminal(_) => Some("`reset` puts a broken terminal right".to_owned()),
            Self::Thread(_) => None,
            Self::UnknownPolicy(_) => Some("`routetop policy add FILE` keeps it".to_owned()),
            Self::Changed(_) => {
                Some("try again, or `routetop ingest` it: that follows a file".to_owned())
            }
            Self::Store(error) => Some(error.hint().to_owned()),
            Self::Ingest(error) => error.hint().map(str::to_owned),
        }
    }
}

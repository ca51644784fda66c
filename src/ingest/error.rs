//! What can end an ingest, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the sink could not take a batch; it ends the ingest.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct SinkError {
    /// What was tried, on what, why it failed.
    pub message: String,
    /// The cause, when there is one.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl SinkError {
    /// Builds an error without a cause.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// Wraps the error of another room, whose text becomes the message.
    pub fn wrap(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            message: source.to_string(),
            source: Some(Box::new(source)),
        }
    }
}

/// Why an ingest could not start or go on.
#[derive(Debug, Error)]
pub enum IngestError {
    /// A source that is no path, pattern or `-`.
    #[error("read source `{text}`: {reason}")]
    Spec {
        /// The source as given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file that does not exist, in a run that does not wait.
    #[error("open source `{}`: no such file", .path.display())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// A pattern that matches nothing, in a run that does not wait.
    #[error("expand source `{pattern}`: nothing matches")]
    NoMatch {
        /// The pattern or folder as given.
        pattern: String,
    },
    /// A file that cannot be opened or read.
    #[error("open source `{}`: {cause}", .path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A device or socket.
    #[error("open source `{}`: it is a {kind}, not a file", .path.display())]
    NotAFile {
        /// The path as given.
        path: PathBuf,
        /// What it is instead.
        kind: &'static str,
    },
    /// A host that cannot be reached, in a run that does not wait.
    #[error("read from `{address}`: {reason}")]
    Unreachable {
        /// The host as given.
        address: String,
        /// What `ssh` said last, or what happened.
        reason: String,
        /// What to do about it.
        remedy: Option<String>,
    },
    /// The sink failed.
    #[error("store a batch: {0}")]
    Sink(#[from] SinkError),
    /// A thread or timer could not be started.
    #[error("start the {what}: {cause}")]
    Start {
        /// What was to be started.
        what: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The connection ended in the middle of a pass; the next one begins anew.
    #[error("read from a host: the connection ended")]
    ConnectionLost,
    /// The parse worker ended without a result.
    #[error("parse lines: the worker thread ended early")]
    WorkerLost,
}

impl IngestError {
    /// Returns what to do next, when there is something.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Spec { .. } => Some(
                "give a file, a folder, a pattern in quotes, `-` for stdin, or ssh://[user@]host[:port]/path",
            ),
            Self::Missing { .. } => {
                Some("check the path, or add --follow to wait until the file appears")
            }
            Self::NoMatch { .. } => {
                Some("check the pattern, or add --follow to wait until a file matches")
            }
            Self::Unreadable { .. } => Some("make the file readable for this user"),
            Self::NotAFile { .. } => Some("give a regular file, a named pipe, or `-` for stdin"),
            Self::Unreachable { remedy, .. } => Some(
                remedy
                    .as_deref()
                    .unwrap_or("check the host with ssh, or add --follow to try until it answers"),
            ),
            Self::Sink(_) | Self::Start { .. } | Self::ConnectionLost | Self::WorkerLost => None,
        }
    }
}

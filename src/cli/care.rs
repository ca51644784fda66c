//! The words of `db`, and the plan that follows from them.

use std::path::PathBuf;

use clap::Subcommand;

use super::error::UsageError;
use crate::config::{Retention, age_of, size_of};

/// The ways to look after a database.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum DbCommand {
    /// Tell what it is and how much it holds
    Info,
    /// Check pages, rows and rollups
    Verify,
    /// Count all rollups anew from the requests
    Rebuild,
    /// Drop what the config file, or these arguments, say is too old or too much
    Prune {
        /// Drop requests older than this, e.g. 30d
        #[arg(long, value_name = "AGE")]
        older_than: Option<String>,
        /// Drop the oldest requests until the database is smaller than this, e.g. "10 GiB"
        #[arg(long, value_name = "SIZE")]
        max_size: Option<String>,
        /// Do so although it is more than half of all requests
        #[arg(long)]
        yes: bool,
    },
    /// Copy it whole, also while it is written
    Backup {
        /// The copy, which must not be there yet
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
}

/// What to do with a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Care {
    /// Tell what it is.
    Info,
    /// Check it.
    Verify,
    /// Count the rollups anew.
    Rebuild,
    /// Drop what is too old or too much.
    Prune {
        /// What that is; `None`: as the config file says.
        retention: Option<Retention>,
        /// Whether that may be more than half of it.
        is_sure: bool,
    },
    /// Copy it.
    Backup {
        /// Where to.
        to: PathBuf,
    },
}

impl DbCommand {
    /// Works out what to do.
    ///
    /// # Errors
    ///
    /// When an age or a size cannot be read.
    pub fn plan(self) -> Result<Care, UsageError> {
        Ok(match self {
            Self::Info => Care::Info,
            Self::Verify => Care::Verify,
            Self::Rebuild => Care::Rebuild,
            Self::Backup { to } => Care::Backup { to },
            Self::Prune {
                older_than,
                max_size,
                yes,
            } => {
                let age = |text: String| age_of(&text).ok_or(UsageError::Age(text));
                let size = |text: String| size_of(&text).ok_or(UsageError::Size(text));
                let is_given = older_than.is_some() || max_size.is_some();
                let retention = Retention {
                    requests: older_than.map(age).transpose()?,
                    size: max_size.map(size).transpose()?,
                    ..Retention::default()
                };
                Care::Prune {
                    retention: is_given.then_some(retention),
                    is_sure: yes,
                }
            }
        })
    }
}

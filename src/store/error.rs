//! Everything that can go wrong with the database, each with what to do next.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process writes this database.
    #[error("lock `{path}`: the writer is process {}", pid.map_or_else(|| "(unknown)".to_owned(), |pid| pid.to_string()))]
    Locked {
        /// The database.
        path: PathBuf,
        /// The writer's process id, where known.
        pid: Option<u32>,
    },
    /// There is no such database.
    #[error("open `{path}`: no such file")]
    Missing {
        /// The database.
        path: PathBuf,
    },
    /// The file is not an `SQLite` database.
    #[error("open `{path}`: not an SQLite database")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database belongs to another program.
    #[error(
        "open `{path}`: an SQLite database of another program (application id {application_id})"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The id it carries.
        application_id: i32,
    },
    /// The file exists but is empty.
    #[error("open `{path}`: an empty file")]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// The path is a directory.
    #[error("open `{path}`: a directory")]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The folder of the database is missing or cannot be written.
    #[error("create files in `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A newer version of this program made the database.
    #[error("open `{path}`: schema {found} is newer than {known}")]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i32,
        /// The newest one known here.
        known: i32,
    },
    /// The `SQLite` library is too old to be safe.
    #[error("use SQLite {found}: older than {needed}")]
    OldSqlite {
        /// The version linked.
        found: String,
        /// The oldest version that is safe.
        needed: &'static str,
    },
    /// Another connection kept the database busy for too long.
    #[error("write the database: busy")]
    Busy,
    /// The disk, or the quota, is full.
    #[error("write the database: no space left")]
    Full,
    /// The system refused to write.
    #[error("write the database: the system refused to")]
    Write,
    /// Something else stands where the database was, or nothing.
    #[error("write the database: `{path}` is gone, or another file now")]
    Moved {
        /// The file that is gone.
        path: PathBuf,
    },
    /// There are no numbers left for new rows.
    #[error("number more requests: the database has as many as it can hold")]
    OutOfNumbers,
    /// Another question came before this one was answered.
    #[error("answer in time: another question has come")]
    Overtaken,
    /// The database is damaged.
    #[error("read the database: damaged ({what})")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// The checkpoint of a source is not where the batch starts.
    #[error("move the checkpoint of generation {generation}: it does not stand at {from}")]
    CheckpointMoved {
        /// The generation.
        generation: u32,
        /// Where it should have stood.
        from: u64,
    },
    /// A name's number is taken by another text.
    #[error("store name {id}: the number is taken")]
    NameClash {
        /// The number.
        id: u32,
    },
    /// Reading or writing a file beside the database failed.
    #[error("use `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Anything else that `SQLite` says.
    #[error("use the database: {0}")]
    Sqlite(#[source] rusqlite::Error),
}

impl StoreError {
    /// Returns what to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "end that process, or only look: a second one views",
            Self::Missing { .. } => "ingest a log first, or name another file with --db",
            Self::NotADatabase { .. } | Self::Foreign { .. } => {
                "name another file with --db; this one is left as it is"
            }
            Self::EmptyFile { .. } => "delete the empty file, or name another with --db",
            Self::Directory { .. } => "name a file inside it with --db",
            Self::Folder { .. } => "make the folder, or choose one that you may write with --db",
            Self::NewerSchema { .. } => "use the newer routetop that made it",
            Self::OldSqlite { .. } => "build with the bundled SQLite",
            Self::Busy => "try again; if it stays, end the program that holds the database",
            Self::Full => "free some space; nothing stored is lost",
            Self::Write => {
                "look for a limit on the size of files (ulimit -f) or a failing disk; nothing stored is lost"
            }
            Self::Moved { .. } => {
                "put it back, or start again: a new database is made, and files are read from their start"
            }
            Self::Overtaken => "ask again",
            Self::OutOfNumbers => "go on in a new database",
            Self::Damaged { .. } => "restore a backup, or ingest the logs into a new database",
            Self::CheckpointMoved { .. } => "another writer read this source; start again",
            Self::NameClash { .. } => "another writer added names; start again",
            Self::Io { .. } => "check that the file may be read and written",
            Self::Sqlite(_) => "run again with -v for more",
        }
    }

    /// Tells whether the same may succeed once there is room.
    pub fn is_want_of_room(&self) -> bool {
        matches!(self, Self::Full | Self::Write)
    }

    /// Makes an error for damaged bytes.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) if is_write(&error) => Self::Write,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::damaged(error.to_string())
            }
            _ => Self::Sqlite(error),
        }
    }
}

fn is_write(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_IOERR_WRITE)
}

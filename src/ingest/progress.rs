//! How far an ingest is, for whoever draws it.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters that the ingest threads move and any thread may read.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of all files attached, as they lie on the disk.
    pub bytes_total: AtomicU64,
    /// Bytes read of them, as they lie on the disk.
    pub bytes_done: AtomicU64,
    /// Lines handed to the sink.
    pub lines: AtomicU64,
    /// Events handed to the sink.
    pub events: AtomicU64,
    /// Lines in quarantine.
    pub quarantined: AtomicU64,
    /// Lines of noise.
    pub noise: AtomicU64,
    /// Empty lines.
    pub blank: AtomicU64,
    /// Sources that wait for a file or a permission.
    pub sources_waiting: AtomicU64,
    sources: Mutex<Vec<SourceStatus>>,
}

/// One file of a source as the sources page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// The source as the user named it.
    pub source: String,
    /// The path of the file.
    pub path: String,
    /// The state in words: `reading`, `following`, `waiting for file`, `permission denied`, …
    pub state: &'static str,
    /// Bytes on the disk that were not read yet.
    pub lag_bytes: u64,
    /// How far the file was read, in plain bytes.
    pub offset: u64,
    /// More about the state, e.g. where a file is damaged; may be empty.
    pub detail: String,
}

impl Progress {
    /// Returns the state of every file.
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.locked().clone()
    }

    pub(super) fn replace_sources(&self, sources: Vec<SourceStatus>) {
        *self.locked() = sources;
    }

    fn locked(&self) -> MutexGuard<'_, Vec<SourceStatus>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

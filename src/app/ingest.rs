//! How ingest stands, as the dashboard is told.

use crate::model::Micros;

/// Who feeds the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// This process.
    Writer,
    /// Another one, and this process has no sources.
    Viewer {
        /// Its process id.
        pid: Option<u32>,
    },
    /// Another one; this process takes its place when it leaves.
    Heir {
        /// Its process id.
        pid: Option<u32>,
    },
    /// Nobody.
    #[default]
    Idle,
}

/// How ingest stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IngestStatus {
    /// Who feeds the database.
    pub role: Role,
    /// For how long the oldest byte that was not read yet has waited; `None`: another process reads.
    pub lag: Option<Micros>,
    /// Requests a second.
    pub rate_per_s: Option<f64>,
    /// What else there is to say.
    pub note: Option<String>,
    /// While old lines are being read: the share read, 0 to 1.
    pub catching_up: Option<f64>,
    /// The sources that this process reads.
    pub sources: Vec<LiveSource>,
}

/// A source that this process reads, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSource {
    /// The source as the user named it.
    pub source: String,
    /// What its worst file does, in words.
    pub state: String,
    /// More about that; may be empty.
    pub detail: String,
    /// Whether lines come from it.
    pub flow: Flow,
    /// Bytes on the disk that were not read yet.
    pub unread_bytes: u64,
    /// For how long the first of them have waited.
    pub lag: Micros,
}

/// Whether lines come from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// As they are written, or no more will come and that is no fault.
    Fine,
    /// Not now; it is tried again.
    Waiting,
    /// Not all of them.
    Broken,
}

//! What a follower keeps of a path that it looks at and of a file that it reads.

use std::path::PathBuf;

use crate::model::{GenerationState, Look, Micros};

use super::identity::{FileId, Trace};
use super::pass::Now;
use super::reader::Reader;
use super::work::Work;

/// The state of a path without a file.
pub(super) const WAITING: &str = "waiting for file";

/// A path that is looked at in every pass.
pub(super) struct Watched {
    pub(super) label: String,
    pub(super) path: PathBuf,
    pub(super) is_named: bool,
    pub(super) state: &'static str,
    pub(super) retry_at: Micros,
    pub(super) retry_pause: Micros,
    /// Since when there is no file.
    pub(super) missing_since: Option<Micros>,
}

/// A generation that is being read.
pub(super) struct Tracked {
    pub(super) slot: usize,
    pub(super) label: String,
    /// The watched path it came from.
    pub(super) home: PathBuf,
    pub(super) path: PathBuf,
    pub(super) file: FileId,
    pub(super) size: u64,
    pub(super) modified: i128,
    pub(super) reader: Option<Reader>,
    pub(super) trace: Trace,
    /// Whether its first bytes were compared with what is known.
    pub(super) is_judged: bool,
    pub(super) is_packed: bool,
    pub(super) is_at_path: bool,
    pub(super) is_rotated: bool,
    pub(super) is_finished: bool,
    pub(super) idle_since: Option<Micros>,
}

impl Tracked {
    /// Tells whether its decoder holds memory.
    pub(super) fn is_unpacking(&self) -> bool {
        matches!(&self.reader, Some(Reader::Packed(packed)) if packed.is_started())
    }

    /// Closes a plain file that can be opened again at its path.
    pub(super) fn lay_down(&mut self) {
        if self.is_at_path && !self.is_packed {
            self.reader = None;
        }
    }

    /// How the file looks in the units of the trace.
    pub(super) fn look(&self) -> Look {
        Look {
            size: if self.is_packed { 0 } else { self.size },
            modified: i64::try_from(self.modified).unwrap_or_default(),
        }
    }
}

/// A file that ends before its bytes do.
#[derive(Debug, Clone)]
pub(super) struct Damage {
    pub(super) label: String,
    pub(super) path: PathBuf,
    /// How far it was read, in plain bytes.
    pub(super) offset: u64,
    pub(super) reason: String,
}

/// Says what became of a generation, and where its file is now.
pub(super) fn mark(at: &Tracked, state: GenerationState, now: Now) -> Work {
    Work::Mark {
        slot: at.slot,
        state,
        renamed_to: Some(at.path.to_string_lossy().into_owned()),
        read_at: now.wall,
    }
}

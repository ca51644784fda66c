//! Where a file stands that was met, and what was found out about it.

use std::path::{Path, PathBuf};

use crate::model::{NewGeneration, Timestamp};

use super::identity::{FileId, Seen};

/// A file that needs no second look until it changes.
pub(super) struct Settled {
    pub(super) seen: Seen,
    pub(super) verdict: Verdict,
}

/// Why a file needs no second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was read to its end.
    Read,
    /// It is a copy of a generation, as long as that is being read.
    AliasOf(usize),
}

/// Where a file stands that is taken up.
pub(super) struct Place {
    pub(super) label: String,
    /// The watched path it belongs to.
    pub(super) home: PathBuf,
    pub(super) path: PathBuf,
    pub(super) seen: Seen,
    /// Whether it left its home.
    pub(super) is_rotated: bool,
    pub(super) is_packed: bool,
}

impl Place {
    /// Describes the generation about to be opened there.
    pub(super) fn new_generation(&self, opened_at: Timestamp) -> NewGeneration {
        NewGeneration {
            home: self.home.to_string_lossy().into_owned(),
            is_compressed: self.is_packed,
            ..new_generation(&self.label, &self.path, self.seen.id, opened_at)
        }
    }
}

/// Describes a generation about to be opened.
pub(super) fn new_generation(
    label: &str,
    path: &Path,
    file: FileId,
    opened_at: Timestamp,
) -> NewGeneration {
    NewGeneration {
        source: label.to_owned(),
        home: path.to_string_lossy().into_owned(),
        path: path.to_string_lossy().into_owned(),
        device: file.device,
        inode: file.inode,
        born: file.born,
        is_compressed: false,
        opened_at,
    }
}

//! Which files a writer writes to, and whether they still stand where they were opened.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Which files a writer writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ground {
    /// Each with its device and inode.
    files: Vec<(PathBuf, (u64, u64))>,
}

impl Ground {
    /// Looks at the database at `path` and its log, which are open.
    pub(super) fn of(path: &Path) -> Self {
        let files = [path.to_owned(), log_of(path)];
        let files = files.into_iter().filter_map(|path| {
            let found = identity(&path)?;
            Some((path, found))
        });
        Self {
            files: files.collect(),
        }
    }

    /// Returns the first file that is gone or another one now.
    pub(super) fn missing(&self) -> Option<&Path> {
        let is_there = |(path, known): &&(PathBuf, (u64, u64))| identity(path) == Some(*known);
        let missing = self.files.iter().find(|file| !is_there(file));
        missing.map(|(path, _)| path.as_path())
    }

    /// Returns the length of the longest.
    pub(super) fn longest(&self) -> u64 {
        let lengths = self
            .files
            .iter()
            .filter_map(|(path, _)| Some(fs::metadata(path).ok()?.len()));
        lengths.max().unwrap_or(0)
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

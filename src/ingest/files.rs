//! The seam between the follower and the disk that holds the files: this machine's, or another's.
//!
//! The follower tells files apart by what [`Files`] shows of them and by the bytes that an
//! [`OpenFile`] returns. Where both come from is of no concern to it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::model::Timestamp;

use super::identity::Seen;

/// A disk.
pub(super) trait Files {
    /// Looks at what a path leads to.
    fn look(&mut self, path: &Path) -> io::Result<Seen>;

    /// Returns the names in a folder that begin with `prefix`, in no order; names that are no UTF-8
    /// are left out.
    fn names(&mut self, folder: &Path, prefix: &str) -> Vec<String>;

    /// Returns the names of the folders in a folder; a link to a folder is none, it could be a loop.
    fn folders(&mut self, folder: &Path) -> Vec<String>;

    /// Opens a file without ever waiting for a writer on a named pipe.
    fn open(&mut self, path: &Path) -> io::Result<Box<dyn OpenFile>>;

    /// Returns the time by the clock that stamps the files, given that of this machine.
    fn clock(&self, wall: Timestamp) -> Timestamp {
        wall
    }

    /// Tells whether looking at bytes costs next to nothing.
    fn is_near(&self) -> bool {
        true
    }
}

/// A file whose bytes can still be read when its path leads elsewhere.
pub(super) trait OpenFile: Send {
    /// Reads bytes at `offset`; 0 is the end for now.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Looks at the file.
    fn seen(&self) -> io::Result<Seen>;
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalFiles;

impl Files for LocalFiles {
    fn look(&mut self, path: &Path) -> io::Result<Seen> {
        fs::metadata(path).map(|metadata| Seen::new(&metadata))
    }

    fn names(&mut self, folder: &Path, prefix: &str) -> Vec<String> {
        let mut names = names_in(folder);
        names.retain(|name| name.starts_with(prefix));
        names
    }

    fn folders(&mut self, folder: &Path) -> Vec<String> {
        let is_folder = |name: &String| {
            fs::symlink_metadata(folder.join(name)).is_ok_and(|metadata| metadata.is_dir())
        };
        let mut names = names_in(folder);
        names.retain(is_folder);
        names
    }

    fn open(&mut self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(nonblock)
            .open(path)?;
        Ok(Box::new(file))
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

impl OpenFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn seen(&self) -> io::Result<Seen> {
        self.metadata().map(|metadata| Seen::new(&metadata))
    }
}

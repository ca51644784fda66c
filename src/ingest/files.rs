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

/// How many files stay open at the most.
const HANDLES_MAX: usize = 200;
/// The part of this process's descriptors that files may take.
const HANDLES_SHARE: u64 = 4;

/// A disk.
pub(super) trait Files {
    /// Looks at what a path leads to; for a folder, the last change is that of its entries.
    fn look(&self, path: &Path) -> io::Result<Seen>;

    /// Returns the names in a folder that begin with `prefix`, in no order; names that are no UTF-8
    /// are left out.
    fn names(&self, folder: &Path, prefix: &str) -> Vec<String>;

    /// Returns the names of the folders in a folder; a link to a folder is none, it could be a loop.
    fn folders(&self, folder: &Path) -> Vec<String>;

    /// Opens a file without ever waiting for a writer on a named pipe.
    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>>;

    /// Returns the time by the clock that stamps the files, given that of this machine.
    fn clock(&self, wall: Timestamp) -> Timestamp {
        wall
    }

    /// Returns how many files may stay open.
    fn handles_max(&self) -> usize {
        HANDLES_MAX
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

    /// Returns another handle on the same file.
    fn again(&self) -> io::Result<Box<dyn OpenFile>>;
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalFiles;

impl Files for LocalFiles {
    fn look(&self, path: &Path) -> io::Result<Seen> {
        fs::metadata(or_here(path)).map(|metadata| Seen::new(&metadata))
    }

    fn names(&self, folder: &Path, prefix: &str) -> Vec<String> {
        let mut names = names_in(folder);
        names.retain(|name| name.starts_with(prefix));
        names
    }

    fn folders(&self, folder: &Path) -> Vec<String> {
        let is_folder = |name: &String| {
            fs::symlink_metadata(folder.join(name)).is_ok_and(|metadata| metadata.is_dir())
        };
        let mut names = names_in(folder);
        names.retain(is_folder);
        names
    }

    fn handles_max(&self) -> usize {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let share = limit.current.map(|limit| limit / HANDLES_SHARE);
        share
            .and_then(|share| usize::try_from(share).ok())
            .map_or(HANDLES_MAX, |share| share.min(HANDLES_MAX))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(nonblock)
            .open(path)?;
        Ok(Box::new(file))
    }
}

/// The folder of a bare name is the current one.
fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(or_here(folder)) else {
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

    fn again(&self) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(self.try_clone()?))
    }
}

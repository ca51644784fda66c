//! The writer's lock: an flock on a file beside the database, gone with the process that holds it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};

use super::{StoreError, connection};

/// The held lock; dropping it lets the next writer in.
#[derive(Debug)]
pub(super) struct WriterLock {
    file: File,
}

impl WriterLock {
    /// Takes the lock of the database at `path` without waiting.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let lock_path = lock_path(path);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|source| StoreError::Folder {
                path: lock_path.clone(),
                source,
            })?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(StoreError::Locked {
                path: path.to_owned(),
                pid: read_pid(&mut file),
            });
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(|source| StoreError::Io {
            path: lock_path,
            source,
        })?;
        Ok(Self { file })
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // A pid left behind is recognised as stale, so a failure here does no harm.
        let _ = self.file.set_len(0);
    }
}

/// Returns the process that writes the database at `path`, if any; the database itself is not opened.
pub fn writer_of(path: &Path) -> Option<u32> {
    holder(&connection::resolve(path).ok()?)
}

/// Returns the process that holds the lock of the database at `path`.
pub(super) fn holder(path: &Path) -> Option<u32> {
    let mut file = File::open(lock_path(path)).ok()?;
    let pid = read_pid(&mut file)?;
    // The lock is probed only while such a process lives, so that a probe hardly ever stands in the
    // way of a writer that is just starting.
    test_kill_process(Pid::from_raw(i32::try_from(pid).ok()?)?).ok()?;
    flock(&file, FlockOperation::NonBlockingLockShared)
        .is_err()
        .then_some(pid)
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-lock");
    PathBuf::from(name)
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

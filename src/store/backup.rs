//! A copy of a database that is whole, also while it is written.

use std::path::Path;

use super::{StoreError, connection};

/// Copies the database at `path` to `to`, where no file may be yet; returns the bytes of the copy.
///
/// The copy holds one state, between two transactions, and no free pages. The file is put in place when it
/// is complete. Copying the file by other means loses what stands in its log.
///
/// # Errors
///
/// When there is a file at `to`, or either cannot be read or written.
pub fn backup(path: &Path, to: &Path) -> Result<u64, StoreError> {
    let path = connection::resolve(path)?;
    let to = connection::resolve(to)?;
    let failed = |source| StoreError::Io {
        path: to.clone(),
        source,
    };
    if to.exists() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let source = connection::open_source(&path)?;
    let folder = to.parent().unwrap_or(Path::new("."));
    let file = tempfile::Builder::new()
        .prefix(".routetop-backup-")
        .tempfile_in(folder)
        .map_err(failed)?;
    // SQLite takes an empty file for none.
    source.execute("VACUUM INTO ?1", [file.path().to_string_lossy()])?;
    file.as_file().sync_all().map_err(failed)?;
    let copied = file
        .persist_noclobber(&to)
        .map_err(|error| failed(error.error))?;
    Ok(copied.metadata().map_err(failed)?.len())
}

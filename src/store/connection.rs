//! Opens connections with the safety settings, and makes new databases whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, params};

use super::StoreError;
use super::migrate::{APPLICATION_ID, known, migrate};
use crate::model::Timestamp;

/// The oldest version without the WAL-reset bug.
const SQLITE_MIN: (i32, &str) = (3_051_003, "3.51.3");

/// Opens the database for the only writer; makes it when there is none.
pub(super) fn open_writer(path: &Path, now: Timestamp) -> Result<Connection, StoreError> {
    check_sqlite()?;
    let path = resolve(path)?;
    if !path.exists() {
        create(&path, now)?;
    }
    check_file(&path)?;
    let mut connection = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, 5_000)?;
    check_owner(&connection, &path)?;
    migrate(&mut connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))?;
    // Half of it, and a transaction that catches up reads its own pages again from the log.
    connection.pragma_update(None, "cache_size", -16_000)?;
    // A statement of several attempts keeps the pages that it changes, to be able to give up: not in a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Opens the writer's database a second time, to copy its log.
pub(super) fn open_copier(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, 0)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", 16)?;
    Ok(connection)
}

/// Opens an existing database to copy it whole, which takes one attached database inside SQLite.
pub(super) fn open_source(path: &Path) -> Result<Connection, StoreError> {
    check_sqlite()?;
    check_file(path)?;
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, 5_000)?;
    check_owner(&connection, path)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
    Ok(connection)
}

/// Opens an existing database to look at only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    check_sqlite()?;
    let path = resolve(path)?;
    check_file(&path)?;
    let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, 500)?;
    check_owner(&connection, &path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn check_sqlite() -> Result<(), StoreError> {
    check_version(rusqlite::version_number())
}

fn check_version(number: i32) -> Result<(), StoreError> {
    if number < SQLITE_MIN.0 {
        return Err(StoreError::OldSqlite {
            found: rusqlite::version().to_owned(),
            needed: SQLITE_MIN.1,
        });
    }
    Ok(())
}

/// Follows links in the folder part, so that opening may refuse a link in the last part.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if path.is_dir() {
        return Err(StoreError::Directory {
            path: path.to_owned(),
        });
    }
    let Some(name) = path.file_name() else {
        return Err(StoreError::Directory {
            path: path.to_owned(),
        });
    };
    let folder = folder.canonicalize().map_err(|source| StoreError::Folder {
        path: folder.to_owned(),
        source,
    })?;
    Ok(folder.join(name))
}

fn check_file(path: &Path) -> Result<(), StoreError> {
    let found = fs::metadata(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            StoreError::Missing {
                path: path.to_owned(),
            }
        } else {
            StoreError::Io {
                path: path.to_owned(),
                source,
            }
        }
    })?;
    if found.is_dir() {
        return Err(StoreError::Directory {
            path: path.to_owned(),
        });
    }
    if found.len() == 0 {
        return Err(StoreError::EmptyFile {
            path: path.to_owned(),
        });
    }
    Ok(())
}

fn check_owner(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application_id = match pragma("application_id") {
        Ok(id) => id,
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(StoreError::NotADatabase {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    if application_id != APPLICATION_ID {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            application_id,
        });
    }
    let found = pragma("user_version")?;
    if found > known() {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found,
            known: known(),
        });
    }
    Ok(())
}

/// Makes the database under a temporary name and puts it in place when complete: a kill leaves none
/// or a whole one.
fn create(path: &Path, now: Timestamp) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = |source| StoreError::Folder {
        path: folder.to_owned(),
        source,
    };
    let file = tempfile::Builder::new()
        .prefix(".routetop-new-")
        .tempfile_in(folder)
        .map_err(failed)?;
    let mut connection = open(file.path(), OpenFlags::SQLITE_OPEN_READ_WRITE, 5_000)?;
    // Neither can be changed once a table exists.
    connection.pragma_update(None, "page_size", 16_384)?;
    connection.pragma_update(None, "auto_vacuum", 2)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate(&mut connection)?;
    connection.execute_batch(
        "INSERT INTO meta VALUES ('database_id', randomblob(16)), ('hash_key', randomblob(16)), \
         ('orphans', 0), ('has_sessions', 0), ('kept_bytes', 0), \
         ('first_row', 1), ('rows_from', 0), ('minutes_from', 0), ('hours_from', 0), ('slices_from', 0)",
    )?;
    connection.execute("INSERT INTO meta VALUES ('created_at', ?1)", params![now.0])?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        // Another process was faster: its database is as good.
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that opens, and it sets the safety settings"
)]
fn open(path: &Path, mode: OpenFlags, busy_ms: u64) -> Result<Connection, StoreError> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_millis(busy_ms))?;
    for (switch, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(switch, is_on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, 64 << 20),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 << 10),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 64),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256),
    ] {
        connection.set_limit(limit, most)?;
    }
    // A file that is no database fails at the first read; the caller then says so.
    let _ = connection.pragma_update(None, "cell_size_check", true);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s26_a_library_that_is_too_old_is_refused() {
        assert!(check_sqlite().is_ok());
        let error = check_version(3_051_002).unwrap_err();
        assert!(matches!(error, StoreError::OldSqlite { .. }), "{error}");
    }
}

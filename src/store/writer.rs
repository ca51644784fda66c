//! The only writing connection: opening and closing, generations, what is kept in memory.

use std::path::{Path, PathBuf};

use hashbrown::HashSet;
use rusqlite::{Connection, TransactionBehavior, params};

use super::fault::{Fuse, WriterOptions};
use super::ground::Ground;
use super::ids::IdIndex;
use super::lock::WriterLock;
use super::profile::Profiles;
use super::row::BlockCache;
use super::slices::SliceWriter;
use super::watermarks::Watermarks;
use super::{StoreError, connection, kept};
use crate::model::{
    ByteOffset, Fingerprint, Generation, GenerationId, GenerationState, HashKey, LineMarks, Look,
    Names, NewGeneration, SourceId, Timestamp,
};

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// Events in the batches.
    pub events: u64,
    /// Of those, the ones that said nothing new.
    pub duplicates: u64,
    /// Different accounts of known facts.
    pub conflicts: u64,
}

/// The writer. It holds the lock as long as it lives.
#[derive(Debug)]
pub struct Writer {
    pub(super) connection: Connection,
    pub(super) index: IdIndex,
    pub(super) blocks: BlockCache,
    pub(super) profiles: Profiles,
    pub(super) slices: SliceWriter,
    pub(super) corrected_sessions: HashSet<u64>,
    pub(super) key: HashKey,
    pub(super) next_row: i64,
    /// Bytes of line marks kept.
    pub(super) mark_bytes: u64,
    /// What retention has dropped.
    pub(super) watermarks: Watermarks,
    /// When it was last noted by when rows had been stored.
    pub(super) landed_at: Timestamp,
    /// By when all rows had been stored.
    pub(super) stored_at: Timestamp,
    pub(super) is_split: bool,
    /// Which files it writes to.
    pub(super) ground: Ground,
    pub(super) has_page_limit: bool,
    pub(super) fuse: Fuse,
    path: PathBuf,
    _lock: Option<WriterLock>,
}

impl Writer {
    /// Opens the database at `path` for writing; makes it when there is none.
    ///
    /// # Errors
    ///
    /// When another process writes it, when it is no database of this program, or on I/O errors.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        Self::open_with(path, now, WriterOptions::default())
    }

    /// Opens like [`Writer::open`], with deviations.
    ///
    /// # Errors
    ///
    /// As [`Writer::open`].
    pub fn open_with(
        path: &Path,
        now: Timestamp,
        options: WriterOptions,
    ) -> Result<Self, StoreError> {
        let path = connection::resolve(path)?;
        let lock = if options.without_lock {
            None
        } else {
            Some(WriterLock::take(&path)?)
        };
        let connection = connection::open_writer(&path, now)?;
        let key: Vec<u8> =
            connection.query_row("SELECT value FROM meta WHERE key = 'hash_key'", [], |row| {
                row.get(0)
            })?;
        let key = <[u8; 16]>::try_from(key).map_err(|_| StoreError::damaged("the hash key"))?;
        let mut writer = Self {
            index: IdIndex::load(&connection)?,
            blocks: BlockCache::default(),
            profiles: Profiles::default(),
            slices: SliceWriter::default(),
            corrected_sessions: HashSet::new(),
            key: HashKey(key),
            next_row: 1,
            mark_bytes: 0,
            watermarks: Watermarks::default(),
            landed_at: Timestamp(0),
            stored_at: Timestamp(0),
            connection,
            is_split: options.split_checkpoint,
            ground: Ground::of(&path),
            has_page_limit: options.pages_max.is_some(),
            fuse: Fuse::new(options),
            path,
            _lock: lock,
        };
        match kept::forget_old(&writer.connection, now) {
            // It is no hurry; what must be written waits for its turn.
            Err(StoreError::Busy) => {}
            done => done?,
        }
        writer.reload()?;
        writer.ground = Ground::of(&writer.path);
        if let Some(pages) = options.pages_max {
            writer.set_pages_max(pages)?;
        }
        Ok(writer)
    }

    /// Reads again what is kept in memory: at the start, and after a transaction that failed.
    pub(super) fn reload(&mut self) -> Result<(), StoreError> {
        self.next_row = self.connection.query_row(
            "SELECT coalesce(max(row), 0) + 1 FROM request",
            [],
            |row| row.get(0),
        )?;
        self.mark_bytes = mark_bytes(&self.connection)?;
        self.watermarks = Watermarks::load(&self.connection)?;
        // Numbers are never given twice: late facts would find another request behind them.
        self.next_row = self.next_row.max(self.watermarks.first_row);
        let latest = |sql: &str| -> Result<Timestamp, StoreError> {
            Ok(Timestamp(
                self.connection.query_row(sql, [], |row| row.get(0))?,
            ))
        };
        self.stored_at = latest("SELECT coalesce(max(read_at),0) FROM generation")?;
        self.landed_at = latest("SELECT coalesce(max(at),0) FROM landed")?;
        let mut select = self
            .connection
            .prepare("SELECT DISTINCT session FROM session_correction")?;
        let sessions = select.query_map([], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))?;
        self.corrected_sessions = sessions.collect::<Result<_, _>>()?;
        self.index = IdIndex::load(&self.connection)?;
        self.blocks = BlockCache::default();
        self.profiles = Profiles::load(&self.connection)?;
        self.slices = SliceWriter::load(&self.connection)?;
        Ok(())
    }

    /// Returns the names stored.
    ///
    /// # Errors
    ///
    /// When the table cannot be read or has a gap.
    pub fn names(&self) -> Result<Names, StoreError> {
        let mut names = Names::default();
        load_names(&self.connection, &mut names)?;
        Ok(names)
    }

    /// Returns the database's random key.
    pub fn hash_key(&self) -> HashKey {
        self.key
    }

    /// Returns every generation known.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        let mut select = self.connection.prepare(
            "SELECT g.id,g.source,s.name,g.home,g.path,g.device,g.inode,g.born,g.is_compressed,g.offset,g.head_len,\
             g.head_hash,g.tail_len,g.tail_hash,g.state,g.size,g.modified,g.opened_at,\
             (SELECT body FROM line_mark m WHERE m.generation=g.id AND m.first_offset=0) \
             FROM generation g JOIN source s ON s.id=g.source ORDER BY g.id",
        )?;
        let unsigned =
            |row: &rusqlite::Row<'_>, idx: usize| row.get::<_, i64>(idx).map(i64::cast_unsigned);
        let found = select.query_map([], |row| {
            let marks: Option<Vec<u8>> = row.get(18)?;
            Ok(Generation {
                id: GenerationId(row.get(0)?),
                source: SourceId(row.get(1)?),
                label: row.get(2)?,
                home: row.get(3)?,
                path: row.get(4)?,
                device: unsigned(row, 5)?,
                inode: unsigned(row, 6)?,
                born: unsigned(row, 7)?,
                is_compressed: row.get(8)?,
                offset: ByteOffset(unsigned(row, 9)?),
                head: Fingerprint {
                    len: row.get(10)?,
                    hash: unsigned(row, 11)?,
                },
                tail: Fingerprint {
                    len: row.get(12)?,
                    hash: unsigned(row, 13)?,
                },
                state: GenerationState::from_code(row.get(14)?),
                look: Look {
                    size: unsigned(row, 15)?,
                    modified: row.get(16)?,
                },
                opened_at: Timestamp(row.get(17)?),
                first_line: marks
                    .and_then(|body| LineMarks::from_bytes(ByteOffset(0), &body)?.iter().next()),
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Makes a generation that stands at its start.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn open_generation(&mut self, new: &NewGeneration) -> Result<GenerationId, StoreError> {
        let step = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute(
            "INSERT OR IGNORE INTO source (name) VALUES (?1)",
            params![new.source],
        )?;
        step.execute(
            "INSERT INTO generation (source,home,path,device,inode,is_compressed,opened_at,born) \
             SELECT id,?8,?2,?3,?4,?5,?6,?7 FROM source WHERE name = ?1",
            params![
                new.source,
                new.path,
                new.device.cast_signed(),
                new.inode.cast_signed(),
                new.is_compressed,
                new.opened_at.0,
                new.born.cast_signed(),
                new.home
            ],
        )?;
        let id = u32::try_from(step.last_insert_rowid()).unwrap_or(u32::MAX);
        step.commit()?;
        Ok(GenerationId(id))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets the database have so many pages and no more; only tests of a full disk do.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub fn set_pages_max(&mut self, pages: u32) -> Result<(), StoreError> {
        self.connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        Ok(())
    }

    /// Moves the log into the database and closes it.
    ///
    /// # Errors
    ///
    /// When the disk fails; everything committed is safe all the same.
    pub fn close(self) -> Result<(), StoreError> {
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

/// Returns how many bytes of marks are kept.
fn mark_bytes(connection: &Connection) -> Result<u64, StoreError> {
    let bytes: i64 = connection.query_row(
        "SELECT coalesce(sum(mark_bytes),0) FROM generation",
        [],
        |row| row.get(0),
    )?;
    Ok(bytes.cast_unsigned())
}

/// Adds the names stored after those that `names` holds.
pub(super) fn load_names(connection: &Connection, names: &mut Names) -> Result<(), StoreError> {
    let known = i64::try_from(names.len()).unwrap_or(i64::MAX);
    let mut select =
        connection.prepare_cached("SELECT id, text FROM name WHERE id > ?1 ORDER BY id")?;
    let mut rows = select.query([known])?;
    while let Some(row) = rows.next()? {
        let (id, text): (u32, String) = (row.get(0)?, row.get(1)?);
        if names.intern(&text).id() != id {
            return Err(StoreError::damaged(format!("name {id}")));
        }
    }
    Ok(())
}

//! Sources, their generations and checkpoints: what recognises a file again and says how far it was read.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use smallvec::SmallVec;

use super::{LineMark, Timestamp};

/// The number of a source in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// The number of a generation in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GenerationId(pub u32);

/// A place in the (decompressed) bytes of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ByteOffset(pub u64);

/// The random key of one database; with it no log can be built to collide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub [u8; 16]);

impl HashKey {
    /// Returns the keyed 64-bit hash of `bytes` (SipHash-1-3).
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(bytes);
        hasher.finish()
    }

    /// Returns the keyed 64-bit hash of several texts, told apart by their lengths.
    pub fn hash_parts<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
        // Gathered first: the hasher is slow on many short writes.
        let mut bytes: SmallVec<[u8; 128]> = SmallVec::new();
        for part in parts {
            bytes.extend_from_slice(&part.len().to_le_bytes());
            bytes.extend_from_slice(part);
        }
        self.hash(&bytes)
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// The keyed hash of a few bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fingerprint {
    /// How many bytes were hashed.
    pub len: u32,
    /// Their keyed hash.
    pub hash: u64,
}

/// What became of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GenerationState {
    /// Being read, or waiting for more.
    Open,
    /// Renamed away and being read to its end.
    Rotated,
    /// Cut short or rewritten; a new generation took over.
    Truncated,
    /// Gone from its path, replaced by another file.
    Replaced,
    /// Read to its end; nothing more will come.
    Finished,
    /// Damaged (e.g. a broken gzip stream) after the checkpoint.
    Damaged,
    /// Became shorter but kept its first lines; a new generation took over that skips them.
    Shrank,
}

impl GenerationState {
    /// Every state with its word and its number in the store.
    pub const WORDS: [(Self, &'static str, u8); 7] = [
        (Self::Open, "open", 0),
        (Self::Rotated, "rotated", 1),
        (Self::Truncated, "truncated", 2),
        (Self::Replaced, "replaced", 3),
        (Self::Finished, "finished", 4),
        (Self::Damaged, "damaged", 5),
        (Self::Shrank, "shrank", 6),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// Returns the number that the store keeps.
    pub fn code(self) -> u8 {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(0, |row| row.2)
    }

    /// Reads the store's number; an unknown one reads as open, so that the file is looked at again.
    pub fn from_code(code: u8) -> Self {
        Self::WORDS
            .iter()
            .find(|row| row.2 == code)
            .map_or(Self::Open, |row| row.0)
    }
}

/// How a file looked when it was last looked at; pipes have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// How long it was at the most; 0 for a compressed file, whose length tells nothing of its bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i64,
}

/// Why bytes of a generation are lost, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GapCause {
    /// The file was cut or rewritten, and no copy of it was found.
    Truncated,
    /// The file was gone, and none of its kind held its bytes.
    Gone,
    /// The file is damaged from here on.
    Damaged,
}

impl GapCause {
    /// Every cause with its words and its number in the store.
    pub const WORDS: [(Self, &'static str, u8); 3] = [
        (Self::Truncated, "truncated", 0),
        (Self::Gone, "gone", 1),
        (Self::Damaged, "damaged", 2),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// Returns what happened, for people.
    pub fn told(self) -> &'static str {
        match self {
            Self::Truncated => "cut or rewritten before they were read",
            Self::Gone => "the file went before they were read",
            Self::Damaged => "the file is damaged there",
        }
    }

    /// Returns the number that the store keeps.
    pub fn code(self) -> u8 {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or(0, |row| row.2)
    }

    /// Reads the store's number; an unknown one reads as gone.
    pub fn from_code(code: u8) -> Self {
        Self::WORDS
            .iter()
            .find(|row| row.2 == code)
            .map_or(Self::Gone, |row| row.0)
    }
}

/// Bytes of a generation that were lost before they were read, or may have been.
///
/// A gap ends when its bytes turn up after all and are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Where it starts: the checkpoint.
    pub from: ByteOffset,
    /// How far the file was seen to reach; `None`: nothing unread had been seen, but more may have
    /// been written before the file went.
    pub to: Option<ByteOffset>,
    /// Why.
    pub cause: GapCause,
}

/// A generation as the store knows it: one physical file behind a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its number.
    pub id: GenerationId,
    /// The source it belongs to.
    pub source: SourceId,
    /// That source as the user named it.
    pub label: String,
    /// The path at which it was met first, or beside which: where its successors are found.
    pub home: String,
    /// The path it was last seen under, as the user or the folder gave it.
    pub path: String,
    /// The device that holds it.
    pub device: u64,
    /// Its inode.
    pub inode: u64,
    /// When it was made, in microseconds since 1970; 0 where the file system does not tell. An inode
    /// that was given to another file is told apart by it.
    pub born: u64,
    /// Whether the bytes were decompressed before counting.
    pub is_compressed: bool,
    /// How far it was read; always just after a newline.
    pub offset: ByteOffset,
    /// The first bytes (up to 1,024) before the checkpoint.
    pub head: Fingerprint,
    /// The last bytes (up to 256) before the checkpoint.
    pub tail: Fingerprint,
    /// What became of it.
    pub state: GenerationState,
    /// How its file looked last.
    pub look: Look,
    /// Its first line, while its marks are kept.
    pub first_line: Option<LineMark>,
    /// When it was met, by this machine's clock.
    pub opened_at: Timestamp,
}

/// A generation about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGeneration {
    /// The source as the user named it, e.g. `/var/log/router.jsonl` or `-`.
    pub source: String,
    /// The path that is followed: that of the file, or the one that a rotation took it from.
    pub home: String,
    /// The path of the file.
    pub path: String,
    /// The device that holds it.
    pub device: u64,
    /// Its inode.
    pub inode: u64,
    /// When it was made, in microseconds since 1970; 0 where the file system does not tell.
    pub born: u64,
    /// Whether the bytes are decompressed before counting.
    pub is_compressed: bool,
    /// When it was met, by this machine's clock.
    pub opened_at: Timestamp,
}

//! Which file is this? Device and inode, and the fingerprints of head and tail.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::UNIX_EPOCH;

use memchr::memchr;

use crate::model::{Fingerprint, HashKey, LineMark};

/// How many first bytes are fingerprinted.
pub(super) const HEAD_LEN_MAX: usize = 1_024;
/// How many bytes before the checkpoint are fingerprinted.
pub(super) const TAIL_LEN_MAX: usize = 256;

/// The bytes that fingerprint a generation at one offset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trace {
    offset: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Trace {
    /// Moves on over `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = HEAD_LEN_MAX.saturating_sub(self.head.len());
        self.head
            .extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or(&[]));
        let last = bytes
            .get(bytes.len().saturating_sub(TAIL_LEN_MAX)..)
            .unwrap_or(&[]);
        let excess = (self.tail.len() + last.len()).saturating_sub(TAIL_LEN_MAX);
        self.tail.drain(..excess.min(self.tail.len()));
        self.tail.extend_from_slice(last);
        self.offset = self.offset.saturating_add(len_u64(bytes));
    }

    /// Rebuilds a trace from the bytes of a file.
    pub(super) fn from_parts(offset: u64, head: Vec<u8>, tail: Vec<u8>) -> Self {
        Self { offset, head, tail }
    }

    /// Returns where the trace stands.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the first bytes.
    pub(super) fn head_bytes(&self) -> &[u8] {
        &self.head
    }

    /// Returns the bytes just before the offset.
    pub(super) fn tail_bytes(&self) -> &[u8] {
        &self.tail
    }

    /// Returns the byte just before the offset.
    pub(super) fn last_byte(&self) -> Option<u8> {
        self.tail.last().copied()
    }

    /// Returns the checksum of the first line when it is whole and within the head.
    pub(super) fn first_line(&self) -> Option<u32> {
        first_line(&self.head)
    }

    /// Returns the head's fingerprint.
    pub(super) fn head(&self, key: HashKey) -> Fingerprint {
        fingerprint(key, &self.head)
    }

    /// Returns the tail's fingerprint.
    pub(super) fn tail(&self, key: HashKey) -> Fingerprint {
        fingerprint(key, &self.tail)
    }
}

/// Returns the checksum of the first line of `head` when it is whole.
pub(super) fn first_line(head: &[u8]) -> Option<u32> {
    let line = head.get(..memchr(b'\n', head)?)?;
    Some(LineMark::checksum(
        0,
        line.strip_suffix(b"\r").unwrap_or(line),
    ))
}

/// Returns the keyed fingerprint of `bytes`.
pub(super) fn fingerprint(key: HashKey, bytes: &[u8]) -> Fingerprint {
    Fingerprint {
        len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        hash: key.hash(bytes),
    }
}

/// Returns the length of `bytes` as the type of offsets.
pub(super) fn len_u64(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The physical file, while it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// When it was made, in microseconds since 1970; 0 where the file system does not tell. An inode
    /// that was given to another file is told apart by it.
    pub(super) born: u64,
}

impl FileId {
    /// Where lines come from that are in no file: a pipe.
    pub(super) const NOWHERE: Self = Self {
        device: 0,
        inode: 0,
        born: 0,
    };
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Regular,
    Folder,
    Fifo,
    Device,
    Socket,
}

/// A file as one look at its metadata shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: FileId,
    pub(super) kind: FileKind,
    pub(super) size: u64,
    /// Nanoseconds since 1970.
    pub(super) modified: i128,
    /// How many names it has; 0: it was deleted and lives on in open handles only.
    pub(super) links: u64,
}

impl Seen {
    /// Reads the metadata of what a path leads to.
    pub(super) fn new(metadata: &Metadata) -> Self {
        let file_type = metadata.file_type();
        let kind = if file_type.is_file() {
            FileKind::Regular
        } else if file_type.is_dir() {
            FileKind::Folder
        } else if file_type.is_fifo() {
            FileKind::Fifo
        } else if file_type.is_socket() {
            FileKind::Socket
        } else {
            FileKind::Device
        };
        Self {
            id: FileId {
                device: metadata.dev(),
                inode: metadata.ino(),
                born: born(metadata),
            },
            kind,
            size: metadata.size(),
            modified: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            links: metadata.nlink(),
        }
    }

    /// Tells whether size and time are as in `other`.
    pub(super) fn is_unchanged(&self, other: &Self) -> bool {
        self.id == other.id && self.size == other.size && self.modified == other.modified
    }
}

fn born(metadata: &Metadata) -> u64 {
    let since = metadata
        .created()
        .ok()
        .and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

/// From this length on a run of NUL bytes is a hole; in no encoding of text are there as many.
const HOLE_LEN_MIN: usize = 8;

/// Returns why the first bytes of a plain file are no text, when they are none.
pub(super) fn not_text(first: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\xfd7zXZ\0", "xz data"),
        (b"BZh", "bzip2 data"),
        (b"PK\x03\x04", "a zip archive"),
        (b"SQLite format 3\0", "a SQLite database"),
        (b"PAR1", "a Parquet file"),
        (b"\xff\xfe", "UTF-16 or UTF-32 text"),
        (b"\xfe\xff", "UTF-16 text"),
        (b"\0\0\xfe\xff", "UTF-32 text"),
    ];
    let first = first.get(..first.len().min(1_024)).unwrap_or(&[]);
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Some(what);
    }
    // A hole of NUL bytes is what a crash leaves, with text before and after it.
    let text: Vec<u8> = first
        .chunk_by(|one, next| (*one == 0) == (*next == 0))
        .filter(|run| run.first() != Some(&0) || run.len() < HOLE_LEN_MIN)
        .flatten()
        .copied()
        .collect();
    let (even, odd) = text
        .iter()
        .enumerate()
        .fold((0, 0), |(even, odd), (idx, byte)| match (byte, idx % 2) {
            (0, 0) => (even + 1, odd),
            (0, _) => (even, odd + 1),
            _ => (even, odd),
        });
    let nuls = even + odd;
    // Of a Latin letter three of four bytes are zero.
    if nuls >= 4 && nuls * 10 >= text.len() * 7 {
        return Some("UTF-32 text");
    }
    if nuls >= 4 && nuls * 3 >= text.len() && (even * 8 < nuls || odd * 8 < nuls) {
        return Some("UTF-16 text");
    }
    let controls = text
        .iter()
        .filter(|byte| **byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(byte))
        .count();
    (controls >= 16 && controls * 10 >= text.len()).then_some("binary data")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: HashKey = HashKey([7; 16]);

    #[test]
    fn a_trace_does_not_depend_on_the_cuts() {
        let bytes: Vec<u8> = (0..5_000_u32).map(|n| (n % 251) as u8).collect();
        for step in [1, 3, 255, 256, 257, 1_024, 4_999, 5_000] {
            let mut trace = Trace::default();
            for part in bytes.chunks(step) {
                trace.push(part);
            }
            assert_eq!(trace.offset(), 5_000);
            assert_eq!(trace.head(KEY), fingerprint(KEY, &bytes[..1_024]), "{step}");
            assert_eq!(trace.tail(KEY), fingerprint(KEY, &bytes[4_744..]), "{step}");
        }
    }

    #[test]
    fn one_short_line_is_enough() {
        let mut trace = Trace::default();
        trace.push(b"{}\n");
        assert_eq!(trace.head(KEY), trace.tail(KEY));
        assert_eq!(trace.head(KEY).len, 3);
        assert_eq!(trace.last_byte(), Some(b'\n'));
    }

    #[test]
    fn the_key_changes_the_fingerprint() {
        assert_ne!(
            fingerprint(KEY, b"x").hash,
            fingerprint(HashKey([8; 16]), b"x").hash
        );
    }

    #[test]
    fn other_encodings_are_recognised_and_text_is_not() {
        let utf16: Vec<u8> = "{\"request_id\":\"a\"}\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(not_text(&utf16), Some("UTF-16 text"));
        let utf32: Vec<u8> = "{\"request_id\":\"a\"}\n"
            .chars()
            .flat_map(|char| u32::from(char).to_le_bytes())
            .collect();
        assert_eq!(not_text(&utf32), Some("UTF-32 text"));
        assert!(not_text(b"\xff\xfe{\0").is_some());
        let binary: Vec<u8> = (0..1_024_u32)
            .map(|n| u8::try_from(n * 7 % 256).unwrap())
            .collect();
        assert_eq!(not_text(&binary), Some("binary data"));
        assert_eq!(not_text(b"{\"a\":\"\0\"}\n"), None);
        assert_eq!(not_text(b"\xef\xbb\xbf{\"a\":1}\n"), None);
        assert_eq!(not_text("{\"a\":\"Größe 東京\"}\r\n".as_bytes()), None);
        assert_eq!(not_text(&[&[0; 600], &b"{\"a\":1}\n"[..]].concat()), None);
        assert_eq!(not_text(&[&b"{\"a\":1}\n"[..], &[0; 600]].concat()), None);
        assert_eq!(not_text(&[0; 1_024]), None);
        assert_eq!(not_text(b""), None);
    }
}

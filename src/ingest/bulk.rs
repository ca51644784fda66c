//! Plain files read whole by several readers at once, a stretch at a time.
//!
//! This is not how logs are followed: nothing is remembered of the files, and whatever is not a quiet plain
//! log (compressed, cut inside its last line, one JSON document, a copy of another) is left to the ingest.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use memchr::{memchr, memrchr};

use crate::model::{Look, NewGeneration, Timestamp};

use super::SourceSpec;
use super::decompress::Packing;
use super::discover::expand;
use super::document::{Opening, Verdict};
use super::files::{Files, LocalFiles};
use super::identity::{FileKind, Seen, first_line, not_text};
use super::place::new_generation;

/// The bytes in which the lines of one stretch start: few enough to stay in the cache of a core.
const STRETCH_LEN: u64 = 256 * 1024;
/// By how much a stretch is lengthened until its last line has ended.
const TAIL_LEN: u64 = 4 * 1024;
/// The longest line.
const LINE_LEN_MAX: u64 = 1024 * 1024;
/// The bytes from which it must be clear what a file is.
const HEAD_LEN: u64 = 64 * 1024;

/// A plain file of whole lines, as long as it was when it was opened.
#[derive(Debug)]
pub struct BulkFile {
    label: String,
    path: PathBuf,
    file: File,
    seen: Seen,
}

/// Whole lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines<'b> {
    /// Where the first one starts.
    pub offset: u64,
    /// The bytes, the last of which ends a line.
    pub bytes: &'b [u8],
}

impl BulkFile {
    /// Opens the files behind `sources`, in the order in which they are ingested; `None` when any of them
    /// has to be ingested the ordinary way.
    pub fn open_all(sources: &[SourceSpec]) -> Option<Vec<Self>> {
        let mut files = Vec::new();
        for source in sources {
            let paths = expand(&LocalFiles, source);
            if paths.is_empty() {
                return None;
            }
            for path in paths {
                files.push(Self::open(source.label(), path)?);
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let ids: HashSet<_> = files.iter().map(|file| file.seen.id).collect();
        let is_alone = files.len() == 1;
        // A file that starts like another one may be a copy of it.
        let starts: HashSet<_> = files.iter().map(Self::first_line).collect();
        let are_told_apart =
            ids.len() == files.len() && starts.len() == files.len() && !starts.contains(&None);
        (is_alone || are_told_apart).then_some(files)
    }

    fn open(label: String, path: PathBuf) -> Option<Self> {
        let found = LocalFiles.look(&path).ok()?;
        if found.kind != FileKind::Regular || Packing::of(&LocalFiles, &path).is_some() {
            return None;
        }
        let file = File::open(&path).ok()?;
        let seen = Seen::new(&file.metadata().ok()?);
        let opened = Self {
            label,
            path,
            file,
            seen,
        };
        let head = opened.bytes(0, HEAD_LEN.min(seen.size)).ok()?;
        let last = opened.bytes(seen.size.checked_sub(1)?, 1).ok()?;
        let is_lines = Opening::new(head.len()).push(&head) == Verdict::Lines;
        let is_log = seen.id == found.id && not_text(&head).is_none() && is_lines;
        (is_log && last == b"\n").then_some(opened)
    }

    /// Returns the file as a generation about to be opened.
    pub fn new_generation(&self, opened_at: Timestamp) -> NewGeneration {
        new_generation(&self.label, &self.path, self.seen.id, opened_at)
    }

    /// Returns how the file looked when it was opened.
    pub fn look(&self) -> Look {
        Look {
            size: self.seen.size,
            modified: i64::try_from(self.seen.modified).unwrap_or(i64::MAX),
        }
    }

    /// Returns its length in bytes.
    pub fn len(&self) -> u64 {
        self.seen.size
    }

    /// Tells whether it has no bytes, which no opened file has.
    pub fn is_empty(&self) -> bool {
        self.seen.size == 0
    }

    /// Returns how many stretches there are.
    pub fn stretches(&self) -> u64 {
        self.seen.size.div_ceil(STRETCH_LEN)
    }

    /// Reads the lines that start in a stretch; `buffer` is used again.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has become shorter, or has a line that is too long.
    pub fn read<'b>(&self, stretch: u64, buffer: &'b mut Vec<u8>) -> io::Result<Lines<'b>> {
        let start = stretch.saturating_mul(STRETCH_LEN);
        let end = start.saturating_add(STRETCH_LEN).min(self.seen.size);
        // The byte before tells whether a line starts right here.
        let from = start.saturating_sub(1);
        let ended = |bytes: &[u8], upto: u64| {
            let place = usize::try_from(upto - from).unwrap_or(usize::MAX);
            let rest = bytes.get(place.saturating_sub(1)..)?;
            memchr(b'\n', rest).map(|at| place.saturating_sub(1) + at + 1)
        };
        let mut upto = end.saturating_add(TAIL_LEN).min(self.seen.size);
        self.fill(buffer, from, upto)?;
        let stop = loop {
            if let Some(stop) = ended(buffer, end) {
                break stop;
            }
            if upto == self.seen.size || upto - end > LINE_LEN_MAX {
                return Err(io::Error::other("a line without an end"));
            }
            upto = end.saturating_add((upto - end) * 4).min(self.seen.size);
            self.fill(buffer, from, upto)?;
        };
        let first = match start {
            0 => 0,
            _ => memchr(b'\n', buffer).map_or(stop, |at| at + 1),
        };
        let bytes = buffer.get(first..stop).unwrap_or(&[]);
        Ok(Lines {
            offset: from + u64::try_from(first).unwrap_or(0),
            bytes,
        })
    }

    /// Reads the line that starts at `offset`, without its line end.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or has become shorter.
    pub fn line_at<'b>(&self, offset: u64, buffer: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
        let mut len = 4 * 1024;
        loop {
            let upto = offset.saturating_add(len).min(self.seen.size);
            self.fill(buffer, offset, upto)?;
            if let Some(end) = memchr(b'\n', buffer) {
                return Ok(without_return(buffer.get(..end).unwrap_or(&[])));
            }
            if upto == self.seen.size || len > LINE_LEN_MAX {
                return Err(io::Error::other("a line without an end"));
            }
            len *= 4;
        }
    }

    fn first_line(&self) -> Option<u32> {
        first_line(&self.bytes(0, HEAD_LEN.min(self.seen.size)).ok()?)
    }

    fn bytes(&self, from: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.fill(&mut bytes, from, from.saturating_add(len))?;
        Ok(bytes)
    }

    /// Fills `buffer` with the bytes in [`from`, `to`); what it holds of them already is kept.
    fn fill(&self, buffer: &mut Vec<u8>, from: u64, to: u64) -> io::Result<()> {
        let len = usize::try_from(to - from).map_err(io::Error::other)?;
        // Only a buffer that grows is filled with zeros.
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        buffer.truncate(len);
        self.file.read_exact_at(buffer, from)
    }
}

impl<'b> Lines<'b> {
    /// Returns each line's offset and its bytes without the line end; `None` in the place of one that is
    /// no ordinary line: too long, or a hole of NUL bytes.
    pub fn iter(self) -> impl Iterator<Item = (u64, Option<&'b [u8]>)> {
        let mut offset = self.offset;
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let end = memchr(b'\n', rest)?;
            let (line, after) = (rest.get(..end)?, rest.get(end + 1..)?);
            let at = offset;
            rest = after;
            offset += u64::try_from(end).unwrap_or(0) + 1;
            let is_ordinary = line.first() != Some(&0)
                && u64::try_from(line.len()).is_ok_and(|len| len <= LINE_LEN_MAX);
            Some((at, is_ordinary.then(|| without_return(line))))
        })
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    match memrchr(b'\r', line) {
        Some(at) if at + 1 == line.len() => line.get(..at).unwrap_or(line),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::path::Path;

    fn open(folder: &Path, name: &str, bytes: &[u8]) -> Option<BulkFile> {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        BulkFile::open("x".to_owned(), path)
    }

    fn log(lines: u32) -> Vec<u8> {
        (0..lines)
            .flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes())
            .collect()
    }

    #[test]
    fn only_quiet_plain_logs_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let is_taken = |bytes: &[u8]| open(folder.path(), "a.jsonl", bytes).is_some();
        assert!(is_taken(&log(3)));
        assert!(!is_taken(b""));
        assert!(!is_taken(b"{\"n\":1}\n{\"n\":2}"), "its last line goes on");
        assert!(!is_taken(b"{\n\"n\":1\n}\n"), "one document");
        assert!(!is_taken(b"\x1f\x8b\x08\x00\x00\x00\n"), "gzip");
        assert!(!is_taken(
            &"{}\n"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>()
        ));
    }

    #[test]
    fn files_that_may_be_copies_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let source = [SourceSpec::Folder(folder.path().to_owned())];
        fs::write(folder.path().join("b.jsonl"), log(3)).unwrap();
        fs::write(folder.path().join("a.jsonl"), b"{\"n\":9}\n{\"n\":8}\n").unwrap();
        let files = BulkFile::open_all(&source).unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|file| file.path.file_name().unwrap())
            .collect();
        assert_eq!(paths, ["a.jsonl", "b.jsonl"]);
        fs::write(folder.path().join("c.jsonl"), log(4)).unwrap();
        assert!(BulkFile::open_all(&source).is_none());
        assert!(BulkFile::open_all(&[SourceSpec::Stdin]).is_none());
    }

    #[test]
    fn a_file_that_shrinks_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(folder.path(), "a.jsonl", &log(9)).unwrap();
        fs::write(folder.path().join("a.jsonl"), b"{}\n").unwrap();
        assert!(file.read(0, &mut Vec::new()).is_err());
        assert!(file.line_at(24, &mut Vec::new()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn stretches_hold_every_line_once(
            lens in prop::collection::vec(prop_oneof![1_usize..400, 60_000_usize..900_000], 2..40),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut text = String::new();
            for len in &lens {
                text.push_str(&format!("{{\"t\":\"{}\"}}\n", "x".repeat(*len)));
            }
            let text = format!("{{}}\n{{}}\r\n{text}");
            let file = open(folder.path(), "a.jsonl", text.as_bytes()).unwrap();
            let mut buffer = Vec::new();
            let mut found = Vec::new();
            for stretch in 0..file.stretches() {
                let lines = file.read(stretch, &mut buffer).unwrap();
                found.extend(lines.iter().map(|(at, line)| (at, line.unwrap().to_vec())));
            }
            let expected: Vec<&str> = text.lines().collect();
            prop_assert_eq!(found.len(), expected.len());
            for ((at, line), expected) in found.iter().zip(expected) {
                prop_assert_eq!(line.as_slice(), expected.as_bytes());
                let again = file.line_at(*at, &mut buffer).unwrap();
                prop_assert_eq!(again, expected.as_bytes());
            }
        }
    }
}

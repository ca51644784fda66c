//! Reads rejected lines again from where they stand, plain and compressed, one at a time.

use std::io;
use std::path::Path;

use super::decompress::Packed;
use super::files::{Files, LocalFiles, OpenFile};
use crate::model::{ByteOffset, GenerationId, HashKey, QuarantinedLine};

/// The longest line read again: longer ones no run takes.
const LINE_LEN_MAX: u64 = 1024 * 1024;
/// The buffer that decompression skips with.
const SKIP_LEN: usize = 64 * 1024;

/// Why a line cannot be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Its file is gone, or cannot be opened.
    Gone,
    /// Its file does not hold the same bytes there any more.
    Changed,
    /// Its source cannot be read twice and the line was not kept.
    NotKept,
    /// It is longer than any line that is read.
    TooLong,
}

/// Reads lines in the order of generations and offsets, each file once.
#[derive(Default)]
pub struct Rereader {
    open: Option<Open>,
    line: Vec<u8>,
}

struct Open {
    generation: GenerationId,
    bytes: Bytes,
}

enum Bytes {
    Plain(Box<dyn OpenFile>),
    /// A stream and where it stands.
    Packed(Packed, u64),
    Gone,
}

impl Rereader {
    /// Returns the bytes of a line, the same that were rejected.
    ///
    /// # Errors
    ///
    /// Why they cannot be had.
    pub fn read<'a>(
        &'a mut self,
        line: &'a QuarantinedLine,
        key: HashKey,
    ) -> Result<&'a [u8], Lost> {
        if let Some(kept) = &line.kept {
            return Ok(kept.as_bytes());
        }
        if line.len > LINE_LEN_MAX {
            return Err(Lost::TooLong);
        }
        if self
            .open
            .as_ref()
            .is_none_or(|open| open.generation != line.generation)
        {
            self.open = Some(Open {
                generation: line.generation,
                bytes: open(line),
            });
        }
        self.line.resize(usize::try_from(line.len).unwrap_or(0), 0);
        let Some(open) = &mut self.open else {
            return Err(Lost::Gone);
        };
        let ByteOffset(offset) = line.offset;
        let is_read = match &mut open.bytes {
            Bytes::Gone if line.path == "-" => return Err(Lost::NotKept),
            Bytes::Gone => return Err(Lost::Gone),
            Bytes::Plain(file) => is_filled(file.as_ref(), &mut self.line, offset),
            Bytes::Packed(packed, at) => read_packed(packed, at, offset, &mut self.line).is_ok(),
        };
        if is_read && key.hash(&self.line) == line.hash {
            Ok(&self.line)
        } else {
            Err(Lost::Changed)
        }
    }
}

fn open(line: &QuarantinedLine) -> Bytes {
    let path = Path::new(&line.path);
    let is_file = path.metadata().is_ok_and(|found| found.is_file());
    let opened = match (is_file, line.is_compressed) {
        (false, _) => None,
        (true, true) => Packed::open(&LocalFiles, path)
            .ok()
            .map(|packed| Bytes::Packed(packed, 0)),
        (true, false) => LocalFiles.open(path).ok().map(Bytes::Plain),
    };
    opened.unwrap_or(Bytes::Gone)
}

/// Fills `line` with the bytes at `offset`; tells whether there were enough.
fn is_filled(file: &dyn OpenFile, line: &mut [u8], offset: u64) -> bool {
    let mut at = 0;
    while let Some(rest) = line.get_mut(at..).filter(|rest| !rest.is_empty()) {
        let place = offset.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        match file.read_at(rest, place) {
            Ok(len) if len > 0 => at += len,
            _ => return false,
        }
    }
    true
}

/// Goes on in the stream to `offset` and fills `line`.
fn read_packed(packed: &mut Packed, at: &mut u64, offset: u64, line: &mut [u8]) -> io::Result<()> {
    let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut left = offset.checked_sub(*at).ok_or_else(ended)?;
    let mut skipped = vec![0; SKIP_LEN];
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(SKIP_LEN).min(SKIP_LEN);
        let len = packed.fill(skipped.get_mut(..part).unwrap_or(&mut []))?;
        let len = u64::try_from(len).unwrap_or(0);
        if len == 0 {
            return Err(ended());
        }
        left -= len;
        *at += len;
    }
    let len = packed.fill(line)?;
    *at += u64::try_from(len).unwrap_or(0);
    if len == line.len() {
        Ok(())
    } else {
        Err(ended())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const KEY: HashKey = HashKey([3; 16]);

    fn line(path: &Path, offset: u64, text: &str, is_compressed: bool) -> QuarantinedLine {
        QuarantinedLine {
            generation: GenerationId(1),
            path: path.to_str().unwrap().to_owned(),
            is_compressed,
            offset: ByteOffset(offset),
            len: u64::try_from(text.len()).unwrap(),
            hash: KEY.hash(text.as_bytes()),
            kept: None,
        }
    }

    #[test]
    fn plain_and_packed_lines_are_read_by_place_and_hash() {
        let folder = tempfile::tempdir().unwrap();
        let body = format!("one\n{}\nthree\n", "x".repeat(100_000));
        let plain = folder.path().join("a.jsonl");
        std::fs::write(&plain, &body).unwrap();
        let packed = folder.path().join("b.jsonl.gz");
        let mut encoder = flate2::write::GzEncoder::new(
            std::fs::File::create(&packed).unwrap(),
            flate2::Compression::fast(),
        );
        encoder.write_all(body.as_bytes()).unwrap();
        encoder.finish().unwrap();
        for (path, is_packed) in [(&plain, false), (&packed, true)] {
            let mut reader = Rereader::default();
            let one = line(path, 0, "one", is_packed);
            let three = line(path, 100_005, "three", is_packed);
            assert_eq!(reader.read(&one, KEY), Ok(&b"one"[..]));
            assert_eq!(reader.read(&three, KEY), Ok(&b"three"[..]));
            let beyond = line(path, 100_008, "three", is_packed);
            assert_eq!(Rereader::default().read(&beyond, KEY), Err(Lost::Changed));
            let other = line(path, 0, "two", is_packed);
            assert_eq!(Rereader::default().read(&other, KEY), Err(Lost::Changed));
        }
        let gone = line(&folder.path().join("none"), 0, "one", false);
        assert_eq!(Rereader::default().read(&gone, KEY), Err(Lost::Gone));
        assert_eq!(
            Rereader::default().read(&line(folder.path(), 0, "one", false), KEY),
            Err(Lost::Gone)
        );
        let pipe = line(Path::new("-"), 0, "one", false);
        assert_eq!(Rereader::default().read(&pipe, KEY), Err(Lost::NotKept));
        let kept = QuarantinedLine {
            kept: Some("{}".to_owned()),
            ..pipe
        };
        assert_eq!(Rereader::default().read(&kept, KEY), Ok(&b"{}"[..]));
        let long = QuarantinedLine {
            len: LINE_LEN_MAX + 1,
            ..gone
        };
        assert_eq!(Rereader::default().read(&long, KEY), Err(Lost::TooLong));
    }
}

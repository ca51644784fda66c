//! Line marks: where each line of a generation starts, with a checksum of everything up to it.
//!
//! They tell which lines of a file were read before when the file has become shorter than its
//! checkpoint (a power loss, a cut), or is a copy of another one or of a part of it.
//!
//! # Bytes of a block
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version, 1 |
//! | per line: 1 to 10 | `span * 2` as a LEB128 varint |
//! | 4 | checksum: CRC-32 of this line and all before it, each ended by `\n`, little endian |
//! | per late line end: 1 to 10 | `span * 2 + 1` as a varint: belongs to the line before, has no checksum |
//!
//! A reader that meets another version reads no marks: lines are then taken as new.

use super::ByteOffset;

const VERSION: u8 = 1;

/// One line: where it starts, how many bytes it takes with its line end, and a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineMark {
    /// Where it starts.
    pub offset: ByteOffset,
    /// Bytes up to the next line.
    pub span: u64,
    /// The CRC-32 of this line and all before it, each ended by a line feed whatever ends it in the file:
    /// where two generations have the same one at the same place, they have the same lines up to there.
    pub checksum: u32,
}

impl LineMark {
    /// Returns the checksum of a line, given without its line end, after lines whose checksum is `before`:
    /// 0 at the start.
    pub fn checksum(before: u32, line: &[u8]) -> u32 {
        let mut crc = crc32fast::Hasher::new_with_initial(before);
        crc.update(line);
        crc.update(b"\n");
        crc.finalize()
    }
}

/// The marks of up to [`LineMarks::LINES_MAX`] lines that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineMarks {
    first: ByteOffset,
    end: ByteOffset,
    lines: u32,
    entries: Vec<u8>,
}

impl LineMarks {
    /// The most lines of a block.
    pub const LINES_MAX: u32 = 512;

    /// Starts a block whose first line starts at `first`.
    pub fn new(first: ByteOffset) -> Self {
        Self {
            first,
            end: first,
            lines: 0,
            entries: Vec::new(),
        }
    }

    /// Adds a line of `span` bytes.
    pub fn push(&mut self, span: u64, checksum: u32) {
        put_varint(&mut self.entries, span.saturating_mul(2));
        self.entries.extend_from_slice(&checksum.to_le_bytes());
        self.lines = self.lines.saturating_add(1);
        self.end.0 = self.end.0.saturating_add(span);
    }

    /// Adds a line end that came after its line had been taken without one.
    pub fn push_line_end(&mut self, span: u64) {
        put_varint(&mut self.entries, span.saturating_mul(2) | 1);
        self.end.0 = self.end.0.saturating_add(span);
    }

    /// Returns where its first line starts.
    pub fn first(&self) -> ByteOffset {
        self.first
    }

    /// Returns where its last line ends.
    pub fn end(&self) -> ByteOffset {
        self.end
    }

    /// Returns how many lines it holds.
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// Tells whether no more lines belong in it.
    pub fn is_full(&self) -> bool {
        self.lines >= Self::LINES_MAX
    }

    /// Returns its bytes without the version: what is appended to a block that it continues.
    pub fn entries(&self) -> &[u8] {
        &self.entries
    }

    /// Returns its bytes as they stand on disk.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.entries.len() + 1);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.entries);
        bytes
    }

    /// Reads the bytes of a block; `None`: damaged or of another version.
    pub fn from_bytes(first: ByteOffset, bytes: &[u8]) -> Option<Self> {
        let (&version, entries) = bytes.split_first()?;
        let mut marks = Self {
            first,
            end: first,
            lines: 0,
            entries: entries.to_vec(),
        };
        let mut rest = entries;
        while !rest.is_empty() {
            let (span, checksum) = take_entry(&mut rest)?;
            marks.end.0 = marks.end.0.checked_add(span)?;
            marks.lines = marks.lines.saturating_add(u32::from(checksum.is_some()));
        }
        (version == VERSION).then_some(marks)
    }

    /// Returns the lines in order.
    pub fn iter(&self) -> impl Iterator<Item = LineMark> + '_ {
        let mut rest = self.entries.as_slice();
        let mut at = self.first;
        std::iter::from_fn(move || {
            loop {
                let (span, checksum) = take_entry(&mut rest)?;
                let offset = at;
                at.0 = at.0.saturating_add(span);
                if let Some(checksum) = checksum {
                    return Some(LineMark {
                        offset,
                        span,
                        checksum,
                    });
                }
            }
        })
    }
}

/// Takes one entry off `rest`; a line end has no checksum.
fn take_entry(rest: &mut &[u8]) -> Option<(u64, Option<u32>)> {
    let value = take_varint(rest)?;
    if value & 1 == 1 {
        return Some((value >> 1, None));
    }
    let (checksum, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some((value >> 1, Some(u32::from_le_bytes(*checksum))))
}

fn put_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    into.push(u8::try_from(value).unwrap_or(0));
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            first in 0..1_u64 << 40,
            entries in prop::collection::vec((1..1_u64 << 40, any::<Option<u32>>()), 0..40),
        ) {
            let mut marks = LineMarks::new(ByteOffset(first));
            let mut expected = Vec::new();
            let mut at = first;
            for (span, checksum) in entries {
                match checksum {
                    Some(checksum) => {
                        marks.push(span, checksum);
                        expected.push(LineMark { offset: ByteOffset(at), span, checksum });
                    }
                    None => marks.push_line_end(span),
                }
                at += span;
            }
            prop_assert_eq!(marks.end(), ByteOffset(at));
            let read = LineMarks::from_bytes(ByteOffset(first), &marks.to_bytes());
            prop_assert_eq!(read.as_ref(), Some(&marks));
            prop_assert_eq!(marks.iter().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(marks) = LineMarks::from_bytes(ByteOffset(u64::MAX - 9), &bytes) {
                prop_assert_eq!(marks.iter().count(), usize::try_from(marks.lines()).unwrap());
            }
        }
    }

    #[test]
    fn another_version_reads_as_nothing() {
        let mut bytes = LineMarks::new(ByteOffset(0)).to_bytes();
        bytes[0] = 2;
        assert_eq!(LineMarks::from_bytes(ByteOffset(0), &bytes), None);
    }
}

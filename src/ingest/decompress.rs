//! Compressed files as streams of plain bytes.
//!
//! What a file is is told by its first bytes, not by its name: a gzip stream under the name `.jsonl` is
//! decompressed, a plain text under the name `.gz` is read as it stands. Memory does not depend on what a
//! file unpacks to: gzip needs 32 KiB, a zstd frame that asks for more than [`ZSTD_WINDOW_LOG_MAX`] is
//! refused, and a decoder is made only when its first byte is asked for.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::files::{Files, OpenFile};

/// The longest window a zstd frame may ask for, as a power of two: 64 MiB. The strongest level of
/// the `zstd` command without `--ultra` and `--long` asks for 8 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 26;
/// How many compressed bytes are read at once.
const BUFFER_LEN: usize = 64 * 1024;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// Tells how a file is compressed; `None`: it is not, or cannot be read.
    pub(super) fn of(files: &dyn Files, path: &Path) -> Option<Self> {
        let mut first = [0; 4];
        let len = files
            .open(path)
            .and_then(|file| file.read_at(&mut first, 0))
            .ok()?;
        let start = first.get(..len).unwrap_or(&[]);
        // Too few bytes to tell by: a compressed file that has just been created, perhaps.
        Self::of_bytes(start)
            .or_else(|| Self::by_name(path).filter(|packing| packing.magic().starts_with(start)))
    }

    /// Tells how the bytes that begin with `start` are compressed.
    pub(super) fn of_bytes(start: &[u8]) -> Option<Self> {
        match start {
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => [Self::Gzip, Self::Zstd]
                .into_iter()
                .find(|packing| start.starts_with(packing.magic())),
        }
    }

    /// Says what to do about such a stream where no file can be looked at first.
    pub(super) fn in_a_pipe(self) -> &'static str {
        match self {
            Self::Gzip => "gzip data in a pipe: unpack it first, e.g. with zcat",
            Self::Zstd => "zstd data in a pipe: unpack it first, e.g. with zstdcat",
        }
    }

    /// The first bytes of such a stream. A zstd stream may also begin with a frame to be skipped.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"\x1f\x8b\x08",
            Self::Zstd => b"\x28\xb5\x2f\xfd",
        }
    }

    fn by_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        [("gz", Self::Gzip), ("zst", Self::Zstd)]
            .into_iter()
            .find(|(word, _)| extension.eq_ignore_ascii_case(word))
            .map(|(_, packing)| packing)
    }
}

/// A decompressing reader that knows how many compressed bytes it has taken.
pub(super) struct Packed {
    packing: Packing,
    input: Option<Counted>,
    stream: Option<Box<dyn Read + Send>>,
    taken: Arc<AtomicU64>,
    /// Damage met behind bytes that were handed out: a gzip decoder reports it once, then says "end".
    damage: Option<io::Error>,
}

/// The compressed bytes in sequence.
struct Counted {
    file: Box<dyn OpenFile>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = self.taken.load(Ordering::Relaxed);
        let len = self.file.read_at(buffer, at)?;
        self.taken
            .fetch_add(u64::try_from(len).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(len)
    }
}

impl Packed {
    /// Opens a compressed file at its first byte.
    pub(super) fn open(files: &dyn Files, path: &Path) -> io::Result<Self> {
        let packing = Packing::of(files, path)
            .or_else(|| Packing::by_name(path))
            .unwrap_or(Packing::Gzip);
        let taken = Arc::new(AtomicU64::new(0));
        let input = Counted {
            file: files.open(path)?,
            taken: Arc::clone(&taken),
        };
        Ok(Self {
            packing,
            input: Some(input),
            stream: None,
            taken,
            damage: None,
        })
    }

    /// Tells whether the decoder holds memory.
    pub(super) fn is_started(&self) -> bool {
        self.stream.is_some()
    }

    fn stream(&mut self) -> io::Result<&mut dyn Read> {
        if let Some(input) = self.input.take() {
            self.stream = Some(match self.packing {
                Packing::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(
                    BUFFER_LEN, input,
                ))),
                Packing::Zstd => {
                    let mut decoder = zstd::stream::read::Decoder::with_buffer(
                        BufReader::with_capacity(BUFFER_LEN, input),
                    )?;
                    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                    Box::new(decoder)
                }
            });
        }
        match &mut self.stream {
            Some(stream) => Ok(stream),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Fills as much of `buffer` as there is; an error means that the stream is damaged here. Bytes
    /// decoded before the damage come first.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(damage) = self.damage.take() {
            return Err(damage);
        }
        let stream = self.stream()?;
        let mut len = 0;
        while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match stream.read(rest) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if len == 0 => return Err(error),
                Err(error) => {
                    self.damage = Some(error);
                    break;
                }
            }
        }
        Ok(len)
    }

    /// Returns how many compressed bytes were read.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::files::LocalFiles;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zst(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    /// With a checksum, as the `zstd` command writes.
    fn checked_zst(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read_all(name: &str, bytes: &[u8]) -> (Vec<u8>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut packed = Packed::open(&LocalFiles, &path).unwrap();
        let mut all = Vec::new();
        let mut buffer = [0; 100];
        loop {
            match packed.fill(&mut buffer) {
                Ok(0) => return (all, false),
                Ok(len) => all.extend_from_slice(&buffer[..len]),
                Err(_) => return (all, true),
            }
        }
    }

    #[test]
    fn every_member_of_a_gzip_file_is_read() {
        let packed = [gz(b"one\ntwo\n"), gz(b"three\n")].concat();
        assert_eq!(
            read_all("a.gz", &packed),
            (b"one\ntwo\nthree\n".to_vec(), false)
        );
    }

    #[test]
    fn zstd_frames_are_read() {
        let packed = [zst(b"one\n"), zst(b"two\n")].concat();
        assert_eq!(read_all("a.zst", &packed), (b"one\ntwo\n".to_vec(), false));
    }

    #[test]
    fn the_bytes_tell_and_the_name_only_where_there_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let skipped = [&b"\x51\x2a\x4d\x18\x02\0\0\0xx"[..], &zst(b"{}\n")].concat();
        for (name, bytes, expected) in [
            ("plain.jsonl", gz(b"{}\n"), Some(Packing::Gzip)),
            ("plain.log", zst(b"{}\n"), Some(Packing::Zstd)),
            ("skipped.zst", skipped, Some(Packing::Zstd)),
            ("text.gz", b"{\"a\":1}\n".to_vec(), None),
            ("other.gz", zst(b"{}\n"), Some(Packing::Zstd)),
            ("empty.gz", Vec::new(), Some(Packing::Gzip)),
            ("empty.ZST", Vec::new(), Some(Packing::Zstd)),
            ("begun.gz", b"\x1f\x8b".to_vec(), Some(Packing::Gzip)),
            ("short.gz", b"{}\n".to_vec(), None),
            ("empty.jsonl", Vec::new(), None),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(Packing::of(&LocalFiles, &path), expected, "{name}");
        }
        let nowhere = folder.path().join("nowhere.gz");
        assert_eq!(Packing::of(&LocalFiles, &nowhere), None);
        assert_eq!(
            read_all("plain.jsonl", &zst(b"one\n")),
            (b"one\n".to_vec(), false)
        );
    }

    #[test]
    fn a_zstd_frame_with_a_huge_window_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder
            .set_parameter(zstd::zstd_safe::CParameter::WindowLog(27))
            .unwrap();
        encoder.write_all(&vec![7; 100_000]).unwrap();
        assert_eq!(
            read_all("a.zst", &encoder.finish().unwrap()),
            (Vec::new(), true)
        );
    }

    #[test]
    fn bytes_before_the_damage_are_kept() {
        let plain: Vec<u8> = (0..80_000_u32)
            .flat_map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect();
        for (name, whole) in [("a.gz", gz(&plain)), ("a.zst", checked_zst(&plain))] {
            let (cut, is_damaged) = read_all(name, &whole[..whole.len() / 2]);
            assert!(is_damaged, "{name}");
            // A zstd block of 128 KiB is whole or nothing.
            assert!(cut.len() > plain.len() / 4, "{name}: {}", cut.len());
            assert_eq!(cut, plain[..cut.len()]);
            let mut flipped = whole.clone();
            let middle = whole.len() / 2;
            flipped[middle] ^= 0x55;
            flipped[middle + 1] ^= 0x55;
            assert!(read_all(name, &flipped).1, "{name}");
        }
    }

    proptest! {
        #[test]
        fn d27_no_archive_makes_the_reader_panic_or_grow(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in any::<prop::sample::Index>(),
            kind in 0..4_usize,
            junk in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let plain: Vec<u8> = (0..400_u32).flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes()).collect();
            let mut bytes = match kind {
                0 => gz(&plain),
                1 => checked_zst(&plain),
                2 => [gz(&plain), junk].concat(),
                _ => [&b"\x28\xb5\x2f\xfd"[..], &junk].concat(),
            };
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            let (all, _) = read_all("a.gz", &bytes);
            prop_assert!(all.len() <= 2 << 20, "{} bytes of {}", all.len(), bytes.len());
        }
    }
}

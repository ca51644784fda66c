//! Compressed files as streams of plain bytes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

/// The longest window a zstd frame may ask for, as a power of two: 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// A decompressing reader that knows how many compressed bytes it has taken.
pub(super) struct Packed {
    stream: Box<dyn Read + Send>,
    taken: Arc<AtomicU64>,
    /// Damage met behind bytes that were handed out: a gzip decoder reports it once, then says "end".
    damage: Option<io::Error>,
}

struct Counted {
    file: File,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buffer)?;
        self.taken
            .fetch_add(u64::try_from(len).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(len)
    }
}

/// Tells whether the name of a file says that it is compressed.
pub(super) fn is_packed_name(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("gz") || ext.eq_ignore_ascii_case("zst"))
}

impl Packed {
    /// Opens a compressed file at its first byte.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            file: super::open::open_file(path)?,
            taken: Arc::clone(&taken),
        };
        let stream: Box<dyn Read + Send> = if path
            .extension()
            .is_some_and(|ext| ext.eq_ignore_ascii_case("zst"))
        {
            let mut decoder = zstd::stream::read::Decoder::new(counted)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(decoder)
        } else {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(
                64 * 1024,
                counted,
            )))
        };
        Ok(Self {
            stream,
            taken,
            damage: None,
        })
    }

    /// Fills as much of `buffer` as there is; an error means that the stream is damaged here. Bytes
    /// decoded before the damage come first.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(damage) = self.damage.take() {
            return Err(damage);
        }
        let mut len = 0;
        while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match self.stream.read(rest) {
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

    use super::*;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read_all(name: &str, bytes: &[u8]) -> (Vec<u8>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut packed = Packed::open(&path).unwrap();
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
        let packed = [
            zstd::encode_all(&b"one\n"[..], 1).unwrap(),
            zstd::encode_all(&b"two\n"[..], 1).unwrap(),
        ]
        .concat();
        assert_eq!(read_all("a.zst", &packed), (b"one\ntwo\n".to_vec(), false));
    }

    #[test]
    fn bytes_before_the_damage_are_kept() {
        let plain: Vec<u8> = (0..20_000_u32)
            .flat_map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect();
        let whole = gz(&plain);
        let (cut, is_damaged) = read_all("a.gz", &whole[..whole.len() / 2]);
        assert!(is_damaged);
        assert!(cut.len() > plain.len() / 4);
        assert_eq!(cut, plain[..cut.len()]);
        let mut flipped = whole.clone();
        let middle = whole.len() / 2;
        flipped[middle] ^= 0x55;
        flipped[middle + 1] ^= 0x55;
        assert!(read_all("a.gz", &flipped).1);
        assert!(read_all("a.gz", b"not gzip at all").1);
    }
}

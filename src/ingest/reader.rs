//! The bytes of one generation, plain or decompressed, from an offset on.

use std::io;
use std::path::Path;

use crate::model::{Fingerprint, HashKey};

use super::decompress::Packed;
use super::files::{Files, OpenFile};
use super::identity::{HEAD_LEN_MAX, Known, Seen, TAIL_LEN_MAX, Trace, fingerprint, len_u64};

/// The smallest buffer that decompression skips with.
const SKIP_LEN: usize = 64 * 1024;

/// An open generation.
pub(super) enum Reader {
    /// A file whose bytes are the source's bytes.
    Plain(Box<dyn OpenFile>),
    /// A compressed file, read in sequence.
    Packed(Packed),
}

impl Reader {
    /// Reads the next bytes after `offset` into `buffer`; 0 is the end for now.
    pub(super) fn read(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Packed(packed) => packed.fill(buffer),
            Self::Plain(file) => fill_at(file.as_ref(), offset, buffer),
        }
    }

    /// Looks at the file behind an open plain generation.
    pub(super) fn seen(&self) -> Option<Seen> {
        match self {
            Self::Plain(file) => file.seen().ok(),
            Self::Packed(_) => None,
        }
    }

    /// Tells whether the bytes already read still stand in a plain file.
    pub(super) fn verifies(&self, trace: &Trace) -> bool {
        match self {
            Self::Plain(file) => plain_matches(file.as_ref(), trace),
            Self::Packed(_) => true,
        }
    }
}

fn fill_at(file: &dyn OpenFile, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if len == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(len)
}

/// Returns exactly `len` bytes at `offset`; `None`: the file does not have them.
fn exactly_at(file: &dyn OpenFile, offset: u64, len: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; len];
    (fill_at(file, offset, &mut bytes).ok()? == len).then_some(bytes)
}

/// Tells whether `file` has the trace's bytes at their places.
pub(super) fn plain_matches(file: &dyn OpenFile, trace: &Trace) -> bool {
    let tail = trace.tail_bytes();
    exactly_at(file, 0, trace.head_bytes().len()).is_some_and(|head| head == trace.head_bytes())
        && exactly_at(
            file,
            trace.offset().saturating_sub(len_u64(tail)),
            tail.len(),
        )
        .is_some_and(|bytes| bytes == tail)
}

/// Returns the trace at a known checkpoint when `file` has its bytes.
pub(super) fn plain_verify(file: &dyn OpenFile, known: &Known, key: HashKey) -> Option<Trace> {
    let head = exactly_at(file, 0, fingerprint_len(known.head, HEAD_LEN_MAX)?)?;
    if fingerprint(key, &head) != known.head {
        return None;
    }
    let tail_len = fingerprint_len(known.tail, TAIL_LEN_MAX)?;
    let from = known.offset.checked_sub(u64::from(known.tail.len))?;
    let tail = exactly_at(file, from, tail_len)?;
    (fingerprint(key, &tail) == known.tail).then(|| Trace::from_parts(known.offset, head, tail))
}

fn fingerprint_len(fingerprint: Fingerprint, most: usize) -> Option<usize> {
    usize::try_from(fingerprint.len)
        .ok()
        .filter(|len| *len <= most)
}

/// Returns which of the known checkpoints (slot and checkpoint) the decompressed bytes verify, the
/// furthest one first.
pub(super) fn packed_verify(
    files: &mut dyn Files,
    path: &Path,
    candidates: &[(usize, &Known)],
    key: HashKey,
) -> io::Result<Option<(usize, Trace)>> {
    let mut packed = Packed::open(files, path)?;
    let mut trace = Trace::default();
    let mut best = None;
    let mut sorted: Vec<_> = candidates.iter().filter(|(_, k)| k.offset > 0).collect();
    sorted.sort_by_key(|(_, known)| known.offset);
    let head_len = skip(&mut packed, &mut trace, len_max())?;
    let mut packed = Packed::open(files, path)?;
    let head = std::mem::take(&mut trace);
    for (slot, known) in sorted {
        let is_head = fingerprint_len(known.head, HEAD_LEN_MAX)
            .and_then(|len| head.head_bytes().get(..len))
            .is_some_and(|bytes| fingerprint(key, bytes) == known.head);
        if !is_head || (head_len < len_max() && known.offset > head_len) {
            continue;
        }
        if skip(&mut packed, &mut trace, known.offset)? < known.offset {
            break;
        }
        if trace.tail(key) == known.tail {
            best = Some((*slot, trace.clone()));
        }
    }
    Ok(best)
}

fn len_max() -> u64 {
    u64::try_from(HEAD_LEN_MAX).unwrap_or(u64::MAX)
}

/// Reads on until the trace stands at `offset` or the bytes end (damage is an end too); returns
/// where it stands.
pub(super) fn skip(packed: &mut Packed, trace: &mut Trace, offset: u64) -> io::Result<u64> {
    let mut buffer = vec![0; SKIP_LEN];
    while trace.offset() < offset {
        let wanted = usize::try_from(offset - trace.offset())
            .unwrap_or(SKIP_LEN)
            .min(SKIP_LEN);
        let part = buffer.get_mut(..wanted).unwrap_or(&mut []);
        let len = match packed.fill(part) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
            Err(_) => 0,
        };
        if len == 0 {
            break;
        }
        trace.push(part.get(..len).unwrap_or(&[]));
    }
    Ok(trace.offset())
}

/// Reads head and tail of a file as if it had been read to `offset`.
pub(super) fn trace_of(file: &dyn OpenFile, offset: u64) -> Option<Trace> {
    let head_len = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(HEAD_LEN_MAX);
    let tail_len = head_len.min(TAIL_LEN_MAX);
    let from = offset.saturating_sub(u64::try_from(tail_len).unwrap_or(0));
    let (head, tail) = (
        exactly_at(file, 0, head_len)?,
        exactly_at(file, from, tail_len)?,
    );
    Some(Trace::from_parts(offset, head, tail))
}

//! Which lines of a file were read before: those that stand, equal, at the same places in a generation
//! whose line marks are kept.

use std::collections::VecDeque;

use crate::model::{ByteOffset, GenerationId, HashKey, LineMark};

use super::identity::Trace;
use super::lines::{Piece, Splitter};
use super::reader::Reader;
use super::{Sink, SinkError};

/// The chunk in which a file is read for comparison.
const CHUNK_LEN: usize = 64 * 1024;

/// A walk along the lines of a generation, beside a file that may hold the same.
#[derive(Debug)]
pub(super) struct Comparison {
    with: GenerationId,
    /// The lines of the block at hand that are still ahead.
    ahead: VecDeque<LineMark>,
}

impl Comparison {
    /// Starts to compare with the lines of a generation.
    pub(super) fn new(with: GenerationId) -> Self {
        Self {
            with,
            ahead: VecDeque::new(),
        }
    }

    /// Returns the generation compared with.
    pub(super) fn with(&self) -> GenerationId {
        self.with
    }

    /// Tells whether the generation has a line with that checksum at `offset`; offsets must not go back.
    pub(super) fn knows(
        &mut self,
        offset: u64,
        checksum: u32,
        sink: &mut dyn Sink,
    ) -> Result<bool, SinkError> {
        while self.ahead.front().is_some_and(|at| at.offset.0 < offset) {
            self.ahead.pop_front();
        }
        if self.ahead.is_empty()
            && let Some(block) = sink.line_marks(self.with, ByteOffset(offset))?
        {
            let ahead = block.iter().skip_while(|at| at.offset.0 < offset);
            self.ahead.extend(ahead);
        }
        Ok(self
            .ahead
            .front()
            .is_some_and(|at| at.offset.0 == offset && at.checksum == checksum))
    }
}

/// Returns how many bytes a piece takes and, unless it is a late line end, its checksum.
pub(super) fn mark_of(piece: &Piece<'_>) -> (u64, Option<u32>) {
    // A stretch that is not kept has a keyed hash: half of it is as good as a checksum.
    let half = |hash: u64| u32::try_from(hash & u64::from(u32::MAX)).unwrap_or_default();
    match *piece {
        Piece::Line { line, span } => (span, Some(LineMark::checksum(line))),
        Piece::TooLong { hash, span, .. } => (span, Some(half(hash))),
        Piece::Hole { len, hash } => (len, Some(half(hash))),
        Piece::Continuation { span } => (span, None),
    }
}

/// How far a file shares the lines of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    /// The bytes of the lines that both begin with.
    pub(super) bytes: u64,
    /// What comes then.
    pub(super) end: SharedEnd,
}

/// Why two files share no more lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SharedEnd {
    /// The file has no more whole lines.
    File,
    /// The generation was not read any further.
    Generation,
    /// The next lines differ.
    Difference,
}

/// Compares a file with a generation, line by line from the start on; a last line without its end is not
/// looked at.
pub(super) fn shared_lines(
    with: GenerationId,
    reader: &mut Reader,
    key: HashKey,
    line_len_max: usize,
    sink: &mut dyn Sink,
) -> Result<Shared, SinkError> {
    let mut comparison = Comparison::new(with);
    let mut splitter = Splitter::new(key, line_len_max, Trace::default());
    let mut buffer = vec![0; CHUNK_LEN];
    let (mut read, mut bytes) = (0_u64, 0_u64);
    loop {
        let len = match reader.read(read, &mut buffer) {
            // Damage is an end too: what comes before it may still be a copy.
            Ok(0) | Err(_) => {
                let end = SharedEnd::File;
                return Ok(Shared { bytes, end });
            }
            Ok(len) => len,
        };
        read = read.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        let chunk = buffer.get(..len).unwrap_or(&[]);
        let mut at = 0;
        while let Some(piece) = splitter.next(chunk, &mut at) {
            let (span, checksum) = mark_of(&piece);
            if let Some(checksum) = checksum
                && !comparison.knows(bytes, checksum, sink)?
            {
                let end = if comparison.ahead.is_empty() {
                    SharedEnd::Generation
                } else {
                    SharedEnd::Difference
                };
                return Ok(Shared { bytes, end });
            }
            bytes = bytes.saturating_add(span);
        }
        splitter.end_chunk(chunk);
    }
}

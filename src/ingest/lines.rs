//! Chunks of bytes to lines, whatever the borders of the chunks, in constant memory.

use std::hash::Hasher;

use memchr::memchr;
use siphasher::sip::SipHasher13;

use crate::model::HashKey;

use super::identity::Trace;

/// A stretch of bytes that is accounted for as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A line.
    Line {
        /// Its bytes without the line end.
        line: &'a [u8],
        /// How many bytes it takes in the source, line end included.
        span: u64,
    },
    /// A line beyond the limit; only its length and hash are known.
    TooLong {
        /// Its length without the newline.
        len: u64,
        /// The keyed hash of those bytes.
        hash: u64,
        /// How many bytes it takes in the source.
        span: u64,
    },
    /// A run of NUL bytes where a line should start.
    Hole {
        /// How many.
        len: u64,
        /// The keyed hash of those bytes.
        hash: u64,
    },
    /// The line end that arrived after its line had been consumed without it.
    Continuation {
        /// How many bytes.
        span: u64,
    },
}

/// A stretch that is skipped: hashed and counted, not kept.
struct Skip {
    is_hole: bool,
    len: u64,
    hasher: SipHasher13,
    trace: Trace,
}

/// Cuts the bytes of one generation into pieces and remembers where the last one ended.
pub(super) struct Splitter {
    key: HashKey,
    line_len_max: usize,
    /// The start of a line whose end has not been seen.
    carry: Vec<u8>,
    /// Whether `carry` holds a whole line that was handed out.
    is_carry_used: bool,
    skip: Option<Skip>,
    /// Whether the last piece was a line without its line end.
    is_after_consumed: bool,
    /// Stands at the end of the last piece that is settled.
    trace: Trace,
    /// How far the current chunk is in `trace`.
    settled: usize,
    /// Where the last piece of the current chunk ended.
    ended: usize,
}

impl Splitter {
    /// Starts at `trace`: a new generation at nothing, a known one at its checkpoint.
    pub(super) fn new(key: HashKey, line_len_max: usize, trace: Trace) -> Self {
        Self {
            key,
            line_len_max,
            carry: Vec::new(),
            is_carry_used: false,
            skip: None,
            is_after_consumed: trace.last_byte().is_some_and(|byte| byte != b'\n'),
            trace,
            settled: 0,
            ended: 0,
        }
    }

    /// Returns the next whole piece of `chunk` from `at` on; `None`: the rest of the chunk was taken over.
    pub(super) fn next<'a>(&'a mut self, chunk: &'a [u8], at: &mut usize) -> Option<Piece<'a>> {
        if std::mem::take(&mut self.is_carry_used) {
            self.carry.clear();
        }
        loop {
            if let Some(piece) = self.continue_skip(chunk, at) {
                return Some(piece);
            }
            let rest = chunk.get(*at..).unwrap_or(&[]);
            let first = *rest.first()?;
            if self.is_after_consumed {
                if self.carry.is_empty() && first == b'\r' && rest.len() == 1 {
                    self.carry.push(first);
                    *at += 1;
                    return None;
                }
                self.is_after_consumed = false;
                if let Some(span) = self.line_end_len(rest) {
                    return Some(self.continuation(chunk, at, span));
                }
            }
            if first == 0 && self.carry.is_empty() {
                self.start_skip(true);
                continue;
            }
            let room = self.line_len_max.saturating_sub(self.carry.len());
            match memchr(b'\n', rest) {
                Some(end) if end <= room => return Some(self.line(chunk, at, end)),
                None if rest.len() <= room => {
                    self.carry.extend_from_slice(rest);
                    *at = chunk.len();
                    return None;
                }
                _ => self.start_skip(false),
            }
        }
    }

    /// Returns the stretch that has no end yet, as the last line of a generation that is closed.
    pub(super) fn remainder(&mut self) -> Option<Piece<'_>> {
        if std::mem::take(&mut self.is_carry_used) {
            self.carry.clear();
        }
        if let Some(skip) = &self.skip {
            let (len, hash) = (skip.len, skip.hasher.finish());
            return Some(if skip.is_hole {
                Piece::Hole { len, hash }
            } else {
                Piece::TooLong {
                    len,
                    hash,
                    span: len,
                }
            });
        }
        let span = u64::try_from(self.carry.len()).unwrap_or(u64::MAX);
        (!self.carry.is_empty()).then(|| Piece::Line {
            line: without_return(&self.carry),
            span,
        })
    }

    /// Marks the remainder as consumed, so that a line end that arrives later counts as nothing.
    pub(super) fn consume_remainder(&mut self) {
        match self.skip.take() {
            Some(skip) => self.trace = skip.trace,
            None => self.trace.push(&self.carry),
        }
        self.carry.clear();
        self.is_after_consumed = self.trace.last_byte().is_some_and(|byte| byte != b'\n');
    }

    /// Takes the pieces handed out so far into the trace; call it before [`Splitter::trace`] is read
    /// and at the end of every chunk.
    pub(super) fn settle(&mut self, chunk: &[u8]) {
        if let Some(bytes) = chunk.get(self.settled..self.ended) {
            self.trace.push(bytes);
            self.settled = self.ended;
        }
    }

    /// Makes ready for the next chunk.
    pub(super) fn end_chunk(&mut self, chunk: &[u8]) {
        self.settle(chunk);
        self.settled = 0;
        self.ended = 0;
    }

    /// Returns the fingerprints' bytes at the end of the last settled piece.
    pub(super) fn trace(&self) -> &Trace {
        &self.trace
    }

    fn line_end_len(&self, rest: &[u8]) -> Option<usize> {
        match (self.carry.first(), rest) {
            (_, [b'\n', ..]) => Some(1),
            (None, [b'\r', b'\n', ..]) => Some(2),
            _ => None,
        }
    }

    fn continuation(&mut self, chunk: &[u8], at: &mut usize, len: usize) -> Piece<'static> {
        let mut span = len;
        if !self.carry.is_empty() {
            self.trace.push(&self.carry);
            span += self.carry.len();
            self.carry.clear();
        }
        *at += len;
        self.ended = *at;
        self.settle(chunk);
        Piece::Continuation {
            span: u64::try_from(span).unwrap_or(u64::MAX),
        }
    }

    fn line<'a>(&'a mut self, chunk: &'a [u8], at: &mut usize, end: usize) -> Piece<'a> {
        let from = *at;
        *at = from + end + 1;
        let body = chunk.get(from..from + end).unwrap_or(&[]);
        if self.carry.is_empty() {
            self.ended = *at;
            return Piece::Line {
                line: without_return(body),
                span: u64::try_from(end + 1).unwrap_or(u64::MAX),
            };
        }
        self.trace.push(&self.carry);
        self.ended = *at;
        self.settle(chunk);
        self.carry.extend_from_slice(body);
        self.is_carry_used = true;
        Piece::Line {
            line: without_return(&self.carry),
            span: u64::try_from(self.carry.len() + 1).unwrap_or(u64::MAX),
        }
    }

    fn start_skip(&mut self, is_hole: bool) {
        let mut skip = Skip {
            is_hole,
            len: 0,
            hasher: SipHasher13::new_with_key(&self.key.0),
            trace: Trace::default(),
        };
        // The trace must first stand where this stretch starts; the caller settles it in `continue_skip`.
        skip.take(&self.carry);
        self.skip = Some(skip);
    }

    fn continue_skip(&mut self, chunk: &[u8], at: &mut usize) -> Option<Piece<'static>> {
        let mut skip = self.skip.take()?;
        if skip.trace.offset() == 0 {
            self.settle(chunk);
            skip.trace = self.trace.clone();
            skip.trace.push(&self.carry);
            self.carry.clear();
        }
        let rest = chunk.get(*at..).unwrap_or(&[]);
        let end = if skip.is_hole {
            rest.iter().position(|byte| *byte != 0)
        } else {
            memchr(b'\n', rest)
        };
        let body = rest.get(..end.unwrap_or(rest.len())).unwrap_or(&[]);
        skip.take(body);
        skip.trace.push(body);
        *at += body.len();
        if end.is_none() {
            self.settled = *at;
            self.ended = *at;
            self.skip = Some(skip);
            return None;
        }
        let (len, hash) = (skip.len, skip.hasher.finish());
        if !skip.is_hole {
            skip.trace.push(b"\n");
            *at += 1;
        }
        self.trace = skip.trace;
        self.settled = *at;
        self.ended = *at;
        Some(if skip.is_hole {
            Piece::Hole { len, hash }
        } else {
            Piece::TooLong {
                len,
                hash,
                span: len.saturating_add(1),
            }
        })
    }
}

impl Skip {
    fn take(&mut self, bytes: &[u8]) {
        self.len = self
            .len
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.hasher.write(bytes);
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

//! The batch that is being gathered: pieces to events, rejects and counts.

use crate::model::{
    ByteOffset, Gap, HashKey, LineMark, LineMarks, LineReject, LocatedEvent, Reject, Tally,
    Timestamp,
};

use super::identity::len_u64;
use super::lines::Piece;
use super::{LineParser, ParsedLine};

/// A batch that is being gathered.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) slot: usize,
    pub(super) is_passing: bool,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) read_at: Timestamp,
    pub(super) events: Vec<LocatedEvent>,
    pub(super) rejects: Vec<LineReject>,
    pub(super) marks: Vec<LineMarks>,
    pub(super) gap: Option<Gap>,
    pub(super) tally: Tally,
}

/// Tells whether every byte and line of a batch is counted under one heading.
pub(super) fn is_accounted(pending: &Pending) -> bool {
    let tally = &pending.tally;
    let accepted: u64 = tally.by_format.iter().map(|(_, lines)| lines).sum();
    tally.bytes == pending.to - pending.from
        && tally.lines == tally.blank + tally.noise + tally.quarantined + tally.repeated + accepted
}

/// How a line without its line end is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LastLine {
    /// Nothing more will come: it is an event or in quarantine.
    Always,
    /// More may come: it is an event, or stays where it is.
    IfWhole,
}

/// Takes a piece into the batch.
pub(super) fn take_piece(
    piece: &Piece<'_>,
    parser: &mut dyn LineParser,
    pending: &mut Pending,
    key: HashKey,
    last: Option<LastLine>,
) {
    let reject = |reason, detail: &str| Reject {
        reason,
        detail: detail.to_owned(),
    };
    match *piece {
        Piece::Line { line, span } => take_line(line, span, parser, pending, key, last),
        Piece::Continuation { span } => {
            pending.tally.bytes += span;
            pending.to += span;
        }
        _ if last == Some(LastLine::IfWhole) => {}
        Piece::TooLong { len, hash, span } => {
            pending.reject(
                len,
                hash,
                reject("too-long", "longer than the limit of a line"),
            );
            pending.count(span);
        }
        Piece::Hole { len, hash } => {
            pending.reject(len, hash, reject("nul-hole", "a run of NUL bytes"));
            pending.count(len);
        }
    }
}

fn take_line(
    line: &[u8],
    span: u64,
    parser: &mut dyn LineParser,
    pending: &mut Pending,
    key: HashKey,
    last: Option<LastLine>,
) {
    let text = if pending.to == 0 {
        line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
    } else {
        line
    };
    let parsed = parser.parse(text, pending.read_at);
    let is_events = matches!(parsed, ParsedLine::Events { .. });
    match last {
        Some(LastLine::IfWhole) if !is_events => return,
        Some(LastLine::Always) if !is_events && parsed != ParsedLine::Blank => {
            let reject = Reject {
                reason: "unterminated",
                detail: "the file ends inside a line".to_owned(),
            };
            pending.reject(len_u64(line), key.hash(line), reject);
            pending.count(span);
            return;
        }
        _ => {}
    }
    match parsed {
        ParsedLine::Blank => pending.tally.blank += 1,
        ParsedLine::Noise => {
            pending.tally.noise += 1;
            if pending.tally.noise_sample.is_none() {
                pending.tally.noise_sample = Some(parser.noise_sample(text));
            }
        }
        ParsedLine::Rejected(reject) => {
            pending.reject(len_u64(line), key.hash(line), reject);
            if pending.is_passing
                && let Some(last) = pending.rejects.last_mut()
            {
                last.kept = parser.kept_line(text);
            }
        }
        ParsedLine::Events { format, events } => {
            let offset = ByteOffset(pending.to);
            pending.events.extend(
                events
                    .into_iter()
                    .map(|event| LocatedEvent { offset, event }),
            );
            pending.tally.maps_corrections |= parser.maps_corrections_of(format);
            let by_format = &mut pending.tally.by_format;
            match by_format.iter_mut().find(|(known, _)| *known == format) {
                Some((_, lines)) => *lines += 1,
                None => by_format.push((format, 1)),
            }
        }
    }
    pending.count(span);
}

impl Pending {
    pub(super) fn reject(&mut self, len: u64, hash: u64, reject: Reject) {
        self.tally.quarantined += 1;
        self.rejects.push(LineReject {
            offset: ByteOffset(self.to),
            len,
            hash,
            reject,
            kept: None,
        });
    }

    /// Marks a line.
    pub(super) fn mark(&mut self, line: LineMark) {
        if let Some(marks) = self.marks_at(line.offset) {
            marks.push(line.span, line.checksum);
        }
    }

    /// Marks the late end, at `offset`, of the line before.
    pub(super) fn mark_line_end(&mut self, offset: u64, span: u64) {
        if let Some(marks) = self.marks_at(ByteOffset(offset)) {
            marks.push_line_end(span);
        }
    }

    fn marks_at(&mut self, offset: ByteOffset) -> Option<&mut LineMarks> {
        if self.marks.last().is_none_or(LineMarks::is_full) {
            self.marks.push(LineMarks::new(offset));
        }
        self.marks.last_mut()
    }

    pub(super) fn count(&mut self, span: u64) {
        self.tally.lines += 1;
        self.tally.bytes += span;
        self.to += span;
    }
}

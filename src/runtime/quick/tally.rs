//! What is counted of one file beside its events.

use std::collections::BTreeMap;

use crate::format::{Parser, noise_sample};
use crate::model::{ByteOffset, HashKey, LineReject, Name, Reject, Tally, Timestamp};

/// The most rejected lines that are kept by their places; with more a log is read the ordinary way.
const REJECTS_MAX: usize = 100_000;

/// What was counted of a file, by one reader or by all.
#[derive(Debug, Default)]
pub(super) struct FileTally {
    pub(super) tally: Tally,
    pub(super) rejects: Vec<LineReject>,
    pub(super) newest: Option<Timestamp>,
    unknown_fields: BTreeMap<Name, u64>,
    asides: BTreeMap<Name, u64>,
}

impl FileTally {
    /// Counts lines and their bytes, line ends included.
    pub(super) fn count_lines(&mut self, lines: u64, bytes: u64) {
        self.tally.lines += lines;
        self.tally.bytes += bytes;
    }

    /// Counts a line that was accepted under a format.
    pub(super) fn accept(&mut self, format: u8, maps_corrections: bool) {
        self.tally.maps_corrections |= maps_corrections;
        let by_format = &mut self.tally.by_format;
        match by_format.iter_mut().find(|(known, _)| *known == format) {
            Some((_, lines)) => *lines += 1,
            None => by_format.push((format, 1)),
        }
    }

    /// Counts a line of noise.
    pub(super) fn noise(&mut self, line: &[u8]) {
        self.tally.noise += 1;
        if self.tally.noise_sample.is_none() {
            self.tally.noise_sample = Some(noise_sample(line));
        }
    }

    /// Keeps the place of a rejected line; returns whether there was room.
    pub(super) fn reject(
        &mut self,
        offset: u64,
        line: &[u8],
        key: HashKey,
        reject: Reject,
    ) -> bool {
        self.tally.quarantined += 1;
        self.rejects.push(LineReject {
            offset: ByteOffset(offset),
            len: u64::try_from(line.len()).unwrap_or(u64::MAX),
            hash: key.hash(line),
            reject,
            kept: None,
        });
        self.rejects.len() <= REJECTS_MAX
    }

    /// Takes over what the parser counted since the last time.
    pub(super) fn take_counts(&mut self, parser: &mut Parser) {
        for (name, count) in parser.take_unknown_fields() {
            *self.unknown_fields.entry(name).or_default() += count;
        }
        for (name, count) in parser.take_asides() {
            *self.asides.entry(name).or_default() += count;
        }
    }

    /// Adds what another reader counted, in other names; `rename` gives their names here.
    pub(super) fn absorb(&mut self, other: Self, mut rename: impl FnMut(Name) -> Name) {
        let (into, from) = (&mut self.tally, other.tally);
        into.lines += from.lines;
        into.bytes += from.bytes;
        into.blank += from.blank;
        into.noise += from.noise;
        into.quarantined += from.quarantined;
        into.maps_corrections |= from.maps_corrections;
        into.noise_sample = into.noise_sample.take().or(from.noise_sample);
        for (format, lines) in from.by_format {
            match into
                .by_format
                .iter_mut()
                .find(|(known, _)| *known == format)
            {
                Some((_, known)) => *known += lines,
                None => into.by_format.push((format, lines)),
            }
        }
        for (name, count) in other.unknown_fields {
            *self.unknown_fields.entry(rename(name)).or_default() += count;
        }
        for (name, count) in other.asides {
            *self.asides.entry(rename(name)).or_default() += count;
        }
        self.rejects.extend(other.rejects);
        self.newest = self.newest.max(other.newest);
    }

    /// Returns the tally and the rejected lines in the order of the file.
    pub(super) fn finish(mut self) -> (Tally, Vec<LineReject>) {
        self.rejects.sort_by_key(|line| line.offset);
        self.tally.unknown_fields = self.unknown_fields.into_iter().collect();
        self.tally.asides = self.asides.into_iter().collect();
        (self.tally, self.rejects)
    }
}

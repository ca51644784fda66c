//! One reader: takes stretch after stretch, parses and counts.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use hashbrown::HashSet;

use super::tally::FileTally;
use crate::format::{Parsed, Parser, Rules};
use crate::ingest::{BulkFile, Progress, StopFlag};
use crate::model::{Event, HashKey, Micros, Names, Request, Timestamp};
use crate::runtime::Clock;
use crate::store::Counted;

/// The most events of which the places are kept, 32 bytes each.
const EVENTS_MAX: u64 = 12_000_000;
/// After so many events a reader asks whether too many of them must be joined.
const SAMPLE_LEN: usize = 2_000;
/// One in so many lines may need to be joined.
pub(super) const JOINED_SHARE: usize = 6;

/// Where an event about a request stands, and what it may be joined by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) id: u64,
    /// 0: none.
    pub(super) session: u64,
    pub(super) ts: Timestamp,
    pub(super) offset: u64,
}

/// What a reader read of one file.
#[derive(Debug, Default)]
pub(super) struct FileScan {
    pub(super) tally: FileTally,
    pub(super) places: Vec<Place>,
    /// Where lines start that have to be stored whatever else there is.
    pub(super) special: Vec<u64>,
    pub(super) events: u64,
}

/// What a reader read.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) files: Vec<FileScan>,
    pub(super) counted: Counted,
    pub(super) names: Names,
    /// The sessions that corrections without an id name.
    pub(super) corrected: HashSet<u64>,
}

/// What all readers share.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) files: &'a [BulkFile],
    pub(super) key: HashKey,
    pub(super) rules: Rules,
    pub(super) clock: &'a Clock,
    pub(super) progress: &'a Progress,
    pub(super) stop: &'a StopFlag,
    /// The next stretch, counted over all files.
    pub(super) next: AtomicUsize,
    pub(super) events: AtomicU64,
    /// Whether the ordinary way has to be gone.
    pub(super) is_unfit: AtomicBool,
}

impl Shared<'_> {
    /// Takes the next stretch: the file's index, and the stretch's number in it.
    fn take(&self) -> Option<(usize, u64)> {
        if self.is_unfit.load(Ordering::Relaxed) || self.stop.is_set() {
            return None;
        }
        let mut number = self.next.fetch_add(1, Ordering::Relaxed) as u64;
        for (idx, file) in self.files.iter().enumerate() {
            if number < file.stretches() {
                return Some((idx, number));
            }
            number -= file.stretches();
        }
        None
    }
}

/// Reads until no stretch is left.
pub(super) fn scan(shared: &Shared<'_>) -> Scan {
    let mut scan = Scan {
        files: shared.files.iter().map(|_| FileScan::default()).collect(),
        counted: Counted::default(),
        names: Names::default(),
        corrected: HashSet::new(),
    };
    let mut parser = Parser::new(Names::default(), shared.key, shared.rules.clone());
    let mut buffer = Vec::new();
    let mut is_sampled = false;
    while let Some((idx, stretch)) = shared.take() {
        let is_read = scan.read(shared, idx, stretch, &mut parser, &mut buffer);
        let is_fit = is_read.is_some() && (is_sampled || scan.is_worth_it(idx));
        if !is_fit || shared.events.load(Ordering::Relaxed) > EVENTS_MAX {
            shared.is_unfit.store(true, Ordering::Relaxed);
        }
        is_sampled = true;
    }
    scan.names = parser.names().clone();
    scan
}

impl Scan {
    /// Reads the lines of one stretch; `None` when they are no ordinary lines.
    fn read(
        &mut self,
        shared: &Shared<'_>,
        idx: usize,
        stretch: u64,
        parser: &mut Parser,
        buffer: &mut Vec<u8>,
    ) -> Option<()> {
        let file = self.files.get_mut(idx)?;
        let lines = shared.files.get(idx)?.read(stretch, buffer).ok()?;
        let read_at = shared.clock.now();
        let (mut count, mut events) = (0, 0);
        for (offset, line) in lines.iter() {
            let line = line?;
            count += 1;
            let text = match offset {
                0 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
                _ => line,
            };
            match parser.parse(text, read_at) {
                Parsed::Blank => file.tally.tally.blank += 1,
                Parsed::Noise => file.tally.noise(text),
                Parsed::Rejected(reject) => {
                    let has_room = file.tally.reject(offset, line, shared.key, reject);
                    has_room.then_some(())?;
                }
                Parsed::Events {
                    format,
                    events: found,
                } => {
                    file.tally
                        .accept(format, parser.maps_corrections_of(format));
                    let before = file.special.len();
                    for event in found {
                        events += 1;
                        let ts = match &event {
                            Event::Request(request) if request.tie.is_none() => {
                                file.places.push(place(request, offset, &shared.key));
                                self.counted.add(request);
                                request.ts
                            }
                            Event::Request(request) => {
                                file.special.push(offset);
                                request.ts
                            }
                            Event::SessionCorrection(found) => {
                                self.corrected.insert(found.session.0);
                                file.special.push(offset);
                                found.ts
                            }
                            Event::Marker(marker) => {
                                file.special.push(offset);
                                marker.ts
                            }
                        };
                        let is_odd = ts > read_at.plus(Micros::DAY);
                        file.tally.newest = file.tally.newest.max(Some(ts).filter(|_| !is_odd));
                    }
                    // A line counts once however much of it has to be stored.
                    file.special.truncate(file.special.len().min(before + 1));
                }
            }
        }
        let bytes = u64::try_from(lines.bytes.len()).unwrap_or(0);
        file.tally.count_lines(count, bytes);
        file.events += events;
        file.tally.take_counts(parser);
        shared.events.fetch_add(events, Ordering::Relaxed);
        let progress = shared.progress;
        progress.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        progress.lines.fetch_add(count, Ordering::Relaxed);
        Some(())
    }

    /// Tells from the first lines whether few enough of them have to be joined.
    fn is_worth_it(&self, idx: usize) -> bool {
        let Some(file) = self.files.get(idx) else {
            return false;
        };
        let sample = file.places.get(..SAMPLE_LEN).unwrap_or(&file.places);
        let ids: HashSet<u64> = sample.iter().map(|place| place.id).collect();
        let repeated = sample.len() - ids.len();
        repeated * JOINED_SHARE <= sample.len()
            && file.special.len() * JOINED_SHARE <= file.places.len() + 1
    }
}

fn place(request: &Request, offset: u64, key: &HashKey) -> Place {
    Place {
        id: Counted::key_of(key, &request.id),
        session: request.session.map_or(0, |session| session.0),
        ts: request.ts,
        offset,
    }
}

//! From what the readers counted to a database that answers one report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use hashbrown::HashSet;

use super::scan::{FileScan, JOINED_SHARE, Place, Scan, Shared, scan};
use crate::format::{Parsed, Parser, Rules};
use crate::ingest::{BulkFile, Progress, StopFlag};
use crate::model::{
    Advance, Batch, ByteOffset, Event, Fingerprint, GenerationId, GenerationState, HashKey,
    LocatedEvent, Micros, Name, Names, Tally, Timestamp,
};
use crate::runtime::pipeline::parse_sources;
use crate::runtime::{Clock, RuntimeError};
use crate::store::{Counted, Prepared, Writer};

/// The most threads that read.
const READERS_MAX: usize = 8;
/// The most events of one transaction.
const BATCH_LEN: usize = 4_096;
/// Requests as young as that are stored: whether they are open is asked of their rows. A minute more than
/// a request may be open, for the rollups that are cut by it.
const YOUNG: Micros = Micros::MINUTE.times(12);

/// The quick look at some sources.
#[derive(Debug)]
pub enum QuickLook {
    /// It runs.
    Running(Running),
    /// The sources have to be read the ordinary way.
    Unfit,
}

/// The thread that reads.
#[derive(Debug)]
pub struct Running {
    thread: JoinHandle<Option<QuickScan>>,
    progress: Arc<Progress>,
    started: Instant,
}

/// What was read, ready to be stored.
#[derive(Debug)]
pub struct QuickScan {
    files: Vec<(BulkFile, FileScan)>,
    counted: Counted,
    parser: Parser,
    key: HashKey,
    /// The ids of the requests that have to be stored.
    wanted: HashSet<u64>,
    read_at: Timestamp,
}

impl QuickLook {
    /// Starts to read `sources` in; `key` is that of the database that will answer.
    ///
    /// # Errors
    ///
    /// When a source cannot be understood or the thread not be started.
    pub fn start(
        sources: &[String],
        rules: Rules,
        key: HashKey,
        clock: &Clock,
        stop: &StopFlag,
    ) -> Result<Self, RuntimeError> {
        let Some(files) = BulkFile::open_all(&parse_sources(sources)?) else {
            return Ok(Self::Unfit);
        };
        let progress = Arc::new(Progress::default());
        let bytes = files.iter().map(BulkFile::len).sum();
        progress.bytes_total.store(bytes, Ordering::Relaxed);
        let (clock, stop, shared) = (clock.clone(), stop.clone(), Arc::clone(&progress));
        let thread = thread::Builder::new()
            .name("quick".to_owned())
            .spawn(move || read(files, rules, key, &clock, &shared, &stop))
            .map_err(|_| RuntimeError::Thread("quick"))?;
        Ok(Self::Running(Running {
            thread,
            progress,
            started: Instant::now(),
        }))
    }
}

impl Running {
    /// Returns what is counted while it runs.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Returns how long it has run.
    pub fn elapsed(&self) -> Micros {
        Micros(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Tells whether everything is read.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Returns what was read; `None` when the sources have to be read the ordinary way after all.
    ///
    /// # Errors
    ///
    /// When the thread died.
    pub fn join(self) -> Result<Option<QuickScan>, RuntimeError> {
        self.thread
            .join()
            .map_err(|_| RuntimeError::Thread("quick"))
    }
}

fn read(
    files: Vec<BulkFile>,
    rules: Rules,
    key: HashKey,
    clock: &Clock,
    progress: &Progress,
    stop: &StopFlag,
) -> Option<QuickScan> {
    let stretches: u64 = files.iter().map(BulkFile::stretches).sum();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let readers = cores
        .min(READERS_MAX)
        .min(usize::try_from(stretches).unwrap_or(1))
        .max(1);
    let shared = Shared {
        files: &files,
        key,
        rules: rules.clone(),
        clock,
        progress,
        stop,
        next: AtomicUsize::new(0),
        events: AtomicU64::new(0),
        is_unfit: AtomicBool::new(false),
    };
    let scans = thread::scope(|scope| {
        let started: Vec<_> = (0..readers)
            .map(|_| {
                thread::Builder::new()
                    .name("read".to_owned())
                    .spawn_scoped(scope, || scan(&shared))
            })
            .collect();
        started
            .into_iter()
            .map(|thread| thread.ok()?.join().ok())
            .collect::<Option<Vec<Scan>>>()
    })
    .unwrap_or_default();
    let is_fit = !scans.is_empty() && !shared.is_unfit.into_inner() && !stop.is_set();
    is_fit.then(|| QuickScan::new(files, scans, rules, key, clock.now()))?
}

impl QuickScan {
    /// Puts together what the readers read; `None` when too much of it has to be joined.
    fn new(
        files: Vec<BulkFile>,
        scans: Vec<Scan>,
        rules: Rules,
        key: HashKey,
        read_at: Timestamp,
    ) -> Option<Self> {
        let mut names = Names::default();
        let mut counted = Counted::default();
        let mut corrected = HashSet::new();
        let mut whole: Vec<FileScan> = files.iter().map(|_| FileScan::default()).collect();
        for scan in scans {
            let renamed: Vec<Name> = scan
                .names
                .after(0)
                .map(|(_, text)| names.intern(text))
                .collect();
            let rename = |name: Name| {
                let place = usize::try_from(name.id())
                    .unwrap_or(usize::MAX)
                    .wrapping_sub(1);
                renamed.get(place).copied().unwrap_or(name)
            };
            counted.absorb(scan.counted, rename);
            corrected.extend(scan.corrected);
            for (into, from) in whole.iter_mut().zip(scan.files) {
                into.tally.absorb(from.tally, rename);
                into.places.extend(from.places);
                into.special.extend(from.special);
                into.events += from.events;
            }
        }
        let mut quick = Self {
            wanted: wanted(&whole, &corrected, read_at),
            files: files.into_iter().zip(whole).collect(),
            counted,
            parser: Parser::new(names, key, rules),
            key,
            read_at,
        };
        quick.settle().then_some(quick)
    }

    /// Keeps only the places of lines that have to be stored; returns whether they are few enough.
    fn settle(&mut self) -> bool {
        let (mut lines, mut stored) = (0, 0);
        for (_, file) in &mut self.files {
            let (wanted, counted, read_at) = (&self.wanted, &mut self.counted, self.read_at);
            lines += file.tally.tally.lines;
            let mut left = std::mem::take(&mut file.special);
            for place in std::mem::take(&mut file.places) {
                if wanted.contains(&place.id) {
                    left.push(place.offset);
                } else {
                    counted.see_time(place.ts, read_at);
                }
            }
            left.sort_unstable();
            left.dedup();
            stored += left.len() as u64;
            file.special = left;
        }
        stored * (JOINED_SHARE as u64) <= lines
    }

    /// Stores what was read in an empty database.
    ///
    /// # Errors
    ///
    /// When a file changed while it was read, or the database cannot be written.
    pub fn store(mut self, writer: &mut Writer) -> Result<(), RuntimeError> {
        let mut counted = Some(std::mem::take(&mut self.counted));
        let files = std::mem::take(&mut self.files);
        let mut generations = Vec::new();
        for (file, _) in &files {
            generations.push(writer.open_generation(&file.new_generation(self.read_at))?);
        }
        let mut names_sent = 0;
        let mut left = Vec::new();
        for ((file, scan), generation) in files.into_iter().zip(generations) {
            let mut events = scan.events;
            for offsets in scan.special.chunks(BATCH_LEN) {
                let Some(found) = self.events_at(&file, offsets, counted.as_mut()) else {
                    return Err(RuntimeError::Changed(
                        file.new_generation(self.read_at).path,
                    ));
                };
                events = events.saturating_sub(found.len() as u64);
                let batch = Batch {
                    events: found,
                    ..self.batch(&file, generation, 0, &mut names_sent)
                };
                writer.commit(vec![Prepared::new(batch, writer.hash_key())])?;
            }
            left.push((file, scan.tally, generation, events));
        }
        for (file, tally, generation, events) in left {
            let newest = tally.newest;
            let (tally, rejects) = tally.finish();
            let batch = Batch {
                rejects,
                tally,
                ..self.batch(&file, generation, file.len(), &mut names_sent)
            };
            writer.commit_counted(batch, counted.take().unwrap_or_default(), events, newest)?;
        }
        Ok(())
    }

    /// Reads lines again: returns the events that have to be stored, and takes them out of the counts.
    fn events_at(
        &mut self,
        file: &BulkFile,
        offsets: &[u64],
        mut counted: Option<&mut Counted>,
    ) -> Option<Vec<LocatedEvent>> {
        let key = self.key;
        let mut found = Vec::new();
        let mut buffer = Vec::new();
        for offset in offsets {
            let line = file.line_at(*offset, &mut buffer).ok()?;
            let text = match offset {
                0 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
                _ => line,
            };
            let Parsed::Events { events, .. } = self.parser.parse(text, self.read_at) else {
                return None;
            };
            for event in events {
                if let Event::Request(request) = &event
                    && request.tie.is_none()
                {
                    if !self.wanted.contains(&Counted::key_of(&key, &request.id)) {
                        continue;
                    }
                    if let Some(counted) = counted.as_deref_mut() {
                        counted.take_back(request);
                    }
                }
                found.push(LocatedEvent {
                    offset: ByteOffset(*offset),
                    event,
                });
            }
        }
        Some(found)
    }

    /// Returns an empty batch that moves the checkpoint of a file to `to`, with the names given so far.
    fn batch(
        &self,
        file: &BulkFile,
        generation: GenerationId,
        to: u64,
        names_sent: &mut usize,
    ) -> Batch {
        let names = self.parser.names();
        let new = names
            .after(*names_sent)
            .map(|(name, text)| (name, Arc::clone(text)))
            .collect();
        *names_sent = names.len();
        Batch {
            advance: Advance {
                generation,
                from: ByteOffset(0),
                to: ByteOffset(to),
                head: Fingerprint::default(),
                tail: Fingerprint::default(),
                state: GenerationState::Open,
                renamed_to: None,
                look: file.look(),
            },
            read_at: self.read_at,
            events: Vec::new(),
            rejects: Vec::new(),
            marks: Vec::new(),
            gap: None,
            tally: Tally::default(),
            names: new,
        }
    }
}

/// Returns the ids that are told by more than one event, are young, or belong to a corrected session.
fn wanted(files: &[FileScan], corrected: &HashSet<u64>, now: Timestamp) -> HashSet<u64> {
    let places = || files.iter().flat_map(|file| &file.places);
    let mut ids: Vec<u64> = places().map(|place| place.id).collect();
    ids.sort_unstable();
    let mut wanted: HashSet<u64> = HashSet::new();
    for pair in ids.windows(2) {
        if let [one, other] = pair
            && one == other
        {
            wanted.insert(*one);
        }
    }
    let young = now.minus(YOUNG);
    let is_asked_for = |place: &&Place| {
        place.ts >= young || (place.session != 0 && corrected.contains(&place.session))
    };
    wanted.extend(places().filter(is_asked_for).map(|place| place.id));
    wanted
}

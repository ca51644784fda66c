//! One ingest from start to end: threads, timers and the stop flag around the follower.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::{HashKey, Micros, Timestamp};

use super::follow::{Follower, Now, Out};
use super::reader::Reader;
use super::worker::{Limits, Work, Worker};
use super::{IngestError, LineParser, Progress, Sink, SinkError, SourceSpec, SourceStatus};

/// How much work may wait for the worker: with 1 MiB chunks it bounds the memory to a few MiB.
const WORK_MAX: usize = 4;
/// The pause after a pass that read something.
const POLL_BUSY: Duration = Duration::from_millis(20);

/// What to ingest and how.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Whether to wait for more at the end of the files.
    pub follow: bool,
    /// What to read.
    pub sources: Vec<SourceSpec>,
    /// The key of the database's fingerprints.
    pub key: HashKey,
    /// The most lines in a batch.
    pub batch_lines_max: u64,
    /// About the most bytes in a batch.
    pub batch_bytes_max: u64,
    /// The longest line in bytes; a longer one goes to quarantine.
    pub line_len_max: usize,
    /// The pause between passes when nothing happens.
    pub poll: Duration,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            follow: false,
            sources: Vec::new(),
            key: HashKey([0; 16]),
            batch_lines_max: 4_096,
            batch_bytes_max: 4 * 1024 * 1024,
            line_len_max: 1024 * 1024,
            poll: Duration::from_millis(200),
        }
    }
}

/// Ends an ingest from any thread.
#[derive(Debug, Clone, Default)]
pub struct StopFlag {
    is_set: Arc<AtomicBool>,
    wake: Arc<Notify>,
}

impl StopFlag {
    /// Asks the ingest to end after the batch at hand.
    pub fn stop(&self) {
        self.is_set.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Tells whether the ingest was asked to end.
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }
}

/// What an ingest did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Lines read.
    pub lines: u64,
    /// Events among them.
    pub events: u64,
    /// Lines in quarantine.
    pub quarantined: u64,
    /// Lines of noise.
    pub noise: u64,
    /// Empty lines.
    pub blank: u64,
    /// Plain bytes read.
    pub bytes: u64,
    /// Files that are damaged or no text.
    pub damaged: u64,
    /// Whether the stop flag ended it.
    pub is_stopped: bool,
}

struct Channel {
    work: SyncSender<Work>,
    buffers: Receiver<Vec<u8>>,
    stop: StopFlag,
}

impl Out for Channel {
    fn send(&mut self, work: Work) -> Result<(), IngestError> {
        self.work.send(work).map_err(|_| IngestError::WorkerLost)
    }

    fn buffer(&mut self, len: usize) -> Vec<u8> {
        let mut buffer = self.buffers.try_recv().unwrap_or_default();
        // Only a buffer that grows is filled with zeros; a long one keeps its length.
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        buffer
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }
}

/// Ingests until the sources are read, the flag is set or the sink fails. Blocks its thread.
///
/// # Errors
///
/// When a source cannot be read, the sink fails, or a thread cannot be started.
pub fn run(
    options: IngestOptions,
    parser: Box<dyn LineParser + Send>,
    mut sink: Box<dyn Sink>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    stop: StopFlag,
    progress: Arc<Progress>,
) -> Result<Summary, IngestError> {
    let known = sink.generations()?;
    let limits = Limits {
        lines: options.batch_lines_max.max(1),
        bytes: options.batch_bytes_max.max(1),
        line_len: options.line_len_max.max(1),
    };
    let key = options.key;
    let mut worker = Worker::new(parser, sink, key, limits, &known, Arc::clone(&progress));
    let (work, inbox) = sync_channel::<Work>(WORK_MAX);
    let (empties, buffers) = sync_channel::<Vec<u8>>(WORK_MAX);
    let worker_stop = stop.clone();
    let thread = thread::Builder::new()
        .name("parse".to_owned())
        .spawn(move || -> Result<(), SinkError> {
            while let Ok(work) = inbox.recv() {
                if worker_stop.is_set() {
                    break;
                }
                if let Some(buffer) = worker.handle(work)? {
                    // A full return channel only means that the buffer is freed.
                    drop(empties.try_send(buffer));
                }
            }
            // Closed first, so that a reader that waits to send ends at once.
            drop(inbox);
            worker.finish()
        })
        .map_err(|cause| IngestError::Start {
            what: "parse worker",
            cause,
        })?;
    let wake = Arc::clone(&stop.wake);
    let follower = Follower::new(options.sources, options.follow, key, &known, wake);
    let channel = Channel {
        work,
        buffers,
        stop: stop.clone(),
    };
    let followed = drive(follower, channel, options.poll, &clock, &stop, &progress);
    let parsed = thread.join().map_err(|_| IngestError::WorkerLost)?;
    parsed?;
    let (bytes, damaged) = match followed {
        Ok(done) => done,
        Err(IngestError::WorkerLost) if stop.is_set() => (0, 0),
        Err(error) => return Err(error),
    };
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Summary {
        lines: read(&progress.lines),
        events: read(&progress.events),
        quarantined: read(&progress.quarantined),
        noise: read(&progress.noise),
        blank: read(&progress.blank),
        bytes,
        damaged,
        is_stopped: stop.is_set(),
    })
}

/// Makes passes until it is over; returns the bytes read and the files that are damaged.
fn drive(
    mut follower: Follower,
    mut channel: Channel,
    poll: Duration,
    clock: &Arc<dyn Fn() -> Timestamp + Send + Sync>,
    stop: &StopFlag,
    progress: &Progress,
) -> Result<(u64, u64), IngestError> {
    let timers = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|cause| IngestError::Start {
            what: "timers",
            cause,
        })?;
    timers.block_on(async {
        let start = tokio::time::Instant::now();
        let mut pause = POLL_BUSY;
        while !stop.is_set() {
            let elapsed = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            let now = Now {
                elapsed: Micros(elapsed),
                wall: clock(),
            };
            let pass = follower.step(now, &mut channel)?;
            report(&follower, progress);
            if pass.is_done {
                break;
            }
            if pass.has_more {
                continue;
            }
            pause = if pass.bytes > 0 {
                POLL_BUSY.min(poll)
            } else {
                (pause * 2).min(poll)
            };
            // Either way the next pass is due: the time is over, or somebody has news.
            drop(tokio::time::timeout(pause, stop.wake.notified()).await);
        }
        Ok((follower.bytes_done, follower.damaged))
    })
}

fn report(follower: &Follower, progress: &Progress) {
    let mut sources: Vec<SourceStatus> = Vec::new();
    let mut lag_total = 0_u64;
    for at in &follower.tracked {
        let lag = match &at.reader {
            _ if at.is_finished => 0,
            Some(Reader::Packed(packed)) => at.size.saturating_sub(packed.taken()),
            _ => at.size.saturating_sub(at.trace.offset()),
        };
        lag_total = lag_total.saturating_add(lag);
        let state = match (at.is_finished, at.is_rotated, lag) {
            (true, ..) => "read",
            (_, true, _) => "finishing rotated file",
            (_, _, 0) => "following",
            _ => "reading",
        };
        sources.push(SourceStatus {
            source: at.label.clone(),
            path: at.path.to_string_lossy().into_owned(),
            state,
            lag_bytes: lag,
            offset: at.trace.offset(),
            detail: String::new(),
        });
    }
    let mut waiting = 0;
    for watched in follower.watched.values() {
        if matches!(watched.state, "following" | "reading pipe") {
            continue;
        }
        waiting += 1;
        sources.push(SourceStatus {
            source: watched.label.clone(),
            path: watched.path.to_string_lossy().into_owned(),
            state: watched.state,
            lag_bytes: 0,
            offset: 0,
            detail: String::new(),
        });
    }
    for pipe in &follower.pipes {
        sources.push(SourceStatus {
            source: pipe.label.clone(),
            path: pipe.label.clone(),
            state: if pipe.is_closed {
                "closed"
            } else {
                "reading pipe"
            },
            lag_bytes: 0,
            offset: 0,
            detail: String::new(),
        });
    }
    progress.sources_waiting.store(waiting, Ordering::Relaxed);
    progress
        .bytes_done
        .store(follower.bytes_done, Ordering::Relaxed);
    progress.bytes_total.store(
        follower.bytes_done.saturating_add(lag_total),
        Ordering::Relaxed,
    );
    progress.replace_sources(sources);
}

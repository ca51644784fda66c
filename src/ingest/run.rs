//! One ingest from start to end: threads, timers and the stop flag around the follower.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::model::{Generation, HashKey, Timestamp};

use super::desk::{Desk, LOCAL, Line, Message};
use super::follow::Follower;
use super::pass::{Done, Now, Out, Pass};
use super::ssh::{self, Address, Feed, FeedOptions};
use super::status::progress_of;
use super::work::Work;
use super::worker::{Limits, Worker};
use super::{IngestError, LineParser, Progress, Sink, SinkError, SourceSpec, StopFlag};

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
    /// The same for other hosts; every other time of a connection is a multiple of it.
    pub remote_pace: Duration,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            follow: false,
            sources: Vec::new(),
            key: HashKey([0; 16]),
            batch_lines_max: 2_048,
            batch_bytes_max: 4 * 1024 * 1024,
            line_len_max: 1024 * 1024,
            poll: Duration::from_millis(200),
            remote_pace: Duration::from_secs(1),
        }
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
    line: Line,
    buffers: Receiver<Vec<u8>>,
    stop: StopFlag,
}

impl Out for Channel {
    fn send(&mut self, work: Work) -> Result<(), IngestError> {
        self.line.send(work)
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
    let worker = Worker::new(parser, sink, key, limits, &known, Arc::clone(&progress));
    let is_local = |(_, one): &(usize, &Generation)| !one.path.starts_with(ssh::PREFIX);
    let (slots, known): (Vec<usize>, Vec<Generation>) = known
        .iter()
        .enumerate()
        .filter(is_local)
        .map(|(slot, one)| (slot, one.clone()))
        .unzip();
    let (work, inbox) = sync_channel::<Message>(WORK_MAX);
    let (empties, buffers) = sync_channel::<Vec<u8>>(WORK_MAX);
    let thread = start_worker(Desk::new(worker, slots), inbox, empties, stop.clone())?;
    let (local, hosts) = by_host(options.sources);
    let feed_options = FeedOptions {
        program: "ssh".into(),
        pace: options.remote_pace,
        is_following: options.follow,
        key,
        stop: stop.clone(),
        clock: Arc::clone(&clock),
        progress: Arc::clone(&progress),
    };
    let channel = Channel {
        line: Line::new(LOCAL, work.clone()),
        buffers,
        stop: stop.clone(),
    };
    let remotes = start_remotes(hosts, &feed_options, work)?;
    let wake = Arc::clone(&stop.wake);
    let follower = Follower::new(local, options.follow, key, &known, wake);
    let followed = drive(follower, channel, options.poll, &feed_options, &remotes);
    if followed.is_err() {
        stop.stop();
    }
    let mut ends = vec![followed];
    ends.extend(remotes.into_iter().map(Remote::join));
    thread.join().map_err(|_| IngestError::WorkerLost)??;
    let mut done = Done::default();
    for end in ends {
        match end {
            Ok(more) => done = done.plus(more),
            Err(IngestError::WorkerLost) if stop.is_set() => {}
            Err(error) => return Err(error),
        }
    }
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Summary {
        lines: read(&progress.lines),
        events: read(&progress.events),
        quarantined: read(&progress.quarantined),
        noise: read(&progress.noise),
        blank: read(&progress.blank),
        bytes: done.bytes,
        damaged: done.damaged,
        is_stopped: stop.is_set(),
    })
}

fn start_worker(
    mut desk: Desk,
    inbox: Receiver<Message>,
    empties: SyncSender<Vec<u8>>,
    stop: StopFlag,
) -> Result<JoinHandle<Result<(), SinkError>>, IngestError> {
    thread::Builder::new()
        .name("parse".to_owned())
        .spawn(move || -> Result<(), SinkError> {
            while let Ok(message) = inbox.recv() {
                if stop.is_set() {
                    break;
                }
                if let Some(buffer) = desk.handle(message)? {
                    // A full return channel only means that the buffer is freed.
                    drop(empties.try_send(buffer));
                }
            }
            // Closed first, so that a reader that waits to send ends at once.
            drop(inbox);
            desk.finish()
        })
        .map_err(|cause| IngestError::Start {
            what: "parse worker",
            cause,
        })
}

/// Parts the sources of this machine from those of each host.
fn by_host(sources: Vec<SourceSpec>) -> (Vec<SourceSpec>, BTreeMap<Address, Vec<SourceSpec>>) {
    let (mut local, mut hosts) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    for source in sources {
        match source {
            SourceSpec::Remote { address, files } => hosts.entry(address).or_default().push(*files),
            other => local.push(other),
        }
    }
    (local, hosts)
}

/// The thread of one host.
struct Remote {
    thread: JoinHandle<Result<Done, IngestError>>,
    /// Never says anything; the thread ends when it is dropped.
    halt: SyncSender<Infallible>,
}

impl Remote {
    fn join(self) -> Result<Done, IngestError> {
        drop(self.halt);
        self.thread.join().map_err(|_| IngestError::WorkerLost)?
    }
}

fn start_remotes(
    hosts: BTreeMap<Address, Vec<SourceSpec>>,
    options: &FeedOptions,
    work: SyncSender<Message>,
) -> Result<Vec<Remote>, IngestError> {
    let mut remotes = Vec::new();
    for (number, (address, specs)) in hosts.into_iter().enumerate() {
        let line = Line::new(LOCAL + 1 + number, work.clone());
        let feed = Feed::new(address, specs, options.clone(), line);
        let (halt, halted) = sync_channel(0);
        let thread = thread::Builder::new()
            .name("ssh".to_owned())
            .spawn(move || feed.run(&halted))
            .map_err(|cause| IngestError::Start {
                what: "ssh reader",
                cause,
            })?;
        remotes.push(Remote { thread, halt });
    }
    Ok(remotes)
}

/// Makes passes over the files of this machine until it is over here and on every host.
fn drive(
    mut follower: Follower,
    mut channel: Channel,
    poll: Duration,
    options: &FeedOptions,
    remotes: &[Remote],
) -> Result<Done, IngestError> {
    let timers = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|cause| IngestError::Start {
            what: "timers",
            cause,
        })?;
    let stop = &options.stop;
    timers.block_on(async {
        let start = tokio::time::Instant::now();
        let mut pause = POLL_BUSY;
        let mut pass = Pass::default();
        while !stop.is_set() {
            if !pass.is_done {
                pass = follower.step(Now::at(start.elapsed(), (options.clock)()), &mut channel)?;
                options.progress.set(LOCAL, progress_of(&follower));
            }
            if pass.is_done && remotes.iter().all(|remote| remote.thread.is_finished()) {
                break;
            }
            if pass.has_more {
                continue;
            }
            pause = if pass.bytes > 0 && !pass.is_done {
                POLL_BUSY.min(poll)
            } else {
                (pause * 2).min(poll)
            };
            // Either way the next pass is due: the time is over, or somebody has news.
            drop(tokio::time::timeout(pause, stop.wake.notified()).await);
        }
        Ok(follower.done())
    })
}

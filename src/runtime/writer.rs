//! The writer thread: the only one that writes to the database, one transaction for what waits.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Clock;
use super::RuntimeError;
use super::patience;
use super::pruner::{Pruner, WriterReport};
use crate::config::Retention;
use crate::ingest::{Sink, SinkError, StopFlag};
use crate::model::{
    Batch, ByteOffset, Generation, GenerationId, HashKey, LineMarks, NewGeneration,
};
use crate::store::{LogCopier, Prepared, StoreError, Writer};

/// Batches that may wait for the writer: as many as make a full transaction, so that it finds the next one
/// when it comes back from one. With the batch size this bounds memory and is the back-pressure on ingest.
const QUEUE_LEN: usize = 6;
/// Batches that may wait to be prepared.
const RAW_LEN: usize = 1;
/// The most events of one transaction.
const TRANSACTION_EVENTS_MAX: usize = 12_288;
/// Behind a batch of so many events the next one is near: nobody sends as many at a time who has no more.
const FLOOD_LEN: usize = 1_024;
/// How long the writer waits for it. What ends a flood is flushed, which ends the waiting.
const GATHER: Duration = Duration::from_millis(20);
/// How long the writer waits for work before it looks after the database.
const IDLE: Duration = Duration::from_secs(1);

/// What ingest is told when the writer thread has given up; the writer itself reports why.
const WRITER_GONE: &str = "the writer has given up";

enum Command<B> {
    Generations(SyncSender<Result<Vec<Generation>, StoreError>>),
    Open(NewGeneration, SyncSender<Result<GenerationId, StoreError>>),
    Marks(
        GenerationId,
        ByteOffset,
        SyncSender<Result<Option<LineMarks>, StoreError>>,
    ),
    Commit(Box<B>),
    Flush(SyncSender<()>),
}

impl Command<Batch> {
    fn prepare(self, key: HashKey) -> Command<Prepared> {
        match self {
            Self::Generations(reply) => Command::Generations(reply),
            Self::Open(new, reply) => Command::Open(new, reply),
            Self::Marks(generation, at, reply) => Command::Marks(generation, at, reply),
            Self::Commit(batch) => Command::Commit(Box::new(Prepared::new(*batch, key))),
            Self::Flush(reply) => Command::Flush(reply),
        }
    }
}

/// The running writer thread, and the thread before it that prepares batches.
#[derive(Debug)]
pub struct WriterThread {
    prepare: JoinHandle<()>,
    thread: JoinHandle<()>,
}

impl WriterThread {
    /// Starts the threads; they end when every [`StoreSink`] is dropped. `report` is called from the
    /// writer.
    ///
    /// # Errors
    ///
    /// When a thread cannot be started.
    pub fn start(
        writer: Writer,
        retention: Retention,
        clock: Clock,
        stop: StopFlag,
        report: impl FnMut(WriterReport) + Send + 'static,
    ) -> Result<(Self, StoreSink), RuntimeError> {
        let key = writer.hash_key();
        let pruner = Pruner::new(retention, clock);
        let (sender, raw) = mpsc::sync_channel::<Command<Batch>>(RAW_LEN);
        let (prepared, receiver) = mpsc::sync_channel(QUEUE_LEN);
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || work(writer, &receiver, pruner, &stop, report))
            .map_err(|_| RuntimeError::Thread("writer"))?;
        let prepare = thread::Builder::new()
            .name("prepare".to_owned())
            .spawn(move || {
                // The writer is gone only when it gave up and said why.
                while let Ok(command) = raw.recv()
                    && prepared.send(command.prepare(key)).is_ok()
                {}
            })
            .map_err(|_| RuntimeError::Thread("prepare"))?;
        Ok((Self { prepare, thread }, StoreSink { sender }))
    }

    /// Waits until everything handed over is on disk and the thread has ended.
    ///
    /// # Errors
    ///
    /// When the thread died.
    pub fn join(self) -> Result<(), RuntimeError> {
        self.prepare
            .join()
            .map_err(|_| RuntimeError::Thread("prepare"))?;
        self.thread
            .join()
            .map_err(|_| RuntimeError::Thread("writer"))
    }
}

fn work(
    mut writer: Writer,
    commands: &Receiver<Command<Prepared>>,
    mut pruner: Pruner,
    stop: &StopFlag,
    mut report: impl FnMut(WriterReport),
) {
    // A command that was taken off the queue while batches were gathered and has to come after them.
    let mut next = None;
    let mut is_failed = false;
    let copying = writer.log_copier().ok().and_then(Copying::start);
    loop {
        let command = match next.take() {
            Some(command) => command,
            None => match commands.recv_timeout(pruner.pause().unwrap_or(IDLE)) {
                Ok(command) => command,
                Err(RecvTimeoutError::Timeout) => {
                    if !is_failed && let Err(error) = writer.check_place() {
                        is_failed = true;
                        report(WriterReport::Failed(error));
                    }
                    if !is_failed {
                        let copied = writer.checkpoint_if_due(true).map(drop);
                        look_after(&mut writer, copied, &mut pruner, &mut report);
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            },
        };
        match command {
            Command::Generations(reply) => drop(reply.send(writer.generations())),
            Command::Open(new, reply) => {
                let turn = patience::await_turn(&writer, stop, &mut report);
                drop(reply.send(turn.and_then(|()| writer.open_generation(&new))));
            }
            Command::Marks(generation, at, reply) => {
                drop(reply.send(writer.line_marks(generation, at)));
            }
            Command::Flush(reply) => {
                // Dropping the reply unanswered tells that the batches before it were not stored.
                if !is_failed {
                    let _ = reply.send(());
                }
            }
            Command::Commit(batch) => {
                let mut batches = vec![*batch];
                next = gather(commands, &mut batches);
                if is_failed {
                    continue;
                }
                match patience::commit(&mut writer, batches, stop, &mut report) {
                    Ok(committed) => {
                        report(WriterReport::Committed(committed));
                        let copied = care(&mut writer, copying.as_ref());
                        look_after(&mut writer, copied, &mut pruner, &mut report);
                    }
                    Err(error) => {
                        is_failed = true;
                        report(WriterReport::Failed(error));
                    }
                }
            }
        }
    }
    if let Some(copying) = copying {
        copying.end();
    }
    if let Err(error) = writer.close() {
        report(WriterReport::Failed(error));
    }
}

/// Goes on after a transaction, or when there is none: a log that could not be copied is safe where it is, and is
/// copied later.
fn look_after(
    writer: &mut Writer,
    copied: Result<(), StoreError>,
    pruner: &mut Pruner,
    report: &mut impl FnMut(WriterReport),
) {
    if let Err(error) = copied {
        let text = format!("copying the log failed to {error}; it is tried again");
        report(WriterReport::Noted(text));
    }
    if let Some(told) = pruner.step(writer) {
        report(told);
    }
}

/// Keeps the log short.
fn care(writer: &mut Writer, copying: Option<&Copying>) -> Result<(), StoreError> {
    let is_copied = writer.checkpoint_if_due(false)?;
    if let (false, Some(copying)) = (is_copied, copying)
        && writer.is_log_waiting()?
    {
        // A full queue only means that it is at work.
        let _ = copying.nudge.try_send(());
    }
    Ok(())
}

/// The thread that copies the log into the database while the writer goes on.
struct Copying {
    nudge: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Copying {
    fn start(copier: LogCopier) -> Option<Self> {
        let (nudge, nudges) = mpsc::sync_channel::<()>(1);
        let copy = move || {
            while nudges.recv().is_ok() {
                // A disk that fails is the writer's to tell, which copies what was not copied here.
                let _ = copier.copy();
            }
        };
        let thread = thread::Builder::new().name("log".to_owned()).spawn(copy);
        thread.ok().map(|thread| Self { nudge, thread })
    }

    /// Ends the thread, so that the writer is the last to close the database.
    fn end(self) {
        drop(self.nudge);
        // What it left is copied when the database is closed.
        let _ = self.thread.join();
    }
}

/// Takes the batches that already wait into one transaction; gives back the first other command.
fn gather(
    commands: &Receiver<Command<Prepared>>,
    batches: &mut Vec<Prepared>,
) -> Option<Command<Prepared>> {
    let mut events: usize = batches.iter().map(Prepared::len).sum();
    let mut is_flood = batches.iter().any(|batch| batch.len() >= FLOOD_LEN);
    while events < TRANSACTION_EVENTS_MAX {
        let patience = if is_flood { GATHER } else { Duration::ZERO };
        match commands.recv_timeout(patience) {
            Ok(Command::Commit(batch)) => {
                is_flood = batch.len() >= FLOOD_LEN;
                events += batch.len();
                batches.push(*batch);
            }
            Ok(other) => return Some(other),
            Err(_) => return None,
        }
    }
    None
}

/// The writer as ingest sees it. A full queue blocks: that is the back-pressure.
#[derive(Debug, Clone)]
pub struct StoreSink {
    sender: SyncSender<Command<Batch>>,
}

impl<B> std::fmt::Debug for Command<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Generations(_) => "Generations",
            Self::Open(..) => "Open",
            Self::Marks(..) => "Marks",
            Self::Commit(_) => "Commit",
            Self::Flush(_) => "Flush",
        })
    }
}

impl StoreSink {
    fn ask<T>(
        &self,
        command: impl FnOnce(SyncSender<Result<T, StoreError>>) -> Command<Batch>,
    ) -> Result<T, SinkError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.sender
            .send(command(reply))
            .map_err(|_| SinkError::new(WRITER_GONE))?;
        answer
            .recv()
            .map_err(|_| SinkError::new(WRITER_GONE))?
            .map_err(SinkError::wrap)
    }
}

impl Sink for StoreSink {
    fn generations(&mut self) -> Result<Vec<Generation>, SinkError> {
        self.ask(Command::Generations)
    }

    fn open_generation(&mut self, new: &NewGeneration) -> Result<GenerationId, SinkError> {
        self.ask(|reply| Command::Open(new.clone(), reply))
    }

    fn line_marks(
        &mut self,
        generation: GenerationId,
        at: ByteOffset,
    ) -> Result<Option<LineMarks>, SinkError> {
        self.ask(|reply| Command::Marks(generation, at, reply))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), SinkError> {
        self.sender
            .send(Command::Commit(Box::new(batch)))
            .map_err(|_| SinkError::new(WRITER_GONE))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.sender
            .send(Command::Flush(reply))
            .map_err(|_| SinkError::new(WRITER_GONE))?;
        answer.recv().map_err(|_| SinkError::new(WRITER_GONE))
    }
}

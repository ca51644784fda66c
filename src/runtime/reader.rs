//! The reader thread: answers the newest question and notices when another process has written.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::RuntimeError;
use crate::app::Message;
use crate::config::Targets;
use crate::policy::Policy;
use crate::stats::Query;
use crate::store::{Reader, StoreError};

/// How often a viewer looks whether another process has written.
const POLL: Duration = Duration::from_millis(250);

/// The questions, of which only the newest is answered.
#[derive(Debug, Default)]
struct Desk {
    newest: Mutex<Option<Query>>,
    /// The number of the newest question, for whoever answers an older one.
    number: Arc<AtomicU64>,
    bell: Condvar,
    is_polling: AtomicBool,
}

/// The running reader thread as the event loop sees it.
#[derive(Debug, Clone)]
pub struct ReaderThread {
    desk: Arc<Desk>,
}

impl ReaderThread {
    /// Starts the thread on the database at `path`, which may not exist yet; the policies count as known, and the
    /// routes are held against the targets. With `is_polling` it
    /// looks for other processes' writes. `send` is called for every answer.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(
        path: PathBuf,
        (policies, targets): (Vec<Policy>, Arc<Targets>),
        is_polling: bool,
        send: impl Fn(Message) + Send + 'static,
    ) -> Result<Self, RuntimeError> {
        let desk = Arc::new(Desk {
            is_polling: AtomicBool::new(is_polling),
            ..Desk::default()
        });
        let shared = Arc::clone(&desk);
        thread::Builder::new()
            .name("reader".to_owned())
            .spawn(move || {
                let mut state = State {
                    path,
                    policies,
                    targets,
                    reader: None,
                    version: None,
                    newest: Arc::clone(&shared.number),
                };
                loop {
                    match wait(&shared) {
                        Some(query) => state.answer(&query).into_iter().for_each(&send),
                        None if state.has_news() => send(Message::DataChanged { stored: 0 }),
                        None => {}
                    }
                }
            })
            .map_err(|_| RuntimeError::Thread("reader"))?;
        Ok(Self { desk })
    }

    /// Asks; an older question that was not answered yet is dropped.
    pub fn ask(&self, query: Query) {
        self.desk.number.store(query.number, Ordering::Relaxed);
        *self
            .desk
            .newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(query);
        self.desk.bell.notify_one();
    }

    /// Looks no longer for other processes' writes: this one has become the writer.
    pub fn stop_polling(&self) {
        self.desk.is_polling.store(false, Ordering::Relaxed);
    }
}

/// Waits for a question; `None` after [`POLL`] without one, when polling.
fn wait(desk: &Desk) -> Option<Query> {
    let mut newest = desk.newest.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(query) = newest.take() {
            return Some(query);
        }
        if desk.is_polling.load(Ordering::Relaxed) {
            let (guard, timeout) = desk
                .bell
                .wait_timeout(newest, POLL)
                .unwrap_or_else(PoisonError::into_inner);
            newest = guard;
            if timeout.timed_out() && newest.is_none() {
                return None;
            }
        } else {
            newest = desk
                .bell
                .wait(newest)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

struct State {
    path: PathBuf,
    policies: Vec<Policy>,
    targets: Arc<Targets>,
    reader: Option<Reader>,
    version: Option<i64>,
    newest: Arc<AtomicU64>,
}

impl State {
    /// Returns the answer, or nothing when another question has come meanwhile.
    fn answer(&mut self, query: &Query) -> Option<Message> {
        match self.try_answer(query) {
            Ok(message) => Some(message),
            Err(StoreError::Overtaken) => None,
            Err(error) => {
                // A database that was moved or replaced is opened anew at the next question.
                self.reader = None;
                Some(Message::QueryFailed(format!(
                    "failed to {error}; {}",
                    error.hint()
                )))
            }
        }
    }

    fn try_answer(&mut self, query: &Query) -> Result<Message, StoreError> {
        let reader = if let Some(reader) = &mut self.reader {
            reader
        } else {
            let reader = self.reader.insert(open(&self.path)?);
            reader.know(self.policies.clone());
            reader.watch(Arc::clone(&self.newest));
            reader.aim(Arc::clone(&self.targets));
            reader
        };
        self.version = Some(reader.data_version()?);
        Ok(Message::Snapshot(Arc::new(reader.answer(query)?)))
    }

    /// Tells whether another process has written, or the database has come into being or was moved.
    fn has_news(&mut self) -> bool {
        match &self.reader {
            None => open(&self.path).is_ok(),
            Some(reader) if reader.has_moved() => {
                self.reader = None;
                true
            }
            Some(reader) => reader.data_version().ok() != self.version,
        }
    }
}

fn open(path: &Path) -> Result<Reader, StoreError> {
    Reader::open(path)
}

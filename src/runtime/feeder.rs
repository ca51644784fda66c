//! Writes a stream of lines to a file as their times come: what a router would do.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Clock, RuntimeError};
use crate::model::Timestamp;

/// How often the stream is looked at for lines that are due.
const TICK: Duration = Duration::from_millis(200);

/// The running thread.
#[derive(Debug)]
pub struct Feeder {
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Feeder {
    /// Starts the thread; it appends each line of `next` to `path` when its time has come.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or the thread not be started.
    pub fn start(
        clock: Clock,
        path: &Path,
        mut next: impl FnMut() -> (Timestamp, String) + Send + 'static,
    ) -> Result<Self, RuntimeError> {
        let mut file = File::options()
            .append(true)
            .open(path)
            .map_err(|_| RuntimeError::Thread("demo"))?;
        let (stop, stopped) = mpsc::sync_channel::<()>(1);
        let mut pending = next();
        let thread = thread::Builder::new()
            .name("demo".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    while pending.0 <= clock.now() {
                        if writeln!(file, "{}", pending.1).is_err() {
                            return;
                        }
                        pending = next();
                    }
                }
            })
            .map_err(|_| RuntimeError::Thread("demo"))?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread.
    pub fn end(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

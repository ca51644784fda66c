//! `demo`: a made-up stream with an incident in it, live in a temporary database.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Surroundings, dashboard};
use crate::cli::args::{Dashboard, View};
use crate::cli::demo::{DemoStream, Incident};
use crate::cli::error::Failure;
use crate::model::{Micros, Timestamp};
use crate::runtime::Clock;
use crate::stats::Span;

/// How long before now the incident begins.
const INCIDENT_AGO: Micros = Micros::MINUTE.times(29);
/// The same stream for everybody.
const SEED: u64 = 3;
/// How often the stream is looked at for lines that are due.
const TICK: Duration = Duration::from_millis(200);

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    incident: Incident,
    out: Option<PathBuf>,
) -> Result<i32, Failure> {
    let now = with.clock.now();
    let start = now.minus(DemoStream::HISTORY);
    let mut stream = DemoStream::new(SEED, start, now.minus(INCIDENT_AGO)).with_incident(incident);
    if let Some(path) = out {
        write_until(&mut stream, &path, now).map_err(|error| Failure::write(&path, error))?;
        with.say(&format!("wrote the stream to {}", path.display()));
        return Ok(0);
    }
    let folder = tempfile::tempdir().map_err(Failure::temporary)?;
    let path = folder.path().join("demo.jsonl");
    let mut next = write_until(&mut stream, &path, now).map_err(Failure::temporary)?;
    let live = Live::start(with.clock.clone(), &path, move || {
        let line = next.clone();
        next = stream.next_line();
        line
    })?;
    let plan = Dashboard {
        database: folder.path().join("demo.db"),
        sources: vec![path.display().to_string()],
        view: View::Overview,
        span: Span::Last(Micros::HOUR),
    };
    let result = dashboard::run(with, plan);
    live.end();
    result
}

/// Writes the stream up to `end` and returns the first line after it.
fn write_until(
    stream: &mut DemoStream,
    path: &Path,
    end: Timestamp,
) -> std::io::Result<(Timestamp, String)> {
    let mut file = BufWriter::new(File::create(path)?);
    loop {
        let (ts, line) = stream.next_line();
        if ts > end {
            file.flush()?;
            return Ok((ts, line));
        }
        writeln!(file, "{line}")?;
    }
}

/// The thread that goes on writing the stream as time passes.
struct Live {
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Live {
    fn start(
        clock: Clock,
        path: &Path,
        mut next: impl FnMut() -> (Timestamp, String) + Send + 'static,
    ) -> Result<Self, Failure> {
        let mut file = File::options()
            .append(true)
            .open(path)
            .map_err(|error| Failure::write(path, error))?;
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
            .map_err(Failure::temporary)?;
        Ok(Self { stop, thread })
    }

    fn end(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

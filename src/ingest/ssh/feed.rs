//! The follower of one host's files, over as many connections as it takes.

use std::borrow::Cow;
use std::convert::Infallible;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::ingest::desk::Line;
use crate::ingest::follow::Follower;
use crate::ingest::pass::{Done, Now, Out};
use crate::ingest::progress::{FeedProgress, Health, Progress, SourceStatus};
use crate::ingest::status::progress_of;
use crate::ingest::work::Work;
use crate::ingest::{IngestError, SourceSpec, StopFlag};
use crate::model::{Generation, HashKey, Timestamp};

use super::Address;
use super::connection::{Connection, Dial, Loss};
use super::files::{Memory, RemoteFiles};

/// How many tries in a row may fail in a run that does not follow.
const TRIES_MAX: u32 = 5;
/// Silence, in paces, after which a connection is given up.
const SILENCE_PACES: u32 = 45;
/// A connection that held for so many paces was a good one.
const HELD_PACES: u32 = 60;
/// The longest pause between two tries, in paces, before up to a quarter is added.
const PAUSE_PACES_MAX: u32 = 48;

/// How hosts are read.
#[derive(Clone)]
pub(in crate::ingest) struct FeedOptions {
    pub(in crate::ingest) program: OsString,
    /// The pause between passes and before the first new try: a second.
    pub(in crate::ingest) pace: Duration,
    pub(in crate::ingest) is_following: bool,
    pub(in crate::ingest) key: HashKey,
    pub(in crate::ingest) stop: StopFlag,
    pub(in crate::ingest) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(in crate::ingest) progress: Arc<Progress>,
}

/// Everything to read on one host.
pub(in crate::ingest) struct Feed {
    address: Address,
    specs: Vec<SourceSpec>,
    options: FeedOptions,
    line: Line,
    started: Instant,
    done: Done,
    memory: Memory,
}

/// How a connection ended.
enum End {
    Done,
    Stopped,
    Lost(Loss),
}

impl Feed {
    /// Starts nothing yet; `specs` have their paths on the host.
    pub(in crate::ingest) fn new(
        address: Address,
        specs: Vec<SourceSpec>,
        options: FeedOptions,
        line: Line,
    ) -> Self {
        Self {
            address,
            specs,
            options,
            line,
            started: Instant::now(),
            done: Done::default(),
            memory: Memory::default(),
        }
    }

    /// Reads until everything is read, the flag is set or, in a run that does not follow, the host is
    /// given up. `halt` never says anything: it ends when the run does.
    pub(in crate::ingest) fn run(
        mut self,
        halt: &Receiver<Infallible>,
    ) -> Result<Done, IngestError> {
        self.tell("connecting".into(), Health::Waiting, String::new());
        let mut tries = 0;
        while !self.options.stop.is_set() {
            let (begun, before) = (Instant::now(), self.done.bytes);
            let loss = match self.connect(halt)? {
                End::Done | End::Stopped => break,
                End::Lost(loss) => loss,
            };
            let held = begun.elapsed() >= self.options.pace * HELD_PACES;
            tries = if self.done.bytes > before || held {
                1
            } else {
                tries + 1
            };
            let is_hopeless = loss.remedy.is_some() || tries >= TRIES_MAX;
            if is_hopeless && !self.options.is_following {
                return Err(IngestError::Unreachable {
                    address: self.address.to_string(),
                    reason: loss.reason,
                    remedy: loss.remedy,
                });
            }
            let pause = pause(tries, self.options.pace, self.spread(tries));
            self.tell_loss(loss, tries, pause);
            if !wait(halt, pause) {
                break;
            }
        }
        Ok(self.done)
    }

    /// Follows the files over one connection.
    fn connect(&mut self, halt: &Receiver<Infallible>) -> Result<End, IngestError> {
        let options = &self.options;
        let dial = Dial {
            program: options.program.clone(),
            address: self.address.clone(),
            silence_max: options.pace * SILENCE_PACES,
            stop: options.stop.clone(),
            key: options.key,
        };
        let files = match Connection::open(&dial, (options.clock)()) {
            Ok(connection) => RemoteFiles::new(connection, std::mem::take(&mut self.memory)),
            Err(_) if options.stop.is_set() => return Ok(End::Stopped),
            Err(loss) => return Ok(End::Lost(loss)),
        };
        let known = self.recall()?;
        let mut follower = Follower::over(
            Box::new(files.clone()),
            self.specs.clone(),
            options.is_following,
            options.key,
            &known,
            Arc::new(Notify::new()),
        );
        let before = self.done;
        let end = loop {
            files.begin_pass();
            let now = Now::at(self.started.elapsed(), (self.options.clock)());
            let mut out = RemoteOut {
                line: &self.line,
                files: &files,
                prefix: self.address.to_string(),
                stop: &self.options.stop,
            };
            let step = follower.step(now, &mut out);
            self.done = before.plus(follower.done());
            if self.options.stop.is_set() {
                break End::Stopped;
            }
            if files.is_lost() {
                drop(follower);
                let Some((loss, memory)) = files.into_loss() else {
                    return Ok(End::Stopped);
                };
                self.memory = memory;
                return Ok(End::Lost(loss));
            }
            let pass = match step {
                Ok(pass) => pass,
                Err(error) => break self.refused(error)?,
            };
            self.report(progress_of(&follower));
            if pass.is_done {
                break End::Done;
            }
            let pause = if pass.has_more {
                Duration::ZERO
            } else {
                self.options.pace
            };
            if !wait(halt, pause) {
                break End::Stopped;
            }
        };
        Ok(end)
    }

    /// Returns what is stored of this host, with its paths there.
    fn recall(&self) -> Result<Vec<Generation>, IngestError> {
        let prefix = self.address.to_string();
        let mut known = self.line.recall(format!("{prefix}/"))?;
        for generation in &mut known {
            generation.path.drain(..prefix.len());
            for text in [&mut generation.home, &mut generation.label] {
                if text.starts_with(&prefix) {
                    text.drain(..prefix.len());
                }
            }
        }
        Ok(known)
    }

    /// A file that cannot be read ends a run that does not wait for it.
    fn refused(&self, error: IngestError) -> Result<End, IngestError> {
        let error = match error {
            IngestError::Missing { path } => IngestError::Missing {
                path: self.path_of(&path),
            },
            IngestError::Unreadable { path, cause } => IngestError::Unreadable {
                path: self.path_of(&path),
                cause,
            },
            IngestError::NotAFile { path, kind } => IngestError::NotAFile {
                path: self.path_of(&path),
                kind,
            },
            IngestError::NoMatch { pattern } => IngestError::NoMatch {
                pattern: format!("{}{pattern}", self.address),
            },
            other => return Err(other),
        };
        if !self.options.is_following {
            return Err(error);
        }
        Ok(End::Lost(Loss {
            remedy: error.hint().map(str::to_owned),
            reason: error.to_string(),
        }))
    }

    fn path_of(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("{}{}", self.address, path.display()))
    }

    fn report(&self, mut progress: FeedProgress) {
        for status in &mut progress.sources {
            status.source.insert_str(0, &self.address.to_string());
            status.path.insert_str(0, &self.address.to_string());
        }
        progress.bytes_total = progress.bytes_total - progress.bytes_done + self.done.bytes;
        progress.bytes_done = self.done.bytes;
        self.options.progress.set(self.line.feed(), progress);
    }

    fn tell_loss(&self, loss: Loss, tries: u32, pause: Duration) {
        let state = format!(
            "reconnecting ({} try, next in {} s)",
            ordinal(tries),
            pause.as_secs_f64().round()
        );
        let detail = match loss.remedy {
            Some(remedy) => format!("{remedy} ({})", loss.reason),
            None => loss.reason,
        };
        self.tell(state.into(), Health::Waiting, detail);
    }

    /// Puts every file of the host into one state; how far they were read stays on show.
    fn tell(&self, state: Cow<'static, str>, health: Health, detail: String) {
        let mut progress = self.options.progress.of_feed(self.line.feed());
        if progress.sources.is_empty() {
            progress.sources = self.specs.iter().map(|spec| self.unseen(spec)).collect();
        }
        for status in &mut progress.sources {
            status.state = state.clone();
            status.health = health;
            status.detail = detail.clone();
        }
        self.options.progress.set(self.line.feed(), progress);
    }

    fn unseen(&self, spec: &SourceSpec) -> SourceStatus {
        let label = format!("{}{}", self.address, spec.label());
        SourceStatus {
            source: label.clone(),
            path: label,
            state: Cow::Borrowed(""),
            health: Health::Waiting,
            lag_bytes: 0,
            offset: 0,
            detail: String::new(),
        }
    }

    /// A number from 0 to 255 that differs between hosts, tries and databases, so that a crowd does not
    /// come back all at once.
    fn spread(&self, tries: u32) -> u8 {
        let address = self.address.to_string();
        let parts = [address.as_bytes(), &tries.to_le_bytes()];
        self.options.key.hash_parts(parts).to_le_bytes()[0]
    }
}

/// A follower's way to the worker. Once the connection is lost only bytes pass that did arrive: they are
/// true, while whatever else the follower concludes may rest on an answer that never came.
struct RemoteOut<'a> {
    line: &'a Line,
    files: &'a RemoteFiles,
    prefix: String,
    stop: &'a StopFlag,
}

impl Out for RemoteOut<'_> {
    fn send(&mut self, mut work: Work) -> Result<(), IngestError> {
        if self.files.is_lost() && !matches!(work, Work::Chunk { .. }) {
            return Err(IngestError::ConnectionLost);
        }
        match &mut work {
            Work::Open(new) => {
                for text in [&mut new.source, &mut new.home, &mut new.path] {
                    text.insert_str(0, &self.prefix);
                }
            }
            Work::Attach { renamed_to, .. } | Work::Mark { renamed_to, .. } => {
                if let Some(path) = renamed_to {
                    path.insert_str(0, &self.prefix);
                }
            }
            _ => {}
        }
        self.line.send(work)
    }

    fn buffer(&mut self, len: usize) -> Vec<u8> {
        vec![0; len]
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_set() || self.files.is_lost()
    }
}

/// Waits; `false`: the run ended meanwhile.
fn wait(halt: &Receiver<Infallible>, pause: Duration) -> bool {
    matches!(halt.recv_timeout(pause), Err(RecvTimeoutError::Timeout))
}

/// How long to wait after so many failed tries: 1, 2, 4, … 48 paces, and up to a quarter more.
fn pause(tries: u32, pace: Duration, spread: u8) -> Duration {
    let paces = 1_u32
        .checked_shl(tries.saturating_sub(1))
        .unwrap_or(PAUSE_PACES_MAX)
        .min(PAUSE_PACES_MAX);
    let base = pace * paces;
    base + base * u32::from(spread) / (4 * 255)
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let second = Duration::from_secs(1);
        let pauses: Vec<u64> = (1..=8)
            .map(|tries| pause(tries, second, 0).as_secs())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 48, 48]);
        for tries in [1, 7, 40, u32::MAX] {
            assert!(pause(tries, second, 255) <= Duration::from_secs(60));
            assert!(pause(tries, second, 0) >= second);
        }
        assert_eq!(pause(7, second, 255), Duration::from_secs(60));
    }

    #[test]
    fn tries_are_counted_as_people_do() {
        let words: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal).to_vec();
        assert_eq!(
            words,
            [
                "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"
            ]
        );
    }
}

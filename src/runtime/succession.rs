//! The wait for the writer's place: who writes the database is looked at once a second, and a process
//! that has sources takes the place as soon as it is free.
//!
//! The lock decides between several that wait: one of them gets it, the others go on waiting. What is
//! read then starts from the checkpoints that the last writer stored.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::RuntimeError;
use super::starter::Starter;
use super::wake::{Succession, Wake};
use crate::store::{StoreError, writer_of};

/// The pause between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// The thread that waits; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Never says anything.
    _halt: SyncSender<Infallible>,
}

/// What is done at each look.
pub(super) enum Look {
    /// Only sees who writes the database at the path, and tells the queue.
    At(PathBuf, SyncSender<Wake>),
    /// Takes the place when it is free.
    Take(Box<Starter>),
}

impl Waiting {
    /// Starts to wait; `writer` is the process known to write now.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(super) fn start(look: Look, writer: Option<u32>) -> Result<Self, RuntimeError> {
        let (halt, halted) = mpsc::sync_channel::<Infallible>(0);
        let mut told = Told::Writer(writer);
        thread::Builder::new()
            .name("succession".to_owned())
            .spawn(move || {
                while halted.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                    let (news, sender) = look.look();
                    let is_taken = matches!(news, Succession::Taken(_));
                    let now = Told::of(&news);
                    if now != told && sender.send(Wake::Succession(news)).is_err() || is_taken {
                        return;
                    }
                    told = now;
                }
            })
            .map_err(|_| RuntimeError::Thread("succession"))?;
        Ok(Self { _halt: halt })
    }
}

/// What was told last, so that the same is not told again.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Writer(Option<u32>),
    Taken,
    Failed(String),
}

impl Told {
    fn of(news: &Succession) -> Self {
        match news {
            Succession::Writer(pid) => Self::Writer(*pid),
            Succession::Taken(_) => Self::Taken,
            Succession::Failed(why) => Self::Failed(why.clone()),
        }
    }
}

impl Look {
    fn look(&self) -> (Succession, &SyncSender<Wake>) {
        let starter = match self {
            Self::At(path, sender) => return (Succession::Writer(writer_of(path)), sender),
            Self::Take(starter) => starter,
        };
        let news = match starter.start() {
            Ok(pipeline) => Succession::Taken(Box::new(pipeline)),
            Err(RuntimeError::Store(StoreError::Locked { pid, .. })) => Succession::Writer(pid),
            Err(error) => Succession::Failed(match error.hint() {
                Some(hint) => format!("failed to {error}; {hint}"),
                None => format!("failed to {error}"),
            }),
        };
        (news, &starter.sender)
    }
}

//! Several followers before one worker: each has its own count of slots, the worker has one for all.

use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, sync_channel};

use crate::model::{Generation, GenerationId};

use super::work::Work;
use super::worker::Worker;
use super::{IngestError, SinkError};

/// The number of the follower of this machine's files; others follow, one for each host.
pub(super) const LOCAL: usize = 0;

/// What a follower says to the worker.
pub(super) enum Message {
    Work {
        feed: usize,
        work: Work,
    },
    /// Asks to start again from what is stored, with the generations below a prefix.
    Recall {
        feed: usize,
        prefix: String,
        reply: SyncSender<Vec<Generation>>,
    },
}

/// A follower's line to the worker.
#[derive(Debug, Clone)]
pub(super) struct Line {
    feed: usize,
    sender: SyncSender<Message>,
}

impl Line {
    pub(super) fn new(feed: usize, sender: SyncSender<Message>) -> Self {
        Self { feed, sender }
    }

    /// Returns the follower's number.
    pub(super) fn feed(&self) -> usize {
        self.feed
    }

    /// Hands over work; blocks while the worker is behind.
    pub(super) fn send(&self, work: Work) -> Result<(), IngestError> {
        let feed = self.feed;
        let message = Message::Work { feed, work };
        self.sender
            .send(message)
            .map_err(|_| IngestError::WorkerLost)
    }

    /// Gives up what was read and not stored, and returns the stored generations whose paths begin with
    /// `prefix`: they are the follower's slots from here on.
    pub(super) fn recall(&self, prefix: String) -> Result<Vec<Generation>, IngestError> {
        let (reply, answer) = sync_channel(1);
        let message = Message::Recall {
            feed: self.feed,
            prefix,
            reply,
        };
        self.sender
            .send(message)
            .map_err(|_| IngestError::WorkerLost)?;
        answer.recv().map_err(|_| IngestError::WorkerLost)
    }
}

/// The worker's end of all lines.
pub(super) struct Desk {
    worker: Worker,
    /// For each follower, its slots as the worker counts them.
    slots: HashMap<usize, Vec<usize>>,
}

impl Desk {
    /// Starts with the slots of this machine's follower.
    pub(super) fn new(worker: Worker, local: Vec<usize>) -> Self {
        Self {
            worker,
            slots: HashMap::from([(LOCAL, local)]),
        }
    }

    /// Does what a follower asks; returns a buffer to be used again.
    pub(super) fn handle(&mut self, message: Message) -> Result<Option<Vec<u8>>, SinkError> {
        match message {
            Message::Work { feed, mut work } => {
                let slots = self.slots.entry(feed).or_default();
                if let Some(slot) = work.slot_mut() {
                    let known = slots.get(*slot).copied();
                    debug_assert!(known.is_some(), "work for a slot that was never opened");
                    *slot = known.unwrap_or(usize::MAX);
                }
                if matches!(work, Work::Open(_)) {
                    slots.push(self.worker.slots_len());
                }
                self.worker.handle(work)
            }
            Message::Recall {
                feed,
                prefix,
                reply,
            } => {
                let generations = self.recall(feed, &prefix)?;
                // Nobody waits any more when the run ends.
                let _ = reply.send(generations);
                Ok(None)
            }
        }
    }

    /// Hands over what is pending and waits until everything is committed.
    pub(super) fn finish(&mut self) -> Result<(), SinkError> {
        self.worker.finish()
    }

    fn recall(&mut self, feed: usize, prefix: &str) -> Result<Vec<Generation>, SinkError> {
        let mut generations = self.worker.stored()?;
        let places: HashMap<GenerationId, usize> = self.worker.places();
        generations.retain(|one| one.path.starts_with(prefix) && places.contains_key(&one.id));
        let slots: Vec<usize> = generations
            .iter()
            .filter_map(|one| places.get(&one.id).copied())
            .collect();
        for (slot, generation) in slots.iter().zip(&generations) {
            self.worker.restart(*slot, generation);
        }
        self.slots.insert(feed, slots);
        Ok(generations)
    }
}

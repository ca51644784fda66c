//! What the follower asks of the worker.

use std::sync::mpsc::SyncSender;

use crate::model::{GapCause, GenerationState, Look, NewGeneration, Timestamp};

use super::compare::Shared;
use super::identity::Trace;
use super::reader::Reader;

/// What the follower asks of the worker, in order. A slot is the place of a generation in both lists.
pub(super) enum Work {
    /// The next slot is a new generation; the lines that it shares with `repeats` from its start on are
    /// skipped.
    Open {
        new: NewGeneration,
        repeats: Option<usize>,
    },
    /// Reading of a known generation goes on at its checkpoint.
    Attach {
        slot: usize,
        trace: Trace,
        state: GenerationState,
        renamed_to: Option<String>,
    },
    /// The lines that a generation of which nothing was read shares with another one are skipped.
    Repeat { slot: usize, with: usize },
    /// The next bytes of a generation.
    Chunk {
        slot: usize,
        bytes: Vec<u8>,
        len: usize,
        look: Look,
        read_at: Timestamp,
    },
    /// All of a file so far in one rejected row: it is not text.
    NotText {
        slot: usize,
        bytes: Vec<u8>,
        what: &'static str,
        read_at: Timestamp,
    },
    /// The state or the path changed.
    Mark {
        slot: usize,
        state: GenerationState,
        renamed_to: Option<String>,
        read_at: Timestamp,
    },
    /// Nothing more will come; the last line ends here.
    Close {
        slot: usize,
        state: GenerationState,
        loss: Option<Loss>,
        read_at: Timestamp,
    },
    /// Asks how many lines a file shares with a generation from the start on.
    Compare {
        slot: usize,
        reader: Reader,
        reply: SyncSender<Shared>,
    },
    /// A run ends while the file lives: a last line is taken only if it is whole.
    Settle { slot: usize, read_at: Timestamp },
    /// Hands over what is pending.
    Flush,
}

/// What may be lost behind the end of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    /// How long the file was seen to be; `None`: no longer than it was read.
    pub(super) to: Option<u64>,
    pub(super) cause: GapCause,
}

impl Work {
    /// Returns the slots that it is about; a new generation has none yet.
    pub(super) fn slots_mut(&mut self) -> Vec<&mut usize> {
        match self {
            Self::Open { repeats, .. } => repeats.iter_mut().collect(),
            Self::Repeat { slot, with } => vec![slot, with],
            Self::Flush => Vec::new(),
            Self::Attach { slot, .. }
            | Self::Chunk { slot, .. }
            | Self::NotText { slot, .. }
            | Self::Mark { slot, .. }
            | Self::Close { slot, .. }
            | Self::Compare { slot, .. }
            | Self::Settle { slot, .. } => vec![slot],
        }
    }
}

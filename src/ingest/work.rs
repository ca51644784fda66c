//! What the follower asks of the worker.

use crate::model::{GapCause, GenerationState, Look, NewGeneration, Timestamp};

use super::identity::Trace;

/// What the follower asks of the worker, in order. A slot is the place of a generation in both lists.
pub(super) enum Work {
    /// The next slot is a new generation.
    Open(NewGeneration),
    /// Reading of a known generation goes on at its checkpoint.
    Attach {
        slot: usize,
        trace: Trace,
        state: GenerationState,
        renamed_to: Option<String>,
    },
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
    /// Returns the slot that it is about; a new generation has none yet.
    pub(super) fn slot_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Open(_) | Self::Flush => None,
            Self::Attach { slot, .. }
            | Self::Chunk { slot, .. }
            | Self::NotText { slot, .. }
            | Self::Mark { slot, .. }
            | Self::Close { slot, .. }
            | Self::Settle { slot, .. } => Some(slot),
        }
    }
}

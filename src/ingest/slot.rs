//! A generation as the worker keeps it while its lines are read.

use crate::model::{
    Fingerprint, Generation, GenerationId, GenerationState, HashKey, Look, NewGeneration,
    is_passing,
};

use super::document::Opening;
use super::identity::Trace;
use super::lines::Splitter;
use super::twins::Twin;

/// A generation: how far it is handed over, and what is needed to go on.
pub(super) struct Slot {
    pub(super) id: GenerationId,
    /// Whether its lines cannot be read again.
    pub(super) is_passing: bool,
    pub(super) offset: u64,
    /// Head and tail at the offset, as they were stored last.
    pub(super) head: Fingerprint,
    pub(super) tail: Fingerprint,
    pub(super) look: Look,
    /// Whether the lines are marked: not those of pipes, which are read once.
    pub(super) is_marked: bool,
    /// The checksum of all lines so far; `None`: it stands with the marks that were stored.
    pub(super) checksum: Option<u32>,
    /// The checksum of the first line.
    pub(super) first_line: Option<u32>,
    /// The generations that no line so far tells apart from this one.
    pub(super) twins: Vec<Twin>,
    pub(super) splitter: Option<Splitter>,
    /// Whether the bytes are one document or lines, while that is open.
    pub(super) start: Start,
    pub(super) state: GenerationState,
    pub(super) stored_state: GenerationState,
    pub(super) renamed_to: Option<String>,
}

impl Slot {
    /// A generation as it is stored.
    pub(super) fn of(generation: &Generation) -> Self {
        Self {
            id: generation.id,
            is_passing: is_passing(&generation.path, generation.device, generation.inode),
            offset: generation.offset.0,
            head: generation.head,
            tail: generation.tail,
            look: generation.look,
            is_marked: generation.inode != 0,
            checksum: None,
            first_line: generation.first_line.map(|line| line.checksum),
            twins: Vec::new(),
            splitter: None,
            start: Start::Lines,
            state: generation.state,
            stored_state: generation.state,
            renamed_to: None,
        }
    }

    /// A generation that was just opened.
    pub(super) fn new(
        id: GenerationId,
        new: &NewGeneration,
        key: HashKey,
        line_len: usize,
    ) -> Self {
        Self {
            id,
            is_passing: is_passing(&new.path, new.device, new.inode),
            offset: 0,
            head: Fingerprint::default(),
            tail: Fingerprint::default(),
            look: Look::default(),
            is_marked: new.inode != 0,
            checksum: Some(0),
            first_line: None,
            twins: Vec::new(),
            splitter: Some(Splitter::new(key, line_len, Trace::default())),
            start: Start::at(0, line_len),
            state: GenerationState::Open,
            stored_state: GenerationState::Open,
            renamed_to: None,
        }
    }

    /// Tells whether more of it may come.
    pub(super) fn is_being_read(&self) -> bool {
        self.splitter.is_some()
    }
}

/// What the bytes at the start of a generation turn out to be.
pub(super) enum Start {
    /// Lines, as of here.
    Lines,
    /// Held until that is clear.
    Open(Box<Opening>),
    /// A document that is given up: the rest belongs to the row that says so.
    GivenUp,
}

impl Start {
    /// A document can only begin where the generation does.
    pub(super) fn at(offset: u64, line_len: usize) -> Self {
        if offset == 0 {
            Self::Open(Box::new(Opening::new(line_len)))
        } else {
            Self::Lines
        }
    }
}

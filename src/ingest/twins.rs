//! Which lines were read before, in whatever file: those that stand at the same place after the same lines.
//!
//! A copy, a file that was cut, one that was restored: all begin with lines that another generation has had.
//! Two generations are twins as long as no line tells them apart. Whichever of the two comes to a line
//! second skips it, so that it does not matter which file is met first, nor how far each has been read when
//! a process ends. A line mark covers everything before it, so that one look at a place decides.

use std::collections::{HashMap, VecDeque};

use crate::model::{GenerationId, LineMark};

use super::{Sink, SinkError};

/// How many twins a generation has at the most: the latest ones that begin with its first line.
const TWINS_MAX: usize = 64;

/// The generations by their first line.
#[derive(Debug, Default)]
pub(super) struct Families {
    by_first_line: HashMap<u32, Vec<usize>>,
}

impl Families {
    /// Adds a generation that begins with a line of that checksum.
    pub(super) fn add(&mut self, slot: usize, first_line: u32) {
        let slots = self.by_first_line.entry(first_line).or_default();
        if !slots.contains(&slot) {
            slots.push(slot);
        }
    }

    /// Returns the latest others that begin with the same line and pass `is_wanted`.
    pub(super) fn others(
        &self,
        slot: usize,
        first_line: u32,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let family = self.by_first_line.get(&first_line);
        family
            .into_iter()
            .flatten()
            .rev()
            .copied()
            .filter(|other| *other != slot && is_wanted(*other))
            .take(TWINS_MAX)
            .collect()
    }
}

/// What a twin tells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has had the line: everything up to its end is the same.
    Same,
    /// It has not been read that far.
    NotRead,
    /// It has something else there: no twin any more.
    Differs,
}

/// A generation that has had the same lines so far, and a walk along its lines ahead.
#[derive(Debug)]
pub(super) struct Twin {
    /// Its place in the worker's list.
    pub(super) slot: usize,
    id: GenerationId,
    /// The lines of the block at hand that are still ahead.
    ahead: VecDeque<LineMark>,
}

impl Twin {
    /// Starts the walk wherever the next line asks for.
    pub(super) fn new(slot: usize, id: GenerationId) -> Self {
        Self {
            slot,
            id,
            ahead: VecDeque::new(),
        }
    }

    /// Tells what the twin, read up to `reached`, has where `line` stands; lines must not go back.
    pub(super) fn standing(
        &mut self,
        line: LineMark,
        reached: u64,
        sink: &mut dyn Sink,
    ) -> Result<Standing, SinkError> {
        if reached <= line.offset.0 {
            return Ok(Standing::NotRead);
        }
        while self.ahead.front().is_some_and(|at| at.offset < line.offset) {
            self.ahead.pop_front();
        }
        if self.ahead.is_empty()
            && let Some(block) = sink.line_marks(self.id, line.offset)?
        {
            let ahead = block.iter().skip_while(|at| at.offset < line.offset);
            self.ahead.extend(ahead);
        }
        let is_same = self
            .ahead
            .front()
            .is_some_and(|at| at.offset == line.offset && at.checksum == line.checksum);
        Ok(if is_same {
            Standing::Same
        } else {
            Standing::Differs
        })
    }
}

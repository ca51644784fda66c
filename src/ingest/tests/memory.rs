//! A store in memory that can be made to die, with the accounts that it checks.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::ingest::{Sink, SinkError};
use crate::model::{
    Batch, ByteOffset, Event, Fingerprint, Gap, Generation, GenerationId, GenerationState,
    LineMarks, Look, NewGeneration, SourceId,
};

/// A generation and what was stored of it.
pub(super) struct StoredGeneration {
    pub(super) generation: Generation,
    pub(super) marks: Vec<LineMarks>,
    pub(super) gap: Option<Gap>,
    /// Bytes and lines accounted for.
    pub(super) bytes: u64,
    pub(super) lines: u64,
}

/// Everything stored.
#[derive(Default)]
pub(super) struct Stored {
    pub(super) generations: Vec<StoredGeneration>,
    pub(super) ids: Vec<i64>,
    pub(super) reasons: Vec<&'static str>,
    pub(super) lines: u64,
    pub(super) repeated: u64,
    /// How many more calls are answered before the process dies, and whether the last one is stored.
    pub(super) death: Option<(u32, bool)>,
}

impl Stored {
    pub(super) fn gaps(&self) -> Vec<Gap> {
        self.generations.iter().filter_map(|at| at.gap).collect()
    }

    /// Counts down to the planned death; returns whether this call is the last and whether it is stored.
    fn is_dying(&mut self) -> Option<bool> {
        let (left, is_stored) = self.death.as_mut()?;
        if *left == 0 {
            return Some(*is_stored);
        }
        *left -= 1;
        None
    }
}

fn killed<T>() -> Result<T, SinkError> {
    Err(SinkError::new("killed as planned"))
}

/// A store in memory with the rule of the real one: a step must start where its checkpoint stands.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Stored>>);

impl Memory {
    pub(super) fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap()
    }
}

impl Sink for Memory {
    fn generations(&mut self) -> Result<Vec<Generation>, SinkError> {
        let stored = self.stored();
        let of = |at: &StoredGeneration| {
            let mut generation = at.generation.clone();
            generation.first_line = at.marks.first().and_then(|marks| marks.iter().next());
            generation
        };
        Ok(stored.generations.iter().map(of).collect())
    }

    fn open_generation(&mut self, new: &NewGeneration) -> Result<GenerationId, SinkError> {
        let mut stored = self.stored();
        let dying = stored.is_dying();
        if dying == Some(false) {
            return killed();
        }
        let id = GenerationId(u32::try_from(stored.generations.len()).unwrap());
        stored.generations.push(StoredGeneration {
            generation: Generation {
                id,
                source: SourceId(0),
                label: new.source.clone(),
                home: new.home.clone(),
                path: new.path.clone(),
                device: new.device,
                inode: new.inode,
                born: new.born,
                is_compressed: new.is_compressed,
                offset: ByteOffset(0),
                head: Fingerprint::default(),
                tail: Fingerprint::default(),
                state: GenerationState::Open,
                look: Look::default(),
                first_line: None,
                opened_at: new.opened_at,
            },
            marks: Vec::new(),
            gap: None,
            bytes: 0,
            lines: 0,
        });
        if dying.is_some() { killed() } else { Ok(id) }
    }

    fn commit(&mut self, batch: Batch) -> Result<(), SinkError> {
        let mut stored = self.stored();
        let dying = stored.is_dying();
        if dying == Some(false) {
            return killed();
        }
        let step = batch.advance;
        let at = &mut stored.generations[usize::try_from(step.generation.0).unwrap()];
        if at.generation.offset != step.from {
            return Err(SinkError::new("the checkpoint stands elsewhere"));
        }
        let tally = &batch.tally;
        let accepted: u64 = tally.by_format.iter().map(|(_, lines)| lines).sum();
        assert_eq!(tally.bytes, step.to.0 - step.from.0);
        assert_eq!(
            tally.lines,
            tally.blank + tally.noise + tally.quarantined + tally.repeated + accepted
        );
        at.bytes += tally.bytes;
        at.lines += tally.lines;
        assert_eq!(at.bytes, step.to.0, "every byte is accounted for");
        let generation = &mut at.generation;
        generation.offset = step.to;
        generation.head = step.head;
        generation.tail = step.tail;
        generation.state = step.state;
        generation.look.size = generation.look.size.max(step.look.size);
        generation.look.modified = step.look.modified;
        if let Some(path) = &step.renamed_to {
            generation.path.clone_from(path);
        }
        at.marks.extend(batch.marks);
        let is_read_on = matches!(step.state, GenerationState::Open | GenerationState::Rotated);
        if step.to > step.from || is_read_on {
            at.gap = at.gap.filter(|gap| gap.from != step.from);
        }
        at.gap = batch.gap.or(at.gap);
        stored.lines += tally.lines;
        stored.repeated += tally.repeated;
        for located in &batch.events {
            if let Event::Marker(marker) = &located.event {
                stored.ids.push(marker.ts.0);
            }
        }
        let reasons = batch.rejects.iter().map(|line| line.reject.reason);
        stored.reasons.extend(reasons);
        if dying.is_some() { killed() } else { Ok(()) }
    }

    fn line_marks(
        &mut self,
        generation: GenerationId,
        at: ByteOffset,
    ) -> Result<Option<LineMarks>, SinkError> {
        let stored = self.stored();
        let of = &stored.generations[usize::try_from(generation.0).unwrap()].marks;
        let block = of
            .iter()
            .find(|block| block.first() <= at && at < block.end());
        Ok(block.cloned())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

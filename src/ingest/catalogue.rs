//! The generations that were read before, in this run or an earlier one, and the ways to them: by file,
//! by first bytes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::model::{Fingerprint, Generation, GenerationState, HashKey, Look, NewGeneration};

use super::identity::{FileId, Trace, fingerprint};

/// A generation and how far it was read. Its slot is its place in the catalogue.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// The source as the user named it.
    pub(super) label: String,
    pub(super) path: String,
    pub(super) file: FileId,
    pub(super) offset: u64,
    pub(super) head: Fingerprint,
    pub(super) tail: Fingerprint,
    pub(super) state: GenerationState,
    pub(super) is_compressed: bool,
    pub(super) look: Look,
    /// The checksum of its first line, where known.
    pub(super) first_line: Option<u32>,
}

impl Known {
    /// Takes over what the store knows.
    pub(super) fn from_store(generation: &Generation) -> Self {
        Self {
            label: generation.label.clone(),
            path: generation.path.clone(),
            file: FileId {
                device: generation.device,
                inode: generation.inode,
                born: generation.born,
            },
            offset: generation.offset.0,
            head: generation.head,
            tail: generation.tail,
            state: generation.state,
            is_compressed: generation.is_compressed,
            look: generation.look,
            first_line: generation.first_line.map(|line| line.checksum),
        }
    }

    /// Describes a generation of which nothing was read.
    pub(super) fn new(new: &NewGeneration) -> Self {
        Self {
            label: new.source.clone(),
            path: new.path.clone(),
            file: FileId {
                device: new.device,
                inode: new.inode,
                born: new.born,
            },
            offset: 0,
            head: Fingerprint::default(),
            tail: Fingerprint::default(),
            state: GenerationState::Open,
            is_compressed: new.is_compressed,
            look: Look::default(),
            first_line: None,
        }
    }

    /// Tells whether this is a pipe, which cannot be recognised again.
    pub(super) fn is_pipe(&self) -> bool {
        self.file.device == 0 && self.file.inode == 0
    }

    /// Returns how long the file was seen to be when that is longer than it was read.
    pub(super) fn unread(&self) -> Option<u64> {
        (self.look.size > self.offset).then_some(self.look.size)
    }

    /// Tells whether more bytes may be waiting in a file with another name.
    pub(super) fn is_unfinished(&self) -> bool {
        matches!(self.state, GenerationState::Open | GenerationState::Rotated)
    }
}

/// All generations known.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    known: Vec<Known>,
    by_file: HashMap<FileId, Vec<usize>>,
    by_head: HashMap<Fingerprint, Vec<usize>>,
    /// How many generations have a head of that length.
    head_lens: BTreeMap<u32, usize>,
}

impl Catalogue {
    /// Takes over what the store knows.
    pub(super) fn from_store(generations: &[Generation]) -> Self {
        let mut catalogue = Self::default();
        for generation in generations {
            catalogue.push(Known::from_store(generation));
        }
        catalogue
    }

    /// Adds a generation; returns its slot.
    pub(super) fn push(&mut self, known: Known) -> usize {
        let slot = self.known.len();
        self.by_file.entry(known.file).or_default().push(slot);
        self.known.push(known);
        self.index_head(slot);
        slot
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Returns one.
    pub(super) fn get(&self, slot: usize) -> Option<&Known> {
        self.known.get(slot)
    }

    /// Returns those that were last seen in the file, oldest first.
    pub(super) fn of_file(&self, file: FileId) -> impl DoubleEndedIterator<Item = (usize, &Known)> {
        let slots = self.by_file.get(&file).map_or(&[][..], Vec::as_slice);
        slots
            .iter()
            .filter_map(|slot| Some((*slot, self.known.get(*slot)?)))
    }

    /// Returns those whose first bytes are those of `head`, oldest first.
    pub(super) fn with_head(&self, head: &[u8], key: HashKey) -> Vec<usize> {
        let mut slots: Vec<usize> = self
            .head_lens
            .keys()
            .filter_map(|len| head.get(..usize::try_from(*len).ok()?))
            .filter_map(|bytes| self.by_head.get(&fingerprint(key, bytes)))
            .flatten()
            .copied()
            .collect();
        slots.sort_unstable();
        slots
    }

    /// Notes under which name and in which file a generation is now.
    pub(super) fn moved(&mut self, slot: usize, path: &Path, file: FileId) {
        let Some(known) = self.known.get_mut(slot) else {
            return;
        };
        known.path = path.to_string_lossy().into_owned();
        if known.file != file {
            if let Some(slots) = self.by_file.get_mut(&known.file) {
                slots.retain(|other| *other != slot);
            }
            known.file = file;
            self.by_file.entry(file).or_default().push(slot);
        }
    }

    /// Notes how far a generation was read and how its file looks.
    pub(super) fn reached(&mut self, slot: usize, trace: &Trace, look: Look, key: HashKey) {
        let Some(known) = self.known.get_mut(slot) else {
            return;
        };
        known.offset = trace.offset();
        known.look.size = known.look.size.max(look.size);
        known.look.modified = look.modified;
        known.tail = trace.tail(key);
        known.first_line = known.first_line.or_else(|| trace.first_line());
        let head = trace.head(key);
        if known.head != head {
            let before = std::mem::replace(&mut known.head, head);
            self.forget_head(slot, before);
            self.index_head(slot);
        }
    }

    /// Notes that a file can only be recognised as this generation in the next run, from what is stored.
    pub(super) fn lose_sight(&mut self, slot: usize) {
        if let Some(known) = self.known.get_mut(slot) {
            known.offset = 0;
            let head = std::mem::take(&mut known.head);
            self.forget_head(slot, head);
        }
    }

    /// Notes what became of a generation.
    pub(super) fn set_state(&mut self, slot: usize, state: GenerationState) {
        if let Some(known) = self.known.get_mut(slot) {
            known.state = state;
        }
    }

    fn index_head(&mut self, slot: usize) {
        if let Some(known) = self.known.get(slot)
            && known.head.len > 0
        {
            self.by_head.entry(known.head).or_default().push(slot);
            *self.head_lens.entry(known.head.len).or_default() += 1;
        }
    }

    fn forget_head(&mut self, slot: usize, head: Fingerprint) {
        if let Some(slots) = self.by_head.get_mut(&head) {
            slots.retain(|other| *other != slot);
            if slots.is_empty() {
                self.by_head.remove(&head);
            }
        }
        if let Some(count) = self.head_lens.get_mut(&head.len) {
            *count -= 1;
            if *count == 0 {
                self.head_lens.remove(&head.len);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::new_generation;
    use super::*;
    use crate::model::Timestamp;

    const KEY: HashKey = HashKey([7; 16]);

    fn file(inode: u64) -> FileId {
        FileId {
            device: 1,
            inode,
            born: 5,
        }
    }

    #[test]
    fn generations_are_found_by_file_and_by_their_growing_head() {
        let mut catalogue = Catalogue::default();
        let path = Path::new("r.jsonl");
        let new = |inode| Known::new(&new_generation("r", path, file(inode), Timestamp(0)));
        let first = catalogue.push(new(1));
        let second = catalogue.push(new(2));
        let mut trace = Trace::default();
        trace.push(b"one\n");
        catalogue.reached(first, &trace, Look::default(), KEY);
        assert_eq!(catalogue.with_head(b"one\ntwo\n", KEY), [first]);
        assert_eq!(catalogue.with_head(b"one", KEY), [] as [usize; 0]);
        trace.push(b"two\n");
        catalogue.reached(first, &trace, Look::default(), KEY);
        assert_eq!(catalogue.with_head(b"one\nxxxxx\n", KEY), [] as [usize; 0]);
        catalogue.reached(second, &trace, Look::default(), KEY);
        assert_eq!(catalogue.with_head(b"one\ntwo\n", KEY), [first, second]);
        assert_eq!(catalogue.head_lens.len(), 1, "old lengths are forgotten");
        catalogue.moved(second, Path::new("r.jsonl.1"), file(1));
        let slots: Vec<usize> = catalogue.of_file(file(1)).map(|(slot, _)| slot).collect();
        assert_eq!(slots, [first, second]);
        assert_eq!(catalogue.of_file(file(2)).count(), 0);
    }
}

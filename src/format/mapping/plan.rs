//! A mapping made ready for use: its pointers as a tree, its formats as numbers.

use super::find::Finder;
use crate::config::Mapping;

/// What a mapping says, ready to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(super) mapping: Mapping,
    pub(super) finder: Finder,
    /// The formats it is for; empty: all.
    formats: Vec<u8>,
}

impl Plan {
    /// Makes a plan for lines of `formats`; none: of all.
    pub(crate) fn new(mapping: Mapping, formats: Vec<u8>) -> Self {
        Self {
            finder: Finder::new(&mapping.pointers),
            mapping,
            formats,
        }
    }

    /// Tells whether it is for lines of that format.
    pub(crate) fn is_for(&self, format: u8) -> bool {
        self.formats.is_empty() || self.formats.contains(&format)
    }

    /// Tells whether lines of that format carry corrections because of it.
    pub(crate) fn maps_corrections_of(&self, format: u8) -> bool {
        self.mapping.correction.is_some() && self.is_for(format)
    }
}

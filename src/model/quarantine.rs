//! Lines in quarantine that are read again: where they stand, and what they say now.

use smallvec::SmallVec;

use super::{ByteOffset, Event, GenerationId, Micros};

/// The most bytes of rejected lines kept because their source cannot be read again.
pub const KEPT_LINES_BYTES_MAX: u64 = 16 << 20;
/// How long such a line stays.
pub const KEPT_LINES_FOR: Micros = Micros::DAY.times(7);

/// A line in quarantine as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedLine {
    /// The generation that holds it.
    pub generation: GenerationId,
    /// The path under which that was last seen.
    pub path: String,
    /// Whether its bytes are decompressed before they are counted.
    pub is_compressed: bool,
    /// Where the line starts.
    pub offset: ByteOffset,
    /// Its length in bytes, without the line end.
    pub len: u64,
    /// The keyed hash of its bytes.
    pub hash: u64,
    /// The line itself, redacted, where its source cannot be read again.
    pub kept: Option<String>,
}

/// A line that can leave quarantine.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleasedLine {
    /// The generation that holds it.
    pub generation: GenerationId,
    /// Where it starts.
    pub offset: ByteOffset,
    /// The format's number in the registry.
    pub format: u8,
    /// What it says, in order.
    pub events: SmallVec<[Event; 1]>,
}

/// Tells whether lines of a file cannot be read again from here: it is a pipe or on another host.
pub fn is_passing(path: &str, device: u64, inode: u64) -> bool {
    (device, inode) == (0, 0) || path.starts_with("ssh://")
}

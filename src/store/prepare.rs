//! What of a commit can be done before the writer's turn: keys, records and hashes of the rows.
//!
//! The parse thread prepares a batch while the writer stores the one before, so that the two cores
//! share the work. Nothing here looks at the database: a request that turns out to join a known one
//! is encoded again by the commit.

use std::ops::Range;
use std::sync::Arc;

use super::residual::{self, Packer};
use super::rollups::Changes;
use super::row;
use crate::model::{
    Advance, Batch, Event, Gap, HashKey, LineMarks, LineReject, Marker, Name, Request, RequestId,
    SessionCorrection, SourcePosition, Tally, Tie, Timestamp,
};

/// How many rows make a full block of residual records.
pub(super) const ROWS_A_BLOCK: usize = 512;

/// The key of an id in the index.
pub(super) fn id_key(key: &HashKey, id: &RequestId) -> u64 {
    match id {
        RequestId::Uuid(bytes) => tagged::<17>(key, b'u', bytes),
        RequestId::Text(text) => key.hash_parts([&b"id"[..], text.as_bytes()]),
    }
}

/// The key of a session in the index.
pub(super) fn session_key(key: &HashKey, session: u64) -> u64 {
    tagged::<9>(key, b's', &session.to_le_bytes())
}

fn tie_key(key: &HashKey, tie: Tie) -> u64 {
    tagged::<9>(key, b't', &tie.key.to_le_bytes())
}

/// Hashes a tag and `LEN` - 1 bytes.
fn tagged<const LEN: usize>(key: &HashKey, tag: u8, bytes: &[u8]) -> u64 {
    let mut whole = [tag; LEN];
    if let Some(rest) = whole.get_mut(1..) {
        rest.copy_from_slice(bytes);
    }
    key.hash(&whole)
}

/// A batch whose rows are encoded.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(super) advance: Advance,
    pub(super) read_at: Timestamp,
    pub(super) rejects: Vec<LineReject>,
    pub(super) marks: Vec<LineMarks>,
    pub(super) gap: Option<Gap>,
    pub(super) tally: Tally,
    pub(super) names: Vec<(Name, Arc<str>)>,
    pub(super) facts: Vec<Fact>,
    /// The residual records of the requests, in order.
    pub(super) blocks: Vec<Arc<Block>>,
    /// What the requests add to the rollups, should all of them be new.
    pub(super) changes: Changes,
}

/// The residual records of up to [`ROWS_A_BLOCK`] requests.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Each with its length before it.
    raw: Vec<u8>,
    pub(super) rows: usize,
    /// What is stored when all of them become rows that follow each other; only of full blocks.
    pub(super) packed: Option<Vec<u8>>,
}

/// One event, ready to be stored.
#[derive(Debug, Clone)]
pub(super) enum Fact {
    Request(Box<Request>, Keys),
    SessionCorrection(SessionCorrection),
    Marker(Marker),
}

/// What was worked out of one request.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) id: u64,
    pub(super) session: Option<u64>,
    pub(super) tie: Option<(Tie, u64)>,
    /// Its block in the batch.
    pub(super) block: usize,
    pub(super) encoded: Encoded,
}

/// What was encoded of one request.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    /// The how manieth record of its block it has.
    pub(super) place: usize,
    record: Range<usize>,
    /// By which an exact repetition is recognised.
    pub(super) hash: u64,
}

impl Encoded {
    /// Returns the record; `block` is where it stands.
    pub(super) fn record<'b>(&self, block: &'b Block) -> &'b [u8] {
        block.raw.get(self.record.clone()).unwrap_or_default()
    }
}

impl Block {
    /// Encodes `request` as the next of the block; `scratch` is overwritten.
    pub(super) fn push(
        &mut self,
        request: &Request,
        key: &HashKey,
        scratch: &mut Vec<u8>,
    ) -> Encoded {
        scratch.clear();
        residual::put_facts(scratch, request);
        let hash = row::hash(request, scratch, key);
        residual::put_origin(scratch, request);
        residual::put_varint(&mut self.raw, scratch.len() as u64);
        let start = self.raw.len();
        self.raw.extend_from_slice(scratch);
        self.rows += 1;
        Encoded {
            place: self.rows - 1,
            record: start..self.raw.len(),
            hash,
        }
    }
}

/// Encodes the requests of a batch, block after block.
struct Encoder {
    key: HashKey,
    blocks: Vec<Arc<Block>>,
    block: Block,
    packer: Packer,
    scratch: Vec<u8>,
}

impl Encoder {
    fn encode(&mut self, request: &mut Request) -> Keys {
        let tie = request.tie.take().map(|tie| (tie, tie_key(&self.key, tie)));
        let keys = Keys {
            id: id_key(&self.key, &request.id),
            session: request
                .session
                .map(|session| session_key(&self.key, session.0)),
            tie,
            block: self.blocks.len(),
            encoded: self.block.push(request, &self.key, &mut self.scratch),
        };
        if self.block.rows == ROWS_A_BLOCK {
            // When that fails, the writer tries again and tells why.
            self.block.packed = self.packer.pack(&self.block.raw).ok();
            self.end_block();
        }
        keys
    }

    fn end_block(&mut self) {
        if self.block.rows > 0 {
            self.blocks.push(Arc::new(std::mem::take(&mut self.block)));
        }
    }
}

impl Prepared {
    /// Encodes the rows of `batch`; `key` is the database's.
    pub fn new(batch: Batch, key: HashKey) -> Self {
        let mut encoder = Encoder {
            key,
            blocks: Vec::new(),
            block: Block::default(),
            packer: Packer::default(),
            scratch: Vec::new(),
        };
        let facts: Vec<Fact> = batch
            .events
            .into_iter()
            .map(|located| match located.event {
                Event::Request(mut request) => {
                    request.position = SourcePosition {
                        generation: Some(batch.advance.generation),
                        offset: located.offset.0,
                    };
                    let keys = encoder.encode(&mut request);
                    Fact::Request(request, keys)
                }
                Event::SessionCorrection(found) => Fact::SessionCorrection(found),
                Event::Marker(marker) => Fact::Marker(marker),
            })
            .collect();
        encoder.end_block();
        let changes = Changes::of(facts.iter().filter_map(|fact| match fact {
            Fact::Request(request, _) => Some(&**request),
            _ => None,
        }));
        Self {
            advance: batch.advance,
            read_at: batch.read_at,
            rejects: batch.rejects,
            marks: batch.marks,
            gap: batch.gap,
            tally: batch.tally,
            names: batch.names,
            facts,
            blocks: encoder.blocks,
            changes,
        }
    }

    /// Returns how many events are in it.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Tells whether no event is in it.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }
}

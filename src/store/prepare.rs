//! What of a commit can be done before the writer's turn: keys, records and hashes of the rows.
//!
//! A thread of its own prepares a batch while the writer stores the one before, so that the cores
//! share the work. Nothing here looks at the database: a request that turns out to join a known one
//! is encoded again by the commit.

use std::ops::Range;
use std::sync::Arc;

use super::StoreError;
use super::columns::Columns;
use super::packed::Packer;
use super::parts::has_parts;
use super::residual;
use super::rollups::{Changes, Count};
use super::row;
use crate::model::{
    Advance, Batch, Event, Gap, HashKey, LineMarks, LineReject, LocatedEvent, Marker, Name,
    Request, RequestId, SessionCorrection, SourcePosition, Tally, Tie, Timestamp,
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
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the large kind, and stand in one vector"
)]
#[derive(Debug, Clone)]
pub(super) enum Fact {
    Request(Fresh),
    SessionCorrection(SessionCorrection),
    Marker(Marker),
}

/// A request as a line told it, encoded.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    pub(super) columns: Columns,
    pub(super) keys: Keys,
    pub(super) encoded: Encoded,
    /// Its block in the batch.
    pub(super) block: usize,
    /// The request itself, where its columns and its record do not tell all of it, or where one is looked
    /// for that it continues.
    pub(super) whole: Option<Box<Request>>,
}

/// The keys under which a request is filed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    pub(super) id: u64,
    pub(super) session: Option<u64>,
    pub(super) tie: Option<(Tie, u64)>,
}

impl Fresh {
    /// Returns the request; `block` is where its record stands.
    pub(super) fn to_request(&self, block: &Block) -> Result<Box<Request>, StoreError> {
        if let Some(whole) = &self.whole {
            return Ok(whole.clone());
        }
        let mut request = self.columns.clone().into_request();
        residual::fill(&mut request, self.encoded.record(block))?;
        Ok(Box::new(request))
    }
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
    /// Encodes `request`, whose columns those are, as the next of the block; `scratch` is overwritten.
    pub(super) fn push(
        &mut self,
        request: &Request,
        columns: &Columns,
        key: &HashKey,
        scratch: &mut Vec<u8>,
    ) -> Encoded {
        scratch.clear();
        residual::put_facts(scratch, request);
        let facts_len = scratch.len();
        row::put_hashed(scratch, request, columns);
        let hash = row::hash(request, scratch, key);
        scratch.truncate(facts_len);
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
    fn encode(&mut self, mut request: Box<Request>) -> Fresh {
        let tie = request.tie.take().map(|tie| (tie, tie_key(&self.key, tie)));
        let columns = Columns::of(&request);
        let session = columns.session;
        let fresh = Fresh {
            keys: Keys {
                id: id_key(&self.key, &columns.id),
                session: session.map(|session| session_key(&self.key, session.0)),
                tie,
            },
            encoded: self
                .block
                .push(&request, &columns, &self.key, &mut self.scratch),
            block: self.blocks.len(),
            whole: (has_parts(&request) || tie.is_some()).then_some(request),
            columns,
        };
        if self.block.rows == ROWS_A_BLOCK {
            // When that fails, the writer tries again and tells why.
            self.block.packed = self.packer.pack(&self.block.raw).ok();
            self.end_block();
        }
        fresh
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
        let mut count = Count::default();
        let mut facts = Vec::with_capacity(batch.events.len());
        for LocatedEvent { offset, event } in batch.events {
            facts.push(match event {
                Event::Request(mut request) => {
                    request.position = SourcePosition {
                        generation: Some(batch.advance.generation),
                        offset: offset.0,
                    };
                    count.add(&request);
                    Fact::Request(encoder.encode(request))
                }
                Event::SessionCorrection(found) => Fact::SessionCorrection(found),
                Event::Marker(marker) => Fact::Marker(marker),
            });
        }
        encoder.end_block();
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
            changes: count.into_changes(),
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

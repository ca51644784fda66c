//! What of a commit can be done before the writer's turn: keys, records and hashes of the rows.
//!
//! The parse thread prepares a batch while the writer stores the one before, so that the two cores
//! share the work. Nothing here looks at the database: a request that turns out to join a known one
//! is encoded again by the commit.

use std::ops::Range;
use std::sync::Arc;

use super::{residual, row};
use crate::model::{
    Advance, Batch, Event, Gap, HashKey, LineMarks, LineReject, Marker, Name, Request, RequestId,
    SessionCorrection, SourcePosition, Tally, Tie, Timestamp,
};

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
#[derive(Debug)]
pub struct Prepared {
    pub(super) advance: Advance,
    pub(super) read_at: Timestamp,
    pub(super) rejects: Vec<LineReject>,
    pub(super) marks: Vec<LineMarks>,
    pub(super) gap: Option<Gap>,
    pub(super) tally: Tally,
    pub(super) names: Vec<(Name, Arc<str>)>,
    pub(super) facts: Vec<Fact>,
    /// The residual records of the requests, one after the other.
    pub(super) records: Arc<[u8]>,
}

/// One event, ready to be stored.
#[derive(Debug)]
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
    /// Where its record stands.
    pub(super) record: Range<usize>,
    /// By which an exact repetition is recognised.
    pub(super) hash: u64,
}

impl Prepared {
    /// Encodes the rows of `batch`; `key` is the database's.
    pub fn new(batch: Batch, key: HashKey) -> Self {
        let mut records = Vec::with_capacity(batch.events.len() * 64);
        let facts = batch
            .events
            .into_iter()
            .map(|located| match located.event {
                Event::Request(mut request) => {
                    request.position = SourcePosition {
                        generation: Some(batch.advance.generation),
                        offset: located.offset.0,
                    };
                    let keys = encode(&mut request, &mut records, key);
                    Fact::Request(request, keys)
                }
                Event::SessionCorrection(found) => Fact::SessionCorrection(found),
                Event::Marker(marker) => Fact::Marker(marker),
            })
            .collect();
        Self {
            advance: batch.advance,
            read_at: batch.read_at,
            rejects: batch.rejects,
            marks: batch.marks,
            gap: batch.gap,
            tally: batch.tally,
            names: batch.names,
            facts,
            records: records.into(),
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

fn encode(request: &mut Request, records: &mut Vec<u8>, key: HashKey) -> Keys {
    let tie = request.tie.take().map(|tie| (tie, tie_key(&key, tie)));
    let start = records.len();
    residual::put_facts(records, request);
    let hash = row::hash(request, records.get(start..).unwrap_or_default(), &key);
    residual::put_origin(records, request);
    let record = start..records.len();
    Keys {
        id: id_key(&key, &request.id),
        session: request.session.map(|session| session_key(&key, session.0)),
        tie,
        record,
        hash,
    }
}

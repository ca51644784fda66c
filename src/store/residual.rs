//! What of a request has no column, as compact bytes.
//!
//! # Bytes on disk, version 1
//!
//! A block is one version byte and a zstd frame of records, each a varint length and its bytes, one
//! for every row from the first to the last. A patch is one record under the same version byte,
//! not compressed. A record is a varint of bits, the format's number as a varint and, for each bit
//! set, in this order:
//!
//! | bit | what |
//! | --- | --- |
//! | 0 | the n, start + 1 (zigzag; 0: none), key (8 bytes), tier, provider of an attempt in the row |
//! | 1 | signals: two bits for each of the six (absent, null, value), the values, then the others |
//! | 2 | candidates: count; each model, flag and score, why rejected |
//! | 3 | propensity |
//! | 4 | attributes: count; each name, value |
//! | 5 | recorded: length, text |
//! | 6 | a stamped latency stands in the row; the latency of an attempt there: 0 unknown, 1 the same, else it + 2 |
//! | 7 | the model decided for |
//!
//! and after them where the request's first line stands: generation + 1 (0: none) and offset, varints.
//!
//! Names are varint ids, 0 is none. A number is a varint: its lowest three bits are decimal places, the others
//! its digits; 7 stands before eight bytes. A reader of version 1 refuses other versions.

use super::StoreError;
use super::in_row::attempt_in_row;
use super::packed;
use crate::model::{
    Candidate, GenerationId, Logged, Micros, Name, Request, SignalValue, SourcePosition, Timestamp,
};

const VERSION: u8 = 1;

/// Selects the blocks that hold rows from ?1 to ?2, in order. They do not overlap, so that the walk may start at the last
/// one that begins at or before ?1: a mere `last_row >= ?1` would read all blocks before it.
pub(super) const SELECT_BLOCKS: &str = "SELECT first_row,body FROM residual \
    WHERE first_row>=coalesce((SELECT max(first_row) FROM residual WHERE first_row<=?1),?1) \
    AND first_row<=?2 AND last_row>=?1 ORDER BY first_row";

pub(super) fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

pub(super) fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_name(bytes: &mut Vec<u8>, name: Option<Name>) {
    put_varint(bytes, name.map_or(0, |name| u64::from(name.id())));
}

#[expect(
    clippy::option_option,
    reason = "outside: damaged bytes, inside: no name"
)]
fn take_name(rest: &mut &[u8]) -> Option<Option<Name>> {
    let id = u32::try_from(take_varint(rest)?).ok()?;
    Some(Name::try_from_id(id))
}

/// The powers of ten by which numbers are tried as whole ones.
const TENS: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];
/// Stands in the place of the decimal places for a number in its eight bytes.
const IN_FULL: u64 = 7;

/// Appends a number: most signals are few digits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what does not survive the cast is kept in full"
)]
fn put_number(bytes: &mut Vec<u8>, value: f64) {
    for (places, ten) in (0..).zip(TENS) {
        let digits = (value * ten) as u32;
        if (f64::from(digits) / ten).to_bits() == value.to_bits() {
            return put_varint(bytes, u64::from(digits) << 3 | places);
        }
    }
    put_varint(bytes, IN_FULL);
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn take_number(rest: &mut &[u8]) -> Option<f64> {
    let head = take_varint(rest)?;
    if head == IN_FULL {
        return Some(f64::from_le_bytes(take_8(rest)?));
    }
    let digits = u32::try_from(head >> 3).ok()?;
    let ten = TENS.get(usize::try_from(head & 7).ok()?)?;
    Some(f64::from(digits) / ten)
}

fn take_8(rest: &mut &[u8]) -> Option<[u8; 8]> {
    let (head, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(*head)
}

/// Appends the record of `request`: its facts and their origin.
pub(super) fn put_record(bytes: &mut Vec<u8>, request: &Request) {
    put_facts(bytes, request);
    put_origin(bytes, request);
}

/// Appends where the first line of `request` stands.
pub(super) fn put_origin(bytes: &mut Vec<u8>, request: &Request) {
    let generation = request.position.generation;
    put_varint(bytes, generation.map_or(0, |id| u64::from(id.0) + 1));
    put_varint(bytes, request.position.offset);
}

/// Appends what of `request` has no column, but for its origin.
pub(super) fn put_facts(bytes: &mut Vec<u8>, request: &Request) {
    let in_row = attempt_in_row(request);
    let only = in_row.filter(|a| {
        a.n != 0 || a.start.is_some() || a.key != 0 || a.tier.is_some() || a.provider.is_some()
    });
    let bits = u64::from(only.is_some())
        | u64::from(!request.signals.is_empty()) << 1
        | u64::from(!request.candidates.is_empty()) << 2
        | u64::from(request.propensity.is_some()) << 3
        | u64::from(!request.attrs.is_empty()) << 4
        | u64::from(request.recorded.is_some()) << 5
        | u64::from(request.stamped_latency.is_some()) << 6
        | u64::from(request.model.is_some()) << 7;
    put_varint(bytes, bits);
    put_varint(bytes, u64::from(request.format));
    if let Some(only) = only {
        put_varint(bytes, u64::from(only.n));
        let zigzag = |ts: Timestamp| ((ts.0 << 1) ^ (ts.0 >> 63)).cast_unsigned();
        put_varint(bytes, only.start.map_or(0, |ts| zigzag(ts).wrapping_add(1)));
        bytes.extend_from_slice(&only.key.to_le_bytes());
        put_name(bytes, only.tier);
        put_name(bytes, only.provider);
    }
    if bits & 2 != 0 {
        put_signals(bytes, request);
    }
    if bits & 4 != 0 {
        put_varint(bytes, request.candidates.len() as u64);
        for candidate in &request.candidates {
            put_name(bytes, Some(candidate.model));
            bytes.push(u8::from(candidate.score.is_some()));
            if let Some(score) = candidate.score {
                put_number(bytes, score);
            }
            put_name(bytes, candidate.rejected_because);
        }
    }
    if let Some(propensity) = request.propensity {
        put_number(bytes, propensity);
    }
    if bits & 16 != 0 {
        put_varint(bytes, request.attrs.len() as u64);
        for (name, value) in &request.attrs {
            put_name(bytes, Some(*name));
            put_name(bytes, Some(*value));
        }
    }
    if let Some(recorded) = &request.recorded {
        put_varint(bytes, recorded.len() as u64);
        bytes.extend_from_slice(recorded.as_bytes());
    }
    if request.stamped_latency.is_some() {
        let own = in_row.and_then(|attempt| attempt.latency);
        let is_same = own == request.stamped_latency;
        put_varint(
            bytes,
            own.map_or(0, |own| if is_same { 1 } else { own.0.saturating_add(2) }),
        );
    }
    if request.model.is_some() {
        put_name(bytes, request.model);
    }
}

fn logged_bits<T: Copy>(logged: Logged<T>) -> u64 {
    match logged {
        Logged::Absent => 0,
        Logged::Null => 1,
        Logged::Value(_) => 2,
    }
}

fn put_signals(bytes: &mut Vec<u8>, request: &Request) {
    let signals = &request.signals;
    let bits = logged_bits(signals.retrieval_confidence)
        | logged_bits(signals.input_complexity) << 2
        | logged_bits(signals.tools_required) << 4
        | logged_bits(signals.format_strictness) << 6
        | logged_bits(signals.user_tier) << 8
        | logged_bits(signals.session_fallbacks) << 10;
    put_varint(bytes, bits);
    for number in [signals.retrieval_confidence, signals.input_complexity] {
        if let Logged::Value(value) = number {
            put_number(bytes, value);
        }
    }
    if let Logged::Value(value) = signals.tools_required {
        bytes.push(u8::from(value));
    }
    for name in [signals.format_strictness, signals.user_tier] {
        if let Logged::Value(value) = name {
            put_name(bytes, Some(value));
        }
    }
    if let Logged::Value(value) = signals.session_fallbacks {
        put_varint(bytes, u64::from(value));
    }
    put_varint(bytes, signals.others.len() as u64);
    for (name, value) in &signals.others {
        put_name(bytes, Some(*name));
        match value {
            SignalValue::Null => bytes.push(0),
            SignalValue::Bool(value) => bytes.push(1 + u8::from(*value)),
            SignalValue::Number(value) => {
                bytes.push(3);
                put_number(bytes, *value);
            }
            SignalValue::Text(value) => {
                bytes.push(4);
                put_name(bytes, Some(*value));
            }
        }
    }
}

/// Fills `request`, made of its columns, with what its record holds.
pub(super) fn fill(request: &mut Request, record: &[u8]) -> Result<(), StoreError> {
    let mut rest = record;
    fill_from(request, &mut rest)
        .filter(|()| rest.is_empty())
        .ok_or_else(|| StoreError::damaged("a residual record"))
}

fn fill_from(request: &mut Request, rest: &mut &[u8]) -> Option<()> {
    let bits = take_varint(rest)?;
    request.format = u8::try_from(take_varint(rest)?).ok()?;
    if bits & 1 != 0 {
        let n = u16::try_from(take_varint(rest)?).ok()?;
        let start = take_varint(rest)?.checked_sub(1);
        let key = u64::from_le_bytes(take_8(rest)?);
        let (tier, provider) = (take_name(rest)?, take_name(rest)?);
        if let [only] = request.attempts.as_mut_slice() {
            (only.n, only.key, only.tier, only.provider) = (n, key, tier, provider);
            only.start = start.map(|zigzag| {
                Timestamp((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
            });
        }
    }
    if bits & 2 != 0 {
        fill_signals(request, rest)?;
    }
    if bits & 4 != 0 {
        for _ in 0..take_varint(rest)? {
            let model = take_name(rest)??;
            let (has_score, after) = rest.split_first()?;
            *rest = after;
            let score = if *has_score == 0 {
                None
            } else {
                Some(take_number(rest)?)
            };
            request.candidates.push(Candidate {
                model,
                score,
                rejected_because: take_name(rest)?,
            });
        }
    }
    if bits & 8 != 0 {
        request.propensity = Some(take_number(rest)?);
    }
    if bits & 16 != 0 {
        for _ in 0..take_varint(rest)? {
            request.attrs.push((take_name(rest)??, take_name(rest)??));
        }
    }
    if bits & 32 != 0 {
        let len = usize::try_from(take_varint(rest)?).ok()?;
        let (text, after) = rest.split_at_checked(len)?;
        *rest = after;
        request.recorded = Some(std::str::from_utf8(text).ok()?.into());
    }
    fill_latency(request, bits & 64 != 0, rest)?;
    request.model = if bits & 128 == 0 {
        None
    } else {
        take_name(rest)?
    };
    let generation = take_varint(rest)?.checked_sub(1);
    request.position = SourcePosition {
        generation: generation
            .and_then(|id| u32::try_from(id).ok())
            .map(GenerationId),
        offset: take_varint(rest)?,
    };
    Some(())
}

/// Tells the latency of the attempt from the one that was stamped; see `row::read` for what stood there.
fn fill_latency(request: &mut Request, is_stamped: bool, rest: &mut &[u8]) -> Option<()> {
    let is_in_row = attempt_in_row(request).is_some();
    if !is_stamped {
        if !is_in_row {
            request.stamped_latency = None;
        }
        return Some(());
    }
    let own = take_varint(rest)?;
    if let [only] = request.attempts.as_mut_slice()
        && is_in_row
    {
        request.stamped_latency = only.latency;
        only.latency = match own {
            0 => None,
            1 => only.latency,
            own => Some(Micros(own - 2)),
        };
    }
    Some(())
}

fn take_logged<T>(
    bits: u64,
    rest: &mut &[u8],
    value: impl FnOnce(&mut &[u8]) -> Option<T>,
) -> Option<Logged<T>> {
    Some(match bits & 3 {
        0 => Logged::Absent,
        1 => Logged::Null,
        _ => Logged::Value(value(rest)?),
    })
}

fn fill_signals(request: &mut Request, rest: &mut &[u8]) -> Option<()> {
    let byte = |rest: &mut &[u8]| {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        Some(*byte)
    };
    let signals = &mut request.signals;
    let bits = take_varint(rest)?;
    signals.retrieval_confidence = take_logged(bits, rest, take_number)?;
    signals.input_complexity = take_logged(bits >> 2, rest, take_number)?;
    signals.tools_required = take_logged(bits >> 4, rest, |rest| Some(byte(rest)? != 0))?;
    signals.format_strictness = take_logged(bits >> 6, rest, |rest| take_name(rest)?)?;
    signals.user_tier = take_logged(bits >> 8, rest, |rest| take_name(rest)?)?;
    signals.session_fallbacks = take_logged(bits >> 10, rest, |rest| {
        u32::try_from(take_varint(rest)?).ok()
    })?;
    for _ in 0..take_varint(rest)? {
        let name = take_name(rest)??;
        let value = match byte(rest)? {
            0 => SignalValue::Null,
            1 => SignalValue::Bool(false),
            2 => SignalValue::Bool(true),
            3 => SignalValue::Number(take_number(rest)?),
            _ => SignalValue::Text(take_name(rest)??),
        };
        signals.others.push((name, value));
    }
    Some(())
}

/// Unpacks a block into the records of its rows.
pub(super) fn unpack(body: &[u8]) -> Result<Vec<Box<[u8]>>, StoreError> {
    let raw = unpack_raw(body)?;
    records(&raw).map(|record| record.map(Box::from)).collect()
}

/// Unpacks a block into the bytes that [`records`] takes apart.
pub(super) fn unpack_raw(body: &[u8]) -> Result<Vec<u8>, StoreError> {
    packed::unpack(body, "a residual block")
}

/// Takes the bytes of a block apart into the records of its rows; nothing comes after an error.
pub(super) fn records(raw: &[u8]) -> impl Iterator<Item = Result<&[u8], StoreError>> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = take_varint(&mut rest)
            .and_then(|len| usize::try_from(len).ok())
            .and_then(|len| rest.split_at_checked(len));
        rest = record.map_or(&[], |(_, after)| after);
        Some(record.map(|(record, _)| record).ok_or_else(damaged_block))
    })
}

fn damaged_block() -> StoreError {
    StoreError::damaged("a residual block")
}

/// Packs the record of one row that changed after its block was written.
pub(super) fn patch(request: &Request) -> Vec<u8> {
    let mut body = vec![VERSION];
    put_record(&mut body, request);
    body
}

/// Returns the record inside a patch.
pub(super) fn unpatch(body: &[u8]) -> Result<&[u8], StoreError> {
    match body.split_first() {
        Some((&VERSION, record)) => Ok(record),
        _ => Err(StoreError::damaged("a residual patch")),
    }
}

//! The bytes of one minute's counts.
//!
//! # Bytes on disk, version 1
//!
//! Three blobs, so that a question reads no more than it needs, each packed ([`crate::store::packed`]). All numbers
//! are varints unless told otherwise.
//!
//! | blob | what |
//! | --- | --- |
//! | counts | number of entries; number of states, and each; then by columns, for each entry: the tuple's number less that of the entry before, the state's place among the states, how many requests |
//! | costs | by columns, for each entry of known cost: a byte of exponent, and the cost in nano-dollars over two to the power of that |
//! | loads | for each entry of known latency: how many loads; then by columns, for each load: a byte of length, a byte of latency, how many requests |
//!
//! Entries stand in the order of tuple and state, loads in that of entry and load. A reader of version 1
//! refuses other versions.

use super::minute::{Count, LoadCount, MinuteCounts};
use crate::stats::{Load, State};
use crate::store::StoreError;
use crate::store::packed::{Packer, unpack};
use crate::store::residual::{put_varint, take_varint};

const WHAT: &str = "the slices of a minute";

/// The three blobs of one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct MinuteBytes {
    pub(in crate::store) counts: Vec<u8>,
    pub(in crate::store) costs: Vec<u8>,
    pub(in crate::store) loads: Vec<u8>,
}

fn damaged() -> StoreError {
    StoreError::damaged(WHAT)
}

fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put_varint(bytes, value.max(0).cast_unsigned());
}

impl MinuteBytes {
    /// Writes the counts of a minute.
    pub(super) fn of(minute: &MinuteCounts, packer: &mut Packer) -> Result<Self, StoreError> {
        Ok(Self {
            counts: packer.pack(&counts_to_bytes(&minute.counts))?,
            costs: packer.pack(&costs_to_bytes(&minute.counts))?,
            loads: packer.pack(&loads_to_bytes(minute))?,
        })
    }

    /// Reads them.
    pub(super) fn to_minute(&self) -> Result<MinuteCounts, StoreError> {
        let mut minute = MinuteCounts::default();
        read_counts(&self.counts, &mut minute.counts)?;
        read_costs(&self.costs, &mut minute.counts)?;
        let loads = &mut minute.loads;
        read_loads(&self.loads, &minute.counts, |count| loads.push(count))?;
        Ok(minute)
    }
}

fn counts_to_bytes(counts: &[Count]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + 4 * counts.len());
    put_varint(&mut bytes, counts.len() as u64);
    let mut states: Vec<State> = Vec::new();
    let places: Vec<usize> = counts
        .iter()
        .map(|count| {
            let known = states.iter().position(|state| *state == count.state);
            known.unwrap_or_else(|| {
                states.push(count.state);
                states.len() - 1
            })
        })
        .collect();
    put_varint(&mut bytes, states.len() as u64);
    for state in &states {
        put_varint(&mut bytes, u64::from(state.0));
    }
    let mut previous = 0;
    for count in counts {
        put_varint(&mut bytes, u64::from(count.tuple - previous));
        previous = count.tuple;
    }
    for place in places {
        put_varint(&mut bytes, place as u64);
    }
    for count in counts {
        put_signed(&mut bytes, count.requests);
    }
    bytes
}

/// The costs as they are written: those of entries of known cost.
fn known_costs(counts: &[Count]) -> impl Iterator<Item = u64> {
    counts
        .iter()
        .filter(|count| count.state.has(State::COST_KNOWN))
        .map(|count| count.cost_nano.max(0).cast_unsigned())
}

fn costs_to_bytes(counts: &[Count]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(3 * counts.len());
    // The cost of one request has seven bits after that.
    let exponent = |cost: u64| {
        let top = cost.checked_ilog2().unwrap_or(0);
        top.saturating_sub(6).min(cost.trailing_zeros())
    };
    bytes.extend(known_costs(counts).map(|cost| u8::try_from(exponent(cost)).unwrap_or(0)));
    for cost in known_costs(counts) {
        put_varint(&mut bytes, cost >> exponent(cost));
    }
    bytes
}

fn loads_to_bytes(minute: &MinuteCounts) -> Vec<u8> {
    let loads = &minute.loads;
    let mut bytes = Vec::with_capacity(4 * loads.len());
    let mut rest = loads.as_slice();
    for count in &minute.counts {
        if count.state.has(State::LATENCY_KNOWN) {
            let is_of = |load: &&LoadCount| (load.tuple, load.state) == (count.tuple, count.state);
            let len = rest.iter().take_while(is_of).count();
            put_varint(&mut bytes, len as u64);
            rest = rest.get(len..).unwrap_or_default();
        }
    }
    debug_assert!(
        rest.is_empty(),
        "every load is of an entry of known latency"
    );
    bytes.extend(loads.iter().map(|count| count.load.length));
    bytes.extend(loads.iter().map(|count| count.load.latency));
    for count in loads {
        put_signed(&mut bytes, count.requests);
    }
    bytes
}

fn take(rest: &mut &[u8]) -> Result<u64, StoreError> {
    // By far most numbers are a byte.
    match rest.split_first() {
        Some((byte, after)) if *byte < 0x80 => {
            *rest = after;
            Ok(u64::from(*byte))
        }
        _ => take_varint(rest).ok_or_else(damaged),
    }
}

fn take_count(rest: &mut &[u8]) -> Result<i64, StoreError> {
    i64::try_from(take(rest)?).map_err(|_| damaged())
}

/// Reads the entries, without their costs, in the place of what `counts` held.
pub(in crate::store) fn read_counts(
    blob: &[u8],
    counts: &mut Vec<Count>,
) -> Result<(), StoreError> {
    counts.clear();
    let raw = unpack(blob, WHAT)?;
    let mut rest = raw.as_slice();
    let len = usize::try_from(take(&mut rest)?).map_err(|_| damaged())?;
    let states_len = usize::try_from(take(&mut rest)?).map_err(|_| damaged())?;
    if len > raw.len() || states_len > raw.len() {
        return Err(damaged());
    }
    let mut states = Vec::with_capacity(states_len);
    for _ in 0..states_len {
        let state = u16::try_from(take(&mut rest)?).map_err(|_| damaged())?;
        states.push(State(state));
    }
    counts.reserve(len);
    let mut tuple = 0_u32;
    for _ in 0..len {
        let gap = u32::try_from(take(&mut rest)?).map_err(|_| damaged())?;
        tuple = tuple.checked_add(gap).ok_or_else(damaged)?;
        counts.push(Count {
            tuple,
            state: State::default(),
            requests: 0,
            cost_nano: 0,
        });
    }
    for count in counts.iter_mut() {
        let place = usize::try_from(take(&mut rest)?).map_err(|_| damaged())?;
        count.state = *states.get(place).ok_or_else(damaged)?;
    }
    for count in counts.iter_mut() {
        count.requests = take_count(&mut rest)?;
    }
    rest.is_empty().then_some(()).ok_or_else(damaged)
}

/// Reads the costs of `counts`.
pub(in crate::store) fn read_costs(blob: &[u8], counts: &mut [Count]) -> Result<(), StoreError> {
    let raw = unpack(blob, WHAT)?;
    let is_known = |count: &&mut Count| count.state.has(State::COST_KNOWN);
    let known_len = counts.iter_mut().filter(is_known).count();
    let (exponents, mut rest) = raw.split_at_checked(known_len).ok_or_else(damaged)?;
    for (count, exponent) in counts.iter_mut().filter(is_known).zip(exponents) {
        let digits = take_count(&mut rest)?;
        count.cost_nano = digits.checked_shl((*exponent).into()).ok_or_else(damaged)?;
    }
    rest.is_empty().then_some(()).ok_or_else(damaged)
}

/// Reads the loads of `counts`.
pub(in crate::store) fn read_loads(
    blob: &[u8],
    counts: &[Count],
    mut visit: impl FnMut(LoadCount),
) -> Result<(), StoreError> {
    let raw = unpack(blob, WHAT)?;
    let mut rest = raw.as_slice();
    let with_loads = || {
        let is_known = |count: &&Count| count.state.has(State::LATENCY_KNOWN);
        counts.iter().filter(is_known)
    };
    let mut lens = Vec::with_capacity(counts.len());
    let mut total = 0_usize;
    for _ in with_loads() {
        let len = usize::try_from(take(&mut rest)?).map_err(|_| damaged())?;
        total = total.saturating_add(len);
        lens.push(len);
    }
    let (lengths, after) = rest.split_at_checked(total).ok_or_else(damaged)?;
    let (latencies, mut rest) = after.split_at_checked(total).ok_or_else(damaged)?;
    let mut loads = lengths.iter().zip(latencies);
    for (count, len) in with_loads().zip(lens) {
        for (length, latency) in loads.by_ref().take(len) {
            visit(LoadCount {
                tuple: count.tuple,
                state: count.state,
                load: Load {
                    length: *length,
                    latency: *latency,
                },
                requests: take_count(&mut rest)?,
            });
        }
    }
    rest.is_empty().then_some(()).ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minutes() -> impl Strategy<Value = MinuteCounts> {
        let load = (0_u8..30, any::<u8>(), 1_i64..300);
        let entry = (
            0_u32..9_000,
            0_u16..64,
            1_i64..400,
            prop_oneof![
                Just(0),
                0_i64..9_000_000_000_000,
                (0_i64..90).prop_map(|c| c * 1_000)
            ],
            prop::collection::vec(load, 1..4),
        );
        prop::collection::vec(entry, 0..40).prop_map(|entries| {
            let mut minute = MinuteCounts::default();
            for (tuple, bits, requests, cost_nano, loads) in entries {
                // The bits that decide what is written, and four others.
                let known = |bit: u16, of: State| if bits >> bit & 1 == 1 { of } else { State(0) };
                let state =
                    State(bits & 15) | known(4, State::COST_KNOWN) | known(5, State::LATENCY_KNOWN);
                let cost_nano = if state.has(State::COST_KNOWN) {
                    cost_nano
                } else {
                    0
                };
                let count = Count {
                    tuple,
                    state,
                    requests,
                    cost_nano,
                };
                let loads = loads
                    .into_iter()
                    .filter(|_| state.has(State::LATENCY_KNOWN))
                    .map(|(length, latency, requests)| LoadCount {
                        tuple,
                        state,
                        load: Load { length, latency },
                        requests,
                    });
                minute.apply(&[count], loads);
            }
            minute
        })
    }

    proptest! {
        #[test]
        fn bytes_lead_back(minute in minutes()) {
            let bytes = MinuteBytes::of(&minute, &mut Packer::default()).unwrap();
            prop_assert_eq!(bytes.to_minute().unwrap(), minute);
        }

        #[test]
        fn what_is_added_can_be_taken_away(a in minutes(), b in minutes()) {
            let mut sum = a.clone();
            sum.apply(&b.counts, b.loads.iter().copied());
            let gone: Vec<Count> = b.counts.iter().map(|count| Count {
                requests: -count.requests,
                cost_nano: -count.cost_nano,
                ..*count
            }).collect();
            sum.apply(&gone, b.loads.iter().map(|count| LoadCount { requests: -count.requests, ..*count }));
            prop_assert_eq!(sum, a);
        }

        #[test]
        fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..80), is_packed in any::<bool>()) {
            let blob = if is_packed { Packer::default().pack(&raw).unwrap() } else { raw };
            let bytes = MinuteBytes { counts: blob.clone(), costs: blob.clone(), loads: blob };
            let _ = bytes.to_minute();
        }
    }
}

//! The rollup cell: everything that is counted of one route over one span of time.
//!
//! A cell is a sum over requests, so cells merge by addition in any order, and a request can be taken
//! out again with [`Cell::remove`] before a changed version of it is put in: that is how late facts
//! correct the minute they belong to, and why a rebuilt rollup equals the live one.
//!
//! # Detail bytes on disk, version 1
//!
//! Counts and sums are columns of the rollup tables; what has no column is in the detail blob.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version, 1 |
//! | varint | number of reasons; each: name id + 1 (0: no reason logged), count |
//! | varint | number of paths; each: from id, to id, count |
//! | varint | number of models; each: name id, requests, attempts, attempts of known cost, nano-dollars |
//! | 16 | sum of squared costs in micro-dollars², little endian |
//! | rest | how long after the answers the corrections came, as a histogram |
//!
//! Readers of version 1 refuse other versions; the store then asks for a rebuild.

use std::collections::BTreeMap;

use super::Histogram;
use super::histogram::{DecodeError, put_varint, take_varint};
use super::state::{Figures, State};
use crate::model::{AttemptOutcome, Name, Request};

const VERSION: u8 = 1;

/// The route under which requests stand of which only later facts are known.
pub const UNKNOWN_ROUTE: &str = "(unknown)";

/// How much one model was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelUse {
    /// Requests whose first attempt ran on it.
    pub requests: u64,
    /// Calls to it.
    pub attempts: u64,
    /// Calls whose cost is known.
    pub cost_known: u64,
    /// What those calls cost, in nano-dollars.
    pub cost_nano: i64,
}

/// Counts, sums and histograms of a set of requests. All counts are of requests unless named otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// All requests.
    pub requests: u64,
    /// Answered.
    pub completed: u64,
    /// Not answered.
    pub failed: u64,
    /// Given up by the caller.
    pub cancelled: u64,
    /// Without a known outcome; the clock of the query tells open from lost.
    pub unfinished: u64,
    /// Calls to a model.
    pub attempts: u64,
    /// With at least one attempt.
    pub attempted: u64,
    /// Completed, by exactly one call, not corrected.
    pub first_pass: u64,
    /// Completed on one tier, retries for want of availability forgiven, not corrected.
    pub first_pass_lenient: u64,
    /// With at least one escalation.
    pub escalated: u64,
    /// With at least one unavailable model.
    pub fallback: u64,
    /// Completed, from sources that carry corrections.
    pub correctable: u64,
    /// Of those, corrected within the window.
    pub corrected: u64,
    /// Completed or failed, from sources that carry no corrections: their first pass is an upper bound.
    pub uncorrectable: u64,
    /// With wholly known cost.
    pub cost_known: u64,
    /// Of those, completed.
    pub cost_known_completed: u64,
    /// Of the ones with wholly known cost, those where a price table told some of it.
    pub cost_estimated: u64,
    /// What the requests of known cost cost, in nano-dollars.
    pub cost_nano: i64,
    /// What the completed ones of those cost, in nano-dollars.
    pub cost_completed_nano: i64,
    /// The sum of squared costs in micro-dollars²: what the interval of a cost needs.
    pub cost_squares: u128,
    /// Latency of completed requests.
    pub latency: Histogram,
    /// Time to the first token of completed requests.
    pub ttft: Histogram,
    /// How long after their answers the corrected requests were corrected, where known.
    pub correction_delays: Histogram,
    /// Escalated requests by the reason of their first escalation.
    pub reasons: BTreeMap<Option<Name>, u64>,
    /// Escalated requests by the models before and after each escalation.
    pub paths: BTreeMap<(Name, Name), u64>,
    /// Use by model.
    pub models: BTreeMap<Name, ModelUse>,
}

impl Cell {
    /// Counts `request`.
    pub fn add(&mut self, request: &Request) {
        self.add_with(request, Figures::of(request));
    }

    /// Counts `request`, of which `figures` were read.
    pub fn add_with(&mut self, request: &Request, figures: Figures) {
        self.count(request, figures, true);
    }

    /// Takes `request`, counted before with exactly these facts, out again.
    pub fn remove(&mut self, request: &Request) {
        self.count(request, Figures::of(request), false);
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (into, from) in self.counters().into_iter().zip(other.clone().counters()) {
            *into += *from;
        }
        self.cost_nano = self.cost_nano.saturating_add(other.cost_nano);
        self.cost_completed_nano = self
            .cost_completed_nano
            .saturating_add(other.cost_completed_nano);
        self.cost_squares = self.cost_squares.saturating_add(other.cost_squares);
        self.latency.merge(&other.latency);
        self.ttft.merge(&other.ttft);
        self.correction_delays.merge(&other.correction_delays);
        for (reason, count) in &other.reasons {
            *self.reasons.entry(*reason).or_default() += count;
        }
        for (path, count) in &other.paths {
            *self.paths.entry(*path).or_default() += count;
        }
        for (model, used) in &other.models {
            let into = self.models.entry(*model).or_default();
            into.requests += used.requests;
            into.attempts += used.attempts;
            into.cost_known += used.cost_known;
            into.cost_nano = into.cost_nano.saturating_add(used.cost_nano);
        }
    }

    /// Returns the same counts under other names, which `rename` gives.
    #[must_use]
    pub fn renamed(mut self, mut rename: impl FnMut(Name) -> Name) -> Self {
        for (reason, count) in std::mem::take(&mut self.reasons) {
            *self.reasons.entry(reason.map(&mut rename)).or_default() += count;
        }
        for ((from, to), count) in std::mem::take(&mut self.paths) {
            let path = (rename(from), rename(to));
            *self.paths.entry(path).or_default() += count;
        }
        for (model, used) in std::mem::take(&mut self.models) {
            self.models.insert(rename(model), used);
        }
        self
    }

    /// Tells whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.requests == 0
    }

    /// Returns the bytes of the table above.
    pub fn detail_to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(VERSION);
        put_varint(&mut bytes, self.reasons.len() as u64);
        for (reason, count) in &self.reasons {
            put_varint(
                &mut bytes,
                reason.map_or(0, |name| u64::from(name.id()) + 1),
            );
            put_varint(&mut bytes, *count);
        }
        put_varint(&mut bytes, self.paths.len() as u64);
        for ((from, to), count) in &self.paths {
            put_varint(&mut bytes, u64::from(from.id()));
            put_varint(&mut bytes, u64::from(to.id()));
            put_varint(&mut bytes, *count);
        }
        put_varint(&mut bytes, self.models.len() as u64);
        for (model, used) in &self.models {
            put_varint(&mut bytes, u64::from(model.id()));
            put_varint(&mut bytes, used.requests);
            put_varint(&mut bytes, used.attempts);
            put_varint(&mut bytes, used.cost_known);
            put_varint(&mut bytes, u64::try_from(used.cost_nano).unwrap_or(0));
        }
        bytes.extend_from_slice(&self.cost_squares.to_le_bytes());
        bytes.extend_from_slice(&self.correction_delays.to_bytes());
        bytes
    }

    /// Adds what [`Cell::detail_to_bytes`] gave; empty bytes add nothing.
    ///
    /// # Errors
    ///
    /// When the version is unknown or the bytes are damaged; the cell is then half filled and must
    /// not be used.
    pub fn merge_detail(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut rest = match bytes.split_first() {
            None => return Ok(()),
            Some((&VERSION, rest)) => rest,
            Some((version, _)) => return Err(DecodeError::Version(*version)),
        };
        self.merge_maps(&mut rest)
            .ok_or(DecodeError::Damaged(bytes.len() - rest.len()))?;
        let (squares, delays) = rest
            .split_first_chunk::<16>()
            .ok_or(DecodeError::Damaged(bytes.len() - rest.len()))?;
        self.cost_squares = self
            .cost_squares
            .saturating_add(u128::from_le_bytes(*squares));
        self.correction_delays.merge_bytes(delays)
    }

    fn merge_maps(&mut self, rest: &mut &[u8]) -> Option<()> {
        for _ in 0..take_varint(rest)? {
            let reason = u32::try_from(take_varint(rest)?).ok()?;
            let reason = reason.checked_sub(1).and_then(Name::try_from_id);
            *self.reasons.entry(reason).or_default() += take_varint(rest)?;
        }
        for _ in 0..take_varint(rest)? {
            let path = (take_name(rest)?, take_name(rest)?);
            *self.paths.entry(path).or_default() += take_varint(rest)?;
        }
        for _ in 0..take_varint(rest)? {
            let used = self.models.entry(take_name(rest)?).or_default();
            used.requests += take_varint(rest)?;
            used.attempts += take_varint(rest)?;
            used.cost_known += take_varint(rest)?;
            let cost = i64::try_from(take_varint(rest)?).ok()?;
            used.cost_nano = used.cost_nano.saturating_add(cost);
        }
        Some(())
    }

    /// The plain counts, in the order in which they are added up.
    fn counters(&mut self) -> [&mut u64; 17] {
        [
            &mut self.requests,
            &mut self.completed,
            &mut self.failed,
            &mut self.cancelled,
            &mut self.unfinished,
            &mut self.attempts,
            &mut self.attempted,
            &mut self.first_pass,
            &mut self.first_pass_lenient,
            &mut self.escalated,
            &mut self.fallback,
            &mut self.correctable,
            &mut self.corrected,
            &mut self.uncorrectable,
            &mut self.cost_known,
            &mut self.cost_known_completed,
            &mut self.cost_estimated,
        ]
    }

    fn count(&mut self, request: &Request, figures: Figures, is_added: bool) {
        let state = figures.state;
        let step = |into: &mut u64, by: u64| {
            *into = if is_added {
                into.saturating_add(by)
            } else {
                into.saturating_sub(by)
            };
        };
        step(&mut self.requests, 1);
        step(&mut self.attempts, request.calls() as u64);
        step(&mut self.unfinished, u64::from(state.is_unfinished()));
        for (counter, fact) in [
            (&mut self.completed, State::COMPLETED),
            (&mut self.failed, State::FAILED),
            (&mut self.cancelled, State::CANCELLED),
            (&mut self.attempted, State::ATTEMPTED),
            (&mut self.first_pass, State::FIRST_PASS),
            (&mut self.first_pass_lenient, State::FIRST_PASS_LENIENT),
            (&mut self.escalated, State::ESCALATED),
            (&mut self.fallback, State::FALLBACK),
            (&mut self.correctable, State::CORRECTABLE),
            (&mut self.corrected, State::CORRECTED),
            (&mut self.uncorrectable, State::UNCORRECTABLE),
            (&mut self.cost_known, State::COST_KNOWN),
            (
                &mut self.cost_known_completed,
                State::COST_KNOWN | State::COMPLETED,
            ),
            (&mut self.cost_estimated, State::COST_ESTIMATED),
        ] {
            step(counter, u64::from(state.has(fact)));
        }
        self.count_cost(figures, is_added);
        if state.has(State::COMPLETED) {
            let is_corrected = state.has(State::CORRECTED);
            let delay = is_corrected.then(|| request.corrected_after()).flatten();
            for (histogram, value) in [
                (&mut self.latency, figures.latency),
                (&mut self.ttft, request.ttft()),
                (&mut self.correction_delays, delay),
            ] {
                match value {
                    Some(value) if is_added => histogram.record(value),
                    Some(value) => histogram.forget(value),
                    None => {}
                }
            }
        }
        self.count_chain(request, is_added);
    }

    fn count_cost(&mut self, figures: Figures, is_added: bool) {
        let Some(cost) = figures.cost else { return };
        let micro = u128::try_from(cost.0 / 1_000).unwrap_or(0);
        let is_completed = figures.state.has(State::COMPLETED);
        let of_completed = if is_completed { cost.0 } else { 0 };
        if is_added {
            self.cost_nano = self.cost_nano.saturating_add(cost.0);
            self.cost_completed_nano = self.cost_completed_nano.saturating_add(of_completed);
            self.cost_squares = self.cost_squares.saturating_add(micro * micro);
        } else {
            self.cost_nano = self.cost_nano.saturating_sub(cost.0);
            self.cost_completed_nano = self.cost_completed_nano.saturating_sub(of_completed);
            self.cost_squares = self.cost_squares.saturating_sub(micro * micro);
        }
    }

    fn count_chain(&mut self, request: &Request, is_added: bool) {
        if request.is_escalated() && !request.attempts.is_empty() {
            let first = request
                .attempts
                .iter()
                .find(|attempt| attempt.outcome == AttemptOutcome::Escalated);
            let reason = first.map_or(request.reason, |attempt| attempt.reason);
            bump(&mut self.reasons, reason, is_added);
        }
        for pair in request.attempts.windows(2) {
            if let [from, to] = pair
                && from.outcome == AttemptOutcome::Escalated
            {
                bump(&mut self.paths, (from.model, to.model), is_added);
            }
        }
        for (idx, attempt) in request.attempts.iter().enumerate() {
            let used = self.models.entry(attempt.model).or_default();
            let is_call = attempt.outcome.is_call();
            let cost = attempt.cost.filter(|_| is_call);
            let change = |into: &mut u64, by: bool| {
                let by = u64::from(by);
                *into = if is_added {
                    *into + by
                } else {
                    into.saturating_sub(by)
                };
            };
            change(&mut used.requests, idx == 0);
            change(&mut used.attempts, is_call);
            change(&mut used.cost_known, cost.is_some());
            let nano = cost.map_or(0, |cost| cost.0);
            used.cost_nano = used
                .cost_nano
                .saturating_add(if is_added { nano } else { -nano });
            if *used == ModelUse::default() {
                self.models.remove(&attempt.model);
            }
        }
    }
}

fn bump<K: Ord>(map: &mut BTreeMap<K, u64>, key: K, is_added: bool) {
    use std::collections::btree_map::Entry;
    match map.entry(key) {
        Entry::Vacant(entry) if is_added => {
            entry.insert(1);
        }
        Entry::Occupied(mut entry) if is_added => *entry.get_mut() += 1,
        Entry::Occupied(entry) if *entry.get() <= 1 => {
            entry.remove();
        }
        Entry::Occupied(mut entry) => *entry.get_mut() -= 1,
        Entry::Vacant(_) => {}
    }
}

fn take_name(rest: &mut &[u8]) -> Option<Name> {
    Name::try_from_id(u32::try_from(take_varint(rest)?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Attempt, Correction, CorrectionBy, CorrectionKind, Flags, Micros, NanoUsd, Outcome,
        RequestId, Timestamp,
    };
    use proptest::prelude::*;

    fn attempts() -> impl Strategy<Value = Attempt> {
        (
            1_u32..4,
            0_u8..6,
            prop::option::of(0_u64..9_000_000),
            prop::option::of(0_i64..90_000_000),
        )
            .prop_map(|(model, outcome, latency, cost)| Attempt {
                latency: latency.map(Micros),
                ttft: latency.map(|l| Micros(l / 3)),
                cost: cost.map(NanoUsd),
                reason: Name::try_from_id(model % 3),
                ..Attempt::new(
                    Name::try_from_id(model).unwrap(),
                    AttemptOutcome::try_from_code(outcome).unwrap(),
                )
            })
    }

    pub(super) fn requests() -> impl Strategy<Value = Request> {
        (
            prop::collection::vec(attempts(), 0..4),
            0_u8..4,
            0_u32..16,
            any::<bool>(),
        )
            .prop_map(|(attempts, outcome, flags, corrected)| {
                let id = RequestId::try_from_text("r").unwrap();
                let mut request = Request::new(id, Timestamp(0));
                request.attempts = attempts.into_iter().collect();
                request.outcome = Outcome::try_from_code(outcome);
                request.flags = Flags(flags);
                request.correction = corrected.then_some(Correction {
                    kind: CorrectionKind::Edit,
                    by: CorrectionBy::User,
                    ts: None,
                    after: (flags % 2 == 0).then_some(Micros::MINUTE.times(flags.into())),
                });
                request
            })
    }

    fn of(requests: &[Request]) -> Cell {
        let mut cell = Cell::default();
        for request in requests {
            cell.add(request);
        }
        cell
    }

    proptest! {
        #[test]
        fn taking_out_undoes_putting_in(a in prop::collection::vec(requests(), 0..8), b in prop::collection::vec(requests(), 0..8)) {
            let mut cell = of(&[a.clone(), b.clone()].concat());
            for request in &b {
                cell.remove(request);
            }
            prop_assert_eq!(&cell, &of(&a));
        }

        #[test]
        fn merging_equals_counting_together(a in prop::collection::vec(requests(), 0..8), b in prop::collection::vec(requests(), 0..8)) {
            let whole = of(&[a.clone(), b.clone()].concat());
            let mut merged = of(&b);
            merged.merge(&of(&a));
            prop_assert_eq!(&merged, &whole);
        }

        #[test]
        fn detail_bytes_lead_back(a in prop::collection::vec(requests(), 0..8)) {
            let cell = of(&a);
            let mut read = Cell::default();
            read.merge_detail(&cell.detail_to_bytes()).unwrap();
            prop_assert_eq!(read.reasons, cell.reasons);
            prop_assert_eq!(read.paths, cell.paths);
            prop_assert_eq!(read.models, cell.models);
            prop_assert_eq!(read.cost_squares, cell.cost_squares);
            prop_assert_eq!(read.correction_delays, cell.correction_delays);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Cell::default().merge_detail(&bytes);
        }

        #[test]
        fn states_add_up(a in prop::collection::vec(requests(), 0..20)) {
            let cell = of(&a);
            prop_assert_eq!(cell.completed + cell.failed + cell.cancelled + cell.unfinished, cell.requests);
            prop_assert!(cell.first_pass <= cell.completed);
            prop_assert!(cell.corrected <= cell.correctable && cell.correctable <= cell.completed);
        }
    }
}

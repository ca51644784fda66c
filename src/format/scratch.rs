//! What all lines of one parser share: names, the key and the counts of unknown fields.

use std::sync::Arc;

use hashbrown::HashMap;

use super::mapping::Plan;
use super::redact::redact;
use super::scalar::Scalar;
use crate::model::{Flags, HashKey, Micros, Name, Names, NanoUsd, Timestamp};

/// The most different unknown fields counted between two takes.
const UNKNOWN_MAX: usize = 256;

/// The state of a parser.
#[derive(Debug)]
pub struct Scratch {
    pub(crate) names: Names,
    pub(crate) key: HashKey,
    /// The user's mapping.
    pub(crate) plan: Option<Arc<Plan>>,
    unknown: HashMap<Name, u64>,
}

impl Scratch {
    pub(crate) fn new(names: Names, key: HashKey, plan: Option<Arc<Plan>>) -> Self {
        Self {
            names,
            key,
            plan,
            unknown: HashMap::new(),
        }
    }

    /// Returns the name of a text from a log. Only redacted texts ever enter the table, so a text
    /// that is found needs no second look.
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        match self.names.find(text) {
            Some(name) => name,
            None => self.names.intern(&redact(text)),
        }
    }

    /// Returns the name of a text field that is set.
    pub(crate) fn name(&mut self, value: &Scalar<'_>) -> Option<Name> {
        value.text().map(|text| self.intern(text))
    }

    /// Returns the name of a short text, number or truth value.
    pub(crate) fn name_of_any(&mut self, value: &Scalar<'_>) -> Option<Name> {
        match value {
            Scalar::Number(number) => Some(self.intern(&number.to_string())),
            Scalar::Bool(value) => Some(self.intern(if *value { "true" } else { "false" })),
            _ => self.name(value),
        }
    }

    /// Counts a field that no format knows.
    pub(crate) fn count_unknown(&mut self, prefix: &str, field: &str) {
        let name = if prefix.is_empty() {
            self.intern(field)
        } else {
            self.intern(&format!("{prefix}.{field}"))
        };
        if let Some(count) = self.unknown.get_mut(&name) {
            *count += 1;
        } else if self.unknown.len() < UNKNOWN_MAX {
            self.unknown.insert(name, 1);
        }
    }

    /// Takes the counts, in the order of names.
    pub(crate) fn take_unknown(&mut self) -> Vec<(Name, u64)> {
        let mut counts: Vec<_> = self.unknown.drain().collect();
        counts.sort_unstable();
        counts
    }
}

/// Reads a number with `read`; a value that is there but cannot be read flags the event.
fn number<T>(
    value: &Scalar<'_>,
    flags: &mut Flags,
    read: impl FnOnce(f64) -> Option<T>,
) -> Option<T> {
    if value.is_unset() {
        return None;
    }
    let found = value.number().and_then(read);
    if found.is_none() {
        flags.set(Flags::BAD_NUMBER);
    }
    found
}

/// Reads milliseconds.
pub(crate) fn millis(value: &Scalar<'_>, flags: &mut Flags) -> Option<Micros> {
    number(value, flags, Micros::try_from_millis)
}

/// Reads seconds.
pub(crate) fn seconds(value: &Scalar<'_>, flags: &mut Flags) -> Option<Micros> {
    number(value, flags, Micros::try_from_seconds)
}

/// Reads dollars.
pub(crate) fn usd(value: &Scalar<'_>, flags: &mut Flags) -> Option<NanoUsd> {
    number(value, flags, NanoUsd::try_from_usd)
}

/// Reads a count.
pub(crate) fn count(value: &Scalar<'_>, flags: &mut Flags) -> Option<u32> {
    number(value, flags, whole)
}

/// Reads a share between 0 and 1.
pub(crate) fn share(value: &Scalar<'_>, flags: &mut Flags) -> Option<f64> {
    number(value, flags, |n| (0.0..=1.0).contains(&n).then_some(n))
}

/// Reads any finite number.
pub(crate) fn finite(value: &Scalar<'_>, flags: &mut Flags) -> Option<f64> {
    number(value, flags, |n| n.is_finite().then_some(n))
}

/// Reads a whole number that fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value was checked to be whole and in range"
)]
pub(crate) fn whole(value: f64) -> Option<u32> {
    (value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value)).then_some(value as u32)
}

/// Tells whether a time is outside [2000, a day after it was read].
pub(crate) fn is_odd(ts: Timestamp, read_at: Timestamp) -> bool {
    ts < Timestamp::EARLIEST_SANE || ts > read_at.plus(Micros::DAY)
}

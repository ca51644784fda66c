//! What all lines of one parser share: names, the key and the counts of unknown fields.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::mapping::Plan;
use super::redact::redact;
use super::scalar::Scalar;
use crate::model::{Flags, HashKey, Micros, Name, Names, NanoUsd, RequestId, Timestamp};

/// The most different unknown fields counted by name; later ones are counted together, so that no log
/// can fill the table of names with them.
const UNKNOWN_MAX: usize = 256;

/// The state of a parser.
#[derive(Debug)]
pub struct Scratch {
    pub(crate) names: Names,
    pub(crate) key: HashKey,
    /// The user's mapping.
    pub(crate) plan: Option<Arc<Plan>>,
    unknown: HashMap<Name, u64>,
    /// The unknown fields that have a name of their own.
    unknown_known: HashSet<Name>,
    asides: HashMap<Name, u64>,
}

impl Scratch {
    pub(crate) fn new(names: Names, key: HashKey, plan: Option<Arc<Plan>>) -> Self {
        Self {
            names,
            key,
            plan,
            unknown: HashMap::new(),
            unknown_known: HashSet::new(),
            asides: HashMap::new(),
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

    /// Returns the id of a request whose line carries none: lines that are equal are one request.
    pub(crate) fn id_of_line(&self, text: &str) -> RequestId {
        let id = format!("line-{:016x}", self.key.hash(text.as_bytes()));
        RequestId::Text(id.into())
    }

    /// Counts a field that no format knows.
    pub(crate) fn count_unknown(&mut self, prefix: &str, field: &str) {
        let field = if prefix.is_empty() {
            Cow::Borrowed(field)
        } else {
            Cow::Owned(format!("{prefix}.{field}"))
        };
        let known = self.names.find(&field);
        let name = match known.filter(|name| self.unknown_known.contains(name)) {
            Some(name) => name,
            None if self.unknown_known.len() < UNKNOWN_MAX => {
                let name = self.intern(&field);
                self.unknown_known.insert(name);
                name
            }
            None => self.intern(Names::OTHER),
        };
        *self.unknown.entry(name).or_default() += 1;
    }

    /// Counts a record that tells nothing to be stored; `what` is one of a format's fixed words.
    pub(crate) fn count_aside(&mut self, what: &'static str) {
        let name = self.intern(what);
        *self.asides.entry(name).or_default() += 1;
    }

    /// Takes the counts of unknown fields, in the order of names.
    pub(crate) fn take_unknown(&mut self) -> Vec<(Name, u64)> {
        in_order(&mut self.unknown)
    }

    /// Takes the counts of records that tell nothing to be stored, in the order of names.
    pub(crate) fn take_asides(&mut self) -> Vec<(Name, u64)> {
        in_order(&mut self.asides)
    }
}

fn in_order(counts: &mut HashMap<Name, u64>) -> Vec<(Name, u64)> {
    let mut counts: Vec<_> = counts.drain().collect();
    counts.sort_unstable();
    counts
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

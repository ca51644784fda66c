//! A quantile sketch for spans of time: log-linear buckets, exact counts, merge by addition.
//!
//! Every octave from 64 µs up is cut into 64 equal buckets, so that the middle of a bucket is within
//! 1/128 = 0.79 % of every value in it. Values under 64 µs have buckets of 1 µs. The largest value
//! told apart is about 38 hours; longer ones fall into the last bucket.
//!
//! # Bytes on disk, version 1
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version, 1 |
//! | varint | number of pairs |
//! | pairs of varints | gap to the previous bucket number (the first: the number itself), count |
//!
//! A reader of version 1 refuses other versions; a change of the buckets needs a new one.

use crate::model::Micros;

const VERSION: u8 = 1;
const SUB_BITS: u32 = 6;
const SUB: u64 = 1 << SUB_BITS;
/// The last bucket: 31 octaves above 64 µs, about 38 hours.
const BUCKET_MAX: u32 = 32 * 64 - 1;
/// How many buckets are looked through before all of them are.
const NEAR: usize = 16;

/// Up to so many buckets are merged one by one.
const FEW_MAX: usize = 4;

/// Counts of spans by bucket; empty buckets take no space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// Pairs of bucket number and count, by number, counts never 0.
    buckets: Vec<(u32, u64)>,
    count: u64,
}

/// Why bytes are no histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The version is none that this program reads.
    #[error("histogram version {0} is unknown")]
    Version(u8),
    /// The bytes end early, run on, or hold impossible numbers.
    #[error("histogram bytes are damaged at byte {0}")]
    Damaged(usize),
}

/// The quantiles that reports and screens show, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quantiles {
    /// How many values.
    pub count: u64,
    /// The median.
    pub p50: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The largest value, within 0.79 %.
    pub max: Option<f64>,
}

impl Histogram {
    /// Counts `value`.
    pub fn record(&mut self, value: Micros) {
        self.add(bucket(value), 1);
    }

    /// Counts `value` so many times.
    pub fn record_many(&mut self, value: Micros, times: u64) {
        if times > 0 {
            self.add(bucket(value), times);
        }
    }

    /// Takes one earlier count of `value` away; a value never counted changes nothing.
    pub fn forget(&mut self, value: Micros) {
        let Ok(place) = self
            .buckets
            .binary_search_by_key(&bucket(value), |pair| pair.0)
        else {
            return;
        };
        if let Some(pair) = self.buckets.get_mut(place) {
            pair.1 -= 1;
            self.count -= 1;
            if pair.1 == 0 {
                self.buckets.remove(place);
            }
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.buckets.len() <= FEW_MAX && !self.buckets.is_empty() {
            for (bucket, count) in &other.buckets {
                self.add(*bucket, *count);
            }
            return;
        }
        let ours = std::mem::take(&mut self.buckets);
        self.buckets = Vec::with_capacity(ours.len() + other.buckets.len());
        let mut ours = ours.into_iter().peekable();
        for (bucket, count) in &other.buckets {
            while let Some(before) = ours.next_if(|pair| pair.0 < *bucket) {
                self.buckets.push(before);
            }
            let same = ours
                .next_if(|pair| pair.0 == *bucket)
                .map_or(0, |pair| pair.1);
            self.buckets.push((*bucket, count.saturating_add(same)));
        }
        self.buckets.extend(ours);
        self.count = self.count.saturating_add(other.count);
    }

    /// Returns how many values were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the buckets that hold values: lower and upper bound, count.
    pub fn buckets(&self) -> impl Iterator<Item = (Micros, Micros, u64)> {
        self.buckets.iter().map(|(bucket, count)| {
            let (low, high) = bounds(*bucket);
            (Micros(low), Micros(high), *count)
        })
    }

    /// Returns how many values lie at or under `value`, to the bucket.
    pub fn count_up_to(&self, value: Micros) -> u64 {
        let last = bucket(value);
        self.buckets
            .iter()
            .take_while(|pair| pair.0 <= last)
            .map(|pair| pair.1)
            .sum()
    }

    /// Returns the quantile of `share` (0 to 1) in microseconds: linear interpolation between order
    /// statistics (type 7 of Hyndman and Fan 1996), each within 0.79 %. `None` when empty.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank lies between 0 and a count far below 2^52"
    )]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rank = share.clamp(0.0, 1.0) * self.count.checked_sub(1)? as f64;
        let low = self.order_statistic(rank.floor() as u64)?;
        let high = self.order_statistic(rank.ceil() as u64)?;
        Some(low + (high - low) * (rank - rank.floor()))
    }

    /// Returns the quantiles that reports show.
    pub fn quantiles(&self) -> Quantiles {
        let millis = |share| self.quantile(share).map(|micros| micros / 1_000.0);
        Quantiles {
            count: self.count,
            p50: millis(0.5),
            p90: millis(0.9),
            p95: millis(0.95),
            p99: millis(0.99),
            max: millis(1.0),
        }
    }

    /// Returns the bytes of the table above; nothing at all when empty.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.buckets.is_empty() {
            return Vec::new();
        }
        // Mostly a byte for the gap and one for the count.
        let mut bytes = Vec::with_capacity(4 + 3 * self.buckets.len());
        bytes.push(VERSION);
        put_varint(&mut bytes, self.buckets.len() as u64);
        let mut previous = 0;
        for (bucket, count) in &self.buckets {
            put_varint(&mut bytes, u64::from(bucket - previous));
            put_varint(&mut bytes, *count);
            previous = *bucket;
        }
        bytes
    }

    /// Adds the counts kept in `bytes`.
    ///
    /// # Errors
    ///
    /// When the version is unknown or the bytes are damaged; nothing is added then.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.merge(&Self::from_bytes(bytes)?);
        Ok(())
    }

    /// Reads what [`Histogram::to_bytes`] gave.
    ///
    /// # Errors
    ///
    /// When the version is unknown or the bytes are damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes;
        let damaged = |rest: &[u8]| DecodeError::Damaged(bytes.len() - rest.len());
        let mut histogram = Self::default();
        match rest.split_first() {
            None => return Ok(histogram),
            Some((&VERSION, after)) => rest = after,
            Some((version, _)) => return Err(DecodeError::Version(*version)),
        }
        let pairs = take_varint(&mut rest).ok_or_else(|| damaged(rest))?;
        histogram.buckets.reserve(rest.len() / 2);
        let mut bucket = 0_u32;
        for idx in 0..pairs {
            let gap = take_varint(&mut rest).ok_or_else(|| damaged(rest))?;
            let count = take_varint(&mut rest).ok_or_else(|| damaged(rest))?;
            let gap = u32::try_from(gap).map_err(|_| damaged(rest))?;
            bucket = bucket.checked_add(gap).ok_or_else(|| damaged(rest))?;
            if bucket > BUCKET_MAX || count == 0 || (gap == 0 && idx > 0) {
                return Err(damaged(rest));
            }
            histogram.count = histogram
                .count
                .checked_add(count)
                .ok_or_else(|| damaged(rest))?;
            histogram.buckets.push((bucket, count));
        }
        if rest.is_empty() {
            Ok(histogram)
        } else {
            Err(damaged(rest))
        }
    }

    fn add(&mut self, bucket: u32, count: u64) {
        self.count += count;
        match self.place_of(bucket) {
            Ok(place) => {
                if let Some(pair) = self.buckets.get_mut(place) {
                    pair.1 += count;
                }
            }
            Err(place) => self.buckets.insert(place, (bucket, count)),
        }
    }

    /// Returns where a bucket stands, or should.
    fn place_of(&self, bucket: u32) -> Result<usize, usize> {
        let search = |buckets: &[(u32, u64)]| buckets.binary_search_by_key(&bucket, |pair| pair.0);
        let Some((first, _)) = self.buckets.first() else {
            return Err(0);
        };
        // Of a well-filled histogram few buckets are missing: it stands near where it would without gaps,
        // and never behind that.
        let end = usize::try_from(bucket.saturating_sub(*first)).unwrap_or(usize::MAX);
        let end = end.saturating_add(1).min(self.buckets.len());
        // Without any it stands exactly there: most of the time one look is enough.
        let exact = end.saturating_sub(1);
        if self.buckets.get(exact).is_some_and(|pair| pair.0 == bucket) {
            return Ok(exact);
        }
        let start = end.saturating_sub(NEAR);
        let near = self.buckets.get(start..end).unwrap_or(&[]);
        if near.first().is_some_and(|pair| pair.0 <= bucket) {
            return search(near).map_or_else(|at| Err(start + at), |at| Ok(start + at));
        }
        search(self.buckets.get(..start).unwrap_or(&[]))
    }

    fn order_statistic(&self, rank: u64) -> Option<f64> {
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen > rank {
                return Some(middle(*bucket));
            }
        }
        None
    }
}

/// Values under 64 have their own bucket; above, the octave and its six leading bits number it.
fn bucket(value: Micros) -> u32 {
    let value = value.0;
    if value < SUB {
        return u32::try_from(value).unwrap_or(0);
    }
    let octave = value.ilog2() - SUB_BITS;
    let sub = (value >> octave) - SUB;
    ((octave + 1) * 64 + u32::try_from(sub).unwrap_or(0)).min(BUCKET_MAX)
}

/// The lower bound (inside) and upper bound (outside) of a bucket.
fn bounds(bucket: u32) -> (u64, u64) {
    if bucket < 64 {
        return (u64::from(bucket), u64::from(bucket) + 1);
    }
    let octave = bucket / 64 - 1;
    let low = (SUB + u64::from(bucket % 64)) << octave;
    (low, low + (1 << octave))
}

#[expect(clippy::cast_precision_loss, reason = "bounds stay below 2^38")]
fn middle(bucket: u32) -> f64 {
    let (low, high) = bounds(bucket);
    if high - low == 1 {
        low as f64
    } else {
        f64::midpoint(low as f64, (high - 1) as f64)
    }
}

/// Appends `value` in LEB128: seven bits a byte, lowest first.
pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap_or(0));
}

/// Takes a LEB128 number off the front of `rest`; `None` when it is cut short or too long.
pub(crate) fn take_varint(rest: &mut &[u8]) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record(Micros(*value));
        }
        histogram
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "test values are small"
    )]
    fn exact(values: &[u64], share: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let rank = share * (sorted.len() - 1) as f64;
        let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
        low as f64 + (high as f64 - low as f64) * (rank - rank.floor())
    }

    proptest! {
        #[test]
        fn every_value_finds_its_bucket(
            dense in prop::collection::vec(5_000_u64..9_000, 0..400),
            wide in prop::collection::vec(0_u64..1 << 40, 0..60),
        ) {
            let values: Vec<u64> = dense.iter().zip(wide.iter().cycle()).flat_map(|(a, b)| [*a, *b]).chain(wide.clone()).collect();
            let mut counts = std::collections::BTreeMap::new();
            for value in &values {
                *counts.entry(bucket(Micros(*value))).or_insert(0_u64) += 1;
            }
            prop_assert_eq!(of(&values).buckets, counts.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn quantiles_are_within_one_percent(values in prop::collection::vec(0_u64..130_000_000_000, 1..200), share in 0.0..=1.0) {
            let (found, truth) = (of(&values).quantile(share).unwrap(), exact(&values, share));
            prop_assert!((found - truth).abs() <= truth * 0.0079 + 1e-9, "{found} {truth}");
        }

        #[test]
        fn merging_is_addition_in_any_order(a in prop::collection::vec(0_u64..1_000_000, 0..50), b in prop::collection::vec(0_u64..1_000_000, 0..50)) {
            let whole = of(&[a.clone(), b.clone()].concat());
            let (mut ab, mut ba) = (of(&a), of(&b));
            ab.merge(&of(&b));
            ba.merge(&of(&a));
            prop_assert_eq!(&ab, &whole);
            prop_assert_eq!(&ba, &whole);
            for value in &b {
                ab.forget(Micros(*value));
            }
            prop_assert_eq!(ab, of(&a));
        }

        #[test]
        fn bytes_lead_back(values in prop::collection::vec(any::<u64>(), 0..100)) {
            let histogram = of(&values);
            prop_assert_eq!(Histogram::from_bytes(&histogram.to_bytes()), Ok(histogram));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(histogram) = Histogram::from_bytes(&bytes) {
                prop_assert!(histogram.quantile(0.5).is_some() == (histogram.count() > 0));
            }
        }
    }

    #[test]
    fn every_bucket_holds_its_bounds() {
        for number in 0..=BUCKET_MAX {
            let (low, high) = bounds(number);
            assert_eq!(bucket(Micros(low)), number);
            assert_eq!(bucket(Micros(high - 1)), number);
        }
        assert_eq!(bucket(Micros(u64::MAX)), BUCKET_MAX);
    }
}

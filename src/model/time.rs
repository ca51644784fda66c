//! Instants, spans and minutes as integers, so that sums are exact and nothing overflows silently.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A span of time in microseconds, never negative.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Micros(pub u64);

impl Micros {
    /// One second.
    pub const SECOND: Self = Self(1_000_000);
    /// One minute.
    pub const MINUTE: Self = Self(60_000_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600_000_000);
    /// One day.
    pub const DAY: Self = Self(86_400_000_000);

    /// Returns the span of `count` times `self`, capped at the largest span.
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// Reads milliseconds with a fraction; negative, infinite and not-a-number values are no span.
    pub fn try_from_millis(millis: f64) -> Option<Self> {
        Self::try_from_scaled(millis, 1_000.0)
    }

    /// Reads seconds with a fraction; negative, infinite and not-a-number values are no span.
    pub fn try_from_seconds(seconds: f64) -> Option<Self> {
        Self::try_from_scaled(seconds, 1_000_000.0)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value was checked to be finite, not negative and below 2^52"
    )]
    fn try_from_scaled(value: f64, scale: f64) -> Option<Self> {
        let micros = (value * scale).round();
        // The given number is looked at too: a small negative one rounds to nothing.
        (value >= 0.0 && (0.0..4.5e15).contains(&micros)).then_some(Self(micros as u64))
    }

    /// Returns the span in milliseconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "spans stay far below 2^52 microseconds"
    )]
    pub fn as_millis(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Returns the span in seconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "spans stay far below 2^52 microseconds"
    )]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1_000_000.0
    }

    /// Returns the sum, capped at the largest span.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// An instant in microseconds since 1970-01-01 UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// 2000-01-01: anything earlier in a log is a broken clock.
    pub const EARLIEST_SANE: Self = Self(946_684_800_000_000);

    /// Reads epoch seconds with a fraction, e.g. `1795470306.339066`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the value was checked to lie within the years 1 to 9999"
    )]
    pub fn try_from_seconds(seconds: f64) -> Option<Self> {
        let micros = (seconds * 1e6).round();
        (micros.is_finite() && (-6.2e16..2.6e17).contains(&micros)).then_some(Self(micros as i64))
    }

    /// Returns the minute that holds this instant.
    pub fn minute(self) -> Minute {
        let minute = self.0.div_euclid(60_000_000);
        Minute(i32::try_from(minute).unwrap_or(if minute < 0 { i32::MIN } else { i32::MAX }))
    }

    /// Returns the instant `span` later, capped.
    pub fn plus(self, span: Micros) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.0).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the instant `span` earlier, capped.
    pub fn minus(self, span: Micros) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.0).unwrap_or(i64::MAX)),
        )
    }

    /// Returns how long after `earlier` this instant is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Micros {
        Micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the calendar form; `None` outside the years that a calendar covers.
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// Returns RFC 3339 with microseconds and `Z`, e.g. `2026-11-23T02:41:07.123456Z`.
    pub fn to_rfc3339(self) -> String {
        self.to_utc().map_or_else(
            || format!("{}us", self.0),
            |utc| utc.to_rfc3339_opts(SecondsFormat::Micros, true),
        )
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// A minute, counted since 1970-01-01 UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Minute(pub i32);

impl Minute {
    /// Returns the instant at which the minute starts.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * 60_000_000)
    }
}

/// A half-open stretch of time `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first instant inside.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
}

impl Window {
    /// All time.
    pub const ALL: Self = Self {
        from: Timestamp(i64::MIN),
        to: Timestamp(i64::MAX),
    };

    /// Tells whether `ts` lies inside.
    pub fn contains(self, ts: Timestamp) -> bool {
        self.from <= ts && ts < self.to
    }

    /// Returns the length.
    pub fn len(self) -> Micros {
        self.to.since(self.from)
    }

    /// Tells whether nothing can lie inside.
    pub fn is_empty(self) -> bool {
        self.to <= self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_numbers_are_no_span() {
        for bad in [
            -1.0,
            -1e-9,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e300,
        ] {
            assert_eq!(Micros::try_from_millis(bad), None, "{bad}");
        }
        assert_eq!(Micros::try_from_millis(1503.91), Some(Micros(1_503_910)));
    }

    #[test]
    fn minutes_before_1970_round_down() {
        assert_eq!(Timestamp(-1).minute(), Minute(-1));
        assert_eq!(Timestamp(60_000_000).minute(), Minute(1));
    }

    #[test]
    fn prints_and_survives_the_far_future() {
        assert_eq!(Timestamp(0).to_rfc3339(), "1970-01-01T00:00:00.000000Z");
        assert!(Timestamp(i64::MAX).to_rfc3339().ends_with("us"));
    }
}

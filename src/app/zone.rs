//! Zones of time, and times as people write them.

use chrono::{DateTime, Days, FixedOffset, Local, NaiveTime, Offset, TimeZone, Utc};

use crate::model::Timestamp;

/// In which zone times are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// UTC.
    #[default]
    Utc,
    /// That of the machine.
    Local,
    /// A fixed distance from UTC.
    Fixed(FixedOffset),
}

impl Zone {
    fn at(self, ts: Timestamp) -> Option<DateTime<FixedOffset>> {
        let utc = ts.to_utc()?;
        Some(match self {
            Self::Utc => utc.fixed_offset(),
            Self::Local => utc.with_timezone(&Local).fixed_offset(),
            Self::Fixed(offset) => utc.with_timezone(&offset),
        })
    }

    /// Writes `2026-11-23 14:05:09Z`, or with the offset instead of `Z`.
    pub fn format(self, ts: Timestamp) -> String {
        self.at(ts).map_or_else(
            || ts.to_string(),
            |at| {
                let stem = at.format("%Y-%m-%d %H:%M:%S");
                if at.offset().fix().local_minus_utc() == 0 {
                    format!("{stem}Z")
                } else {
                    format!("{stem}{}", at.format("%:z"))
                }
            },
        )
    }

    fn instant(self, at: chrono::NaiveDateTime) -> Option<Timestamp> {
        let utc = match self {
            Self::Utc => Utc.from_utc_datetime(&at),
            Self::Local => Local
                .from_local_datetime(&at)
                .earliest()?
                .with_timezone(&Utc),
            Self::Fixed(offset) => offset
                .from_local_datetime(&at)
                .earliest()?
                .with_timezone(&Utc),
        };
        Some(Timestamp(utc.timestamp_micros()))
    }
}

/// Reads RFC 3339, `14:05` (the latest such time not after `now`) or `yesterday 14:05`; `None` for anything else.
pub fn read_time(text: &str, now: Timestamp, zone: Zone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp(at.timestamp_micros()));
    }
    try_clock_time(text, now, zone)
}

fn try_clock_time(text: &str, now: Timestamp, zone: Zone) -> Option<Timestamp> {
    let today = zone.at(now)?.date_naive();
    let (clock, is_yesterday) = match text.strip_prefix("yesterday ") {
        Some(rest) => (rest.trim(), true),
        None => (text, false),
    };
    let clock = NaiveTime::parse_from_str(clock, "%H:%M")
        .or_else(|_| NaiveTime::parse_from_str(clock, "%H:%M:%S"))
        .ok()?;
    let yesterday = today.checked_sub_days(Days::new(1))?;
    if is_yesterday {
        return zone.instant(yesterday.and_time(clock));
    }
    // After midnight one asks for 23:50 of the evening before.
    zone.instant(today.and_time(clock))
        .filter(|at| *at <= now)
        .or_else(|| zone.instant(yesterday.and_time(clock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(
            DateTime::parse_from_rfc3339(text)
                .unwrap()
                .timestamp_micros(),
        )
    }

    #[test]
    fn times_are_read_from_a_given_now() {
        let now = at("2026-11-23T00:30:00Z");
        let east = Zone::Fixed(FixedOffset::east_opt(3600).unwrap());
        for (text, zone, want) in [
            (
                "2026-11-01T10:00:00+02:00",
                Zone::Utc,
                "2026-11-01T08:00:00Z",
            ),
            ("00:10", Zone::Utc, "2026-11-23T00:10:00Z"),
            ("23:50", Zone::Utc, "2026-11-22T23:50:00Z"),
            ("yesterday 14:05", Zone::Utc, "2026-11-22T14:05:00Z"),
            ("01:15", east, "2026-11-23T00:15:00Z"),
            ("yesterday 14:05:30", east, "2026-11-22T13:05:30Z"),
        ] {
            assert_eq!(read_time(text, now, zone), Some(at(want)), "{text}");
        }
        for bad in ["", "25:00", "tomorrow 10:00", "2026-11-01", "now", "14"] {
            assert_eq!(read_time(bad, now, Zone::Utc), None, "{bad}");
        }
    }

    #[test]
    fn times_are_written_with_their_zone() {
        let ts = at("2026-11-23T12:00:09Z");
        assert_eq!(Zone::Utc.format(ts), "2026-11-23 12:00:09Z");
        let west = Zone::Fixed(FixedOffset::west_opt(5 * 3600).unwrap());
        assert_eq!(west.format(ts), "2026-11-23 07:00:09-05:00");
    }
}

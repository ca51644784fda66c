//! Instants in logs: RFC 3339 with a zone, or epoch milliseconds.

use chrono::DateTime;

use super::scalar::Scalar;
use crate::model::Timestamp;

/// Reads the time of a native line.
pub(crate) fn timestamp(value: &Scalar<'_>) -> Option<Timestamp> {
    match value {
        Scalar::Text(text) => rfc3339(text),
        Scalar::Number(millis) => Timestamp::try_from_seconds(millis / 1_000.0),
        _ => None,
    }
}

/// Reads what databases and loggers write: date and time with `T` or a blank between them, with a
/// zone (`Z`, `+00:00`, `+00`) or without one, which is UTC.
pub(crate) fn utc(text: &str) -> Option<Timestamp> {
    const LEN_MAX: usize = 40;
    if text.len() > LEN_MAX {
        return None;
    }
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    if !matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let zone = time.rfind(['Z', 'z', '+', '-']).map(|at| time.len() - at);
    let end = match zone {
        None => "Z",
        Some(3) => ":00",
        Some(_) => "",
    };
    rfc3339(&format!("{date}T{time}{end}"))
}

/// Reads RFC 3339; a leap second is the last microsecond before it, a time without zone is none.
pub(crate) fn rfc3339(text: &str) -> Option<Timestamp> {
    if let Some(ts) = utc_fast(text.as_bytes()) {
        return Some(ts);
    }
    let is_leap = text.get(16..19) == Some(":60");
    let settled = if is_leap {
        format!("{}:59{}", text.get(..16)?, text.get(19..)?)
    } else {
        text.to_owned()
    };
    let micros = DateTime::parse_from_rfc3339(&settled)
        .ok()?
        .timestamp_micros();
    Some(Timestamp(if is_leap {
        micros.div_euclid(1_000_000) * 1_000_000 + 999_999
    } else {
        micros
    }))
}

/// Reads `YYYY-MM-DDTHH:MM:SS[.f]Z`; anything else, broken dates included, is left to the calendar.
fn utc_fast(text: &[u8]) -> Option<Timestamp> {
    let (head, tail) = text.split_at_checked(19)?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        mo1,
        mo2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        mi1,
        mi2,
        b':',
        s1,
        s2,
    ] = head
    else {
        return None;
    };
    let year = two(*y1, *y2)? * 100 + two(*y3, *y4)?;
    let (month, day) = (two(*mo1, *mo2)?, two(*d1, *d2)?);
    let (hour, minute, second) = (two(*h1, *h2)?, two(*mi1, *mi2)?, two(*s1, *s2)?);
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) && !is_day(year, month, day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = match tail {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] => fraction(digits)?,
        _ => return None,
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Timestamp(seconds * 1_000_000 + micros))
}

fn two(high: u8, low: u8) -> Option<i64> {
    (high.is_ascii_digit() && low.is_ascii_digit())
        .then(|| i64::from(high - b'0') * 10 + i64::from(low - b'0'))
}

fn fraction(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let places = digits.iter().copied().chain(std::iter::repeat(b'0'));
    Some(
        places
            .take(6)
            .fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0')),
    )
}

fn is_day(year: i64, month: i64, day: i64) -> bool {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=last).contains(&day)
}

/// Returns the days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_calendar(micros in -62_135_596_800_000_000_i64..253_402_300_799_000_000) {
            let text = Timestamp(micros).to_rfc3339();
            prop_assert_eq!(utc_fast(text.as_bytes()), Some(Timestamp(micros)));
            prop_assert_eq!(rfc3339(&text.replace('Z', "+00:00")), Some(Timestamp(micros)));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", near in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9é]{2}[.0-9Zz+:-]{0,12}") {
            let _ = (rfc3339(&text), rfc3339(&near), utc(&text), utc(&near));
        }
    }

    #[test]
    fn times_of_databases_are_utc_where_they_name_no_zone() {
        let at = |text| utc(text).map(Timestamp::to_rfc3339);
        for text in [
            "2026-11-23 21:44:43.717635+00:00",
            "2026-11-23T21:44:43.717635Z",
            "2026-11-23T22:44:43.717635+01",
            "2026-11-23 21:44:43.717635",
            "2026-11-23T21:44:43.717635",
        ] {
            assert_eq!(at(text).as_deref(), Some("2026-11-23T21:44:43.717635Z"));
        }
        assert_eq!(
            at("2026-11-23 21:44:43").as_deref(),
            Some("2026-11-23T21:44:43.000000Z")
        );
        for bad in ["2026-11-23", "2026-11-23_21:44:43", "", "1795470283"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn hostile_times() {
        let at = |text| rfc3339(text).map(Timestamp::to_rfc3339);
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(
            at("2016-12-31T23:59:60Z"),
            is("2016-12-31T23:59:59.999999Z")
        );
        assert_eq!(
            at("2016-12-31T23:59:60.5+00:00"),
            is("2016-12-31T23:59:59.999999Z")
        );
        assert_eq!(
            at("2026-11-23T02:41:07+05:45"),
            is("2026-11-22T20:56:07.000000Z")
        );
        assert_eq!(
            at("2026-11-23t02:41:07z"),
            is("2026-11-23T02:41:07.000000Z")
        );
        assert_eq!(
            at("2026-11-23T02:41:07.123456789012345Z"),
            is("2026-11-23T02:41:07.123456Z")
        );
        assert_eq!(
            at("2024-02-29T00:00:00Z"),
            is("2024-02-29T00:00:00.000000Z")
        );
        for bad in [
            "2026-11-23T02:41:07",
            "2026-02-30T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T00:00:00+24:00",
            "1700000000000",
            "",
            "2026-11-23",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}

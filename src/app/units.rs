//! Numbers in words: the one place that decides how a share, a span, an amount or a count reads.
//!
//! Every text fits a fixed field, so that a changed digit changes one cell of the screen.

use crate::model::{Micros, Timestamp};

/// Returns a count as a float, for scales and ratios.
#[expect(
    clippy::cast_precision_loss,
    reason = "15 digits are enough on a screen"
)]
pub fn as_float(count: u64) -> f64 {
    count as f64
}

/// Returns `value` rounded to a count of cells, 0 to `max`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to a few thousand cells; not-a-number reads as 0"
)]
pub fn cells(value: f64, max: usize) -> usize {
    let top = as_float(u64::try_from(max).unwrap_or(u64::MAX)).min(1e6);
    if value.is_nan() {
        return 0;
    }
    value.round().clamp(0.0, top) as usize
}

/// Returns the levels of sparklines, lowest first.
pub fn levels(is_ascii: bool) -> [&'static str; 8] {
    if is_ascii {
        ["_", ".", "-", "=", "*", "#", "%", "@"]
    } else {
        ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    }
}

/// Returns a share (0 to 1) as percent without the sign, e.g. `12.4`; at most five characters.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if !value.is_finite() {
        return "--".to_owned();
    }
    if value > 0.0 && value < 0.05 {
        return "<0.1".to_owned();
    }
    if value >= 99.95 {
        return format!("{value:.0}");
    }
    format!("{value:.1}")
}

/// Returns milliseconds as a span, e.g. `340ms`, `2.9s`, `3.2m`; at most six characters.
pub fn millis(millis: f64) -> String {
    if !millis.is_finite() || millis < 0.0 {
        return "--".to_owned();
    }
    let seconds = millis / 1_000.0;
    if millis < 1.0 && millis > 0.0 {
        "<1ms".to_owned()
    } else if millis < 999.5 {
        format!("{millis:.0}ms")
    } else if seconds < 99.95 {
        format!("{seconds:.1}s")
    } else if seconds < 5_970.0 {
        format!("{:.1}m", seconds / 60.0)
    } else if seconds < 356_400.0 {
        format!("{:.1}h", seconds / 3_600.0)
    } else {
        format!("{:.0}d", (seconds / 86_400.0).min(99_999.0))
    }
}

/// Returns a span, e.g. `2.9s`.
pub fn span(span: Micros) -> String {
    millis(span.as_millis())
}

/// Returns whole units of a span, e.g. `60m`, `24h`, `7d`: for windows and distances in time.
pub fn whole_span(span: Micros) -> String {
    let seconds = span.0 / 1_000_000;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Returns an age in coarse steps, so that a quiet screen stays quiet: `<10s`, `20s`, `4m`, `2h`.
pub fn age(age: Micros) -> String {
    let seconds = age.0 / 1_000_000;
    match seconds {
        0..=9 => "<10s".to_owned(),
        10..=59 => format!("{}s", seconds / 10 * 10),
        _ => whole_span(Micros::SECOND.times((seconds / 60).max(2) * 60)),
    }
}

/// Returns an amount of dollars with two or more digits that matter, e.g. `$0.0041`, `$12.30`.
pub fn usd(usd: f64) -> String {
    let size = usd.abs();
    if !usd.is_finite() {
        "--".to_owned()
    } else if size == 0.0 {
        "$0".to_owned()
    } else if size < 0.000_1 {
        "<$.0001".to_owned()
    } else if size < 0.1 {
        format!("${usd:.4}")
    } else if size < 1_000.0 {
        format!("${usd:.2}")
    } else if size < 1e6 {
        format!("${:.1}k", usd / 1e3)
    } else if size < 1e9 {
        format!("${:.1}M", usd / 1e6)
    } else {
        format!("${:.1}G", usd / 1e9)
    }
}

/// Returns an amount of dollars, with `~` before one that is estimated, `--` for none.
pub fn cost(amount: Option<f64>, is_estimated: bool) -> String {
    let amount = amount.map_or_else(|| "--".to_owned(), usd);
    if is_estimated && amount != "--" {
        format!("~{amount}")
    } else {
        amount
    }
}

/// Returns a count, e.g. `9999`, `12.3k`, `4.5M`; at most six characters.
pub fn count(count: u64) -> String {
    let value = as_float(count);
    match count {
        0..=9_999 => count.to_string(),
        10_000..=999_949 => format!("{:.1}k", value / 1e3),
        999_950..=999_949_999 => format!("{:.1}M", value / 1e6),
        999_950_000..=999_949_999_999 => format!("{:.1}G", value / 1e9),
        _ => format!("{:.0}T", (value / 1e12).min(99_999.0)),
    }
}

/// Returns how many a second, e.g. `0.7`, `61.7`, `12.3k`.
pub fn per_second(rate: f64) -> String {
    if !rate.is_finite() || rate < 0.0 {
        "--".to_owned()
    } else if rate < 999.95 {
        format!("{rate:.1}")
    } else if rate < 999_950.0 {
        format!("{:.1}k", rate / 1e3)
    } else {
        format!("{:.1}M", (rate / 1e6).min(9_999.0))
    }
}

/// Returns a ratio, e.g. `2.2`, `31`, `>99`.
pub fn ratio(ratio: f64) -> String {
    if !ratio.is_finite() || ratio > 99.0 {
        ">99".to_owned()
    } else if ratio >= 9.95 {
        format!("{ratio:.0}")
    } else {
        format!("{ratio:.1}")
    }
}

/// Returns a size, e.g. `14.6 KB`.
pub fn bytes(bytes: u64) -> String {
    let value = as_float(bytes);
    match bytes {
        0..=999 => format!("{bytes} B"),
        1_000..=999_949 => format!("{:.1} KB", value / 1e3),
        999_950..=999_949_999 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// Returns the time of day in UTC to the second, e.g. `03:11:40Z`.
pub fn clock(ts: Timestamp) -> String {
    ts.to_utc().map_or_else(
        || "--:--:--Z".to_owned(),
        |utc| utc.format("%H:%M:%SZ").to_string(),
    )
}

/// Returns the time of day in UTC to the minute without a zone, e.g. `02:41`.
pub fn minute(ts: Timestamp) -> String {
    ts.to_utc()
        .map_or_else(|| "--:--".to_owned(), |utc| utc.format("%H:%M").to_string())
}

/// Returns the time of day to the millisecond without a zone, e.g. `03:11:08.211`.
pub fn clock_millis(ts: Timestamp) -> String {
    ts.to_utc().map_or_else(
        || "--:--:--.---".to_owned(),
        |utc| utc.format("%H:%M:%S%.3f").to_string(),
    )
}

/// Returns the day and time of day, e.g. `2026-11-23 02:41:07Z`.
pub fn day_clock(ts: Timestamp) -> String {
    ts.to_utc().map_or_else(
        || "---------- --:--:--Z".to_owned(),
        |utc| utc.format("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_as_people_write() {
        assert_eq!(percent(0.124), "12.4");
        assert_eq!(percent(1.0), "100");
        assert_eq!(percent(0.0001), "<0.1");
        assert_eq!(millis(340.2), "340ms");
        assert_eq!(millis(2_900.0), "2.9s");
        assert_eq!(millis(999.7), "1.0s");
        assert_eq!(usd(0.0041), "$0.0041");
        assert_eq!(usd(12.3), "$12.30");
        assert_eq!(cost(Some(12.3), true), "~$12.30");
        assert_eq!(cost(None, true), "--");
        assert_eq!(count(12_300), "12.3k");
        assert_eq!(per_second(0.66), "0.7");
        assert_eq!(whole_span(Micros::HOUR), "60m");
        assert_eq!(whole_span(Micros::DAY), "24h");
        assert_eq!(age(Micros::SECOND.times(32)), "30s");
        assert_eq!(age(Micros::SECOND.times(95)), "2m");
        assert_eq!(clock(Timestamp(0)), "00:00:00Z");
        assert_eq!(clock_millis(Timestamp(211_000)), "00:00:00.211");
    }

    proptest! {
        #[test]
        fn fits_its_field(value in any::<f64>(), whole in any::<u64>()) {
            prop_assert!(percent(value.clamp(0.0, 1.0)).len() <= 5);
            prop_assert!(millis(value).len() <= 6, "{}", millis(value));
            prop_assert!(count(whole).len() <= 6, "{}", count(whole));
            prop_assert!(per_second(value).len() <= 7);
            prop_assert!(ratio(value.abs()).len() <= 4);
            prop_assert!(cells(value, 40) <= 40);
        }
    }
}

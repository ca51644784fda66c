//! Numbers, spans and foreign texts as the plain outputs write them.

use crate::model::{Micros, sanitise};
use crate::stats::Rate;

/// Returns a foreign text fit for one line; with `ascii` all else becomes `\u{..}`.
pub(super) fn foreign(text: &str, ascii: bool) -> String {
    let shown = sanitise(text);
    if !ascii || shown.as_str().is_ascii() {
        return shown.as_str().to_owned();
    }
    let mut out = String::new();
    for char in shown.as_str().chars() {
        if char.is_ascii() {
            out.push(char);
        } else {
            out.extend(char.escape_unicode());
        }
    }
    out
}

/// Writes `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes a share as `12.3%`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// Writes a rate, or how many events it lacks.
pub(super) fn rate(rate: Rate) -> String {
    match rate.share() {
        Some(share) if rate.is_shown() => percent(share),
        _ => format!("n={}", rate.denominator),
    }
}

/// Writes a rate with its 95 % interval, or how many events it lacks.
pub(super) fn rate_with_interval(rate: Rate) -> String {
    match (rate.share(), rate.interval()) {
        (Some(share), Some(interval)) if rate.is_shown() => format!(
            "{} {:.0}-{:.0}",
            percent(share),
            interval.low * 100.0,
            interval.high * 100.0
        ),
        _ => format!("n={}, need {}", rate.denominator, Rate::SHOWN_MIN),
    }
}

/// Writes milliseconds as `450ms`, `1.92s`, `41s` or `3m12s`.
pub(super) fn millis(millis: f64) -> String {
    if !millis.is_finite() {
        return "-".to_owned();
    }
    if millis < 999.5 {
        format!("{millis:.0}ms")
    } else if millis < 9_995.0 {
        format!("{:.2}s", millis / 1_000.0)
    } else if millis < 99_950.0 {
        format!("{:.1}s", millis / 1_000.0)
    } else {
        span(Micros::try_from_millis(millis).unwrap_or_default())
    }
}

/// Writes a span in its two largest units: `3m12s`, `1h`, `7d`.
pub(super) fn span(span: Micros) -> String {
    let seconds = span.0 / Micros::SECOND.0;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let parts = [
        (days, "d"),
        (hours, "h"),
        (minutes, "m"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|part| part.0 > 0);
    let Some(first) = first else {
        return "0s".to_owned();
    };
    let shown: Vec<String> = parts
        .iter()
        .skip(first)
        .take(2)
        .filter(|part| part.0 > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    shown.concat()
}

/// Writes dollars with three significant digits, at least cents.
pub(super) fn dollars(usd: f64) -> String {
    let places = match usd.abs() {
        usd if usd >= 1.0 || usd == 0.0 => 2,
        usd if usd >= 0.1 => 3,
        usd if usd >= 0.01 => 4,
        usd if usd >= 0.001 => 5,
        _ => 6,
    };
    format!("${usd:.places$}")
}

/// Writes dollars, with `~` before an amount that is estimated.
pub(super) fn cost(usd: f64, is_estimated: bool) -> String {
    let mark = if is_estimated { "~" } else { "" };
    format!("{mark}{}", dollars(usd))
}

/// Writes bytes in binary units.
#[expect(clippy::cast_precision_loss, reason = "a size is shown to one decimal")]
pub(super) fn bytes(count: u64) -> String {
    let mut size = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size < 1_024.0 {
            return if unit == "B" {
                format!("{count} B")
            } else {
                format!("{size:.1} {unit}")
            };
        }
        size /= 1_024.0;
    }
    format!("{size:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(millis(450.2), "450ms");
        assert_eq!(millis(999.7), "1.00s");
        assert_eq!(millis(41_000.0), "41.0s");
        assert_eq!(millis(192_000.0), "3m12s");
        assert_eq!(span(Micros::HOUR), "1h");
        assert_eq!(span(Micros::DAY.times(7)), "7d");
        assert_eq!(span(Micros(5)), "0s");
        assert_eq!(dollars(0.004_12), "$0.00412");
        assert_eq!(dollars(12.5), "$12.50");
        assert_eq!(cost(12.5, true), "~$12.50");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(12), "12 B");
    }

    #[test]
    fn a_rate_of_few_events_is_not_shown() {
        assert_eq!(rate(Rate::new(3, 7)), "n=7");
        assert_eq!(rate_with_interval(Rate::new(3, 7)), "n=7, need 30");
        assert_eq!(rate_with_interval(Rate::new(81, 263)), "30.8% 26-37");
    }
}

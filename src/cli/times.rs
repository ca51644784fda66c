//! Times on the command line and in plain output, worked out from a given now.

use super::error::UsageError;
pub use crate::app::Zone;
use crate::model::{Micros, Timestamp, Window};
use crate::stats::Span;

/// Reads RFC 3339, `14:05` (the latest such time not after `now`) or `yesterday 14:05`.
///
/// # Errors
///
/// When the text is none of these.
pub fn read_time(text: &str, now: Timestamp, zone: Zone) -> Result<Timestamp, UsageError> {
    crate::app::read_time(text, now, zone).ok_or_else(|| UsageError::Time(text.to_owned()))
}

/// Reads `90s`, `15m`, `1h30m`, `7d`, `2w`.
///
/// # Errors
///
/// When the text is not made of whole numbers with a unit, or is no time at all.
pub fn read_length(text: &str) -> Result<Micros, UsageError> {
    let fail = || UsageError::Length(text.to_owned());
    let mut total: u64 = 0;
    let mut number: Option<u64> = None;
    for char in text.trim().chars() {
        if let Some(digit) = char.to_digit(10) {
            let grown = number
                .unwrap_or(0)
                .checked_mul(10)
                .and_then(|n| n.checked_add(digit.into()));
            number = Some(grown.ok_or_else(fail)?);
            continue;
        }
        let unit = match char {
            's' => Micros::SECOND,
            'm' => Micros::MINUTE,
            'h' => Micros::HOUR,
            'd' => Micros::DAY,
            'w' => Micros::DAY.times(7),
            _ => return Err(fail()),
        };
        let part = number.take().and_then(|n| n.checked_mul(unit.0));
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or_else(fail)?;
    }
    // A hundred years: more than any log, and far from the borders of a timestamp.
    if number.is_some() || total == 0 || total > Micros::DAY.times(36_525).0 {
        return Err(fail());
    }
    Ok(Micros(total))
}

/// The words of a window as given.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct WindowArgs {
    /// So long before now, e.g. 90m, 1h, 7d
    #[arg(long, value_name = "LENGTH", conflicts_with_all = ["from", "all"], help_heading = "Window")]
    pub since: Option<String>,
    /// The first instant: RFC 3339, 14:05 or `yesterday 14:05`
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with = "all",
        help_heading = "Window"
    )]
    pub from: Option<String>,
    /// The first instant after the window (default: now)
    #[arg(long, value_name = "TIME", requires = "from", help_heading = "Window")]
    pub to: Option<String>,
    /// Everything stored
    #[arg(long, help_heading = "Window")]
    pub all: bool,
}

impl WindowArgs {
    /// Works out the span; `default` when no word was given.
    ///
    /// # Errors
    ///
    /// When a time or length cannot be read or the window is empty.
    pub fn resolve(&self, now: Timestamp, zone: Zone, default: Span) -> Result<Span, UsageError> {
        if self.all {
            return Ok(Span::All);
        }
        if let Some(since) = &self.since {
            return Ok(Span::Last(read_length(since)?));
        }
        let Some(from) = &self.from else {
            return Ok(default);
        };
        let from = read_time(from, now, zone)?;
        let to = self
            .to
            .as_ref()
            .map_or(Ok(now), |to| read_time(to, now, zone))?;
        let window = Window { from, to };
        if window.is_empty() {
            return Err(UsageError::EmptyWindow {
                from: zone.format(from),
                to: zone.format(to),
            });
        }
        Ok(Span::Between(window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        read_time(text, Timestamp(0), Zone::Utc).unwrap()
    }

    #[test]
    fn lengths_need_units() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("1h30m", 5400),
            ("7d", 604_800),
            ("2w", 1_209_600),
        ] {
            assert_eq!(
                read_length(text),
                Ok(Micros::SECOND.times(seconds)),
                "{text}"
            );
        }
        for bad in [
            "",
            "5",
            "h",
            "0m",
            "-1h",
            "1.5h",
            "99999999999999999999h",
            "400000d",
            "1h3",
        ] {
            assert!(read_length(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn windows_resolve() {
        let now = at("2026-11-23T12:00:00Z");
        let of = |since: Option<&str>, from: Option<&str>, to: Option<&str>, all| WindowArgs {
            since: since.map(Into::into),
            from: from.map(Into::into),
            to: to.map(Into::into),
            all,
        };
        let solve = |args: WindowArgs| args.resolve(now, Zone::Utc, Span::Last(Micros::HOUR));
        assert_eq!(
            solve(of(None, None, None, false)),
            Ok(Span::Last(Micros::HOUR))
        );
        assert_eq!(solve(of(None, None, None, true)), Ok(Span::All));
        assert_eq!(
            solve(of(Some("2h"), None, None, false)),
            Ok(Span::Last(Micros::HOUR.times(2)))
        );
        let window = Window {
            from: at("2026-11-23T10:00:00Z"),
            to: now,
        };
        assert_eq!(
            solve(of(None, Some("10:00"), None, false)),
            Ok(Span::Between(window))
        );
        assert!(matches!(
            solve(of(None, Some("10:00"), Some("09:00"), false)),
            Err(UsageError::EmptyWindow { .. })
        ));
    }
}

//! How long what is kept, and how large the database may become.

use std::time::Duration;

use super::document::{ConfigError, Item, Section};

const HOUR: Duration = Duration::from_secs(3_600);
/// Longer than any log.
const AGE_MAX: Duration = Duration::from_secs(1_000 * 366 * 86_400);

/// What is dropped, and when; by default nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// The age of requests, with all that belongs to them, markers and corrections.
    pub requests: Option<Duration>,
    /// The age of rollups by the minute.
    pub minutes: Option<Duration>,
    /// The age of rollups by the hour.
    pub hours: Option<Duration>,
    /// The age of rollups by the day.
    pub days: Option<Duration>,
    /// How many bytes the database may take, its log aside; the oldest requests go first.
    pub size: Option<u64>,
}

impl Retention {
    /// The keys of the section.
    const KEYS: [&'static str; 5] = ["requests", "minutes", "hours", "days", "size"];

    /// Tells whether nothing is ever dropped.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the ages with none shorter than that of something finer, and none where that is kept for ever:
    /// coarse sums outlive their parts.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        let not_before = |age: Option<Duration>, finer: Option<Duration>| Some(age?.max(finer?));
        self.minutes = not_before(self.minutes, self.requests);
        self.hours = not_before(self.hours, self.minutes);
        self.days = not_before(self.days, self.hours);
        self
    }

    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        section.only(&Self::KEYS)?;
        let age = |key: &str| section.item(key).map(read_age).transpose();
        Ok(Self {
            requests: age("requests")?,
            minutes: age("minutes")?,
            hours: age("hours")?,
            days: age("days")?,
            size: section.item("size").map(read_size).transpose()?,
        }
        .ordered())
    }
}

fn read_age(item: &Item<'_>) -> Result<Duration, ConfigError> {
    let age = item.text().and_then(age_of);
    age.ok_or_else(|| item.expected("a length of time of at least an hour, e.g. \"30d\""))
}

fn read_size(item: &Item<'_>) -> Result<u64, ConfigError> {
    let size = item.text().and_then(size_of);
    size.ok_or_else(|| item.expected("a size of at least 16 MiB, e.g. \"10 GiB\""))
}

/// Reads `12h`, `30d` or `8w`, at least an hour.
pub fn age_of(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    let age = HOUR.checked_mul(number.checked_mul(hours)?)?;
    (HOUR..=AGE_MAX).contains(&age).then_some(age)
}

/// Reads `500 MB`, `10GiB` and the like, at least 16 MiB.
pub fn size_of(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let unit = match unit.to_ascii_lowercase().as_str() {
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    number.checked_mul(unit).filter(|size| *size >= 16 << 20)
}

fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|char: char| !char.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_section_is_read_and_refused_with_its_place() {
        let text = "[retention]\nrequests = \"14d\"\nminutes = \"7d\"\nsize = \"10 GiB\"\n";
        let retention = Config::parse(text).unwrap().retention;
        assert_eq!(retention.requests, Some(HOUR * 24 * 14));
        assert_eq!(
            retention.minutes, retention.requests,
            "not shorter than its parts"
        );
        assert_eq!((retention.hours, retention.size), (None, Some(10 << 30)));
        for (line, at) in [
            ("requests = \"14\"", "line 2, column 12"),
            ("requests = \"10min\"", "line 2, column 12"),
            ("size = 5", "line 2, column 8"),
            ("size = \"1 MiB\"", "line 2, column 8"),
            ("weeks = \"4w\"", "line 2, column 1"),
        ] {
            let error = Config::parse(&format!("[retention]\n{line}\n")).unwrap_err();
            assert!(error.to_string().starts_with(at), "{line}: {error}");
        }
        assert!(Config::parse("[retention]\n").unwrap().retention.is_off());
    }

    #[test]
    fn coarse_rollups_go_only_where_finer_ones_go() {
        let day = |days: u32| Some(HOUR * 24 * days);
        let only = Retention {
            minutes: day(9),
            ..Retention::default()
        };
        assert_eq!(only.ordered().minutes, None);
        let all = Retention {
            requests: day(3),
            minutes: day(1),
            hours: day(2),
            days: day(9),
            size: None,
        };
        let ordered = all.ordered();
        assert_eq!(
            (ordered.minutes, ordered.hours, ordered.days),
            (day(3), day(3), day(9))
        );
    }

    #[test]
    fn odd_texts_are_no_ages_and_sizes() {
        for text in [
            "",
            "d",
            "-3d",
            "3",
            "99999999999999999999d",
            "9999999999w",
            "0h",
            "é",
        ] {
            assert_eq!(age_of(text), None, "{text}");
        }
        for text in ["", "GB", "3 XB", "18446744073709551615 TiB", "16"] {
            assert_eq!(size_of(text), None, "{text}");
        }
        assert_eq!(size_of("500MB"), Some(500_000_000));
    }
}

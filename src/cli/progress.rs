//! The line that tells how far a long ingest has come.

use super::words::{bytes, count, span};
use crate::model::Micros;

/// How far an ingest has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes read, as they lie on disk.
    pub bytes: u64,
    /// Bytes to read in all; `None`: not known, e.g. of a pipe.
    pub bytes_total: Option<u64>,
    /// Lines read.
    pub lines: u64,
    /// Since the start.
    pub elapsed: Micros,
}

impl Progress {
    /// Returns bytes, share, lines per second and the time left, as far as known.
    pub fn line(self) -> String {
        let mut parts = vec![match self.bytes_total {
            Some(total) if total > 0 => {
                let percent = u128::from(self.bytes.min(total)) * 100 / u128::from(total);
                format!("{} of {} ({percent}%)", bytes(self.bytes), bytes(total))
            }
            _ => bytes(self.bytes),
        }];
        parts.push(format!("{} lines", count(self.lines)));
        // In the first second a speed is noise.
        if self.elapsed >= Micros::SECOND {
            parts.push(format!("{} lines/s", count(self.per_second(self.lines))));
        }
        if let Some(left) = self.time_left() {
            parts.push(format!("{} left", span(left)));
        }
        parts.join("  ")
    }

    /// Returns the time left at the speed so far; `None` in the first second, without a total, or
    /// when nothing is left.
    pub fn time_left(self) -> Option<Micros> {
        let left = self
            .bytes_total?
            .checked_sub(self.bytes)
            .filter(|left| *left > 0)?;
        if self.elapsed < Micros::SECOND || self.bytes == 0 {
            return None;
        }
        let micros = u128::from(left) * u128::from(self.elapsed.0) / u128::from(self.bytes);
        u64::try_from(micros).ok().map(Micros)
    }

    fn per_second(self, of: u64) -> u64 {
        let scaled = u128::from(of) * 1_000_000 / u128::from(self.elapsed.0.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_speed_and_time_left() {
        let progress = Progress {
            bytes: 256 << 20,
            bytes_total: Some(1 << 30),
            lines: 824_000,
            elapsed: Micros::SECOND.times(2),
        };
        assert_eq!(
            progress.line(),
            "256.0 MiB of 1.0 GiB (25%)  824,000 lines  412,000 lines/s  6s left"
        );
    }

    #[test]
    fn says_only_what_is_known() {
        let pipe = Progress {
            bytes: 10,
            lines: 1,
            ..Progress::default()
        };
        assert_eq!(pipe.line(), "10 B  1 lines");
        let done = Progress {
            bytes_total: Some(10),
            elapsed: Micros::MINUTE,
            ..pipe
        };
        assert_eq!(done.line(), "10 B of 10 B (100%)  1 lines  0 lines/s");
        let grown = Progress {
            bytes: u64::MAX,
            ..done
        };
        assert!(grown.line().contains("(100%)") && grown.time_left().is_none());
    }
}

//! For how long bytes of a source have waited to be read, by this machine's clock: what the lines say
//! about their time plays no part.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// The most looks remembered of one source; beyond it every second one is forgotten.
const LOOKS_MAX: usize = 64;

/// Remembers how much of each source was written when.
#[derive(Debug, Default)]
pub(super) struct Lags {
    looks: BTreeMap<String, VecDeque<Look>>,
}

/// At `at` the source held `written` bytes, of which not all are read yet.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    written: u64,
}

/// How much of a source is read, and how much is not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    pub(super) read: u64,
    pub(super) unread: u64,
}

impl Lags {
    /// Takes a look at a source; returns for how long its first byte that is not read has been there.
    /// What was there at the first look may be older.
    pub(super) fn look(&mut self, at: Instant, source: &str, amount: Amount) -> Duration {
        if amount.unread == 0 {
            self.looks.remove(source);
            return Duration::ZERO;
        }
        let written = amount.read.saturating_add(amount.unread);
        let looks = self.looks.entry(source.to_owned()).or_default();
        match looks.back() {
            Some(last) if last.written == written => {}
            Some(last) if last.written < written => looks.push_back(Look { at, written }),
            // Less than before: other files than before.
            _ => *looks = VecDeque::from([Look { at, written }]),
        }
        while looks
            .front()
            .is_some_and(|first| first.written <= amount.read)
        {
            looks.pop_front();
        }
        if looks.len() > LOOKS_MAX {
            let mut idx = 0;
            looks.retain(|_| {
                idx += 1;
                idx % 2 == 1
            });
        }
        looks
            .front()
            .map_or(Duration::ZERO, |first| at.duration_since(first.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_wait_from_when_they_were_first_seen() {
        let start = Instant::now();
        let mut lags = Lags::default();
        let mut look = |second, read, unread| {
            let at = start + Duration::from_secs(second);
            lags.look(at, "a", Amount { read, unread }).as_secs()
        };
        assert_eq!(look(0, 100, 0), 0);
        assert_eq!(look(1, 100, 50), 0);
        assert_eq!(look(3, 120, 30), 2);
        assert_eq!(look(4, 120, 80), 3);
        // The bytes seen at second 1 are read; those first seen at second 4 are not.
        assert_eq!(look(6, 150, 50), 2);
        assert_eq!(look(7, 200, 0), 0);
        assert_eq!(look(9, 200, 10), 0);
        // The file was replaced by a shorter one.
        assert_eq!(look(12, 0, 10), 0);
        assert_eq!(look(13, 0, 10), 1);
    }

    #[test]
    fn a_reader_that_never_catches_up_takes_no_memory() {
        let start = Instant::now();
        let mut lags = Lags::default();
        for n in 0..10_000_u64 {
            let amount = Amount {
                read: 10 * n,
                unread: 90_000 + n,
            };
            let lag = lags.look(start + Duration::from_millis(100 * n), "a", amount);
            assert!(lag <= Duration::from_millis(100 * n));
        }
        assert!(lags.looks["a"].len() <= LOOKS_MAX);
    }
}

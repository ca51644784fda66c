//! How many requests come after a changed one in their session: what a session has seen by then would differ.

use hashbrown::HashMap;

use super::sample::is_kept;

/// How many sessions are followed.
const SESSIONS_MAX: usize = 1 << 18;

#[derive(Debug, Clone, Copy, Default)]
struct Session {
    requests: u32,
    /// Of them, after the first changed one.
    later: u32,
    is_changed: bool,
}

/// Sessions in the order of the log: all of them, or those with some hashes.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions {
    level: u32,
    seen: HashMap<u64, Session>,
}

impl Sessions {
    pub(super) fn add(&mut self, session: u64, is_changed: bool) {
        if !is_kept(self.level, session) {
            return;
        }
        let seen = self.seen.entry(session).or_default();
        seen.requests = seen.requests.saturating_add(1);
        seen.later = seen.later.saturating_add(u32::from(seen.is_changed));
        seen.is_changed |= is_changed;
        self.thin();
    }

    /// Adds what came after everything seen so far.
    pub(super) fn merge(&mut self, later: Self) {
        let level = self.level.max(later.level);
        for (session, after) in later.seen {
            let seen = self.seen.entry(session).or_default();
            seen.requests = seen.requests.saturating_add(after.requests);
            let more = if seen.is_changed {
                after.requests
            } else {
                after.later
            };
            seen.later = seen.later.saturating_add(more);
            seen.is_changed |= after.is_changed;
        }
        self.raise(level);
        self.thin();
    }

    fn thin(&mut self) {
        while self.seen.len() > SESSIONS_MAX && self.level < u64::BITS {
            self.raise(self.level + 1);
        }
    }

    fn raise(&mut self, level: u32) {
        if level > self.level {
            self.level = level;
            self.seen.retain(|session, _| is_kept(level, *session));
        }
    }

    /// Returns how many requests come after a changed one; an estimate where not all sessions were followed.
    pub(super) fn later(&self) -> u64 {
        let later: u64 = self.seen.values().map(|seen| u64::from(seen.later)).sum();
        later.saturating_mul(1_u64.checked_shl(self.level).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_count_like_the_whole() {
        let log = [
            (1, false),
            (1, true),
            (2, false),
            (1, false),
            (2, true),
            (1, true),
            (2, false),
        ];
        for cut in 0..=log.len() {
            let mut parts = [Sessions::default(), Sessions::default()];
            for (idx, (session, is_changed)) in log.iter().enumerate() {
                parts[usize::from(idx >= cut)].add(*session, *is_changed);
            }
            let [mut first, second] = parts;
            first.merge(second);
            assert_eq!(first.later(), 3, "cut at {cut}");
        }
    }
}

//! How far an ingest is, for whoever draws it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters that the ingest threads move and any thread may read.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of all files attached, as they lie on the disk.
    pub bytes_total: AtomicU64,
    /// Bytes read of them, as they lie on the disk.
    pub bytes_done: AtomicU64,
    /// Lines handed to the sink.
    pub lines: AtomicU64,
    /// Events handed to the sink.
    pub events: AtomicU64,
    /// Lines in quarantine.
    pub quarantined: AtomicU64,
    /// Lines of noise.
    pub noise: AtomicU64,
    /// Empty lines.
    pub blank: AtomicU64,
    /// Sources that wait for a file, a permission or a connection.
    pub sources_waiting: AtomicU64,
    feeds: Mutex<BTreeMap<usize, FeedProgress>>,
    notice: Notice,
}

/// What is called when a source enters another state.
#[derive(Default)]
struct Notice(Option<Box<dyn Fn() + Send + Sync>>);

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}

/// How far the files of one machine are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FeedProgress {
    pub(super) bytes_total: u64,
    pub(super) bytes_done: u64,
    pub(super) sources: Vec<SourceStatus>,
}

/// One file of a source as the sources page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// The source as the user named it.
    pub source: String,
    /// The path of the file.
    pub path: String,
    /// The state in words: `reading`, `following`, `waiting for file`, `permission denied`, `stdin closed`,
    /// `reconnecting (3rd try, next in 4 s)`, …
    pub state: Cow<'static, str>,
    /// How well that is.
    pub health: Health,
    /// Bytes on the disk that were not read yet.
    pub lag_bytes: u64,
    /// How far the file was read, in plain bytes.
    pub offset: u64,
    /// More about the state, e.g. where a file is damaged or what `ssh` said; may be empty. Fit to be
    /// shown.
    pub detail: String,
}

/// Whether lines come from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As they are written.
    Fine,
    /// No more will come, and that is no fault.
    Over,
    /// Not now; it is tried again.
    Waiting,
    /// Not all of them.
    Broken,
}

impl Progress {
    /// Starts with something that is called when a source enters another state, from any thread.
    pub fn with_notice(notice: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            notice: Notice(Some(Box::new(notice))),
            ..Self::default()
        }
    }

    /// Returns the state of every file.
    pub fn sources(&self) -> Vec<SourceStatus> {
        let feeds = self.locked();
        feeds
            .values()
            .flat_map(|feed| feed.sources.clone())
            .collect()
    }

    /// Returns every source once: the state of its worst file, and the sums of all of them.
    pub fn by_source(&self) -> Vec<SourceStatus> {
        let feeds = self.locked();
        let mut sources = BTreeMap::<&str, SourceStatus>::new();
        for file in feeds.values().flat_map(|feed| &feed.sources) {
            let Some(sum) = sources.get_mut(file.source.as_str()) else {
                sources.insert(&file.source, file.clone());
                continue;
            };
            let (lag_bytes, offset) = (sum.lag_bytes, sum.offset);
            // A file that is over says nothing about a source of which another is read.
            let rank = |one: &SourceStatus| (one.health != Health::Over, one.health);
            if rank(file) > rank(sum) {
                *sum = file.clone();
            }
            sum.lag_bytes = lag_bytes.saturating_add(file.lag_bytes);
            sum.offset = offset.saturating_add(file.offset);
        }
        sources.into_values().collect()
    }

    /// Returns the worst of what is not as it should be, in a few words; a pipe that ended counts, since
    /// nothing new will be seen of it.
    pub fn trouble(&self) -> Option<String> {
        let sources = self.sources();
        let ended = |one: &&SourceStatus| one.health != Health::Fine && one.state != READ;
        let worst = sources.iter().filter(ended).max_by_key(|one| one.health)?;
        let others = sources.iter().filter(ended).count() - 1;
        let mut text = match worst.source.as_str() {
            "-" => worst.state.to_string(),
            _ => format!("{}: {}", worst.path, worst.state),
        };
        if !worst.detail.is_empty() {
            text.push_str(&format!(": {}", worst.detail));
        }
        if others > 0 {
            text.push_str(&format!(" (and {others} more)"));
        }
        Some(text)
    }

    /// Takes over what one feed tells.
    pub(super) fn set(&self, feed: usize, progress: FeedProgress) {
        let states = |of: Option<&FeedProgress>| -> Vec<(String, Cow<'static, str>)> {
            let sources = of.map_or(&[][..], |of| of.sources.as_slice());
            let off = sources.iter().filter(|one| one.health != Health::Fine);
            off.map(|one| (one.path.clone(), one.state.clone()))
                .collect()
        };
        let is_news = {
            let mut feeds = self.locked();
            let is_news = states(feeds.get(&feed)) != states(Some(&progress));
            feeds.insert(feed, progress);
            let sum = |of: fn(&FeedProgress) -> u64| feeds.values().map(of).sum();
            self.bytes_total
                .store(sum(|feed| feed.bytes_total), Ordering::Relaxed);
            self.bytes_done
                .store(sum(|feed| feed.bytes_done), Ordering::Relaxed);
            let waiting = sum(|feed| {
                let waiting = |one: &&SourceStatus| one.health == Health::Waiting;
                u64::try_from(feed.sources.iter().filter(waiting).count()).unwrap_or(0)
            });
            self.sources_waiting.store(waiting, Ordering::Relaxed);
            is_news
        };
        if is_news && let Notice(Some(notice)) = &self.notice {
            notice();
        }
    }

    /// Returns what one feed told last.
    pub(super) fn of_feed(&self, feed: usize) -> FeedProgress {
        self.locked().get(&feed).cloned().unwrap_or_default()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<usize, FeedProgress>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a file that was read to its end in a run that does not follow.
pub(super) const READ: &str = "read";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(
        source: &str,
        state: &'static str,
        health: Health,
        numbers: (u64, u64),
    ) -> SourceStatus {
        SourceStatus {
            source: source.to_owned(),
            path: format!("{source}.{state}"),
            state: Cow::Borrowed(state),
            health,
            lag_bytes: numbers.0,
            offset: numbers.1,
            detail: String::new(),
        }
    }

    #[test]
    fn a_source_is_as_well_as_its_worst_file_that_is_read() {
        let progress = Progress::default();
        let feed = |sources| FeedProgress {
            sources,
            ..FeedProgress::default()
        };
        progress.set(
            0,
            feed(vec![
                file("a", READ, Health::Over, (0, 100)),
                file("a", "following", Health::Fine, (0, 20)),
                file("b", READ, Health::Over, (0, 1)),
            ]),
        );
        progress.set(
            1,
            feed(vec![
                file("c", "reading", Health::Fine, (5, 6)),
                file("c", "permission denied", Health::Waiting, (0, 0)),
                file("c", "following", Health::Fine, (0, 7)),
            ]),
        );
        let told = progress.by_source();
        let told: Vec<_> = told
            .iter()
            .map(|one| (&*one.source, &*one.state, one.lag_bytes, one.offset))
            .collect();
        assert_eq!(
            told,
            [
                ("a", "following", 0, 120),
                ("b", READ, 0, 1),
                ("c", "permission denied", 5, 13)
            ]
        );
    }
}

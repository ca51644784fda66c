//! The follower's files in the words of the sources page.

use std::borrow::Cow;

use super::follow::Follower;
use super::pipe::Pipe;
use super::progress::{FeedProgress, Health, READ, SourceStatus};
use super::reader::Reader;
use super::tracked::{Damage, Tracked, Watched};

/// Tells how far a follower is and how each of its files does.
pub(super) fn progress_of(follower: &Follower) -> FeedProgress {
    let lags: u64 = follower.tracked.iter().map(lag).sum();
    let tracked = follower.tracked.iter().map(of_tracked);
    let watched = follower.watched.values().filter_map(of_watched);
    let pipes = follower.pipes.iter().map(of_pipe);
    let damaged = follower.damage.values().map(of_damage);
    FeedProgress {
        bytes_done: follower.bytes_done,
        bytes_total: follower.bytes_done.saturating_add(lags),
        sources: tracked.chain(watched).chain(pipes).chain(damaged).collect(),
    }
}

fn lag(at: &Tracked) -> u64 {
    match &at.reader {
        _ if at.is_finished => 0,
        Some(Reader::Packed(packed)) => at.size.saturating_sub(packed.taken()),
        _ => at.size.saturating_sub(at.trace.offset()),
    }
}

fn of_tracked(at: &Tracked) -> SourceStatus {
    let lag_bytes = lag(at);
    let state = match (at.is_finished, at.is_rotated, lag_bytes) {
        (true, ..) => READ,
        (_, true, _) => "finishing rotated file",
        (_, _, 0) => "following",
        _ => "reading",
    };
    SourceStatus {
        source: at.label.clone(),
        path: at.path.to_string_lossy().into_owned(),
        state: Cow::Borrowed(state),
        health: if at.is_finished {
            Health::Over
        } else {
            Health::Fine
        },
        lag_bytes,
        offset: at.trace.offset(),
        detail: String::new(),
    }
}

/// A path of which no file is read.
fn of_watched(watched: &Watched) -> Option<SourceStatus> {
    let is_read = matches!(watched.state, "following" | "reading pipe");
    (!is_read).then(|| SourceStatus {
        source: watched.label.clone(),
        path: watched.path.to_string_lossy().into_owned(),
        state: Cow::Borrowed(watched.state),
        health: Health::Waiting,
        lag_bytes: 0,
        offset: 0,
        detail: String::new(),
    })
}

fn of_pipe(pipe: &Pipe) -> SourceStatus {
    let state = match (pipe.is_closed, pipe.label.as_str()) {
        (false, "-") => "reading stdin",
        (false, _) => "reading pipe",
        (true, "-") => "stdin closed",
        (true, _) => "pipe closed",
    };
    SourceStatus {
        source: pipe.label.clone(),
        path: pipe.label.clone(),
        state: Cow::Borrowed(state),
        health: if pipe.is_closed {
            Health::Over
        } else {
            Health::Fine
        },
        lag_bytes: 0,
        offset: pipe.offset,
        detail: String::new(),
    }
}

fn of_damage(damage: &Damage) -> SourceStatus {
    SourceStatus {
        source: damage.label.clone(),
        path: damage.path.to_string_lossy().into_owned(),
        state: Cow::Owned(format!("damaged at byte {}", damage.offset)),
        health: Health::Broken,
        lag_bytes: 0,
        offset: damage.offset,
        detail: damage.reason.clone(),
    }
}

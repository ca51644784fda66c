//! Files on another host, reached through the system's `ssh` with the user's own configuration.
//!
//! ```text
//! Follower -- RemoteFiles -- Connection -- ssh -- the host's sh, evaluating assets/remote/answer.sh
//!   asks        remembers      frames
//! ```
//!
//! The follower is the same as for files of this machine: only looking at and opening files differ, so
//! rotation, truncation and copies are told by the same rules. The far end only answers; it ends when its
//! input does. A lost connection is treated like a crash: nothing is concluded from it, and the next
//! connection starts from what is stored.

mod address;
mod connection;
mod feed;
mod files;
mod frame;
mod process;

/// What every path on another host begins with.
pub(super) const PREFIX: &str = "ssh://";

pub use address::Address;
pub(super) use feed::{Feed, FeedOptions};

//! Requests counted by minute and by what was known of them before their outcome.
//!
//! [`Gathered`] is what a batch or a transaction changes; [`SliceWriter`] numbers the tuples, joins the changes
//! with the minutes on disk and writes those. `bytes` has the layout of the blobs, `tuples` and `dictionary` bound
//! how many tuples there are. [`SliceCheck`] compares what is on disk with the rows.

mod bytes;
mod check;
mod dictionary;
mod gather;
mod minute;
mod tuples;
mod write;

pub(super) use bytes::{read_costs, read_counts, read_loads};
pub(super) use check::SliceCheck;
pub(super) use gather::Gathered;
pub(super) use minute::Count;
pub(super) use tuples::load_tuples;
pub(super) use write::SliceWriter;

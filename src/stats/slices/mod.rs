//! Slices: requests counted by what was known of them before their outcome.
//!
//! [`Tuple`] holds the values of every attribute of a request, [`Load`] how long its answer was and took,
//! [`SliceCounts`] what is counted of requests that share values. The store keeps these counts by minute;
//! whoever compares slices reads them here and never a row.

mod attribute;
mod cost;
mod counts;
mod load;
mod tuple;

pub use attribute::{Attribute, Value, Word};
pub use counts::{Slice, SliceCounts, Slices, Usage};
pub use load::Load;
pub use tuple::Tuple;

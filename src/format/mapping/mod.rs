//! A user's mapping: facts that a format could not tell, and lines of no known format.
//!
//! [`Plan`] is what the mapping file says, made ready once. A line is looked at in one walk
//! ([`View`]); [`fill`] adds what the format left open, [`correct`] makes corrections, [`line`] ties
//! both to lines. A reader of spans makes a [`View`] of each span's attributes and fills by itself.

mod correct;
mod fill;
mod find;
pub(super) mod line;
mod plan;
mod view;

pub(super) use plan::Plan;

#[cfg(test)]
mod tests;

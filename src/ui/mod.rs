//! Drawing: pure functions from [`crate::app::App`] to cells. Nothing here keeps state, reads a clock
//! or writes back. Foreign text becomes cells only through `text`.

mod chart;
mod draw;
mod plain;
mod screen;
#[cfg(test)]
mod tests;
mod text;
mod theme;

pub use draw::draw;
pub use plain::page_text;
pub use theme::{Glyphs, Role as StyleRole, Theme};

//! One file a page; each draws from the state into a canvas.

pub mod changes;
pub mod decisions;
pub mod explain;
mod figures;
pub mod filter;
pub mod help;
pub mod overview;
pub mod policies;
pub mod route;
pub mod sources;

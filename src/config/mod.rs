//! The environment and what follows from it, as plain values.
//!
//! Nothing here reads the environment: variables enter as pairs, answers leave as values.

mod capabilities;
mod environment;

pub use capabilities::{Capabilities, Colour, Theme, ThemeChoice, Wishes};
pub use environment::Environment;

//! Pages as lines of text, before they are drawn: what is said, in which order and weight.

pub mod alarms;
pub mod changes;
pub mod changes_chart;
pub mod judgement;
mod line;
pub mod policies;
pub mod rejects;
mod source_state;
pub mod sources;

pub use line::{Cell, Line, Weight};

//! Pages as lines of text, before they are drawn: what is said, in which order and weight.

pub mod alarms;
pub mod changes;
pub mod changes_chart;
pub mod decision;
pub mod judgement;
mod line;
pub mod policies;
pub mod rejects;
pub mod replay;
mod source_state;
pub mod sources;
pub mod trial;
pub mod work;

pub use line::{Cell, Line, Weight};

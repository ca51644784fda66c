//! What is shown, without drawing: state, messages, update, effects, the command table, judgements
//! and numbers in words. Data enters as [`Message`], leaves as [`Effect`]; no I/O, no clock.

mod command;
mod compare;
pub mod drill;
pub mod filtering;
#[cfg(test)]
pub mod fixture_alarms;
#[cfg(test)]
pub mod fixture_changes;
#[cfg(test)]
pub mod fixtures;
mod history;
mod ingest;
pub mod judge;
mod key;
mod keymap;
mod line_edit;
pub mod palette;
mod prompt;
pub mod share;
mod state;
mod trial;
pub mod units;
mod update;
pub mod view;
mod window;
mod zone;

pub use command::{Action, COMMANDS, Command, Group, Scope};
pub use ingest::{Flow, IngestStatus, LiveSource, Role};
pub use judge::{Change, Judged, Judgement, Metric, Severity, Sort};
pub use key::{Code, Key};
pub use keymap::{Keymap, KeymapError};
pub use line_edit::LineEdit;
pub use prompt::{Asked, Prompt};
pub use share::ExportFormat;
pub use state::{App, DecisionList, Effect, Message, Paused, Settings, ThemeName};
pub use trial::{Trial, TrialQuestion, TrialState, Trials};
pub use update::update;
pub use zone::{Zone, read_time};

//! What is shown, without drawing: state, messages, update, effects, the command table, judgements
//! and numbers in words. Data enters as [`Message`], leaves as [`Effect`]; no I/O, no clock.

mod command;
#[cfg(test)]
pub mod fixture_alarms;
#[cfg(test)]
pub mod fixture_changes;
#[cfg(test)]
pub mod fixtures;
mod ingest;
pub mod judge;
mod key;
mod state;
pub mod units;
mod update;
pub mod view;

pub use command::{Action, COMMANDS, Command, Group, Scope, action_of};
pub use ingest::{Flow, IngestStatus, LiveSource, Role};
pub use judge::{Change, Judged, Judgement, Metric, Severity, Sort};
pub use key::{Code, Key};
pub use state::{App, DecisionList, Effect, Message, Paused, Settings, ThemeName};
pub use update::update;

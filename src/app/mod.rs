//! What is shown, without drawing: state, messages, update, effects, the command table, judgements
//! and numbers in words. Data enters as [`Message`], leaves as [`Effect`]; no I/O, no clock.

mod command;
#[cfg(test)]
pub mod fixtures;
pub mod judge;
mod key;
mod state;
pub mod units;
mod update;
pub mod view;

pub use command::{Action, COMMANDS, Command, Group, Scope, action_of};
pub use judge::{Change, Judged, Judgement, Metric, Severity, Sort};
pub use key::{Code, Key};
pub use state::{
    App, DecisionList, Effect, IngestStatus, Message, Paused, Role, Settings, ThemeName,
};
pub use update::update;

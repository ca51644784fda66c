//! The line that is typed at the top of a page: a filter, a time, or the name of a command.

use super::line_edit::LineEdit;
use crate::stats::Filter;

/// What is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A filter, and the one to go back to.
    Filter(Filter),
    /// A time to go to.
    Time,
    /// A command, and the place of the chosen one among those that match.
    Command(usize),
    /// The form of a report: one key.
    Export,
}

/// The line as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is typed.
    pub asked: Asked,
    /// The line.
    pub line: LineEdit,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Prompt {
    /// Makes a line with a text in it.
    pub fn new(asked: Asked, text: &str) -> Self {
        Self {
            asked,
            line: LineEdit::new(text),
            error: None,
        }
    }
}

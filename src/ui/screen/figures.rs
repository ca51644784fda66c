//! Rates and severities as every page writes them.

use crate::app::view::Line;
use crate::app::{Severity, units};
use crate::stats::Rate;
use crate::ui::text::Row;
use crate::ui::theme::Role;

/// Returns the role of a severity.
pub fn role_of(severity: Severity) -> Role {
    match severity {
        Severity::Act => Role::Act,
        Severity::Watch => Role::Watch,
        Severity::Fine | Severity::TooLittle => Role::Plain,
    }
}

/// Returns a rate in its field: `8.9`, `-- n=7`, `n/l` for not logged.
pub fn rate_text(rate: Rate, is_not_logged: bool) -> String {
    match rate.share() {
        None if is_not_logged => "n/l".to_owned(),
        Some(share) if rate.is_shown() => units::percent(share),
        _ => "--".to_owned(),
    }
}

/// Draws a line of a view model.
pub fn line_row(line: &Line) -> Row {
    line.0.iter().fold(Row::new(), |row, cell| {
        let role = Role::from(cell.weight);
        match (cell.width, cell.is_right) {
            (None, _) => row.say(&cell.text, role),
            (Some(width), false) => row.left(&cell.text, width, role),
            (Some(width), true) => row.right(&cell.text, width, role),
        }
    })
}

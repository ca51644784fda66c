//! Rates and severities as every page writes them.

use crate::app::{Severity, units};
use crate::stats::Rate;
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

//! The command line that opens a page again, ready for a shell.

use crate::model::{Timestamp, Window};
use crate::stats::alarms::Alarm;
use crate::stats::changes::Metric;

/// What changed on a route, in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageCommand<'a> {
    /// The database as it was named.
    pub database: &'a str,
    /// The route; `None`: all.
    pub route: Option<&'a str>,
    /// What may have become worse.
    pub metric: Metric,
    /// The window.
    pub window: Window,
}

impl<'a> PageCommand<'a> {
    /// Returns that of an alarm at the time of the survey.
    pub fn of_alarm(alarm: &'a Alarm, at: Timestamp, database: &'a str) -> Self {
        Self {
            database,
            route: Some(&alarm.route),
            metric: alarm.metric,
            window: alarm.window(at),
        }
    }

    /// Returns the line.
    pub fn text(&self) -> String {
        let view = match self.route {
            Some(route) => format!("changes:{route}"),
            None => "changes".to_owned(),
        };
        format!(
            "routetop --db {} --view {} --metric {} --from {} --to {}",
            quoted(self.database),
            quoted(&view),
            self.metric.word(),
            self.window.from.to_rfc3339(),
            self.window.to.to_rfc3339()
        )
    }
}

/// Returns a word as a shell takes it (POSIX.1-2017, Shell Command Language, 2.2.2).
pub fn quoted(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-./:@%+,".contains(char);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_program_as_they_are() {
        for (word, text) in [
            ("/var/db/routes.db", "/var/db/routes.db"),
            ("changes:support-chat", "changes:support-chat"),
            ("a b", "'a b'"),
            ("$(rm -rf)", "'$(rm -rf)'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("-x", "'-x'"),
            ("\u{e9}", "'\u{e9}'"),
        ] {
            assert_eq!(quoted(word), text);
        }
    }
}

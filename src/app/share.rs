//! What is handed to somebody else: the command that opens this page again.

use super::{App, Scope};
use crate::model::Timestamp;
use crate::stats::Span;

/// The form of a report that is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON document.
    Json,
    /// A row a route.
    Csv,
    /// A page to paste.
    Markdown,
}

impl ExportFormat {
    /// Every form with its key and the ending of its file.
    pub const ALL: [(Self, char, &'static str); 3] = [
        (Self::Json, 'j', "json"),
        (Self::Csv, 'c', "csv"),
        (Self::Markdown, 'm', "md"),
    ];

    /// Returns the form of a key.
    pub(super) fn of_key(key: char) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == key).map(|row| row.0)
    }

    /// Returns the ending of its file.
    pub fn ending(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.2)
    }
}

/// Returns the command line that opens this page, with absolute times.
pub fn command(app: &App) -> String {
    let of = |page: &str, target: Option<&String>| match target {
        Some(target) => format!("{page}:{target}"),
        None => page.to_owned(),
    };
    let view = match app.scope() {
        Scope::Overview => None,
        Scope::Route => Some(of("route", app.route.as_ref())),
        Scope::Decisions => Some(of("decisions", app.decisions.route.as_ref())),
        Scope::Explain => Some(of("explain", app.explained.as_ref())),
        Scope::Changes => Some(of("changes", app.route.as_ref())),
        Scope::Policies => Some("policies".to_owned()),
        Scope::Sources => Some("sources".to_owned()),
    };
    let mut words = vec![
        "routetop".to_owned(),
        "--db".to_owned(),
        app.settings.database.clone(),
    ];
    words.extend(
        view.into_iter()
            .flat_map(|view| ["--view".to_owned(), view]),
    );
    match app
        .snapshot
        .as_ref()
        .map(|snapshot| (snapshot.query.span, snapshot.window))
    {
        Some((Span::All, _)) => words.push("--all".to_owned()),
        Some((_, window)) => {
            let time = |ts: Timestamp| ts.to_string().replace(".000000Z", "Z");
            let (from, to) = (time(window.from), time(window.to));
            words.extend(["--from".to_owned(), from, "--to".to_owned(), to]);
        }
        None => {}
    }
    if !app.filter.is_empty() {
        words.extend(["--filter".to_owned(), app.filter.to_string()]);
    }
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    quoted.join(" ")
}

/// Quotes a word for a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, app, give, ordinary};
    use crate::app::{Key, Message, update};

    #[test]
    fn the_command_opens_page_window_and_filter() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        update(&mut app, Message::Key(Key::char('2')), NOW);
        update(&mut app, Message::Key(Key::char('/')), NOW);
        update(
            &mut app,
            Message::Paste("rule=\"it's late\"".to_owned()),
            NOW,
        );
        give(&mut app, ordinary);
        assert_eq!(
            command(&app),
            "routetop --db routes.db --view route:support-chat --from 2026-11-23T02:11:40Z \
             --to 2026-11-23T03:11:40Z --filter 'rule=\"it'\\''s late\"'"
        );
        app.stack = vec![Scope::Overview, Scope::Sources];
        assert!(command(&app).contains("--view sources"));
    }
}

//! The filter at work: typed at `/`, taken from what is selected, dropped term by term.

use super::history;
use super::line_edit::Edited;
use super::prompt::{Asked, Prompt};
use super::{App, Effect, Key, Scope};
use crate::model::Timestamp;
use crate::stats::{DecisionRow, Filter};

/// Opens the line on the present filter.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let text = app.filter.to_string();
    let gap = if text.is_empty() { "" } else { " " };
    let asked = Asked::Filter(app.filter.clone());
    app.prompt = Some(Prompt::new(asked, &format!("{text}{gap}")));
    Vec::new()
}

/// Takes a key while the line is open.
pub(super) fn press(app: &mut App, key: Key, now: Timestamp) -> Vec<Effect> {
    let Some(prompt) = &mut app.prompt else {
        return Vec::new();
    };
    match prompt.line.press(key) {
        Edited::Nothing => Vec::new(),
        Edited::Text => try_out(app, now),
        Edited::Done if prompt.error.is_some() => Vec::new(),
        Edited::Done => {
            if let Some(before) = close(app) {
                let place = history::Place::of(app).with_filter(before);
                history::remember(app, place);
            }
            Vec::new()
        }
        Edited::GivenUp => match close(app) {
            Some(before) => set(app, before, now),
            None => Vec::new(),
        },
    }
}

/// Closes the line; returns the filter that there was before.
fn close(app: &mut App) -> Option<Filter> {
    match app.prompt.take()?.asked {
        Asked::Filter(before) => Some(before),
        Asked::Time | Asked::Command(_) | Asked::Export => None,
    }
}

/// Types what was pasted.
pub(super) fn paste(app: &mut App, text: &str, now: Timestamp) -> Vec<Effect> {
    let Some(prompt) = &mut app.prompt else {
        return Vec::new();
    };
    prompt.line.insert(text.trim_end_matches(['\r', '\n']));
    match prompt.asked {
        Asked::Filter(_) => try_out(app, now),
        Asked::Time | Asked::Command(_) | Asked::Export => Vec::new(),
    }
}

/// What is typed counts at once, as soon as it can be read.
fn try_out(app: &mut App, now: Timestamp) -> Vec<Effect> {
    let Some(prompt) = &mut app.prompt else {
        return Vec::new();
    };
    match Filter::parse(&prompt.line.text()) {
        Ok(filter) => {
            prompt.error = None;
            set(app, filter, now)
        }
        Err(error) => {
            prompt.error = Some(format!("{error}: {}", error.hint));
            Vec::new()
        }
    }
}

/// Sets another filter.
pub(super) fn set(app: &mut App, filter: Filter, now: Timestamp) -> Vec<Effect> {
    if app.filter == filter {
        return Vec::new();
    }
    app.filter = filter;
    app.scroll = 0;
    app.reload(now)
}

/// Keeps, or drops, requests with the value that is selected.
pub(super) fn by_selected(app: &mut App, is_kept: bool, now: Timestamp) -> Vec<Effect> {
    let Some(value) = selected(app) else {
        app.notice = Some("no value is selected".to_owned());
        return Vec::new();
    };
    let filter = app.filter.and(&value.filter(is_kept));
    set(app, filter, now)
}

/// Selects another value of the selected decision.
pub(super) fn step_value(app: &mut App, is_next: bool) -> Vec<Effect> {
    let len = app
        .decisions
        .rows
        .get(app.decisions.selected)
        .map_or(0, |row| values(row).len());
    let at = app.decisions.value.min(len.saturating_sub(1));
    app.decisions.value = if is_next {
        (at + 1) % len.max(1)
    } else {
        at.checked_sub(1).unwrap_or(len.saturating_sub(1))
    };
    Vec::new()
}

/// A value that may be kept or dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    /// A value of a field; `None`: not known.
    Value(&'static str, Option<String>),
    /// A fact that is so.
    Flag(&'static str),
}

impl Selected {
    fn filter(&self, is_kept: bool) -> Filter {
        match self {
            Self::Value(field, value) => Filter::of_value(field, value.as_deref(), is_kept),
            Self::Flag(word) => {
                let sign = if is_kept { "" } else { "-" };
                Filter::parse(&format!("{sign}{word}")).unwrap_or_default()
            }
        }
    }

    /// Returns it as a filter reads.
    pub fn text(&self) -> String {
        self.filter(true).to_string()
    }
}

/// Returns the value that `+` keeps and `-` drops.
pub fn selected(app: &App) -> Option<Selected> {
    match app.scope() {
        Scope::Overview => Some(Selected::Value("route", app.selected_route.clone())),
        Scope::Decisions => {
            let row = app.decisions.rows.get(app.decisions.selected)?;
            let mut values = values(row);
            let at = app.decisions.value.min(values.len().checked_sub(1)?);
            Some(values.swap_remove(at))
        }
        _ => None,
    }
}

fn values(row: &DecisionRow) -> Vec<Selected> {
    let text = |text: &str| Some(text.to_owned());
    let model = |at: Option<&(std::sync::Arc<str>, &'static str)>| at.and_then(|at| text(&at.0));
    let mut values = vec![
        Selected::Value("model", model(row.models.first())),
        Selected::Value("route", text(&row.route)),
    ];
    if row.models.len() > 1 {
        values.push(Selected::Value("served", model(row.models.last())));
    }
    values.push(Selected::Value("rule", row.rule.as_deref().and_then(text)));
    if let Some(reason) = &row.reason {
        values.push(Selected::Value("reason", text(reason)));
    }
    let flags = [
        (row.is_corrected, "corrected"),
        (row.is_escalated, "escalated"),
        (row.is_fallback, "fallback"),
    ];
    values.extend(
        flags
            .iter()
            .filter(|flag| flag.0)
            .map(|flag| Selected::Flag(flag.1)),
    );
    values.push(Selected::Flag(row.state));
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, app, ordinary};
    use crate::app::{Code, Message, update};

    fn press(app: &mut App, key: Key) -> Vec<Effect> {
        update(app, Message::Key(key), NOW)
    }

    fn type_in(app: &mut App, text: &str) -> Vec<Effect> {
        text.chars()
            .flat_map(|char| press(app, Key::char(char)))
            .collect()
    }

    fn asked(effects: &[Effect]) -> String {
        match effects {
            [.., Effect::Ask(query)] => query.filter.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_typed_counts_at_once_and_esc_brings_back_what_was() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        press(&mut app, Key::char('/'));
        // Keys are text now, not commands.
        assert_eq!(asked(&type_in(&mut app, "lang=dq")), "lang=dq");
        assert!(!app.is_quitting);
        press(&mut app, Key::of(Code::Backspace));
        type_in(&mut app, " latency");
        assert!(type_in(&mut app, ">").is_empty());
        assert!(app.prompt.as_ref().unwrap().error.is_some());
        // An unfinished line is not taken.
        press(&mut app, Key::of(Code::Enter));
        assert!(app.prompt.is_some());
        assert_eq!(asked(&type_in(&mut app, "2s")), "lang=d latency>2s");
        press(&mut app, Key::of(Code::Enter));
        assert!(app.prompt.is_none());
        press(&mut app, Key::char('/'));
        assert_eq!(
            asked(&type_in(&mut app, "failed")),
            "lang=d latency>2s failed"
        );
        let effects = update(&mut app, Message::Paste(" x\n".to_owned()), NOW);
        assert_eq!(asked(&effects), "lang=d latency>2s failed x");
        assert_eq!(
            asked(&press(&mut app, Key::of(Code::Esc))),
            "lang=d latency>2s"
        );
        assert_eq!(asked(&press(&mut app, Key::of(Code::Esc))), "lang=d");
        assert_eq!(asked(&press(&mut app, Key::of(Code::Esc))), "");
        press(&mut app, Key::char('/'));
        assert_eq!(press(&mut app, Key::ctrl('c')), [Effect::Quit]);
    }

    #[test]
    fn a_selected_value_is_kept_or_dropped() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        let route = app.selected_route.clone().unwrap();
        assert_eq!(
            asked(&press(&mut app, Key::char('+'))),
            format!("route={route}")
        );
        app.filter = Filter::default();
        let mut app = self::app(Scope::Decisions, (80, 24), ordinary);
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(selected(&app).unwrap().text());
            press(&mut app, Key::char('l'));
        }
        assert_eq!(
            seen,
            [
                "model=small-8b",
                "route=support-chat",
                "served=mid-70b",
                "rule=default",
                "reason=\"low confidence\"",
                "corrected",
                "escalated",
                "completed",
            ]
        );
        assert_eq!(selected(&app).unwrap().text(), "model=small-8b");
        press(&mut app, Key::char('h'));
        assert_eq!(asked(&press(&mut app, Key::char('-'))), "-completed");
        assert!(
            press(&mut app, Key::char('-')).is_empty(),
            "no row is selected now"
        );
    }
}

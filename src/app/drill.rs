//! From a cause of what changed to the decisions behind it.

use super::{App, Effect, Scope};
use crate::model::{Timestamp, Window};
use crate::stats::changes::{Cause, Changes, Metric};
use crate::stats::{Filter, Value};

/// What stands for values beyond those that are told apart: no filter can ask for them.
const OTHER: &str = "(other)";

/// Returns the place of the selected cause, if there is any.
pub fn selected(app: &App, changes: &Changes) -> Option<usize> {
    let last = changes.causes.len().checked_sub(1)?;
    Some(app.cause.min(last))
}

/// Selects another cause.
pub(super) fn step(app: &mut App, is_next: bool) -> Vec<Effect> {
    let changes = app
        .snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.changes.clone());
    let Some((at, len)) = changes
        .as_ref()
        .and_then(|changes| Some((selected(app, changes)?, changes.causes.len())))
    else {
        app.notice = Some("nobody is hit more than the others".to_owned());
        return Vec::new();
    };
    app.cause = if is_next {
        (at + 1) % len
    } else {
        at.checked_sub(1).unwrap_or(len - 1)
    };
    Vec::new()
}

/// Lists the decisions of the selected cause that went wrong; without a cause those of the whole window.
pub(super) fn open(app: &mut App, now: Timestamp) -> Vec<Effect> {
    let Some(changes) = app
        .snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.changes.clone())
    else {
        return Vec::new();
    };
    let cause = selected(app, &changes).and_then(|at| changes.causes.get(at));
    app.filter = app.filter.and(&filter(&changes, cause));
    app.shifted = Some(window(&changes, cause));
    app.list_decisions(changes.route.clone());
    app.stack.push(Scope::Decisions);
    app.scroll = 0;
    vec![app.ask(now)]
}

/// What the requests share, and how they went wrong, where one word says it.
fn filter(changes: &Changes, cause: Option<&Cause>) -> Filter {
    let mut filter = Filter::default();
    for (attribute, value) in cause.into_iter().flat_map(|cause| cause.slice.iter()) {
        if **value != *OTHER {
            let known = Some(&**value).filter(|value| *value != Value::UNKNOWN_TEXT);
            filter = filter.and(&Filter::of_value(attribute, known, true));
        }
    }
    let went_wrong = match changes.metric {
        Metric::Correction => "corrected",
        Metric::Escalation => "escalated",
        Metric::Failure => "failed",
        Metric::FirstPass | Metric::Latency => "",
    };
    filter.and(&Filter::parse(went_wrong).unwrap_or_default())
}

/// From when on it went wrong.
fn window(changes: &Changes, cause: Option<&Cause>) -> Window {
    let onset = cause.and_then(|cause| cause.since).or(changes.since);
    let from = onset.map(|onset| onset.from.start());
    Window {
        from: from.map_or(changes.window.from, |from| {
            from.clamp(changes.window.from, changes.window.to)
        }),
        to: changes.window.to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, app, ordinary};
    use crate::app::{Code, Key, Message, update};

    #[test]
    fn enter_leads_to_the_decisions_behind_the_selected_cause() {
        let mut app = app(Scope::Changes, (80, 24), ordinary);
        let changes = app.snapshot.as_ref().unwrap().changes.clone().unwrap();
        let len = changes.causes.len();
        update(&mut app, Message::Key(Key::of(Code::Tab)), NOW);
        assert_eq!(selected(&app, &changes), Some(1 % len));
        update(&mut app, Message::Key(Key::of(Code::BackTab)), NOW);
        let effects = update(&mut app, Message::Key(Key::of(Code::Enter)), NOW);
        let [Effect::Ask(query)] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(app.scope(), Scope::Decisions);
        assert_eq!(app.decisions.route, changes.route);
        let shared = changes.causes[0].slice.iter();
        for (attribute, value) in shared {
            let term = Filter::of_value(attribute, Some(value), true).to_string();
            assert!(
                query.filter.texts().any(|text| text == term),
                "{term} in {}",
                query.filter
            );
        }
        assert!(
            query.filter.texts().any(|text| text == "corrected"),
            "{}",
            query.filter
        );
        // Since it went wrong for them, and not over the whole window where that began earlier.
        let shown = app.shifted.unwrap();
        let onset = changes.causes[0].since.map(|onset| onset.from.start());
        assert_eq!(shown.from, onset.unwrap().max(changes.window.from));
        assert!(shown.from < shown.to && shown.to == changes.window.to);
        // The history leads back to the finding.
        update(&mut app, Message::Key(Key::char('<')), NOW);
        assert_eq!(app.scope(), Scope::Changes);
        assert!(app.filter.is_empty() && app.shifted.is_none());
    }
}

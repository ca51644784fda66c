//! Back and forward through what was looked at.

use super::{App, Effect, Metric, Scope};
use crate::model::{Micros, Timestamp, Window};
use crate::stats::{Baseline, Filter};

/// So many places are remembered.
const PLACES_MAX: usize = 100;

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    stack: Vec<Scope>,
    route: Option<String>,
    listed_route: Option<String>,
    explained: Option<String>,
    metric: Metric,
    filter: Filter,
    baseline: Baseline,
    range_idx: usize,
    given_range: Option<Micros>,
    shifted: Option<Window>,
}

impl Place {
    /// Returns what is looked at.
    pub(super) fn of(app: &App) -> Self {
        Self {
            stack: app.stack.clone(),
            route: app.route.clone(),
            listed_route: app.decisions.route.clone(),
            explained: app.explained.clone(),
            metric: app.metric,
            filter: app.filter.clone(),
            baseline: app.baseline,
            range_idx: app.range_idx,
            given_range: app.given_range,
            shifted: app.shifted,
        }
    }

    /// Returns the same with another filter.
    pub(super) fn with_filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    fn show(self, app: &mut App, now: Timestamp) -> Vec<Effect> {
        app.stack = self.stack;
        app.route = self.route;
        app.explained = self.explained;
        app.metric = self.metric;
        app.filter = self.filter;
        app.baseline = self.baseline;
        app.range_idx = self.range_idx;
        app.given_range = self.given_range;
        app.shifted = self.shifted;
        app.scroll = 0;
        app.list_decisions(self.listed_route);
        vec![app.ask(now)]
    }
}

/// Remembers what was looked at before a key, when the key led elsewhere.
pub(super) fn remember(app: &mut App, before: Place) {
    if before == Place::of(app) {
        return;
    }
    if app.past.len() >= PLACES_MAX {
        app.past.remove(0);
    }
    app.past.push(before);
    app.future.clear();
}

/// Goes back, or forward again.
pub(super) fn step(app: &mut App, is_back: bool, now: Timestamp) -> Vec<Effect> {
    let here = Place::of(app);
    let (from, to) = if is_back {
        (&mut app.past, &mut app.future)
    } else {
        (&mut app.future, &mut app.past)
    };
    let Some(place) = from.pop() else {
        let end = if is_back {
            "nothing before"
        } else {
            "nothing behind"
        };
        app.notice = Some(format!("{end} this page in the history"));
        return Vec::new();
    };
    to.push(here);
    place.show(app, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, app, ordinary};
    use crate::app::{Code, Key, Message, update};

    #[test]
    fn back_and_forward_lead_through_pages_filters_and_windows() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        let press = |app: &mut App, key| update(app, Message::Key(key), NOW);
        let mut places = vec![Place::of(&app)];
        for key in [
            Key::of(Code::Enter),
            Key::char('['),
            Key::char('d'),
            Key::char('+'),
        ] {
            press(&mut app, key);
            let here = Place::of(&app);
            // A list without rows has no value to keep.
            if places.last() != Some(&here) {
                places.push(here);
            }
        }
        press(&mut app, Key::char('/'));
        for char in "corrected".chars() {
            press(&mut app, Key::char(char));
        }
        press(&mut app, Key::of(Code::Enter));
        places.push(Place::of(&app));
        for place in places.iter().rev().skip(1) {
            press(&mut app, Key::char('<'));
            assert_eq!(Place::of(&app), *place);
        }
        press(&mut app, Key::char('<'));
        assert!(app.notice.as_ref().unwrap().contains("nothing before"));
        for place in places.iter().skip(1) {
            press(&mut app, Key::char('>'));
            assert_eq!(Place::of(&app), *place);
        }
        // Another way ends the old one.
        press(&mut app, Key::char('<'));
        press(&mut app, Key::char('t'));
        press(&mut app, Key::char('>'));
        assert!(app.notice.as_ref().unwrap().contains("nothing behind"));
    }
}

//! The window of time that is shown: ranges, moving, zooming, and going to a time.

use super::line_edit::Edited;
use super::prompt::{Asked, Prompt};
use super::zone::{Zone, read_time};
use super::{App, Effect, Key};
use crate::model::{Micros, Timestamp, Window};
use crate::stats::Baseline;

/// The shortest and the longest range.
const RANGE_MIN: Micros = Micros::MINUTE;
const RANGE_MAX: Micros = Micros::DAY.times(366);

/// Shows the next range of the list.
pub(super) fn cycle_range(app: &mut App, now: Timestamp) -> Vec<Effect> {
    app.given_range = None;
    app.range_idx = (app.range_idx + 1) % App::RANGES.len();
    app.shifted = None;
    freeze(app);
    app.reload(now)
}

/// What is frozen is frozen over the range that is shown.
fn freeze(app: &mut App) {
    let range = app.range();
    if let Some(paused) = &mut app.paused {
        paused.window = range.map(|range| Window {
            from: paused.since.minus(range),
            to: paused.since,
        });
    }
}

/// Moves by half the range.
pub(super) fn shift(app: &mut App, is_later: bool, now: Timestamp) -> Vec<Effect> {
    let Some((window, range)) = shown(app) else {
        return Vec::new();
    };
    if is_later && app.shifted.is_none() {
        app.notice = Some("this is the newest window".to_owned());
        return Vec::new();
    }
    let half = Micros(range.0 / 2);
    let to = if is_later {
        window.to.plus(half)
    } else {
        window.to.minus(half)
    };
    end_at(app, to, range, now)
}

/// Shows twice or half as much, around the middle of a past window, or before now.
pub(super) fn zoom(app: &mut App, is_out: bool, now: Timestamp) -> Vec<Effect> {
    let Some((window, range)) = shown(app) else {
        return Vec::new();
    };
    let wanted = if is_out {
        range.times(2)
    } else {
        Micros(range.0 / 2)
    };
    let wanted = wanted.clamp(RANGE_MIN, RANGE_MAX);
    app.given_range = Some(wanted);
    if app.shifted.is_none() {
        freeze(app);
        return app.reload(now);
    }
    let middle = window.from.plus(Micros(range.0 / 2));
    end_at(app, middle.plus(Micros(wanted.0 / 2)), wanted, now)
}

/// Returns the window and its length; says why when everything is shown.
fn shown(app: &mut App) -> Option<(Window, Micros)> {
    let window = app.snapshot.as_ref().map(|snapshot| snapshot.window);
    let window = app.shifted.or(window)?;
    let range = app.shifted.map(Window::len).or(app.range());
    if range.is_none() {
        app.notice = Some("everything is shown: choose a range with t".to_owned());
    }
    Some((window, range?))
}

/// Shows so long before `to`, or the newest window when that is later than anything.
fn end_at(app: &mut App, to: Timestamp, range: Micros, now: Timestamp) -> Vec<Effect> {
    let newest = app.paused.map_or(now, |paused| paused.since);
    app.shifted = (to < newest).then_some(Window {
        from: to.minus(range),
        to,
    });
    app.reload(now)
}

/// Opens the line for a time.
pub(super) fn ask_time(app: &mut App) -> Vec<Effect> {
    app.prompt = Some(Prompt::new(Asked::Time, ""));
    Vec::new()
}

/// Takes a key while a time is typed.
pub(super) fn press_time(app: &mut App, key: Key, now: Timestamp) -> Vec<Effect> {
    let Some(prompt) = &mut app.prompt else {
        return Vec::new();
    };
    match prompt.line.press(key) {
        Edited::Text => prompt.error = None,
        Edited::Nothing => {}
        Edited::GivenUp => app.prompt = None,
        Edited::Done => {
            let text = prompt.line.text();
            let from = app.paused.map_or(now, |paused| paused.since);
            let Some(at) = read_time(&text, from, Zone::Utc) else {
                prompt.error = Some(format!(
                    "`{}` is no time: write 02:41, yesterday 14:05, or 2026-11-23T02:41:00Z",
                    text.trim()
                ));
                return Vec::new();
            };
            app.prompt = None;
            let range = app.range().unwrap_or(Micros::HOUR);
            return end_at(app, at.plus(Micros(range.0 / 2)), range, now);
        }
    }
    Vec::new()
}

/// Compares with the next kind of baseline.
pub(super) fn cycle_baseline(app: &mut App, now: Timestamp) -> Vec<Effect> {
    app.baseline = match app.baseline {
        Baseline::Auto => Baseline::Before,
        Baseline::Before => Baseline::None,
        Baseline::None => Baseline::Auto,
    };
    vec![app.ask(now)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, app, ordinary};
    use crate::app::{Code, Message, Scope, update};
    use crate::stats::Span;

    fn press(app: &mut App, key: Key) -> Option<Span> {
        match update(app, Message::Key(key), NOW).as_slice() {
            [.., Effect::Ask(query)] => Some(query.span),
            _ => None,
        }
    }

    fn window(span: Option<Span>) -> Window {
        match span {
            Some(Span::Between(window)) => window,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_time_is_gone_to_and_what_is_none_is_explained() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        press(&mut app, Key::char('T'));
        for char in "25:99".chars() {
            press(&mut app, Key::char(char));
        }
        assert_eq!(press(&mut app, Key::of(Code::Enter)), None);
        let error = app.prompt.as_ref().unwrap().error.clone().unwrap();
        assert!(error.contains("`25:99` is no time"), "{error}");
        press(&mut app, Key::ctrl('u'));
        for char in "yesterday 14:05".chars() {
            press(&mut app, Key::char(char));
        }
        let shown = window(press(&mut app, Key::of(Code::Enter)));
        // 2026-11-22 14:05 stands in the middle of the hour.
        let at = Timestamp(1_795_356_300_000_000);
        assert_eq!(shown.from, at.minus(Micros::MINUTE.times(30)));
        assert_eq!(shown.len(), Micros::HOUR);
        assert!(app.prompt.is_none());
    }

    #[test]
    fn zooming_keeps_the_middle_of_a_past_window() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        assert_eq!(
            press(&mut app, Key::char('(')),
            Some(Span::Last(Micros::HOUR.times(2)))
        );
        assert_eq!(
            press(&mut app, Key::char(')')),
            Some(Span::Last(Micros::HOUR))
        );
        press(&mut app, Key::char('['));
        let past = window(press(&mut app, Key::char('[')));
        let wide = window(press(&mut app, Key::char('(')));
        assert_eq!(wide.len(), Micros::HOUR.times(2));
        let middle = |window: Window| window.from.plus(Micros(window.len().0 / 2));
        assert_eq!(middle(wide), middle(past));
        let near = window(press(&mut app, Key::char(')')));
        assert_eq!(near, past);
        for _ in 0..40 {
            press(&mut app, Key::char(')'));
        }
        assert_eq!(app.range(), Some(RANGE_MIN));
    }

    #[test]
    fn the_baseline_is_chosen() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        let mut seen = Vec::new();
        for _ in 0..3 {
            press(&mut app, Key::char('b'));
            seen.push(app.baseline);
        }
        assert_eq!(seen, [Baseline::Before, Baseline::None, Baseline::Auto]);
    }
}

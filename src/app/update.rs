//! The one place where state changes: a message comes in, effects go out.

use std::sync::Arc;

use crate::model::{Micros, Timestamp, Window};
use crate::stats::alarms::Alarm;
use crate::stats::{Page, Snapshot};

use super::history::{self, Place};
use super::prompt::{Asked, Prompt};
use super::share::{self, ExportFormat};
use super::{
    Action, App, Code, Effect, Key, Message, Metric, Paused, Scope, Severity, compare, drill,
    filtering, judge, palette, view, window,
};

/// A window that ends with now is asked for again when it has moved this far without new data.
const WINDOW_STEP: Micros = Micros::MINUTE;

/// By so much a key moves the beginning of a window.
const BEGIN_STEP: Micros = Micros::MINUTE.times(5);

/// Takes `message` into account; `now` is the time it happened.
pub fn update(app: &mut App, message: Message, now: Timestamp) -> Vec<Effect> {
    match message {
        Message::Key(key) => press(app, key, now),
        Message::Resize { width, height } => {
            let was_narrow = app.settings.size.0 < 100;
            app.settings.size = (width, height);
            if was_narrow == (width < 100) {
                Vec::new()
            } else {
                vec![app.ask(now)]
            }
        }
        Message::Paste(text) => filtering::paste(app, &text, now),
        Message::Snapshot(snapshot) => receive(app, snapshot, now),
        Message::QueryFailed(text) => {
            app.failure = Some(text);
            app.is_waiting = false;
            Vec::new()
        }
        Message::Ingest(status) => {
            app.ingest = status;
            Vec::new()
        }
        Message::DataChanged { stored } => data_changed(app, stored, now),
        Message::Tick => {
            let is_due = app.paused.is_none()
                && app.shifted.is_none()
                && !app.is_waiting
                && now.since(app.asked_at) >= WINDOW_STEP;
            if is_due {
                vec![app.ask(now)]
            } else {
                Vec::new()
            }
        }
        Message::Trial(number, state) => {
            app.trials.hear(number, state);
            Vec::new()
        }
        Message::Notice(text) => {
            app.notice = Some(text);
            Vec::new()
        }
    }
}

fn data_changed(app: &mut App, stored: u64, now: Timestamp) -> Vec<Effect> {
    if let Some(paused) = &mut app.paused {
        paused.waiting = paused.waiting.saturating_add(stored);
        paused.has_news = true;
        return Vec::new();
    }
    if app.is_waiting {
        app.is_stale = true;
        return Vec::new();
    }
    vec![app.ask(now)]
}

fn receive(app: &mut App, snapshot: Arc<Snapshot>, now: Timestamp) -> Vec<Effect> {
    if snapshot.query.number != app.asked {
        return Vec::new();
    }
    app.is_waiting = false;
    app.failure = None;
    if let Page::Decisions { before, .. } = &snapshot.query.page {
        take_decisions(app, &snapshot, *before);
    }
    if app.selected_route.is_none() {
        app.selected_route = judge::ranked(&snapshot, app.sort)
            .first()
            .map(|first| first.row.route.to_string());
    }
    app.snapshot = Some(snapshot);
    let mut effects = compare::follow(app);
    if app.is_stale && app.paused.is_none() {
        effects.push(app.ask(now));
    }
    effects
}

/// While the list follows, an answer replaces it; else newer rows are only counted.
fn take_decisions(app: &mut App, snapshot: &Snapshot, before: Option<u64>) {
    let list = &mut app.decisions;
    list.total = snapshot.decisions_total;
    if before.is_some() {
        let oldest = list.rows.last().map_or(u64::MAX, |row| row.row);
        let is_end = snapshot.decisions.len() < App::ROWS_LEN;
        let older = snapshot
            .decisions
            .iter()
            .filter(|row| row.row < oldest)
            .cloned();
        list.rows.extend(older);
        list.is_complete = is_end || list.rows.len() >= App::ROWS_MAX;
        list.rows.truncate(App::ROWS_MAX);
    } else if list.is_following || list.rows.is_empty() {
        list.rows.clone_from(&snapshot.decisions);
        list.is_complete = snapshot.decisions.len() < App::ROWS_LEN;
        list.new_len = 0;
        list.selected = list.selected.min(list.rows.len().saturating_sub(1));
    } else {
        let newest = list.rows.iter().map(|row| row.row).max().unwrap_or(0);
        let newer = snapshot
            .decisions
            .iter()
            .filter(|row| row.row > newest)
            .count();
        list.new_len = u64::try_from(newer).unwrap_or(u64::MAX);
    }
}

fn press(app: &mut App, key: Key, now: Timestamp) -> Vec<Effect> {
    app.notice = None;
    if let Some(prompt) = &app.prompt
        && key != Key::ctrl('c')
    {
        return match prompt.asked {
            Asked::Filter(_) => filtering::press(app, key, now),
            Asked::Time => {
                let before = Place::of(app);
                let effects = window::press_time(app, key, now);
                history::remember(app, before);
                effects
            }
            Asked::Command(_) => match palette::press(app, key) {
                Some(action) => act_and_remember(app, action, now),
                None => Vec::new(),
            },
            Asked::Export => export(app, key),
        };
    }
    let Some(action) = app.settings.keymap.action_of(key, app.scope()) else {
        return Vec::new();
    };
    if app.is_help_open
        && matches!(
            key.code,
            Code::Char('j' | ' ') | Code::Down | Code::PageDown
        )
    {
        app.help_page += 1;
        return Vec::new();
    }
    if app.is_help_open && !matches!(action, Action::Quit | Action::Suspend | Action::Repaint) {
        app.is_help_open = false;
        if matches!(action, Action::Back | Action::ToggleHelp) {
            return Vec::new();
        }
    }
    act_and_remember(app, action, now)
}

fn act_and_remember(app: &mut App, action: Action, now: Timestamp) -> Vec<Effect> {
    if matches!(action, Action::HistoryBack | Action::HistoryForward) {
        return act(app, action, now);
    }
    let before = Place::of(app);
    let effects = act(app, action, now);
    history::remember(app, before);
    effects
}

/// Takes the key that chooses the form of a report.
fn export(app: &mut App, key: Key) -> Vec<Effect> {
    app.prompt = None;
    match key.code {
        Code::Char(char) => ExportFormat::of_key(char)
            .map(Effect::Export)
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// Selects the next route that asks for attention.
fn next_trouble(app: &mut App, is_next: bool) -> Vec<Effect> {
    let Some(snapshot) = app.snapshot.clone() else {
        return Vec::new();
    };
    let routes = judge::ranked(&snapshot, app.sort);
    let marked: Vec<usize> = (0..routes.len())
        .filter(|at| {
            let severity = routes.get(*at).map(|judged| judged.severity);
            matches!(severity, Some(Severity::Act | Severity::Watch))
        })
        .collect();
    let is_selected =
        |judged: &judge::Judged<'_>| Some(&*judged.row.route) == app.selected_route.as_deref();
    let here = routes.iter().position(is_selected);
    let next = if is_next {
        let behind = marked.iter().find(|at| here.is_none_or(|here| **at > here));
        behind.or(marked.first())
    } else {
        let before = marked
            .iter()
            .rev()
            .find(|at| here.is_some_and(|here| **at < here));
        before.or(marked.last())
    };
    match next.and_then(|at| routes.get(*at)) {
        Some(judged) => app.selected_route = Some(judged.row.route.to_string()),
        None => app.notice = Some("no route asks for attention".to_owned()),
    }
    Vec::new()
}

#[expect(clippy::too_many_lines, reason = "a table: one arm a command")]
fn act(app: &mut App, action: Action, now: Timestamp) -> Vec<Effect> {
    match action {
        Action::Quit => {
            app.is_quitting = true;
            vec![Effect::Quit]
        }
        Action::Suspend => vec![Effect::Suspend],
        Action::Repaint => vec![Effect::Repaint],
        Action::ToggleHelp => {
            app.is_help_open = true;
            app.help_page = 0;
            Vec::new()
        }
        Action::Back if app.scope() == Scope::Sources && app.is_rejects_open => {
            app.is_rejects_open = false;
            app.scroll = 0;
            Vec::new()
        }
        Action::Back if app.scope() == Scope::Policies && app.trials.shown.is_some() => {
            compare::close(app)
        }
        Action::Back if !app.filter.is_empty() => {
            let fewer = app.filter.without_last();
            filtering::set(app, fewer, now)
        }
        Action::Back => {
            if app.stack.len() < 2 {
                return Vec::new();
            }
            app.stack.pop();
            app.scroll = 0;
            vec![app.ask(now)]
        }
        Action::Go(scope) => go(app, scope, now),
        Action::Open => open(app, now),
        Action::RouteDecisions => {
            let route = if matches!(app.scope(), Scope::Route | Scope::Changes) {
                &app.route
            } else {
                &app.selected_route
            };
            let route = route.clone();
            app.list_decisions(route);
            push(app, Scope::Decisions, now)
        }
        Action::Down => step(app, 1, now),
        Action::Up => step(app, -1, now),
        Action::HalfDown => step(app, half_page(app), now),
        Action::HalfUp => step(app, -half_page(app), now),
        Action::Top => step(app, isize::MIN, now),
        Action::Bottom => step(app, isize::MAX, now),
        Action::Follow => {
            app.decisions.is_following = true;
            app.decisions.selected = 0;
            vec![app.ask(now)]
        }
        Action::NextDecision => neighbour(app, 1, now),
        Action::PreviousDecision => neighbour(app, -1, now),
        Action::CycleRange => window::cycle_range(app, now),
        Action::Earlier => window::shift(app, false, now),
        Action::Later => window::shift(app, true, now),
        Action::ZoomOut => window::zoom(app, true, now),
        Action::ZoomIn => window::zoom(app, false, now),
        Action::GoToTime => window::ask_time(app),
        Action::CompareBaseline => window::cycle_baseline(app, now),
        Action::HistoryBack => history::step(app, true, now),
        Action::HistoryForward => history::step(app, false, now),
        Action::ToggleHeatmap => {
            app.is_heatmap = !app.is_heatmap;
            Vec::new()
        }
        Action::NextCause => drill::step(app, true),
        Action::PreviousCause => drill::step(app, false),
        Action::OpenPalette => {
            palette::open(app);
            Vec::new()
        }
        Action::CopyPage => vec![Effect::CopyPage],
        Action::CopyCommand => vec![Effect::CopyCommand(share::command(app))],
        Action::ShowPlain => vec![Effect::ShowPlain],
        Action::ChooseExport => {
            app.prompt = Some(Prompt::new(Asked::Export, ""));
            Vec::new()
        }
        Action::NextTrouble => next_trouble(app, true),
        Action::PreviousTrouble => next_trouble(app, false),
        Action::TogglePause => pause(app, now),
        Action::EditFilter => filtering::open(app),
        Action::KeepValue => filtering::by_selected(app, true, now),
        Action::DropValue => filtering::by_selected(app, false, now),
        Action::NextValue => filtering::step_value(app, true),
        Action::PreviousValue => filtering::step_value(app, false),
        Action::ToggleRejects => {
            app.is_rejects_open = !app.is_rejects_open;
            app.scroll = 0;
            Vec::new()
        }
        Action::Compare => compare::next(app),
        Action::ToggleProse if !app.is_offered(action) => Vec::new(),
        Action::ToggleProse => {
            app.is_prose_open = !app.is_prose_open;
            app.scroll = 0;
            Vec::new()
        }
        Action::OnsetEarlier => begin(app, false, now),
        Action::OnsetLater => begin(app, true, now),
        Action::CycleBaseline => {
            app.against = app.against.next();
            vec![app.ask(now)]
        }
        Action::CycleSort => {
            app.sort = app.sort.next();
            Vec::new()
        }
        Action::CycleMetric => {
            let at = Metric::CHARTED
                .iter()
                .position(|metric| *metric == app.shown_metric());
            let next = at.map_or(0, |at| (at + 1) % Metric::CHARTED.len());
            app.metric = Metric::CHARTED.get(next).copied().unwrap_or(app.metric);
            if app.metric != app.shown_metric() {
                app.notice = Some("corrections are not logged by these sources".to_owned());
            }
            app.asked_metric = None;
            if app.scope() == Scope::Changes {
                return vec![app.ask(now)];
            }
            Vec::new()
        }
    }
}

fn half_page(app: &App) -> isize {
    isize::try_from(app.page_len() / 2).unwrap_or(1).max(1)
}

fn push(app: &mut App, scope: Scope, now: Timestamp) -> Vec<Effect> {
    if app.scope() != scope {
        app.stack.push(scope);
    }
    app.scroll = 0;
    vec![app.ask(now)]
}

fn go(app: &mut App, scope: Scope, now: Timestamp) -> Vec<Effect> {
    if scope == app.scope() {
        return Vec::new();
    }
    match scope {
        Scope::Route => {
            let Some(route) = app.selected_route.clone() else {
                app.notice = Some("no route yet".to_owned());
                return Vec::new();
            };
            app.route = Some(route);
        }
        Scope::Decisions => app.list_decisions(None),
        Scope::Explain => return explain_selected(app, now),
        Scope::Changes if app.scope() == Scope::Route => {
            app.asked_metric = None;
            return push(app, scope, now);
        }
        Scope::Changes => {
            app.route.clone_from(&app.selected_route);
            app.asked_metric = alarm_of(app).map(|alarm| alarm.metric);
        }
        Scope::Overview | Scope::Policies | Scope::Sources => {}
    }
    app.stack = vec![Scope::Overview];
    push(app, scope, now)
}

/// Returns the worst alarm of the selected route, where alarms are shown.
fn alarm_of(app: &App) -> Option<&Alarm> {
    let survey = app.snapshot.as_ref()?.alarms.as_ref()?;
    survey.of(app.selected_route.as_deref()?)
}

fn open(app: &mut App, now: Timestamp) -> Vec<Effect> {
    if app.scope() == Scope::Changes {
        return drill::open(app, now);
    }
    if app.scope() == Scope::Decisions {
        return explain_selected(app, now);
    }
    let Some(route) = app.selected_route.clone() else {
        return Vec::new();
    };
    app.route = Some(route);
    push(app, Scope::Route, now)
}

/// Explains the selected row of the list, or the newest decision of the overview.
fn explain_selected(app: &mut App, now: Timestamp) -> Vec<Effect> {
    let of_list = app.scope() == Scope::Decisions;
    let rows = match &app.snapshot {
        _ if of_list || !app.decisions.rows.is_empty() => app.decisions.rows.as_slice(),
        Some(snapshot) => snapshot.decisions.as_slice(),
        None => &[],
    };
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let selected = if of_list || !app.decisions.rows.is_empty() {
        app.decisions.selected
    } else {
        0
    };
    let Some(id) = ids.get(selected).cloned() else {
        app.notice = Some("no decision is selected".to_owned());
        return Vec::new();
    };
    app.explained = Some(id);
    app.neighbours = ids;
    // What was chosen from the list stays in place behind the explanation.
    app.decisions.is_following = app.decisions.is_following && app.decisions.rows.is_empty();
    push(app, Scope::Explain, now)
}

fn neighbour(app: &mut App, by: isize, now: Timestamp) -> Vec<Effect> {
    let at = app
        .neighbours
        .iter()
        .position(|id| Some(id) == app.explained.as_ref());
    let next = at.and_then(|at| at.checked_add_signed(by));
    let Some((next, id)) = next.and_then(|next| Some((next, app.neighbours.get(next)?.clone())))
    else {
        let end = if by > 0 {
            "the oldest decision of the list"
        } else {
            "the newest decision of the list"
        };
        app.notice = Some(end.to_owned());
        return Vec::new();
    };
    if app.decisions.rows.get(next).is_some_and(|row| row.id == id) {
        app.decisions.selected = next;
    }
    app.explained = Some(id);
    app.scroll = 0;
    vec![app.ask(now)]
}

fn step(app: &mut App, by: isize, now: Timestamp) -> Vec<Effect> {
    let moved = |at: usize, len: usize| {
        at.saturating_add_signed(by.clamp(-1_000_000, 1_000_000))
            .min(len.saturating_sub(1))
    };
    match app.scope() {
        Scope::Overview => {
            let Some(snapshot) = app.snapshot.clone() else {
                return Vec::new();
            };
            let routes = judge::ranked(&snapshot, app.sort);
            let at = routes
                .iter()
                .position(|judged| Some(&*judged.row.route) == app.selected_route.as_deref())
                .unwrap_or(0);
            app.selected_route = routes
                .get(moved(at, routes.len()))
                .map(|judged| judged.row.route.to_string());
            Vec::new()
        }
        Scope::Decisions => {
            let list = &mut app.decisions;
            list.is_following = false;
            list.selected = moved(list.selected, list.rows.len());
            let is_at_end = list.selected + 1 >= list.rows.len() && by > 0;
            let oldest = list.rows.iter().map(|row| row.row).min();
            if is_at_end && !list.is_complete && !app.is_waiting && oldest.is_some() {
                let page = app.page(oldest);
                return vec![app.ask_page(page, now)];
            }
            Vec::new()
        }
        Scope::Changes => {
            let lines = app
                .snapshot
                .as_ref()
                .map_or(0, |snapshot| view::changes::page(app, snapshot).len());
            let room = usize::from(app.settings.size.1).saturating_sub(2);
            app.scroll = moved(app.scroll, lines.saturating_sub(room) + 1);
            Vec::new()
        }
        Scope::Policies => {
            let lines = app
                .snapshot
                .as_ref()
                .map_or(0, |snapshot| view::policies::lines(app, snapshot).len());
            let room = usize::from(app.settings.size.1).saturating_sub(2);
            app.scroll = moved(app.scroll, lines.saturating_sub(room) + 1);
            Vec::new()
        }
        Scope::Sources => {
            let lines = app.snapshot.as_ref().map_or(0, |snapshot| {
                if app.is_rejects_open {
                    view::rejects::lines(app, snapshot).len()
                } else {
                    view::sources::lines(app, snapshot, now).len()
                }
            });
            let room = usize::from(app.settings.size.1).saturating_sub(2);
            app.scroll = moved(app.scroll, lines.saturating_sub(room) + 1);
            Vec::new()
        }
        Scope::Route | Scope::Explain => {
            app.scroll = moved(app.scroll, 1_000);
            Vec::new()
        }
    }
}

/// Moves the beginning of the window of what changed by five minutes.
fn begin(app: &mut App, is_later: bool, now: Timestamp) -> Vec<Effect> {
    let snapshot = app.snapshot.as_ref();
    let Some(changes) = snapshot.and_then(|snapshot| snapshot.changes.as_ref()) else {
        return Vec::new();
    };
    let window = changes.window;
    let from = if is_later {
        window.from.plus(BEGIN_STEP)
    } else {
        window.from.minus(BEGIN_STEP)
    };
    if from >= window.to {
        app.notice = Some("the window would be empty".to_owned());
        return Vec::new();
    }
    app.shifted = Some(Window {
        from,
        to: window.to,
    });
    vec![app.ask(now)]
}

fn pause(app: &mut App, now: Timestamp) -> Vec<Effect> {
    if app.paused.take().is_some() {
        return vec![app.ask(now)];
    }
    let window = app.snapshot.as_ref().map(|snapshot| snapshot.window);
    app.paused = Some(Paused {
        since: now,
        window,
        waiting: 0,
        has_news: false,
    });
    // An answer under way would move the frozen screen.
    app.asked += 1;
    app.is_waiting = false;
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, app, give, ordinary};
    use crate::app::{Code, Effect};
    use crate::stats::Query;

    fn press_char(app: &mut App, char: char) -> Vec<Effect> {
        update(app, Message::Key(Key::char(char)), NOW)
    }

    #[test]
    fn esc_goes_back_and_never_quits() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        update(&mut app, Message::Key(Key::of(Code::Enter)), NOW);
        assert_eq!(app.scope(), Scope::Route);
        press_char(&mut app, '?');
        for expected in [Scope::Route, Scope::Overview, Scope::Overview] {
            let effects = update(&mut app, Message::Key(Key::of(Code::Esc)), NOW);
            assert_eq!(app.scope(), expected);
            assert!(!app.is_quitting && !effects.contains(&Effect::Quit));
        }
        assert_eq!(press_char(&mut app, 'q'), [Effect::Quit]);
    }

    #[test]
    fn moving_stops_following_at_once_and_counts_what_is_new() {
        let mut app = app(Scope::Decisions, (80, 24), ordinary);
        press_char(&mut app, 'k');
        let before = app.decisions.rows.clone();
        assert!(!update(&mut app, Message::DataChanged { stored: 1 }, NOW).is_empty());
        fn newer(query: Query) -> Snapshot {
            let decisions = (1..=15).rev().map(crate::app::fixtures::decision).collect();
            Snapshot {
                decisions,
                ..ordinary(query)
            }
        }
        give(&mut app, newer);
        assert_eq!(
            (app.decisions.rows.clone(), app.decisions.new_len),
            (before, 3)
        );
        press_char(&mut app, 'G');
        give(&mut app, newer);
        assert_eq!((app.decisions.rows.len(), app.decisions.new_len), (15, 0));
    }

    #[test]
    fn while_paused_nothing_is_asked_and_what_waits_is_counted() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        press_char(&mut app, ' ');
        assert!(update(&mut app, Message::DataChanged { stored: 7 }, NOW).is_empty());
        assert!(update(&mut app, Message::Tick, NOW.plus(Micros::HOUR)).is_empty());
        assert_eq!(app.paused.unwrap().waiting, 7);
        assert!(matches!(press_char(&mut app, ' ')[..], [Effect::Ask(_)]));
    }

    #[test]
    fn an_old_answer_is_ignored() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        let old = app.snapshot.clone().unwrap();
        press_char(&mut app, 't');
        app.snapshot = None;
        update(&mut app, Message::Snapshot(old), NOW);
        assert!(app.snapshot.is_none());
    }

    #[test]
    fn every_command_is_handled_everywhere() {
        for command in crate::app::COMMANDS {
            for (scope, ..) in Scope::ALL.iter().filter(|row| command.works_in(row.0)) {
                let mut app = app(*scope, (80, 24), ordinary);
                update(&mut app, Message::Key(command.keys[0]), NOW);
                assert!(!app.stack.is_empty());
            }
        }
    }
}

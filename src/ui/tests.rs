//! Every page as text at four sizes, and what must hold at any size.

use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::draw;
use crate::app::fixture_alarms::alarms;
use crate::app::fixtures::{NOW, app, empty, ordinary, overfull, read_live};
use crate::app::{App, Code, Effect, IngestStatus, Key, Message, Role, Scope, update};
use crate::model::{Micros, Window};
use crate::stats::changes::Metric;
use crate::stats::{Against, Page, Span};

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 50)];

fn drawn(app: &App, size: (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| draw(app, NOW, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let lines = buffer.content.chunks(width).map(|line| {
        let text: String = line.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn snap(
    name: &str,
    scope: Scope,
    make: fn(crate::stats::Query) -> crate::stats::Snapshot,
    fails: bool,
) {
    for size in SIZES {
        let mut app = app(scope, size, make);
        if fails {
            update(
                &mut app,
                Message::QueryFailed("database is locked".to_owned()),
                NOW,
            );
        }
        let name = format!("{name}-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&drawn(&app, size)));
    }
}

#[test]
fn pages_with_ordinary_data() {
    for (scope, _, name) in Scope::ALL {
        snap(&format!("ordinary-{name}"), scope, ordinary, false);
    }
}

#[test]
fn sources_and_rejects_empty_ordinary_and_overfull() {
    snap("empty-sources", Scope::Sources, empty, false);
    snap("overfull-sources", Scope::Sources, overfull, false);
    for size in SIZES {
        let mut app = app(Scope::Sources, size, ordinary);
        update(&mut app, Message::Key(Key::char('R')), NOW);
        let name = format!("rejects-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&drawn(&app, size)));
        update(&mut app, Message::Key(Key::of(Code::Esc)), NOW);
        assert_eq!(
            text(&drawn(&app, size)),
            text(&drawn(&self::app(Scope::Sources, size, ordinary), size))
        );
    }
}

#[test]
fn sources_that_this_process_reads_and_those_it_waits_for() {
    for size in SIZES {
        let mut app = app(Scope::Sources, size, ordinary);
        read_live(&mut app);
        let name = format!("live-sources-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&drawn(&app, size)));
        app.ingest = IngestStatus {
            role: Role::Heir { pid: Some(4711) },
            ..IngestStatus::default()
        };
        let waiting = text(&drawn(&app, size));
        assert!(waiting.contains("process 4711 writes"), "{waiting}");
    }
}

#[test]
fn what_changed_is_asked_of_the_selected_route_and_of_the_next_metric() {
    let mut app = app(Scope::Overview, (80, 24), ordinary);
    let asked = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Ask(query)] => query.page.clone(),
        other => panic!("{other:?}"),
    };
    let of = |metric| Page::Changes {
        route: app.selected_route.clone(),
        metric,
        against: Against::Before,
    };
    let (first, second) = (of(Metric::Correction), of(Metric::Escalation));
    assert!(app.selected_route.is_some());
    let effects = update(&mut app, Message::Key(Key::char('w')), NOW);
    assert_eq!(asked(effects), first);
    let effects = update(&mut app, Message::Key(Key::char('m')), NOW);
    assert_eq!(asked(effects), second);
    assert_eq!(app.scope(), Scope::Changes);
    // The answer to the first question is none to the second.
    let waiting = text(&drawn(&app, (80, 24)));
    assert!(waiting.contains("looking for what changed"), "{waiting}");
    update(&mut app, Message::Key(Key::of(Code::Esc)), NOW);
    assert_eq!(app.scope(), Scope::Overview);
}

#[test]
fn alarms_stand_first_and_lead_to_what_they_are_about() {
    fn alarmed(query: crate::stats::Query) -> crate::stats::Snapshot {
        crate::stats::Snapshot {
            alarms: Some(std::sync::Arc::new(alarms(NOW))),
            ..ordinary(query)
        }
    }
    snap("alarms", Scope::Overview, alarmed, false);
    let mut app = app(Scope::Overview, (80, 24), alarmed);
    assert_eq!(app.selected_route.as_deref(), Some("code-review"));
    let asked = update(&mut app, Message::Key(Key::char('w')), NOW);
    let [Effect::Ask(query)] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    let wanted = Page::Changes {
        route: Some("code-review".to_owned()),
        metric: Metric::Failure,
        against: Against::Before,
    };
    assert_eq!(query.page, wanted);
}

#[test]
fn the_onset_and_the_baseline_are_moved_by_key() {
    let mut app = app(Scope::Changes, (80, 24), ordinary);
    let window = app
        .snapshot
        .as_ref()
        .and_then(|it| it.changes.clone())
        .unwrap()
        .window;
    let asked = |app: &mut App, key| match update(app, Message::Key(Key::char(key)), NOW).as_slice()
    {
        [Effect::Ask(query)] => query.clone(),
        other => panic!("{other:?}"),
    };
    let moved = |minutes: u64, is_later: bool| {
        let by = Micros::MINUTE.times(minutes);
        let from = if is_later {
            window.from.plus(by)
        } else {
            window.from.minus(by)
        };
        Span::Between(Window { from, ..window })
    };
    assert_eq!(asked(&mut app, 'o').span, moved(5, false));
    assert_eq!(asked(&mut app, 'O').span, moved(5, true));
    let against = [Against::DayBefore, Against::WeekBefore, Against::Before];
    for wanted in against {
        let page = asked(&mut app, 'b').page;
        assert!(
            matches!(page, Page::Changes { against, .. } if against == wanted),
            "{page:?}"
        );
    }
}

#[test]
fn what_policies_say_is_opened_on_their_page() {
    for size in SIZES {
        let mut app = app(Scope::Policies, size, ordinary);
        update(&mut app, Message::Key(Key::of(Code::Enter)), NOW);
        let open = crate::app::view::policies::lines(&app, app.snapshot.as_ref().unwrap());
        assert!(open.iter().any(|line| line.text().contains("When tools")));
        update(&mut app, Message::Key(Key::of(Code::Enter)), NOW);
        let closed = text(&drawn(&app, size));
        assert!(!closed.contains("When tools"), "{closed}");
    }
}

#[test]
fn the_last_line_of_the_sources_is_reached_and_left_at_once() {
    let mut app = app(Scope::Sources, (80, 24), overfull);
    update(&mut app, Message::Key(Key::char('G')), NOW);
    let last = text(&drawn(&app, (80, 24)));
    update(&mut app, Message::Key(Key::char('j')), NOW);
    assert_eq!(text(&drawn(&app, (80, 24))), last);
    update(&mut app, Message::Key(Key::char('k')), NOW);
    assert_ne!(text(&drawn(&app, (80, 24))), last);
}

#[test]
fn overview_empty_overfull_and_failing() {
    snap("empty", Scope::Overview, empty, false);
    snap("overfull", Scope::Overview, overfull, false);
    snap("failing", Scope::Overview, ordinary, true);
}

#[test]
fn colour_never_stands_alone() {
    for (scope, ..) in Scope::ALL {
        let buffer = drawn(&app(scope, (120, 40), ordinary), (120, 40));
        for cell in &buffer.content {
            let is_plain = cell.fg == ratatui::style::Color::Reset;
            assert!(is_plain || cell.modifier.contains(ratatui::style::Modifier::BOLD));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_size_draws_and_nothing_hostile_reaches_a_cell(width in 0_u16..500, height in 0_u16..200, scope in 0_usize..6) {
        let scope = Scope::ALL[scope].0;
        let mut app = app(scope, (width, height), overfull);
        app.is_help_open = width % 7 == 0;
        let buffer = drawn(&app, (width, height));
        for cell in &buffer.content {
            let is_safe = cell.symbol().chars().all(|c| !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c));
            prop_assert!(is_safe);
        }
    }
}

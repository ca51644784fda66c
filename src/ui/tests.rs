//! Every page as text at four sizes, and what must hold at any size.

use std::sync::Arc;

use proptest::prelude::*;
use ratatui::style::{Color, Modifier};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::draw;
use crate::app::fixture_alarms::alarms;
use crate::app::fixtures::{NOW, app, empty, give, ordinary, overfull, read_live, survey};
use crate::app::{
    App, COMMANDS, Code, Effect, IngestStatus, Key, Message, Role, Scope, ThemeName, TrialState,
    Trials, update,
};
use crate::model::{Micros, Window};
use crate::policy::replay::fixture::{estimated, refused};
use crate::stats::changes::Metric;
use crate::stats::{Against, Page, Query, Snapshot, Span};

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
fn help_tells_of_every_command_at_every_size() {
    for (scope, ..) in Scope::ALL {
        for size in SIZES {
            let mut app = app(scope, size, ordinary);
            update(&mut app, Message::Key(Key::char('?')), NOW);
            let mut told = String::new();
            for _ in 0..40 {
                told.push_str(&text(&drawn(&app, size)));
                update(&mut app, Message::Key(Key::char('j')), NOW);
            }
            for command in COMMANDS.iter().filter(|command| command.works_in(scope)) {
                let doc: String = command.doc.chars().take(24).collect();
                assert!(told.contains(&doc), "{} at {size:?}:\n{told}", command.name);
            }
        }
    }
    let mut app = app(Scope::Overview, (80, 24), ordinary);
    update(&mut app, Message::Key(Key::char('?')), NOW);
    insta::assert_snapshot!("help-80x24", text(&drawn(&app, (80, 24))));
}

#[test]
fn latency_over_time_takes_the_place_of_the_histogram() {
    for size in [(80, 24), (200, 50)] {
        let mut app = app(Scope::Route, size, ordinary);
        update(&mut app, Message::Key(Key::char('H')), NOW);
        let name = format!("heatmap-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&drawn(&app, size)));
    }
}

#[test]
fn commands_are_found_in_the_palette() {
    for size in SIZES {
        let mut app = app(Scope::Overview, size, ordinary);
        update(&mut app, Message::Key(Key::char(':')), NOW);
        update(&mut app, Message::Key(Key::char('c')), NOW);
        update(&mut app, Message::Key(Key::of(Code::Down)), NOW);
        let name = format!("palette-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&drawn(&app, size)));
    }
}

#[test]
fn a_filter_stands_below_the_header_kept_or_being_typed() {
    for (name, scope) in [
        ("overview", Scope::Overview),
        ("decisions", Scope::Decisions),
    ] {
        for size in SIZES {
            let mut app = app(scope, size, ordinary);
            update(&mut app, Message::Key(Key::char('/')), NOW);
            update(
                &mut app,
                Message::Paste("route=support-* latency>2s".to_owned()),
                NOW,
            );
            give(&mut app, ordinary);
            let typed = text(&drawn(&app, size));
            insta::assert_snapshot!(format!("filter-typed-{name}-{}x{}", size.0, size.1), typed);
            update(&mut app, Message::Key(Key::of(Code::Enter)), NOW);
            update(&mut app, Message::Key(Key::char('+')), NOW);
            give(&mut app, ordinary);
            let kept = text(&drawn(&app, size));
            insta::assert_snapshot!(format!("filter-kept-{name}-{}x{}", size.0, size.1), kept);
            update(&mut app, Message::Key(Key::char('/')), NOW);
            update(&mut app, Message::Paste(" cost>much".to_owned()), NOW);
            let wrong = text(&drawn(&app, size));
            assert!(wrong.contains("`much` is "), "{wrong}");
        }
    }
}

#[test]
fn another_policy_stands_beside_the_one_in_force() {
    let asked = |app: &mut App| {
        let effects = update(app, Message::Key(Key::char('c')), NOW);
        match effects.as_slice() {
            [Effect::Try(question)] => question.number,
            other => panic!("{other:?}"),
        }
    };
    for size in SIZES {
        let mut app = app(Scope::Policies, size, ordinary);
        let number = asked(&mut app);
        let running = TrialState::Running {
            share: 0.45,
            requests: 12_345,
        };
        update(&mut app, Message::Trial(number, running), NOW);
        let name = format!("comparing-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&drawn(&app, size)));
        let done = TrialState::Done(Arc::new(estimated()));
        update(&mut app, Message::Trial(number, done), NOW);
        let name = format!("compared-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&drawn(&app, size)));
        // Every line can be scrolled to.
        update(&mut app, Message::Key(Key::char('G')), NOW);
        let end = text(&drawn(&app, size));
        let last = if size.0 < 60 {
            "under no policy whose text is"
        } else {
            "prices and models that changed"
        };
        assert!(end.contains(last), "{end}");
        app.trials = Trials::default();
        let number = asked(&mut app);
        let refused = TrialState::Done(Arc::new(refused()));
        update(&mut app, Message::Trial(number, refused), NOW);
        let name = format!("refused-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&drawn(&app, size)));
    }
}

#[test]
fn the_overview_marks_the_route_that_drifts_most() {
    let with = |answer: fn(Query) -> Snapshot, size| {
        text(&drawn(&app(Scope::Overview, size, answer), size))
    };
    fn drifting(query: Query) -> Snapshot {
        Snapshot {
            drift: Some(survey()),
            ..ordinary(query)
        }
    }
    fn steady(query: Query) -> Snapshot {
        let mut calm = (*survey()).clone();
        // One of 1,500 may be chance; the other route has too few decisions to tell.
        for row in &mut calm.routes {
            row.counts.model = 1;
        }
        calm.routes[0].counts.judged = 29;
        Snapshot {
            drift: Some(Arc::new(calm)),
            ..ordinary(query)
        }
    }
    for size in [(80, 24), (120, 40), (200, 50)] {
        let shown = with(drifting, size);
        assert!(shown.contains("! drift support-chat 6.0%"), "{shown}");
        for calm in [steady, ordinary] {
            let shown = with(calm, size);
            assert!(!shown.contains("drift"), "{shown}");
        }
    }
}

#[test]
fn prose_and_comparison_are_offered_where_a_policy_is_known() {
    let known = text(&drawn(
        &app(Scope::Policies, (120, 40), ordinary),
        (120, 40),
    ));
    assert!(
        known.contains("Enter prose") && known.contains("c compare"),
        "{known}"
    );
    let mut bare = app(Scope::Policies, (120, 40), empty);
    let shown = text(&drawn(&bare, (120, 40)));
    assert!(
        !shown.contains("prose") && !shown.contains("compare"),
        "{shown}"
    );
    update(&mut bare, Message::Key(Key::of(Code::Enter)), NOW);
    assert_eq!(text(&drawn(&bare, (120, 40))), shown);
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
fn t18_colour_never_stands_alone_in_any_theme() {
    for theme in [
        ThemeName::Auto,
        ThemeName::Mono,
        ThemeName::ColourBlind,
        ThemeName::HighContrast,
    ] {
        for (scope, ..) in Scope::ALL {
            let mut app = app(scope, (120, 40), ordinary);
            let auto = text(&drawn(&app, (120, 40)));
            app.settings.theme = theme;
            let buffer = drawn(&app, (120, 40));
            // The characters tell it all, whatever the colours.
            assert_eq!(text(&buffer), auto);
            for cell in &buffer.content {
                assert_eq!(cell.bg, Color::Reset);
                let is_plain = cell.fg == Color::Reset;
                assert!(is_plain || cell.modifier.contains(Modifier::BOLD));
                let is_coloured = matches!(theme, ThemeName::Auto | ThemeName::ColourBlind);
                assert!(is_coloured || is_plain);
                assert!(theme != ThemeName::HighContrast || !cell.modifier.contains(Modifier::DIM));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_size_draws_and_nothing_hostile_reaches_a_cell(width in 0_u16..500, height in 0_u16..200, scope in 0_usize..Scope::ALL.len()) {
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

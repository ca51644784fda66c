//! The frame around every page: the header, the page or what stands in for it, notes, keys.

use ratatui::Frame;

use crate::app::{App, COMMANDS, Role as Feed, Scope, Severity, judge, units};
use crate::model::Timestamp;
use crate::stats::Snapshot;

use super::screen;
use super::text::{Canvas, Row};
use super::theme::{Role, Theme};

/// The smallest screen that shows a page.
const SIZE_MIN: (usize, usize) = (40, 10);

/// Draws the whole screen. Pure: the same state and time give the same cells.
pub fn draw(app: &App, now: Timestamp, frame: &mut Frame) {
    let area = frame.area();
    let theme = Theme::of(app);
    let mut canvas = Canvas::new(frame.buffer_mut(), area, theme);
    if canvas.width() < SIZE_MIN.0 || canvas.height() < SIZE_MIN.1 {
        draw_too_small(app, &mut canvas);
        return;
    }
    if app.is_help_open {
        screen::help::draw(app, &mut canvas);
        return;
    }
    let width = canvas.width();
    let long = header(app, now, width, true);
    let is_whole = width < 80 || long.width() <= width;
    // How live the data is counts for more than what it is compared with.
    let head = if is_whole {
        long
    } else {
        header(app, now, width, false)
    };
    let is_filtered = screen::filter::is_shown(app);
    // No page draws on its first line: it is the header's, or the filter's.
    page(app, now, &mut canvas.below(usize::from(is_filtered)));
    canvas.line(0, &head);
    if is_filtered {
        screen::filter::draw(app, 1, &mut canvas);
    }
    let last = canvas.height() - 1;
    if let Some(note) = note(app) {
        let width = canvas.width();
        canvas.line(last - 1, &Row::new().pad_to(width));
        canvas.line(last - 1, &note);
    }
    match &app.prompt {
        Some(prompt) => screen::filter::draw_help(app, prompt, last, &mut canvas),
        None => canvas.line(last, &keys(app, canvas.width())),
    }
}

fn page(app: &App, now: Timestamp, canvas: &mut Canvas<'_>) {
    let Some(snapshot) = &app.snapshot else {
        canvas.line(2, &Row::new().own(" reading the database", Role::Plain));
        return;
    };
    match app.scope() {
        Scope::Overview if is_empty(snapshot) => screen::help::draw_empty(snapshot, canvas),
        Scope::Overview => screen::overview::draw(app, snapshot, canvas),
        Scope::Route => screen::route::draw(app, snapshot, canvas),
        Scope::Decisions => screen::decisions::draw(app, canvas),
        Scope::Explain => screen::explain::draw(app, snapshot, now, canvas),
        Scope::Changes => screen::changes::draw(app, snapshot, canvas),
        Scope::Policies => screen::policies::draw(app, snapshot, canvas),
        Scope::Sources => screen::sources::draw(app, snapshot, now, canvas),
    }
}

fn is_empty(snapshot: &Snapshot) -> bool {
    snapshot.newest.is_none()
        && snapshot.unfiltered == 0
        && snapshot.total.now.requests == 0
        && snapshot.routes.is_empty()
}

fn draw_too_small(app: &App, canvas: &mut Canvas<'_>) {
    let marks = app.snapshot.as_ref().map(|snapshot| {
        let routes = judge::ranked(snapshot, app.sort);
        let of = |severity| {
            routes
                .iter()
                .filter(|judged| judged.severity == severity)
                .count()
        };
        (of(Severity::Act), of(Severity::Watch))
    });
    let (act, watch) = marks.unwrap_or_default();
    let mark = if act > 0 {
        "!! "
    } else if watch > 0 {
        "! "
    } else {
        ""
    };
    canvas.line(
        0,
        &Row::new()
            .own(mark, Role::Act)
            .say(format!("{act} act, {watch} watch"), Role::Plain),
    );
    let size = format!(
        "need 40x10, have {}x{}   q quit",
        canvas.width(),
        canvas.height()
    );
    canvas.line(1, &Row::new().say(size, Role::Plain));
}

/// Says where, which window against which baseline, the time of the newest data, live or not.
fn header(app: &App, now: Timestamp, width: usize, with_baseline: bool) -> Row {
    let is_wide = width >= 80;
    let gap = if is_wide { "   " } else { " " };
    let place = match app.scope() {
        Scope::Overview => app.settings.database.clone(),
        Scope::Route => app.route.clone().unwrap_or_default(),
        Scope::Decisions => match &app.decisions.route {
            Some(route) => format!("decisions {route}"),
            None => "decisions".to_owned(),
        },
        Scope::Explain => format!("explain {}", app.explained.as_deref().unwrap_or_default()),
        Scope::Changes => format!(
            "what changed {}",
            app.route.as_deref().unwrap_or("everywhere")
        ),
        Scope::Policies => "policies".to_owned(),
        Scope::Sources => "sources".to_owned(),
    };
    let place_len = if is_wide { 36 } else { 14 };
    let mut row = Row::new().own(if is_wide { " routetop  " } else { "" }, Role::Title);
    row = row
        .shown(crate::model::sanitise(&place).cut(place_len), Role::Title)
        .own(gap, Role::Plain);
    row = row
        .say(window(app, is_wide && with_baseline), Role::Plain)
        .own(gap, Role::Plain);
    if let Some(newest) = app.snapshot.as_ref().and_then(|snapshot| snapshot.newest) {
        row = row
            .say(units::clock(newest), Role::Plain)
            .own(gap, Role::Plain);
    }
    row.then(liveness(app, now, is_wide))
}

fn window(app: &App, with_baseline: bool) -> String {
    let range = app
        .range()
        .map_or_else(|| "all".to_owned(), units::whole_span);
    let range = match app.shifted {
        Some(window) => format!(
            "{}-{}Z",
            units::minute(window.from),
            units::minute(window.to)
        ),
        None => range,
    };
    if !with_baseline {
        return range;
    }
    match app.snapshot.as_ref().map(|snapshot| &snapshot.baseline) {
        Some(Some(baseline)) => format!("{range} vs {baseline}"),
        Some(None) => format!("{range}, no baseline yet"),
        None => range,
    }
}

fn liveness(app: &App, now: Timestamp, is_wide: bool) -> Row {
    if let Some(paused) = app.paused {
        let row = Row::new().say(
            format!("PAUSED {}", units::clock(paused.since)),
            Role::Title,
        );
        return match (paused.waiting, paused.has_news) {
            (0, false) => row,
            (0, true) => row.own(" new data waits", Role::Plain),
            (waiting, _) => row.say(format!(" +{} waiting", units::count(waiting)), Role::Plain),
        };
    }
    if let Some(share) = app.ingest.catching_up {
        return Row::new().say(
            format!("CATCHING UP {}%", units::percent(share)),
            Role::Title,
        );
    }
    let is_history = app.shifted.is_some() || app.snapshot.as_ref().is_some_and(|s| s.is_history);
    let rate = app
        .ingest
        .rate_per_s
        .map(|rate| format!(" {}/s", units::per_second(rate)))
        .unwrap_or_default();
    let word = match app.ingest.role {
        Feed::Viewer { pid: Some(pid) } | Feed::Heir { pid: Some(pid) } if is_wide => {
            let history = if is_history { "HISTORY  " } else { "" };
            format!("{history}VIEWER of {pid}{rate}")
        }
        _ if is_history => "HISTORY".to_owned(),
        Feed::Viewer { .. } | Feed::Heir { .. } => format!("VIEWER{rate}"),
        Feed::Writer => format!("LIVE{rate}"),
        Feed::Idle => "IDLE".to_owned(),
    };
    let mut row = Row::new().say(word, Role::Title);
    if let Some(lag) = app.ingest.lag.filter(|_| is_wide) {
        row = row.say(format!("  lag {}", units::span(lag)), Role::Plain);
    }
    let newest = app.snapshot.as_ref().and_then(|snapshot| snapshot.newest);
    match newest {
        Some(newest) if now.since(newest).0 >= 60_000_000 => row.say(
            format!("  {} old", units::age(now.since(newest))),
            Role::Plain,
        ),
        _ => row,
    }
}

fn note(app: &App) -> Option<Row> {
    if let Some(failure) = &app.failure {
        let of = app.snapshot.as_ref().map_or_else(String::new, |snapshot| {
            format!("; shown: answer of {}", units::clock(snapshot.query.now))
        });
        return Some(
            Row::new()
                .own(" ! query failed: ", Role::Watch)
                .say(failure, Role::Plain)
                .say(of, Role::Plain),
        );
    }
    let text = app.notice.as_ref().or(app.ingest.note.as_ref())?;
    Some(
        Row::new()
            .own(" note: ", Role::Title)
            .say(text, Role::Plain),
    )
}

/// The keys that work here, as many as fit; help and quit always stand last.
fn keys(app: &App, width: usize) -> Row {
    let key_of = |name: &str| {
        let command = COMMANDS.iter().find(|command| command.name == name);
        command.map_or_else(String::new, |command| app.settings.keymap.text_of(command))
    };
    let tail = Row::new()
        .own("  ", Role::Plain)
        .say(key_of("toggle-help"), Role::Key)
        .own(" help  ", Role::Plain)
        .say(key_of("quit"), Role::Key)
        .own(" quit", Role::Plain);
    let mut row = Row::new();
    let mut is_first = true;
    let listed = COMMANDS.iter().filter(|command| {
        command.works_in(app.scope())
            && app.is_offered(command.action)
            && !matches!(command.name, "toggle-help" | "quit")
            && !command.title.is_empty()
            && !app.settings.keymap.text_of(command).is_empty()
    });
    for command in listed {
        let item = Row::new()
            .own(" ", Role::Plain)
            .say(app.settings.keymap.text_of(command), Role::Key)
            .own(" ", Role::Plain)
            .own(command.title, Role::Plain);
        if row.width() + 1 + item.width() + tail.width() <= width {
            row = row
                .own(if is_first { "" } else { " " }, Role::Plain)
                .then(item);
            is_first = false;
        }
    }
    row.then(tail)
}

//! The line of the filter below the header: what counts, how much of everything that is, or the line being typed.

use crate::app::filtering::FilterPrompt;
use crate::app::{App, units};
use crate::model::sanitise;
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Tells whether the line is there.
pub fn is_shown(app: &App) -> bool {
    app.prompt.is_some() || !app.filter.is_empty()
}

/// Draws the line.
pub fn draw(app: &App, y: usize, canvas: &mut Canvas<'_>) {
    let width = canvas.width();
    canvas.line(y, &Row::new().pad_to(width));
    if let Some(prompt) = &app.prompt {
        let line = typed(prompt, canvas);
        canvas.line(y, &line);
        return;
    }
    let tail = Row::new()
        .own("   ", Role::Plain)
        .say(matched(app), Role::Plain)
        .own("   Esc drops the last", Role::Dim);
    // On a narrow screen the filter needs the whole line.
    let room = width.checked_sub(tail.width()).filter(|room| *room >= 40);
    let head = Row::new().own(" filter: ", Role::Title);
    let text = sanitise(&app.filter.to_string()).cut(room.unwrap_or(width) - head.width());
    let row = head.shown(text, Role::Plain);
    canvas.line(y, &if room.is_some() { row.then(tail) } else { row });
}

/// Draws what stands in place of the line of keys while the filter is typed.
pub fn draw_help(app: &App, prompt: &FilterPrompt, y: usize, canvas: &mut Canvas<'_>) {
    let width = canvas.width();
    canvas.line(y, &Row::new().pad_to(width));
    let row = match &prompt.error {
        Some(error) => Row::new().own(" ! ", Role::Watch).say(error, Role::Plain),
        None => Row::new()
            .own(" Enter", Role::Key)
            .own(" keep  ", Role::Plain)
            .own("Esc", Role::Key)
            .own(" as before   ", Role::Plain)
            .say(matched(app), Role::Plain),
    };
    canvas.line(y, &row);
}

/// What is typed, with the cursor in sight.
fn typed(prompt: &FilterPrompt, canvas: &Canvas<'_>) -> Row {
    let (before, after) = prompt.line.parts();
    let room = canvas.width().saturating_sub(4);
    let shown = sanitise(before);
    let skipped = shown.width().saturating_sub(room);
    let before: String = before.chars().skip(skipped).collect();
    let mut rest = after.chars();
    let under = rest.next().map_or_else(|| " ".to_owned(), String::from);
    Row::new()
        .own(" /", Role::Key)
        .own(
            if skipped > 0 {
                canvas.theme.glyphs.cut
            } else {
                ""
            },
            Role::Dim,
        )
        .say(before, Role::Plain)
        .say(under, Role::Cursor)
        .say(rest.as_str(), Role::Plain)
}

/// How many of how many requests of the window; nothing where the answer is to another question.
fn matched(app: &App) -> String {
    let Some(snapshot) = app.snapshot.as_ref() else {
        return String::new();
    };
    if let Some(unknown) = &snapshot.unknown_field {
        return format!("! {unknown}");
    }
    if app.is_waiting() {
        return "counting".to_owned();
    }
    if snapshot.query.filter != app.filter {
        return "not used on this page".to_owned();
    }
    format!(
        "{} of {}",
        units::count(snapshot.total.now.requests),
        units::count(snapshot.unfiltered)
    )
}

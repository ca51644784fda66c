//! The line below the header: the filter and how much of everything it lets through, or the line being typed.

use crate::app::{App, Asked, Prompt, palette, units};
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
pub fn draw_help(app: &App, prompt: &Prompt, y: usize, canvas: &mut Canvas<'_>) {
    let width = canvas.width();
    canvas.line(y, &Row::new().pad_to(width));
    let row = match &prompt.error {
        Some(error) => Row::new().own(" ! ", Role::Watch).say(error, Role::Plain),
        None => help(app, prompt),
    };
    canvas.line(y, &row);
    if let Asked::Command(chosen) = prompt.asked {
        draw_commands(app, &prompt.line.text(), chosen, y, canvas);
    }
}

fn help(app: &App, prompt: &Prompt) -> Row {
    let keys = |pairs: &[(&'static str, &'static str)]| {
        pairs.iter().fold(Row::new(), |row, (key, does)| {
            row.own(" ", Role::Plain)
                .own(key, Role::Key)
                .own(" ", Role::Plain)
                .own(does, Role::Plain)
                .own(" ", Role::Plain)
        })
    };
    match prompt.asked {
        Asked::Filter(_) => keys(&[("Enter", "keep"), ("Esc", "as before")])
            .own("  ", Role::Plain)
            .say(matched(app), Role::Plain),
        Asked::Time => keys(&[("Enter", "go"), ("Esc", "stay")])
            .own("  02:41, yesterday 14:05, or RFC 3339; UTC", Role::Plain),
        Asked::Command(_) => keys(&[("Enter", "do it"), ("Tab", "next"), ("Esc", "close")]),
        Asked::Export => keys(&[
            ("j", "json"),
            ("c", "csv"),
            ("m", "markdown"),
            ("Esc", "none"),
        ]),
    }
}

/// Draws the commands that match, above the line of keys.
fn draw_commands(app: &App, typed: &str, chosen: usize, y: usize, canvas: &mut Canvas<'_>) {
    let commands = palette::matching(app, typed);
    let width = canvas.width();
    let room = y.saturating_sub(2).min(12);
    let first = chosen.saturating_sub(room.saturating_sub(1));
    let shown = commands.iter().enumerate().skip(first).take(room);
    let top = y - commands.len().saturating_sub(first).min(room);
    for ((at, command), line) in shown.zip(top..) {
        canvas.line(line, &Row::new().pad_to(width));
        let row = Row::new()
            .own(if at == chosen { ">" } else { " " }, Role::Title)
            .left(app.settings.keymap.text_of(command), 6, Role::Key)
            .left(command.name, 20, Role::Plain)
            .own(command.doc, Role::Plain);
        canvas.line(line, &row);
        if at == chosen {
            canvas.select(0, line, width);
        }
    }
    if commands.is_empty() {
        canvas.line(y - 1, &Row::new().pad_to(width));
        canvas.line(
            y - 1,
            &Row::new().own(" no command of this page matches", Role::Plain),
        );
    }
}

/// What is typed, with the cursor in sight.
fn typed(prompt: &Prompt, canvas: &Canvas<'_>) -> Row {
    let sign = match prompt.asked {
        Asked::Filter(_) => " /",
        Asked::Time => " go to ",
        Asked::Command(_) => " :",
        Asked::Export => {
            return Row::new().own(
                " a report of this window, written to a file here, as",
                Role::Plain,
            );
        }
    };
    let (before, after) = prompt.line.parts();
    let room = canvas.width().saturating_sub(sign.len() + 2);
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

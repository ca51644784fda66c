//! Help, derived from the table of commands, and the page that teaches when there is no data.

use crate::app::{App, COMMANDS, Command, Group, units};
use crate::stats::Snapshot;
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the commands that work on the page below, a page of them at a time.
pub fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let (width, height) = (canvas.width(), canvas.height());
    let column = Command::DOC_LEN_MAX + 9;
    let columns = (width / column).clamp(1, 5);
    let room = height.saturating_sub(4).max(1);
    let pages = pages(app, columns * room, room);
    let page = app.help_page % pages.len().max(1);
    let turn = if pages.len() > 1 {
        format!("   page {} of {}, j turns", page + 1, pages.len())
    } else {
        String::new()
    };
    canvas.line(
        0,
        &Row::new()
            .own(" help: ", Role::Title)
            .own(app.scope().name(), Role::Title)
            .own("   Esc closes", Role::Plain)
            .say(turn, Role::Plain),
    );
    for (idx, row) in pages.get(page).into_iter().flatten().enumerate() {
        canvas.put(idx / room * column + 1, 2 + idx % room, column, row);
    }
    canvas.line(
        height.saturating_sub(1),
        &Row::new().own(
            " !! act  ! watch  ? too little data  = no change  ^ up  v down  n/l not logged",
            Role::Plain,
        ),
    );
}

/// The lines of each page, column by column; a group stands in one column where it fits in one.
fn pages(app: &App, page_len: usize, room: usize) -> Vec<Vec<Row>> {
    let mut pages: Vec<Vec<Row>> = Vec::new();
    let mut page: Vec<Row> = Vec::new();
    for (group, title) in Group::ALL {
        let commands = COMMANDS
            .iter()
            .filter(|c| c.group == group && c.works_in(app.scope()));
        let mut rows = vec![Row::new().own(title, Role::Title)];
        rows.extend(commands.map(|command| {
            Row::new()
                .own(" ", Role::Plain)
                .left(app.settings.keymap.text_of(command), 6, Role::Key)
                .own(command.doc, Role::Plain)
        }));
        if page.len() % room + rows.len() > room {
            page.resize(page.len().next_multiple_of(room), Row::new());
        }
        for row in rows {
            if page.len() >= page_len {
                pages.push(std::mem::take(&mut page));
            }
            page.push(row);
        }
        if !page.len().is_multiple_of(room) {
            page.push(Row::new());
        }
    }
    pages.push(page);
    pages.retain(|page| page.iter().any(|row| row.width() > 0));
    pages
}

/// Draws the first page of an empty database.
pub fn draw_empty(snapshot: &Snapshot, canvas: &mut Canvas<'_>) {
    const LINES: [&str; 10] = [
        " No decisions yet. Feed it one of these, this page fills by itself:",
        "",
        "   routetop router.jsonl             read and follow a log",
        "   routetop ingest router.jsonl      a finished log",
        "   kubectl logs -f deploy/router | routetop -",
        "",
        " One line is one decision. The least that works:",
        "",
        "   {\"ts\":\"2026-11-23T02:41:07Z\",\"route\":\"support-chat\",\"model\":\"small-8b\"}",
        "",
    ];
    for (idx, text) in LINES.iter().enumerate() {
        canvas.line(idx + 2, &Row::new().own(text, Role::Plain));
    }
    let seen = format!(
        " seen so far: {} lines, {} accepted, {} rejected",
        units::count(snapshot.ingest.lines),
        units::count(snapshot.ingest.events),
        units::count(snapshot.ingest.quarantined)
    );
    let y = (LINES.len() + 2).min(canvas.height().saturating_sub(2));
    canvas.line(y, &Row::new().say(seen, Role::Plain));
}

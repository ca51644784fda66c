//! Help, derived from the table of commands, and the page that teaches when there is no data.

use crate::app::{App, COMMANDS, Command, Group, units};
use crate::stats::Snapshot;
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the commands that work on the page below.
pub fn draw(app: &App, canvas: &mut Canvas<'_>) {
    canvas.line(
        0,
        &Row::new()
            .own(" help: ", Role::Title)
            .own(app.scope().name(), Role::Title)
            .own("   Esc closes", Role::Plain),
    );
    let column = Command::DOC_LEN_MAX + 9;
    let columns = (canvas.width() / column).clamp(1, 4);
    let mut ends = vec![2; columns];
    for (group, title) in Group::ALL {
        let commands: Vec<&Command> = COMMANDS
            .iter()
            .filter(|c| c.group == group && c.works_in(app.scope()))
            .collect();
        let Some((at, end)) = ends.iter_mut().enumerate().min_by_key(|(_, end)| **end) else {
            continue;
        };
        canvas.put(
            at * column + 1,
            *end,
            column,
            &Row::new().own(title, Role::Title),
        );
        for (idx, command) in commands.iter().enumerate() {
            let row = Row::new()
                .left(command.keys_text, 6, Role::Key)
                .own(command.doc, Role::Plain);
            canvas.put(at * column + 2, *end + 1 + idx, column - 2, &row);
        }
        *end += commands.len() + 2;
    }
    let y = canvas.height().saturating_sub(2);
    let width = canvas.width();
    canvas.line(y, &Row::new().pad_to(width));
    canvas.line(
        y,
        &Row::new().own(
            " !! act  ! watch  ? too little data  = no change  ^ up  v down  n/l not logged",
            Role::Plain,
        ),
    );
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

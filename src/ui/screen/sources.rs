//! The sources, or what was rejected: lines of the view models, scrolled.

use crate::app::App;
use crate::app::view::{Line, rejects, sources};
use crate::model::Timestamp;
use crate::stats::{Page, Snapshot};
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the page below the header.
pub fn draw(app: &App, snapshot: &Snapshot, now: Timestamp, canvas: &mut Canvas<'_>) {
    if snapshot.query.page != Page::Sources {
        canvas.line(2, &Row::new().own(" reading the sources", Role::Plain));
        return;
    }
    let lines = if app.is_rejects_open {
        rejects::lines(app, snapshot)
    } else {
        sources::lines(app, snapshot, now)
    };
    let room = canvas.height().saturating_sub(2);
    let first = app.scroll.min(lines.len().saturating_sub(room));
    for (idx, line) in lines.iter().skip(first).take(room).enumerate() {
        canvas.line(idx + 1, &row(line));
    }
}

fn row(line: &Line) -> Row {
    line.0.iter().fold(Row::new(), |row, cell| {
        let role = Role::from(cell.weight);
        match (cell.width, cell.is_right) {
            (None, _) => row.say(&cell.text, role),
            (Some(width), false) => row.left(&cell.text, width, role),
            (Some(width), true) => row.right(&cell.text, width, role),
        }
    })
}

//! The sources, or what was rejected: lines of the view models, scrolled.

use super::figures::line_row;
use crate::app::App;
use crate::app::view::{rejects, sources};
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
        canvas.line(idx + 1, &line_row(line));
    }
}

//! What changed: lines of the view model, scrolled.

use super::figures::line_row;
use crate::app::App;
use crate::app::view::changes;
use crate::stats::Snapshot;
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the page below the header.
pub fn draw(app: &App, snapshot: &Snapshot, canvas: &mut Canvas<'_>) {
    if snapshot.query.page != app.asked_page() {
        canvas.line(2, &Row::new().own(" looking for what changed", Role::Plain));
        return;
    }
    let lines = changes::page(app, snapshot);
    let room = canvas.height().saturating_sub(2);
    let first = app.scroll.min(lines.len().saturating_sub(room));
    for (idx, line) in lines.iter().skip(first).take(room).enumerate() {
        canvas.line(idx + 1, &line_row(line));
    }
}

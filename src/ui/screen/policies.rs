//! The policies: lines of the view model, scrolled.

use super::figures::line_row;
use crate::app::App;
use crate::app::view::policies;
use crate::stats::{Page, Snapshot};
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the page below the header.
pub fn draw(app: &App, snapshot: &Snapshot, canvas: &mut Canvas<'_>) {
    if snapshot.query.page != Page::Policies {
        canvas.line(2, &Row::new().own(" reading the policies", Role::Plain));
        return;
    }
    let lines = policies::lines(app, snapshot);
    let room = canvas.height().saturating_sub(2);
    let first = app.scroll.min(lines.len().saturating_sub(room));
    for (idx, line) in lines.iter().skip(first).take(room).enumerate() {
        canvas.line(idx + 1, &line_row(line));
    }
}

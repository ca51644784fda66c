//! The page as plain text: what is copied, and shown outside the dashboard.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw;
use crate::app::App;
use crate::model::Timestamp;

/// Returns the lines of the page as it is drawn, without the line of keys; blanks at the ends are cut.
pub fn page_text(app: &App, now: Timestamp) -> String {
    let (width, height) = app.settings.size;
    let mut page = app.clone();
    page.notice = None;
    page.prompt = None;
    // Drawing into memory cannot fail.
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| draw(&page, now, frame));
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(width.max(1)));
    let mut lines: Vec<String> = rows
        .take(usize::from(height.saturating_sub(1)))
        .map(|row| {
            let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            text.trim_end().to_owned()
        })
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

//! Decisions, newest first.

use crate::app::{App, filtering, units};
use crate::stats::DecisionRow;
use crate::ui::text::{Canvas, Row};
use crate::ui::theme::Role;

/// Draws the page below the header.
pub fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let list = &app.decisions;
    let (width, height) = (canvas.width(), canvas.height());
    if list.rows.is_empty() && app.is_waiting() {
        canvas.line(1, &Row::new().own(" looking for decisions", Role::Plain));
        return;
    }
    let state = match (list.is_following, list.new_len) {
        (true, _) => "following the newest".to_owned(),
        (false, 0) => "not following, G follows".to_owned(),
        (false, new) => format!("+{new} new, G follows"),
    };
    canvas.line(
        1,
        &Row::new().say(
            format!(
                " {} decisions in the window, {state}",
                units::count(list.total)
            ),
            Role::Plain,
        ),
    );
    let head = if width < 80 {
        Row::new().own(" TIME     MODELS     TOOK       REASON", Role::Title)
    } else {
        let models = if width < 120 { 18 } else { 30 };
        Row::new()
            .own("  TIME (UTC)    ID         ", Role::Title)
            .left("MODELS", models, Role::Title)
            .own(" TOKENS   TOOK      REASON", Role::Title)
    };
    canvas.line(2, &head);
    let room = height.saturating_sub(6).max(1);
    let first = list.selected / room * room;
    for (idx, row) in list.rows.iter().enumerate().skip(first).take(room) {
        let y = 3 + idx - first;
        let is_selected = idx == list.selected;
        let line = Row::new().own(if is_selected { ">" } else { " " }, Role::Title);
        let line = if width < 80 {
            line.left(
                units::clock_millis(row.ts).get(..8).unwrap_or_default(),
                9,
                Role::Plain,
            )
        } else {
            line.own(" ", Role::Plain)
                .left(units::clock_millis(row.ts), 14, Role::Plain)
                .left(&row.id, 10, Role::Plain)
                .own(" ", Role::Plain)
        };
        canvas.line(y, &facts(line, row, width));
        if is_selected {
            canvas.select(0, y, width);
        }
    }
    if list.rows.is_empty() {
        canvas.line(
            3,
            &Row::new().own("  no decisions in this window", Role::Plain),
        );
    }
    canvas.line(height - 2, &foot(app, width));
}

/// The selected value, which `+` keeps, and what the marks mean.
fn foot(app: &App, width: usize) -> Row {
    const MARKS: &str = "C corrected  E escalated  F fallback  X failed";
    let Some(value) = filtering::selected(app) else {
        return Row::new().own(" ", Role::Dim).own(MARKS, Role::Dim);
    };
    let keys = Row::new()
        .own(" + -", Role::Key)
        .own(" ", Role::Plain)
        .say(value.text(), Role::Title)
        .own("  ", Role::Plain)
        .own("h l", Role::Key)
        .own(" other value", Role::Plain);
    if keys.width() + 3 + MARKS.len() <= width {
        keys.own("   ", Role::Dim).own(MARKS, Role::Dim)
    } else {
        keys
    }
}

/// Appends models, tokens, latency, marks and reason.
pub fn facts(line: Row, row: &DecisionRow, width: usize) -> Row {
    let models: Vec<&str> = row.models.iter().map(|(model, _)| &**model).collect();
    let models_width = match width {
        0..80 => 8,
        80..120 => 18,
        _ => 30,
    };
    let mut line = line.left(models.join(">"), models_width, Role::Plain);
    if width >= 80 {
        line = line.right(
            row.tokens.map_or_else(|| "--".to_owned(), units::count),
            7,
            Role::Plain,
        );
    }
    line = line.right(
        row.latency.map_or_else(|| "--".to_owned(), units::span),
        7,
        Role::Plain,
    );
    let marks = [
        (row.is_corrected, "C"),
        (row.is_escalated, "E"),
        (row.is_fallback, "F"),
        (row.state == "failed", "X"),
    ];
    line.push_own(" ", Role::Plain);
    for (is_set, mark) in marks {
        line.push_own(if is_set { mark } else { " " }, Role::Title);
    }
    let reason = row
        .reason
        .as_ref()
        .or(row.rule.as_ref())
        .map_or("", |text| text);
    line.own(" ", Role::Plain).say(reason, Role::Plain)
}

//! The only place where text becomes cells. A piece is either a literal of this program or was made
//! by the sanitiser of `model`; there is no third way in.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::Widget;

use crate::model::{Shown, sanitise};

use super::theme::{Role, Theme};

#[derive(Debug, Clone)]
enum Text {
    Own(&'static str),
    Foreign(Shown),
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Self::Own(text) => text,
            Self::Foreign(shown) => shown.as_str(),
        }
    }
}

/// One line of styled text.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pieces: Vec<(Text, Role)>,
    width: usize,
}

impl Row {
    /// Makes an empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a literal.
    pub fn own(mut self, text: &'static str, role: Role) -> Self {
        self.push_own(text, role);
        self
    }

    /// Appends a literal in place.
    pub fn push_own(&mut self, text: &'static str, role: Role) {
        self.width += Span::raw(text).width();
        self.pieces.push((Text::Own(text), role));
    }

    /// Appends any text, sanitised.
    pub fn say(self, text: impl AsRef<str>, role: Role) -> Self {
        self.shown(sanitise(text.as_ref()), role)
    }

    /// Appends a sanitised text.
    pub fn shown(mut self, text: Shown, role: Role) -> Self {
        self.width += text.width();
        self.pieces.push((Text::Foreign(text), role));
        self
    }

    /// Appends any text, cut and filled to `width` cells.
    pub fn left(self, text: impl AsRef<str>, width: usize, role: Role) -> Self {
        let end = self.width + width;
        let text = sanitise(text.as_ref()).cut(width);
        self.shown(text, role).pad_to(end)
    }

    /// Appends any text at the right end of `width` cells.
    pub fn right(self, text: impl AsRef<str>, width: usize, role: Role) -> Self {
        let text = sanitise(text.as_ref()).cut(width);
        let start = self.width + width.saturating_sub(text.width());
        self.pad_to(start).shown(text, role)
    }

    /// Appends another line.
    pub fn then(mut self, other: Self) -> Self {
        self.width += other.width;
        self.pieces.extend(other.pieces);
        self
    }

    /// Appends blanks up to `width` cells.
    pub fn pad_to(mut self, width: usize) -> Self {
        const BLANKS: &str = "                                                                ";
        while self.width < width {
            let len = (width - self.width).min(BLANKS.len());
            self.push_own(BLANKS.get(..len).unwrap_or(" "), Role::Plain);
        }
        self
    }

    /// Returns the width in cells.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// The part of the screen that a page draws on; nothing is drawn outside.
#[derive(Debug)]
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    /// Styles and glyphs.
    pub theme: Theme,
}

impl<'a> Canvas<'a> {
    /// Makes a canvas of the part of `area` that `buffer` has.
    pub fn new(buffer: &'a mut Buffer, area: Rect, theme: Theme) -> Self {
        let area = area.intersection(buffer.area);
        Self {
            buffer,
            area,
            theme,
        }
    }

    /// Returns the part of the canvas below its first `lines`.
    pub fn below(&mut self, lines: usize) -> Canvas<'_> {
        let lines = u16::try_from(lines)
            .unwrap_or(u16::MAX)
            .min(self.area.height);
        Canvas {
            area: Rect {
                y: self.area.y + lines,
                height: self.area.height - lines,
                ..self.area
            },
            theme: self.theme,
            buffer: self.buffer,
        }
    }

    /// Returns the columns.
    pub fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    /// Returns the rows.
    pub fn height(&self) -> usize {
        usize::from(self.area.height)
    }

    /// Draws `row` from column `x` of line `y`, cut at `width` cells and at the border.
    pub fn put(&mut self, x: usize, y: usize, width: usize, row: &Row) {
        let end = self.width().min(x.saturating_add(width));
        let mut at = x;
        for (text, role) in &row.pieces {
            let span = Span::styled(text.as_str(), self.theme.style(*role));
            let len = span.width();
            if at >= end {
                return;
            }
            if let Some(rect) = self.rect(at, y, len.min(end - at)) {
                span.render(rect, self.buffer);
            }
            at += len;
        }
    }

    /// Draws `row` over the whole width of line `y`.
    pub fn line(&mut self, y: usize, row: &Row) {
        let width = self.width();
        self.put(0, y, width, row);
    }

    /// Marks a part of line `y` as selected.
    pub fn select(&mut self, x: usize, y: usize, width: usize) {
        let width = width.min(self.width().saturating_sub(x));
        if let Some(rect) = self.rect(x, y, width) {
            self.buffer.set_style(rect, Theme::selected());
        }
    }

    fn rect(&self, x: usize, y: usize, width: usize) -> Option<Rect> {
        if x >= self.width() || y >= self.height() || width == 0 {
            return None;
        }
        let left = self.area.x.checked_add(u16::try_from(x).ok()?)?;
        let top = self.area.y.checked_add(u16::try_from(y).ok()?)?;
        let rect = Rect::new(left, top, u16::try_from(width).ok()?, 1);
        Some(rect.intersection(self.area))
    }
}

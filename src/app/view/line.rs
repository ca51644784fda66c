//! One line of a page: cells of text, each with its room.

/// How much a text weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Ordinary.
    Plain,
    /// A heading, or a value that stands out.
    Title,
    /// Of lesser weight.
    Dim,
    /// Asks for attention.
    Watch,
    /// Asks for action.
    Act,
}

/// One text of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The text, not yet sanitised.
    pub text: String,
    /// How many columns it takes, cut or filled; `None`: as many as it needs.
    pub width: Option<usize>,
    /// Whether it stands at the right end of them.
    pub is_right: bool,
    /// How much it weighs.
    pub weight: Weight,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(pub Vec<Cell>);

impl Line {
    /// Makes a line of one plain text.
    pub fn of(text: impl Into<String>) -> Self {
        Self::default().say(text, Weight::Plain)
    }

    /// Appends a text as long as it is.
    pub fn say(self, text: impl Into<String>, weight: Weight) -> Self {
        self.cell(text.into(), None, false, weight)
    }

    /// Appends a text in `width` columns.
    pub fn left(self, text: impl Into<String>, width: usize, weight: Weight) -> Self {
        self.cell(text.into(), Some(width), false, weight)
    }

    /// Appends a text at the right end of `width` columns.
    pub fn right(self, text: impl Into<String>, width: usize, weight: Weight) -> Self {
        self.cell(text.into(), Some(width), true, weight)
    }

    fn cell(mut self, text: String, width: Option<usize>, is_right: bool, weight: Weight) -> Self {
        self.0.push(Cell {
            text,
            width,
            is_right,
            weight,
        });
        self
    }

    /// Returns the text of all cells, for tests and plain outputs.
    pub fn text(&self) -> String {
        self.0.iter().map(|cell| cell.text.as_str()).collect()
    }
}

/// Cuts a text into pieces of at most `width` columns, at blanks where there are any.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let has_room = |line: &String| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width
        };
        match lines.last_mut().filter(|line| has_room(line)) {
            Some(line) => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_blanks() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("longerthan seven", 7), ["longerthan", "seven"]);
        assert_eq!(wrapped("", 7), [""]);
    }
}

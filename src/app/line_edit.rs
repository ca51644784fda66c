//! One line of text that is typed and changed.

use super::key::{Code, Key};

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// The text is another.
    Text,
    /// Only the cursor moved, or nothing.
    Nothing,
    /// The line is complete.
    Done,
    /// The line is given up.
    GivenUp,
}

/// A line and the place in it, in characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineEdit {
    before: String,
    after: String,
}

impl LineEdit {
    /// The longest text, in bytes; what is typed beyond is not taken.
    pub const LEN_MAX: usize = 4_096;

    /// Makes a line with the cursor at its end.
    pub fn new(text: &str) -> Self {
        Self {
            before: text.to_owned(),
            after: String::new(),
        }
    }

    /// Returns the text.
    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// Returns what stands before and behind the cursor.
    pub fn parts(&self) -> (&str, &str) {
        (&self.before, &self.after)
    }

    /// Types a text; control characters become blanks.
    pub fn insert(&mut self, text: &str) {
        for char in text.chars() {
            if self.before.len() + self.after.len() + char.len_utf8() > Self::LEN_MAX {
                return;
            }
            self.before.push(if char.is_control() { ' ' } else { char });
        }
    }

    /// Takes a key, as a shell would.
    pub fn press(&mut self, key: Key) -> Edited {
        let len = self.before.len() + self.after.len();
        match (key.code, key.is_ctrl) {
            (Code::Enter, _) => return Edited::Done,
            (Code::Esc, _) => return Edited::GivenUp,
            (Code::Char('u'), true) => self.before.clear(),
            (Code::Char('k'), true) => self.after.clear(),
            (Code::Char('w'), true) => {
                let kept = self.before.trim_end();
                let end = kept.rfind(' ').map_or(0, |at| at + 1);
                self.before.truncate(end);
            }
            (Code::Char('a'), true) | (Code::Home, _) => {
                self.after.insert_str(0, &self.before);
                self.before.clear();
            }
            (Code::Char('e'), true) | (Code::End, _) => {
                self.before.push_str(&self.after);
                self.after.clear();
            }
            (Code::Char('h'), true) | (Code::Backspace, _) => {
                self.before.pop();
            }
            (Code::Char('d'), true) | (Code::Delete, _) => {
                let mut rest = self.after.chars();
                rest.next();
                self.after = rest.as_str().to_owned();
            }
            (Code::Left, _) => {
                if let Some(char) = self.before.pop() {
                    self.after.insert(0, char);
                }
            }
            (Code::Right, _) => {
                let mut rest = self.after.chars();
                if let Some(char) = rest.next() {
                    self.before.push(char);
                    self.after = rest.as_str().to_owned();
                }
            }
            (Code::Char(char), false) => self.insert(char.encode_utf8(&mut [0; 4])),
            _ => {}
        }
        if self.before.len() + self.after.len() == len {
            Edited::Nothing
        } else {
            Edited::Text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pressed(line: &mut LineEdit, keys: &[Key]) -> Edited {
        let mut last = Edited::Nothing;
        for key in keys {
            last = line.press(*key);
        }
        last
    }

    #[test]
    fn keys_change_the_line_as_in_a_shell() {
        let mut line = LineEdit::new("lang=de corrected");
        pressed(&mut line, &[Key::ctrl('w')]);
        assert_eq!(line.text(), "lang=de ");
        pressed(&mut line, &[Key::of(Code::Home), Key::char('-')]);
        assert_eq!(line.parts(), ("-", "lang=de "));
        pressed(&mut line, &[Key::of(Code::Delete), Key::of(Code::Right)]);
        assert_eq!(line.parts(), ("-a", "ng=de "));
        pressed(&mut line, &[Key::of(Code::Left), Key::of(Code::Backspace)]);
        assert_eq!(line.parts(), ("", "ang=de "));
        pressed(&mut line, &[Key::of(Code::End), Key::ctrl('u')]);
        assert_eq!(line.text(), "");
        line.insert("ü\n*");
        assert_eq!(line.text(), "ü *");
        assert_eq!(pressed(&mut line, &[Key::of(Code::Enter)]), Edited::Done);
        assert_eq!(pressed(&mut line, &[Key::of(Code::Esc)]), Edited::GivenUp);
        line.insert(&"x".repeat(9_000));
        assert_eq!(line.text().len(), LineEdit::LEN_MAX);
    }

    proptest! {
        #[test]
        fn no_key_is_too_much(chars in "[a-zü]{0,8}", codes in proptest::collection::vec(0_usize..10, 0..30)) {
            let mut line = LineEdit::new(&chars);
            let keys = [
                Key::of(Code::Left), Key::of(Code::Right), Key::of(Code::Backspace), Key::of(Code::Delete),
                Key::ctrl('w'), Key::ctrl('u'), Key::ctrl('k'), Key::char('ß'), Key::of(Code::Home), Key::of(Code::Tab),
            ];
            for code in codes {
                let before = line.text();
                let edited = line.press(keys[code]);
                prop_assert_eq!(edited == Edited::Text, before != line.text());
            }
        }
    }
}

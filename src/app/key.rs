//! A pressed key, free of the terminal library that read it.

use std::fmt;

/// A key with or without Ctrl. Shift is part of the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// Whether Ctrl is held.
    pub is_ctrl: bool,
}

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of keys")]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Function(u8),
}

impl Key {
    /// Makes a character key.
    pub const fn char(char: char) -> Self {
        Self::of(Code::Char(char))
    }

    /// Makes a character key with Ctrl, in lower case.
    pub const fn ctrl(char: char) -> Self {
        Self {
            code: Code::Char(char),
            is_ctrl: true,
        }
    }

    /// Makes a key without Ctrl.
    pub const fn of(code: Code) -> Self {
        Self {
            code,
            is_ctrl: false,
        }
    }
}

/// The names of keys that are no characters.
const NAMES: [(Code, &str); 15] = [
    (Code::Enter, "enter"),
    (Code::Esc, "esc"),
    (Code::Up, "up"),
    (Code::Down, "down"),
    (Code::Left, "left"),
    (Code::Right, "right"),
    (Code::PageUp, "pageup"),
    (Code::PageDown, "pagedown"),
    (Code::Home, "home"),
    (Code::End, "end"),
    (Code::Tab, "tab"),
    (Code::BackTab, "backtab"),
    (Code::Backspace, "backspace"),
    (Code::Delete, "delete"),
    (Code::Char(' '), "space"),
];

impl fmt::Display for Key {
    /// Writes it as the config file does: `ctrl+d`, `space`, `f1`, `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ctrl {
            f.write_str("ctrl+")?;
        }
        if let Some((_, name)) = NAMES.iter().find(|row| row.0 == self.code) {
            return f.write_str(name);
        }
        match self.code {
            Code::Char(char) => write!(f, "{char}"),
            Code::Function(number) => write!(f, "f{number}"),
            _ => Ok(()),
        }
    }
}

impl Key {
    /// Reads a key as it is written; capital letters are other keys than small ones.
    pub fn try_from_text(text: &str) -> Option<Self> {
        let (is_ctrl, name) = match text.strip_prefix("ctrl+") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let named = NAMES.iter().find(|row| row.1 == name).map(|row| row.0);
        let function = || {
            let number = name.strip_prefix('f')?.parse().ok()?;
            (1..=24).contains(&number).then_some(Code::Function(number))
        };
        let char = || {
            let mut chars = name.chars();
            let char = chars.next().filter(|c| !c.is_control() && *c != ' ')?;
            // Terminals tell Ctrl of small letters only.
            let is_kept = !is_ctrl || !char.is_uppercase();
            (chars.next().is_none() && is_kept).then_some(Code::Char(char))
        };
        let code = named.or_else(function).or_else(char)?;
        Some(Self { code, is_ctrl })
    }

    /// Returns it as the line of keys shows it: `^d`, `Space`, `F1`, `?`.
    pub fn shown(self) -> String {
        let name = Self {
            is_ctrl: false,
            ..self
        }
        .to_string();
        let name = match self.code {
            Code::Char(char) if char != ' ' => name,
            _ => {
                let mut chars = name.chars();
                let first = chars.next().map(|first| first.to_ascii_uppercase());
                first.into_iter().chain(chars).collect()
            }
        };
        if self.is_ctrl {
            format!("^{name}")
        } else {
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_written_as_people_write_them() {
        for (text, key, shown) in [
            ("ctrl+d", Key::ctrl('d'), "^d"),
            ("space", Key::char(' '), "Space"),
            ("f1", Key::of(Code::Function(1)), "F1"),
            ("f", Key::char('f'), "f"),
            ("?", Key::char('?'), "?"),
            ("G", Key::char('G'), "G"),
            ("+", Key::char('+'), "+"),
            ("pageup", Key::of(Code::PageUp), "Pageup"),
        ] {
            assert_eq!(Key::try_from_text(text), Some(key), "{text}");
            assert_eq!(
                (key.to_string(), key.shown()),
                (text.to_owned(), shown.to_owned())
            );
        }
        for bad in [
            "", "ctrl+", "ab", "f0", "f99", "ctrl+D", " ", "\u{1b}", "Enter",
        ] {
            assert_eq!(Key::try_from_text(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_back(text in "\\PC{0,8}") {
            if let Some(key) = Key::try_from_text(&text) {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}

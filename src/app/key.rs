//! A pressed key, free of the terminal library that read it.

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

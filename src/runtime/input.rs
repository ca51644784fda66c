//! The input thread: the keyboard's events as the app's own keys.

use std::thread;

use rustix::fs::FileType;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::RuntimeError;
use crate::app::{Code, Key, Message};

/// The longest pasted text taken, in bytes.
const PASTE_LEN_MAX: usize = 4 * 1024;

/// Tells whether somebody feeds lines into stdin: it is a pipe or a file, not a terminal or nothing.
pub fn is_stdin_fed() -> bool {
    let mode = rustix::fs::fstat(std::io::stdin()).map(|stat| stat.st_mode);
    mode.is_ok_and(|mode| {
        let kind = FileType::from_raw_mode(mode);
        matches!(kind, FileType::Fifo | FileType::RegularFile)
    })
}

/// Starts the thread that reads the keyboard; `send` is called for every message.
///
/// # Errors
///
/// When the thread cannot be started.
pub fn start(send: impl Fn(Message) + Send + 'static) -> Result<(), RuntimeError> {
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            while let Ok(event) = event::read() {
                if let Some(message) = message(event) {
                    send(message);
                }
            }
        })
        .map(|_| ())
        .map_err(|_| RuntimeError::Thread("input"))
}

fn message(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Message::Key(to_key(key)?)),
        Event::Resize(width, height) => Some(Message::Resize { width, height }),
        Event::Paste(text) => {
            let end = text
                .char_indices()
                .map(|(at, _)| at)
                .find(|at| *at >= PASTE_LEN_MAX);
            Some(Message::Paste(
                text.get(..end.unwrap_or(text.len()))?.to_owned(),
            ))
        }
        _ => None,
    }
}

/// Shift is part of a character; a key that no page can mean is none.
fn to_key(key: KeyEvent) -> Option<Key> {
    let code = match key.code {
        KeyCode::Char(char) => Code::Char(char),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::F(number) => Code::Function(number),
        _ => return None,
    };
    Some(Key {
        code,
        is_ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn d27_any_key_is_one_of_ours_or_none(char in any::<char>(), number in any::<u8>(), modifiers in any::<u8>()) {
            let modifiers = KeyModifiers::from_bits_truncate(modifiers);
            let is_ctrl = modifiers.contains(KeyModifiers::CONTROL);
            let key = |code| to_key(KeyEvent::new(code, modifiers));
            let ours = |code| Some(Key { code, is_ctrl });
            prop_assert_eq!(key(KeyCode::Char(char)), ours(Code::Char(char)));
            prop_assert_eq!(key(KeyCode::F(number)), ours(Code::Function(number)));
            prop_assert_eq!(key(KeyCode::Null), None);
        }

        #[test]
        fn d27_a_paste_is_cut_between_characters(text in "\\PC{0,3000}") {
            let Some(Message::Paste(taken)) = message(Event::Paste(text.clone())) else {
                return Err(TestCaseError::fail("no paste"));
            };
            prop_assert!(text.starts_with(&taken));
            prop_assert!(taken.len() == text.len() || taken.len() + 4 > PASTE_LEN_MAX);
            prop_assert!(taken.len() < PASTE_LEN_MAX + 4);
        }
    }
}

//! Which key does what: the table of commands, with the keys that the user chose instead.

use super::command::{Action, COMMANDS, Command, Scope};
use super::key::Key;

/// The keys of every command, in the order of [`COMMANDS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    keys: Vec<Vec<Key>>,
    /// Whether the user chose them.
    is_own: Vec<bool>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self {
            keys: COMMANDS
                .iter()
                .map(|command| command.keys.to_vec())
                .collect(),
            is_own: vec![false; COMMANDS.len()],
        }
    }
}

/// Why keys cannot be used as they were chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeymapError {
    /// There is no command of that name.
    NoCommand(String),
    /// A text is no key.
    NoKey(String),
    /// Two commands of one page have the same key.
    Conflict(Key, [&'static str; 2]),
    /// A command that every page needs has no key left.
    Missing(&'static str),
}

impl Keymap {
    /// Gives commands other keys, each by its name.
    ///
    /// # Errors
    ///
    /// When a name or a key is not known, two commands of one page would share a key, or nothing would lead back,
    /// to help or out.
    pub fn with(choices: &[(String, Vec<String>)]) -> Result<Self, KeymapError> {
        let mut map = Self::default();
        for (name, keys) in choices {
            let place = COMMANDS
                .iter()
                .position(|command| command.name == name)
                .ok_or_else(|| KeymapError::NoCommand(name.clone()))?;
            let read = |text: &String| {
                Key::try_from_text(text).ok_or_else(|| KeymapError::NoKey(text.clone()))
            };
            let keys = keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            if let (Some(into), Some(own)) = (map.keys.get_mut(place), map.is_own.get_mut(place)) {
                *into = keys;
                *own = true;
            }
        }
        map.check()?;
        Ok(map)
    }

    fn check(&self) -> Result<(), KeymapError> {
        for (scope, ..) in Scope::ALL {
            let mut seen: Vec<(Key, &'static str)> = Vec::new();
            for (command, keys) in self.rows().filter(|row| row.0.works_in(scope)) {
                for key in keys {
                    if let Some((_, other)) = seen.iter().find(|known| known.0 == *key) {
                        return Err(KeymapError::Conflict(*key, [other, command.name]));
                    }
                    seen.push((*key, command.name));
                }
            }
        }
        let needed = [Action::Quit, Action::Back, Action::ToggleHelp];
        let without =
            |row: &(&'static Command, &[Key])| needed.contains(&row.0.action) && row.1.is_empty();
        match self.rows().find(without) {
            Some((command, _)) => Err(KeymapError::Missing(command.name)),
            None => Ok(()),
        }
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Command, &[Key])> {
        COMMANDS.iter().zip(self.keys.iter().map(Vec::as_slice))
    }

    /// Finds what `key` does in `scope`.
    pub fn action_of(&self, key: Key, scope: Scope) -> Option<Action> {
        self.rows()
            .find(|(command, keys)| command.works_in(scope) && keys.contains(&key))
            .map(|(command, _)| command.action)
    }

    /// Returns how the first key of a command reads; empty when it has none.
    pub fn text_of(&self, command: &Command) -> String {
        let place = COMMANDS.iter().position(|known| known.name == command.name);
        let Some((place, keys)) = place.and_then(|place| Some((place, self.keys.get(place)?)))
        else {
            return String::new();
        };
        match keys.first() {
            Some(first) if self.is_own.get(place) == Some(&true) => first.shown(),
            Some(_) => command.keys_text.to_owned(),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Code;

    fn with(choices: &[(&str, &[&str])]) -> Result<Keymap, KeymapError> {
        let owned = choices.iter().map(|(name, keys)| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            ((*name).to_owned(), keys)
        });
        Keymap::with(&owned.collect::<Vec<_>>())
    }

    #[test]
    fn chosen_keys_take_the_place_of_the_usual_ones() {
        let map = with(&[("toggle-pause", &["P", "ctrl+s"]), ("show-plain", &[])]).unwrap();
        let of = |key| map.action_of(key, Scope::Overview);
        assert_eq!(of(Key::char('P')), Some(Action::TogglePause));
        assert_eq!(of(Key::ctrl('s')), Some(Action::TogglePause));
        assert_eq!(of(Key::char(' ')), None);
        assert_eq!(of(Key::char('p')), None);
        assert_eq!(of(Key::of(Code::Enter)), Some(Action::Open));
        let command = |name: &str| {
            COMMANDS
                .iter()
                .find(|command| command.name == name)
                .unwrap()
        };
        assert_eq!(map.text_of(command("toggle-pause")), "P");
        assert_eq!(map.text_of(command("show-plain")), "");
        assert_eq!(map.text_of(command("half-page-down")), "^d");
    }

    #[test]
    fn what_cannot_be_is_said() {
        for (choices, error) in [
            (
                &[("pause", &["P"][..])][..],
                KeymapError::NoCommand("pause".to_owned()),
            ),
            (
                &[("toggle-pause", &["PP"])],
                KeymapError::NoKey("PP".to_owned()),
            ),
            (
                &[("toggle-pause", &["q"])],
                KeymapError::Conflict(Key::char('q'), ["toggle-pause", "quit"]),
            ),
            (&[("quit", &[])], KeymapError::Missing("quit")),
        ] {
            assert_eq!(with(choices), Err(error));
        }
        // The same key on different pages is no conflict.
        assert!(with(&[("toggle-rejects", &["d"])]).is_ok());
        assert!(Keymap::default().check().is_ok());
    }

    #[test]
    fn digits_lead_to_the_pages_they_name() {
        for (scope, digit, _) in Scope::ALL {
            assert_eq!(
                Keymap::default().action_of(Key::char(digit), Scope::Overview),
                Some(Action::Go(scope))
            );
        }
    }

    #[test]
    fn every_page_can_be_left() {
        for (scope, ..) in Scope::ALL {
            assert_eq!(
                Keymap::default().action_of(Key::ctrl('c'), scope),
                Some(Action::Quit)
            );
            assert_eq!(
                Keymap::default().action_of(Key::of(Code::Esc), scope),
                Some(Action::Back)
            );
        }
    }
}

//! Every command by its name: `:` lists those that work here, typing narrows the list.

use super::line_edit::Edited;
use super::prompt::{Asked, Prompt};
use super::{Action, App, COMMANDS, Code, Command, Key};

/// Opens the list.
pub(super) fn open(app: &mut App) {
    app.prompt = Some(Prompt::new(Asked::Command(0), ""));
}

/// Returns the commands that work on the page and match what is typed, names that begin with it first.
pub fn matching(app: &App, typed: &str) -> Vec<&'static Command> {
    let typed = typed.trim().to_ascii_lowercase();
    let mut found: Vec<_> = COMMANDS
        .iter()
        .filter(|command| command.works_in(app.scope()) && command.action != Action::OpenPalette)
        .filter(|command| {
            command.name.contains(&typed) || command.doc.to_ascii_lowercase().contains(&typed)
        })
        .collect();
    found.sort_by_key(|command| !command.name.starts_with(&typed));
    found
}

/// Takes a key while the list is open; returns what to do.
pub(super) fn press(app: &mut App, key: Key) -> Option<Action> {
    let typed = app.prompt.as_ref()?.line.text();
    let commands = matching(app, &typed);
    let prompt = app.prompt.as_mut()?;
    let Asked::Command(chosen) = &mut prompt.asked else {
        return None;
    };
    let last = commands.len().saturating_sub(1);
    match key.code {
        Code::Down | Code::Tab => *chosen = if *chosen >= last { 0 } else { *chosen + 1 },
        Code::Up | Code::BackTab => *chosen = chosen.checked_sub(1).unwrap_or(last),
        _ => match prompt.line.press(key) {
            Edited::Text => *chosen = 0,
            Edited::Nothing => {}
            Edited::GivenUp => app.prompt = None,
            Edited::Done => {
                let action = commands
                    .get((*chosen).min(last))
                    .map(|command| command.action);
                // A line that matches nothing stays, to be mended.
                if action.is_some() {
                    app.prompt = None;
                }
                return action;
            }
        },
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, app, ordinary};
    use crate::app::{Effect, Message, Scope, update};

    #[test]
    fn a_command_is_found_by_its_name_or_what_it_does() {
        let mut app = app(Scope::Overview, (80, 24), ordinary);
        let press = |app: &mut App, key| update(app, Message::Key(key), NOW);
        let type_in = |app: &mut App, text: &str| {
            press(app, Key::char(':'));
            for char in text.chars() {
                press(app, Key::char(char));
            }
            press(app, Key::of(Code::Enter))
        };
        type_in(&mut app, "sources");
        assert_eq!(app.scope(), Scope::Sources);
        assert!(app.prompt.is_none());
        assert_eq!(type_in(&mut app, "QUIT"), [Effect::Quit]);
        assert!(type_in(&mut app, "no such thing").is_empty());
        assert!(app.prompt.is_some());
        press(&mut app, Key::of(Code::Esc));
        assert!(app.prompt.is_none());
        press(&mut app, Key::char(':'));
        let commands = matching(&app, "");
        press(&mut app, Key::of(Code::Up));
        let Some(Asked::Command(chosen)) = app.prompt.as_ref().map(|prompt| &prompt.asked) else {
            panic!("the list is open");
        };
        assert_eq!(*chosen, commands.len() - 1);
        // Rejects are opened on their page only.
        assert!(
            commands
                .iter()
                .any(|command| command.name == "toggle-rejects")
        );
    }
}

//! One check, and those of the surroundings.

use crate::cli::report::style::Style;
use crate::cli::words::foreign;
use crate::config::{Capabilities, Colour, Environment};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It works.
    Works,
    /// It works, with something to know.
    Note,
    /// It does not work.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// How it went.
    pub state: State,
    /// What was looked at, in a word.
    pub topic: &'static str,
    /// What was found.
    pub found: String,
    /// What to do about it, and what else there is to say, a line each.
    pub more: Vec<String>,
}

impl Check {
    /// Makes a check without remedy.
    pub fn new(state: State, topic: &'static str, found: impl Into<String>) -> Self {
        Self {
            state,
            topic,
            found: found.into(),
            more: Vec::new(),
        }
    }

    /// Adds a line.
    pub fn with(mut self, line: impl Into<String>) -> Self {
        self.more.push(line.into());
        self
    }

    /// Returns its lines.
    pub fn lines(&self, style: Style) -> Vec<String> {
        let mark = match self.state {
            State::Works => "ok",
            State::Note => "! ",
            State::Broken => "!!",
        };
        let found = foreign(&self.found, style.ascii);
        let head = format!("{mark}  {:<9} {found}", self.topic);
        let more = self
            .more
            .iter()
            .map(|line| format!("              {}", foreign(line, style.ascii)));
        std::iter::once(head).chain(more).collect()
    }
}

/// Checks what the dashboard draws on.
pub fn surroundings(env: &Environment, can: Capabilities, is_terminal: bool) -> Vec<Check> {
    vec![
        terminal(env, is_terminal),
        locale(env, can),
        colour(env, can),
    ]
}

fn terminal(env: &Environment, is_terminal: bool) -> Check {
    let term = env.term.as_deref().unwrap_or("not set");
    let inside = if env.tmux { ", inside tmux" } else { "" };
    if !is_terminal {
        let found = format!("standard output is no terminal (TERM {term}{inside})");
        return Check::new(State::Note, "terminal", found)
            .with("the dashboard needs one; `report` and `explain` do not");
    }
    if !env.has_cursor() {
        return Check::new(
            State::Note,
            "terminal",
            format!("TERM is {term}: no cursor to place"),
        )
        .with("set TERM to what the terminal is, e.g. xterm-256color");
    }
    Check::new(State::Works, "terminal", format!("TERM {term}{inside}"))
}

fn locale(env: &Environment, can: Capabilities) -> Check {
    if env.lang_is_utf8 {
        let drawn = if can.ascii {
            ", ASCII as asked for"
        } else {
            ""
        };
        return Check::new(State::Works, "locale", format!("UTF-8{drawn}"));
    }
    Check::new(
        State::Note,
        "locale",
        "not UTF-8: charts are drawn with ASCII",
    )
    .with("set LANG to a UTF-8 locale, e.g. C.UTF-8")
}

fn colour(env: &Environment, can: Capabilities) -> Check {
    let depth = match can.colour {
        Colour::None if env.no_color => "none, as NO_COLOR asks for",
        Colour::None => "none",
        Colour::Sixteen => "16 colours",
        Colour::Indexed => "256 colours",
        Colour::True => "24 bits",
    };
    Check::new(State::Works, "colour", depth)
}

/// Checks the config file: where it is, and what was made of it.
pub fn config(
    path: Option<&str>,
    usual: Option<&str>,
    outcome: Result<String, (String, Option<String>)>,
) -> Check {
    match (path, outcome) {
        (Some(path), Ok(says)) => Check::new(State::Works, "config", format!("{path}: {says}")),
        (None, Ok(says)) if says.is_empty() => {
            let usual = usual.map_or_else(String::new, |usual| format!("; it would be {usual}"));
            Check::new(State::Works, "config", format!("no config file{usual}"))
        }
        (None, Ok(says)) => Check::new(State::Works, "config", says),
        (_, Err((why, hint))) => hint.into_iter().fold(
            Check::new(State::Broken, "config", format!("failed to {why}")),
            Check::with,
        ),
    }
}

/// Checks the program that reads remote files.
pub fn ssh(path: Option<&str>) -> Check {
    match path {
        Some(path) => Check::new(State::Works, "ssh", path),
        None => Check::new(State::Note, "ssh", "not in PATH")
            .with("install an OpenSSH client to read files of other hosts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Wishes;

    fn env(term: Option<&str>, utf8: bool) -> Environment {
        Environment {
            term: term.map(str::to_owned),
            lang_is_utf8: utf8,
            ..Environment::default()
        }
    }

    fn told(env: &Environment, is_terminal: bool) -> Vec<String> {
        let can = Capabilities::resolve(Wishes::default(), env, is_terminal);
        let checks = surroundings(env, can, is_terminal);
        checks
            .iter()
            .flat_map(|check| check.lines(Style::default()))
            .collect()
    }

    #[test]
    fn good_surroundings_are_three_lines() {
        let mut good = env(Some("xterm-256color"), true);
        good.tmux = true;
        assert_eq!(
            told(&good, true),
            [
                "ok  terminal  TERM xterm-256color, inside tmux",
                "ok  locale    UTF-8",
                "ok  colour    256 colours"
            ]
        );
    }

    #[test]
    fn poor_surroundings_come_with_remedies() {
        let lines = told(&env(Some("dumb"), false), true).join("\n");
        for part in [
            "!   terminal  TERM is dumb",
            "set TERM",
            "charts are drawn with ASCII",
            "set LANG",
            "colour    none",
        ] {
            assert!(lines.contains(part), "{lines}");
        }
        let lines = told(&env(None, true), false).join("\n");
        assert!(
            lines.contains("standard output is no terminal (TERM not set)"),
            "{lines}"
        );
    }

    #[test]
    fn the_config_file_is_told_with_what_is_in_it() {
        let lines = |check: Check| check.lines(Style::default()).join("\n");
        assert_eq!(
            lines(config(None, Some("/h/c.toml"), Ok(String::new()))),
            "ok  config    no config file; it would be /h/c.toml"
        );
        assert_eq!(
            lines(config(Some("/c"), None, Ok("2 prices".into()))),
            "ok  config    /c: 2 prices"
        );
        let wrong = Err((
            "use `/c`: line 1, column 2: x".to_owned(),
            Some("did you mean y".to_owned()),
        ));
        let check = config(Some("/c"), None, wrong);
        assert_eq!(check.state, State::Broken);
        assert_eq!(
            lines(check),
            "!!  config    failed to use `/c`: line 1, column 2: x\n              did you mean y"
        );
    }
}

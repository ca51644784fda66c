//! What may be drawn, from what was asked for and what the environment says.

use super::Environment;

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colour {
    /// None may be used.
    None,
    /// The 16 of ANSI.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    True,
}

/// The theme asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeChoice {
    /// As the terminal allows.
    #[default]
    Auto,
    /// Bold, dim and reverse only.
    Mono,
    /// Colours that people who do not tell red from green tell apart.
    ColourBlind,
    /// Nothing dim, what asks for action reversed.
    HighContrast,
}

/// The theme to draw with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// With colours.
    Colour,
    /// Bold, dim and reverse only.
    Mono,
    /// Orange and blue of 256 colours.
    ColourBlind,
    /// Bold, underlined and reverse only, nothing dim.
    HighContrast,
}

/// What the user asked for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    /// No colour.
    pub no_color: bool,
    /// Own structure in ASCII only.
    pub ascii: bool,
    /// The theme.
    pub theme: ThemeChoice,
}

/// What may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// How many colours.
    pub colour: Colour,
    /// Whether own structure must be ASCII.
    pub ascii: bool,
    /// The theme.
    pub theme: Theme,
    /// Whether a full-screen page can be drawn at all: a terminal that can place a cursor.
    pub has_screen: bool,
}

impl Capabilities {
    /// Decides; what was asked for on the command line wins over the environment.
    pub fn resolve(wishes: Wishes, env: &Environment, stdout_is_terminal: bool) -> Self {
        let has_screen = stdout_is_terminal && env.has_cursor();
        let colour = if wishes.no_color || env.no_color || !has_screen {
            Colour::None
        } else {
            depth(env)
        };
        let theme = match wishes.theme {
            ThemeChoice::HighContrast => Theme::HighContrast,
            _ if colour == Colour::None => Theme::Mono,
            ThemeChoice::Mono => Theme::Mono,
            // Where there are 16 colours only, magenta and red differ in weight and character too.
            ThemeChoice::ColourBlind if colour >= Colour::Indexed => Theme::ColourBlind,
            ThemeChoice::ColourBlind | ThemeChoice::Auto => Theme::Colour,
        };
        Self {
            colour,
            ascii: wishes.ascii || !env.lang_is_utf8,
            theme,
            has_screen,
        }
    }
}

fn depth(env: &Environment) -> Colour {
    let term = env.term.as_deref().unwrap_or_default();
    match env.colorterm.as_deref() {
        Some("truecolor" | "24bit") => Colour::True,
        _ if term.ends_with("-direct") => Colour::True,
        _ if term.contains("256color") => Colour::Indexed,
        _ if term.starts_with("vt") || term.ends_with("-mono") => Colour::None,
        _ => Colour::Sixteen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(term: &str, colorterm: &str) -> Environment {
        Environment {
            term: Some(term.into()),
            colorterm: Some(colorterm.into()),
            lang_is_utf8: true,
            ..Environment::default()
        }
    }

    #[test]
    fn colours_follow_the_terminal() {
        for (term, colorterm, colour, theme) in [
            ("xterm-256color", "truecolor", Colour::True, Theme::Colour),
            ("tmux-256color", "", Colour::Indexed, Theme::Colour),
            ("linux", "", Colour::Sixteen, Theme::Colour),
            ("vt100", "", Colour::None, Theme::Mono),
            ("dumb", "truecolor", Colour::None, Theme::Mono),
        ] {
            let got = Capabilities::resolve(Wishes::default(), &env(term, colorterm), true);
            assert_eq!((got.colour, got.theme), (colour, theme), "{term}");
            assert_eq!(got.has_screen, term != "dumb");
        }
    }

    #[test]
    fn wishes_and_pipes_win() {
        let good = env("xterm-256color", "truecolor");
        let plain = Capabilities::resolve(Wishes::default(), &good, false);
        assert_eq!((plain.colour, plain.has_screen), (Colour::None, false));
        let wishes = Wishes {
            no_color: true,
            ..Wishes::default()
        };
        assert_eq!(
            Capabilities::resolve(wishes, &good, true).colour,
            Colour::None
        );
        let quiet = Environment {
            no_color: true,
            ..good.clone()
        };
        assert_eq!(
            Capabilities::resolve(Wishes::default(), &quiet, true).theme,
            Theme::Mono
        );
        let mono = Wishes {
            theme: ThemeChoice::Mono,
            ascii: true,
            ..Wishes::default()
        };
        let got = Capabilities::resolve(mono, &good, true);
        assert_eq!(
            (got.colour, got.theme, got.ascii),
            (Colour::True, Theme::Mono, true)
        );
    }

    #[test]
    fn a_theme_needs_its_colours() {
        let with = |theme, term| {
            let wishes = Wishes {
                theme,
                ..Wishes::default()
            };
            Capabilities::resolve(wishes, &env(term, ""), true).theme
        };
        for (choice, term, theme) in [
            (
                ThemeChoice::ColourBlind,
                "xterm-256color",
                Theme::ColourBlind,
            ),
            (ThemeChoice::ColourBlind, "linux", Theme::Colour),
            (ThemeChoice::ColourBlind, "vt100", Theme::Mono),
            (ThemeChoice::HighContrast, "vt100", Theme::HighContrast),
        ] {
            assert_eq!(with(choice, term), theme, "{choice:?} on {term}");
        }
    }

    #[test]
    fn a_locale_without_utf8_means_ascii() {
        let posix = Environment {
            lang_is_utf8: false,
            ..env("xterm", "")
        };
        assert!(Capabilities::resolve(Wishes::default(), &posix, true).ascii);
        assert!(!Capabilities::resolve(Wishes::default(), &env("xterm", ""), true).ascii);
    }
}

//! Roles to styles, and the characters of charts. The only place that names a colour.

use ratatui::style::{Color, Modifier, Style};

use crate::app::view::Weight;
use crate::app::{App, ThemeName, units};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary.
    Plain,
    /// A heading, or a value that stands out.
    Title,
    /// Of lesser weight.
    Dim,
    /// Asks for action; always beside `!!` or words.
    Act,
    /// Asks for attention; always beside `! ` or words.
    Watch,
    /// A key of the line of keys.
    Key,
    /// The place where text is typed.
    Cursor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Plain,
        Self::Title,
        Self::Dim,
        Self::Act,
        Self::Watch,
        Self::Key,
        Self::Cursor,
    ];
}

impl From<Weight> for Role {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Plain => Self::Plain,
            Weight::Title => Self::Title,
            Weight::Dim => Self::Dim,
            Weight::Watch => Self::Watch,
            Weight::Act => Self::Act,
        }
    }
}

/// The characters of charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Levels of a sparkline, lowest first.
    pub levels: [&'static str; 8],
    /// The 95 % band.
    pub band: &'static str,
    /// Stands where the beginning of a text is cut off.
    pub cut: &'static str,
}

/// Styles and glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    name: ThemeName,
    /// The characters of charts.
    pub glyphs: Glyphs,
}

impl Theme {
    /// Returns the theme that `app` asks for.
    pub fn of(app: &App) -> Self {
        let is_ascii = app.settings.is_ascii;
        let glyphs = Glyphs {
            levels: units::levels(is_ascii),
            band: if is_ascii { ":" } else { "░" },
            cut: if is_ascii { "<" } else { "…" },
        };
        Self {
            name: app.settings.theme,
            glyphs,
        }
    }

    /// Returns the style of `role`: the terminal's own foreground and background, bold, dim, and only
    /// colours that can be read on light and dark.
    pub fn style(&self, role: Role) -> Style {
        let style = match role {
            Role::Plain => Style::new(),
            Role::Dim => Style::new().add_modifier(Modifier::DIM),
            Role::Cursor => Style::new().add_modifier(Modifier::REVERSED),
            Role::Title | Role::Key | Role::Act | Role::Watch => {
                Style::new().add_modifier(Modifier::BOLD)
            }
        };
        match (self.name, role) {
            (ThemeName::Auto, Role::Act) => style.fg(Color::Red),
            (ThemeName::Auto, Role::Watch) => style.fg(Color::Magenta),
            // Of the 256 colours of xterm those that stand out on light and dark alike.
            (ThemeName::ColourBlind, Role::Act) => style.fg(Color::Indexed(166)),
            (ThemeName::ColourBlind, Role::Watch) => style.fg(Color::Indexed(32)),
            (ThemeName::HighContrast, Role::Act) => style.add_modifier(Modifier::REVERSED),
            (ThemeName::HighContrast, Role::Watch | Role::Key) => {
                style.add_modifier(Modifier::UNDERLINED)
            }
            (ThemeName::HighContrast, Role::Dim) => Style::new(),
            _ => style,
        }
    }

    /// Returns what selection adds to any style.
    pub fn selected() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

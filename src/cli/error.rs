//! Why a command line cannot be obeyed.

/// A command line that asks for something impossible; the program ends with exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A text is no time.
    #[error("read `{0}` as a time")]
    Time(String),
    /// A text is no length of time.
    #[error("read `{0}` as a length of time")]
    Length(String),
    /// The window holds nothing.
    #[error("use the window from {from} to {to}: it ends before it starts")]
    EmptyWindow {
        /// Its start.
        from: String,
        /// Its end.
        to: String,
    },
    /// A text is no page of the dashboard.
    #[error("open the page `{0}`: there is none of that name")]
    View(String),
    /// A page needs to be told which route or request.
    #[error("open the page `{0}` without knowing which")]
    ViewTarget(String),
    /// A word that looks like a mistyped command.
    #[error("run `{word}`: there is no such command")]
    Command {
        /// The word.
        word: String,
        /// The command meant.
        meant: &'static str,
    },
    /// Arguments of the dashboard stand before a command.
    #[error("use arguments of the dashboard together with a command")]
    Mixed,
}

impl UsageError {
    /// The exit code that goes with every variant.
    pub const EXIT_CODE: u8 = 2;

    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Time(_) => "write 2026-11-23T14:05:00Z, 14:05 or `yesterday 14:05`".to_owned(),
            Self::Length(_) => "write a number with s, m, h, d or w, e.g. 90m or 1h30m".to_owned(),
            Self::EmptyWindow { .. } => {
                "a window is [from, to): put the earlier time first".to_owned()
            }
            Self::View(_) => {
                "pages are overview, route:NAME, decisions, decisions:ROUTE, explain:ID, sources"
                    .to_owned()
            }
            Self::ViewTarget(view) => format!("write {view}:NAME"),
            Self::Command { word, meant } => {
                format!("did you mean `{meant}`? a file of that name is written ./{word}")
            }
            Self::Mixed => {
                "put the arguments after the command, `routetop COMMAND --help` lists them"
                    .to_owned()
            }
        }
    }
}

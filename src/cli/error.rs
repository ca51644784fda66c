//! Why a command line cannot be obeyed, and why a command did not succeed.

use std::io;
use std::path::Path;

use crate::config::ConfigError;
use crate::policy::TooManyCells;
use crate::runtime::RuntimeError;
use crate::stats::FilterError;
use crate::store::StoreError;

/// Why a command did not succeed: message, hint and exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line cannot be obeyed.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread, a device or a source failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// No request has that id.
    #[error("find request `{0}`: none has this id or begins with it")]
    UnknownRequest(String),
    /// No request has that route.
    #[error("find route `{0}`: no request has it")]
    UnknownRoute(String),
    /// Several requests begin with that id.
    #[error("find request `{id}`: several begin so, e.g. {}", some.join(", "))]
    AmbiguousRequest {
        /// The beginning given.
        id: String,
        /// Some ids that begin with it.
        some: Vec<String>,
    },
    /// No source of that name was ever read into the database.
    #[error("find source `{0}`: nothing was read from it")]
    UnknownSource(String),
    /// The config file or a mapping file is wrong.
    #[error("use `{path}`: {cause}")]
    Config {
        /// The file.
        path: String,
        /// What is wrong, and where.
        #[source]
        cause: ConfigError,
    },
    /// The config file or a mapping file could not be read.
    #[error("read `{path}`: {cause}")]
    ConfigFile {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A mapping file maps nothing.
    #[error("use `{0}` as a mapping: it has no section [map]")]
    NoMapping(String),
    /// A policy's file could not be read.
    #[error("read `{path}`: {cause}")]
    PolicyFile {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file holds no policy.
    #[error("read `{path}` as a policy: {fault}")]
    Policy {
        /// The file.
        path: String,
        /// The first fault: where and what.
        fault: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// Two policies make too many cells together.
    #[error(transparent)]
    TooManyCells(#[from] TooManyCells),
    /// Standard input could not be read.
    #[error("read standard input: {0}")]
    Input(#[source] io::Error),
    /// A file could not be written.
    #[error("write `{path}`: {cause}")]
    Write {
        /// The file, or what it stands for.
        path: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl Failure {
    /// Writing to stdout failed.
    pub fn output(cause: io::Error) -> Self {
        Self::Write {
            path: "standard output".to_owned(),
            cause,
        }
    }

    /// Reading stdin failed.
    pub fn input(cause: io::Error) -> Self {
        Self::Input(cause)
    }

    /// Making temporary files failed.
    pub fn temporary(cause: io::Error) -> Self {
        Self::Write {
            path: std::env::temp_dir().display().to_string(),
            cause,
        }
    }

    /// Writing a named file failed.
    pub fn write(path: &Path, cause: io::Error) -> Self {
        Self::Write {
            path: path.display().to_string(),
            cause,
        }
    }

    /// A config file is wrong.
    pub fn config(path: &Path, cause: ConfigError) -> Self {
        Self::Config {
            path: path.display().to_string(),
            cause,
        }
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownRequest(_)
            | Self::UnknownRoute(_)
            | Self::AmbiguousRequest { .. }
            | Self::UnknownSource(_) => 1,
            Self::Usage(_)
            | Self::Config { .. }
            | Self::ConfigFile { .. }
            | Self::NoMapping(_)
            | Self::PolicyFile { .. }
            | Self::Policy { .. }
            | Self::TooManyCells(_) => UsageError::EXIT_CODE,
            Self::Store(_) | Self::Runtime(_) | Self::Write { .. } | Self::Input(_) => 3,
        }
    }

    /// Returns what to do next, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage(error) => Some(error.hint()),
            Self::Store(error) => Some(error.hint().to_owned()),
            Self::Runtime(error) => error.hint(),
            Self::UnknownRequest(_) => Some(
                "the decisions page lists ids; the id is that of the log, not of the provider"
                    .to_owned(),
            ),
            Self::UnknownRoute(_) => Some(
                "`routetop report` lists the routes; without one, all are looked at".to_owned(),
            ),
            Self::UnknownSource(_) => {
                Some("the sources page lists them as they were named".to_owned())
            }
            Self::Config { cause, .. } => cause.hint.clone(),
            Self::ConfigFile { .. } => {
                Some("name a file of TOML that this user can read".to_owned())
            }
            Self::NoMapping(_) => {
                Some("assets/samples/mapping.toml shows one with every key explained".to_owned())
            }
            Self::PolicyFile { .. } => {
                Some("name a file of text that this user can read".to_owned())
            }
            Self::Policy { path, hint, .. } => Some(hint.clone().unwrap_or_else(|| {
                format!("`routetop policy check {path}` shows every fault with its line")
            })),
            Self::TooManyCells(_) => {
                Some("a signal with fewer thresholds makes fewer cells".to_owned())
            }
            Self::Input(_) => Some("pipe JSON Lines in, one request a line".to_owned()),
            Self::AmbiguousRequest { .. } => Some("give more of the id".to_owned()),
            Self::Write { .. } => Some("name a place that this user can write to".to_owned()),
        }
    }
}

/// A command line that asks for something impossible; the program ends with exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A text is no time.
    #[error("read `{0}` as a time")]
    Time(String),
    /// A text is no length of time.
    #[error("read `{0}` as a length of time")]
    Length(String),
    /// A text is no age.
    #[error("read `{0}` as an age")]
    Age(String),
    /// A text is no size.
    #[error("read `{0}` as a size")]
    Size(String),
    /// Nothing says what is too old or too much.
    #[error("drop anything: nothing says what is too old or too much")]
    NoRetention,
    /// More than half of everything would go.
    #[error("drop {0}% of the requests at once")]
    TooMuch(u32),
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
    /// A text is no filter.
    #[error("read the filter `{text}`: {error}")]
    Filter {
        /// The text.
        text: String,
        /// What is wrong, and where.
        error: FilterError,
    },
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
    /// A text is no filter.
    pub fn filter(text: &str, error: FilterError) -> Self {
        Self::Filter {
            text: text.to_owned(),
            error,
        }
    }

    /// The exit code that goes with every variant.
    pub const EXIT_CODE: u8 = 2;

    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Time(_) => "write 2026-11-23T14:05:00Z, 14:05 or `yesterday 14:05`".to_owned(),
            Self::Length(_) => "write a number with s, m, h, d or w, e.g. 90m or 1h30m".to_owned(),
            Self::Age(_) => "write a number with h, d or w, at least an hour, e.g. 30d".to_owned(),
            Self::Size(_) => {
                "write a number with MB, GB, TB, MiB, GiB or TiB, at least 16 MiB".to_owned()
            }
            Self::NoRetention => {
                "give --older-than or --max-size, or write [retention] in the config file"
                    .to_owned()
            }
            Self::TooMuch(_) => "is this machine's clock right? then add --yes".to_owned(),
            Self::EmptyWindow { .. } => {
                "a window is [from, to): put the earlier time first".to_owned()
            }
            Self::View(_) => {
                "pages are overview, route:NAME, decisions, decisions:ROUTE, explain:ID, sources"
                    .to_owned()
            }
            Self::ViewTarget(view) => format!("write {view}:NAME"),
            Self::Filter { error, .. } => error.hint.clone(),
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

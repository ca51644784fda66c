//! The words of the command line, and the plan that follows from them.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::care::{Care, DbCommand};
use super::changes_args::{ChangesArgs, MetricWord};
use super::demo::Incident;
use super::error::UsageError;
use super::examples::{
    CHANGES_EXAMPLES, CHECK_EXAMPLES, COMPLETIONS_EXAMPLES, DB_EXAMPLES, DECIDE_EXAMPLES,
    DEMO_EXAMPLES, DOCTOR_EXAMPLES, EXAMPLES, EXPLAIN_EXAMPLES, EXPORT_EXAMPLES, INGEST_EXAMPLES,
    MAN_EXAMPLES, POLICY_EXAMPLES, REPORT_EXAMPLES,
};
use super::export_args::ExportArgs;
use super::filter_args::FilterArgs;
use super::policy_args::{PlainFormat, PolicyCommand};
use super::times::{WindowArgs, Zone, read_time};
use crate::config::{ThemeChoice, Wishes, nearest};
use crate::model::{Micros, Timestamp, Window, sanitise};
use crate::stats::changes::Metric;
use crate::stats::{Against, Filter, Page, Span};
use crate::store::ChangesQuestion;

/// The database used when none is named.
pub const DATABASE_DEFAULT: &str = "routes.db";
/// How many of the latest decisions the overview asks for.
const LIVE_LEN: usize = 50;
/// How many decisions a list asks for.
const ROWS_LEN: usize = 200;

/// A terminal observatory for LLM model routing
///
/// Without a command: the dashboard. It ingests the sources live while it is open.
#[derive(Debug, Clone, Parser)]
#[command(name = "routetop", version, after_help = EXAMPLES)]
pub struct Args {
    /// What to do; the dashboard when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The dashboard's own arguments.
    #[command(flatten)]
    pub dashboard: DashboardArgs,
    /// Arguments that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// Arguments that every command takes.
#[derive(Debug, Clone, Default, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct GlobalArgs {
    /// The database [default: routes.db in the current folder]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Global")]
    pub db: Option<PathBuf>,
    /// The config file [default: routetop/config.toml below `$XDG_CONFIG_HOME` or ~/.config]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Global")]
    pub config: Option<PathBuf>,
    /// Where facts stand that a format cannot tell, or that has no known format
    #[arg(long, value_name = "FILE", global = true, help_heading = "Global")]
    pub map: Option<PathBuf>,
    /// Freeze the clock at this time (RFC 3339)
    #[arg(long, value_name = "TIME", global = true, help_heading = "Global")]
    pub now: Option<String>,
    /// No colour (as does `NO_COLOR` in the environment)
    #[arg(long, global = true, help_heading = "Global")]
    pub no_color: bool,
    /// Draw with ASCII only
    #[arg(long, global = true, help_heading = "Global")]
    pub ascii: bool,
    /// The colours
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        global = true,
        help_heading = "Global"
    )]
    pub theme: ThemeArg,
    /// Show and read times in the zone of this machine instead of UTC
    #[arg(long, global = true, help_heading = "Global")]
    pub local: bool,
    /// Say nothing but errors
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global"
    )]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, help_heading = "Global")]
    pub verbose: bool,
}

/// The theme as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ThemeArg {
    /// As the terminal allows
    #[default]
    Auto,
    /// Bold, dim and reverse only
    Mono,
    /// Orange and blue, where the terminal has 256 colours
    ColourBlind,
    /// Bold, underlined and reverse, nothing dim
    HighContrast,
}

/// The dashboard's own arguments.
#[derive(Debug, Clone, Default, PartialEq, ClapArgs)]
pub struct DashboardArgs {
    /// Files, folders, quoted globs, `-` (stdin) or `ssh://[user@]host[:port]/path` to ingest while the
    /// dashboard is open; stdin alone when it is a pipe
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// The page to open: overview, route:NAME, decisions or decisions:ROUTE, explain:ID,
    /// changes or changes:ROUTE, policies, sources
    #[arg(long, value_name = "VIEW")]
    pub view: Option<String>,
    /// What the page of what changed is about [default: the metric of the trends]
    #[arg(long, value_enum, value_name = "METRIC")]
    pub metric: Option<MetricWord>,
    /// A policy that counts as known, and as the newest
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Look at the hour (or the --since) that ends here
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "all"])]
    pub at: Option<String>,
    /// The window.
    #[command(flatten)]
    pub window: WindowArgs,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Read sources into the database, without the screen
    #[command(after_help = INGEST_EXAMPLES)]
    Ingest {
        /// Files, folders, quoted globs, `-` (stdin) or `ssh://[user@]host[:port]/path`
        #[arg(value_name = "SOURCE", required_unless_present = "retry_quarantine")]
        sources: Vec<String>,
        /// Go on as the files grow and rotate
        #[arg(long)]
        follow: bool,
        /// Read rejected lines again (of these sources, or all), e.g. with a better mapping
        #[arg(long, conflicts_with = "follow")]
        retry_quarantine: bool,
    },
    /// Print what the overview shows
    #[command(after_help = REPORT_EXAMPLES)]
    Report {
        /// Sources to read first; without --db nothing is kept
        #[arg(value_name = "SOURCE")]
        sources: Vec<String>,
        /// A policy that counts as known, and as the newest
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// The window.
        #[command(flatten)]
        window: WindowArgs,
        /// Which requests.
        #[command(flatten)]
        filter: FilterArgs,
        /// The form
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
    },
    /// Print why one request went where it went
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// The request's id, or a unique beginning of it
        id: String,
        /// A policy that counts as known, and as the newest
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// The form
        #[arg(long, value_enum, default_value = "text")]
        format: ExplainFormat,
    },
    /// Find what changed between a bad window and the time before: who is hit, what moved, since when
    #[command(alias = "why", after_help = CHANGES_EXAMPLES)]
    Changes(ChangesArgs),
    /// Evaluate the alarms once: exit code 0 quiet, 1 firing, 3 cannot tell
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// The form
        #[arg(long, value_enum, default_value = "text")]
        format: PlainFormat,
    },
    /// Write everything as native lines, from which the same database can be made again
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Look after the database
    #[command(after_help = DB_EXAMPLES)]
    Db {
        /// What to do.
        #[command(subcommand)]
        care: DbCommand,
    },
    /// Check, show, compare, test and keep policies
    #[command(after_help = POLICY_EXAMPLES)]
    Policy {
        /// What to do
        #[command(subcommand)]
        what: PolicyCommand,
    },
    /// Decide requests by a policy: JSON Lines in, native decision lines out
    #[command(after_help = DECIDE_EXAMPLES)]
    Decide {
        /// The policy
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
    },
    /// Tell what works, what does not, and the remedy
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor {
        /// Sources to look at; those of the database when left out
        #[arg(value_name = "SOURCE")]
        sources: Vec<String>,
    },
    /// Print what a shell needs to complete the words of routetop
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = MAN_EXAMPLES)]
    Man,
    /// Show a made-up stream with an incident in it, in a temporary database
    #[command(after_help = DEMO_EXAMPLES)]
    Demo {
        /// What goes wrong
        #[arg(long, value_enum, default_value = "quiet-drift")]
        incident: Incident,
        /// Write the stream to this file instead of showing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

impl Command {
    /// The words of all commands.
    const WORDS: [&'static str; 13] = [
        "ingest",
        "report",
        "explain",
        "changes",
        "check",
        "export",
        "db",
        "policy",
        "decide",
        "doctor",
        "completions",
        "man",
        "demo",
    ];
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Aligned text for people
    Text,
    /// One JSON document, version 1
    Json,
    /// One row per route
    Csv,
    /// A page to paste: the table, what changed, and decisions with the commands that explain them
    Markdown,
}

/// The forms of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// Aligned text for people
    Text,
    /// One JSON document, version 1
    Json,
}

/// A page of the dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum View {
    /// All routes.
    #[default]
    Overview,
    /// One route.
    Route(String),
    /// Decisions, of one route or all.
    Decisions(Option<String>),
    /// One decision.
    Explain(String),
    /// What changed, on one route or all.
    Changes(Option<String>),
    /// The policies.
    Policies,
    /// The sources.
    Sources,
}

impl View {
    /// Reads `PAGE` or `PAGE:TARGET`; the target may hold colons.
    ///
    /// # Errors
    ///
    /// When there is no such page or its target is missing.
    pub fn try_from_word(word: &str) -> Result<Self, UsageError> {
        let (page, target) = word.split_once(':').unwrap_or((word, ""));
        let target = Some(target.to_owned()).filter(|target| !target.is_empty());
        match (page, target) {
            ("overview", None) => Ok(Self::Overview),
            ("changes", route) => Ok(Self::Changes(route)),
            ("policies", None) => Ok(Self::Policies),
            ("sources", None) => Ok(Self::Sources),
            ("decisions", target) => Ok(Self::Decisions(target)),
            ("route", Some(route)) => Ok(Self::Route(route)),
            ("explain", Some(id)) => Ok(Self::Explain(id)),
            ("route" | "explain", None) => Err(UsageError::ViewTarget(page.to_owned())),
            _ => Err(UsageError::View(word.to_owned())),
        }
    }

    /// Returns the page as a question.
    pub fn to_page(&self) -> Page {
        match self {
            Self::Overview => Page::Overview { live_len: LIVE_LEN },
            Self::Route(route) => Page::Route {
                route: route.clone(),
            },
            Self::Decisions(route) => Page::Decisions {
                route: route.clone(),
                rows_len: ROWS_LEN,
                before: None,
            },
            Self::Explain(id) => Page::Explain { id: id.clone() },
            Self::Changes(route) => Page::Changes {
                route: route.clone(),
                metric: Metric::Correction,
                against: Against::default(),
            },
            Self::Policies => Page::Policies,
            Self::Sources => Page::Sources,
        }
    }
}

/// What to do, with every time worked out.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Open the dashboard.
    Dashboard(Dashboard),
    /// Read sources into `database`.
    Ingest {
        /// The database.
        database: PathBuf,
        /// The sources as given.
        sources: Vec<String>,
        /// Whether to go on as they grow.
        follow: bool,
    },
    /// Read rejected lines again.
    Retry {
        /// The database.
        database: PathBuf,
        /// The sources they came from; none: all.
        sources: Vec<String>,
    },
    /// Print a report.
    Report(Report),
    /// Explain a request.
    Explain {
        /// The database.
        database: PathBuf,
        /// The id or its beginning.
        id: String,
        /// A policy that counts as known, and as the newest.
        policy: Option<PathBuf>,
        /// The form.
        format: ExplainFormat,
    },
    /// Find what changed.
    Changes {
        /// The database.
        database: PathBuf,
        /// What is asked.
        question: ChangesQuestion,
        /// Whether nothing of it was said.
        is_plain: bool,
        /// The form.
        format: PlainFormat,
    },
    /// Evaluate the alarms.
    Check {
        /// The database.
        database: PathBuf,
        /// The form.
        format: PlainFormat,
    },
    /// Write everything as native lines.
    Export {
        /// The database.
        database: PathBuf,
        /// The window.
        span: Span,
        /// Which requests.
        filter: Filter,
        /// The file to write; none: standard output.
        output: Option<PathBuf>,
    },
    /// Write a window and its baseline as one file that opens on what changed.
    Incident {
        /// The database.
        database: PathBuf,
        /// What the page answers.
        question: ChangesQuestion,
        /// Which requests.
        filter: Filter,
        /// The file to write.
        output: PathBuf,
    },
    /// Look after a database.
    Care {
        /// The database.
        database: PathBuf,
        /// How.
        care: Care,
    },
    /// Do something with policies.
    Policy {
        /// The database.
        database: PathBuf,
        /// What to do.
        what: PolicyCommand,
    },
    /// Decide requests.
    Decide {
        /// The policy.
        policy: PathBuf,
    },
    /// Tell what works.
    Doctor {
        /// The database.
        database: PathBuf,
        /// The sources to look at; none: those of the database.
        sources: Vec<String>,
    },
    /// Print what a shell needs.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
    /// Show or write the demo.
    Demo {
        /// What goes wrong.
        incident: Incident,
        /// The file to write instead.
        out: Option<PathBuf>,
    },
}

/// The dashboard to open.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    /// The database.
    pub database: PathBuf,
    /// The sources to follow.
    pub sources: Vec<String>,
    /// A policy that counts as known.
    pub policy: Option<PathBuf>,
    /// The first page.
    pub view: View,
    /// What the page of what changed is about, where it is said.
    pub metric: Option<Metric>,
    /// The window.
    pub span: Span,
    /// Which requests.
    pub filter: Filter,
}

impl Dashboard {
    /// Tells whether neither a page nor a window nor a source was named.
    pub fn is_plain(&self) -> bool {
        let is_usual = self.view == View::Overview && self.span == Span::Last(Micros::HOUR);
        is_usual && self.metric.is_none() && self.sources.is_empty()
    }

    /// Returns what is printed instead where there is no terminal: the text report.
    pub fn into_report(self) -> Report {
        Report {
            database: Some(self.database),
            sources: self.sources,
            policy: self.policy,
            span: self.span,
            filter: self.filter,
            format: ReportFormat::Text,
        }
    }
}

/// The report to print.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The database; `None`: in memory, nothing kept.
    pub database: Option<PathBuf>,
    /// The sources to read first.
    pub sources: Vec<String>,
    /// A policy that counts as known.
    pub policy: Option<PathBuf>,
    /// The window.
    pub span: Span,
    /// Which requests.
    pub filter: Filter,
    /// The form.
    pub format: ReportFormat,
}

impl GlobalArgs {
    /// Returns the zone of times.
    pub fn zone(&self) -> Zone {
        if self.local { Zone::Local } else { Zone::Utc }
    }

    /// Returns what was asked of the drawing.
    pub fn wishes(&self) -> Wishes {
        Wishes {
            no_color: self.no_color,
            ascii: self.ascii,
            theme: match self.theme {
                ThemeArg::Auto => ThemeChoice::Auto,
                ThemeArg::Mono => ThemeChoice::Mono,
                ThemeArg::ColourBlind => ThemeChoice::ColourBlind,
                ThemeArg::HighContrast => ThemeChoice::HighContrast,
            },
        }
    }

    /// Returns the frozen clock of `--now`, if any; `clock` is the real one.
    ///
    /// # Errors
    ///
    /// When the time cannot be read.
    pub fn frozen_now(&self, clock: Timestamp) -> Result<Option<Timestamp>, UsageError> {
        let read = |text: &String| read_time(text, clock, self.zone());
        self.now.as_ref().map(read).transpose()
    }

    fn database(&self) -> PathBuf {
        self.db
            .clone()
            .unwrap_or_else(|| PathBuf::from(DATABASE_DEFAULT))
    }
}

impl Args {
    /// Works out the plan; `clock` is the real clock, which `--now` replaces.
    ///
    /// # Errors
    ///
    /// When a time, window or page cannot be read, or the words contradict each other.
    pub fn plan(self, clock: Timestamp) -> Result<Plan, UsageError> {
        let global = self.global;
        let now = global.frozen_now(clock)?.unwrap_or(clock);
        let database = global.database();
        let Some(command) = self.command else {
            return self
                .dashboard
                .plan(now, global.zone(), database)
                .map(Plan::Dashboard);
        };
        if self.dashboard != DashboardArgs::default() {
            return Err(UsageError::Mixed);
        }
        Ok(match command {
            Command::Ingest {
                sources,
                retry_quarantine: true,
                ..
            } => Plan::Retry { database, sources },
            Command::Ingest {
                sources, follow, ..
            } => Plan::Ingest {
                database,
                sources,
                follow,
            },
            Command::Report {
                sources,
                policy,
                window,
                filter,
                format,
            } => Plan::Report(Report {
                database: (sources.is_empty() || global.db.is_some()).then_some(database),
                sources,
                policy,
                span: window.resolve(now, global.zone(), Span::All)?,
                filter: filter.read()?,
                format,
            }),
            Command::Explain { id, policy, format } => Plan::Explain {
                database,
                id,
                policy,
                format,
            },
            Command::Changes(args) => Plan::Changes {
                database,
                is_plain: args.is_plain(),
                question: args.question(now, global.zone())?,
                format: args.format,
            },
            Command::Check { format } => Plan::Check { database, format },
            Command::Policy { what } => Plan::Policy { database, what },
            Command::Decide { policy } => Plan::Decide { policy },
            Command::Db { care } => Plan::Care {
                database,
                care: care.plan()?,
            },
            Command::Export(args) => export(args, database, now, global.zone())?,
            Command::Doctor { sources } => Plan::Doctor { database, sources },
            Command::Completions { shell } => Plan::Completions { shell },
            Command::Man => Plan::Man,
            Command::Demo { incident, out } => Plan::Demo { incident, out },
        })
    }
}

fn export(
    args: ExportArgs,
    database: PathBuf,
    now: Timestamp,
    zone: Zone,
) -> Result<Plan, UsageError> {
    Ok(match args.output {
        Some(ref output) if args.incident => Plan::Incident {
            database,
            question: args.question(now, zone)?,
            filter: args.filter.clone().read()?,
            output: output.clone(),
        },
        output => Plan::Export {
            database,
            span: args.window.resolve(now, zone, Span::All)?,
            filter: args.filter.read()?,
            output: output.filter(|path| path.as_os_str() != "-"),
        },
    })
}

impl DashboardArgs {
    fn plan(self, now: Timestamp, zone: Zone, database: PathBuf) -> Result<Dashboard, UsageError> {
        if let [word] = self.sources.as_slice()
            && let Some(meant) = mistyped_command(word)
        {
            return Err(UsageError::Command {
                word: word.clone(),
                meant,
            });
        }
        let mut span = self.window.resolve(now, zone, Span::Last(Micros::HOUR))?;
        if let (Some(at), Span::Last(length)) = (&self.at, span) {
            let to = read_time(at, now, zone)?;
            span = Span::Between(Window {
                from: to.minus(length),
                to,
            });
        }
        let view = self
            .view
            .as_deref()
            .map_or(Ok(View::Overview), View::try_from_word)?;
        Ok(Dashboard {
            database,
            sources: self.sources,
            policy: self.policy,
            view,
            metric: self.metric.map(Metric::from),
            span,
            filter: self.filter.read()?,
        })
    }
}

/// Returns the command that `word` was probably meant to be: a bare word within two edits of it.
fn mistyped_command(word: &str) -> Option<&'static str> {
    let is_bare = word.bytes().all(|byte| byte.is_ascii_alphabetic());
    nearest(word, Command::WORDS).filter(|_| is_bare && word.len() > 2)
}

/// Returns what to print for a refused command line (or for `--help`), safe for any terminal.
pub fn shown_error(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines: Vec<String> = text
        .lines()
        .map(|line| sanitise(line).to_string())
        .collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    const NOW: Timestamp = Timestamp(1_795_435_200_000_000);

    fn plan(words: &str) -> Result<Plan, UsageError> {
        let args = Args::try_parse_from(words.split_whitespace()).unwrap();
        args.plan(NOW)
    }

    #[test]
    fn the_definition_is_sound_and_every_command_has_examples() {
        let command = Args::command();
        command.clone().debug_assert();
        let names: Vec<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(names, Command::WORDS);
        for one in command.get_subcommands().chain([&command]) {
            let help = one.get_after_help().unwrap().to_string();
            assert!(help.starts_with("Examples:\n  "), "{}", one.get_name());
        }
    }

    #[test]
    fn every_example_parses() {
        for line in [
            EXAMPLES,
            INGEST_EXAMPLES,
            REPORT_EXAMPLES,
            EXPLAIN_EXAMPLES,
            POLICY_EXAMPLES,
            DECIDE_EXAMPLES,
            EXPORT_EXAMPLES,
            DB_EXAMPLES,
            DOCTOR_EXAMPLES,
            DEMO_EXAMPLES,
        ]
        .iter()
        .flat_map(|block| block.lines().filter(|line| line.starts_with("  ")))
        {
            let line = line.split(" < ").next().unwrap();
            let line = line
                .split("   ")
                .find(|part| part.contains("routetop"))
                .unwrap();
            let line = line
                .split(" | ")
                .find(|part| part.contains("routetop"))
                .unwrap();
            let mut words: Vec<String> = Vec::new();
            for (idx, part) in line.trim().split('\'').enumerate() {
                if idx % 2 == 1 {
                    words.push(part.to_owned());
                } else {
                    words.extend(part.split_whitespace().map(str::to_owned));
                }
            }
            let args = Args::try_parse_from(&words).unwrap_or_else(|e| panic!("{line}: {e}"));
            args.plan(NOW).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
    }

    #[test]
    fn the_dashboard_is_the_default() {
        let Plan::Dashboard(plan) = plan("routetop a.jsonl --view route:a:b --since 2h").unwrap()
        else {
            panic!("not the dashboard");
        };
        assert_eq!(plan.database, PathBuf::from("routes.db"));
        assert_eq!(plan.view, View::Route("a:b".into()));
        assert_eq!(plan.span, Span::Last(Micros::HOUR.times(2)));
        assert_eq!(plan.into_report().format, ReportFormat::Text);
    }

    #[test]
    fn at_ends_the_window() {
        let Plan::Dashboard(plan) = plan("routetop --at 2026-11-20T10:00:00Z").unwrap() else {
            panic!("not the dashboard");
        };
        let Span::Between(window) = plan.span else {
            panic!("{:?}", plan.span)
        };
        assert_eq!(window.len(), Micros::HOUR);
        assert_eq!(window.to.to_rfc3339(), "2026-11-20T10:00:00.000000Z");
    }

    #[test]
    fn a_report_of_sources_keeps_nothing_unless_told_where() {
        for (words, database) in [
            ("routetop report", Some("routes.db")),
            ("routetop report a.jsonl", None),
            ("routetop report a.jsonl --db x.db", Some("x.db")),
            ("routetop --db x.db report a.jsonl", Some("x.db")),
        ] {
            let Plan::Report(report) = plan(words).unwrap() else {
                panic!("{words}")
            };
            assert_eq!(report.database, database.map(PathBuf::from), "{words}");
            assert_eq!(report.span, Span::All);
        }
    }

    #[test]
    fn now_is_frozen_for_windows() {
        let words = "routetop report --now 2026-11-20T10:00:00Z --from 09:00";
        let Plan::Report(report) = plan(words).unwrap() else {
            panic!("no report")
        };
        let Span::Between(window) = report.span else {
            panic!("{:?}", report.span)
        };
        assert_eq!(window.to.to_rfc3339(), "2026-11-20T10:00:00.000000Z");
    }

    #[test]
    fn wrong_words_get_help() {
        let error = plan("routetop reprot").unwrap_err();
        assert_eq!(
            error,
            UsageError::Command {
                word: "reprot".into(),
                meant: "report"
            }
        );
        assert!(error.hint().contains("did you mean `report`"));
        assert!(plan("routetop ./reprot").is_ok());
        assert!(plan("routetop logs").is_ok());
        assert_eq!(plan("routetop --view x report"), Err(UsageError::Mixed));
        assert_eq!(
            plan("routetop --view route"),
            Err(UsageError::ViewTarget("route".into()))
        );
        assert_eq!(
            plan("routetop --view maps"),
            Err(UsageError::View("maps".into()))
        );
        let error = Args::try_parse_from(["routetop", "report", "--formt", "json"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            shown_error(&error).contains("--format"),
            "{}",
            shown_error(&error)
        );
        let error = Args::try_parse_from(["routetop", "report", "--\u{1b}[31m"]).unwrap_err();
        assert!(!shown_error(&error).contains('\u{1b}'));
    }

    #[test]
    fn contradictions_are_refused() {
        for words in [
            "routetop ingest --follow --retry-quarantine",
            "routetop report --since 1h --all",
            "routetop report --to 10:00",
            "routetop -q -v",
            "routetop ingest",
            "routetop --at 10:00 --all",
        ] {
            let error = Args::try_parse_from(words.split_whitespace()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{words}");
        }
    }
}

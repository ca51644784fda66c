//! The state of the dashboard, what may happen to it, and what it asks of the outside.

use std::sync::Arc;

use crate::format::Rules;
use crate::model::{Micros, Timestamp, Window};
use crate::stats::changes;
use crate::stats::{Against, Baseline, DecisionRow, Filter, Page, Query, Snapshot, Span};

use super::history::Place;
use super::prompt::Prompt;
use super::share::ExportFormat;
use super::{
    Action, IngestStatus, Key, Keymap, Metric, Scope, Sort, TrialQuestion, TrialState, Trials,
};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key was pressed.
    Key(Key),
    /// The terminal has a new size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// Text was pasted: typed where a line is open, and never read as keys.
    Paste(String),
    /// An answer.
    Snapshot(Arc<Snapshot>),
    /// The newest question could not be answered.
    QueryFailed(String),
    /// How ingest stands.
    Ingest(IngestStatus),
    /// The store changed; how many facts came, 0 when that is not known.
    DataChanged {
        /// Facts stored since the last such message.
        stored: u64,
    },
    /// Time passed; sent about once a second at the most.
    Tick,
    /// How far the trial with this number is.
    Trial(u64, TrialState),
    /// Something to tell on the status line.
    Notice(String),
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the store.
    Ask(Query),
    /// Decide the requests of a window again by another policy, beside everything else; ends a trial under way.
    Try(TrialQuestion),
    /// End the trial under way.
    StopTrial,
    /// Leave.
    Quit,
    /// Hand the terminal back to the shell until continued.
    Suspend,
    /// Draw every cell anew.
    Repaint,
    /// Copy the page as text, with the command that opens it.
    CopyPage,
    /// Copy this command line.
    CopyCommand(String),
    /// Show the page as plain text, outside the dashboard, until a key.
    ShowPlain,
    /// Write a report of the window to a file.
    Export(ExportFormat),
}

/// Which colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// The terminal's own colours.
    #[default]
    Auto,
    /// None.
    Mono,
    /// Orange and blue.
    ColourBlind,
    /// None, and nothing dim.
    HighContrast,
}

/// What is given at the start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The database as the header names it.
    pub database: String,
    /// Which colours are used.
    pub theme: ThemeName,
    /// Whether charts use ASCII only.
    pub is_ascii: bool,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Which key does what.
    pub keymap: Keymap,
    /// Puts a format's recorded reasons (format number, JSON) in words.
    pub recorded_in_words: fn(u8, &str) -> Vec<String>,
    /// What the user says about reading lines: it fills columns that a format leaves empty.
    pub rules: Rules,
}

/// The list of decisions.
#[derive(Debug, Clone, Default)]
pub struct DecisionList {
    /// Of this route only.
    pub route: Option<String>,
    /// The rows held, newest first.
    pub rows: Vec<DecisionRow>,
    /// How many there are in the window.
    pub total: u64,
    /// The place of the selected row.
    pub selected: usize,
    /// Which of its values is selected.
    pub value: usize,
    /// Whether new rows come in.
    pub is_following: bool,
    /// How many newer rows wait while it does not follow.
    pub new_len: u64,
    /// Whether the oldest row of the window is held.
    pub is_complete: bool,
}

/// Frozen data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paused {
    /// Since when.
    pub since: Timestamp,
    /// The window shown.
    pub window: Option<Window>,
    /// Facts that came since.
    pub waiting: u64,
    /// Whether anything came at all.
    pub has_news: bool,
}

/// The whole state.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the screen"
)]
pub struct App {
    /// Whether the program is about to leave.
    pub is_quitting: bool,
    /// What was given at the start; `size` follows the terminal.
    pub settings: Settings,
    /// The pages, the shown one last; never empty.
    pub stack: Vec<Scope>,
    /// Whether the sources page shows what was rejected.
    pub is_rejects_open: bool,
    /// Whether the policies page shows what policies say.
    pub is_prose_open: bool,
    /// Policies compared with the one in force; shown on the policies page.
    pub trials: Trials,
    /// Whether latency is drawn over time in place of the histogram.
    pub is_heatmap: bool,
    /// The place of the selected cause of what changed.
    pub cause: usize,
    /// Whether help lies over the page.
    pub is_help_open: bool,
    /// How often help was turned over; it begins again behind its last page.
    pub help_page: usize,
    /// The selected route of the overview.
    pub selected_route: Option<String>,
    /// The order of the routes.
    pub sort: Sort,
    /// The route of the route page.
    pub route: Option<String>,
    /// The metric of trends.
    pub metric: Metric,
    /// What the page of what changed is about, where it is not the metric of trends: what an alarm is about.
    pub asked_metric: Option<changes::Metric>,
    /// What the page of what changed holds its window against.
    pub against: Against,
    /// The list of decisions.
    pub decisions: DecisionList,
    /// The id of the explained decision.
    pub explained: Option<String>,
    /// The ids that next and previous walk through, newest first.
    pub neighbours: Vec<String>,
    /// How far the route, explain and sources pages are scrolled.
    pub scroll: usize,
    /// The place of the range in [`App::RANGES`].
    pub range_idx: usize,
    /// A range given at the start that is none of them; the key leaves it.
    pub given_range: Option<Micros>,
    /// Which requests are counted and listed.
    pub filter: Filter,
    /// The line that is typed, if any.
    pub prompt: Option<Prompt>,
    /// What is compared with.
    pub baseline: Baseline,
    /// What was looked at before, the latest last.
    pub(super) past: Vec<Place>,
    /// What back was pressed on, the latest last.
    pub(super) future: Vec<Place>,
    /// The window moved to; `None`: the newest.
    pub shifted: Option<Window>,
    /// Whether data is frozen.
    pub paused: Option<Paused>,
    /// The newest answer.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The newest failure.
    pub failure: Option<String>,
    /// The newest notice.
    pub notice: Option<String>,
    /// How ingest stands.
    pub ingest: IngestStatus,
    /// The number of the newest question.
    pub(super) asked: u64,
    /// When it was asked.
    pub(super) asked_at: Timestamp,
    /// Whether its answer is still to come.
    pub(super) is_waiting: bool,
    /// Whether data changed since it was asked.
    pub(super) is_stale: bool,
}

impl App {
    /// The ranges of time in the order of the key; `None`: everything.
    pub const RANGES: [Option<Micros>; 7] = [
        Some(Micros::MINUTE.times(5)),
        Some(Micros::MINUTE.times(15)),
        Some(Micros::HOUR),
        Some(Micros::HOUR.times(6)),
        Some(Micros::DAY),
        Some(Micros::DAY.times(7)),
        None,
    ];
    /// How many decisions are held against their policies: some hundredths of a second.
    const DRIFT_ROWS_MAX: u64 = 20_480;
    /// How many rows of decisions one question asks for.
    pub const ROWS_LEN: usize = 200;
    /// The most rows of decisions held.
    pub const ROWS_MAX: usize = 10_000;

    /// Makes the state of the first page; [`App::start`] asks for its data.
    pub fn new(settings: Settings) -> Self {
        Self {
            is_quitting: false,
            settings,
            stack: vec![Scope::Overview],
            is_rejects_open: false,
            is_prose_open: false,
            trials: Trials::default(),
            is_heatmap: false,
            cause: 0,
            is_help_open: false,
            help_page: 0,
            selected_route: None,
            sort: Sort::default(),
            route: None,
            metric: Metric::Correction,
            asked_metric: None,
            against: Against::default(),
            decisions: DecisionList {
                is_following: true,
                ..DecisionList::default()
            },
            explained: None,
            neighbours: Vec::new(),
            scroll: 0,
            range_idx: 2,
            given_range: None,
            filter: Filter::default(),
            prompt: None,
            baseline: Baseline::Auto,
            past: Vec::new(),
            future: Vec::new(),
            shifted: None,
            paused: None,
            snapshot: None,
            failure: None,
            notice: None,
            ingest: IngestStatus::default(),
            asked: 0,
            asked_at: Timestamp(0),
            is_waiting: false,
            is_stale: false,
        }
    }

    /// Opens on `page`, `span` and `filter` instead of the overview of the last hour.
    pub fn open(&mut self, page: &Page, span: Span, filter: Filter) {
        self.filter = filter;
        let scope = match page {
            Page::Overview { .. } => None,
            Page::Route { route } => {
                self.route = Some(route.clone());
                self.selected_route = Some(route.clone());
                Some(Scope::Route)
            }
            Page::Decisions { route, .. } => {
                self.decisions.route.clone_from(route);
                Some(Scope::Decisions)
            }
            Page::Explain { id } => {
                self.explained = Some(id.clone());
                Some(Scope::Explain)
            }
            Page::Changes { route, .. } => {
                self.route.clone_from(route);
                Some(Scope::Changes)
            }
            Page::Policies => Some(Scope::Policies),
            Page::Sources | Page::Report => Some(Scope::Sources),
        };
        self.stack.extend(scope);
        match span {
            Span::All => self.range_idx = Self::RANGES.len() - 1,
            Span::Last(range) => self.given_range = Some(range),
            Span::Between(window) => self.shifted = Some(window),
        }
    }

    /// Tells whether a command has something to do: those that have not are not offered.
    pub fn is_offered(&self, action: Action) -> bool {
        let policies = self.snapshot.iter().flat_map(|snapshot| &snapshot.policies);
        let has_text = || policies.clone().any(|policy| policy.text.is_some());
        match action {
            Action::Back => self.stack.len() > 1,
            Action::ToggleProse => has_text() && self.trials.shown.is_none(),
            Action::Compare => has_text(),
            _ => true,
        }
    }

    /// Returns the page that is asked about.
    pub fn asked_page(&self) -> Page {
        self.page(None)
    }

    /// Tells whether an answer is still to come.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Asks the first question.
    pub fn start(&mut self, now: Timestamp) -> Vec<Effect> {
        vec![self.ask(now)]
    }

    /// Returns the page shown.
    pub fn scope(&self) -> Scope {
        self.stack.last().copied().unwrap_or(Scope::Overview)
    }

    /// Returns the range chosen; `None`: everything.
    pub fn range(&self) -> Option<Micros> {
        self.given_range
            .or_else(|| Self::RANGES.get(self.range_idx).copied().flatten())
    }

    /// Returns the metric of trends: escalations where no source carries corrections.
    pub fn shown_metric(&self) -> Metric {
        let has_corrections = self.snapshot.as_ref().is_none_or(|snapshot| {
            snapshot.total.now.correction.denominator > 0
                || snapshot
                    .routes
                    .iter()
                    .any(|row| row.now.correction.denominator > 0)
        });
        if self.metric == Metric::Correction && !has_corrections {
            Metric::Escalation
        } else {
            self.metric
        }
    }

    /// Returns the rows that a page may scroll by.
    pub fn page_len(&self) -> usize {
        usize::from(self.settings.size.1).saturating_sub(8).max(1)
    }

    /// Lists decisions from the newest on.
    pub(super) fn list_decisions(&mut self, route: Option<String>) {
        self.decisions = DecisionList {
            route,
            is_following: true,
            value: self.decisions.value,
            ..DecisionList::default()
        };
    }

    /// Asks anew after window or filter changed: rows of another are not mixed in.
    pub(super) fn reload(&mut self, now: Timestamp) -> Vec<Effect> {
        let route = self.decisions.route.clone();
        self.list_decisions(route);
        vec![self.ask(now)]
    }

    pub(super) fn ask(&mut self, now: Timestamp) -> Effect {
        let page = self.page(None);
        self.ask_page(page, now)
    }

    pub(super) fn ask_page(&mut self, page: Page, now: Timestamp) -> Effect {
        self.asked += 1;
        self.asked_at = now;
        self.is_waiting = true;
        self.is_stale = false;
        let frozen = self.paused.and_then(|paused| paused.window);
        let span = match (self.shifted.or(frozen), self.range()) {
            (Some(window), _) => Span::Between(window),
            (None, Some(range)) => Span::Last(range),
            (None, None) => Span::All,
        };
        Effect::Ask(Query {
            number: self.asked,
            now: self.paused.map_or(now, |paused| paused.since),
            span,
            baseline: self.baseline,
            trend_len: if self.settings.size.0 < 100 { 20 } else { 30 },
            drift_rows_max: Self::DRIFT_ROWS_MAX,
            filter: match page {
                // One decision, what was read, and what changed, which looks for filters itself.
                Page::Explain { .. } | Page::Sources | Page::Changes { .. } => Filter::default(),
                _ => self.filter.clone(),
            },
            page,
        })
    }

    pub(super) fn page(&self, before: Option<u64>) -> Page {
        match self.scope() {
            Scope::Overview => Page::Overview { live_len: 40 },
            Scope::Route => Page::Route {
                route: self.route.clone().unwrap_or_default(),
            },
            Scope::Decisions => Page::Decisions {
                route: self.decisions.route.clone(),
                rows_len: Self::ROWS_LEN,
                before,
            },
            Scope::Explain => Page::Explain {
                id: self.explained.clone().unwrap_or_default(),
            },
            Scope::Changes => Page::Changes {
                route: self.route.clone(),
                metric: self
                    .asked_metric
                    .unwrap_or_else(|| self.metric.of_changes()),
                against: self.against,
            },
            Scope::Policies => Page::Policies,
            Scope::Sources => Page::Sources,
        }
    }
}

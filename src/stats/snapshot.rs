//! The answers: plain values with all names written out, ready to be shown or printed.

use std::sync::Arc;

use super::alarms::AlarmSurvey;
use super::changes::Changes;
use super::{DriftSurvey, Explanation, Histogram, PolicyRow, Query, RouteMetrics};
use crate::model::{Attempt, GapCause, MarkerKind, Micros, NanoUsd, Timestamp, Window};

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// How many requests the window has, whatever the filter.
    pub unfiltered: u64,
    /// The window that is counted: of all time, wider than the one shown.
    pub counted: Window,
    /// A field of the filter that nothing stored has, and what was meant.
    pub unknown_field: Option<String>,
    /// The question.
    pub query: Query,
    /// The window that the answer covers.
    pub window: Window,
    /// Whether the newest event is so old that the window ends with it instead of with now.
    pub is_history: bool,
    /// What "usual" means here, in words, e.g. `same hours, last 7 days`; `None`: no baseline yet.
    pub baseline: Option<Arc<str>>,
    /// The time of the newest event stored.
    pub newest: Option<Timestamp>,
    /// The length of one point of the trends.
    pub trend_step: Micros,
    /// All routes together.
    pub total: RouteRow,
    /// The routes that have requests in the window or had some in the baseline, by name.
    pub routes: Vec<RouteRow>,
    /// Decisions as the page asked for, newest first.
    pub decisions: Vec<DecisionRow>,
    /// How many decisions there are in the window (of the route asked for).
    pub decisions_total: u64,
    /// The decision asked for; `None` when there is none such or it was not asked for.
    pub explanation: Option<Box<Explanation>>,
    /// When an id prefix fits several requests: some of them.
    pub ambiguous: Vec<String>,
    /// The sources.
    pub sources: Vec<SourceRow>,
    /// Lines in quarantine by source and reason.
    pub rejects: Vec<RejectRow>,
    /// Gaps, newest first, at most 100; only where the sources were asked for.
    pub gaps: Vec<GapRow>,
    /// Conflicts by source and fact, most first, at most 100; only where the sources were asked for.
    pub conflicts: Vec<ConflictRow>,
    /// What ingest counted in all.
    pub ingest: IngestTotals,
    /// Markers in the window.
    pub markers: Vec<MarkerRow>,
    /// Decisions held against their policies; `None`: not asked for, or no policy is known.
    pub drift: Option<Arc<DriftSurvey>>,
    /// The alarms at the end of the window; only where the routes were asked for.
    pub alarms: Option<Arc<AlarmSurvey>>,
    /// What changed; only where it was asked for.
    pub changes: Option<Arc<Changes>>,
    /// The policies; only where they were asked for.
    pub policies: Vec<PolicyRow>,
}

/// One route now and usually.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteRow {
    /// Its name.
    pub route: Arc<str>,
    /// In the window.
    pub now: RouteMetrics,
    /// In the baseline; `None` when there is no baseline.
    pub usual: Option<RouteMetrics>,
    /// Latency in the window.
    pub latency: Histogram,
    /// Latency in the baseline.
    pub usual_latency: Histogram,
    /// The window in equal steps, oldest first; steps without requests are there with zero counts.
    pub trend: Vec<TrendPoint>,
}

/// One step of a trend.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TrendPoint {
    /// When the step starts.
    pub start: Timestamp,
    /// Client requests.
    pub requests: u64,
    /// Completed or failed.
    pub finished: u64,
    /// Completed by one call and not corrected.
    pub first_pass: u64,
    /// With an attempt.
    pub attempted: u64,
    /// With an escalation.
    pub escalated: u64,
    /// With an unavailable model.
    pub fallback: u64,
    /// Completed and correctable.
    pub correctable: u64,
    /// Corrected.
    pub corrected: u64,
    /// The median latency in milliseconds.
    pub p50_ms: Option<f64>,
    /// The 95th percentile of latency in milliseconds.
    pub p95_ms: Option<f64>,
    /// How many answers took up to each of [`TrendPoint::BORDERS`], and longer than the last; all 0 where not asked for.
    pub bands: [u64; TrendPoint::BORDERS.len() + 1],
    /// Whether the step lies wholly before now: only closed steps are judged.
    pub is_closed: bool,
}

impl TrendPoint {
    /// The upper borders of the bands of latency: octaves from a quarter of a second to eight.
    pub const BORDERS: [Micros; 6] = [
        Micros(250_000),
        Micros(500_000),
        Micros(1_000_000),
        Micros(2_000_000),
        Micros(4_000_000),
        Micros(8_000_000),
    ];
}

/// One decision in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRow {
    /// The number of its row in the store; larger is stored later.
    pub row: u64,
    /// Arrival.
    pub ts: Timestamp,
    /// The route.
    pub route: Arc<str>,
    /// The request id.
    pub id: String,
    /// The models called, in order, with how each attempt ended in words.
    pub models: Vec<(Arc<str>, &'static str)>,
    /// The rule that decided, as logged.
    pub rule: Option<Arc<str>>,
    /// Why, as logged: the first escalation's or failure's reason, else the decision's.
    pub reason: Option<Arc<str>>,
    /// Tokens sent and received, where known.
    pub tokens: Option<u64>,
    /// Latency, where known.
    pub latency: Option<Micros>,
    /// Cost, where wholly known.
    pub cost: Option<NanoUsd>,
    /// `completed`, `failed`, `cancelled`, `open`, `lost`.
    pub state: &'static str,
    /// Whether it was escalated.
    pub is_escalated: bool,
    /// Whether a model was not available.
    pub is_fallback: bool,
    /// Whether it was corrected within the window.
    pub is_corrected: bool,
    /// The correction's kind and how long after the answer it came.
    pub correction: Option<(&'static str, Option<Micros>)>,
}

impl DecisionRow {
    /// Tells how `attempt` ended, in the words of lists.
    pub fn attempt_word(attempt: &Attempt) -> &'static str {
        attempt.outcome.word()
    }
}

/// One source with its state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceRow {
    /// The source as the user named it.
    pub source: String,
    /// `open`, `rotated`, `finished`, `damaged`, … of its newest generation.
    pub state: String,
    /// How many generations it has had.
    pub generations: u64,
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Lines by format name, most first.
    pub formats: Vec<(String, u64)>,
    /// Lines in quarantine.
    pub quarantined: u64,
    /// Lines that are no records.
    pub noise: u64,
    /// The latest noise, redacted.
    pub noise_sample: Option<String>,
    /// Whether corrections can be known from its formats.
    pub corrections_known: bool,
    /// The time of its newest event.
    pub newest: Option<Timestamp>,
    /// When it was last read.
    pub read_at: Option<Timestamp>,
    /// Fields that no format knows, by name, most first, at most 20.
    pub unknown_fields: Vec<(String, u64)>,
    /// Records that tell nothing that is stored, by what they are, most first, at most 20.
    pub asides: Vec<(String, u64)>,
    /// Bytes that its files held beyond what was read when they were last looked at.
    pub unread_bytes: u64,
    /// How its clock stands against the one here; `None` when nothing was read as it was written.
    pub skew: Option<Skew>,
    /// Different accounts of known facts.
    pub conflicts: u64,
    /// How often bytes of it were lost before they were read, or may have been.
    pub gaps: u64,
}

/// How the newest event last read stood against the clock here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skew {
    /// It came from the future: a clock is wrong.
    Ahead(Micros),
    /// It was that old: it came late, or a clock is behind.
    Behind(Micros),
}

/// Bytes of a source that were lost before they were read, or may have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapRow {
    /// The source.
    pub source: String,
    /// The file.
    pub path: String,
    /// Where the bytes start.
    pub from: u64,
    /// Where they end; `None` when that is not known.
    pub to: Option<u64>,
    /// Why.
    pub cause: GapCause,
    /// When it was noticed.
    pub noticed_at: Timestamp,
}

impl GapRow {
    /// Tells how much was lost and where.
    pub fn what(&self) -> String {
        let from = self.from;
        match self.to {
            Some(to) => format!("{} bytes from byte {from} on", to.saturating_sub(from)),
            None => format!("an unknown number of bytes from byte {from} on"),
        }
    }
}

/// Accounts of one fact that differ from the first, of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRow {
    /// The source that told the others.
    pub source: String,
    /// The fact, e.g. `route` or `attempt 2`.
    pub field: String,
    /// How many.
    pub count: u64,
    /// The request of the first of them.
    pub request_id: String,
    /// The file that holds the first of them.
    pub path: String,
    /// Where its line starts.
    pub offset: u64,
}

/// Lines of one source in quarantine for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectRow {
    /// The source.
    pub source: String,
    /// The reason's code.
    pub reason: String,
    /// What exactly was wrong with the first of them.
    pub detail: String,
    /// How many.
    pub count: u64,
    /// The file that holds the first of them.
    pub path: String,
    /// Where its line starts.
    pub offset: u64,
    /// How long it is in bytes.
    pub len: u64,
    /// When the first was seen.
    pub first_seen: Timestamp,
}

/// What ingest counted over all sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IngestTotals {
    /// Lines read.
    pub lines: u64,
    /// Events made of them.
    pub events: u64,
    /// Events that said nothing new.
    pub duplicates: u64,
    /// Different accounts of known facts.
    pub conflicts: u64,
    /// Lines in quarantine.
    pub quarantined: u64,
    /// Empty lines.
    pub blank: u64,
    /// Lines that are no records.
    pub noise: u64,
    /// Corrections whose request is not known.
    pub orphans: u64,
    /// Bytes of rejected lines that are kept because their source cannot be read again.
    pub kept_bytes: u64,
}

/// A change drawn on charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerRow {
    /// When.
    pub ts: Timestamp,
    /// What.
    pub label: Arc<str>,
    /// Which kind.
    pub kind: MarkerKind,
    /// The route it concerns; `None`: all.
    pub route: Option<Arc<str>>,
}

//! The questions that screens and commands ask of whatever stores the events.

use super::Filter;
use super::changes::Metric;
use crate::model::{Micros, Timestamp, Window};

/// The stretch of time asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// Everything stored.
    All,
    /// So long before now; when the newest event is older than that, so long before that event.
    Last(Micros),
    /// Exactly this window.
    Between(Window),
}

/// What "usual" means for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Baseline {
    /// No comparison.
    None,
    /// The same hours of the seven days before; where they hold nothing the stretch of four windows
    /// before; where that holds nothing none.
    Auto,
    /// The stretch of four windows before; where that holds nothing none.
    Before,
}

/// What a window is held against when one asks what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Against {
    /// The four times as long stretch before it.
    #[default]
    Before,
    /// The same hours of the day before.
    DayBefore,
    /// The same hours of the week before.
    WeekBefore,
}

impl Against {
    /// Returns the next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Before => Self::DayBefore,
            Self::DayBefore => Self::WeekBefore,
            Self::WeekBefore => Self::Before,
        }
    }

    /// Returns how long before the window the same hours are; `None`: it is the stretch before it.
    pub fn back(self) -> Option<Micros> {
        match self {
            Self::Before => None,
            Self::DayBefore => Some(Micros::DAY),
            Self::WeekBefore => Some(Micros::DAY.times(7)),
        }
    }
}

/// What the answer must hold beside the routes, which it always holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Page {
    /// The routes and the latest decisions.
    Overview {
        /// How many of the latest decisions.
        live_len: usize,
    },
    /// One route in full.
    Route {
        /// Its name.
        route: String,
    },
    /// A list of decisions, newest first.
    Decisions {
        /// Of this route only.
        route: Option<String>,
        /// How many rows.
        rows_len: usize,
        /// Only rows older than the row with this number.
        before: Option<u64>,
    },
    /// One decision.
    Explain {
        /// The request's id or a unique prefix of it.
        id: String,
    },
    /// What changed.
    Changes {
        /// The route; `None`: all.
        route: Option<String>,
        /// What may have become worse.
        metric: Metric,
        /// What the window is held against.
        against: Against,
    },
    /// The policies.
    Policies,
    /// Sources and rejects.
    Sources,
    /// Everything that a report tells: of each route its work, and what was read.
    Report,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    /// Given back with the answer, so that an old answer is recognised.
    pub number: u64,
    /// The clock of the asker.
    pub now: Timestamp,
    /// The stretch of time.
    pub span: Span,
    /// What to compare with.
    pub baseline: Baseline,
    /// How many points a trend should have, at the most; a point spans whole minutes.
    pub trend_len: usize,
    /// How many decisions may be held against their policies; 0: none.
    pub drift_rows_max: u64,
    /// Which requests are counted and listed.
    pub filter: Filter,
    /// What else.
    pub page: Page,
}

impl Query {
    /// How long a request without an outcome counts as open; after that it is lost.
    pub const OPEN_MAX: Micros = Micros(600_000_000);
}

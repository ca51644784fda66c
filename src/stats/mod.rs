//! Counting and its uncertainty, pure: histograms, proportions, rollup cells, and the questions
//! ([`Query`]) and answers ([`Snapshot`]) that pass between the screens and whatever stores events.
//!
//! Nothing here knows SQL, a file or a clock: `now` is part of the question.

pub mod alarms;
mod cell;
pub mod changes;
mod drift;
mod explain;
mod filter;
mod histogram;
mod judgement;
mod metrics;
mod normal;
mod nowcast;
mod policy_row;
mod proportion;
mod query;
mod slices;
mod snapshot;
mod state;
mod work;

pub use cell::{Cell, ModelUse, UNKNOWN_ROUTE};
pub use drift::{DriftCounts, DriftRow, DriftSurvey, RouteDrift};
pub use explain::{CandidateRow, Explanation, Hop, SignalRow};
pub use filter::{Filter, FilterError, Ruled, Subject};
pub use histogram::{DecodeError, Histogram, Quantiles};
pub use judgement::{
    Change, ClauseTrace, Drift, Flip, Given, Judgement, Needed, RuleTrace, Step, Truth, Verdict,
};
pub use metrics::{ModelMetrics, PathCount, Rate, RouteMetrics};
pub use normal::{Alike, Comparison, DirectStart, SessionPlace, apart};
pub use nowcast::{Exposure, Lateness, Nowcast};
pub use policy_row::{PolicyRow, PolicyText};
pub use proportion::{Interval, wilson};
pub use query::{Against, Baseline, Page, Query, Span};
pub use slices::{Attribute, Load, Slice, SliceCounts, Slices, Tuple, Usage, Value, Word};
pub use snapshot::{
    ConflictRow, DecisionRow, GapRow, IngestTotals, MarkerRow, RejectRow, RouteRow, Skew, Snapshot,
    SourceRow, TrendPoint,
};
pub use state::{Figures, State};
pub use work::{Quality, Stratum, Waste, Work, Yardsticks, work};

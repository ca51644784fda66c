//! The metrics of one route over one window, with names written out and every rate with its n.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Cell, Interval, Nowcast, Quantiles, Work, wilson};
use crate::model::{Names, NanoUsd};

/// The word for an escalation whose reason the log does not say.
const NO_REASON: &str = "(not logged)";

/// A share of events with its n and its 95 % Wilson interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Rate {
    /// Events that count.
    pub numerator: u64,
    /// Events that could have.
    pub denominator: u64,
}

impl Rate {
    /// Under this many events a screen shows no rate and sets no mark.
    pub const SHOWN_MIN: u64 = 30;

    /// Makes a rate of two counts.
    pub fn new(numerator: u64, denominator: u64) -> Self {
        Self {
            numerator,
            denominator,
        }
    }

    /// Returns the share, 0 to 1; `None` when the denominator is 0.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn share(self) -> Option<f64> {
        (self.denominator > 0).then(|| self.numerator as f64 / self.denominator as f64)
    }

    /// Returns the 95 % interval of the share; `None` when the denominator is 0.
    pub fn interval(self) -> Option<Interval> {
        wilson(self.numerator, self.denominator)
    }

    /// Tells whether there are enough events for a screen to show a rate.
    pub fn is_shown(self) -> bool {
        self.denominator >= Self::SHOWN_MIN
    }
}

/// Escalated requests from one model to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathCount {
    /// The model that was not good enough.
    pub from: Arc<str>,
    /// The model asked next.
    pub to: Arc<str>,
    /// How many times.
    pub requests: u64,
}

/// How much one model was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelMetrics {
    /// Requests whose first attempt ran on it.
    pub requests: u64,
    /// Calls to it.
    pub attempts: u64,
    /// What the calls of known cost cost; `None` when there is none.
    pub cost: Option<NanoUsd>,
}

/// The metrics of one route, or of all, over one window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouteMetrics {
    /// Client requests.
    pub requests: u64,
    /// Answered.
    pub completed: u64,
    /// Not answered.
    pub failed: u64,
    /// Given up by the caller.
    pub cancelled: u64,
    /// No outcome yet, younger than ten minutes.
    pub open: u64,
    /// No outcome, older.
    pub lost: u64,
    /// Calls to a model.
    pub attempts: u64,
    /// Completed by one call and not corrected, of completed and failed.
    pub first_pass: Rate,
    /// The same, retries on one tier forgiven.
    pub first_pass_lenient: Rate,
    /// Whether some requests come from sources that carry no corrections.
    pub first_pass_is_upper_bound: bool,
    /// With an escalation, of those with an attempt.
    pub escalation: Rate,
    /// With an unavailable model, of those with an attempt.
    pub fallback: Rate,
    /// Corrected, of the completed ones whose source carries corrections.
    pub correction: Rate,
    /// What that rate will be when all corrections have come; `None` when it is not known how late they
    /// come, or was not asked.
    pub correction_nowcast: Option<Nowcast>,
    /// Escalated requests by reason, most first.
    pub escalation_reasons: Vec<(Arc<str>, u64)>,
    /// Escalations by model before and after, most first.
    pub escalation_paths: Vec<PathCount>,
    /// What the requests of wholly known cost cost; `None` when there is none.
    pub cost: Option<NanoUsd>,
    /// How many requests that are.
    pub cost_known: u64,
    /// Of those, how many have an estimated cost.
    pub cost_estimated: u64,
    /// Their cost over the completed ones among them, in dollars.
    pub cost_per_completed_usd: Option<f64>,
    /// The half width of its 95 % interval, in dollars; `None` under 30 completed.
    pub cost_per_completed_margin_usd: Option<f64>,
    /// Latency of completed requests.
    pub latency: Quantiles,
    /// Time to first token of completed requests.
    pub ttft: Quantiles,
    /// What the rates hide; `None` when it was not asked for.
    pub work: Option<Work>,
    /// Use by model, sorted by name.
    pub models: BTreeMap<Arc<str>, ModelMetrics>,
}

impl RouteMetrics {
    /// Tells whether a price table told some of the cost.
    pub fn is_cost_estimated(&self) -> bool {
        self.cost_estimated > 0
    }

    /// Returns the nowcast of the correction rate where it differs: corrections of more than one request
    /// in fifty may still come, and there are enough requests to show a rate.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn unsettled(&self) -> Option<Nowcast> {
        let all = self.correction.denominator as f64;
        let nowcast = self.correction_nowcast?;
        let is_shown = self.correction.is_shown() && nowcast.share().is_some();
        (is_shown && nowcast.exposure < 0.98 * all).then_some(nowcast)
    }

    /// Returns between what the first-pass rate lies, whatever becomes of the requests without an outcome;
    /// `None` where those are under 2 % of the finished ones, or there are too few to show a rate.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn first_pass_bracket(&self) -> Option<Interval> {
        let unfinished = self.open + self.lost;
        let of = self.first_pass;
        if !of.is_shown() || unfinished * 50 <= of.denominator {
            return None;
        }
        let all = (of.denominator + unfinished) as f64;
        Some(Interval {
            low: of.numerator as f64 / all,
            high: (of.numerator + unfinished) as f64 / all,
        })
    }

    /// Reads the metrics off a cell; `open` of its unfinished requests are younger than ten minutes.
    pub fn new(cell: &Cell, open: u64, names: &Names) -> Self {
        let finished = cell.completed + cell.failed;
        let mut reasons: Vec<(Arc<str>, u64)> = cell
            .reasons
            .iter()
            .map(|(reason, count)| {
                (
                    reason.map_or_else(|| Arc::from(NO_REASON), |name| names.shared(name)),
                    *count,
                )
            })
            .collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut paths: Vec<PathCount> = cell
            .paths
            .iter()
            .map(|((from, to), requests)| PathCount {
                from: names.shared(*from),
                to: names.shared(*to),
                requests: *requests,
            })
            .collect();
        paths.sort_by(|a, b| {
            b.requests
                .cmp(&a.requests)
                .then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
        });
        let models = cell.models.iter().map(|(model, used)| {
            let cost = (used.cost_known > 0).then_some(NanoUsd(used.cost_nano));
            let metrics = ModelMetrics {
                requests: used.requests,
                attempts: used.attempts,
                cost,
            };
            (names.shared(*model), metrics)
        });
        let (cost_per_completed_usd, cost_per_completed_margin_usd) = cost_ratio(cell);
        Self {
            work: None,
            requests: cell.requests,
            completed: cell.completed,
            failed: cell.failed,
            cancelled: cell.cancelled,
            open,
            lost: cell.unfinished.saturating_sub(open),
            attempts: cell.attempts,
            first_pass: Rate::new(cell.first_pass, finished),
            first_pass_lenient: Rate::new(cell.first_pass_lenient, finished),
            first_pass_is_upper_bound: cell.uncorrectable > 0,
            escalation: Rate::new(cell.escalated, cell.attempted),
            fallback: Rate::new(cell.fallback, cell.attempted),
            correction: Rate::new(cell.corrected, cell.correctable),
            correction_nowcast: None,
            escalation_reasons: reasons,
            escalation_paths: paths,
            cost: (cell.cost_known > 0).then_some(NanoUsd(cell.cost_nano)),
            cost_known: cell.cost_known,
            cost_estimated: cell.cost_estimated,
            cost_per_completed_usd,
            cost_per_completed_margin_usd,
            latency: cell.latency.quantiles(),
            ttft: cell.ttft.quantiles(),
            models: models.collect(),
        }
    }
}

/// The ratio estimator R = sum c / sum d and 1.96 times the root of its variance
/// sum (`c_i` - R `d_i)^2` / D^2 (Cochran 1977, Sampling Techniques, 6.19), with d = 1 when completed.
#[expect(
    clippy::cast_precision_loss,
    reason = "15 digits of a cost are enough for an interval"
)]
fn cost_ratio(cell: &Cell) -> (Option<f64>, Option<f64>) {
    if cell.cost_known_completed == 0 {
        return (None, None);
    }
    let completed = cell.cost_known_completed as f64;
    let ratio = NanoUsd(cell.cost_nano).as_usd() / completed;
    let squares = cell.cost_squares as f64 / 1e12;
    let cross = NanoUsd(cell.cost_completed_nano).as_usd();
    let variance = (squares - 2.0 * ratio * cross + ratio * ratio * completed).max(0.0);
    let margin = 1.96 * variance.sqrt() / completed;
    (
        Some(ratio),
        (cell.cost_known_completed >= Rate::SHOWN_MIN).then_some(margin),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(first_pass: u64, finished: u64, open: u64, lost: u64) -> RouteMetrics {
        RouteMetrics {
            first_pass: Rate::new(first_pass, finished),
            open,
            lost,
            ..RouteMetrics::default()
        }
    }

    #[test]
    fn requests_without_an_outcome_leave_the_first_pass_rate_open() {
        assert_eq!(metrics(90, 100, 1, 1).first_pass_bracket(), None, "2 %");
        assert_eq!(metrics(9, 10, 5, 5).first_pass_bracket(), None, "too few");
        let bracket = metrics(90, 100, 15, 10).first_pass_bracket().unwrap();
        assert!((bracket.low - 0.72).abs() < 1e-12 && (bracket.high - 0.92).abs() < 1e-12);
    }

    #[test]
    fn a_nowcast_is_told_where_it_differs() {
        let with = |exposure: f64, all: u64| RouteMetrics {
            correction: Rate::new(4, all),
            correction_nowcast: Some(Nowcast {
                corrected: 4,
                exposure,
            }),
            ..RouteMetrics::default()
        };
        assert_eq!(with(99.0, 100).unsettled(), None, "nearly settled");
        assert_eq!(with(10.0, 20).unsettled(), None, "too few");
        assert_eq!(with(0.5, 100).unsettled(), None, "too young");
        assert!(with(60.0, 100).unsettled().is_some());
    }
}

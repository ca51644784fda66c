//! Which route is worse than usual, how sure that is, and since when.
//!
//! A mark needs n of at least 30, an interval clear of the usual one over the whole window, and the
//! last two closed buckets of the trend on the same side (pooled when either has fewer than 30).
//! Corrections come late, so buckets that are still filling are not judged ([`settled`]).
//! The trend does not count failures: those are judged by the window alone.

use crate::model::{Micros, Timestamp};
use crate::stats::alarms::Alarm;
use crate::stats::changes;
use crate::stats::{Interval, Rate, RouteMetrics, RouteRow, Snapshot, TrendPoint};

use super::units;

/// What can be better or worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Share of completed requests that were corrected.
    Correction,
    /// Share of requests that were escalated.
    Escalation,
    /// Share of finished requests that one call settled.
    FirstPass,
    /// The 95th percentile of latency.
    P95,
    /// Share of finished requests that failed.
    Failure,
    /// Cost per completed request.
    Cost,
}

impl Metric {
    /// Those that have a trend, in the order of the key that cycles them.
    pub const CHARTED: [Self; 4] = [
        Self::Correction,
        Self::Escalation,
        Self::FirstPass,
        Self::P95,
    ];
    const JUDGED: [Self; 6] = [
        Self::Correction,
        Self::Failure,
        Self::Escalation,
        Self::FirstPass,
        Self::P95,
        Self::Cost,
    ];

    /// Returns what is looked into when one asks what changed: dearer requests are mostly escalated ones.
    pub fn of_changes(self) -> changes::Metric {
        match self {
            Self::Correction => changes::Metric::Correction,
            Self::Escalation | Self::Cost => changes::Metric::Escalation,
            Self::FirstPass => changes::Metric::FirstPass,
            Self::P95 => changes::Metric::Latency,
            Self::Failure => changes::Metric::Failure,
        }
    }

    /// Returns its name within a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Correction => "corrections",
            Self::Escalation => "escalations",
            Self::FirstPass => "first-pass success",
            Self::P95 => "p95 latency",
            Self::Failure => "failures",
            Self::Cost => "cost per completed",
        }
    }

    /// Returns its name as a heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Correction => "CORRECTIONS",
            Self::Escalation => "ESCALATIONS",
            Self::FirstPass => "FIRST PASS",
            Self::P95 => "P95 LATENCY",
            Self::Failure => "FAILURES",
            Self::Cost => "COST",
        }
    }

    /// Returns the rate in `metrics`; `None` for p95 and cost, which are no rates.
    pub fn rate(self, metrics: &RouteMetrics) -> Option<Rate> {
        match self {
            Self::Correction => Some(metrics.correction),
            Self::Escalation => Some(metrics.escalation),
            Self::FirstPass => Some(metrics.first_pass),
            Self::Failure => Some(Rate::new(
                metrics.failed,
                metrics.completed + metrics.failed,
            )),
            Self::P95 | Self::Cost => None,
        }
    }

    /// Returns the rate in one bucket of a trend; `None` when the trend does not count it.
    pub fn trend_rate(self, point: &TrendPoint) -> Option<Rate> {
        match self {
            Self::Correction => Some(Rate::new(point.corrected, point.correctable)),
            Self::Escalation => Some(Rate::new(point.escalated, point.attempted)),
            Self::FirstPass => Some(Rate::new(point.first_pass, point.finished)),
            Self::P95 | Self::Failure | Self::Cost => None,
        }
    }
}

/// How much a route asks for attention; larger is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Too few events to tell.
    TooLittle,
    /// As usual, or better, or nothing to compare with.
    Fine,
    /// Clearly worse.
    Watch,
    /// Clearly worse, and by half or more.
    Act,
}

impl Severity {
    /// Returns that of an alarm that fires.
    pub fn of_alarm(alarm: &Alarm) -> Self {
        if alarm.is_urgent() {
            Self::Act
        } else {
            Self::Watch
        }
    }

    /// Returns its two characters.
    pub fn mark(self) -> &'static str {
        match self {
            Self::TooLittle => "? ",
            Self::Fine => "  ",
            Self::Watch => "! ",
            Self::Act => "!!",
        }
    }
}

/// How a value stands to the usual one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// There is nothing usual, or too little data.
    Unknown,
    /// The intervals overlap.
    Same,
    /// Clearly more: so many times the usual.
    Up(f64),
    /// Clearly less: so many times the usual.
    Down(f64),
}

impl Change {
    /// Returns `^2.2x`, `v0.7x`, `=` or nothing.
    pub fn text(self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::Same => "=".to_owned(),
            Self::Up(ratio) => format!("^{}x", units::ratio(ratio)),
            Self::Down(ratio) => format!("v{}x", units::ratio(ratio)),
        }
    }

    fn of(now: f64, usual: f64, is_clear: bool) -> Self {
        let ratio = if usual > 0.0 {
            now / usual
        } else {
            f64::INFINITY
        };
        match (is_clear, now > usual) {
            (false, _) => Self::Same,
            (true, true) => Self::Up(ratio),
            (true, false) => Self::Down(ratio),
        }
    }
}

/// One metric of one route against the usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Which.
    pub metric: Metric,
    /// How bad.
    pub severity: Severity,
    /// How it stands to the usual.
    pub change: Change,
    /// How many times worse; 1 when not worse. Orders findings.
    pub badness: f64,
}

/// Judges every metric of `row`; p95 needs 60 values, the others 30 events.
pub fn judge(row: &RouteRow) -> Vec<Judgement> {
    Metric::JUDGED
        .into_iter()
        .map(|metric| judge_one(row, metric))
        .collect()
}

/// Returns the severity of the whole route: its worst metric, or too little data.
pub fn severity(row: &RouteRow, judgements: &[Judgement]) -> Severity {
    if row.now.requests < Rate::SHOWN_MIN {
        return Severity::TooLittle;
    }
    judgements
        .iter()
        .map(|judgement| judgement.severity)
        .max()
        .unwrap_or(Severity::Fine)
        .max(Severity::Fine)
}

/// Returns how `row` stands in `metric`.
pub fn judge_one(row: &RouteRow, metric: Metric) -> Judgement {
    let nothing = Judgement {
        metric,
        severity: Severity::Fine,
        change: Change::Unknown,
        badness: 1.0,
    };
    let Some(usual) = &row.usual else {
        return nothing;
    };
    let found = match metric {
        Metric::P95 => judge_p95(row, usual),
        Metric::Cost => judge_cost(row, usual),
        _ => judge_rate(row, usual, metric),
    };
    let Some((change, badness, is_steady)) = found else {
        return nothing;
    };
    let is_worse = badness > 1.0 && !matches!(change, Change::Same | Change::Unknown);
    let severity = match (is_worse && is_steady, badness >= 1.5) {
        (true, true) => Severity::Act,
        (true, false) => Severity::Watch,
        _ => Severity::Fine,
    };
    Judgement {
        metric,
        severity,
        change,
        badness: if is_worse { badness } else { 1.0 },
    }
}

type Found = Option<(Change, f64, bool)>;

fn judge_rate(row: &RouteRow, usual: &RouteMetrics, metric: Metric) -> Found {
    let (now, usual) = (metric.rate(&row.now)?, metric.rate(usual)?);
    if !now.is_shown() || !usual.is_shown() {
        return None;
    }
    let (share, usual_share) = (now.share()?, usual.share()?);
    let interval = usual.interval()?;
    let change = Change::of(share, usual_share, now.interval()?.is_clear_of(interval));
    let is_up_bad = metric != Metric::FirstPass;
    let badness = if is_up_bad {
        quotient(share, usual_share)
    } else {
        quotient(1.0 - share, 1.0 - usual_share)
    };
    let is_beyond = |rate: Rate| {
        rate.share().is_some_and(|share| {
            if is_up_bad {
                share > interval.high
            } else {
                share < interval.low
            }
        })
    };
    let is_steady = metric == Metric::Failure
        || last_two(row, metric).is_some_and(|(a, b)| {
            if a.is_shown() && b.is_shown() {
                is_beyond(a) && is_beyond(b)
            } else {
                is_beyond(pooled(&[a, b]))
            }
        });
    Some((change, badness, is_steady))
}

/// The share above the usual p95 is a binomial, usually one in twenty.
fn judge_p95(row: &RouteRow, usual: &RouteMetrics) -> Found {
    if row.latency.count() < P95_SHOWN_MIN || row.usual_latency.count() < P95_SHOWN_MIN {
        return None;
    }
    let (now_ms, usual_ms) = (row.now.latency.p95?, usual.latency.p95?);
    let border = Micros::try_from_millis(usual_ms)?;
    let above = |latency: &crate::stats::Histogram| {
        Rate::new(
            latency.count().saturating_sub(latency.count_up_to(border)),
            latency.count(),
        )
    };
    let (now, before) = (
        above(&row.latency).interval()?,
        above(&row.usual_latency).interval()?,
    );
    let change = Change::of(now_ms, usual_ms, now.is_clear_of(before));
    let mut closed = row
        .trend
        .iter()
        .rev()
        .filter(|point| point.is_closed)
        .filter_map(|p| p.p95_ms);
    let is_steady = matches!((closed.next(), closed.next()), (Some(a), Some(b)) if a > usual_ms && b > usual_ms);
    Some((change, quotient(now_ms, usual_ms), is_steady))
}

fn judge_cost(row: &RouteRow, usual: &RouteMetrics) -> Found {
    let range = |metrics: &RouteMetrics| {
        let (cost, margin) = (
            metrics.cost_per_completed_usd?,
            metrics.cost_per_completed_margin_usd?,
        );
        Some((
            cost,
            Interval {
                low: cost - margin,
                high: cost + margin,
            },
        ))
    };
    let ((now, interval), (before, usual_interval)) = (range(&row.now)?, range(usual)?);
    let change = Change::of(now, before, interval.is_clear_of(usual_interval));
    Some((change, quotient(now, before), true))
}

/// Under this many values no p95 is shown.
pub const P95_SHOWN_MIN: u64 = 60;

fn quotient(a: f64, b: f64) -> f64 {
    if b > 0.0 {
        a / b
    } else if a > 0.0 {
        f64::INFINITY
    } else {
        1.0
    }
}

fn pooled(rates: &[Rate]) -> Rate {
    Rate::new(
        rates.iter().map(|rate| rate.numerator).sum(),
        rates.iter().map(|rate| rate.denominator).sum(),
    )
}

/// Returns the closed buckets of `row` that have settled for `metric`, oldest first.
///
/// A correction comes some minutes after its answer: of a trend of corrections (and of first passes,
/// which they undo) the last ten minutes, at most a sixth of the trend, are still filling.
pub fn settled(trend: &[TrendPoint], metric: Metric) -> &[TrendPoint] {
    let closed = trend.iter().take_while(|point| point.is_closed).count();
    let filling = filling_len(trend, metric).saturating_sub(trend.len() - closed);
    trend
        .get(..closed.saturating_sub(filling))
        .unwrap_or_default()
}

/// Returns how many buckets at the end of `trend` are still filling, the open one included.
pub fn filling_len(trend: &[TrendPoint], metric: Metric) -> usize {
    let open = trend
        .iter()
        .rev()
        .take_while(|point| !point.is_closed)
        .count();
    let [first, second, ..] = trend else {
        return open;
    };
    if !matches!(metric, Metric::Correction | Metric::FirstPass) || open == 0 {
        return open;
    }
    let step = second.start.since(first.start).0.max(1);
    let late = usize::try_from(Micros::MINUTE.times(10).0.div_ceil(step)).unwrap_or(usize::MAX);
    late.min(trend.len() / 6).max(open)
}

/// Returns the last two settled stretches of the trend: each an eighth of it, at least one bucket, so
/// that a single thin bucket neither sets nor clears a mark.
fn last_two(row: &RouteRow, metric: Metric) -> Option<(Rate, Rate)> {
    let points = settled(&row.trend, metric);
    let len = (points.len() / 8).max(1);
    let recent = points.get(points.len().checked_sub(2 * len)?..)?;
    let (before, last) = recent.split_at_checked(len)?;
    let rate = |points: &[TrendPoint]| -> Option<Rate> {
        let rates: Option<Vec<Rate>> = points
            .iter()
            .map(|point| metric.trend_rate(point))
            .collect();
        rates.map(|rates| pooled(&rates))
    };
    Some((rate(before)?, rate(last)?))
}

/// Returns when a rate went beyond the usual: the earliest settled bucket from which on the pooled
/// rate up to every later bucket stays beyond the usual interval. `None` when that is the first
/// bucket of the window (it began before), or when fewer than 30 events lie after it.
pub fn since(row: &RouteRow, metric: Metric) -> Option<Timestamp> {
    let usual = metric.rate(row.usual.as_ref()?)?.interval()?;
    let points = settled(&row.trend, metric);
    let rates = points
        .iter()
        .map(|p| metric.trend_rate(p))
        .collect::<Option<Vec<_>>>()?;
    let is_beyond = |rate: Rate| {
        rate.share().is_some_and(|share| {
            if metric == Metric::FirstPass {
                share < usual.low
            } else {
                share > usual.high
            }
        })
    };
    let first = (0..rates.len()).find(|from| {
        let mut sum = Rate::default();
        rates.iter().skip(*from).all(|rate| {
            sum = pooled(&[sum, *rate]);
            is_beyond(sum)
        })
    })?;
    let after = pooled(rates.get(first..)?);
    (first > 0 && after.is_shown()).then(|| points.get(first).map(|p| p.start))?
}

/// A route with its judgements, ready to be listed.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// The route.
    pub row: &'a RouteRow,
    /// How it stands.
    pub judgements: Vec<Judgement>,
    /// Its severity.
    pub severity: Severity,
    /// Its worst alarm that fires.
    pub alarm: Option<&'a Alarm>,
}

impl<'a> Judged<'a> {
    /// Judges `row`.
    pub fn new(row: &'a RouteRow) -> Self {
        let judgements = judge(row);
        let severity = severity(row, &judgements);
        Self {
            row,
            judgements,
            severity,
            alarm: None,
        }
    }

    /// Marks it as its alarm says, where one fires.
    #[must_use]
    pub fn with_alarm(mut self, alarm: Option<&'a Alarm>) -> Self {
        let weight = alarm.map(Severity::of_alarm);
        self.severity = weight.map_or(self.severity, |weight| self.severity.max(weight));
        self.alarm = alarm;
        self
    }

    /// Returns how it stands in `metric`.
    pub fn of(&self, metric: Metric) -> Judgement {
        self.judgements
            .iter()
            .find(|judgement| judgement.metric == metric)
            .copied()
            .unwrap_or_else(|| judge_one(self.row, metric))
    }

    /// Returns the worst judgement that carries a mark.
    pub fn worst(&self) -> Option<Judgement> {
        self.judgements
            .iter()
            .filter(|judgement| judgement.severity >= Severity::Watch)
            .copied()
            .reduce(|a, b| {
                if (b.severity, b.badness) > (a.severity, a.badness) {
                    b
                } else {
                    a
                }
            })
    }
}

/// The order of the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Trouble first.
    #[default]
    Trouble,
    /// By name.
    Name,
    /// Most requests first.
    Requests,
    /// Highest p95 first.
    Latency,
}

impl Sort {
    /// Returns the next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Trouble => Self::Name,
            Self::Name => Self::Requests,
            Self::Requests => Self::Latency,
            Self::Latency => Self::Trouble,
        }
    }

    /// Returns it in words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trouble => "trouble first",
            Self::Name => "by name",
            Self::Requests => "most requests first",
            Self::Latency => "highest p95 first",
        }
    }
}

/// Returns the routes of `snapshot`, judged and in order.
pub fn ranked(snapshot: &Snapshot, sort: Sort) -> Vec<Judged<'_>> {
    let alarm = |row: &RouteRow| snapshot.alarms.as_ref()?.of(&row.route);
    let mut routes: Vec<Judged<'_>> = snapshot
        .routes
        .iter()
        .map(|row| Judged::new(row).with_alarm(alarm(row)))
        .collect();
    let badness = |judged: &Judged<'_>| {
        let mark = judged.worst().map_or(1.0, |worst| worst.badness);
        judged.alarm.map_or(mark, |alarm| alarm.times().max(mark))
    };
    routes.sort_by(|a, b| {
        let by_name = a.row.route.cmp(&b.row.route);
        let by_requests = b.row.now.requests.cmp(&a.row.now.requests);
        match sort {
            Sort::Trouble => b
                .severity
                .cmp(&a.severity)
                .then(badness(b).total_cmp(&badness(a)))
                .then(by_requests)
                .then(by_name),
            Sort::Name => by_name,
            Sort::Requests => by_requests.then(by_name),
            Sort::Latency => {
                let p95 = |judged: &Judged<'_>| judged.row.now.latency.p95.unwrap_or(-1.0);
                p95(b).total_cmp(&p95(a)).then(by_name)
            }
        }
    });
    routes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, route};

    #[test]
    fn a_doubled_correction_rate_asks_for_action_since_half_the_window() {
        let row = route("support-chat", 1_204, (124, 89), (120, 41), 2_900);
        assert_eq!(judge_one(&row, Metric::Correction).severity, Severity::Act);
        assert_eq!(judge_one(&row, Metric::Escalation).severity, Severity::Fine);
        assert_eq!(
            since(&row, Metric::Correction),
            Some(NOW.minus(Micros::MINUTE.times(30)))
        );
    }

    #[test]
    fn too_little_data_and_no_baseline_set_no_mark() {
        let mut row = route("legal-draft", 20, (500, 500), (10, 10), 900);
        assert_eq!(Judged::new(&row).severity, Severity::TooLittle);
        row = route("x", 1_000, (500, 500), (10, 10), 900);
        row.usual = None;
        assert_eq!(Judged::new(&row).severity, Severity::Fine);
    }
}

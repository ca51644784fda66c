//! How many decisions the policy in force does not explain: by route, kind and policy, with a trend.

use std::sync::Arc;

use super::Rate;
use crate::model::{Micros, Timestamp};

/// Twice the gain in log-likelihood that makes a change of the rate more than noise, whichever of some thirty places
/// it is at: a chi-square of one degree of freedom at 0.0002.
const GAIN_MIN: f64 = 14.0;
/// In how many equal parts the latest decisions of a route are compared.
const TAIL_STEPS: usize = 30;

/// Decisions held against the policy in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DriftCounts {
    /// Those whose policy is known and that can be decided.
    pub judged: u64,
    /// Of them, with a model that neither rule, coin, pin nor availability explains.
    pub model: u64,
    /// Of them, by another rule than the one that decides.
    pub rule: u64,
    /// Of them, with an escalation that the policy does not allow, whatever decided.
    pub escalation: u64,
    /// Of them, by a logged coin.
    pub explored: u64,
    /// Of them, held on the model of their session.
    pub pinned: u64,
    /// Beside them: those that lack signals that would change the tier.
    pub undecidable: u64,
    /// Beside them: those of which no policy is known.
    pub unknown: u64,
}

impl DriftCounts {
    /// Returns the share of decisions that the policy does not explain.
    pub fn rate(&self) -> Rate {
        Rate::new(self.model + self.rule, self.judged)
    }

    /// Returns how many decisions were looked at.
    pub fn seen(&self) -> u64 {
        self.judged + self.undecidable + self.unknown
    }

    /// Adds other decisions.
    pub fn merge(&mut self, other: &Self) {
        self.judged += other.judged;
        self.model += other.model;
        self.rule += other.rule;
        self.escalation += other.escalation;
        self.explored += other.explored;
        self.pinned += other.pinned;
        self.undecidable += other.undecidable;
        self.unknown += other.unknown;
    }
}

/// The decisions of one route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriftRow {
    /// Its name.
    pub route: Arc<str>,
    /// What was counted.
    pub counts: DriftCounts,
    /// The share in equal steps of the window, oldest first.
    pub trend: Vec<Rate>,
}

/// The decisions of a window held against the policies in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriftSurvey {
    /// When the window starts.
    pub from: Timestamp,
    /// The length of a step of the trends.
    pub step: Micros,
    /// Of how many stretches of the window one was looked at.
    pub one_in: u64,
    /// All routes together.
    pub total: DriftRow,
    /// The routes, by name.
    pub routes: Vec<DriftRow>,
    /// By the policy as recorded; `None`: none was.
    pub policies: Vec<(Option<Arc<str>>, DriftCounts)>,
}

impl DriftSurvey {
    /// Returns the row of a route.
    pub fn route(&self, route: &str) -> Option<&DriftRow> {
        self.routes.iter().find(|row| &*row.route == route)
    }

    /// Returns since when a route drifts more than before; `None`: all along, or not to be told.
    pub fn since(&self, row: &DriftRow) -> Option<Timestamp> {
        let step = change_point(&row.trend)?;
        Some(self.from.plus(self.step.times(step as u64)))
    }
}

/// The latest decisions of one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteDrift {
    /// How many of them the policy does not explain.
    pub rate: Rate,
    /// Since when these are more than before; `None`: all along, or not to be told.
    pub since: Option<Timestamp>,
}

impl RouteDrift {
    /// Sums up decisions in the order of time: each with its arrival and whether it drifted.
    pub fn of(decisions: &[(Timestamp, bool)]) -> Self {
        let rate = |part: &[(Timestamp, bool)]| {
            let drifted = part.iter().filter(|decision| decision.1).count();
            Rate::new(drifted as u64, part.len() as u64)
        };
        let step = decisions.len().div_ceil(TAIL_STEPS).max(1);
        let trend: Vec<Rate> = decisions.chunks(step).map(rate).collect();
        let since = change_point(&trend).and_then(|at| decisions.get(at * step));
        Self {
            rate: rate(decisions),
            since: since.map(|decision| decision.0),
        }
    }
}

/// Returns the step from which on the rate is higher than before, where splitting there makes the counts likeliest
/// and much likelier than no split; both sides need enough events to show a rate.
fn change_point(trend: &[Rate]) -> Option<usize> {
    let sum = |part: &[Rate]| {
        part.iter().fold(Rate::default(), |sum, rate| {
            Rate::new(
                sum.numerator + rate.numerator,
                sum.denominator + rate.denominator,
            )
        })
    };
    let unsplit = log_likelihood(sum(trend));
    let mut best = None;
    for at in 1..trend.len() {
        let (before, after) = trend.split_at_checked(at)?;
        let (before, after) = (sum(before), sum(after));
        if !before.is_shown() || !after.is_shown() || after.share() <= before.share() {
            continue;
        }
        let gain = 2.0 * (log_likelihood(before) + log_likelihood(after) - unsplit);
        if gain >= GAIN_MIN && best.is_none_or(|(_, most)| gain > most) {
            best = Some((at, gain));
        }
    }
    best.map(|(at, _)| at)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn log_likelihood(rate: Rate) -> f64 {
    let term = |part: u64| {
        let (part, all) = (part as f64, rate.denominator as f64);
        if part > 0.0 {
            part * (part / all).ln()
        } else {
            0.0
        }
    };
    term(rate.numerator) + term(rate.denominator.saturating_sub(rate.numerator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_decisions_are_summed_up_and_their_change_is_dated() {
        let decisions: Vec<(Timestamp, bool)> = (0..1_000)
            .map(|at| (Timestamp(at), at >= 700 && at % 3 == 0))
            .collect();
        let drift = RouteDrift::of(&decisions);
        assert_eq!(drift.rate, Rate::new(100, 1_000));
        let since = drift.since.unwrap().0;
        assert!((660..740).contains(&since), "{since}");
        assert_eq!(RouteDrift::of(&[]).rate, Rate::new(0, 0));
        assert_eq!(RouteDrift::of(&decisions[..600]).since, None);
    }

    #[test]
    fn a_change_is_dated_and_noise_is_not() {
        let steady = |_: usize| Rate::new(1, 100);
        let risen = |at: usize| Rate::new(if at < 12 { 1 } else { 6 }, 100);
        let fallen = |at: usize| Rate::new(if at < 12 { 6 } else { 1 }, 100);
        let trend = |of: &dyn Fn(usize) -> Rate| (0..30).map(of).collect::<Vec<_>>();
        assert_eq!(change_point(&trend(&steady)), None);
        assert_eq!(change_point(&trend(&risen)), Some(12));
        assert_eq!(change_point(&trend(&fallen)), None);
        assert_eq!(
            change_point(&[Rate::new(0, 10), Rate::new(9, 10)]),
            None,
            "too few"
        );
        assert_eq!(change_point(&[]), None);
        let row = DriftRow {
            trend: trend(&risen),
            ..DriftRow::default()
        };
        let survey = DriftSurvey {
            from: Timestamp(1_000),
            step: Micros::MINUTE,
            ..DriftSurvey::default()
        };
        assert_eq!(survey.since(&row), Some(Timestamp(720_001_000)));
    }
}

//! Which routes call for somebody: too many bad requests for a target of the config file, or more than is usual.
//!
//! Looking again and again finds something sooner or later, so that neither question is a test of one window. A
//! target is missed when it is in a long and in a short stretch at once; what is usual is left when evidence that
//! gathers over minutes passes a limit that quiet traffic passes once in thirty days and route.
//!
//! | file | what for |
//! | --- | --- |
//! | `counted` | the bad requests among those of a rollup |
//! | `burn` | targets: pairs of stretches, and how fast a target is used up |
//! | `usual` | what is usual, by the hour of the day |
//! | `cusum` | evidence that gathers, and its limit |

mod burn;
mod counted;
mod cusum;
#[cfg(test)]
mod tests;
mod usual;

use std::sync::Arc;

pub use burn::{BurnPair, Burning};
pub use counted::{METRICS, counted, target_metric};
pub use cusum::{Unusual, limit};
pub use usual::Usual;

use super::changes::{Metric, Tally};
use crate::model::{Micros, Minute, Timestamp, Window};

/// So much of the time before now is looked through for evidence, minute by minute.
pub const WATCHED: Micros = Micros::HOUR.times(6);
/// What is usual is taken from so much of the time before that.
pub const USUAL: Micros = Micros::DAY.times(7);
/// From so many times the usual on, somebody should act.
const URGENT_TIMES: f64 = 1.5;

/// Why an alarm fires.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// A target is missed.
    Target(Burning),
    /// It is worse than usual.
    Unusual(Unusual),
}

/// An alarm that fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// The route.
    pub route: Arc<str>,
    /// Of what there is too much.
    pub metric: Metric,
    /// Why.
    pub reason: Reason,
}

impl Alarm {
    /// Returns the requests that it fires for.
    pub fn tally(&self) -> Tally {
        match &self.reason {
            Reason::Target(burning) => burning.short,
            Reason::Unusual(unusual) => unusual.tally,
        }
    }

    /// Returns the share that would be right: the target, or the usual.
    pub fn wanted(&self) -> f64 {
        match &self.reason {
            Reason::Target(burning) => burning.allowed,
            Reason::Unusual(unusual) => unusual.usual,
        }
    }

    /// Returns how many times as many bad requests there are as would be right.
    pub fn times(&self) -> f64 {
        self.tally().share().unwrap_or(0.0) / self.wanted().max(f64::MIN_POSITIVE)
    }

    /// Tells whether somebody should act at once.
    pub fn is_urgent(&self) -> bool {
        match &self.reason {
            Reason::Target(burning) => burning.pair.is_urgent,
            Reason::Unusual(_) => self.times() >= URGENT_TIMES,
        }
    }

    /// Returns the stretch up to `at` that it is about.
    pub fn window(&self, at: Timestamp) -> Window {
        let from = match &self.reason {
            Reason::Target(burning) => at.minus(burning.pair.long),
            Reason::Unusual(unusual) => unusual.since.start(),
        };
        Window { from, to: at }
    }
}

/// What fires, and how much could be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmSurvey {
    /// The end of the last minute that is over.
    pub at: Timestamp,
    /// The time of the newest request; `None`: there is none.
    pub newest: Option<Timestamp>,
    /// How many routes had requests in the last six hours.
    pub routes: usize,
    /// How many metrics of them have a target.
    pub targets: usize,
    /// Of how many metrics of them it is known what is usual.
    pub usual: usize,
    /// The alarms, the worst first.
    pub alarms: Vec<Alarm>,
}

impl AlarmSurvey {
    /// Returns the worst alarm of a route.
    pub fn of(&self, route: &str) -> Option<&Alarm> {
        self.alarms.iter().find(|alarm| *alarm.route == *route)
    }
}

/// The counts of one metric of one route.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The long and the short stretch of each of [`BurnPair::ALL`].
    pub stretches: [(Tally, Tally); BurnPair::ALL.len()],
    /// The minutes of [`WATCHED`], in order.
    pub minutes: Vec<(Minute, Tally)>,
    /// The hours of [`USUAL`], by their number since 1970, in order.
    pub hours: Vec<(i32, Tally)>,
}

/// Returns what fires for one metric of one route; `usual` is of the hours, and `of` how many metrics of the route
/// are watched, which share its false alarms.
pub fn reasons(
    series: &Series,
    allowed: Option<f64>,
    usual: Option<&Usual>,
    of: usize,
) -> Vec<Reason> {
    let missed = allowed.and_then(|allowed| burn::burning(allowed, &series.stretches));
    let unusual = usual.and_then(|usual| cusum::unusual(&series.minutes, usual, of));
    let missed = missed.map(Reason::Target);
    missed
        .into_iter()
        .chain(unusual.map(Reason::Unusual))
        .collect()
}

/// Puts the worst first.
pub fn sort(alarms: &mut [Alarm]) {
    alarms.sort_by(|one, other| {
        let by_weight = other.is_urgent().cmp(&one.is_urgent());
        by_weight
            .then_with(|| other.times().total_cmp(&one.times()))
            .then_with(|| one.route.cmp(&other.route))
            .then_with(|| one.metric.word().cmp(other.metric.word()))
    });
}

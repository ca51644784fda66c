//! Alarms from rollups: what is looked through are the minutes of some hours and the hours of a week, however many
//! requests they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Reader;
use crate::config::Targets;
use crate::model::{Micros, Minute, Timestamp};
use crate::stats::Cell;
use crate::stats::alarms::{
    Alarm, AlarmSurvey, BurnPair, METRICS, Series, USUAL, Usual, WATCHED, counted, reasons, sort,
    target_metric,
};
use crate::stats::changes::Tally;
use crate::store::StoreError;
use crate::store::rollups::{LEVELS, Level, visit_counts};
use crate::store::writer::load_names;

/// No more routes than these are watched: those with most requests.
const ROUTES_MAX: usize = 1_000;
/// How long a survey stands while the same minute is the last one: facts may come late.
const FRESH: Micros = Micros::SECOND.times(5);

/// One tally for each of [`METRICS`].
type Tallies = [Tally; METRICS.len()];

/// What is counted of one route.
#[derive(Debug, Default)]
struct Watched {
    minutes: Vec<(Minute, Tallies)>,
    hours: Vec<(i32, Tallies)>,
}

/// A survey with the time of its question.
#[derive(Debug, Clone)]
pub(super) struct Surveyed {
    asked_at: Timestamp,
    survey: Arc<AlarmSurvey>,
}

impl Reader {
    /// Holds the routes against these targets.
    pub fn aim(&mut self, targets: Arc<Targets>) {
        self.targets = targets;
        self.watched = None;
    }

    /// Evaluates the alarms as they stood when the last minute before `at` was over.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn alarms(&mut self, at: Timestamp) -> Result<AlarmSurvey, StoreError> {
        self.connection.execute_batch("BEGIN")?;
        let survey =
            load_names(&self.connection, &mut self.names).and_then(|()| self.survey_alarms(at));
        // A read transaction has nothing to lose.
        let _ = self.connection.execute_batch("COMMIT");
        survey
    }

    /// Evaluates them within a transaction, at most every five seconds; `now` is the time of the question.
    pub(super) fn latest_alarms(
        &mut self,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Arc<AlarmSurvey>, StoreError> {
        let known = self.watched.take().filter(|known| {
            let is_young = known.asked_at <= now && now.since(known.asked_at) < FRESH;
            is_young && known.survey.at == at.minute().start()
        });
        let known = match known {
            Some(known) => known,
            None => Surveyed {
                asked_at: now,
                survey: Arc::new(self.survey_alarms(at)?),
            },
        };
        Ok(Arc::clone(&self.watched.insert(known).survey))
    }

    fn survey_alarms(&self, at: Timestamp) -> Result<AlarmSurvey, StoreError> {
        let at = at.minute().start();
        let mut survey = AlarmSurvey {
            at,
            newest: self.extent()?.map(|(_, newest)| newest),
            routes: 0,
            targets: 0,
            usual: 0,
            alarms: Vec::new(),
        };
        for (route, watched) in self.watched(at)? {
            survey.routes += 1;
            self.judge(&self.route_name(route), &watched, &mut survey);
        }
        sort(&mut survey.alarms);
        Ok(survey)
    }

    /// Counts the routes that have requests in the watched minutes.
    fn watched(&self, at: Timestamp) -> Result<BTreeMap<i64, Watched>, StoreError> {
        let [minute, hour, _] = LEVELS;
        let number = |ts: Timestamp, level: Level| ts.0.div_euclid(level.unit_us);
        // Hours are told whole up to this one, minutes from there on.
        let from = number(at.minus(WATCHED), hour);
        let minutes = (from * 60, number(at, minute));
        let hours = (from - days(USUAL) * 24, from);
        let wanted = self.largest(minute, minutes)?;
        let mut found: BTreeMap<i64, Watched> = BTreeMap::new();
        visit_counts(&self.connection, minute, minutes, |unit, route, cell| {
            if wanted.contains(&route) {
                let place = found.entry(route).or_default();
                place.minutes.push((Minute(short(unit)), tallies(cell)));
            }
        })?;
        visit_counts(&self.connection, hour, hours, |unit, route, cell| {
            if let Some(place) = found.get_mut(&route) {
                place.hours.push((short(unit), tallies(cell)));
            }
        })?;
        Ok(found)
    }

    /// Returns the named routes with most requests.
    fn largest(&self, level: Level, units: (i64, i64)) -> Result<BTreeSet<i64>, StoreError> {
        let mut requests: BTreeMap<i64, u64> = BTreeMap::new();
        visit_counts(&self.connection, level, units, |_, route, cell| {
            // Route 0 is none: of its requests only later facts are known.
            if route != 0 {
                *requests.entry(route).or_default() += cell.requests;
            }
        })?;
        let mut routes: Vec<(u64, i64)> = requests.into_iter().map(|(of, len)| (len, of)).collect();
        routes.sort_unstable_by_key(|(len, route)| (std::cmp::Reverse(*len), *route));
        let largest = routes.into_iter().take(ROUTES_MAX);
        Ok(largest.map(|(_, route)| route).collect())
    }

    fn judge(&self, route: &Arc<str>, watched: &Watched, survey: &mut AlarmSurvey) {
        let of_metrics: [Series; METRICS.len()] =
            std::array::from_fn(|place| series(watched, place, survey.at));
        let usual = of_metrics.each_ref().map(|series| Usual::of(&series.hours));
        let of = usual.iter().flatten().count();
        survey.usual += of;
        for ((metric, series), usual) in METRICS.into_iter().zip(&of_metrics).zip(&usual) {
            let allowed = target_metric(metric);
            let allowed = allowed.and_then(|metric| self.targets.allowed(route, metric));
            survey.targets += usize::from(allowed.is_some());
            for reason in reasons(series, allowed, usual.as_ref(), of) {
                survey.alarms.push(Alarm {
                    route: Arc::clone(route),
                    metric,
                    reason,
                });
            }
        }
    }
}

/// Returns what is counted of one metric, by its place in [`METRICS`].
fn series(watched: &Watched, place: usize, at: Timestamp) -> Series {
    let of = |tallies: &Tallies| tallies.get(place).copied().unwrap_or_default();
    let since = |length: Micros| {
        let from = at.minus(length);
        let mut sum = Tally::default();
        for (hour, tallies) in &watched.hours {
            if hour_start(*hour) >= from {
                sum.join(of(tallies));
            }
        }
        for (minute, tallies) in &watched.minutes {
            if minute.start() >= from {
                sum.join(of(tallies));
            }
        }
        sum
    };
    let is_watched = |minute: &Minute| minute.start() >= at.minus(WATCHED);
    Series {
        stretches: BurnPair::ALL.map(|pair| (since(pair.long), since(pair.short))),
        minutes: watched
            .minutes
            .iter()
            .filter(|(minute, _)| is_watched(minute))
            .map(|(minute, tallies)| (*minute, of(tallies)))
            .collect(),
        hours: watched
            .hours
            .iter()
            .map(|(hour, tallies)| (*hour, of(tallies)))
            .collect(),
    }
}

fn tallies(cell: &Cell) -> Tallies {
    METRICS.map(|metric| counted(metric, cell))
}

fn hour_start(hour: i32) -> Timestamp {
    Minute(hour.saturating_mul(60)).start()
}

fn days(length: Micros) -> i64 {
    i64::try_from(length.0 / Micros::DAY.0).unwrap_or(0)
}

fn short(unit: i64) -> i32 {
    i32::try_from(unit).unwrap_or(i32::MAX)
}

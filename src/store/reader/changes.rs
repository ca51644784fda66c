//! What changed: both windows from the slices, and since when from their minutes.

use std::sync::Arc;

use super::slices::route_code;
use super::{Reader, SliceParts};
use crate::model::{CORRECTION_WINDOW, Micros, Minute, Timestamp, Window};
use crate::stats::changes::{
    Changes, Metric, Observations, Onset, Tally, Verdict, analyse, dispersion, onset,
};
use crate::stats::{Against, Attribute, Query, Slice, Slices, Span};
use crate::store::StoreError;
use crate::store::incident::Incident;

/// The stretch before the end that is looked through for a change.
const SEARCHED: Micros = Micros::HOUR.times(5);
/// The window where no change is found.
const WINDOW: Micros = Micros::HOUR;
/// How many times as long as the window the baseline is.
const BASELINE_TIMES: u64 = 4;
/// And so long at the least.
const BASELINE_MIN: Micros = Micros::HOUR;
/// No more minutes than these are looked through for when it began.
const MINUTES_MAX: u64 = 3 * 1_440;

/// A question for what changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesQuestion {
    /// What may have become worse.
    pub metric: Metric,
    /// The route; `None`: all.
    pub route: Option<String>,
    /// The bad window; `None`: from the latest change on.
    pub window: Option<Window>,
    /// What it is held against; `None`: the four times as long stretch before.
    pub baseline: Option<Window>,
    /// The time of the question.
    pub now: Timestamp,
}

impl ChangesQuestion {
    /// Returns the question that an incident file was made to answer.
    pub fn of_incident(incident: &Incident) -> Self {
        Self {
            metric: incident.metric,
            route: incident.route.clone(),
            window: Some(incident.window),
            baseline: None,
            now: incident.now,
        }
    }
}

/// How long an answer stands while a page is open: it looks through hours of minutes.
const STANDS: Micros = Micros::SECOND.times(5);

/// An answer, and the question.
#[derive(Debug)]
pub(super) struct Changed {
    question: ChangesQuestion,
    against: Against,
    answer: Option<Arc<Changes>>,
}

/// Counts by minute of requests that share values, cut by their first model.
type Minutes = Vec<(Minute, Slices)>;

impl Reader {
    /// Finds what changed, in one consistent state of the database; `None` when no request has such a route.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn changes(&mut self, question: &ChangesQuestion) -> Result<Option<Changes>, StoreError> {
        self.with_tuples(|reader| reader.changes_within(question))
    }

    fn changes_within(
        &mut self,
        question: &ChangesQuestion,
    ) -> Result<Option<Changes>, StoreError> {
        let route = question.route.as_deref();
        if !self.has_route(route)? {
            return Ok(None);
        }
        let (window, baseline) = self.windows(question)?;
        let attributes: Vec<Attribute> = self
            .attribute_names()?
            .iter()
            .filter_map(|name| self.attribute(name).transpose())
            .collect::<Result<_, _>>()?;
        let parts = SliceParts {
            costs: false,
            loads: question.metric == Metric::Latency,
        };
        let before = self.slices(route, baseline, &attributes, parts)?;
        let after = self.slices(route, window, &attributes, parts)?;
        let observations = Observations::new(question.metric, &before, &after);
        let tallied = |minutes: Minutes| -> Vec<(Minute, Tally)> {
            let counted = minutes.iter();
            counted
                .map(|(minute, slices)| (*minute, observations.tally(slices)))
                .collect()
        };
        let normal = tallied(self.by_minute(route, shortened(before.window), parts, &[])?);
        let scatter = dispersion(normal.iter().map(|(_, tally)| tally));
        let mut minutes = normal;
        minutes.extend(tallied(self.by_minute(
            route,
            shortened(after.window),
            parts,
            &[],
        )?));
        minutes.sort_by_key(|(minute, _)| *minute);
        let windows = (after.window, before.window);
        let mut changes = analyse(&observations, windows, route, scatter);
        let mut since = |values: &[(String, Arc<str>)]| -> Result<Option<Onset>, StoreError> {
            let mut minutes = self.by_minute(route, shortened(before.window), parts, values)?;
            minutes.extend(self.by_minute(route, shortened(after.window), parts, values)?);
            Ok(onset(&tallied(minutes)))
        };
        for cause in &mut changes.causes {
            cause.since = since(&cause.slice)?;
        }
        if !matches!(changes.verdict, Verdict::NoChange | Verdict::Local) {
            changes.since = onset(&minutes);
        }
        changes.minutes = minutes;
        let stretches = [shortened(before.window), shortened(after.window)];
        self.tell_moved(&mut changes, stretches)?;
        let waits_for_corrections =
            matches!(question.metric, Metric::Correction | Metric::FirstPass);
        changes.is_filling =
            waits_for_corrections && after.window.to > question.now.minus(CORRECTION_WINDOW);
        Ok(Some(changes))
    }

    /// Finds what changed within a window that was chosen, or up to now; the same question is answered anew every
    /// five seconds.
    pub(super) fn latest_changes(
        &mut self,
        route: Option<&str>,
        (metric, against): (Metric, Against),
        query: &Query,
    ) -> Result<Option<Arc<Changes>>, StoreError> {
        let question = ChangesQuestion {
            metric,
            route: route.map(str::to_owned),
            window: match query.span {
                Span::Between(window) => Some(window),
                Span::Last(_) | Span::All => None,
            },
            baseline: None,
            now: query.now,
        };
        let known = self.changed.take().filter(|known| {
            let now = known.question.now;
            let is_young = now <= question.now && question.now.since(now) < STANDS;
            is_young
                && known.against == against
                && known.question
                    == (ChangesQuestion {
                        now,
                        ..question.clone()
                    })
        });
        let known = match known {
            Some(known) => known,
            None => Changed {
                answer: self.changes_against(&question, against)?.map(Arc::new),
                question,
                against,
            },
        };
        Ok(self.changed.insert(known).answer.clone())
    }

    fn changes_against(
        &mut self,
        question: &ChangesQuestion,
        against: Against,
    ) -> Result<Option<Changes>, StoreError> {
        let Some(back) = against.back() else {
            return self.changes(question);
        };
        let window = self.window_of(question)?;
        self.changes(&ChangesQuestion {
            window: Some(window),
            baseline: Some(Window {
                from: window.from.minus(back),
                to: window.to.minus(back),
            }),
            ..question.clone()
        })
    }

    fn has_route(&mut self, route: Option<&str>) -> Result<bool, StoreError> {
        let Some(route) = route else {
            return Ok(true);
        };
        self.with_tuples(|reader| {
            let wanted = reader.route_id(route);
            let mut tuples = reader.tuples.iter();
            Ok(tuples.any(|tuple| Some(route_code(tuple)) == wanted))
        })
    }

    /// Returns the window and its baseline.
    pub(super) fn windows(
        &mut self,
        question: &ChangesQuestion,
    ) -> Result<(Window, Window), StoreError> {
        let newest = self
            .extent()?
            .map_or(question.now, |(_, newest)| newest.plus(Micros(1)));
        let end = newest.min(question.now);
        let window = match question.window {
            Some(window) => window,
            None => self.latest_change(question, end)?,
        };
        // Slices are of whole minutes, and none may be on both sides.
        let window = Window {
            from: window.from.minute().start(),
            to: window.to,
        };
        let span = Micros(window.len().0.saturating_mul(BASELINE_TIMES));
        let baseline = question.baseline.unwrap_or(Window {
            from: window.from.minus(span.max(BASELINE_MIN)),
            to: window.from,
        });
        let baseline = if baseline.from < window.from {
            Window {
                from: baseline.from,
                to: baseline.to.min(window.from),
            }
        } else {
            Window {
                from: baseline.from.max(window.to),
                to: baseline.to,
            }
        };
        Ok((window, baseline))
    }

    /// Returns the stretch from the latest change to `end`, or the last hour.
    fn latest_change(
        &mut self,
        question: &ChangesQuestion,
        end: Timestamp,
    ) -> Result<Window, StoreError> {
        let searched = Window {
            from: end.minus(SEARCHED),
            to: end,
        };
        let route = question.route.as_deref();
        let minutes = self.by_minute(route, searched, SliceParts::default(), &[])?;
        let tallies: Vec<(Minute, Tally)> = minutes
            .into_iter()
            .filter_map(|(minute, slices)| {
                let mut sum = Tally::default();
                for slice in &slices.slices {
                    let tally = question.metric.plain_tally(&slice.counts)?;
                    sum.requests += tally.requests;
                    sum.bad += tally.bad;
                }
                Some((minute, sum))
            })
            .filter(|(_, tally)| tally.requests > 0)
            .collect();
        let from = onset(&tallies).map_or(end.minus(WINDOW), |onset| onset.at.start());
        Ok(Window { from, to: end })
    }

    /// Counts minute by minute the requests that share `values`, cut by their first model.
    fn by_minute(
        &mut self,
        route: Option<&str>,
        window: Window,
        parts: SliceParts,
        values: &[(String, Arc<str>)],
    ) -> Result<Minutes, StoreError> {
        let mut wanted = Vec::new();
        for (name, text) in values {
            if let Some(attribute) = self.attribute(name)? {
                wanted.push((attribute, text));
            }
        }
        self.with_tuples(|reader| {
            let route = route.map(|route| reader.route_id(route));
            let mut models: Vec<Arc<str>> = Vec::new();
            let (places, len) = reader.places(&mut |tuple| {
                let is_wanted = route.is_none_or(|route| route == Some(route_code(tuple)))
                    && wanted.iter().all(|(attribute, text)| {
                        tuple.value(*attribute).text(&reader.names) == ***text
                    });
                let model = tuple.value(Attribute::FirstModel).text(&reader.names);
                is_wanted.then(|| {
                    models
                        .iter()
                        .position(|known| **known == *model)
                        .unwrap_or_else(|| {
                            models.push(Arc::from(model));
                            models.len() - 1
                        })
                })
            });
            let window = reader.whole_minutes(window)?;
            let mut minutes = Vec::new();
            let mut from = window.from;
            while from < window.to {
                let to = from.plus(Micros::MINUTE);
                let minute = Window { from, to };
                let counts = reader.counts_at(minute, parts, &places, len)?;
                let slices = models
                    .iter()
                    .zip(counts)
                    .filter(|(_, counts)| !counts.is_empty())
                    .map(|(model, counts)| Slice {
                        values: vec![model.clone()],
                        counts,
                    });
                minutes.push((
                    from.minute(),
                    Slices {
                        window: minute,
                        attributes: vec!["first_model".to_owned()],
                        slices: slices.collect(),
                    },
                ));
                from = to;
            }
            Ok(minutes)
        })
    }
}

/// Returns the last minutes of a window, as many as are looked through one by one.
fn shortened(window: Window) -> Window {
    let most = Micros(Micros::MINUTE.0.saturating_mul(MINUTES_MAX));
    Window {
        from: window.from.max(window.to.minus(most)),
        to: window.to,
    }
}

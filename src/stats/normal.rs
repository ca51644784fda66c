//! How one request stands among those like it: the same route, and where that is known the same class and length.
//!
//! A group of too few is widened, first by the length and then by the class, and the answer says which group it was.

use std::sync::Arc;

use super::Histogram;
use crate::model::{Micros, Name, NanoUsd, Outcome, Request, Timestamp};

/// What requests have in common beside their route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Alike {
    /// The task class.
    pub by_class: bool,
    /// The length: tokens sent with the first call, up to twice as many or half as many.
    pub by_length: bool,
}

impl Alike {
    /// The groups, the narrowest first.
    const GROUPS: [Self; 3] = [
        Self {
            by_class: true,
            by_length: true,
        },
        Self {
            by_class: true,
            by_length: false,
        },
        Self {
            by_class: false,
            by_length: false,
        },
    ];

    /// Returns it in words, e.g. `same route, class and length`.
    pub fn words(self) -> &'static str {
        match (self.by_class, self.by_length) {
            (true, true) => "same route, class and length",
            (true, false) => "same route and class",
            (false, true) => "same route and length",
            (false, false) => "same route",
        }
    }

    /// Leaves out what is not known of `request`.
    fn known_of(self, request: &Request) -> Self {
        Self {
            by_class: self.by_class && request.task_class.is_some(),
            by_length: self.by_length && length(request).is_some(),
        }
    }

    fn holds(self, request: &Request, other: &Request) -> bool {
        let is_as_long = || match (length(request), length(other)) {
            (Some(own), Some(other)) => other >= own / 2 && other <= own.saturating_mul(2),
            _ => false,
        };
        (!self.by_class || request.task_class == other.task_class)
            && (!self.by_length || is_as_long())
    }
}

/// Returns how far two times are from each other.
pub fn apart(a: Timestamp, b: Timestamp) -> Micros {
    a.since(b).max(b.since(a))
}

fn length(request: &Request) -> Option<u32> {
    request.first_attempt()?.input_tokens
}

/// Where a value stands among those of requests like it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Comparison {
    /// The share of completed requests with at most this latency, in percent.
    pub latency_percentile: Option<f64>,
    /// The share of requests with at most this cost, in percent.
    pub cost_percentile: Option<f64>,
    /// The share of requests with as many attempts or more, in percent.
    pub attempts_share: Option<f64>,
    /// Within which time nineteen of twenty are answered.
    pub latency_p95: Option<Micros>,
    /// How many requests it was compared with.
    pub compared_with: u64,
    /// What they have in common.
    pub alike: Alike,
    /// How far from it in time they reach.
    pub reach: Micros,
}

impl Comparison {
    /// With fewer requests nothing is compared.
    pub const COMPARED_MIN: u64 = 10;

    /// Compares with other requests of the same route.
    pub fn of(request: &Request, others: &[Request]) -> Self {
        let (alike, others) = group(request, others, |_| true);
        let calls = request.calls();
        let busier = others.iter().filter(|other| other.calls() >= calls).count();
        let mut latencies = sorted(others.iter().filter_map(|other| completed_in(other)));
        let costs = sorted(others.iter().filter_map(|other| other.cost()));
        let at_most = |part: usize, of: usize| percent(part as u64, of as u64);
        let furthest = others.iter().map(|other| apart(other.ts, request.ts)).max();
        Self {
            latency_percentile: request.latency().and_then(|own| {
                at_most(latencies.partition_point(|of| *of <= own), latencies.len())
            }),
            cost_percentile: request
                .cost()
                .and_then(|own| at_most(costs.partition_point(|of| *of <= own), costs.len())),
            attempts_share: at_most(busier, others.len()),
            latency_p95: {
                let place = (latencies.len() * 95).div_ceil(100);
                let is_enough = latencies.len() as u64 >= Self::COMPARED_MIN;
                latencies.truncate(place);
                latencies.pop().filter(|_| is_enough)
            },
            compared_with: others.len() as u64,
            alike,
            reach: furthest.unwrap_or_default(),
        }
    }

    /// Compares with all of the route in the time before, of which only sums are at hand.
    pub fn with_route(
        request: &Request,
        requests: u64,
        latency: &Histogram,
        reach: Micros,
    ) -> Self {
        Self {
            latency_percentile: request
                .latency()
                .and_then(|own| percent(latency.count_up_to(own), latency.count())),
            latency_p95: latency.quantile(0.95).and_then(Micros::try_from_millis),
            compared_with: requests,
            reach,
            ..Self::default()
        }
    }

    /// Tells whether there are enough to compare with.
    pub fn is_enough(&self) -> bool {
        self.compared_with >= Self::COMPARED_MIN
    }
}

/// What a start on the model that answered in the end would have been like: medians of requests that did so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectStart {
    /// The model.
    pub model: Arc<str>,
    /// The median latency; `None`: too few, or not logged.
    pub latency: Option<Micros>,
    /// The median cost; `None`: too few, or not logged.
    pub cost: Option<NanoUsd>,
    /// How many requests started and ended there.
    pub compared_with: u64,
    /// What they have in common with this one.
    pub alike: Alike,
}

impl DirectStart {
    /// Finds it of a request that was passed on to another model, whose `model` the caller can name; `None` of any other.
    pub fn of(
        request: &Request,
        others: &[Request],
        named: impl FnOnce(Name) -> Arc<str>,
    ) -> Option<Self> {
        let (first, last) = (request.first_attempt()?, request.last_attempt()?);
        if first.model == last.model {
            return None;
        }
        let is_direct = |other: &Request| {
            other.attempts.len() == 1
                && other.outcome == Some(Outcome::Completed)
                && other
                    .first_attempt()
                    .is_some_and(|only| only.model == last.model)
        };
        let (alike, others) = group(request, others, is_direct);
        Some(Self {
            model: named(last.model),
            latency: median(others.iter().filter_map(|other| other.latency())),
            cost: median(others.iter().filter_map(|other| other.cost())),
            compared_with: others.len() as u64,
            alike,
        })
    }
}

/// The narrowest group that is large enough, else the widest.
fn group<'a>(
    request: &Request,
    all: &'a [Request],
    is_wanted: impl Fn(&Request) -> bool,
) -> (Alike, Vec<&'a Request>) {
    let mut found = (Alike::default(), Vec::new());
    for alike in Alike::GROUPS {
        let alike = alike.known_of(request);
        let others = all
            .iter()
            .filter(|other| is_wanted(other) && alike.holds(request, other));
        found = (alike, others.collect());
        if found.1.len() as u64 >= Comparison::COMPARED_MIN {
            break;
        }
    }
    found
}

fn completed_in(request: &Request) -> Option<Micros> {
    let is_completed = request.outcome == Some(Outcome::Completed);
    request.latency().filter(|_| is_completed)
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values
}

/// The lower median of at least ten.
fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let values = sorted(values);
    let middle = values.get(values.len().saturating_sub(1) / 2).copied();
    middle.filter(|_| values.len() as u64 >= Comparison::COMPARED_MIN)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn percent(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| 100.0 * part as f64 / of as f64)
}

/// The place of a request in its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionPlace {
    /// Its 1-based place in the order of arrival.
    pub place: u64,
    /// How many requests of the session are stored.
    pub of: u64,
    /// How many of the others were corrected.
    pub other_corrections: u64,
}

impl SessionPlace {
    /// Finds the place of the request that arrived at `own` among all of the session: each with its arrival, the
    /// number of its row, and whether it was corrected.
    pub fn of(own: (Timestamp, i64), all: &[(Timestamp, i64, bool)]) -> Self {
        let before = all.iter().filter(|(ts, row, _)| (*ts, *row) < own).count();
        let others = all.iter().filter(|(_, row, _)| *row != own.1);
        Self {
            place: before as u64 + 1,
            of: all.len() as u64,
            other_corrections: others.filter(|other| other.2).count() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attempt, AttemptOutcome, Names, RequestId};

    const SECOND: u64 = 1_000_000;

    fn request(names: &mut Names, class: &str, tokens: u32, models: &[&str]) -> Request {
        let id = RequestId::try_from_text("r").unwrap();
        let mut request = Request::new(id, Timestamp(1_000_000_000));
        request.task_class = Some(names.intern(class));
        request.outcome = Some(Outcome::Completed);
        for model in models {
            let mut attempt = Attempt::new(names.intern(model), AttemptOutcome::Ok);
            attempt.input_tokens = Some(tokens);
            attempt.latency = Some(Micros(u64::from(tokens) * SECOND));
            attempt.cost = Some(NanoUsd(i64::from(tokens)));
            request.attempts.push(attempt);
        }
        request
    }

    #[test]
    fn a_request_is_held_against_its_class_and_length() {
        let mut names = Names::default();
        let own = request(&mut names, "planning", 100, &["a"]);
        let mut earlier: Vec<Request> = (0..20)
            .map(|idx| request(&mut names, "planning", 91 + idx, &["a"]))
            .collect();
        // Longer, shorter, and of another class: none of them is like it.
        for _ in 0..50 {
            earlier.push(request(&mut names, "planning", 201, &["a"]));
            earlier.push(request(&mut names, "planning", 49, &["a"]));
            earlier.push(request(&mut names, "extraction", 100, &["a", "b"]));
        }
        let found = Comparison::of(&own, &earlier);
        assert_eq!((found.compared_with, found.is_enough()), (20, true));
        assert_eq!(found.alike.words(), "same route, class and length");
        assert_eq!(found.latency_percentile, Some(50.0));
        assert_eq!(found.cost_percentile, Some(50.0));
        assert_eq!(found.attempts_share, Some(100.0));
        assert_eq!(found.latency_p95, Some(Micros(109 * SECOND)));
    }

    #[test]
    fn a_group_of_too_few_is_widened_and_says_so() {
        let mut names = Names::default();
        let own = request(&mut names, "planning", 100, &["a"]);
        let nine: Vec<Request> = (0..9)
            .map(|_| request(&mut names, "planning", 100, &["a"]))
            .collect();
        let found = Comparison::of(&own, &nine);
        assert_eq!((found.compared_with, found.is_enough()), (9, false));
        let mut longer = nine.clone();
        longer.push(request(&mut names, "planning", 900, &["a"]));
        let found = Comparison::of(&own, &longer);
        assert_eq!(
            (found.compared_with, found.alike.words()),
            (10, "same route and class")
        );
        let mut others = nine;
        others.push(request(&mut names, "extraction", 100, &["a"]));
        let found = Comparison::of(&own, &others);
        assert_eq!(
            (found.compared_with, found.alike.words()),
            (10, "same route")
        );
        assert_eq!(Comparison::of(&own, &[]).compared_with, 0);
    }

    #[test]
    fn a_direct_start_is_the_median_of_those_who_did_so() {
        let mut names = Names::default();
        let own = request(&mut names, "planning", 100, &["small", "large"]);
        let mut earlier: Vec<Request> = (90..111)
            .map(|tokens| request(&mut names, "planning", tokens, &["large"]))
            .collect();
        earlier.extend((0..30).map(|_| request(&mut names, "planning", 100, &["small", "large"])));
        earlier.extend((0..30).map(|_| request(&mut names, "planning", 100, &["small"])));
        let named = |names: &Names| {
            let names = names.clone();
            move |name| names.shared(name)
        };
        let direct = DirectStart::of(&own, &earlier, named(&names)).unwrap();
        assert_eq!((&*direct.model, direct.compared_with), ("large", 21));
        assert_eq!(direct.latency, Some(Micros(100 * SECOND)));
        assert_eq!(direct.cost, Some(NanoUsd(100)));
        let few = DirectStart::of(&own, &earlier[..9], named(&names)).unwrap();
        assert_eq!((few.compared_with, few.latency, few.cost), (9, None, None));
        let stayed = request(&mut names, "planning", 100, &["small", "small"]);
        assert_eq!(DirectStart::of(&stayed, &earlier, named(&names)), None);
    }

    #[test]
    fn the_place_in_a_session_is_by_arrival() {
        let at = |ts: i64, row: i64, is_corrected| (Timestamp(ts), row, is_corrected);
        let all = [
            at(5, 1, true),
            at(3, 2, false),
            at(5, 3, true),
            at(9, 4, true),
        ];
        let place = SessionPlace::of((Timestamp(5), 3), &all);
        assert_eq!((place.place, place.of, place.other_corrections), (3, 4, 2));
    }
}

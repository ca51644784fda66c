//! The two uses of a mapping: on top of a known format's line, and for lines that no format claims.

use serde::de::IgnoredAny;
use smallvec::SmallVec;

use super::correct::correct;
use super::fill::{attempt_outcome, fill, id, name};
use super::view::{Unreadable, View, no_attribute};
use crate::format::reading::{MAPPED, Reading};
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, is_odd};
use crate::format::screen::reject;
use crate::model::{AttemptOutcome, Event, Flags, Outcome, Reject, Request, Timestamp};

/// Every line may be mapped; it is the last format that is asked.
pub(crate) fn may_be(_: &str) -> bool {
    true
}

/// Reads a line that no format claims: one in which the mapping finds request id, time and route, or
/// that is a correction.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    let Some(plan) = scratch.plan.clone().filter(|plan| plan.is_for(MAPPED)) else {
        return Reading::NotMine;
    };
    let map = &plan.mapping;
    if map.ts.is_none() || (map.request_id.is_none() && map.correction.is_none()) {
        return Reading::NotMine;
    }
    // The walk of the pointers does not look at what it skips.
    if sonic_rs::from_str::<IgnoredAny>(text).is_err() {
        return Reading::Broken;
    }
    let view = View::new(&plan, text, &no_attribute);
    match events(scratch, &view, read_at) {
        Ok(events) => Reading::Events(MAPPED, events),
        // A line in which nothing of a request stands may be anything.
        Err(_) if !has_trace(&view) => Reading::NotMine,
        Err(reject) => Reading::Rejected(reject),
    }
}

/// Tells whether the mapping finds anything that only a request or a correction has.
fn has_trace(view: &View<'_, '_>) -> bool {
    let map = &view.plan.mapping;
    [&map.request_id, &map.route]
        .into_iter()
        .any(|at| view.finds(at.as_ref()))
        || view.holds(map.correction.as_ref().map(|correction| &correction.when))
}

fn events(
    scratch: &mut Scratch,
    view: &View<'_, '_>,
    read_at: Timestamp,
) -> Result<SmallVec<[Event; 1]>, Reject> {
    let map = &view.plan.mapping;
    let ts = view.time(map.ts.as_ref()).ok_or_else(|| missing("time"))?;
    let ts = ts.map_err(|Unreadable| {
        reject(
            "bad-time",
            "the time is not of the form that the mapping says",
        )
    })?;
    let mut events = SmallVec::new();
    match request(scratch, view, ts) {
        Ok(mut request) => {
            if is_odd(ts, read_at) {
                request.flags.set(Flags::ODD_CLOCK);
            }
            let other = correct(scratch, view, Some(&mut request), ts, MAPPED);
            events.push(Event::Request(Box::new(request)));
            events.extend(other);
        }
        Err(reject) => {
            // A line about nothing but a correction has no route.
            let own = id(view, map.request_id.as_ref()).map(|id| Request::new(id, ts));
            events = corrections(scratch, view, own, ts, MAPPED);
            if events.is_empty() {
                return Err(reject);
            }
        }
    }
    Ok(events)
}

/// Returns the corrections that a line is; `own` is the request that it names, and nothing more.
fn corrections(
    scratch: &Scratch,
    view: &View<'_, '_>,
    mut own: Option<Request>,
    ts: Timestamp,
    format: u8,
) -> SmallVec<[Event; 1]> {
    let other = correct(scratch, view, own.as_mut(), ts, format);
    let own = own.filter(|own| own.correction.is_some()).map(|mut own| {
        own.format = format;
        own.flags.set(Flags::CORRECTABLE);
        Event::Request(Box::new(own))
    });
    own.into_iter().chain(other).collect()
}

/// Returns what a record that tells nothing by itself, e.g. a score, tells through the mapping of the
/// request that it is about.
pub(crate) fn explain(
    scratch: &Scratch,
    text: &str,
    format: u8,
    about: Request,
) -> SmallVec<[Event; 1]> {
    let Some(plan) = scratch
        .plan
        .clone()
        .filter(|plan| plan.maps_corrections_of(format))
    else {
        return SmallVec::new();
    };
    let view = View::new(&plan, text, &no_attribute);
    let ts = about.ts;
    corrections(scratch, &view, Some(about), ts, format)
}

/// Fills a request from the attributes of the span that tells of it; returns the correction of another
/// request that the span is, if it is one.
pub(crate) fn overlay_attributes<'a>(
    scratch: &mut Scratch,
    request: &mut Request,
    attribute: &dyn Fn(&str) -> Scalar<'a>,
) -> Option<Event> {
    let plan = scratch
        .plan
        .clone()
        .filter(|plan| plan.is_for(request.format))?;
    let view = View::new(&plan, "", attribute);
    fill(scratch, &view, request);
    if plan.maps_corrections_of(request.format) {
        request.flags.set(Flags::CORRECTABLE);
    }
    let (ts, format) = (request.ts, request.format);
    correct(scratch, &view, Some(request), ts, format)
}

fn missing(what: &str) -> Reject {
    reject(
        "unmapped",
        format!("no known format, and the mapping finds no {what}"),
    )
}

fn request(scratch: &mut Scratch, view: &View<'_, '_>, ts: Timestamp) -> Result<Request, Reject> {
    let map = &view.plan.mapping;
    let id = id(view, map.request_id.as_ref()).ok_or_else(|| missing("request id"))?;
    let route = name(scratch, view, map.route.as_ref()).ok_or_else(|| missing("route"))?;
    for (is_unknown, what) in [
        (
            matches!(
                view.meaning(map.outcome.as_ref(), Outcome::try_from_word),
                Some(Err(_))
            ),
            "outcome",
        ),
        (
            matches!(attempt_outcome(view), Some(Err(_))),
            "attempt.outcome",
        ),
    ] {
        if is_unknown {
            return Err(reject(
                "unmapped-word",
                format!("`{what}` has a word that the mapping does not name"),
            ));
        }
    }
    let mut request = Request::new(id, ts);
    request.format = MAPPED;
    request.route = Some(route);
    if map.correction.is_some() {
        request.flags.set(Flags::CORRECTABLE);
    }
    fill(scratch, view, &mut request);
    identify_attempt(scratch, &mut request);
    if request.outcome.is_none() {
        conclude(&mut request);
    }
    Ok(request)
}

/// Gives the attempt what tells it from others of its request, so that a line read twice counts once.
fn identify_attempt(scratch: &Scratch, request: &mut Request) {
    let ts = request.ts;
    let [only] = request.attempts.as_mut_slice() else {
        return;
    };
    only.start = Some(ts);
    if only.n == 0 {
        let parts = [
            request.id.as_bytes(),
            &ts.0.to_le_bytes(),
            scratch.names.text(only.model).as_bytes(),
            only.outcome.word().as_bytes(),
        ];
        only.key = scratch.key.hash_parts(parts).max(1);
    }
}

/// How a request ended follows from its attempt, as long as no later one is seen.
fn conclude(request: &mut Request) {
    let last = request.attempts.last().map(|attempt| attempt.outcome);
    request.outcome = last.and_then(|outcome| match outcome {
        AttemptOutcome::Ok => Some(Outcome::Completed),
        AttemptOutcome::Error | AttemptOutcome::Timeout | AttemptOutcome::Skipped => {
            Some(Outcome::Failed)
        }
        AttemptOutcome::Cancelled => Some(Outcome::Cancelled),
        AttemptOutcome::Escalated => None,
    });
    if request.outcome.is_some() {
        request.flags.set(Flags::OUTCOME_PROVISIONAL);
    }
}

/// Fills the events of a known format's line from the mapping, and adds the correction that it is.
/// A line of several requests has no one place for the facts of each: it is left as it is.
pub(crate) fn overlay(
    scratch: &mut Scratch,
    text: &str,
    format: u8,
    events: &mut SmallVec<[Event; 1]>,
) {
    let Some(plan) = scratch
        .plan
        .clone()
        .filter(|plan| format != MAPPED && plan.is_for(format))
    else {
        return;
    };
    let [Event::Request(request)] = events.as_mut_slice() else {
        return;
    };
    let view = View::new(&plan, text, &no_attribute);
    fill(scratch, &view, request);
    if plan.maps_corrections_of(format) {
        request.flags.set(Flags::CORRECTABLE);
    }
    let ts = request.ts;
    let other = correct(scratch, &view, Some(request), ts, format);
    events.extend(other);
}

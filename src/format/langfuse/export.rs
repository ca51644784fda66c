//! Lines of the blob storage export: traces, observations (with and without their trace) and scores.

use smallvec::smallvec;

use super::row::{Row, attempt, describe, instant, start};
use crate::format::reading::{Aside, LANGFUSE, Reading};
use crate::format::scratch::Scratch;
use crate::model::{Event, Flags, Outcome, Reject, Request, RequestId, SessionKey, Timestamp};

/// Reads one row.
pub(super) fn read(scratch: &mut Scratch, row: &Row<'_>, read_at: Timestamp) -> Reading {
    let request = if row.is_observation() {
        if !row.is_generation() {
            return aside("Langfuse observation that asked no model", None);
        }
        generation(scratch, row, read_at)
    } else if row.is_score() {
        return score(scratch, row);
    } else if row.is_trace() {
        trace(scratch, row, read_at)
    } else {
        return Reading::NotMine;
    };
    match request {
        Ok(request) => Reading::Events(LANGFUSE, smallvec![Event::Request(Box::new(request))]),
        Err(reject) => Reading::Rejected(reject),
    }
}

fn aside(what: &'static str, about: Option<Box<Request>>) -> Reading {
    Reading::Aside(Aside {
        format: LANGFUSE,
        what,
        about,
    })
}

/// A score names its trace, so that a mapping can make a correction of it; by itself it says nothing:
/// whether 0.2 of "helpfulness" is bad only its owner knows.
fn score(scratch: &Scratch, row: &Row<'_>) -> Reading {
    let id = row.trace_id.text().and_then(RequestId::try_from_text);
    let about = id.zip(instant(&row.timestamp)).map(|(id, ts)| {
        let mut request = Request::new(id, ts);
        request.format = LANGFUSE;
        let session = row.session_id.text();
        request.session = session.map(|text| SessionKey(scratch.key.hash(text.as_bytes())));
        Box::new(request)
    });
    aside("Langfuse score", about)
}

fn generation(scratch: &mut Scratch, row: &Row<'_>, read_at: Timestamp) -> Result<Request, Reject> {
    let at = ("start_time", &row.start_time);
    let mut request = start(&row.trace_id, at, read_at)?;
    describe(scratch, row, &mut request);
    request.route = scratch.name(&row.trace_name);
    if request.route.is_none() {
        let names = [&row.name, &row.provided_model_name, &row.model];
        request.route = names.iter().find_map(|name| scratch.name(name));
        request.flags.set(Flags::ROUTE_WEAK);
    }
    request
        .attempts
        .extend(attempt(scratch, row, &mut request.flags));
    if !request.attempts.is_empty() {
        request.flags.set(Flags::OUTCOME_PROVISIONAL);
        request.outcome = Some(if row.is_error() {
            Outcome::Failed
        } else {
            Outcome::Completed
        });
    }
    Ok(request)
}

fn trace(scratch: &mut Scratch, row: &Row<'_>, read_at: Timestamp) -> Result<Request, Reject> {
    let mut request = start(&row.id, ("timestamp", &row.timestamp), read_at)?;
    describe(scratch, row, &mut request);
    request.route = scratch.name(&row.name);
    Ok(request)
}

//! The document that Langfuse's page downloads: one trace with its observations.

use smallvec::smallvec;
use sonic_rs::LazyValue;

use super::row::{Row, attempt, describe, instant, start};
use crate::format::nested::items;
use crate::format::reading::{Aside, LANGFUSE, Reading};
use crate::format::scratch::Scratch;
use crate::model::{Event, Flags, Outcome, Reject, Request, Timestamp};

/// Reads a document; the last generation tells how the request ended.
pub(super) fn read(scratch: &mut Scratch, document: &Row<'_>, read_at: Timestamp) -> Reading {
    let raw = document.trace.as_ref().map_or("{}", LazyValue::as_raw_str);
    let trace: Row<'_> = sonic_rs::from_str(raw).unwrap_or_default();
    let mut rows: Vec<Row<'_>> = items(document.observations.as_ref());
    if trace.id.text().is_none() || !rows.iter().all(Row::is_observation) {
        return Reading::NotMine;
    }
    for _ in items::<Row<'_>>(trace.scores.as_ref()) {
        scratch.count_aside("Langfuse score");
    }
    rows.sort_by_key(|row| instant(&row.start_time));
    if !rows.iter().any(Row::is_generation) {
        return Reading::Aside(Aside {
            format: LANGFUSE,
            what: "Langfuse trace that asked no model",
            about: None,
        });
    }
    match request(scratch, &trace, &rows, read_at) {
        Ok(request) => Reading::Events(LANGFUSE, smallvec![Event::Request(Box::new(request))]),
        Err(reject) => Reading::Rejected(reject),
    }
}

fn request(
    scratch: &mut Scratch,
    trace: &Row<'_>,
    rows: &[Row<'_>],
    read_at: Timestamp,
) -> Result<Request, Reject> {
    let mut request = start(&trace.id, ("trace.timestamp", &trace.timestamp), read_at)?;
    describe(scratch, trace, &mut request);
    request.route = scratch.name(&trace.name);
    let generations = rows.iter().filter(|row| row.is_generation());
    if request.route.is_none() {
        let mut names = generations.clone().flat_map(|row| [&row.name, &row.model]);
        request.route = names.find_map(|name| scratch.name(name));
        request.flags.set(Flags::ROUTE_WEAK);
    }
    let mut last = None;
    for row in generations {
        if let Some(attempt) = attempt(scratch, row, &mut request.flags) {
            request.attempts.push(attempt);
            last = Some(row);
        }
    }
    request.outcome = last.map(|row| {
        if row.is_error() {
            Outcome::Failed
        } else {
            Outcome::Completed
        }
    });
    // The caller waited for the whole trace, of which the generations are only a part.
    let starts = rows.iter().filter_map(|row| instant(&row.start_time));
    let ends = rows.iter().filter_map(|row| instant(&row.end_time));
    request.stamped_latency = starts
        .min()
        .zip(ends.max())
        .filter(|(start, end)| end >= start)
        .map(|(start, end)| end.since(start));
    Ok(request)
}

//! What changed on every route, for the report as a page.

use crate::cli::report::findings::Finding;
use crate::model::Window;
use crate::stats::changes::{Changes, Metric, Verdict};
use crate::stats::{Snapshot, Span};
use crate::store::{ChangesQuestion, Reader, StoreError};

/// The routes that are looked into: those with most requests.
const ROUTES_MAX: usize = 10;
/// The findings told in full.
const FINDINGS_MAX: usize = 3;
/// The decisions told of each.
const EXAMPLES_LEN: usize = 5;

/// Returns the worst findings with some of their decisions, and the other ones.
pub(super) fn findings(
    reader: &mut Reader,
    snapshot: &Snapshot,
) -> Result<(Vec<Finding>, Vec<Changes>), StoreError> {
    let window = match snapshot.query.span {
        Span::All => None,
        Span::Last(_) | Span::Between(_) => Some(snapshot.window),
    };
    let mut routes: Vec<(u64, &str)> = snapshot
        .routes
        .iter()
        .map(|row| (row.now.requests, &*row.route))
        .collect();
    routes.sort_unstable_by_key(|(requests, route)| (std::cmp::Reverse(*requests), *route));
    let mut found = Vec::new();
    for (_, route) in routes.into_iter().take(ROUTES_MAX) {
        found.extend(of_route(reader, snapshot, window, route)?);
    }
    found.sort_by(|one, other| other.more().total_cmp(&one.more()));
    let more = found.split_off(found.len().min(FINDINGS_MAX));
    let findings = found.into_iter().map(|changes| {
        let examples = reader.examples(&changes, EXAMPLES_LEN)?;
        Ok(Finding { changes, examples })
    });
    Ok((findings.collect::<Result<_, StoreError>>()?, more))
}

/// Returns what changed on a route. First passes are told only where nothing else was found: whatever is escalated,
/// corrected or failed is no first pass.
fn of_route(
    reader: &mut Reader,
    snapshot: &Snapshot,
    window: Option<Window>,
    route: &str,
) -> Result<Vec<Changes>, StoreError> {
    let mut found: Vec<Changes> = Vec::new();
    for metric in [
        Metric::Escalation,
        Metric::Correction,
        Metric::Failure,
        Metric::Latency,
        Metric::FirstPass,
    ] {
        if metric == Metric::FirstPass && !found.is_empty() {
            continue;
        }
        let question = ChangesQuestion {
            metric,
            route: Some(route.to_owned()),
            window,
            baseline: None,
            now: snapshot.query.now,
        };
        let changes = reader.changes(&question)?;
        found.extend(
            changes.filter(|changes| {
                changes.refused.is_none() && changes.verdict != Verdict::NoChange
            }),
        );
    }
    Ok(found)
}

//! The cells that the text and markdown tables share.

use crate::app::view::policies::drift_in_words;
use crate::app::view::work;
use crate::cli::words::{cost, count, foreign, millis, percent, rate, rate_with_interval};
use crate::stats::{Nowcast, RouteMetrics, RouteRow, Snapshot};

/// The heads of the table.
pub(super) const HEADS: [&str; 10] = [
    "ROUTE",
    "REQ",
    "FIRST PASS",
    "ESC",
    "FALLB",
    "CORR",
    "$/DONE",
    "P50",
    "P95",
    "P99",
];

/// Returns the rows, all routes together last.
pub(super) fn rows(snapshot: &Snapshot, ascii: bool) -> Vec<[String; 10]> {
    let mut rows: Vec<_> = snapshot
        .routes
        .iter()
        .map(|row| cells(row, ascii))
        .collect();
    let mut all = cells(&snapshot.total, ascii);
    let [name, ..] = &mut all;
    "ALL".clone_into(name);
    rows.push(all);
    rows
}

fn cells(row: &RouteRow, ascii: bool) -> [String; 10] {
    let now = &row.now;
    // p95 needs 60 values and p99 300 to mean anything.
    let latency = |value: Option<f64>, needed: u64| {
        value
            .filter(|_| now.latency.count >= needed)
            .map_or_else(|| "-".to_owned(), millis)
    };
    [
        foreign(&row.route, ascii),
        count(now.requests),
        first_pass(now),
        rate(now.escalation),
        rate(now.fallback),
        correction(now),
        now.cost_per_completed_usd
            .map_or_else(|| "-".to_owned(), |usd| cost(usd, now.is_cost_estimated())),
        latency(now.latency.p50, 1),
        latency(now.latency.p95, 60),
        latency(now.latency.p99, 300),
    ]
}

fn first_pass(now: &RouteMetrics) -> String {
    let text = rate_with_interval(now.first_pass);
    if now.first_pass_is_upper_bound && now.first_pass.is_shown() {
        format!("<={text}")
    } else {
        text
    }
}

fn correction(now: &RouteMetrics) -> String {
    if now.correction.denominator == 0 && now.completed > 0 {
        "not logged".to_owned()
    } else {
        rate(now.correction)
    }
}

/// Returns what is clearly worse than usual, a sentence each.
pub(super) fn trouble(snapshot: &Snapshot, ascii: bool) -> Vec<String> {
    let mut found = Vec::new();
    for row in &snapshot.routes {
        let Some(usual) = &row.usual else { continue };
        let route = foreign(&row.route, ascii);
        for (what, now, usual, is_bad_up) in [
            ("first pass", row.now.first_pass, usual.first_pass, false),
            ("escalations", row.now.escalation, usual.escalation, true),
            ("fallbacks", row.now.fallback, usual.fallback, true),
            ("corrections", row.now.correction, usual.correction, true),
        ] {
            let (Some(a), Some(b)) = (now.interval(), usual.interval()) else {
                continue;
            };
            let is_worse = now.share() > usual.share();
            if now.is_shown() && usual.is_shown() && a.is_clear_of(b) && is_worse == is_bad_up {
                found.push(format!(
                    "{route}: {what} {} -> {} (n={}, usual n={})",
                    rate(usual),
                    rate(now),
                    count(now.denominator),
                    count(usual.denominator)
                ));
            }
        }
    }
    found
}

/// Returns how much of a route's decisions its policy does not explain, by kind.
pub(super) fn drift(snapshot: &Snapshot, route: &str) -> Option<String> {
    let survey = snapshot.drift.as_deref()?;
    let row = survey.route(route)?;
    let counts = row.counts;
    if counts.judged == 0 {
        return None;
    }
    let kinds = [
        (counts.model, "with another model"),
        (counts.rule, "by another rule"),
        (counts.escalation, "with an escalation that is not allowed"),
    ];
    let kinds = kinds.iter().filter(|kind| kind.0 > 0);
    let kinds: Vec<String> = kinds
        .map(|(n, word)| format!("{} {word}", count(*n)))
        .collect();
    let words = drift_in_words(survey, row);
    Some(if kinds.is_empty() {
        words
    } else {
        format!("{words}: {}", kinds.join(", "))
    })
}

/// Returns what the table has no room for, one line per route that has something to say.
pub(super) fn details(row: &RouteRow, ascii: bool) -> Vec<String> {
    let now = &row.now;
    let mut lines = Vec::new();
    if !now.escalation_reasons.is_empty() {
        let reasons: Vec<String> = now
            .escalation_reasons
            .iter()
            .take(3)
            .map(|(reason, n)| format!("{} {}", foreign(reason, ascii), count(*n)))
            .collect();
        lines.push(format!("escalated: {}", reasons.join(", ")));
    }
    lines.extend(now.unsettled().and_then(corrections_to_come));
    let states = [
        (now.failed, "failed"),
        (now.cancelled, "cancelled"),
        (now.open, "open"),
        (now.lost, "lost"),
    ];
    let states: Vec<String> = states
        .iter()
        .filter(|state| state.0 > 0)
        .map(|(n, word)| format!("{} {word}", count(*n)))
        .collect();
    if !states.is_empty() {
        lines.push(states.join(", "));
    }
    if let Some(bracket) = now.first_pass_bracket() {
        lines.push(format!(
            "first pass between {} and {}, whatever becomes of open and lost",
            percent(bracket.low),
            percent(bracket.high)
        ));
    }
    lines.extend(now.work.iter().flat_map(work::sentences));
    if now.requests > 0 && now.cost_known < now.requests {
        lines.push(format!(
            "cost known for {} of {}",
            count(now.cost_known),
            count(now.requests)
        ));
    }
    if now.is_cost_estimated() {
        lines.push(format!(
            "cost estimated for {} of {}",
            count(now.cost_estimated),
            count(now.cost_known)
        ));
    }
    lines
}

fn corrections_to_come(nowcast: Nowcast) -> Option<String> {
    let (share, interval) = (nowcast.share()?, nowcast.interval()?);
    Some(format!(
        "corrections still to come: about {} in the end (95% {} to {})",
        percent(share),
        percent(interval.low),
        percent(interval.high)
    ))
}

/// The most reasons of rejects that the text report names.
const REJECTS_MAX: usize = 5;

/// Returns why lines were rejected, most first, a line each.
pub(super) fn rejects(snapshot: &Snapshot, ascii: bool) -> Vec<String> {
    let mut lines: Vec<String> = snapshot
        .rejects
        .iter()
        .take(REJECTS_MAX)
        .map(|row| {
            format!(
                "rejected: {} {} ({}), first at byte {} of {}",
                count(row.count),
                foreign(&row.reason, ascii),
                foreign(&row.detail, ascii),
                row.offset,
                foreign(&row.path, ascii)
            )
        })
        .collect();
    let more = snapshot.rejects.len().saturating_sub(REJECTS_MAX);
    if more > 0 {
        lines.push(format!("rejected: {more} more reasons"));
    }
    lines
}

/// Returns the ingest line.
pub(super) fn ingest(snapshot: &Snapshot) -> String {
    let of = snapshot.ingest;
    let mut parts = vec![
        format!("{} lines", count(of.lines)),
        format!("{} events", count(of.events)),
        format!("{} quarantined", count(of.quarantined)),
        format!("{} noise", count(of.noise)),
        format!("{} duplicates", count(of.duplicates)),
    ];
    for (n, word) in [(of.conflicts, "conflicts"), (of.orphans, "orphans")] {
        if n > 0 {
            parts.push(format!("{} {word}", count(n)));
        }
    }
    parts.join(", ")
}

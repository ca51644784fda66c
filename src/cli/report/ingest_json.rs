//! The `ingest` section of the JSON report: what was read, what was refused, what stays empty.

use serde_json::{Map, Value, json};

use crate::format::{Rules, empty_columns, remedy_of};
use crate::model::Timestamp;
use crate::stats::{Skew, Snapshot, SourceRow};

/// Writes a time; `None` outside the years that a calendar covers.
pub(super) fn time(ts: Timestamp) -> Option<String> {
    ts.to_utc().map(|_| ts.to_rfc3339())
}

/// Returns the section; `rules` fill columns that formats leave empty.
pub(super) fn ingest(snapshot: &Snapshot, rules: &Rules) -> Value {
    let of = snapshot.ingest;
    let sources: Vec<Value> = snapshot
        .sources
        .iter()
        .map(|row| source(row, rules))
        .collect();
    let rejects: Vec<Value> = snapshot
        .rejects
        .iter()
        .map(|row| {
            json!({
                "source": row.source, "reason": row.reason, "count": row.count,
                "first_seen": time(row.first_seen), "detail": row.detail,
                "remedy": remedy_of(&row.reason),
                "example": {"path": row.path, "offset": row.offset, "len": row.len},
            })
        })
        .collect();
    let gaps: Vec<Value> = snapshot
        .gaps
        .iter()
        .map(|row| {
            json!({
                "source": row.source, "path": row.path, "from": row.from, "to": row.to,
                "cause": row.cause.word(), "noticed_at": time(row.noticed_at),
            })
        })
        .collect();
    let conflicts: Vec<Value> = snapshot
        .conflicts
        .iter()
        .map(|row| {
            json!({
                "source": row.source, "fact": row.field, "count": row.count,
                "example": {"request_id": row.request_id, "path": row.path, "offset": row.offset},
            })
        })
        .collect();
    json!({
        "lines": of.lines, "events": of.events, "duplicates": of.duplicates,
        "conflicts": of.conflicts, "quarantined": of.quarantined, "blank": of.blank,
        "noise": of.noise, "orphans": of.orphans, "sources": sources,
        "kept_bytes": of.kept_bytes, "rejects": rejects,
        "gaps": gaps, "conflicting_facts": conflicts,
    })
}

fn source(row: &SourceRow, rules: &Rules) -> Value {
    let counted = |pairs: &[(String, u64)]| -> Map<String, Value> {
        let entries = pairs.iter();
        entries.map(|(name, n)| (name.clone(), json!(n))).collect()
    };
    let formats = counted(&row.formats);
    let names = row.formats.iter().map(|(name, _)| name.as_str());
    let empty: Vec<Value> = empty_columns(rules, names)
        .iter()
        .filter(|column| !(column.what == "correction" && row.corrections_known))
        .map(|column| json!({"what": column.what, "how": column.how}))
        .collect();
    json!({
        "source": row.source, "state": row.state, "formats": formats, "bytes": row.bytes,
        "quarantined": row.quarantined, "corrections_known": row.corrections_known,
        "lines": row.lines, "noise": row.noise, "newest_event": row.newest.and_then(time),
        "read_at": row.read_at.and_then(time), "empty_columns": empty,
        "asides": counted(&row.asides), "unread_bytes": row.unread_bytes,
        "skew_s": row.skew.map(skew_s), "conflicts": row.conflicts, "gaps": row.gaps,
    })
}

/// Returns seconds, negative when the source's clock is behind.
fn skew_s(skew: Skew) -> f64 {
    match skew {
        Skew::Ahead(size) => size.as_millis() / 1_000.0,
        Skew::Behind(size) => -size.as_millis() / 1_000.0,
    }
}

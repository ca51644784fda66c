//! The recorded reasons of a replay record, in one fixed order whatever the order of the line, so
//! that the two log events and the stored record of one decision say the same.

use serde_json::{Map, Value};
use sonic_rs::LazyValue;

use super::wire::Record;
use crate::format::nested::{fields, scalars};
use crate::format::recorded;
use crate::format::scalar::Scalar;

/// What is kept of the session's part in the decision, and under which word.
const SESSION: [(&str, &str); 6] = [
    ("session_action", "action"),
    ("session_phase", "phase"),
    ("session_reason", "reason"),
    ("hard_lock_reason", "hard_lock_reason"),
    ("previous_model", "previous_model"),
    ("proposal_model", "proposal_model"),
];

/// Returns the reasons as `recorded::vllm_sr` tells them.
pub(super) fn of(line: &Record<'_>, families: &[(String, Vec<String>)]) -> Option<Box<str>> {
    let mut out = Map::new();
    put(&mut out, "decision", &line.decision);
    put_above_zero(&mut out, "tier", &line.decision_tier);
    put_above_zero(&mut out, "priority", &line.decision_priority);
    // Where the decision was not scored the confidence is 0 or 1 by default, and says so.
    if line.confidence_score_available != Scalar::Bool(false) {
        put_above_zero(&mut out, "confidence", &line.confidence_score);
    }
    put(&mut out, "original_model", &line.original_model);
    put(&mut out, "selected_model", &line.selected_model);
    put(&mut out, "selection_method", &line.selection_method);
    let diagnostics = fields(line.route_diagnostics.as_ref());
    let diagnostic = |key: &str| {
        let found = diagnostics.iter().find(|(name, _)| name == key);
        found.map_or(&Scalar::Absent, |(_, value)| value)
    };
    put(
        &mut out,
        "selection_reasoning",
        diagnostic("selection_reasoning"),
    );
    put(&mut out, "reasoning", &line.reasoning_mode);
    put(&mut out, "category", &line.category);
    put(&mut out, "recipe", &line.recipe);
    let signals: Map<String, Value> = families
        .iter()
        .map(|(family, names)| (family.clone(), Value::from(names.clone())))
        .collect();
    put_object(&mut out, "signals", signals);
    let confidences = numbers(line.signal_confidences.as_ref());
    put_object(&mut out, "signal_confidences", confidences);
    put_object(
        &mut out,
        "signal_values",
        numbers(line.signal_values.as_ref()),
    );
    let projections = scalars(line.projections.as_ref());
    let projections: Vec<&str> = projections.iter().filter_map(Scalar::text).collect();
    if !projections.is_empty() {
        out.insert("projections".to_owned(), Value::from(projections));
    }
    let scores = numbers(line.projection_scores.as_ref());
    put_object(&mut out, "projection_scores", scores);
    put_above_zero(&mut out, "context_tokens", &line.context_token_count);
    let mut session = Map::new();
    for (key, word) in SESSION {
        put(&mut session, word, diagnostic(key));
    }
    put_object(&mut out, "session", session);
    recorded::keep_value(Value::Object(out))
}

fn put(into: &mut Map<String, Value>, key: &str, value: &Scalar<'_>) {
    if let Some(text) = value.text() {
        into.insert(key.to_owned(), Value::from(text));
    }
}

/// The router writes 0 where it has no such number.
fn put_above_zero(into: &mut Map<String, Value>, key: &str, value: &Scalar<'_>) {
    if let Some(number) = value.number().filter(|number| *number > 0.0) {
        into.insert(key.to_owned(), Value::from(number));
    }
}

fn put_object(into: &mut Map<String, Value>, key: &str, object: Map<String, Value>) {
    if !object.is_empty() {
        into.insert(key.to_owned(), Value::Object(object));
    }
}

fn numbers(object: Option<&LazyValue<'_>>) -> Map<String, Value> {
    let mut found = fields(object);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
        .into_iter()
        .filter_map(|(key, value)| Some((key.into_owned(), Value::from(value.number()?))))
        .collect()
}

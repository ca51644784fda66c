//! What changed as one JSON document, version 1: stable, only ever added to.

use serde_json::{Map, Value, json};

use crate::cli::report::json::to_safe_json;
use crate::model::Window;
use crate::stats::changes::{Cause, Changes, Onset, Shift, Values};

/// Renders the document on one line.
pub fn render(of: &Changes) -> String {
    let scope = if of.route.is_some() {
        "this route"
    } else {
        "all routes"
    };
    to_safe_json(&json!({
        "version": 1,
        "metric": of.metric.word(),
        "route": of.route,
        "window": window(of.window),
        "baseline": window(of.baseline),
        "n": {"baseline": of.before.requests, "window": of.after.requests},
        "rate": {"baseline": of.before.share(), "window": of.after.share()},
        "verdict": of.verdict.word(),
        "since": of.since.map(since),
        "mix": of.mix.as_ref().map(|shift| json!({"attribute": shift.attribute, "value": &*shift.value})),
        "mix_share": of.mix_share,
        "causes": of.causes.iter().map(cause).collect::<Vec<Value>>(),
        "moved": of.shifts.iter().map(|shift| moved(shift, scope)).collect::<Vec<Value>>(),
        "still_filling": of.is_filling,
        "refused_because": of.refused,
    }))
}

fn window(of: Window) -> Value {
    json!({"from": of.from.to_rfc3339(), "to": of.to.to_rfc3339()})
}

fn since(of: Onset) -> Value {
    json!({
        "at": of.at.start().to_rfc3339(),
        "from": of.from.start().to_rfc3339(),
        "to": of.to.start().to_rfc3339(),
    })
}

fn slice(values: &Values) -> Value {
    let values = values
        .iter()
        .map(|(attribute, value)| (attribute.clone(), Value::from(&**value)));
    Value::Object(values.collect::<Map<_, _>>())
}

fn cause(of: &Cause) -> Value {
    json!({
        "slice": slice(&of.slice),
        "n": of.after.requests,
        "before": of.before.share(),
        "after": of.after.share(),
        "excess": of.excess,
        "share_of_rise": of.share_of_rise,
        "lift": of.before.share().filter(|share| *share > 0.0).zip(of.after.share()).map(|(was, is)| is / was),
        "since": of.since.map(since),
        "same_rows": of.same.iter().map(slice).collect::<Vec<Value>>(),
    })
}

fn moved(of: &Shift, scope: &str) -> Value {
    json!({
        "what": format!("share of {}={}", of.attribute, of.value),
        "before": of.before,
        "after": of.after,
        "at": Value::Null,
        "scope": scope,
    })
}

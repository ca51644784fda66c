//! What changed as one JSON document, version 1: stable, only ever added to.

use serde_json::{Map, Value, json};

use crate::cli::report::json::to_safe_json;
use crate::model::{Timestamp, Window};
use crate::stats::changes::{Cause, Changes, Onset, Reach, Values};

/// Renders the document on one line.
pub fn render(of: &Changes) -> String {
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
        "moved": moved(of),
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

/// Tells what moved: shares of the requests, thresholds of the policy that came, and how many requests there are.
fn moved(of: &Changes) -> Vec<Value> {
    let entry = |what: String, (before, after): (f64, f64), at: Option<Timestamp>, reach: Reach| {
        json!({
            "what": what,
            "before": before,
            "after": after,
            "at": at.map(Timestamp::to_rfc3339),
            "scope": reach.word(),
        })
    };
    let shifts = of.shifts.iter().map(|shift| {
        let what = format!("share of {}={}", shift.attribute, shift.value);
        entry(what, (shift.before, shift.after), shift.at, shift.reach)
    });
    let policy = of.shifts.iter().find(|shift| shift.attribute == "policy");
    let (at, reach) = policy.map_or((None, Reach::default()), |shift| (shift.at, shift.reach));
    let thresholds = of.thresholds.iter().map(|moved| {
        let what = format!("threshold of rule {}: {}", moved.rule, moved.clause);
        entry(what, (moved.before, moved.after), at, reach)
    });
    let whole = match of.route {
        Some(_) => Reach::ThisRoute,
        None => Reach::AllRoutes,
    };
    let volume = of
        .per_minute()
        .map(|rates| entry("requests per minute".to_owned(), rates, None, whole));
    shifts.chain(thresholds).chain(volume).collect()
}

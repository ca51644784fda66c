//! A replay as one JSON document, version 1: stable, only ever added to.

use serde_json::{Value, json};

use crate::cli::report::json::to_safe_json;
use crate::model::{Timestamp, Window};
use crate::policy::replay::{Estimate, Estimated, Move, Replayed};

/// Renders the document on one line.
pub fn render(replayed: &Replayed, window: Window) -> String {
    let time = |ts: Timestamp| {
        let is_open = ts == Window::ALL.from || ts == Window::ALL.to;
        (!is_open).then(|| ts.to_rfc3339())
    };
    let recorded = replayed.recorded;
    let undecidable: Vec<Value> = replayed
        .undecidable
        .iter()
        .map(|count| json!({"tiers": count.tiers, "requests": count.requests}))
        .collect();
    let classes: Vec<Value> = replayed
        .classes
        .iter()
        .map(|class| {
            json!({"task_class": class.class, "requests": class.requests, "changed": class.changed})
        })
        .collect();
    let split: Vec<Value> = replayed
        .split
        .iter()
        .map(|tier| json!({"tier": tier.tier, "went": tier.went, "would_go": tier.would_go}))
        .collect();
    let priced = replayed.priced.as_ref().ok();
    let estimated = replayed.estimated.as_ref().ok();
    let refusal = replayed.estimated.as_ref().err();
    to_safe_json(&json!({
        "version": 1,
        "policy": replayed.policy,
        "window": {"from": time(window.from), "to": time(window.to)},
        "requests": replayed.requests,
        "undecidable": replayed.undecidable_len(),
        "undecidable_tiers": undecidable,
        "recorded": {
            "agrees": recorded.agrees, "explore": recorded.explore,
            "drift_rule": recorded.drift_rule, "drift_model": recorded.drift_model,
            "unknown_policy": recorded.unknown_policy, "undecidable": recorded.undecidable,
        },
        "changed": {
            "requests": replayed.changed,
            "tiers": moves(&replayed.tiers),
            "rules": moves(&replayed.rules),
            "classes": classes,
            "split": split,
        },
        "priced": priced.map(|priced| json!({
            "cost_delta_usd": {"low": priced.low_usd, "high": priced.high_usd},
            "requests": priced.requests,
        })),
        "unpriced_because": replayed.priced.as_ref().err(),
        "estimated": estimated.map(estimates),
        "refused_because": refusal.map(ToString::to_string),
        "never_knowable": replayed.never_knowable(),
    }))
}

fn moves(moves: &[Move]) -> Vec<Value> {
    let moves = moves.iter();
    moves
        .map(|one| json!({"from": one.from, "to": one.to, "requests": one.requests}))
        .collect()
}

fn estimates(of: &Estimated) -> Value {
    let each = |estimate: Option<Estimate>| {
        estimate.map(|of| json!({"value": of.value, "low": of.low, "high": of.high}))
    };
    json!({
        "method": of.method.words(),
        "supporting": of.supporting,
        "one_session_in": of.one_session_in,
        "first_pass_delta": each(of.first_pass),
        "escalation_delta": each(of.escalation),
        "correction_delta": each(of.correction),
        "cost_delta_usd": each(of.cost_usd),
        "latency_p50_delta_ms": each(of.latency_p50_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::replay::fixture::{estimated, refused};

    #[test]
    fn the_document_has_every_field_of_the_contract() {
        let doc: Value = serde_json::from_str(&render(&estimated(), Window::ALL)).unwrap();
        assert_eq!(doc["window"], json!({"from": null, "to": null}));
        assert_eq!(doc["changed"]["tiers"][0]["to"], "standard");
        assert_eq!(
            doc["changed"]["split"][0],
            json!({"tier": "fast", "went": 6_410, "would_go": 6_000})
        );
        assert_eq!(doc["estimated"]["method"], "doubly robust");
        assert_eq!(doc["estimated"]["first_pass_delta"]["low"], 0.01);
        assert_eq!(doc["estimated"]["correction_delta"], Value::Null);
        assert_eq!(doc["refused_because"], Value::Null);
        let window = Window {
            from: Timestamp(0),
            to: Timestamp(1_000_000),
        };
        let doc: Value = serde_json::from_str(&render(&refused(), window)).unwrap();
        assert_eq!(doc["window"]["to"], "1970-01-01T00:00:01.000000Z");
        assert_eq!(
            (&doc["priced"], &doc["estimated"]),
            (&Value::Null, &Value::Null)
        );
        assert!(
            doc["refused_because"]
                .as_str()
                .unwrap()
                .contains("ever ran on standard")
        );
        assert!(doc["unpriced_because"].is_string());
    }
}

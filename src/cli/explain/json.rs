//! The explanation as one JSON document, version 1: stable, only ever added to.

use serde_json::{Value, json};

use crate::cli::report::json::to_safe_json;
use crate::model::{Micros, NanoUsd};
use crate::stats::Explanation;

/// Renders the document on one line. No policy text is kept, so nothing is evaluated: the verdict
/// is `NO POLICY`, and what was logged stands under `recorded`.
pub fn render(of: &Explanation) -> String {
    let attempts: Vec<Value> = of
        .attempts
        .iter()
        .map(|hop| {
            json!({
                "n": hop.n, "model": &*hop.model, "tier": hop.tier.as_deref(),
                "outcome": hop.outcome, "reason": hop.reason.as_deref(),
                "latency_ms": hop.latency.map(Micros::as_millis),
                "cost_usd": hop.cost.map(NanoUsd::as_usd), "allowed": null,
            })
        })
        .collect();
    let reasons = of
        .recorded
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let reasons = reasons
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}));
    to_safe_json(&json!({
        "version": 1,
        "request_id": of.id,
        "route": of.route.as_deref(),
        "verdict": "NO POLICY",
        "drift": null,
        "policy": of.policy.as_deref(),
        "reconstructed": false,
        "decided_by": null,
        "tier": null,
        "because": null,
        "rules": [],
        "flips": [],
        "recorded": {
            "rule": of.rule.as_deref(), "tier": of.tier.as_deref(),
            "model": of.model.as_deref(), "reasons": reasons,
        },
        "attempts": attempts,
        "normal": {
            "latency_percentile": of.normal.latency_percentile,
            "cost_percentile": of.normal.cost_percentile,
            "compared_with": of.normal.compared_with,
        },
        "consequence": {
            "correction": of.correction.map(|(kind, ..)| kind.word()),
            "after_s": of.correction.and_then(|(.., after)| after).map(Micros::as_seconds),
        },
        "cost_estimated": of.is_cost_estimated,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::explain::fixture::explanation;
    use crate::cli::report::fixture::{assert_safe, hostile};
    use proptest::prelude::*;

    #[test]
    fn every_documented_key_is_there() {
        let doc: Value = serde_json::from_str(&render(&explanation("small-1"))).unwrap();
        let keys = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        let top = "version request_id route verdict drift policy reconstructed decided_by tier because \
            rules flips recorded attempts normal consequence cost_estimated";
        assert_eq!(keys(&doc), top.split_whitespace().collect::<Vec<_>>());
        assert_eq!(keys(&doc["recorded"]), ["rule", "tier", "model", "reasons"]);
        let attempt = [
            "n",
            "model",
            "tier",
            "outcome",
            "reason",
            "latency_ms",
            "cost_usd",
            "allowed",
        ];
        assert_eq!(keys(&doc["attempts"][0]), attempt);
        assert_eq!(
            keys(&doc["normal"]),
            ["latency_percentile", "cost_percentile", "compared_with"]
        );
        assert_eq!(
            doc["consequence"],
            json!({"correction": "regenerate", "after_s": 192.0})
        );
        assert_eq!(doc["recorded"]["reasons"]["score"], 0.42);
        assert_eq!(doc["attempts"][0]["latency_ms"], 1920.0);
    }

    proptest! {
        #[test]
        fn hostile_texts_do_no_harm(name in hostile()) {
            assert_safe(&render(&explanation(&name)));
        }
    }
}

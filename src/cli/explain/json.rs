//! The explanation as one JSON document, version 1: stable, only ever added to.

use serde_json::{Value, json};

use crate::cli::policy::json::value;
use crate::cli::report::json::to_safe_json;
use crate::model::{Micros, NanoUsd};
use crate::stats::{ClauseTrace, Drift, Explanation, Flip, Needed, RuleTrace};

/// Renders the document on one line: what the policy says, and under `recorded` what was logged.
pub fn render(of: &Explanation) -> String {
    let attempts: Vec<Value> = of
        .attempts
        .iter()
        .enumerate()
        .map(|(idx, hop)| {
            let step = of.judgement.steps.get(idx);
            json!({
                "n": hop.n, "model": &*hop.model, "tier": hop.tier.as_deref(),
                "outcome": hop.outcome, "reason": hop.reason.as_deref(),
                "latency_ms": hop.latency.map(Micros::as_millis),
                "cost_usd": hop.cost.map(NanoUsd::as_usd), "allowed": step.and_then(|step| step.is_allowed),
            })
        })
        .collect();
    let judgement = &of.judgement;
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
        "verdict": judgement.verdict.word(),
        "drift": judgement.drift.map(Drift::word),
        "policy": judgement.policy.as_deref().or(of.policy.as_deref()),
        "reconstructed": judgement.is_reconstructed,
        "decided_by": judgement.decided_by,
        "tier": judgement.tier,
        "because": judgement.because,
        "rules": judgement.rules.iter().map(rule).collect::<Vec<Value>>(),
        "flips": judgement.flips.iter().map(flip).collect::<Vec<Value>>(),
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
        "possible": {"rules": judgement.possible_rules, "tiers": judgement.possible_tiers},
        "missing": judgement.missing,
        "notes": judgement.notes,
    }))
}

fn rule(of: &RuleTrace) -> Value {
    json!({
        "name": of.name, "tier": of.tier, "result": of.result.rule_word(), "decided": of.is_deciding,
        "clauses": of.clauses.iter().map(clause).collect::<Vec<Value>>(),
    })
}

fn clause(of: &ClauseTrace) -> Value {
    let threshold = match &of.needed {
        Needed::Nothing => Value::Null,
        Needed::Number(number) => json!(number),
        Needed::OneOf(values) => values.iter().map(value).collect(),
    };
    json!({
        "text": of.text, "signal": of.signal, "actual": value(&of.actual), "operator": of.operator,
        "threshold": threshold, "result": of.result.word(), "margin": of.margin,
    })
}

fn flip(of: &Flip) -> Value {
    let changes = of.changes.iter().map(|change| {
        json!({"signal": change.signal, "from": value(&change.from), "to": value(&change.to)})
    });
    let near = of.near.map(|near| {
        json!({
            "rate": near.share(), "numerator": near.numerator, "denominator": near.denominator,
        })
    });
    json!({"tier": of.tier, "changes": changes.collect::<Vec<Value>>(), "near": near})
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
            rules flips recorded attempts normal consequence cost_estimated possible missing notes";
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
        assert_eq!(doc["attempts"][0]["allowed"], false);
        assert_eq!(doc["verdict"], "DRIFT");
        assert_eq!(doc["drift"], "model");
        assert_eq!(doc["decided_by"], "thin-evidence");
        assert_eq!(doc["rules"].as_array().unwrap().len(), 9);
        let clause = &doc["rules"][4]["clauses"][1];
        assert_eq!(clause["operator"], "<");
        assert_eq!(clause["actual"], 0.58);
        assert_eq!(clause["threshold"], 0.62);
        assert_eq!(doc["rules"][3]["result"], "unknown");
        assert_eq!(doc["rules"][3]["clauses"][0]["margin"], Value::Null);
        assert_eq!(doc["flips"][0]["tier"], "fast");
        assert_eq!(doc["flips"][0]["changes"][0]["to"], 0.62);
    }

    proptest! {
        #[test]
        fn hostile_texts_do_no_harm(name in hostile()) {
            assert_safe(&render(&explanation(&name)));
        }
    }
}

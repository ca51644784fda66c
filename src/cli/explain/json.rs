//! The explanation as one JSON document, version 1: stable, only ever added to.

use serde_json::{Value, json};

use crate::app::view::decision::asked;
use crate::cli::policy::json::value;
use crate::cli::report::json::to_safe_json;
use crate::model::{Micros, NanoUsd, Timestamp};
use crate::stats::{
    ClauseTrace, DirectStart, Drift, Explanation, Flip, Needed, Rate, RouteDrift, RuleTrace,
};

/// Renders the document on one line: what the policy says, and under `recorded` what was logged. `drift` is that of the
/// route, where the decision drifted.
pub fn render(of: &Explanation, drift: Option<RouteDrift>) -> String {
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
        "attempts": attempts(of),
        "normal": {
            "latency_percentile": of.normal.latency_percentile,
            "cost_percentile": of.normal.cost_percentile,
            "compared_with": of.normal.compared_with,
            "alike": of.normal.alike.words(), "reach_s": of.normal.reach.as_seconds(),
            "as_many_attempts_percent": of.normal.attempts_share,
            "latency_p95_ms": of.normal.latency_p95.map(Micros::as_millis),
        },
        "direct_start": of.direct.as_ref().map(direct),
        "session": of.session.map(|session| json!({
            "place": session.place, "of": session.of, "other_corrections": session.other_corrections,
        })),
        "route_drift": drift.map(|drift| json!({
            "drift": rate(drift.rate), "since": drift.since.map(Timestamp::to_rfc3339),
        })),
        "signals": signals(of),
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

fn attempts(of: &Explanation) -> Vec<Value> {
    let totals = of.running_totals();
    let attempts = of.attempts.iter().zip(totals).enumerate();
    attempts
        .map(|(idx, (hop, (time, cost)))| {
            let step = of.judgement.steps.get(idx);
            json!({
                "n": hop.n, "model": &*hop.model, "tier": hop.tier.as_deref(),
                "outcome": hop.outcome, "reason": hop.reason.as_deref(),
                "latency_ms": hop.latency.map(Micros::as_millis),
                "cost_usd": hop.cost.map(NanoUsd::as_usd),
                "allowed": step.and_then(|step| step.is_allowed),
                "allowed_because": step.and_then(|step| step.because.as_deref()),
                "latency_so_far_ms": time.map(Micros::as_millis),
                "cost_so_far_usd": cost.map(NanoUsd::as_usd),
            })
        })
        .collect()
}

/// By name; null for what the log lacks.
fn signals(of: &Explanation) -> Value {
    let signals = asked(of).into_iter().skip(1);
    let logged = |name: &str| of.signals.iter().find(|row| *row.name == *name);
    let value = |name: &str| logged(name).and_then(|row| row.value.clone());
    signals
        .map(|(name, _)| (name.to_owned(), json!(value(name))))
        .collect::<serde_json::Map<String, Value>>()
        .into()
}

fn direct(of: &DirectStart) -> Value {
    json!({
        "model": &*of.model, "latency_p50_ms": of.latency.map(Micros::as_millis),
        "cost_p50_usd": of.cost.map(NanoUsd::as_usd), "compared_with": of.compared_with,
        "alike": of.alike.words(),
    })
}

fn rate(of: Rate) -> Value {
    let interval = of.interval();
    json!({
        "rate": of.share(), "numerator": of.numerator, "denominator": of.denominator,
        "low": interval.map(|interval| interval.low), "high": interval.map(|interval| interval.high),
    })
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
        let drift = Some(RouteDrift {
            rate: Rate::new(72, 1_000),
            since: None,
        });
        let doc: Value = serde_json::from_str(&render(&explanation("small-1"), drift)).unwrap();
        let keys = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        let top = "version request_id route verdict drift policy reconstructed decided_by tier because \
            rules flips recorded attempts normal direct_start session route_drift signals consequence cost_estimated possible missing notes";
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
            "allowed_because",
            "latency_so_far_ms",
            "cost_so_far_usd",
        ];
        assert_eq!(keys(&doc["attempts"][0]), attempt);
        assert_eq!(
            keys(&doc["normal"]),
            [
                "latency_percentile",
                "cost_percentile",
                "compared_with",
                "alike",
                "reach_s",
                "as_many_attempts_percent",
                "latency_p95_ms"
            ]
        );
        assert_eq!(doc["session"]["place"], 9);
        assert_eq!(doc["direct_start"]["latency_p50_ms"], 2_000.0);
        assert_eq!(doc["route_drift"]["drift"]["rate"], 0.072);
        assert_eq!(doc["signals"]["retrieval_confidence"], "0.58");
        assert_eq!(doc["signals"]["toxicity"], Value::Null);
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
            assert_safe(&render(&explanation(&name), None));
        }
    }
}

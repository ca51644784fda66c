//! Which format's reasons are told how.

use serde_json::Value;

use super::super::reading::{
    LITELLM_PROXY, LITELLM_SDK, LITELLM_SPEND, OTLP_LITELLM_V1, OTLP_LITELLM_V2, VLLM_SR_LOG,
    VLLM_SR_REPLAY,
};
use super::keep::LEFT_OUT;
use super::words::plain;
use super::{litellm, vllm_sr};

/// Explains the recorded reasons of a decision in sentences; what is not understood is told as it
/// stands.
pub fn recorded_in_words(format: u8, recorded: &str) -> Vec<String> {
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(recorded) else {
        return Vec::new();
    };
    let left_out = fields.remove(LEFT_OUT).and_then(|count| count.as_u64());
    let mut told = match format {
        LITELLM_SDK | LITELLM_PROXY | LITELLM_SPEND | OTLP_LITELLM_V1 | OTLP_LITELLM_V2 => {
            litellm::told(&fields)
        }
        VLLM_SR_LOG | VLLM_SR_REPLAY => vllm_sr::told(&fields),
        _ => fields
            .iter()
            .map(|(key, value)| format!("{key}: {}.", plain(value)))
            .collect(),
    };
    if let Some(count) = left_out {
        told.push(format!("{count} further facts were not kept."));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_placed_between_its_boundaries() {
        let recorded = r#"{"cause":"heuristic_scorer","tier":"MEDIUM","score":0.42,"signals":["code (schema)"],"tier_boundaries":{"simple_medium":0.3,"medium_complex":0.55},"escalated":true,"escalation_keyword":"is wrong"}"#;
        assert_eq!(
            recorded_in_words(LITELLM_SDK, recorded),
            [
                "Complexity score 0.42 lies between simple/medium 0.30 and medium/complex 0.55, so tier MEDIUM.",
                "Cause: heuristic_scorer (the words of the ask were scored).",
                "Signals: code (schema).",
                "Escalated: the user's words matched the escalation keyword \"is wrong\".",
            ]
        );
        for format in [LITELLM_PROXY, LITELLM_SPEND] {
            assert_eq!(
                recorded_in_words(format, r#"{"cause":"brand_new","left_out":3}"#),
                ["Cause: brand_new.", "3 further facts were not kept."]
            );
        }
        assert_eq!(recorded_in_words(LITELLM_SDK, "broken"), [""; 0]);
        assert_eq!(recorded_in_words(1, r#"{"a":1}"#), ["a: 1."]);
    }

    #[test]
    fn telemetry_tells_a_decision_without_its_boundaries() {
        let recorded = r#"{"cause":"llm_classifier","classifier_confidence":0.8125,"classifier_model":"judge-1","context_escalated":true,"context_escalation_original_tier":"SIMPLE","escalated":true,"routed_model":"standard","score":0.15,"tier":"MEDIUM"}"#;
        for format in [OTLP_LITELLM_V1, OTLP_LITELLM_V2] {
            assert_eq!(
                recorded_in_words(format, recorded),
                [
                    "Complexity score 0.15, so tier MEDIUM.",
                    "Cause: llm_classifier (a model classified the ask).",
                    "The classifier judge-1 had confidence 0.81.",
                    "The context was too long for tier SIMPLE.",
                    "Escalated: the user's words asked for a stronger tier.",
                    "Routed to standard.",
                ]
            );
        }
        let recorded = r#"{"classifier_failure_reason":"timeout","context_escalated":true}"#;
        assert_eq!(
            recorded_in_words(OTLP_LITELLM_V2, recorded),
            [
                "The classifier failed: timeout.",
                "The context was too long for the tier decided for."
            ]
        );
    }

    #[test]
    fn a_semantic_routers_decision_is_told_whole() {
        let recorded = r#"{"decision":"math_route","tier":2,"priority":100,"confidence":0.8700000047,"original_model":"auto","selected_model":"qwen3-32b","selection_method":"router_dc","selection_reasoning":"closest cluster","reasoning":"on","category":"math","recipe":"default","signals":{"complexity":["maths:hard"],"domain":["math","physics"]},"signal_confidences":{"domain:math":0.91,"other":0.5},"signal_values":{"context:long":5321.0},"projections":["balance"],"projection_scores":{"balance":0.42},"context_tokens":812,"session":{"action":"allow_switch","reason":"switch_allowed","previous_model":"qwen3-4b"},"brand_new":true}"#;
        assert_eq!(
            recorded_in_words(VLLM_SR_REPLAY, recorded),
            [
                "Decision \"math_route\" (tier 2, priority 100) matched with confidence 0.87.",
                "Routed from auto to qwen3-32b by router_dc: closest cluster.",
                "Reasoning: on. Category: math. Recipe: default.",
                "Signals, complexity: maths:hard.",
                "Signals, domain: math (0.91), physics.",
                "Further confidences: other 0.50.",
                "Measured: context:long 5321.",
                "Projections: balance (0.42).",
                "Context: 812 tokens.",
                "Session: action allow_switch, reason switch_allowed, previous_model qwen3-4b.",
                "brand_new: true.",
            ]
        );
        assert_eq!(
            recorded_in_words(VLLM_SR_LOG, r#"{"decision":"d"}"#),
            ["Decision \"d\" matched."]
        );
    }
}

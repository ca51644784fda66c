//! The decision of LiteLLM's auto-router in sentences.

use serde_json::{Map, Value};

use super::words::plain;

/// What each cause means (`RoutingDecisionCause` in litellm/types/utils.py, 1.106.2).
const CAUSES: [(&str, &str); 33] = [
    (
        "prompt_cache_cost",
        "staying with a model whose cache is warm was cheaper",
    ),
    ("heuristic_scorer", "the words of the ask were scored"),
    (
        "heuristic_v2",
        "a forecast from the words of the ask decided",
    ),
    (
        "reasoning_override",
        "words that call for reasoning overrode the score",
    ),
    ("llm_classifier", "a model classified the ask"),
    (
        "capability_classifier",
        "a model judged which tier can do it",
    ),
    ("jev_classifier", "a classifier judged the ask"),
    ("llm_v2_classifier", "a model classified the ask"),
    ("llm_v2_fallback", "the classifying model failed"),
    (
        "heuristic_first_short_circuit",
        "the score was clear enough to ask no classifier",
    ),
    (
        "hybrid_short_circuit",
        "the score was clear enough to ask no classifier",
    ),
    ("classifier_plugin", "the operator's own classifier decided"),
    ("classifier_fallback", "the classifier failed"),
    ("capability_classifier_fallback", "the judging model failed"),
    (
        "default_model_fallback",
        "the classifier failed, so the default model was taken",
    ),
    ("literal_keyword_match", "a keyword of the ask decided"),
    (
        "semantic_keyword_match",
        "the ask resembled a keyword's examples",
    ),
    ("plan_mode", "the client was in plan mode"),
    (
        "housekeeping",
        "a client's housekeeping needs no strong model",
    ),
    (
        "modality_escalation",
        "the model decided for takes no images",
    ),
    (
        "modality_pin_override",
        "the session's model takes no images",
    ),
    ("health_failover", "the group decided for was in cooldown"),
    (
        "health_default_fallback",
        "the tier decided for was not healthy",
    ),
    (
        "session_affinity_pin",
        "the session stays with the tier it had",
    ),
    (
        "session_affinity_escalation",
        "the session was moved to a stronger tier",
    ),
    (
        "user_turn_continuation",
        "the turn goes on with the decision before it",
    ),
    ("default_fallback", "the tier had no model of its own"),
    ("keyword", "a keyword of the ask decided"),
    ("quality_tier", "the quality asked for decided"),
    ("bandit", "the model that has done best so far was taken"),
    ("semantic_match", "the ask resembled a route's examples"),
    ("semantic_no_match", "the ask resembled no route's examples"),
    (
        "semantic_error",
        "the comparison with the routes' examples failed",
    ),
];

/// Tells the decision: score, cause, signals, keyword, classifier, forecast, escalation, the model.
pub(super) fn told(fields: &Map<String, Value>) -> Vec<String> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let mut out = Vec::new();
    out.extend(score_sentence(fields));
    if let Some(cause) = text("cause") {
        let meaning = CAUSES.iter().find(|row| row.0 == cause).map(|row| row.1);
        out.push(meaning.map_or_else(
            || format!("Cause: {cause}."),
            |meaning| format!("Cause: {cause} ({meaning})."),
        ));
    }
    if let Some(Value::Array(signals)) = fields.get("signals") {
        let words: Vec<String> = signals.iter().map(plain).collect();
        if !words.is_empty() {
            out.push(format!("Signals: {}.", words.join(", ")));
        }
    }
    if let Some(keyword) = text("matched_keyword") {
        out.push(format!("The ask matched the keyword \"{keyword}\"."));
    }
    out.extend(classifier_sentence(fields));
    out.extend(forecast_sentence(fields));
    if fields.get("context_escalated") == Some(&Value::Bool(true)) {
        let tier = text("context_escalation_original_tier");
        let tier = tier.map_or_else(
            || "the tier decided for".to_owned(),
            |it| format!("tier {it}"),
        );
        out.push(format!("The context was too long for {tier}."));
    }
    if fields.get("escalated") == Some(&Value::Bool(true)) {
        out.push(text("escalation_keyword").map_or_else(
            || "Escalated: the user's words asked for a stronger tier.".to_owned(),
            |word| {
                format!("Escalated: the user's words matched the escalation keyword \"{word}\".")
            },
        ));
    }
    if let Some(model) = text("routed_model") {
        out.push(format!("Routed to {model}."));
    }
    out
}

fn score_sentence(fields: &Map<String, Value>) -> Option<String> {
    let tier = fields.get("tier").and_then(Value::as_str);
    let Some(score) = fields.get("score").and_then(Value::as_f64) else {
        return tier.map(|tier| format!("Tier {tier}."));
    };
    let mut bounds: Vec<(String, f64)> = fields
        .get("tier_boundaries")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, at)| Some((name.replace('_', "/"), at.as_f64()?)))
        .collect();
    bounds.sort_by(|a, b| a.1.total_cmp(&b.1));
    let below = bounds.iter().rev().find(|(_, at)| *at <= score);
    let above = bounds.iter().find(|(_, at)| *at > score);
    let place = match (below, above) {
        (Some((low, from)), Some((high, to))) => {
            format!(" lies between {low} {from:.2} and {high} {to:.2}")
        }
        (Some((low, from)), None) => format!(" is not below {low} {from:.2}"),
        (None, Some((high, to))) => format!(" lies below {high} {to:.2}"),
        (None, None) => String::new(),
    };
    let end = tier.map_or_else(String::new, |tier| format!(", so tier {tier}"));
    Some(format!("Complexity score {score:.2}{place}{end}."))
}

fn forecast_sentence(fields: &Map<String, Value>) -> Option<String> {
    let forecast = fields.get("heuristic_v2_forecast")?.as_object()?;
    let tier = forecast.get("predicted_tier")?.as_str()?;
    let threshold = forecast.get("threshold").and_then(Value::as_f64);
    let end = threshold.map_or_else(String::new, |at| format!(" at threshold {at:.2}"));
    Some(format!("The forecast is tier {tier}{end}."))
}

fn classifier_sentence(fields: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let name = text("classifier_model").map_or_else(
        || "The classifier".to_owned(),
        |model| format!("The classifier {model}"),
    );
    if let Some(reason) = text("classifier_failure_reason") {
        return Some(format!("{name} failed: {reason}."));
    }
    let confidence = fields
        .get("classifier_confidence")
        .and_then(Value::as_f64)?;
    Some(format!("{name} had confidence {confidence:.2}."))
}

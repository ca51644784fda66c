//! The recorded reasons of a decision: kept whole but capped and redacted, and told in sentences.

use serde_json::{Map, Value};

use super::reading::{LITELLM_PROXY, LITELLM_SDK};
use super::redact::{cut, redact};

/// The longest text kept, in bytes.
const TEXT_LEN_MAX: usize = 256;
/// The most keys and items kept in one object of reasons, nested ones included.
const KEYS_MAX: usize = 64;

/// Returns the compact form of an object of reasons, capped and redacted.
pub(crate) fn keep(raw: &str) -> Option<Box<str>> {
    let value: Value = serde_json::from_str(raw).ok()?;
    let mut left = KEYS_MAX;
    value
        .is_object()
        .then(|| capped(value, &mut left).to_string().into())
}

fn capped(value: Value, left: &mut usize) -> Value {
    match value {
        Value::String(text) => Value::String(cut(&redact(&text), TEXT_LEN_MAX).to_owned()),
        Value::Array(items) => {
            let mut out = Vec::new();
            for item in items {
                if *left == 0 {
                    break;
                }
                *left -= 1;
                out.push(capped(item, left));
            }
            Value::Array(out)
        }
        Value::Object(fields) => {
            let mut out = Map::new();
            for (key, item) in fields {
                if *left == 0 {
                    break;
                }
                *left -= 1;
                let key = cut(&redact(&key), TEXT_LEN_MAX).to_owned();
                let is_secret = redact(&format!("{key}=x")) != format!("{key}=x");
                let item = match item {
                    Value::String(_) if is_secret => Value::from("[redacted]"),
                    item => capped(item, left),
                };
                out.insert(key, item);
            }
            Value::Object(out)
        }
        other => other,
    }
}

/// What each cause means.
const CAUSES: [(&str, &str); 6] = [
    ("heuristic_scorer", "the words of the ask were scored"),
    (
        "heuristic_v2",
        "a forecast from the words of the ask decided",
    ),
    (
        "session_affinity_pin",
        "the session stays with the tier it had",
    ),
    (
        "session_affinity_escalation",
        "the session was moved to a stronger tier",
    ),
    ("literal_keyword_match", "a keyword of the ask decided"),
    (
        "health_default_fallback",
        "the tier decided for was not healthy",
    ),
];

/// Explains the recorded reasons of a decision in sentences; what is not understood is told as it
/// stands.
pub fn recorded_in_words(format: u8, recorded: &str) -> Vec<String> {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(recorded) else {
        return Vec::new();
    };
    if !matches!(format, LITELLM_SDK | LITELLM_PROXY) {
        return fields
            .iter()
            .map(|(key, value)| format!("{key}: {}.", plain(value)))
            .collect();
    }
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let mut out = Vec::new();
    out.extend(score_sentence(&fields));
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
    out.extend(forecast_sentence(&fields));
    if fields.get("escalated") == Some(&Value::Bool(true)) {
        out.push(text("escalation_keyword").map_or_else(
            || "Escalated.".to_owned(),
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

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_placed_between_its_boundaries() {
        let recorded = r#"{"cause":"heuristic_scorer","tier":"MEDIUM","score":0.42,"signals":["code (schema)"],"tier_boundaries":{"simple_medium":0.3,"medium_complex":0.55},"escalated":true,"escalation_keyword":"is wrong"}"#;
        assert_eq!(
            recorded_in_words(2, recorded),
            [
                "Complexity score 0.42 lies between simple/medium 0.30 and medium/complex 0.55, so tier MEDIUM.",
                "Cause: heuristic_scorer (the words of the ask were scored).",
                "Signals: code (schema).",
                "Escalated: the user's words matched the escalation keyword \"is wrong\".",
            ]
        );
        assert_eq!(
            recorded_in_words(3, r#"{"cause":"brand_new"}"#),
            ["Cause: brand_new."]
        );
        assert_eq!(recorded_in_words(2, "broken"), [""; 0]);
        assert_eq!(recorded_in_words(1, r#"{"a":1}"#), ["a: 1."]);
    }

    #[test]
    fn reasons_are_capped_and_redacted() {
        let raw = format!(
            r#"{{"api_key":"abc","long":"{}","nested":{{"a":[1,2]}}}}"#,
            "x".repeat(300)
        );
        let kept = keep(&raw).unwrap();
        assert!(kept.contains(r#""api_key":"[redacted]""#) && kept.contains(r#"{"a":[1,2]}"#));
        assert!(!kept.contains(&"x".repeat(257)));
    }
}

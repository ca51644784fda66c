//! The decision of the vLLM Semantic Router in sentences.
//!
//! The object told is the one that `vllm_sr::provenance` builds of a replay record.

use serde_json::{Map, Value};

use super::words::plain;

type Fields = Map<String, Value>;

/// The keys that a sentence of their own tells; others are told as they stand.
const TOLD: [&str; 18] = [
    "decision",
    "tier",
    "priority",
    "confidence",
    "original_model",
    "selected_model",
    "selection_method",
    "selection_reasoning",
    "reasoning",
    "category",
    "recipe",
    "signals",
    "signal_confidences",
    "signal_values",
    "projections",
    "projection_scores",
    "context_tokens",
    "session",
];

/// Tells the decision: rule, model, signals by family with their confidences, projections, session.
pub(super) fn told(fields: &Fields) -> Vec<String> {
    let mut out = Vec::new();
    out.extend(decision(fields));
    out.extend(choice(fields));
    out.extend(circumstances(fields));
    out.extend(signals(fields));
    let none = Fields::new();
    let scores = object(fields, "projection_scores").unwrap_or(&none);
    let projections = names(fields.get("projections"), |name| scores.get(name));
    if !projections.is_empty() {
        out.push(format!("Projections: {projections}."));
    } else if !scores.is_empty() {
        out.push(format!("Projections: {}.", pairs(scores)));
    }
    if let Some(count) = fields.get("context_tokens") {
        out.push(format!("Context: {} tokens.", number(count)));
    }
    if let Some(session) = object(fields, "session").filter(|session| !session.is_empty()) {
        out.push(format!("Session: {}.", pairs(session)));
    }
    let rest = fields
        .iter()
        .filter(|(key, _)| !TOLD.contains(&key.as_str()));
    out.extend(rest.map(|(key, value)| format!("{key}: {}.", plain(value))));
    out
}

fn text<'a>(fields: &'a Fields, key: &str) -> Option<&'a str> {
    fields.get(key).and_then(Value::as_str)
}

fn object<'a>(fields: &'a Fields, key: &str) -> Option<&'a Fields> {
    fields.get(key).and_then(Value::as_object)
}

fn decision(fields: &Fields) -> Option<String> {
    let name = text(fields, "decision")?;
    let place: Vec<String> = ["tier", "priority"]
        .iter()
        .filter_map(|key| Some(format!("{key} {}", number(fields.get(*key)?))))
        .collect();
    let place = if place.is_empty() {
        String::new()
    } else {
        format!(" ({})", place.join(", "))
    };
    let confidence = fields
        .get("confidence")
        .and_then(Value::as_f64)
        .map_or_else(String::new, |share| format!(" with confidence {share:.2}"));
    Some(format!("Decision \"{name}\"{place} matched{confidence}."))
}

fn choice(fields: &Fields) -> Option<String> {
    let model = text(fields, "selected_model")?;
    let from = text(fields, "original_model")
        .filter(|asked| *asked != model)
        .map_or_else(String::new, |asked| format!(" from {asked}"));
    let by =
        text(fields, "selection_method").map_or_else(String::new, |method| format!(" by {method}"));
    let why = text(fields, "selection_reasoning").map_or_else(String::new, |why| {
        format!(": {}", why.trim_end_matches('.'))
    });
    Some(format!("Routed{from} to {model}{by}{why}."))
}

fn circumstances(fields: &Fields) -> Option<String> {
    let parts: Vec<String> = [
        ("reasoning", "Reasoning"),
        ("category", "Category"),
        ("recipe", "Recipe"),
    ]
    .iter()
    .filter_map(|(key, word)| Some(format!("{word}: {}.", text(fields, key)?)))
    .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// One sentence a family; a confidence is found under `family:name` or `name`.
fn signals(fields: &Fields) -> Vec<String> {
    let none = Fields::new();
    let confidences = object(fields, "signal_confidences").unwrap_or(&none);
    let mut used = Vec::new();
    let mut out = Vec::new();
    for (family, found) in object(fields, "signals").into_iter().flatten() {
        let told = names(Some(found), |name| {
            let keys = [format!("{family}:{name}"), name.to_owned()];
            let (key, value) = keys
                .into_iter()
                .find_map(|key| Some((key.clone(), confidences.get(&key)?)))?;
            used.push(key);
            Some(value)
        });
        if !told.is_empty() {
            out.push(format!("Signals, {family}: {told}."));
        }
    }
    let rest: Fields = confidences
        .iter()
        .filter(|(key, _)| !used.contains(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !rest.is_empty() {
        out.push(format!("Further confidences: {}.", pairs(&rest)));
    }
    if let Some(values) = object(fields, "signal_values").filter(|values| !values.is_empty()) {
        out.push(format!("Measured: {}.", pairs(values)));
    }
    out
}

fn names<'a>(found: Option<&Value>, mut score_of: impl FnMut(&str) -> Option<&'a Value>) -> String {
    let items = found.and_then(Value::as_array).into_iter().flatten();
    let told: Vec<String> = items
        .map(|item| {
            let name = plain(item);
            let score = score_of(&name).map(|score| format!(" ({})", number(score)));
            name + &score.unwrap_or_default()
        })
        .collect();
    told.join(", ")
}

fn pairs(fields: &Fields) -> String {
    let told: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key} {}", number(value)))
        .collect();
    told.join(", ")
}

/// Returns a number with two places unless it is whole, and anything else as it stands.
fn number(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Some(number) => format!("{number:.2}"),
        None => plain(value),
    }
}

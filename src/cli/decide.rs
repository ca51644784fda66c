//! Request lines to decision lines: the policy engine for routers that are no Rust programs.
//!
//! A line in is one JSON object with `request_id`, and `task_class`, `signals`, `ts`, `session_id` and
//! `route` where they are known; a line out is a native `decision` event. The signals are written as
//! they were read.

use std::borrow::Cow;
use std::io::Write;

use serde::Deserialize;
use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

use crate::model::Timestamp;
use crate::policy::{Facts, Input, Policy};

/// A request as a router asks about it; anything else in the line is left alone.
#[derive(Debug, Deserialize)]
struct Ask<'a> {
    #[serde(borrow)]
    request_id: Cow<'a, str>,
    #[serde(borrow, default)]
    ts: Option<LazyValue<'a>>,
    #[serde(borrow, default)]
    route: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    session_id: Option<LazyValue<'a>>,
    #[serde(borrow, default)]
    task_class: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    signals: Option<LazyValue<'a>>,
}

/// Decides `line` and appends the answer with its line feed to `out`. `now` is the time of a request
/// that names none.
///
/// # Errors
///
/// When the line is no JSON object, or has no `request_id`; nothing is appended then.
pub fn decide_line(
    policy: &Policy,
    line: &[u8],
    now: Timestamp,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let ask: Ask<'_> = sonic_rs::from_slice(line).map_err(|error| first_line(&error))?;
    if ask.request_id.is_empty() {
        return Err("`request_id` is empty".to_owned());
    }
    let signals = ask
        .signals
        .as_ref()
        .filter(|signals| signals.get_type() == JsonType::Object)
        .map(|signals| read_signals(signals.as_raw_str()))
        .unwrap_or_default();
    let mut facts = policy.facts();
    set_signals(&mut facts, &signals);
    if let Some(class) = &ask.task_class {
        facts.set("task_class", class.as_ref());
    }
    let decision = policy.decide(&facts, &ask.request_id);
    let start = out.len();
    write(policy, &ask, &decision, now, out).map_err(|error| {
        out.truncate(start);
        error.to_string()
    })
}

/// An error of the parser says where in its first line; the rest draws the JSON.
fn first_line(error: &sonic_rs::Error) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

type Signal<'a> = (Cow<'a, str>, LazyValue<'a>);

fn read_signals(object: &str) -> Vec<Signal<'_>> {
    sonic_rs::to_object_iter(object)
        .filter_map(Result::ok)
        .map(|(name, value)| (Cow::Owned(name.to_string()), value))
        .collect()
}

fn set_signals<'a>(facts: &mut Facts<'a>, signals: &'a [Signal<'a>]) {
    for (name, value) in signals {
        let input = if let Some(number) = value.as_f64() {
            Input::Number(number)
        } else if let Some(answer) = value.as_bool() {
            Input::YesNo(answer)
        } else if let Some(text) = value.as_str() {
            Input::Text(text)
        } else {
            Input::Unknown
        };
        facts.set(name, input);
    }
}

fn write(
    policy: &Policy,
    ask: &Ask<'_>,
    decision: &crate::policy::Decision<'_>,
    now: Timestamp,
    out: &mut Vec<u8>,
) -> std::io::Result<()> {
    fn text(out: &mut Vec<u8>, key: &str, value: &str) -> std::io::Result<()> {
        write!(out, ",\"{key}\":")?;
        serde_json::to_writer(out, value).map_err(Into::into)
    }
    fn raw(out: &mut Vec<u8>, key: &str, value: Option<&LazyValue<'_>>) -> std::io::Result<()> {
        match value {
            Some(value) => write!(out, ",\"{key}\":{}", value.as_raw_str()),
            None => Ok(()),
        }
    }
    out.extend_from_slice(b"{\"event\":\"decision\"");
    match &ask.ts {
        Some(ts) => write!(out, ",\"ts\":{}", ts.as_raw_str())?,
        None => text(out, "ts", &now.to_rfc3339())?,
    }
    text(out, "request_id", &ask.request_id)?;
    match (&ask.route, &ask.task_class) {
        (Some(route), _) => text(out, "route", route)?,
        (None, class) => {
            let class = class.as_deref().unwrap_or(policy.name());
            text(out, "route", &format!("{class}.{}", decision.tier))?;
        }
    }
    raw(out, "session_id", ask.session_id.as_ref())?;
    if let Some(class) = &ask.task_class {
        text(out, "task_class", class)?;
    }
    text(out, "policy", policy.id())?;
    text(out, "rule", decision.rule)?;
    text(out, "tier", decision.tier)?;
    text(out, "model", decision.model)?;
    if let Some(because) = decision.because {
        text(out, "reason", because)?;
    }
    raw(out, "signals", ask.signals.as_ref())?;
    writeln!(out, ",\"propensity\":{}}}", decision.propensity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp(1_795_435_200_000_000);

    fn answer(line: &str) -> Result<Value, String> {
        let policy = Policy::parse(include_str!("../../assets/policies/essay.route"))
            .map_err(|e| e.to_string())?;
        let mut out = Vec::new();
        decide_line(&policy, line.as_bytes(), NOW, &mut out)?;
        let lines = out.split_inclusive(|byte| *byte == b'\n');
        assert_eq!(lines.count(), 1);
        serde_json::from_slice(&out).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_becomes_a_native_decision() {
        let line = r#"{"request_id":"r \"1\"","task_class":"grounded_answer","session_id":"s","ts":1700000000000,
            "signals":{"retrieval_confidence":0.58,"own":[1,"}"]},"prompt":"secret"}"#
            .replace('\n', " ");
        assert_eq!(
            answer(&line).unwrap(),
            json!({
                "event": "decision", "ts": 1_700_000_000_000_i64, "request_id": "r \"1\"",
                "route": "grounded_answer.standard", "session_id": "s", "task_class": "grounded_answer",
                "policy": "essay@1#8a592a9285a1", "rule": "thin-evidence", "tier": "standard",
                "model": "medium-1", "reason": "retrieval found little, so the model has to notice",
                "signals": {"retrieval_confidence": 0.58, "own": [1, "}"]}, "propensity": 1,
            })
        );
    }

    #[test]
    fn what_is_missing_is_unknown() {
        let found =
            answer(r#"{"request_id":"r","signals":{"retrieval_confidence":null}}"#).unwrap();
        assert_eq!(found["rule"], "otherwise");
        assert_eq!(found["route"], "essay.standard");
        assert_eq!(found["ts"], NOW.to_rfc3339());
        assert_eq!(found["signals"], json!({"retrieval_confidence": null}));
        let found =
            answer(r#"{"request_id":"r","route":"a","task_class":null,"signals":7}"#).unwrap();
        assert_eq!(found["route"], "a");
    }

    #[test]
    fn a_line_that_is_no_request_is_told() {
        for line in [
            "",
            "no",
            "[]",
            "{}",
            r#"{"request_id":7}"#,
            r#"{"request_id":""}"#,
            "\u{1}",
        ] {
            let error = answer(line).unwrap_err();
            assert!(
                !error.is_empty() && error.lines().count() == 1,
                "{line}: {error}"
            );
        }
    }
}

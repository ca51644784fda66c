//! Request lines to decision lines: the policy engine for routers that are no Rust programs.
//!
//! A line in is one JSON object with `request_id`, and `task_class`, `signals`, `ts`, `session_id` and
//! `route` where they are known; a line out is a native `decision` event. The signals are written as
//! they were read.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smallvec::SmallVec;
use sonic_rs::LazyValue;

use crate::model::Timestamp;
use crate::policy::{Decision, Facts, Input, Policy};

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
    // Signals that are no object are echoed like any others, and say nothing.
    let signals: Signals<'_> = match &ask.signals {
        Some(raw) => sonic_rs::from_str(raw.as_raw_str()).unwrap_or_default(),
        None => Signals::default(),
    };
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

/// The signals of a line: names with values. One pass over the JSON, and no memory for usual lines.
#[derive(Debug, Default)]
struct Signals<'a>(SmallVec<[(Cow<'a, str>, Value<'a>); 8]>);

/// The value of a signal; anything that is no scalar is unknown.
#[derive(Debug)]
enum Value<'a> {
    Unknown,
    YesNo(bool),
    Number(f64),
    Text(Cow<'a, str>),
}

impl<'de> Deserialize<'de> for Signals<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SignalsVisitor)
    }
}

struct SignalsVisitor;

impl<'de> Visitor<'de> for SignalsVisitor {
    type Value = Signals<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of signals")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut signals = Signals::default();
        while let Some(Value::Text(name)) = map.next_key()? {
            signals.0.push((name, map.next_value()?));
        }
        Ok(signals)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::YesNo(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a signal so large is beyond every threshold"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(value as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a signal so large is beyond every threshold"
    )]
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Unknown)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Unknown)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Unknown)
    }
}

fn set_signals<'a>(facts: &mut Facts<'a>, signals: &'a Signals<'_>) {
    for (name, value) in &signals.0 {
        let input = match value {
            Value::Unknown => Input::Unknown,
            Value::YesNo(answer) => Input::YesNo(*answer),
            Value::Number(number) => Input::Number(*number),
            Value::Text(text) => Input::Text(text),
        };
        facts.set(name, input);
    }
}

fn write(
    policy: &Policy,
    ask: &Ask<'_>,
    decision: &Decision<'_>,
    now: Timestamp,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    out.extend_from_slice(b"{\"event\":\"decision\"");
    match &ask.ts {
        Some(ts) => raw(out, b",\"ts\":", ts),
        None => text(out, b",\"ts\":", &now.to_rfc3339())?,
    }
    text(out, b",\"request_id\":", &ask.request_id)?;
    if let Some(route) = &ask.route {
        text(out, b",\"route\":", route)?;
    } else {
        let class = ask.task_class.as_deref().unwrap_or(policy.name());
        text(out, b",\"route\":", &format!("{class}.{}", decision.tier))?;
    }
    if let Some(session) = &ask.session_id {
        raw(out, b",\"session_id\":", session);
    }
    if let Some(class) = &ask.task_class {
        text(out, b",\"task_class\":", class)?;
    }
    text(out, b",\"policy\":", policy.id())?;
    text(out, b",\"rule\":", decision.rule)?;
    text(out, b",\"tier\":", decision.tier)?;
    text(out, b",\"model\":", decision.model)?;
    if let Some(because) = decision.because {
        text(out, b",\"reason\":", because)?;
    }
    if let Some(signals) = &ask.signals {
        raw(out, b",\"signals\":", signals);
    }
    writeln!(out, ",\"propensity\":{}}}", decision.propensity)
}

/// Appends JSON as it was read.
fn raw(out: &mut Vec<u8>, key: &[u8], value: &LazyValue<'_>) {
    out.extend_from_slice(key);
    out.extend_from_slice(value.as_raw_str().as_bytes());
}

/// Appends a text; most need no escape.
fn text(out: &mut Vec<u8>, key: &[u8], value: &str) -> io::Result<()> {
    out.extend_from_slice(key);
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if !value.bytes().all(is_plain) {
        return serde_json::to_writer(out, value).map_err(Into::into);
    }
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::decide_line;
    use crate::model::Timestamp;
    use crate::policy::Policy;
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
            "signals":{"own":[1,"}"],"o\u0077n":{"a":null},"retrieval_confidence":0.58,"session_fallbacks":1},"prompt":"secret"}"#
            .replace('\n', " ");
        assert_eq!(
            answer(&line).unwrap(),
            json!({
                "event": "decision", "ts": 1_700_000_000_000_i64, "request_id": "r \"1\"",
                "route": "grounded_answer.standard", "session_id": "s", "task_class": "grounded_answer",
                "policy": "essay@1#8a592a9285a1", "rule": "thin-evidence", "tier": "standard",
                "model": "medium-1", "reason": "retrieval found little, so the model has to notice",
                "signals": {"own": {"a": null}, "retrieval_confidence": 0.58, "session_fallbacks": 1},
                "propensity": 1,
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

//! An event to a native line: the way back, losing nothing that is known.
//!
//! A request becomes one `request` line with the object that [`super::exported`] reads, whatever lines it was
//! joined from. The text of a session was never kept: its key stands in its place, marked with `~`.

use serde_json::{Map, Value, json};

use super::reading::NATIVE;
use crate::model::{
    Attempt, Correction, Event, Flags, Logged, Marker, Micros, Name, Names, NanoUsd, Outcome,
    Request, SessionCorrection, SessionKey, SignalValue, Signals, Timestamp,
};

/// An object that is being filled, field by field in the order of the line.
struct Fields<'n> {
    fields: Map<String, Value>,
    names: &'n Names,
}

/// Returns the line that tells `event`, without its line end; reading it gives the event again.
pub fn native_line(event: &Event, names: &Names) -> String {
    let mut fields = Fields {
        fields: Map::new(),
        names,
    };
    match event {
        Event::Request(request) => fields.request(request),
        Event::SessionCorrection(found) => fields.session_correction(found),
        Event::Marker(marker) => fields.marker(marker),
    }
    Value::Object(fields.fields).to_string()
}

impl<'n> Fields<'n> {
    fn of(names: &'n Names) -> Self {
        Self {
            fields: Map::new(),
            names,
        }
    }

    fn put(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    fn put_if<T: Into<Value>>(&mut self, field: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(field, value);
        }
    }

    fn put_name(&mut self, field: &str, name: Option<Name>) {
        self.put_if(field, name.map(|name| self.names.text(name)));
    }

    fn request(&mut self, request: &Request) {
        self.put("event", "request");
        self.put("ts", request.ts.to_rfc3339());
        self.put("request_id", request.id.to_string());
        self.put_if("session_id", request.session.map(session));
        self.put_name("route", request.route);
        self.put_name("task_class", request.task_class);
        self.put_name("policy", request.policy);
        self.put_name("rule", request.rule);
        self.put_name("tier", request.tier);
        self.put_name("model", request.model);
        self.put_name("reason", request.reason);
        self.put_if("propensity", request.propensity);
        if !request.signals.is_empty() {
            self.put("signals", self.signals(&request.signals));
        }
        if !request.candidates.is_empty() {
            self.put("candidates", self.candidates(request));
        }
        if !request.attrs.is_empty() {
            let mut attrs = Self::of(self.names);
            for (name, value) in &request.attrs {
                attrs.put(self.names.text(*name), self.names.text(*value));
            }
            self.put("attrs", attrs.fields);
        }
        let attempts: Vec<Value> = request
            .attempts
            .iter()
            .map(|one| self.attempt(one))
            .collect();
        self.put("attempts", attempts);
        self.put_if("outcome", request.outcome.map(Outcome::word));
        self.put_if("latency_ms", request.stamped_latency.map(millis));
        self.put_if("correction", request.correction.map(correction));
        let mut flags = request.flags;
        flags.clear(Flags::MERGED);
        let mut exported = Self::of(self.names);
        if request.format != NATIVE {
            exported.put("format", request.format);
        }
        exported.put("flags", flags.0);
        exported.put_if("recorded", request.recorded.as_deref());
        self.put("exported", exported.fields);
    }

    fn attempt(&self, attempt: &Attempt) -> Value {
        let mut fields = Self::of(self.names);
        if attempt.n > 0 {
            fields.put("n", attempt.n);
        }
        fields.put_if("start", attempt.start.map(Timestamp::to_rfc3339));
        fields.put_name("model", Some(attempt.model));
        fields.put_name("tier", attempt.tier);
        fields.put_name("provider", attempt.provider);
        fields.put("outcome", attempt.outcome.word());
        fields.put_name("reason", attempt.reason);
        fields.put_if("latency_ms", attempt.latency.map(millis));
        fields.put_if("ttft_ms", attempt.ttft.map(millis));
        fields.put_if("input_tokens", attempt.input_tokens);
        fields.put_if("output_tokens", attempt.output_tokens);
        fields.put_if("cost_usd", attempt.cost.map(dollars));
        Value::Object(fields.fields)
    }

    fn signals(&self, signals: &Signals) -> Map<String, Value> {
        let mut fields = Self::of(self.names);
        let text = |name: Name| Value::from(self.names.text(name));
        fields.put_logged(
            "retrieval_confidence",
            signals.retrieval_confidence,
            Value::from,
        );
        fields.put_logged("input_complexity", signals.input_complexity, Value::from);
        fields.put_logged("tools_required", signals.tools_required, Value::from);
        fields.put_logged("format_strictness", signals.format_strictness, text);
        fields.put_logged("user_tier", signals.user_tier, text);
        fields.put_logged("session_fallbacks", signals.session_fallbacks, Value::from);
        for (name, value) in &signals.others {
            let value = match value {
                SignalValue::Null => Value::Null,
                SignalValue::Bool(value) => Value::from(*value),
                SignalValue::Number(value) => Value::from(*value),
                SignalValue::Text(name) => text(*name),
            };
            fields.put(self.names.text(*name), value);
        }
        fields.fields
    }

    fn put_logged<T>(&mut self, field: &str, value: Logged<T>, write: impl FnOnce(T) -> Value) {
        match value {
            Logged::Absent => {}
            Logged::Null => self.put(field, Value::Null),
            Logged::Value(value) => self.put(field, write(value)),
        }
    }

    fn candidates(&self, request: &Request) -> Vec<Value> {
        let candidates = request.candidates.iter().map(|candidate| {
            let mut fields = Self::of(self.names);
            fields.put_name("model", Some(candidate.model));
            fields.put_if("score", candidate.score);
            fields.put_name("rejected_because", candidate.rejected_because);
            Value::Object(fields.fields)
        });
        candidates.collect()
    }

    fn session_correction(&mut self, found: &SessionCorrection) {
        self.put("event", "correction");
        self.put("ts", found.ts.to_rfc3339());
        self.put("session_id", session(found.session));
        self.put("kind", found.correction.kind.word());
        self.put("by", found.correction.by.word());
        self.put_if("after_s", found.correction.after.map(seconds));
    }

    fn marker(&mut self, marker: &Marker) {
        self.put("event", "marker");
        self.put("ts", marker.ts.to_rfc3339());
        self.put_name("label", Some(marker.label));
        self.put("kind", marker.kind.word());
        self.put_name("route", marker.route);
    }
}

fn correction(correction: Correction) -> Value {
    let mut value = json!({"kind": correction.kind.word(), "by": correction.by.word()});
    if let Some(fields) = value.as_object_mut() {
        if let Some(ts) = correction.ts {
            fields.insert("ts".to_owned(), Value::from(ts.to_rfc3339()));
        }
        if let Some(after) = correction.after {
            fields.insert("after_s".to_owned(), Value::from(seconds(after)));
        }
    }
    value
}

fn session(key: SessionKey) -> String {
    format!("~{:016x}", key.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "spans are below 2^53 microseconds, 285 years"
)]
fn millis(span: Micros) -> f64 {
    span.0 as f64 / 1e3
}

#[expect(
    clippy::cast_precision_loss,
    reason = "spans are below 2^53 microseconds, 285 years"
)]
fn seconds(span: Micros) -> f64 {
    span.0 as f64 / 1e6
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a call costs less than 2^53 nano-dollars, 9 million"
)]
fn dollars(cost: NanoUsd) -> f64 {
    cost.0 as f64 / 1e9
}

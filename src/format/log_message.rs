//! Log messages of programs, written as JSON: prose with a level and a time, no record of a request.
//!
//! LiteLLM with `json_logs: true` (`JsonFormatter` in `litellm/_logging.py`) and loggers like zap write
//! thousands of them between the records of a standard output. They are noise, as the same prose
//! without braces is. A line with facts of its own beside the prose is none: it wants a mapping.

use serde_json::{Map, Value};

/// What a logger adds to the prose by itself.
const ENVELOPE: [&str; 14] = [
    "msg",
    "level",
    "ts",
    "timestamp",
    "time",
    "caller",
    "logger",
    "component",
    "stacktrace",
    "error",
    "errorVerbose",
    "name",
    "message",
    "pid",
];

/// Tells whether the fields are those of a log message.
pub(crate) fn is_message(fields: &Map<String, Value>) -> bool {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let is_timed = ["timestamp", "ts", "time"]
        .iter()
        .any(|key| fields.contains_key(*key));
    let says = text("message").or_else(|| text("msg")).is_some();
    if !is_timed || !says || text("level").is_none() {
        return false;
    }
    let is_litellm = text("component")
        .is_some_and(|part| part.starts_with("LiteLLM") || part.starts_with("uvicorn"));
    is_litellm || fields.keys().all(|key| ENVELOPE.contains(&key.as_str()))
}

#[cfg(test)]
mod tests {
    use crate::format::tests::reason;

    #[test]
    fn prose_is_noise_and_facts_are_not() {
        for (line, code) in [
            (
                r#"{"message":"127.0.0.1:1 - \"GET / HTTP/1.1\" 200","level":"INFO","timestamp":"2026-11-23T21:44:41.862365","component":"uvicorn.access","logger":"h11_impl.py:477"}"#,
                "noise",
            ),
            (
                r#"{"message":"failed","level":"ERROR","timestamp":"2026-11-23T21:44:41","litellm_call_id":"a","component":"LiteLLM Proxy","logger":"x.py:1","stacktrace":"Traceback"}"#,
                "noise",
            ),
            (
                r#"{"level":"info","ts":"2026-08-22T20:58:05.010","caller":"server.go:60","msg":"starting"}"#,
                "noise",
            ),
            (
                r#"{"level":"info","ts":1.5,"msg":"routed","model":"small-1","request_id":"a"}"#,
                "unknown-format",
            ),
            (
                r#"{"message":"no level","timestamp":"2026-11-23T21:44:41"}"#,
                "unknown-format",
            ),
            (
                r#"{"message":5,"level":"INFO","timestamp":"2026-11-23T21:44:41"}"#,
                "unknown-format",
            ),
            (r#"{"message":"no time","level":"INFO"}"#, "unknown-format"),
        ] {
            assert_eq!(reason(line.as_bytes()), code, "{line}");
        }
    }
}

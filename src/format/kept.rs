//! A rejected line that is kept because its source cannot be read again: redacted and without content.

use serde_json::{Map, Value};

use super::redact::{cut, redact};
use super::screen;

/// The longest line kept, in bytes.
const LINE_LEN_MAX: usize = 16 * 1024;
/// The longest text kept within it, in bytes.
const TEXT_LEN_MAX: usize = 256;
/// What stands for a text that is content.
const DROPPED: &str = "[dropped]";
/// Fields that hold what was asked or answered, or headers, in the logs of gateways.
const CONTENT: [&str; 24] = [
    "answer",
    "arguments",
    "body",
    "choices",
    "completion",
    "completions",
    "content",
    "delta",
    "headers",
    "input",
    "inputs",
    "message",
    "messages",
    "output",
    "outputs",
    "prompt",
    "prompts",
    "query",
    "question",
    "response",
    "responses",
    "text",
    "tools",
    "traceback",
];

/// Returns a rejected line as it may be kept: its numbers and short texts without secrets. A line that
/// is no JSON object may hold anything anywhere and is not kept, nor is one that is still too long.
pub fn kept_line(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    let fields = read(text).or_else(|| read(&screen::tolerate(text)?))?;
    let kept = Value::Object(object(fields, false)).to_string();
    (kept.len() <= LINE_LEN_MAX).then_some(kept)
}

fn read(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn object(fields: Map<String, Value>, is_content: bool) -> Map<String, Value> {
    let keep = |(key, value): (String, Value)| {
        let is_secret = redact(&format!("{key}=x")) != format!("{key}=x");
        let is_content = is_content || CONTENT.contains(&key.to_lowercase().as_str());
        let value = match value {
            Value::String(_) if is_secret => Value::from("[redacted]"),
            value => kept(value, is_content),
        };
        (cut(&redact(&key), TEXT_LEN_MAX).to_owned(), value)
    };
    fields.into_iter().map(keep).collect()
}

fn kept(value: Value, is_content: bool) -> Value {
    match value {
        Value::String(_) if is_content => Value::from(DROPPED),
        Value::String(text) => Value::from(cut(&redact(&text), TEXT_LEN_MAX)),
        Value::Array(items) => items
            .into_iter()
            .map(|item| kept(item, is_content))
            .collect(),
        Value::Object(fields) => Value::Object(object(fields, is_content)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_short_texts_stay_content_and_secrets_go() {
        let line = r#"{"id":"r-1","messages":[{"role":"user","content":"my secret plan"}],"response":{"usage":{"total":5},"text":"an answer"},"api_key":"abc","note":"Bearer abcdefgh12345","took":NaN,"ts":1795470436796757123}"#;
        let kept = kept_line(line.as_bytes()).unwrap();
        assert_eq!(
            kept,
            r#"{"id":"r-1","messages":[{"role":"[dropped]","content":"[dropped]"}],"response":{"usage":{"total":5},"text":"[dropped]"},"api_key":"[redacted]","note":"Bearer [redacted]","took":"NaN","ts":1795470436796757123}"#
        );
        for not_kept in [
            &b"my secret plan"[..],
            b"{\"a\":",
            b"[1]",
            b"\xff",
            b"{\"a\":1}{",
        ] {
            assert_eq!(kept_line(not_kept), None);
        }
        let long = format!(
            "{{{}\"z\":1}}",
            "\"aaaaaaaa\":12345678,"
                .repeat(1_000)
                .replace("aaaaaaaa", "k")
        );
        assert!(kept_line(long.as_bytes()).is_some(), "the same key again");
        let keys: Vec<String> = (0..2_000).map(|n| format!("\"key-{n}\":{n}")).collect();
        assert_eq!(
            kept_line(format!("{{{}}}", keys.join(",")).as_bytes()),
            None
        );
        let cut = kept_line(format!("{{\"a\":\"{}\"}}", "x".repeat(9_000)).as_bytes()).unwrap();
        assert_eq!(cut.len(), 264);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), near in "[{}\\[\\]\":,a0 \\\\é]{0,60}") {
            let _ = (kept_line(&bytes), kept_line(near.as_bytes()));
        }
    }
}

//! Reasons made fit to be stored: compact, capped and redacted.

use serde_json::{Map, Value};

use super::super::redact::{cut, redact};

/// The longest text kept, in bytes.
const TEXT_LEN_MAX: usize = 256;
/// The most keys kept, nested ones included.
const KEYS_MAX: usize = 64;
/// The most items of arrays kept.
const ITEMS_MAX: usize = 64;
/// The key that says how many facts beyond the caps were not kept.
pub(super) const LEFT_OUT: &str = "left_out";

/// Returns the compact form of an object of reasons in JSON; `None` where it is no object.
pub(crate) fn keep(raw: &str) -> Option<Box<str>> {
    keep_value(serde_json::from_str(raw).ok()?)
}

/// Returns the compact form of an object of reasons; `None` where it is no object.
pub(crate) fn keep_value(value: Value) -> Option<Box<str>> {
    let mut room = Room {
        keys: KEYS_MAX,
        items: ITEMS_MAX,
        left_out: 0,
    };
    let Value::Object(mut fields) = room.fit(value) else {
        return None;
    };
    if room.left_out > 0 {
        fields.insert(LEFT_OUT.to_owned(), Value::from(room.left_out));
    }
    Some(Value::Object(fields).to_string().into())
}

/// How much may still be kept of one object of reasons.
struct Room {
    keys: usize,
    items: usize,
    left_out: u64,
}

impl Room {
    fn fit(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(cut(&redact(&text), TEXT_LEN_MAX).to_owned()),
            Value::Array(items) => {
                let mut out = Vec::new();
                for item in items {
                    if self.items == 0 {
                        self.left_out += 1;
                        continue;
                    }
                    self.items -= 1;
                    out.push(self.fit(item));
                }
                Value::Array(out)
            }
            Value::Object(fields) => {
                let mut out = Map::new();
                for (key, item) in fields {
                    if self.keys == 0 {
                        self.left_out += 1;
                        continue;
                    }
                    self.keys -= 1;
                    let key = cut(&redact(&key), TEXT_LEN_MAX).to_owned();
                    let is_secret = redact(&format!("{key}=x")) != format!("{key}=x");
                    let item = match item {
                        Value::String(_) if is_secret => Value::from("[redacted]"),
                        item => self.fit(item),
                    };
                    out.insert(key, item);
                }
                Value::Object(out)
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_capped_and_redacted() {
        let raw = format!(
            r#"{{"api_key":"abc","long":"{}","nested":{{"a":[1,2]}}}}"#,
            "x".repeat(300)
        );
        let kept = keep(&raw).unwrap();
        assert!(kept.contains(r#""api_key":"[redacted]""#) && kept.contains(r#"{"a":[1,2]}"#));
        assert!(!kept.contains(&"x".repeat(257)) && !kept.contains(LEFT_OUT));
        assert_eq!(keep("[1]"), None);
        assert_eq!(keep("{"), None);
    }

    #[test]
    fn what_is_beyond_the_caps_is_counted() {
        let many = (0..70).map(|n| (format!("k{n}"), Value::from(n)));
        let kept = keep_value(Value::Object(many.collect())).unwrap();
        assert!(kept.contains("\"k63\":63") && !kept.contains("k64"));
        assert!(kept.ends_with("\"left_out\":6}"), "{kept}");
        let items: Vec<Value> = (0..100).map(Value::from).collect();
        let kept = keep_value(serde_json::json!({ "a": items })).unwrap();
        assert!(kept.ends_with("63],\"left_out\":36}"), "{kept}");
    }
}

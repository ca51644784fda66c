//! Values as Python prints them (`repr`), which LiteLLM's first telemetry writes where JSON belongs.

use serde_json::{Map, Number, Value};

/// The deepest nesting read.
const DEPTH_MAX: usize = 16;
/// The longest text read, in bytes.
const LEN_MAX: usize = 64 * 1024;

/// Reads a printed dict, list, tuple, text, number, `True`, `False` or `None`.
///
/// `None` for anything else: other objects print in ways of their own.
pub(super) fn to_json(text: &str) -> Option<Value> {
    if text.len() > LEN_MAX {
        return None;
    }
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.skip_space();
        match self.rest.chars().next()? {
            '{' => self.dict(depth),
            '[' => self.list("[", "]", depth),
            '(' => self.list("(", ")", depth),
            '\'' | '"' => self.text().map(Value::String),
            _ => self.word(),
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Value> {
        let mut fields = Map::new();
        self.take("{");
        loop {
            self.skip_space();
            if self.take("}") {
                return Some(Value::Object(fields));
            }
            let Value::String(key) = self.value(depth + 1)? else {
                return None;
            };
            self.skip_space();
            if !self.take(":") {
                return None;
            }
            fields.insert(key, self.value(depth + 1)?);
            self.end_item("}")?;
        }
    }

    fn list(&mut self, open: &str, close: &str, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.take(open);
        loop {
            self.skip_space();
            if self.take(close) {
                return Some(Value::Array(items));
            }
            items.push(self.value(depth + 1)?);
            self.end_item(close)?;
        }
    }

    /// Steps over the comma after an item; before `close` there need be none.
    fn end_item(&mut self, close: &str) -> Option<()> {
        self.skip_space();
        (self.take(",") || self.rest.starts_with(close)).then_some(())
    }

    fn text(&mut self) -> Option<String> {
        let mut chars = self.rest.chars();
        let quote = chars.next()?;
        let mut out = String::new();
        loop {
            match chars.next()? {
                end if end == quote => break,
                '\\' => out.push(escaped(&mut chars)?),
                other => out.push(other),
            }
        }
        self.rest = chars.as_str();
        Some(out)
    }

    fn word(&mut self) -> Option<Value> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        match word {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" | "nan" | "inf" | "-inf" => Some(Value::Null),
            _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                let whole = word.parse::<i64>().ok().map(Number::from);
                let number = whole.or_else(|| Number::from_f64(word.parse().ok()?));
                number.map(Value::Number)
            }
            _ => None,
        }
    }
}

fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match chars.next()? {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        other @ ('\\' | '\'' | '"') => return Some(other),
        _ => return None,
    };
    let mut code = 0_u32;
    for _ in 0..digits {
        code = code.checked_mul(16)? + chars.next()?.to_digit(16)?;
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_python_prints_is_read() {
        for (text, expected) in [
            (
                "{'tier': 'SIMPLE', 'score': 0.15, 'n': 3, 'on': True, 'off': False, 'no': None}",
                json!({"tier": "SIMPLE", "score": 0.15, "n": 3, "on": true, "off": false, "no": null}),
            ),
            (
                r#"{"it's": ['a', "b'c", 'd\'e"', 'é\n\x41\u00e9\U0001f600\\'], 'pair': (1, -2.5e-3), 'one': (1,)}"#,
                json!({"it's": ["a", "b'c", "d'e\"", "é\nAé😀\\"], "pair": [1, -0.0025], "one": [1]}),
            ),
            (" { } ", json!({})),
            ("[nan, inf]", json!([null, null])),
        ] {
            assert_eq!(to_json(text), Some(expected), "{text}");
        }
        for other in [
            "",
            "{'a': <Enum.X: 1>}",
            "{'a': datetime.datetime(2026, 1, 1)}",
            "{1: 2}",
            "{'a' 1}",
            "['a' 'b']",
            "{'a': 1} x",
            "{'a': 'b",
            r"'\q'",
            r"'\ud800'",
            &"[".repeat(100),
        ] {
            assert_eq!(to_json(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}", near in r#"[\[\]{}():,'"\\xuU0-9a-fTFNone. é-]{0,40}"#) {
            let _ = (to_json(&text), to_json(&near));
        }
    }
}

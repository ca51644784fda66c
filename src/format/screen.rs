//! What can be said of a line before any format reads it, and what was wrong with it afterwards.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::log_message::is_message;
use super::reading::Reading;
use super::redact::{cut, redact};
use crate::model::Reject;

/// The deepest nesting read.
const DEPTH_MAX: usize = 64;
/// The most field names told of a line in no known format.
const FIELDS_TOLD_MAX: usize = 8;

/// What a line looks like.
#[derive(Debug)]
pub(crate) enum Look<'a> {
    /// Nothing but white space.
    Blank,
    /// Not JSON.
    Noise,
    /// Hopeless.
    Rejected(Reject),
    /// An object, as far as its first byte tells.
    Object(&'a str),
}

/// Builds a reject.
pub(crate) fn reject(reason: &'static str, detail: impl Into<String>) -> Reject {
    Reject {
        reason,
        detail: detail.into(),
    }
}

/// Looks at a line.
pub(crate) fn look(line: &[u8]) -> Look<'_> {
    let line = line.trim_ascii();
    let Some(first) = line.first() else {
        return Look::Blank;
    };
    // The reader of the file takes the mark off its first line, where one may stand.
    if line.starts_with(b"\xef\xbb\xbf") {
        let why = "a byte order mark that does not stand at the start of the file";
        return Look::Rejected(reject("byte-order-mark", why));
    }
    if let Some(at) = memchr::memchr(0, line) {
        return Look::Rejected(reject("nul-byte", format!("a NUL byte at byte {at}")));
    }
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            return Look::Rejected(reject("not-utf8", format!("not UTF-8 at byte {at}")));
        }
    };
    match first {
        b'{' if is_too_deep(line) => Look::Rejected(reject(
            "too-deep",
            format!("nested deeper than {DEPTH_MAX} levels"),
        )),
        b'{' => Look::Object(text),
        b'[' if is_too_deep(line) => Look::Rejected(reject(
            "too-deep",
            format!("nested deeper than {DEPTH_MAX} levels"),
        )),
        b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => not_an_object(text),
        _ => Look::Noise,
    }
}

/// A JSON value that is no object is rejected; a date or `[INFO]` at the start of prose is noise.
fn not_an_object(text: &str) -> Look<'_> {
    if serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Look::Rejected(reject("not-an-object", "JSON, but not an object"));
    }
    let inner = text.strip_prefix('[').map(str::trim_start);
    if inner.is_some_and(|inner| inner.starts_with(['{', '"', '['])) {
        return Look::Rejected(broken(text));
    }
    Look::Noise
}

/// Tells whether anything is nested deeper than is read.
pub(crate) fn is_too_deep(line: &[u8]) -> bool {
    // `[` and `{` differ in one bit; few lines have so many that the depth must be counted. A
    // byte-wide count per chunk stays vectorised under overflow checks.
    let openings: usize = line
        .chunks(128)
        .map(|chunk| {
            usize::from(chunk.iter().fold(0_u8, |count, byte| {
                count.wrapping_add(u8::from(*byte | 0x20 == b'{'))
            }))
        })
        .sum();
    openings > DEPTH_MAX && depth(line) > DEPTH_MAX
}

fn depth(line: &[u8]) -> usize {
    let (mut depth, mut deepest, mut is_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in line {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Says why a strict reader did not take the line.
pub(crate) fn broken(text: &str) -> Reject {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => reject("not-json", "JSON that cannot be read"),
        Err(error) => {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or("broken JSON");
            reject(
                "not-json",
                format!("{words} at byte {}", error.column().saturating_sub(1)),
            )
        }
    }
}

/// Says why a typed reader did not take the line: a field that stands twice, a nested field of
/// another shape, or no strict JSON at all.
pub(crate) fn refuse(text: &str, error: &sonic_rs::Error) -> Reading {
    let words = error.to_string();
    if let Some(rest) = words.split_once("duplicate field `").map(|(_, rest)| rest) {
        let field = rest.split('`').next().unwrap_or("");
        return Reading::Rejected(reject("ambiguous-key", format!("`{field}` stands twice")));
    }
    let strict = broken(text);
    if strict.detail == "JSON that cannot be read" {
        return Reading::Rejected(reject("bad-value", "a nested field has another shape"));
    }
    Reading::Broken
}

/// Looks at an object that no format took: a log message is noise, and of anything else the fields
/// are told.
pub(crate) fn last_look(text: &str) -> Look<'_> {
    let Ok(fields) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
    else {
        return Look::Rejected(broken(text));
    };
    if is_message(&fields) {
        return Look::Noise;
    }
    let told: Vec<String> = fields
        .keys()
        .take(FIELDS_TOLD_MAX)
        .map(|field| redact(cut(field, 40)))
        .collect();
    let detail = if told.is_empty() {
        "no known format; it has no fields".to_owned()
    } else {
        format!("no known format; its top fields are {}", told.join(", "))
    };
    Look::Rejected(reject("unknown-format", detail))
}

/// Rewrites what Python writes by default and JSON does not know (`NaN`, `Infinity`) and numbers
/// beyond any range as texts, so that the field reads as a bad number. `None`: nothing to rewrite.
pub(crate) fn tolerate(text: &str) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at),
            b'N' | b'I' | b'-' | b'0'..=b'9' => {
                let end = at
                    + bytes
                        .iter()
                        .skip(at)
                        .take_while(|b| {
                            b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')
                        })
                        .count();
                let word = text.get(at..end)?;
                if matches!(word, "NaN" | "-NaN" | "Infinity" | "-Infinity") || is_beyond(word) {
                    out.push_str(text.get(kept..at)?);
                    out.push_str("\"NaN\"");
                    kept = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    (kept > 0).then(|| {
        out.push_str(text.get(kept..).unwrap_or(""));
        Cow::Owned(out)
    })
}

fn is_beyond(word: &str) -> bool {
    word.ends_with(|last: char| last.is_ascii_digit())
        && word.parse::<f64>().is_ok_and(f64::is_infinite)
}

fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

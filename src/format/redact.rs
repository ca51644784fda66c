//! Takes secrets out of free text before it is stored. Linear time; the allow-list of stored fields
//! stands before it, so this is the second net.

use std::sync::LazyLock;

use regex::Regex;

/// The longest sample of noise, in bytes.
const SAMPLE_LEN_MAX: usize = 120;
/// How much of a noise line is looked at: enough that no secret is cut into something unknown.
const SAMPLE_READ_MAX: usize = 1_024;

/// Patterns and what stands in their place, in the order applied.
const RULES: [(&str, &str); 6] = [
    (
        r"-----BEGIN [A-Z ]+-----[^\x00]*?(?:-----END [A-Z ]+-----|\z)",
        "[redacted]",
    ),
    (
        r#"(?i-u:((?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passwd|pwd|private[_-]?key|credentials?|signature|\bsig|authorization)["']?[ \t]*[=:][ \t]*["']?))(?:(?i-u:bearer|basic) )?[^\x00-\x20"'&,;(){}\[\]]+"#,
        "$1[redacted]",
    ),
    (r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/@\x00-\x20]+@", "[redacted]@"),
    (
        r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
        "[redacted]",
    ),
    (
        r"(?i-u:(\b(?:bearer|basic))[ \t]+[A-Za-z0-9+/=._~-]{8,})",
        "$1 [redacted]",
    ),
    (
        r"(?-u:\b(?:sk-[A-Za-z0-9_-]{12,}|[sprk]k_(?:live|test)_[A-Za-z0-9]{8,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{12,}|xox[abeoprs]-[A-Za-z0-9-]{8,}|A[KS]IA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{8,}|(?:hf|gsk|npm|r8)_[A-Za-z0-9]{16,}|(?:xai|pplx|nvapi)-[A-Za-z0-9_-]{16,}|SG\.[A-Za-z0-9_-]{12,}))",
        "[redacted]",
    ),
];

#[expect(clippy::expect_used, reason = "constant patterns; a test builds them")]
static COMPILED: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    RULES
        .iter()
        .map(|(pattern, with)| (Regex::new(pattern).expect("the pattern is constant"), *with))
        .collect()
});

/// Returns `text` with vendor keys, bearer and basic credentials, user-info of URLs, JWTs, PEM blocks
/// and `key=value` secrets replaced by `[redacted]`.
pub fn redact(text: &str) -> String {
    let mut out = text.to_owned();
    for (pattern, with) in COMPILED.iter() {
        if let std::borrow::Cow::Owned(replaced) = pattern.replace_all(&out, *with) {
            out = replaced;
        }
    }
    out
}

/// Returns the first bytes of a noise line, lossy and redacted.
pub fn noise_sample(line: &[u8]) -> String {
    let head = line.get(..SAMPLE_READ_MAX).unwrap_or(line);
    let text = redact(&String::from_utf8_lossy(head));
    cut(&text, SAMPLE_LEN_MAX).to_owned()
}

/// Returns the longest beginning of `text` of at most `len_max` bytes that ends at a character.
pub(crate) fn cut(text: &str, len_max: usize) -> &str {
    let end = (0..=len_max.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_words_stay() {
        for (text, expected) in [
            (
                "key sk-proj-abcdefghijklmnop1234 used",
                "key [redacted] used",
            ),
            (
                "Authorization: Bearer abcdefgh12345",
                "Authorization: [redacted]",
            ),
            (
                "got bearer abcdefgh12345 here",
                "got bearer [redacted] here",
            ),
            ("postgres://user:pass@host/db", "[redacted]@host/db"),
            ("eyJhbGciOiJI.eyJzdWIiOiIx.sig_x", "[redacted]"),
            ("api_key=12345&x=1", "api_key=[redacted]&x=1"),
            (
                r#"{"password": "hunter2", "a": 1}"#,
                r#"{"password": "[redacted]", "a": 1}"#,
            ),
            ("-----BEGIN RSA PRIVATE KEY-----\nabc", "[redacted]"),
            ("AKIAIOSFODNN7EXAMPLE", "[redacted]"),
            (
                "max_tokens=4096 429 overloaded gpt-4.1",
                "max_tokens=4096 429 overloaded gpt-4.1",
            ),
            ("two-tier@1#9582b59af79a", "two-tier@1#9582b59af79a"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn samples_are_short_and_clean() {
        let line = format!("\u{1b}[31mtoken=abc{} é", "x".repeat(300));
        assert!(noise_sample(line.as_bytes()).len() <= 120);
        assert!(!noise_sample(line.as_bytes()).contains("abcx"));
        assert_eq!(noise_sample(b"\xffINFO"), "\u{fffd}INFO");
    }
}

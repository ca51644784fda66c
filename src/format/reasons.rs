//! The one table of reasons why a line is rejected, with what to do about each.

/// Why lines are rejected, and the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectReason {
    /// The code that rejects are counted by.
    pub code: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Every reason.
pub const REJECT_REASONS: [RejectReason; 18] = [
    reason(
        "ambiguous-key",
        "a key stands twice in one object: let the writer put each key once",
    ),
    reason(
        "bad-time",
        "write RFC 3339 with a zone or epoch milliseconds, or map the time with its unit",
    ),
    reason(
        "bad-value",
        "the field has a value that its format does not know: see the detail",
    ),
    reason(
        "byte-order-mark",
        "files were joined with their marks: take U+FEFF out, or let the writer leave it out",
    ),
    reason(
        "missing-field",
        "let the writer add the field, or map it from where it stands",
    ),
    reason(
        "not-an-object",
        "one JSON object a line is read: wrap the value, or filter such lines out",
    ),
    reason(
        "not-json",
        "the line is torn or no JSON: look for two writers in one file without O_APPEND",
    ),
    reason(
        "not-text",
        "the file is binary or packed in an unknown way: unpack it first",
    ),
    reason("not-utf8", "let the writer encode as UTF-8"),
    reason(
        "nul-byte",
        "the line holds NUL bytes: a crash or a sparse copy left a hole in it",
    ),
    reason(
        "nul-hole",
        "a crash or a copy left a hole of NUL bytes: the lines in it are lost",
    ),
    reason(
        "too-deep",
        "objects nested deeper than 64 levels are not read: let the writer flatten them",
    ),
    reason(
        "too-long",
        "lines over 1 MiB are not read: let the writer leave prompts and answers out",
    ),
    reason(
        "unknown-event",
        "`event` is no kind of native event: request, decision, attempt, outcome, correction, marker",
    ),
    reason(
        "unknown-format",
        "say with --map where request id, time and route stand, then retry",
    ),
    reason(
        "unmapped",
        "the mapping misses what the detail names: add it, then retry",
    ),
    reason(
        "unmapped-word",
        "the mapping does not name this word of the log: add it, then retry",
    ),
    reason(
        "unterminated",
        "the file ended inside the line: the writer was killed or is still writing",
    ),
];

const fn reason(code: &'static str, remedy: &'static str) -> RejectReason {
    RejectReason { code, remedy }
}

/// Returns what to do about lines rejected for that reason.
pub fn remedy_of(code: &str) -> Option<&'static str> {
    REJECT_REASONS
        .iter()
        .find(|reason| reason.code == code)
        .map(|reason| reason.remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_unique() {
        assert!(REJECT_REASONS.is_sorted_by(|a, b| a.code < b.code));
        assert!(remedy_of("unmapped").is_some() && remedy_of("none").is_none());
    }
}

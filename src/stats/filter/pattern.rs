//! Texts with `*` for any run of characters, compared without regard to ASCII case.

/// A text to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What stands between the stars, in lower case.
    parts: Vec<Box<str>>,
}

impl Pattern {
    /// Makes a pattern of what stands between the stars: one part is a text that must be equal.
    pub(super) fn of_parts(parts: Vec<String>) -> Self {
        let lower = |mut part: String| {
            part.make_ascii_lowercase();
            part.into_boxed_str()
        };
        let mut parts: Vec<Box<str>> = parts.into_iter().map(lower).collect();
        // Stars in a row are one star.
        let last = parts.len().saturating_sub(1);
        let mut idx = 0;
        parts.retain(|part| {
            let is_end = idx == 0 || idx == last;
            idx += 1;
            is_end || !part.is_empty()
        });
        Self { parts }
    }

    /// Tells whether `text` matches, in time proportional to its length times the parts.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return match self.parts.first() {
                Some(only) => text.eq_ignore_ascii_case(only.as_bytes()),
                None => text.is_empty(),
            };
        };
        let (first, last) = (first.as_bytes(), last.as_bytes());
        let starts = text.get(..first.len());
        if !starts.is_some_and(|start| start.eq_ignore_ascii_case(first)) {
            return false;
        }
        let mut rest = text.get(first.len()..).unwrap_or_default();
        // The leftmost place of each part leaves most room for those behind it.
        for part in middle {
            let part = part.as_bytes();
            let found = rest
                .windows(part.len())
                .position(|window| window.eq_ignore_ascii_case(part));
            let Some(at) = found else {
                return false;
            };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        let end = rest
            .len()
            .checked_sub(last.len())
            .and_then(|at| rest.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Pattern {
        Pattern::of_parts(text.split('*').map(str::to_owned).collect())
    }

    #[test]
    fn stars_match_any_run() {
        for (pattern, text, is_match) in [
            ("small-8b", "Small-8B", true),
            ("small", "small-8b", false),
            ("small*", "small-8b", true),
            ("*8b", "small-8b", true),
            ("s*8*b", "small-8b", true),
            ("*", "", true),
            ("**", "x", true),
            ("a*a", "a", false),
            ("a*b*a", "aba", true),
            ("a*ab", "aab", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(of(pattern).matches(text), is_match, "{pattern} on {text}");
        }
    }

    /// The obvious matcher, exponential in the worst case.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|from| naive(rest, &text[from..])),
            Some((byte, rest)) => text.split_first().is_some_and(|(first, others)| {
                first.eq_ignore_ascii_case(byte) && naive(rest, others)
            }),
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_obvious_matcher(pattern in "[abB*]{0,7}", text in "[abA]{0,9}") {
            let expected = naive(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(of(&pattern).matches(&text), expected);
        }
    }
}

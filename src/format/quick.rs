//! A reader for lines as routers write them: one pass, no surprises.
//!
//! It takes the JSON that machines emit (no escapes in texts, no exponents or signs in numbers, no
//! nested values where a plain one belongs, blanks only between tokens) and gives up on anything else
//! with `None`: the full reader then decides. What it does take means the same to both; a property
//! test holds them side by side.

use std::borrow::Cow;

use super::scalar::Scalar;

/// The largest whole number that every smaller one is exact up to: 2^53.
const EXACT_MAX: u64 = 1 << 53;

/// Powers of ten that are exact.
const TENS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// The most fields that a kind of object has.
const FIELDS_MAX: usize = 40;
/// Stands for the field before where that is none of those listed.
pub(crate) const AFTER_OTHER: usize = FIELDS_MAX - 1;

/// For each kind of object, which field followed each field in the line before: one writer writes one
/// order, so the next key is mostly known before it is read.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    next: [[u8; FIELDS_MAX]; Kind::COUNT],
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            next: [[0; FIELDS_MAX]; Kind::COUNT],
        }
    }
}

/// The kinds of objects in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Line,
    AttemptWire,
    SignalsWire,
    AttrsWire,
    CandidateWire,
    CorrectionWire,
    ExportedWire,
}

impl Kind {
    const COUNT: usize = 7;
}

/// A key as it stands before a value that is not the first of its object: `,"name":`.
///
/// It is compared by words, as a call for each key would cost more than the comparison.
#[derive(Debug)]
pub(crate) struct Key {
    text: &'static str,
    /// What stands between the quotes.
    name: &'static str,
    /// Its bytes, and zeros behind them.
    words: [u128; Self::WORDS],
    /// The bits of those bytes but the first.
    masks: [u128; Self::WORDS],
}

impl Key {
    const WORDS: usize = 2;
    const LEN_MAX: usize = Self::WORDS * 16;

    /// Takes a text of at most 32 bytes; a longer one does not compile as a constant.
    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    pub(crate) const fn new(text: &'static str) -> Self {
        let (mut words, mut masks) = ([0; Self::WORDS], [0; Self::WORDS]);
        let mut at = 0;
        while at < text.len() {
            let shift = at % 16 * 8;
            words[at / 16] |= (text.as_bytes()[at] as u128) << shift;
            if at > 0 {
                masks[at / 16] |= 0xff << shift;
            }
            at += 1;
        }
        let (_, name) = text.split_at(2);
        let (name, _) = name.split_at(name.len() - 2);
        Self {
            text,
            name,
            words,
            masks,
        }
    }

    /// Tells whether `bytes` begin with it, whatever their first byte is: a comma, or what opens an
    /// object.
    #[inline]
    fn follows(&self, bytes: &[u8]) -> bool {
        let Some(head) = bytes.first_chunk::<{ Self::LEN_MAX }>() else {
            // So close to the end of the line that it does not pay.
            return false;
        };
        let (words, _) = head.as_chunks::<16>();
        let differences = words.iter().zip(&self.words).zip(&self.masks);
        differences.fold(0, |all, ((word, key), mask)| {
            all | (u128::from_le_bytes(*word) ^ key) & mask
        }) == 0
    }
}

/// What comes next in an object.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    /// The value of the field at this place in the list.
    Field(usize),
    /// The value of a field that is not listed.
    Other(&'a str),
    /// Nothing.
    End,
}

/// A place in a line.
#[derive(Debug)]
pub(crate) struct Cursor<'a, 'o> {
    text: &'a str,
    at: usize,
    orders: &'o mut Orders,
}

/// A part of a line that can be read this way.
pub(crate) trait Quick<'a> {
    /// Tells whether the line had such a part, be it null.
    fn is_given(&self) -> bool;

    /// Reads it from `cursor`; `None`: the full reader must.
    fn read(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()>;
}

/// Reads a whole line into `into`; `None`: the full reader must.
pub(crate) fn read<'a>(
    text: &'a str,
    orders: &mut Orders,
    into: &mut impl Quick<'a>,
) -> Option<()> {
    // Control characters are no JSON inside a text; outside they are no business of this reader.
    let is_odd = text
        .as_bytes()
        .chunks(64)
        .any(|chunk| chunk.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ');
    if is_odd {
        return None;
    }
    let mut cursor = Cursor {
        text,
        at: 0,
        orders,
    };
    into.read(&mut cursor)?;
    (cursor.at == text.len()).then_some(())
}

impl<'a> Cursor<'a, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Takes one byte, and the blanks behind it.
    fn take(&mut self, byte: u8) -> Option<()> {
        if self.peek() != Some(byte) {
            return None;
        }
        self.at += 1;
        self.skip_blanks();
        Some(())
    }

    fn take_word(&mut self, word: &str) -> Option<()> {
        let is_next = self.text.get(self.at..)?.starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next.then_some(())
    }

    /// Takes `null`, if it is next.
    pub(crate) fn take_null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.take_word("null").is_some()
    }

    /// Opens an array; returns whether it has something in it.
    pub(crate) fn open(&mut self) -> Option<bool> {
        self.take(b'[')?;
        let is_empty = self.peek()? == b']';
        self.at += usize::from(is_empty);
        Some(!is_empty)
    }

    /// Takes the comma or the end behind an item of an array; returns whether more follows.
    pub(crate) fn has_more(&mut self) -> Option<bool> {
        self.skip_blanks();
        match self.peek()? {
            b',' => self.take(b',').map(|()| true),
            b']' => {
                self.at += 1;
                Some(false)
            }
            _ => None,
        }
    }

    /// Opens an object.
    pub(crate) fn open_object(&mut self) -> Option<()> {
        self.take(b'{')
    }

    /// Takes what stands before the next value of an object, or its end. `keys` lists the fields; `after`
    /// is the place of the field before, plus one.
    pub(crate) fn next_field(
        &mut self,
        kind: Kind,
        keys: &[Key],
        after: usize,
    ) -> Option<Next<'a>> {
        let guess = *self.orders.next.get(kind as usize)?.get(after)?;
        // The first key has no comma before it, but some byte.
        let is_first = after == 0;
        let start = self.at.checked_sub(usize::from(is_first))?;
        let rest = self.text.as_bytes().get(start..)?;
        if let Some(key) = keys.get(usize::from(guess))
            && (is_first || rest.first() == Some(&b','))
            && key.follows(rest)
        {
            self.at = start + key.text.len();
            self.skip_blanks();
            return Some(Next::Field(usize::from(guess)));
        }
        self.next_unforeseen(kind, keys, after)
    }

    fn next_unforeseen(&mut self, kind: Kind, keys: &[Key], after: usize) -> Option<Next<'a>> {
        self.skip_blanks();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Next::End);
        }
        if after > 0 {
            self.take(b',')?;
        }
        let key = self.quoted()?;
        self.skip_blanks();
        self.take(b':')?;
        let Some(place) = keys.iter().position(|known| known.name == key) else {
            return Some(Next::Other(key));
        };
        let next = self.orders.next.get_mut(kind as usize)?.get_mut(after)?;
        *next = u8::try_from(place).ok()?;
        Some(Next::Field(place))
    }

    fn quoted(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = start + end_of_text(self.text.as_bytes().get(start..)?)?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    fn number(&mut self) -> Option<f64> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let (whole, whole_len) = digits(rest, 0)?;
        let has_leading_zero = whole_len > 1 && rest.first() == Some(&b'0');
        if whole_len == 0 || has_leading_zero {
            return None;
        }
        let after = rest.get(whole_len..)?;
        let (value, places) = match after.first()? {
            b'.' => digits(after.get(1..)?, whole)?,
            _ => (whole, 0),
        };
        let len = match after.first()? {
            b'.' if places == 0 => return None,
            b'.' => whole_len + 1 + places,
            _ => whole_len,
        };
        if matches!(rest.get(len), Some(b'e' | b'E' | b'.')) {
            return None;
        }
        self.at += len;
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let value = value as f64;
        // Both are exact, so the quotient is rounded once (Clinger 1990, the fast path).
        match places {
            0 => Some(value),
            places => Some(value / TENS.get(places)?),
        }
    }
}

/// Adds the digits at the start of `bytes` to `value`; returns the sum and how many there were, or
/// nothing when it would not be exact.
fn digits(bytes: &[u8], mut value: u64) -> Option<(u64, usize)> {
    let mut len = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        len += 1;
    }
    // 15 digits cannot wrap, and more than that are rarely exact.
    (len < TENS.len() && value < EXACT_MAX).then_some((value, len))
}

/// Finds the quote that ends a text without escapes: eight bytes at a time, since most are short.
fn end_of_text(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // Marks the zero bytes of a word, up to the first of them exactly (Mycroft 1987).
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut at = 0;
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let found =
            zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            at += found.trailing_zeros() as usize / 8;
            return (bytes.get(at) == Some(&b'"')).then_some(at);
        }
        at += 8;
        rest = after;
    }
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (rest.get(end) == Some(&b'"')).then_some(at + end)
}

impl<'a> Quick<'a> for Scalar<'a> {
    fn is_given(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    fn read(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        *self = match cursor.peek()? {
            b'"' => Self::Text(Cow::Borrowed(cursor.quoted()?)),
            b'0'..=b'9' => Self::Number(cursor.number()?),
            b't' => cursor.take_word("true").map(|()| Self::Bool(true))?,
            b'f' => cursor.take_word("false").map(|()| Self::Bool(false))?,
            b'n' => cursor.take_word("null").map(|()| Self::Null)?,
            _ => return None,
        };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::wire::Line;
    use proptest::prelude::*;

    /// Keys that the line knows, at its top and below, and one that it does not.
    const KEYS: [&str; 12] = [
        "event",
        "ts",
        "request_id",
        "signals",
        "user_tier",
        "attempts",
        "model",
        "latency_ms",
        "attrs",
        "correction",
        "candidates",
        "zone",
    ];

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<u64>().prop_map(|n| n.to_string()),
            any::<i32>().prop_map(|n| n.to_string()),
            (any::<u32>(), 0..18_usize)
                .prop_map(|(n, places)| { format!("{}.{:0places$}", n, n / 7) }),
            any::<f64>().prop_map(|n| n.to_string()),
            "-?[0-9]{1,3}(\\.[0-9]{0,17})?([eE][+-]?[0-9]{0,3})?",
        ]
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            number(),
            "\"[a-zé ,:{}\\[\\]]{0,12}\"",
            "\"(\\\\[nu\"]|[a-z0-9]){0,6}\"",
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("false".to_owned()),
            Just("NaN".to_owned()),
        ];
        leaf.prop_recursive(3, 40, 8, |inner| {
            let key = prop::sample::select(&KEYS[..]);
            let blank = prop::sample::select(&["", " ", "  "][..]);
            prop_oneof![
                (
                    prop::collection::vec((key, inner.clone()), 0..8),
                    blank.clone()
                )
                    .prop_map(|(fields, blank)| {
                        let fields: Vec<String> = fields
                            .iter()
                            .map(|(key, value)| format!("\"{key}\":{blank}{value}"))
                            .collect();
                        format!("{{{}}}", fields.join(&format!(",{blank}")))
                    }),
                (prop::collection::vec(inner, 0..4), blank)
                    .prop_map(|(items, blank)| format!("[{}]", items.join(&format!("{blank},")))),
            ]
        })
    }

    /// A value as machines write it.
    fn plain() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => (0..10_000_000_u64).prop_map(|n| n.to_string()),
            3 => (0..100_000_u32, 1..=9_usize, any::<u32>()).prop_map(|(whole, places, rest)| {
                let rest = u64::from(rest) % 10_u64.pow(u32::try_from(places).unwrap());
                format!("{whole}.{rest:0places$}")
            }),
            3 => "\"[a-zé ,:{}\\[\\]]{0,24}\"",
            1 => prop::sample::select(&["null", "true", "false"][..]).prop_map(str::to_owned),
        ]
    }

    /// An object with some of `keys`, each once, in any order; values are `value` or plain.
    fn object(keys: &'static [&'static str]) -> impl Strategy<Value = String> {
        let keys = prop::sample::subsequence(keys, 0..=keys.len()).prop_shuffle();
        (
            keys,
            prop::collection::vec(plain(), 32),
            prop::sample::select(&["", " "][..]),
        )
            .prop_map(|(keys, values, blank)| {
                let fields: Vec<String> = keys
                    .iter()
                    .zip(values)
                    .map(|(key, value)| format!("\"{key}\":{blank}{value}"))
                    .collect();
                format!("{{{}}}", fields.join(&format!(",{blank}")))
            })
    }

    /// A line as a router writes it.
    fn line() -> impl Strategy<Value = String> {
        const TOP: &[&str] = &[
            "event",
            "ts",
            "request_id",
            "route",
            "policy",
            "latency_ms",
            "cost_usd",
            "corrected",
            "zone",
            "input_tokens",
        ];
        const SIGNALS: &[&str] = &[
            "retrieval_confidence",
            "input_complexity",
            "tools_required",
            "user_tier",
            "own_signal",
        ];
        const ATTEMPT: &[&str] = &[
            "model",
            "outcome",
            "latency_ms",
            "ttft_ms",
            "input_tokens",
            "cost_usd",
            "reason",
        ];
        (
            object(TOP),
            object(SIGNALS),
            prop::collection::vec(object(ATTEMPT), 0..3),
            object(&["region", "app"]),
        )
            .prop_map(|(top, signals, attempts, attrs)| {
                let comma = if top == "{}" { "" } else { "," };
                format!(
                    "{}{comma}\"signals\":{signals},\"attempts\":[{}],\"attrs\":{attrs}}}",
                    top.trim_end_matches('}'),
                    attempts.join(",")
                )
            })
    }

    fn check(text: &str) {
        let mut orders = Orders::default();
        // The second time the order of the keys is known.
        for _ in 0..2 {
            let mut quick = Line::default();
            if read(text, &mut orders, &mut quick).is_some() {
                let full = sonic_rs::from_str::<Line<'_>>(text).ok();
                assert_eq!(full, Some(quick), "{text}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_it_takes_means_the_same_to_the_full_reader(text in json()) {
            check(&text);
        }

        #[test]
        fn lines_of_routers_are_taken_one_after_the_other(
            lines in prop::collection::vec(line(), 1..4),
        ) {
            let mut orders = Orders::default();
            for text in lines {
                let mut quick = Line::default();
                prop_assert!(read(&text, &mut orders, &mut quick).is_some(), "{}", text);
                let full = sonic_rs::from_str::<Line<'_>>(&text).unwrap();
                prop_assert_eq!(full, quick, "{}", text);
            }
        }

        #[test]
        fn one_wrong_byte_is_seen_like_by_the_full_reader(
            text in json(),
            at in any::<prop::sample::Index>(),
            with in prop::sample::select(&b"\"\\{}[],:0-.e \t\x01a"[..]),
        ) {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = with;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                check(text);
            }
        }
    }

    #[test]
    fn a_key_is_told_from_one_that_differs_in_a_byte() {
        const KEYS: [Key; 3] = [
            Key::new(",\"n\":"),
            Key::new(",\"input_tokens\":"),
            Key::new(",\"retrieval_confidence\":"),
        ];
        for key in KEYS {
            let mut line = format!("{}{}", key.text, "1".repeat(40)).into_bytes();
            assert!(key.follows(&line));
            for at in 1..key.text.len() {
                line[at] ^= 4;
                assert!(!key.follows(&line), "{} differs at {at}", key.text);
                line[at] ^= 4;
            }
            line[0] = b'{';
            assert!(key.follows(&line));
        }
    }

    #[test]
    fn ordinary_lines_are_taken() {
        for text in [
            r#"{"event":"request","ts":"2026-11-23T02:41:07Z","request_id":"r-1","route":"a","attempts":[{"model":"m","outcome":"ok","latency_ms":12.50}],"outcome":"completed","zone":"x"}"#,
            r#"{"event": "outcome", "ts": 1795000000123, "request_id": "r-1", "attrs": {}, "correction": null, "corrected": false}"#,
        ] {
            assert!(
                read(text, &mut Orders::default(), &mut Line::default()).is_some(),
                "{text}"
            );
        }
        for text in [
            r#"{"event":"a\n"}"#,
            r#"{"n":-1}"#,
            r#"{"n":1e3}"#,
            r#"{"n":01}"#,
            r#"{"n":1.}"#,
            r#"{"n":12345678901234567890}"#,
            r#"{"zone":{"a":1}}"#,
            r#"{"event":"a","event":"b"}"#,
            r#"{"event":"a"} "#,
        ] {
            assert!(
                read(text, &mut Orders::default(), &mut Line::default()).is_none(),
                "{text}"
            );
        }
    }
}

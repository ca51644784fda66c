//! Tells a file that is one JSON document, an object or array over several lines, from JSON Lines.
//!
//! JSON Lines is the rule: bytes are held back only while they can still turn out to be one document,
//! and the first violation of JSON's grammar makes them lines. That the first line ends inside an object
//! is not enough: a line torn by a crash does so, too, but then the next one does not go on where it
//! ended. The scanner knows the grammar of structure and strings; what a number may look like is left to
//! whoever reads the document.

use super::lines::Piece;

/// The longest document.
pub(super) const DOCUMENT_LEN_MAX: usize = 16 * 1024 * 1024;
/// The longest stretch of white space before the first value.
const BLANK_LEN_MAX: usize = 64 * 1024;
/// The most elements of an array that are read as lines of their own: a document is one transaction.
const ELEMENTS_MAX: usize = 100_000;
/// The deepest nesting; formats read less.
const DEPTH_MAX: usize = 128;

/// What the bytes so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not one document.
    Lines,
    /// They may be one document.
    Undecided,
    /// A document beyond [`DOCUMENT_LEN_MAX`] or [`ELEMENTS_MAX`].
    TooLong,
}

/// The first bytes of a generation, held until it is clear what they are.
pub(super) struct Opening {
    held: Vec<u8>,
    scanner: Scanner,
    /// The longest line; an object on one line is a line.
    line_len_max: usize,
}

impl Opening {
    pub(super) fn new(line_len_max: usize) -> Self {
        Self {
            held: Vec::new(),
            scanner: Scanner::default(),
            line_len_max,
        }
    }

    /// Takes bytes over while they are undecided; otherwise they stay with the caller.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Verdict {
        if !self.scanner.feed(bytes) {
            return Verdict::Lines;
        }
        let len = self.held.len() + bytes.len();
        let is_torn = self.scanner.has_line_end;
        let len_max = match self.scanner.root {
            None => BLANK_LEN_MAX,
            Some(Nest::Object) if !is_torn => self.line_len_max,
            _ => DOCUMENT_LEN_MAX,
        };
        if len > len_max || self.scanner.elements.len() > ELEMENTS_MAX {
            return if is_torn {
                Verdict::TooLong
            } else {
                Verdict::Lines
            };
        }
        self.held.extend_from_slice(bytes);
        Verdict::Undecided
    }

    /// Returns the held bytes.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Gives the held bytes back.
    pub(super) fn into_held(self) -> Vec<u8> {
        self.held
    }

    /// Tells whether a document has begun and goes over the end of a line.
    pub(super) fn has_line_end(&self) -> bool {
        self.scanner.has_line_end
    }

    /// Returns the document in pieces, an array of objects as one line for each; `None`: it is not
    /// whole, or one line that is better read as such.
    pub(super) fn pieces(&self) -> Option<Vec<Piece<'_>>> {
        let Scanner { start, end, .. } = self.scanner;
        let elements = &self.scanner.elements;
        let first = elements.first().and_then(|(from, _)| self.held.get(*from));
        let is_list = first == Some(&b'{');
        let end = end.filter(|_| is_list || self.scanner.has_line_end)?;
        let whole = [(start, end)];
        let lines = if is_list { &elements[..] } else { &whole };
        let mut pieces = Vec::with_capacity(lines.len() * 2 + 1);
        let mut done = 0;
        let gap = |from: usize, to: usize| {
            (to > from).then(|| Piece::Continuation {
                span: len_u64(to - from),
            })
        };
        for (from, to) in lines {
            pieces.extend(gap(done, *from));
            pieces.push(Piece::Line {
                line: self.held.get(*from..*to)?,
                span: len_u64(to - from),
            });
            done = *to;
        }
        pieces.extend(gap(done, self.held.len()));
        Some(pieces)
    }
}

fn len_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// What a bracket opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nest {
    Object,
    Array,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Next {
    /// A byte order mark, of which so many bytes were seen, or the document.
    Mark(u8),
    /// The document: an object or array.
    #[default]
    Root,
    Value,
    /// A value, or the end of an empty array.
    FirstValue,
    Key,
    /// A key, or the end of an empty object.
    FirstKey,
    Colon,
    CommaOrEnd,
    /// Inside a string; a value or a key.
    Text {
        is_key: bool,
        is_escaped: bool,
    },
    /// Inside a number or a word.
    Bare,
    /// White space after the document.
    Nothing,
}

/// Follows JSON's grammar byte by byte.
#[derive(Debug, Clone, Default)]
struct Scanner {
    next: Next,
    nests: Vec<Nest>,
    root: Option<Nest>,
    at: usize,
    start: usize,
    end: Option<usize>,
    /// Whether a line ends inside the document.
    has_line_end: bool,
    /// Where the elements of an array begin and end.
    elements: Vec<(usize, usize)>,
}

impl Scanner {
    /// Goes on over `bytes`; `false`: they are not one document.
    fn feed(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if !self.step(*byte) {
                return false;
            }
            self.at += 1;
        }
        true
    }

    fn step(&mut self, byte: u8) -> bool {
        match self.next {
            Next::Text { is_key, is_escaped } => return self.text(byte, is_key, is_escaped),
            Next::Bare if is_bare(byte) => return true,
            Next::Bare => self.end_value(self.at),
            _ => {}
        }
        if byte.is_ascii_whitespace() {
            self.has_line_end |= byte == b'\n' && !self.nests.is_empty();
            return true;
        }
        match (self.next, byte) {
            (Next::Root, 0xef) if self.at == 0 => self.next = Next::Mark(1),
            (Next::Mark(1), 0xbb) => self.next = Next::Mark(2),
            (Next::Mark(2), 0xbf) => self.next = Next::Root,
            (Next::Root, b'{' | b'[') => {
                self.start = self.at;
                return self.open(byte);
            }
            (Next::Value | Next::FirstValue, _) => return self.value(byte),
            (Next::FirstKey, b'}') => return self.close(Nest::Object),
            (Next::Key | Next::FirstKey, b'"') => {
                self.next = Next::Text {
                    is_key: true,
                    is_escaped: false,
                };
            }
            (Next::Colon, b':') => self.next = Next::Value,
            (Next::CommaOrEnd, b',') => {
                self.next = match self.nests.last() {
                    Some(Nest::Object) => Next::Key,
                    _ => Next::Value,
                };
            }
            (Next::CommaOrEnd, b'}') => return self.close(Nest::Object),
            (Next::CommaOrEnd, b']') => return self.close(Nest::Array),
            _ => return false,
        }
        true
    }

    fn text(&mut self, byte: u8, is_key: bool, is_escaped: bool) -> bool {
        self.next = match byte {
            // A string never goes over the end of a line.
            0..=0x1f => return false,
            b'"' if !is_escaped && is_key => Next::Colon,
            b'"' if !is_escaped => {
                self.end_value(self.at + 1);
                return true;
            }
            _ => Next::Text {
                is_key,
                is_escaped: byte == b'\\' && !is_escaped,
            },
        };
        true
    }

    fn value(&mut self, byte: u8) -> bool {
        match byte {
            b']' if self.next == Next::FirstValue => return self.close(Nest::Array),
            b'{' | b'[' => {
                self.begin_element();
                return self.open(byte);
            }
            b'"' => {
                self.begin_element();
                self.next = Next::Text {
                    is_key: false,
                    is_escaped: false,
                };
            }
            byte if is_bare(byte) => {
                self.begin_element();
                self.next = Next::Bare;
            }
            _ => return false,
        }
        true
    }

    fn open(&mut self, byte: u8) -> bool {
        let nest = if byte == b'{' {
            Nest::Object
        } else {
            Nest::Array
        };
        self.root.get_or_insert(nest);
        self.nests.push(nest);
        self.next = match nest {
            Nest::Object => Next::FirstKey,
            Nest::Array => Next::FirstValue,
        };
        self.nests.len() <= DEPTH_MAX
    }

    fn close(&mut self, nest: Nest) -> bool {
        if self.nests.pop() != Some(nest) {
            return false;
        }
        self.end_value(self.at + 1);
        if self.nests.is_empty() {
            self.next = Next::Nothing;
            self.end = Some(self.at + 1);
        }
        // An object on one line is a line.
        !self.nests.is_empty() || self.has_line_end || nest == Nest::Array
    }

    fn is_in_list(&self) -> bool {
        self.nests[..] == [Nest::Array]
    }

    fn begin_element(&mut self) {
        if self.is_in_list() && self.elements.len() <= ELEMENTS_MAX {
            self.elements.push((self.at, self.at));
        }
    }

    /// A value has ended before the byte at `end`.
    fn end_value(&mut self, end: usize) {
        self.next = Next::CommaOrEnd;
        if self.is_in_list()
            && let Some((_, last)) = self.elements.last_mut()
        {
            *last = end;
        }
    }
}

/// Tells whether a byte belongs to a number or a word.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn judge(text: &[u8], step: usize) -> (Verdict, Opening) {
        let mut opening = Opening::new(1_000);
        for chunk in text.chunks(step) {
            let verdict = opening.push(chunk);
            if verdict != Verdict::Undecided {
                return (verdict, opening);
            }
        }
        (Verdict::Undecided, opening)
    }

    /// The lines of a document, and where they begin; `None`: it is none, or not whole.
    fn lines(text: &str) -> Option<Vec<(usize, String)>> {
        let found: Vec<_> = [1, 7, usize::MAX >> 1]
            .iter()
            .map(|step| {
                let (verdict, opening) = judge(text.as_bytes(), *step);
                let pieces = (verdict == Verdict::Undecided)
                    .then(|| opening.pieces())
                    .flatten()?;
                let (mut at, mut found) = (0, Vec::new());
                for piece in pieces {
                    at += match piece {
                        Piece::Line { line, span } => {
                            let line = String::from_utf8(line.to_vec()).unwrap();
                            assert_eq!(usize::try_from(span).unwrap(), line.len());
                            found.push((at, line));
                            usize::try_from(span).unwrap()
                        }
                        Piece::Continuation { span } => usize::try_from(span).unwrap(),
                        other => panic!("{other:?}"),
                    };
                }
                assert_eq!(at, text.len(), "every byte is accounted for");
                Some(found)
            })
            .collect();
        assert!(found.iter().all(|one| *one == found[0]), "{text}");
        found.into_iter().next().flatten()
    }

    #[test]
    fn an_object_over_several_lines_is_one_line() {
        let text = " \n{\n  \"a\": [1, -2.5e+3, null],\n  \"b\": {\"c\": \"x\\\"}\"}\n}\n \n";
        let body = text.trim();
        assert_eq!(lines(text), Some(vec![(2, body.to_owned())]));
        assert_eq!(lines("\u{feff}{\n}"), Some(vec![(3, "{\n}".to_owned())]));
    }

    #[test]
    fn an_array_of_objects_is_a_line_for_each() {
        for text in [
            "[{\"a\":1},{\"b\":[{}]}]\n",
            "[\n  {\"a\":1} ,\n  {\"b\":[{}]}\n]",
            "[\n{\"a\":1}\n,\n{\"b\":[{}]}]\n\n",
        ] {
            let found = lines(text).unwrap();
            let texts: Vec<&str> = found.iter().map(|(_, line)| line.as_str()).collect();
            assert_eq!(texts, ["{\"a\":1}", "{\"b\":[{}]}"], "{text}");
            for (at, line) in &found {
                assert!(text[*at..].starts_with(line));
            }
        }
    }

    #[test]
    fn other_arrays_stay_whole() {
        assert_eq!(
            lines("[\n1,\n2]\n"),
            Some(vec![(0, "[\n1,\n2]".to_owned())])
        );
        assert_eq!(lines("[1,2]\n"), None);
        assert_eq!(lines("[]\n"), None);
    }

    #[test]
    fn lines_are_not_taken_for_a_document() {
        for text in [
            "{\"a\":1}\n{\"b\":2}\n",
            "{\"a\":1}\n",
            "{}",
            "\n\n{\"a\":1}\n",
            "[1]\n[2]\n",
            "[{}]\n{\"a\":1}\n",
            "{\n}\n{\"a\":1}\n",
            // Torn by a crash, at every kind of place, before whole lines.
            "{\n{\"a\":1}\n",
            "{\"a\n{\"a\":1}\n",
            "{\"a\"\n{\"a\":1}\n",
            "{\"a\":\n{\"a\":1}\n{\"a\":1}\n",
            "{\"a\":1\n{\"a\":1}\n",
            "{\"a\":1,\n{\"a\":1}\n",
            "{\"a\":[\n{\"a\":1}\n{\"a\":1}\n",
            "{\"a\":[1,\n{\"a\":1}\n{\"a\":1}\n",
            "{\"a\":tr\n{\"a\":1}\n",
            "[INFO] started\n",
            "2026-11-24 banner\n",
            "\"text\"\n",
            "{\"a\":1]\n}",
        ] {
            assert_eq!(judge(text.as_bytes(), 5).0, Verdict::Lines, "{text}");
        }
    }

    #[test]
    fn what_is_not_whole_waits() {
        let text = "[\n {\"a\": \"b\"},\n {\"c\": 1}\n]\n";
        for end in 0..text.len() - 2 {
            let (verdict, opening) = judge(&text.as_bytes()[..end], 3);
            assert_eq!(verdict, Verdict::Undecided);
            assert!(opening.pieces().is_none(), "{}", &text[..end]);
        }
    }

    #[test]
    fn nothing_is_held_without_bound() {
        let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(2_000));
        assert_eq!(judge(line.as_bytes(), 100).0, Verdict::Lines);
        let blanks = " ".repeat(BLANK_LEN_MAX + 100);
        assert_eq!(judge(blanks.as_bytes(), 100).0, Verdict::Lines);
        let long = format!("{{\n\"a\":\"{}\"", "x".repeat(DOCUMENT_LEN_MAX));
        assert_eq!(judge(long.as_bytes(), 1 << 20).0, Verdict::TooLong);
        let many = format!("[\n{}", "{},".repeat(ELEMENTS_MAX + 10));
        assert_eq!(judge(many.as_bytes(), 1 << 16).0, Verdict::TooLong);
        let deep = "[".repeat(DEPTH_MAX + 1);
        assert_eq!(judge(deep.as_bytes(), 100).0, Verdict::Lines);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            text in prop::collection::vec(prop::sample::select(&b"{}[]\",:\\ \n1t\xef\xbb\xbf\0x"[..]), 0..60),
            step in 1..9_usize,
        ) {
            let (_, opening) = judge(&text, step);
            if let Some(pieces) = opening.pieces() {
                prop_assert!(!pieces.is_empty());
            }
        }

        #[test]
        fn every_pretty_printed_array_comes_apart_as_it_was(
            records in prop::collection::vec(prop::collection::vec((".{0,4}", value()), 0..4), 1..6),
        ) {
            let records: Vec<Value> = records
                .into_iter()
                .map(|pairs| Value::Object(pairs.into_iter().collect()))
                .collect();
            let text = serde_json::to_string_pretty(&records).unwrap();
            let found = lines(&text).unwrap();
            let back: Vec<Value> = found
                .iter()
                .map(|(_, line)| serde_json::from_str(line).unwrap())
                .collect();
            let again: Vec<Value> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back, again);
        }
    }
}

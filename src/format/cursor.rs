//! A place in a line of JSON as routers write it.
//!
//! It takes what machines emit (no escapes in texts, no exponents or signs in numbers, blanks only between
//! tokens) and gives up on anything else with `None`: the full reader then decides.

/// The largest whole number that every smaller one is exact up to: 2^53.
const EXACT_MAX: u64 = 1 << 53;

/// Below this a number with a fraction, scaled as a floating-point number, is off by less than a quarter.
const SCALED_MAX: u64 = 1_000_000_000_000_000;

/// Powers of ten, all of them exact as floating-point numbers too.
const TENS: [u64; 16] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
    10_000_000_000_000,
    100_000_000_000_000,
    1_000_000_000_000_000,
];

/// The most fields that a kind of object has, and one for those that are not listed.
const FIELDS_MAX: usize = 40;
/// Stands for the field before where that is none of those listed.
pub(crate) const AFTER_OTHER: usize = FIELDS_MAX - 1;

/// For each kind of object, which fields followed each field in the lines before: one writer writes one
/// order, but leaves out what it does not know, so that the next key is mostly one of two.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    next: [[[u8; 2]; FIELDS_MAX]; KINDS],
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            next: [[[0; 2]; FIELDS_MAX]; KINDS],
        }
    }
}

/// How many kinds of objects a line has.
const KINDS: usize = 5;

/// The fields of a kind of object.
pub(crate) trait Fields: Copy + 'static {
    /// The number of the kind, below [`KINDS`].
    const KIND: usize;
    /// Each field and its key.
    const ALL: &'static [(Self, Key)];
}

/// A key as it stands before a value: `"name":`.
///
/// It is compared by words, as a call for each key would cost more than the comparison.
#[derive(Debug)]
pub(crate) struct Key {
    text: &'static str,
    /// What stands between the quotes.
    name: &'static str,
    /// Its bytes, and zeros behind them.
    words: [u128; 2],
    /// The bits of those bytes.
    masks: [u128; 2],
}

impl Key {
    const LEN_MAX: usize = 32;

    /// Takes a text of at most 32 bytes; a longer one does not compile as a constant.
    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    pub(crate) const fn new(text: &'static str) -> Self {
        let (mut words, mut masks) = ([0; 2], [0; 2]);
        let mut at = 0;
        while at < text.len() {
            let shift = at % 16 * 8;
            words[at / 16] |= (text.as_bytes()[at] as u128) << shift;
            masks[at / 16] |= 0xff << shift;
            at += 1;
        }
        let (_, name) = text.split_at(1);
        let (name, _) = name.split_at(name.len() - 2);
        Self {
            text,
            name,
            words,
            masks,
        }
    }

    /// Tells whether `bytes` begin with it.
    #[inline]
    fn begins(&self, bytes: &[u8]) -> bool {
        let Some(head) = bytes.first_chunk::<{ Self::LEN_MAX }>() else {
            return bytes.starts_with(self.text.as_bytes());
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
pub(crate) enum Next<'a, F> {
    /// The value of a field.
    Field(F),
    /// The value of a field that is not listed.
    Other(&'a str),
    /// Nothing.
    End,
}

/// Where in an object the cursor stands.
#[derive(Debug, Default)]
pub(crate) struct Within {
    /// The place of the field before in the list, plus one; 0 at the start.
    after: usize,
    /// A bit for each field that was there.
    seen: u64,
}

/// A number as it is written, without a sign: the digits, and how many of them stand behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: u64,
    places: usize,
}

impl Decimal {
    /// Returns the number; digits and power of ten are exact, so it is rounded once (Clinger 1990, the
    /// fast path).
    #[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
    pub(crate) fn as_f64(self) -> f64 {
        match TENS.get(self.places) {
            Some(ten) => self.digits as f64 / *ten as f64,
            None => f64::NAN,
        }
    }

    /// Returns the number in units of 10^-`places`; `None` where it is finer than those, or so large that
    /// [`Decimal::as_f64`], scaled and rounded, might give another.
    pub(crate) fn scaled(self, places: usize) -> Option<u64> {
        let ten = TENS.get(places.checked_sub(self.places)?)?;
        let scaled = self.digits.checked_mul(*ten)?;
        (scaled < SCALED_MAX).then_some(scaled)
    }
}

/// A plain value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plain<'a> {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(&'a str),
}

/// A place in a line.
#[derive(Debug)]
pub(crate) struct Cursor<'a, 'o> {
    text: &'a str,
    at: usize,
    orders: &'o mut Orders,
}

impl<'a, 'o> Cursor<'a, 'o> {
    /// Stands at the start of a line; `None`: there are control characters in it.
    pub(crate) fn new(text: &'a str, orders: &'o mut Orders) -> Option<Self> {
        // They are no JSON inside a text; outside they are no business of this reader.
        let is_odd = text
            .as_bytes()
            .chunks(64)
            .any(|chunk| chunk.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ');
        let at = 0;
        (!is_odd).then_some(Self { text, at, orders })
    }

    /// Tells whether nothing is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

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
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then_some(())?;
        self.at += word.len();
        Some(())
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
    pub(crate) fn open_object(&mut self) -> Option<Within> {
        self.take(b'{')?;
        Some(Within::default())
    }

    /// Takes what stands before the next value of an object, or its end; `None` also where a field stands
    /// twice.
    #[inline]
    pub(crate) fn next<F: Fields>(&mut self, within: &mut Within) -> Option<Next<'a, F>> {
        let mut start = self.at;
        match self.peek()? {
            b'}' => {
                self.at += 1;
                return Some(Next::End);
            }
            b',' if within.after > 0 => start += 1,
            b'"' if within.after == 0 => {}
            _ => return self.next_unforeseen(within),
        }
        start += usize::from(self.text.as_bytes().get(start) == Some(&b' '));
        let rest = self.text.as_bytes().get(start..)?;
        for guess in *self.orders.next.get(F::KIND)?.get(within.after)? {
            if let Some((field, key)) = F::ALL.get(usize::from(guess))
                && key.begins(rest)
            {
                self.at = start + key.text.len();
                self.skip_blanks();
                within.enter(usize::from(guess))?;
                return Some(Next::Field(*field));
            }
        }
        self.next_unforeseen(within)
    }

    fn next_unforeseen<F: Fields>(&mut self, within: &mut Within) -> Option<Next<'a, F>> {
        let Some(name) = self.next_key(within.after > 0)? else {
            return Some(Next::End);
        };
        let place = F::ALL.iter().position(|(_, key)| key.name == name);
        let Some(((field, _), place)) = place.and_then(|place| Some((F::ALL.get(place)?, place)))
        else {
            within.after = AFTER_OTHER;
            return Some(Next::Other(name));
        };
        let guesses = self.orders.next.get_mut(F::KIND)?.get_mut(within.after)?;
        let [first, second] = guesses;
        *second = std::mem::replace(first, u8::try_from(place).ok()?);
        within.enter(place)?;
        Some(Next::Field(*field))
    }

    /// Takes the next key of an object, whatever it is; inside: `None` at its end.
    #[expect(
        clippy::option_option,
        reason = "outside: not for this reader, inside: the end of the object"
    )]
    pub(crate) fn next_key(&mut self, is_after_value: bool) -> Option<Option<&'a str>> {
        self.skip_blanks();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(None);
        }
        if is_after_value {
            self.take(b',')?;
        }
        let key = self.quoted()?;
        self.skip_blanks();
        self.take(b':')?;
        Some(Some(key))
    }

    /// Takes a text.
    pub(crate) fn quoted(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = start + end_of_text(self.text.as_bytes().get(start..)?)?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// Takes a number.
    pub(crate) fn decimal(&mut self) -> Option<Decimal> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let mut digits = 0;
        let whole_len = take_digits(rest, &mut digits);
        let (mut len, mut places) = (whole_len, 0);
        if let Some((b'.', behind)) = rest.get(len..)?.split_first() {
            places = take_digits(behind, &mut digits);
            // A point without digits behind it is no number.
            len += places + usize::from(places > 0);
        }
        let has_leading_zero = whole_len > 1 && rest.first() == Some(&b'0');
        // 15 digits cannot have wrapped, and more than that are rarely exact.
        let is_plain = whole_len > 0
            && !has_leading_zero
            && whole_len + places < TENS.len()
            && digits < EXACT_MAX
            && !matches!(rest.get(len), Some(b'e' | b'E' | b'.'));
        self.at += len;
        is_plain.then_some(Decimal { digits, places })
    }

    /// Takes a plain value; `None` for an array or an object.
    pub(crate) fn plain(&mut self) -> Option<Plain<'a>> {
        Some(match self.peek()? {
            b'"' => Plain::Text(self.quoted()?),
            b'0'..=b'9' => Plain::Number(self.decimal()?),
            b't' => self.take_word("true").map(|()| Plain::Bool(true))?,
            b'f' => self.take_word("false").map(|()| Plain::Bool(false))?,
            b'n' => self.take_word("null").map(|()| Plain::Null)?,
            _ => return None,
        })
    }

    /// Takes `null` or what `take` takes.
    #[expect(
        clippy::option_option,
        reason = "outside: not for this reader, inside: null"
    )]
    pub(crate) fn nullable<T>(
        &mut self,
        take: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.take_null() {
            return Some(None);
        }
        take(self).map(Some)
    }
}

impl Within {
    fn enter(&mut self, place: usize) -> Option<()> {
        self.after = place + 1;
        let bit = 1 << place;
        let is_first = self.seen & bit == 0;
        self.seen |= bit;
        is_first.then_some(())
    }
}

/// Adds the digits at the start of `bytes` to `value`, which may wrap; returns how many there were.
fn take_digits(bytes: &[u8], value: &mut u64) -> usize {
    let mut len = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        len += 1;
    }
    len
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_is_told_from_one_that_differs_in_a_byte() {
        const KEYS: [Key; 3] = [
            Key::new("\"n\":"),
            Key::new("\"input_tokens\":"),
            Key::new("\"retrieval_confidence\":"),
        ];
        for key in KEYS {
            let mut line = format!("{}{}", key.text, "1".repeat(40)).into_bytes();
            assert!(key.begins(&line));
            for at in 0..key.text.len() {
                line[at] ^= 4;
                assert!(!key.begins(&line), "{} differs at {at}", key.text);
                line[at] ^= 4;
            }
        }
    }

    fn decimal(text: &str) -> Option<Decimal> {
        let mut orders = Orders::default();
        let mut cursor = Cursor::new(text, &mut orders)?;
        let number = cursor.decimal()?;
        cursor.is_at_end().then_some(number)
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(
            text in "[0-9]{1,9}(\\.[0-9]{1,9})?|[0-9.eE-]{1,20}",
        ) {
            if let Some(number) = decimal(&text) {
                let expected: f64 = text.parse().unwrap();
                prop_assert_eq!(number.as_f64(), expected);
                for (places, scale) in [(0, 1.0), (3, 1e3), (9, 1e9)] {
                    if let Some(scaled) = number.scaled(places) {
                        prop_assert_eq!(scaled.to_string(), format!("{:.0}", (expected * scale).round()));
                    }
                }
            }
        }
    }

    #[test]
    fn only_plain_numbers_are_taken() {
        for text in ["0", "7", "12.50", "0.000001", "123456789012345"] {
            assert!(decimal(text).is_some(), "{text}");
        }
        for text in [
            "01",
            "1.",
            ".5",
            "-1",
            "1e3",
            "1.5.2",
            "1234567890123456",
            "",
        ] {
            assert!(decimal(text).is_none(), "{text}");
        }
    }
}

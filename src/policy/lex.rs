//! From the text of a policy to its words, numbers, quoted texts and marks, each with its place.

use super::error::Fault;
use super::span::Span;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A keyword or a name.
    Word,
    /// A decimal number.
    Number(f64),
    /// A text in double quotes.
    Quoted,
    /// `,`.
    Comma,
    /// `:`.
    Colon,
    /// `#` to the end of the line.
    Comment,
}

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As it stands in the text; a quoted text with its quotes.
    pub(super) text: String,
    pub(super) span: Span,
}

impl Token {
    /// Returns a quoted text without its quotes, and anything else as it stands.
    pub(super) fn bare(&self) -> &str {
        match self.kind {
            Kind::Quoted => self
                .text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .unwrap_or(&self.text),
            _ => &self.text,
        }
    }

    /// Returns the token as the policy's hash sees it: numbers as the shortest decimal that reads
    /// back, always with a fraction.
    pub(super) fn canonical(&self) -> String {
        match self.kind {
            Kind::Number(value) => {
                let shortest = decimal(value);
                if shortest.contains('.') {
                    shortest
                } else {
                    format!("{shortest}.0")
                }
            }
            _ => self.text.clone(),
        }
    }
}

/// Writes a number as the shortest decimal that reads back, without an exponent.
pub(super) fn decimal(value: f64) -> String {
    // Rust writes negative zero with its sign.
    if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{value}")
    }
}

/// Cuts `text` into tokens, comments among them.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut place = Span {
        line: 1,
        column: 1,
        ..Span::default()
    };
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let len = token_len(rest, char);
        let (part, after) = rest.split_at_checked(len).unwrap_or((rest, ""));
        let span = Span {
            end: place.start + part.len(),
            ..place
        };
        if !is_blank(char) {
            tokens.push(Token {
                kind: kind(text, part, char, span)?,
                text: part.to_owned(),
                span,
            });
        }
        place.start = span.end;
        if char == '\n' {
            place.line += 1;
            place.column = 1;
        } else {
            place.column += part.chars().count();
        }
        rest = after;
    }
    Ok(tokens)
}

/// A byte order mark at the start of a file is layout, too.
fn is_blank(char: char) -> bool {
    char.is_whitespace() || char == '\u{feff}'
}

/// Returns how many bytes the token that starts with `first` has; blanks are taken one at a time.
fn token_len(rest: &str, first: char) -> usize {
    let line_end = rest.find('\n').unwrap_or(rest.len());
    match first {
        _ if is_blank(first) => first.len_utf8(),
        ',' | ':' => 1,
        '#' => rest.get(..line_end).map_or(1, |line| line.trim_end().len()),
        '"' => rest
            .get(1..line_end)
            .and_then(|line| line.find('"'))
            .map_or(line_end, |at| at + 2),
        _ => rest
            .find(|char| is_blank(char) || matches!(char, ',' | ':' | '#' | '"'))
            .unwrap_or(rest.len()),
    }
}

fn kind(text: &str, part: &str, first: char, span: Span) -> Result<Kind, Fault> {
    if first != '#' && part.chars().any(char::is_control) {
        return Err(Fault::new(
            text,
            span,
            "a control character stands in the text",
        ));
    }
    Ok(match first {
        ',' => Kind::Comma,
        ':' => Kind::Colon,
        '#' => Kind::Comment,
        '"' if part.len() > 1 && part.ends_with('"') => Kind::Quoted,
        '"' => {
            return Err(Fault::new(text, span, "the quoted text has no end")
                .hinted(Some("close it with `\"` on the same line".to_owned())));
        }
        _ if is_decimal(part) => match part.parse::<f64>() {
            Ok(value) if value.is_finite() => Kind::Number(value),
            _ => return Err(Fault::new(text, span, "the number is too large")),
        },
        _ => Kind::Word,
    })
}

/// Digits with an optional sign and an optional fraction; exponents are words.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        lex(text)
            .unwrap()
            .iter()
            .map(|token| token.text.clone())
            .collect()
    }

    #[test]
    fn words_marks_and_comments_are_told_apart() {
        assert_eq!(
            words("rule a-b: x,y # no \"end\nuse \"a # b\""),
            [
                "rule",
                "a-b",
                ":",
                "x",
                ",",
                "y",
                "# no \"end",
                "use",
                "\"a # b\""
            ]
        );
        let tokens = lex("é\n  über 0.620").unwrap();
        assert_eq!((tokens[1].span.line, tokens[1].span.column), (2, 3));
        assert_eq!((tokens[2].span.line, tokens[2].span.column), (2, 8));
        assert_eq!(tokens[2].canonical(), "0.62");
    }

    #[test]
    fn numbers_are_written_with_a_fraction() {
        for (text, canonical) in [
            ("1", "1.0"),
            ("0.620", "0.62"),
            ("-3", "-3.0"),
            ("-0", "0.0"),
            ("100000000000000000000000", "100000000000000000000000.0"),
        ] {
            assert_eq!(lex(text).unwrap()[0].canonical(), canonical);
        }
        assert_eq!(lex("1e3").unwrap()[0].kind, Kind::Word);
        assert_eq!(lex(".5").unwrap()[0].kind, Kind::Word);
    }

    #[test]
    fn an_open_quote_and_an_endless_number_are_faults() {
        let fault = lex("use \"a\nb\"").unwrap_err();
        assert_eq!((fault.line, fault.column, fault.len), (1, 5, 2));
        assert!(lex(&"9".repeat(400)).is_err());
        assert!(lex("a\u{1b}[2J").is_err());
    }
}

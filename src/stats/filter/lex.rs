//! A filter's text as raw terms: where each begins, its parts, and what was quoted.

use super::FilterError;
use super::term::Comparison;

/// A term as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawTerm {
    /// Its place, in characters from 1.
    pub(super) column: usize,
    /// Its text.
    pub(super) text: String,
    /// Whether `-` stands before it.
    pub(super) is_not: bool,
    /// The field, or the whole of a term without a comparison.
    pub(super) word: RawText,
    /// How it is compared with which values.
    pub(super) compared: Option<(Comparison, Vec<RawText>)>,
}

/// A text as written, with what stands between its stars.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct RawText {
    /// Its place, in characters from 1.
    pub(super) column: usize,
    /// What stands between stars that match any run.
    pub(super) parts: Vec<String>,
    /// Whether any of it was quoted.
    pub(super) is_quoted: bool,
}

impl RawText {
    /// Returns the text with its stars.
    pub(super) fn text(&self) -> String {
        self.parts.join("*")
    }
}

/// Splits a text into terms.
pub(super) fn lex(text: &str) -> Result<Vec<RawTerm>, FilterError> {
    let chars: Vec<char> = text.chars().collect();
    let mut lexer = Lexer {
        chars: &chars,
        at: 0,
    };
    let mut terms = Vec::new();
    loop {
        while lexer.peek().is_some_and(char::is_whitespace) {
            lexer.at += 1;
        }
        if lexer.peek().is_none() {
            return Ok(terms);
        }
        terms.push(lexer.term()?);
    }
}

struct Lexer<'c> {
    chars: &'c [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn term(&mut self) -> Result<RawTerm, FilterError> {
        let start = self.at;
        let is_not = self.take('-');
        let word = self.text(false)?;
        let compared = match self.comparison() {
            Some(comparison) => {
                let mut values = vec![self.text(true)?];
                while self.take(',') {
                    values.push(self.text(true)?);
                }
                Some((comparison, values))
            }
            None => None,
        };
        let text = self.chars.get(start..self.at).unwrap_or_default();
        Ok(RawTerm {
            column: start + 1,
            text: text.iter().collect(),
            is_not,
            word,
            compared,
        })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let (comparison, len) = match rest {
            ['=', ..] => (Comparison::Is, 1),
            ['!', '=', ..] => (Comparison::IsNot, 2),
            ['<', '=', ..] => (Comparison::AtMost, 2),
            ['>', '=', ..] => (Comparison::AtLeast, 2),
            ['<', ..] => (Comparison::Below, 1),
            ['>', ..] => (Comparison::Above, 1),
            _ => return None,
        };
        self.at += len;
        Some(comparison)
    }

    /// Reads up to the end of a word, or of one value of a list.
    fn text(&mut self, is_value: bool) -> Result<RawText, FilterError> {
        let mut text = RawText {
            column: self.at + 1,
            parts: vec![String::new()],
            is_quoted: false,
        };
        while let Some(next) = self.peek() {
            let is_end = match next {
                ',' => is_value,
                '=' | '<' | '>' => !is_value,
                '!' => !is_value && self.chars.get(self.at + 1) == Some(&'='),
                next => next.is_whitespace(),
            };
            if is_end {
                break;
            }
            self.at += 1;
            match next {
                '"' => self.quoted(&mut text)?,
                '*' => text.parts.push(String::new()),
                next => text
                    .parts
                    .last_mut()
                    .into_iter()
                    .for_each(|part| part.push(next)),
            }
        }
        Ok(text)
    }

    /// Reads the rest of what a quotation mark began; `\` makes the next character an ordinary one.
    fn quoted(&mut self, text: &mut RawText) -> Result<(), FilterError> {
        let opened_at = self.at;
        text.is_quoted = true;
        while let Some(next) = self.peek() {
            self.at += 1;
            let next = match next {
                '"' => return Ok(()),
                '*' => {
                    text.parts.push(String::new());
                    continue;
                }
                '\\' => {
                    let Some(escaped) = self.peek() else { break };
                    self.at += 1;
                    escaped
                }
                next => next,
            };
            text.parts
                .last_mut()
                .into_iter()
                .for_each(|part| part.push(next));
        }
        Err(FilterError::new(
            opened_at,
            "a quotation mark that nothing closes",
            "write \" at the end of the value",
        ))
    }
}

/// Returns a value as it must be written to be read as just this text.
pub(super) fn quoted(value: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\\' | '*' | ',');
    if !value.is_empty() && value != super::term::UNKNOWN && value.chars().all(is_plain) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '*') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// Returns a field as it must be written.
pub(super) fn quoted_word(word: &str) -> String {
    let text = quoted(word);
    let is_safe = !word.contains(['=', '<', '>', '!']) && !word.starts_with('-');
    if is_safe || text.starts_with('"') {
        text
    } else {
        format!("\"{text}\"")
    }
}

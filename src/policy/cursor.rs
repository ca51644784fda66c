//! The tokens of a policy as the parser walks them.

use super::error::Fault;
use super::lex::{Kind, Token};
use super::span::Span;
use crate::config::nearest;

/// Words that hold a sentence together and so name nothing.
const RESERVED: [&str; 14] = [
    "when",
    "and",
    "or",
    "not",
    "use",
    "because",
    "is",
    "are",
    "the",
    "at",
    "known",
    "unknown",
    "with",
    "otherwise",
];

/// A walk over the tokens of `text`, comments left out.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    tokens: Vec<&'a Token>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self {
            text,
            tokens: tokens
                .iter()
                .filter(|token| token.kind != Kind::Comment)
                .collect(),
            at: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).copied()
    }

    /// Tells whether the next token is this word.
    pub(super) fn is_at(&self, word: &str) -> bool {
        self.peek()
            .is_some_and(|token| token.kind == Kind::Word && token.text == word)
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    /// Takes the word if it comes next.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let is_there = self.is_at(word);
        self.at += usize::from(is_there);
        is_there
    }

    /// Takes a comma if it comes next.
    pub(super) fn eat_comma(&mut self) -> bool {
        let is_there = self.peek().is_some_and(|token| token.kind == Kind::Comma);
        self.at += usize::from(is_there);
        is_there
    }

    /// Takes the word, which must come next.
    pub(super) fn need(&mut self, word: &str) -> Result<&'a Token, Fault> {
        match self.peek() {
            Some(token) if self.is_at(word) => {
                self.at += 1;
                Ok(token)
            }
            _ => Err(self.expected(&format!("`{word}`"))),
        }
    }

    pub(super) fn need_colon(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(token) if token.kind == Kind::Colon => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.expected("`:`")),
        }
    }

    /// Takes a name; `what` says of what.
    pub(super) fn need_name(&mut self, what: &str) -> Result<&'a Token, Fault> {
        match self.peek() {
            Some(token) if token.kind == Kind::Word && !RESERVED.contains(&token.text.as_str()) => {
                self.at += 1;
                Ok(token)
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Takes a name or a text in quotes.
    pub(super) fn need_name_or_text(&mut self, what: &str) -> Result<&'a Token, Fault> {
        match self.peek() {
            Some(token) if token.kind == Kind::Quoted => {
                self.at += 1;
                Ok(token)
            }
            _ => self.need_name(what),
        }
    }

    pub(super) fn need_text(&mut self) -> Result<&'a Token, Fault> {
        match self.peek() {
            Some(token) if token.kind == Kind::Quoted => {
                self.at += 1;
                Ok(token)
            }
            _ => Err(self.expected("a text in quotes")),
        }
    }

    pub(super) fn need_number(&mut self) -> Result<(f64, Span), Fault> {
        match self.peek() {
            Some(Token {
                kind: Kind::Number(value),
                span,
                ..
            }) => {
                self.at += 1;
                Ok((*value, *span))
            }
            Some(token) if token.text.ends_with('%') => Err(self.expected("a number").hinted(
                Some("write the number and then the word `percent`".to_owned()),
            )),
            _ => Err(self.expected("a number")),
        }
    }

    pub(super) fn need_whole(&mut self) -> Result<(u32, Span), Fault> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Number(_)) => match token.text.parse() {
                Ok(value) => {
                    self.at += 1;
                    Ok((value, token.span))
                }
                Err(_) => Err(self.expected("a whole number")),
            },
            _ => Err(self.expected("a whole number")),
        }
    }

    /// Says that something else should come next.
    pub(super) fn expected(&self, what: &str) -> Fault {
        match self.peek() {
            Some(token) => self.fault(
                token.span,
                format!("expected {what}, found `{}`", token.text),
            ),
            None => self.fault(
                self.end(),
                format!("expected {what}, found the end of the text"),
            ),
        }
    }

    pub(super) fn fault(&self, span: Span, message: impl Into<String>) -> Fault {
        Fault::new(self.text, span, message)
    }

    /// Says that `token` is none of `known`, and which of them was probably meant.
    pub(super) fn unknown<'k>(
        &self,
        token: &Token,
        what: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Fault {
        let known: Vec<&str> = known.into_iter().collect();
        let meant = nearest(token.bare(), known.iter().copied());
        let hint = meant.map_or_else(
            || format!("known here: {}", known.join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        self.fault(token.span, format!("`{}` is no {what}", token.bare()))
            .hinted(Some(hint))
    }

    /// Returns the tokens since the one at `start` as they were written, joined by blanks.
    pub(super) fn written_since(&self, start: usize) -> String {
        let mut out = String::new();
        for token in self.tokens.get(start..self.at).unwrap_or(&[]) {
            if !out.is_empty() && !matches!(token.kind, Kind::Comma | Kind::Colon) {
                out.push(' ');
            }
            out.push_str(&token.text);
        }
        out
    }

    /// Returns the place of the next token.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Returns the place behind the last token.
    fn end(&self) -> Span {
        self.tokens.last().map_or(
            Span {
                line: 1,
                column: 1,
                ..Span::default()
            },
            |token| Span {
                start: token.span.end,
                end: token.span.end,
                line: token.span.line,
                column: token.span.column + token.text.chars().count(),
            },
        )
    }
}

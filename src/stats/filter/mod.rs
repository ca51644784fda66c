//! The filter language of `/` and `--filter`: terms that all must hold of a request.
//!
//! ```text
//! text --lex--> marks with places --parse--> terms, typed --matching--> yes or no for one request
//! ```
//!
//! Nothing of a filter ever becomes SQL: it is evaluated here, on requests as they were read.

mod error;
mod field;
mod lex;
mod matching;
mod parse;
mod pattern;
mod term;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{Hash, Hasher};

pub use error::FilterError;
pub use matching::{Ruled, Subject};
use term::Term;

/// Terms that all must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Each with its text.
    terms: Vec<(String, Term)>,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }
}

impl Eq for Filter {}

impl Hash for Filter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts().for_each(|text| text.hash(state));
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, text) in self.texts().enumerate() {
            let gap = if idx > 0 { " " } else { "" };
            write!(f, "{gap}{text}")?;
        }
        Ok(())
    }
}

impl Filter {
    /// The longest text that is read, in bytes.
    pub const LEN_MAX: usize = 4_096;

    /// Reads a filter; an empty text is one that holds of every request.
    ///
    /// # Errors
    ///
    /// When the text is no filter, with the place and the remedy.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for (text, term) in parse::terms(text)? {
            filter.add(text, term);
        }
        Ok(filter)
    }

    /// Tells whether it holds of every request.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Returns the texts of the terms, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|(text, _)| text.as_str())
    }

    /// Returns the filter without its last term.
    #[must_use]
    pub fn without_last(&self) -> Self {
        let keep = self.terms.len().saturating_sub(1);
        Self {
            terms: self.terms.iter().take(keep).cloned().collect(),
        }
    }

    /// Returns the filter with the terms of `other` behind its own.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (text, term) in &other.terms {
            both.add(text.clone(), term.clone());
        }
        both
    }

    /// Returns the filter that keeps (or drops) requests with this value of a field; `None` is "not known".
    pub fn of_value(field: &str, value: Option<&str>, is_kept: bool) -> Self {
        let sign = if is_kept { "" } else { "-" };
        let value = value.map_or_else(|| term::UNKNOWN.to_owned(), lex::quoted);
        // What `quoted` gives is always read back; a field that no text can name gives no filter.
        Self::parse(&format!("{sign}{}={value}", lex::quoted_word(field))).unwrap_or_default()
    }

    /// Returns the names of fields that are none of the fixed ones: signals and attributes of the routers' own.
    pub fn own_names(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().filter_map(|(_, term)| term.own_name())
    }

    /// Returns the names of all fixed fields and flags, for lists and for "did you mean".
    pub fn words() -> impl Iterator<Item = &'static str> {
        field::Field::words().chain(term::Flag::words())
    }

    /// Tells whether a term asks about signals, attributes, or anything else that stands in no column.
    pub fn needs_residual(&self) -> bool {
        self.terms.iter().any(|(_, term)| term.needs_residual())
    }

    /// Tells whether a term asks what the policy in force says.
    pub fn needs_ruling(&self) -> bool {
        self.terms.iter().any(|(_, term)| term.needs_ruling())
    }

    /// Tells whether a term asks where a request was read.
    pub fn needs_source(&self) -> bool {
        self.terms.iter().any(|(_, term)| term.needs_source())
    }

    fn add(&mut self, text: String, term: Term) {
        if !self.texts().any(|known| known == text) {
            self.terms.push((text, term));
        }
    }
}

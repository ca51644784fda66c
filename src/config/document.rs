//! A TOML document as sections and values that know where they stand, so that every refusal can say
//! line and column, what was expected and what was probably meant.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;

/// A place in a document, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct ConfigError {
    /// Where.
    pub at: At,
    /// What is wrong there and what was expected.
    pub what: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl ConfigError {
    pub(super) fn new(at: At, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
            hint: None,
        }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Parses `text` and hands its root to `read`.
pub(super) fn read_document<T>(
    text: &str,
    read: impl FnOnce(&Section<'_>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let root = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        ConfigError::new(at(text, offset), error.message().trim().to_owned())
    })?;
    read(&Section::new(
        text,
        String::new(),
        At { line: 1, column: 1 },
        root.get_ref(),
    ))
}

fn at(text: &str, offset: usize) -> At {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |idx| idx + 1);
    At {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
    }
}

/// A table with its keys in the order of the text.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// Its dotted name; empty for the root.
    pub(super) name: String,
    pub(super) at: At,
    items: Vec<(&'a str, Item<'a>)>,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Item<'a> {
    /// Its dotted name.
    pub(super) name: String,
    /// Where its key stands.
    pub(super) key_at: At,
    /// Where the value stands.
    pub(super) at: At,
    value: &'a DeValue<'a>,
    text: &'a str,
}

impl<'a> Section<'a> {
    fn new(text: &'a str, name: String, place: At, table: &'a DeTable<'a>) -> Self {
        let mut keys: Vec<(&Spanned<_>, &Spanned<DeValue<'a>>)> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        let items = keys.into_iter().map(|(key, value)| {
            let item = Item {
                name: dotted(&name, key.get_ref()),
                key_at: at(text, key.span().start),
                at: at(text, value.span().start),
                value: value.get_ref(),
                text,
            };
            (key.get_ref().as_ref(), item)
        });
        let items = items.collect();
        Self {
            name,
            at: place,
            items,
        }
    }

    /// Returns the value of `key`.
    pub(super) fn item(&self, key: &str) -> Option<&Item<'a>> {
        self.items
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, item)| item)
    }

    /// Returns keys and values in the order of the text.
    pub(super) fn items(&self) -> impl Iterator<Item = (&'a str, &Item<'a>)> {
        self.items.iter().map(|(key, item)| (*key, item))
    }

    /// Refuses a key that is none of `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ConfigError> {
        let Some((key, item)) = self.items.iter().find(|(key, _)| !known.contains(key)) else {
            return Ok(());
        };
        let what = if self.name.is_empty() {
            format!("`{key}` is no section of the config file")
        } else {
            format!("`{key}` is no key of [{}]", self.name)
        };
        let hint = nearest(key, known.iter().copied()).map_or_else(
            || format!("known here: {}", known.join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        Err(ConfigError::new(item.key_at, what).with_hint(hint))
    }
}

impl<'a> Item<'a> {
    /// Builds the refusal of a value of the wrong kind.
    pub(super) fn expected(&self, what: &str) -> ConfigError {
        let kind = match self.value {
            DeValue::String(text) => format!("the text `{text}`"),
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the number {number}"),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        ConfigError::new(
            self.at,
            format!("`{}` is {kind}, expected {what}", self.name),
        )
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    pub(super) fn truth(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// Returns a number as written, without underscores.
    pub(super) fn decimal(&self) -> Option<String> {
        let written = match self.value {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => return None,
        };
        Some(written.replace('_', ""))
    }

    /// Returns a number.
    pub(super) fn number(&self) -> Option<f64> {
        self.decimal()?
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// Returns the text of a text, number or truth value, as a log would write it.
    pub(super) fn scalar(&self) -> Option<String> {
        match self.value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Boolean(value) => Some(value.to_string()),
            _ => self.number().map(|number| number.to_string()),
        }
    }

    /// Returns the items of a list; a single value is a list of one.
    pub(super) fn list(&self) -> Vec<Self> {
        match self.value {
            DeValue::Array(items) => items
                .iter()
                .map(|item| Self {
                    name: self.name.clone(),
                    key_at: self.key_at,
                    at: at(self.text, item.span().start),
                    value: item.get_ref(),
                    text: self.text,
                })
                .collect(),
            _ => vec![self.clone()],
        }
    }

    /// Returns the table.
    pub(super) fn section(&self) -> Option<Section<'a>> {
        let table = self.value.as_table()?;
        Some(Section::new(
            self.text,
            self.name.clone(),
            self.key_at,
            table,
        ))
    }
}

fn dotted(name: &str, key: &str) -> String {
    if name.is_empty() {
        key.to_owned()
    } else {
        format!("{name}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_toml_says_where() {
        let error = read_document("[map]\nroute = \n", |_| Ok(())).unwrap_err();
        assert_eq!((error.at.line, error.at.column), (2, 9), "{error}");
    }

    #[test]
    fn values_say_what_they_are_and_where() {
        let text = "[a]\nfirst = 1\n\"é\".b = [\"x\", 2.50]\n";
        read_document(text, |root| {
            let section = root.item("a").unwrap().section().unwrap();
            let keys: Vec<_> = section
                .items()
                .map(|(key, item)| (key, item.key_at))
                .collect();
            assert_eq!(
                keys,
                [
                    ("first", At { line: 2, column: 1 }),
                    ("é", At { line: 3, column: 1 })
                ]
            );
            let nested = section.item("é").unwrap().section().unwrap();
            let list = nested.item("b").unwrap().list();
            assert_eq!(list[1].decimal().unwrap(), "2.50");
            assert_eq!(
                list[1].at,
                At {
                    line: 3,
                    column: 15
                }
            );
            assert_eq!(
                list[0].expected("a number").to_string(),
                "line 3, column 10: `a.é.b` is the text `x`, expected a number"
            );
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn unknown_keys_are_refused_with_a_hint() {
        let refuse =
            |text, known: &[&str]| read_document(text, |root| root.only(known)).unwrap_err();
        let error = refuse("[mpa]\n", &["map", "price"]);
        assert_eq!(
            error.to_string(),
            "line 1, column 2: `mpa` is no section of the config file"
        );
        assert_eq!(error.hint.as_deref(), Some("did you mean `map`?"));
        let error = refuse("[zebra]\n", &["map", "price"]);
        assert_eq!(error.hint.as_deref(), Some("known here: map, price"));
    }
}

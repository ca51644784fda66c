//! A scalar field that accepts whatever a log writes there, so that one bad field costs no event.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One field's value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Scalar<'a> {
    /// The line has no such field.
    #[default]
    Absent,
    /// The line says null.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// An array or an object.
    Nested,
}

impl Scalar<'_> {
    /// Returns the text unless it is empty.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Tells whether there is nothing to read.
    pub(crate) fn is_unset(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// Tells whether the value is the literal true.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// Returns the value with a number that was written as a text read as a number, and an empty
    /// text or `-`, which access logs write for nothing, as null.
    pub(crate) fn unquoted(&self) -> Self {
        match self {
            Self::Text(text) if matches!(text.trim(), "" | "-") => Self::Null,
            Self::Text(text) => text
                .trim()
                .parse()
                .map_or_else(|_| self.clone(), Self::Number),
            other => other.clone(),
        }
    }

    /// Returns the value apart from the line that it stood in.
    pub(crate) fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::Absent => Scalar::Absent,
            Self::Null => Scalar::Null,
            Self::Bool(value) => Scalar::Bool(value),
            Self::Number(number) => Scalar::Number(number),
            Self::Text(text) => Scalar::Text(Cow::Owned(text.into_owned())),
            Self::Nested => Scalar::Nested,
        }
    }

    /// Returns the number.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Returns what follows `prefix` in the first tag that starts with it.
pub(crate) fn tag<'a>(tags: &'a [Scalar<'_>], prefix: &str) -> Option<&'a str> {
    tags.iter()
        .filter_map(Scalar::text)
        .find_map(|tag| tag.strip_prefix(prefix))
        .filter(|value| !value.is_empty())
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 2^53 no field of ours is in range"
    )]
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 2^53 no field of ours is in range"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// A key of an object, borrowed where it has no escapes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(value.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

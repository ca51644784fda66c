//! Nested values of foreign lines, read leniently: what has another shape reads as nothing, so that
//! it costs no event.

use std::borrow::Cow;

use serde::Deserialize;
use sonic_rs::LazyValue;

use super::scalar::Scalar;
use super::wire::{AttrsWire, List, REST_MAX};

/// Returns the objects in an array that have the shape asked for, at most [`REST_MAX`].
pub(crate) fn items<'a, T: Deserialize<'a>>(value: Option<&'a LazyValue<'_>>) -> Vec<T> {
    let raw = value.map_or("", LazyValue::as_raw_str);
    let items: Vec<LazyValue<'a>> = sonic_rs::from_str(raw).unwrap_or_default();
    let items = items.iter().take(REST_MAX);
    items
        .filter_map(|item| match item.as_raw_cow() {
            // A derived reader would take an array for an object, field by field.
            Cow::Borrowed(raw) if raw.starts_with('{') => sonic_rs::from_str(raw).ok(),
            _ => None,
        })
        .collect()
}

/// Returns the plain values of an array, at most [`REST_MAX`].
pub(crate) fn scalars<'a>(value: Option<&'a LazyValue<'_>>) -> Vec<Scalar<'a>> {
    let raw = value.map_or("", LazyValue::as_raw_str);
    let mut list: List<Scalar<'a>> = sonic_rs::from_str(raw).unwrap_or_default();
    list.items.truncate(REST_MAX);
    list.items
}

/// Returns the fields of an object in their order, at most [`REST_MAX`].
pub(crate) fn fields<'a>(value: Option<&'a LazyValue<'_>>) -> Vec<(Cow<'a, str>, Scalar<'a>)> {
    let raw = value.map_or("", LazyValue::as_raw_str);
    sonic_rs::from_str::<AttrsWire<'a>>(raw)
        .map(|object| object.rest)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default, PartialEq, Debug)]
    #[serde(default)]
    struct Item<'a> {
        #[serde(borrow)]
        name: Scalar<'a>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Line<'a> {
        #[serde(borrow)]
        list: Option<LazyValue<'a>>,
    }

    #[test]
    fn only_what_has_the_shape_is_read() {
        let text = r#"{"list":[{"name":"a\"b"},"x\n",5,null,[1],{"name":[1]},{}]}"#;
        let line: Line<'_> = sonic_rs::from_str(text).unwrap();
        let names: Vec<Item<'_>> = items(line.list.as_ref());
        let names: Vec<_> = names.into_iter().map(|item| item.name).collect();
        assert_eq!(
            names,
            [
                Scalar::Text(Cow::Borrowed("a\"b")),
                Scalar::Nested,
                Scalar::Absent
            ]
        );
        assert_eq!(scalars(line.list.as_ref()).len(), 7);
        assert_eq!(fields(line.list.as_ref()), []);
        for text in [
            r#"{"list":null}"#,
            "{}",
            r#"{"list":{"name":1}}"#,
            r#"{"list":"x"}"#,
        ] {
            let line: Line<'_> = sonic_rs::from_str(text).unwrap();
            assert!(items::<Item<'_>>(line.list.as_ref()).is_empty(), "{text}");
            assert!(scalars(line.list.as_ref()).is_empty(), "{text}");
        }
        let text = r#"{"list":{"b":1,"a":"x"}}"#;
        let line: Line<'_> = sonic_rs::from_str(text).unwrap();
        let found = fields(line.list.as_ref());
        assert_eq!(found[0], (Cow::Borrowed("b"), Scalar::Number(1.0)));
        assert_eq!(found.len(), 2);
    }
}

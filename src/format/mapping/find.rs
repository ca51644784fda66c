//! Finds what several JSON pointers point at in one walk; what no pointer leads to is skipped whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sonic_rs::LazyValue;

use crate::config::Pointer;

/// The pointers as a tree, built once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Finder {
    root: Node,
    len: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    /// The place of the pointer that ends here.
    slot: Option<usize>,
    children: BTreeMap<String, Node>,
}

/// What was found, as raw JSON in the order of the pointers.
#[derive(Debug, Default)]
pub(super) struct Found<'a>(Vec<Option<&'a str>>);

impl<'a> Found<'a> {
    /// Returns the raw JSON of a pointer, if the line has it.
    pub(super) fn raw(&self, pointer: usize) -> Option<&'a str> {
        self.0.get(pointer).copied().flatten()
    }
}

impl Finder {
    /// Builds the tree; the pointers are all different.
    pub(super) fn new(pointers: &[Pointer]) -> Self {
        let mut root = Node::default();
        for (slot, pointer) in pointers.iter().enumerate() {
            let node = pointer.0.iter().fold(&mut root, |node, part| {
                node.children.entry(part.clone()).or_default()
            });
            node.slot = Some(slot);
        }
        Self {
            root,
            len: pointers.len(),
        }
    }

    /// Walks through a JSON text; broken JSON ends the walk. Of a key that stands twice the first counts.
    pub(super) fn find<'a>(&self, json: &'a str) -> Found<'a> {
        let mut found = vec![None; self.len];
        self.root.walk(json, &mut found);
        Found(found)
    }
}

impl Node {
    fn walk<'a>(&self, json: &'a str, found: &mut [Option<&'a str>]) {
        let mut left = self.children.len();
        let mut meet = |key: &str, value: &LazyValue<'a>| {
            if let Some(child) = self.children.get(key) {
                left = left.saturating_sub(1);
                child.meet(value, found);
            }
            left > 0
        };
        match json.trim_ascii_start().bytes().next() {
            Some(b'{') => {
                for item in sonic_rs::to_object_iter(json) {
                    let Ok((key, value)) = item else { return };
                    if !meet(&key, &value) {
                        return;
                    }
                }
            }
            Some(b'[') => {
                for (idx, item) in sonic_rs::to_array_iter(json).enumerate() {
                    let Ok(value) = item else { return };
                    if !meet(&idx.to_string(), &value) {
                        return;
                    }
                }
            }
            _ => {}
        }
    }

    fn meet<'a>(&self, value: &LazyValue<'a>, found: &mut [Option<&'a str>]) {
        let Cow::Borrowed(raw) = value.as_raw_cow() else {
            debug_assert!(false, "a value of a borrowed text is borrowed");
            return;
        };
        if let Some(slot) = self.slot.and_then(|slot| found.get_mut(slot)) {
            slot.get_or_insert(raw);
        }
        if !self.children.is_empty() {
            self.walk(raw, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pointer(text: &str) -> Pointer {
        Pointer(text.split('/').skip(1).map(str::to_owned).collect())
    }

    fn find<'a>(pointers: &[&str], json: &'a str) -> Vec<Option<&'a str>> {
        let pointers: Vec<Pointer> = pointers.iter().map(|text| pointer(text)).collect();
        let found = Finder::new(&pointers).find(json);
        (0..pointers.len()).map(|idx| found.raw(idx)).collect()
    }

    #[test]
    fn one_walk_finds_all() {
        let json = r#" {"skip":{"a":[1,{"x":"}"}]},"a":{"b":[10,{"c":null}],"é\"":"t"},"z":1.50,"a":{"b":2}}"#;
        assert_eq!(
            find(
                &[
                    "/a/b/1/c",
                    "/z",
                    "/a/é\"",
                    "/a",
                    "/none",
                    "/a/b/7",
                    "/z/deeper"
                ],
                json
            ),
            [
                Some("null"),
                Some("1.50"),
                Some("\"t\""),
                Some(r#"{"b":[10,{"c":null}],"é\"":"t"}"#),
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn digits_are_keys_of_objects_and_places_of_arrays() {
        assert_eq!(find(&["/a/0"], r#"{"a":{"0":1}}"#), [Some("1")]);
        assert_eq!(find(&["/a/0"], r#"{"a":[2]}"#), [Some("2")]);
        assert_eq!(find(&["/a/00"], r#"{"a":[2]}"#), [None]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(json in ".{0,60}", near in "[{}\\[\\]\":,a0 n\\\\]{0,40}") {
            let _ = find(&["/a/b", "/0", "/a"], &json);
            let _ = find(&["/a/b", "/0", "/a"], &near);
        }

        #[test]
        fn it_agrees_with_serde(keys in proptest::collection::vec("[ab\"~/\\\\é]{1,3}", 1..4), value in any::<i32>()) {
            let mut json = serde_json::json!(value);
            for key in keys.iter().rev() {
                json = serde_json::json!({ "other": [1, {}], key.clone(): json, "after": null });
            }
            let text = json.to_string();
            let found = Finder::new(&[Pointer(keys)]).find(&text);
            let value = value.to_string();
            prop_assert_eq!(found.raw(0), Some(value.as_str()));
        }
    }
}

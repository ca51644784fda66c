//! Interned texts: routes, models, rules and the like, each stored once and spoken of by number.

use std::num::NonZeroU32;
use std::sync::Arc;

use hashbrown::HashMap;

/// The number of an interned text; the same number is the row id in the store's name table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub NonZeroU32);

impl Name {
    /// Returns the number as the store keeps it.
    pub fn id(self) -> u32 {
        self.0.get()
    }

    /// Returns the name of that number; zero is none.
    pub fn try_from_id(id: u32) -> Option<Self> {
        NonZeroU32::new(id).map(Self)
    }
}

/// The table of interned texts, append-only.
///
/// One process writes it: ids are given in order, so that a batch can carry the texts that are new
/// since the batch before.
#[derive(Debug, Clone, Default)]
pub struct Names {
    by_text: HashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
}

impl Names {
    /// The longest text kept, in bytes; a longer one is cut at a character border.
    pub const TEXT_LEN_MAX: usize = 256;
    /// The most texts kept; later ones become [`Names::OTHER`].
    pub const COUNT_MAX: usize = 1 << 18;
    /// The name under which texts beyond the limit are folded.
    pub const OTHER: &'static str = "(other)";

    /// Builds the table from texts whose ids are 1, 2, 3, …
    pub fn from_texts(texts: impl IntoIterator<Item = Arc<str>>) -> Self {
        let mut names = Self::default();
        for text in texts {
            names.push(text);
        }
        names
    }

    /// Returns the name of `text`, giving it the next number when it is new.
    pub fn intern(&mut self, text: &str) -> Name {
        let text = cut(text);
        if let Some(name) = self.by_text.get(text) {
            return *name;
        }
        if self.texts.len() >= Self::COUNT_MAX {
            if let Some(name) = self.by_text.get(Self::OTHER) {
                return *name;
            }
            return self.push(Arc::from(Self::OTHER));
        }
        self.push(Arc::from(text))
    }

    /// Returns the name of `text` if it is known.
    pub fn find(&self, text: &str) -> Option<Name> {
        self.by_text.get(cut(text)).copied()
    }

    /// Returns the text of `name`; a number from nowhere reads as empty.
    pub fn text(&self, name: Name) -> &str {
        self.texts
            .get(name.id() as usize - 1)
            .map_or("", |text| text)
    }

    /// Returns a shared handle on the text of `name`.
    pub fn shared(&self, name: Name) -> Arc<str> {
        self.texts
            .get(name.id() as usize - 1)
            .cloned()
            .unwrap_or_else(|| Arc::from(""))
    }

    /// Returns how many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Tells whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Returns the texts after the first `count`, with their names.
    pub fn after(&self, count: usize) -> impl Iterator<Item = (Name, &Arc<str>)> {
        self.texts
            .iter()
            .enumerate()
            .skip(count)
            .filter_map(|(idx, text)| {
                Some((Name::try_from_id(u32::try_from(idx + 1).ok()?)?, text))
            })
    }

    fn push(&mut self, text: Arc<str>) -> Name {
        self.texts.push(Arc::clone(&text));
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let name = Name::try_from_id(id).unwrap_or(Name(NonZeroU32::MAX));
        self.by_text.insert(text, name);
        name
    }
}

fn cut(text: &str) -> &str {
    if text.len() <= Names::TEXT_LEN_MAX {
        return text;
    }
    let end = (0..=Names::TEXT_LEN_MAX)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_name() {
        let mut names = Names::default();
        let fast = names.intern("fast");
        assert_eq!(names.intern("fast"), fast);
        assert_ne!(names.intern("strongest"), fast);
        assert_eq!(names.text(fast), "fast");
        assert_eq!(
            names
                .after(1)
                .map(|(name, _)| name.id())
                .collect::<Vec<_>>(),
            [2]
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let mut names = Names::default();
        let name = names.intern(&"é".repeat(400));
        assert_eq!(names.text(name).len(), 256);
        assert_eq!(names.find(&"é".repeat(400)), Some(name));
    }
}

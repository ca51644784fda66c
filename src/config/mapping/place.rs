//! One place of a fact: a JSON pointer, a tag with a prefix, or a span attribute.

/// A JSON pointer (RFC 6901) as its unescaped parts; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pointer(pub Vec<String>);

/// One place to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// What a pointer points at, as an index of the mapping's pointers.
    Pointer(usize),
    /// What a second pointer points at inside a text that is itself JSON.
    Embedded {
        /// The text, as an index of the mapping's pointers.
        text: usize,
        /// The place inside.
        inner: Pointer,
    },
    /// The rest of the first tag that starts so.
    Tag(String),
    /// A span attribute of that name.
    Attribute(String),
}

impl Pointer {
    /// Reads `/a/0/b`, with `~1` for `/` and `~0` for `~`; tells what is wrong otherwise.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err("a JSON pointer starts with `/`");
        };
        rest.split('/')
            .map(unescape)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn unescape(part: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(part.len());
    let mut chars = part.chars();
    while let Some(char) = chars.next() {
        out.push(match char {
            '~' => match chars.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => {
                    return Err("in a JSON pointer `~` is written `~0` and `/` within a name `~1`");
                }
            },
            char => char,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6901, section 5.
    #[test]
    fn pointers_are_those_of_the_rfc() {
        for (text, parts) in [
            ("/foo", vec!["foo"]),
            ("/foo/0", vec!["foo", "0"]),
            ("/", vec![""]),
            ("/a~1b", vec!["a/b"]),
            ("/m~0n", vec!["m~n"]),
            ("/ ", vec![" "]),
            ("/c%d", vec!["c%d"]),
            ("/~01", vec!["~1"]),
        ] {
            assert_eq!(Pointer::parse(text).unwrap().0, parts);
        }
        for wrong in ["", "foo", "/a~", "/a~2"] {
            assert!(Pointer::parse(wrong).is_err(), "{wrong}");
        }
    }
}

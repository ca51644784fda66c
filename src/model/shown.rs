//! The one sanitiser: nothing from a log reaches a terminal or a pipe but through [`Shown`].

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The longest field shown, in bytes; the rest is cut before anything else is done.
const FIELD_LEN_MAX: usize = 4 * 1024;
/// The longest block of text shown on a page of its own, in bytes.
const BLOCK_LEN_MAX: usize = 64 * 1024;
/// The most bytes of one displayed cell.
const CELL_LEN_MAX: usize = 32;
/// The most combining marks on one base.
const MARKS_MAX: usize = 2;

/// Format characters, private use, unassigned and everything that is invisible by default.
#[expect(clippy::expect_used, reason = "a constant pattern; a test builds it")]
static HIDDEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[\p{Cf}\p{Co}\p{Cn}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{3164}\x{FE00}-\x{FE0F}\x{FFA0}\x{E0000}-\x{E0FFF}]$",
    )
    .expect("the pattern is constant")
});
#[expect(clippy::expect_used, reason = "a constant pattern; a test builds it")]
static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\p{M}$").expect("the pattern is constant"));

/// A text that is safe to write to a terminal: no control, bidi, invisible or overlong character.
///
/// Only [`sanitise`] and [`sanitise_block`] make one from foreign text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Shown(String);

impl Shown {
    /// Takes a text from routetop's own source code.
    pub fn own(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the width in terminal cells.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// Returns the text cut to `width` cells at a grapheme border, with `…`-free ASCII `~` as the
    /// last cell when something was cut.
    pub fn cut(&self, width: usize) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        let mut out = String::new();
        let mut used = 0;
        for grapheme in self.0.graphemes(true) {
            let next = used + grapheme.width();
            if next >= width {
                break;
            }
            out.push_str(grapheme);
            used = next;
        }
        if width > 0 {
            out.push('~');
        }
        Self(out)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Shown {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Makes a foreign text safe for a one-line place: control characters become their pictures, line
/// breaks `↵`, bidi and invisible characters visible markers, unknown characters U+FFFD.
pub fn sanitise(text: &str) -> Shown {
    Shown(clean(cap(text, FIELD_LEN_MAX)))
}

/// Makes a foreign text safe for a page of its own: split at line feeds, each line safe.
pub fn sanitise_block(text: &str) -> Vec<Shown> {
    cap(text, BLOCK_LEN_MAX)
        .split('\n')
        .map(|line| Shown(clean(line)))
        .collect()
}

fn cap(text: &str, len: usize) -> &str {
    if text.len() <= len {
        return text;
    }
    let end = (0..=len)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or("")
}

fn clean(text: &str) -> String {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        push_cell(&mut out, grapheme);
    }
    out
}

/// Writes one grapheme, at most [`CELL_LEN_MAX`] bytes and [`MARKS_MAX`] marks of it.
fn push_cell(out: &mut String, grapheme: &str) {
    let start = out.len();
    let mut marks = 0;
    for (idx, char) in grapheme.chars().enumerate() {
        if char.is_ascii() && !char.is_ascii_control() {
            out.push(char);
            continue;
        }
        let mut buffer = [0; 4];
        let text: &str = char.encode_utf8(&mut buffer);
        if MARK.is_match(text) && !HIDDEN.is_match(text) {
            marks += 1;
            if marks > MARKS_MAX || out.len() - start + text.len() > CELL_LEN_MAX {
                continue;
            }
            if idx == 0 {
                out.push('\u{25cc}');
            }
            out.push(char);
            continue;
        }
        push_char(out, char, text);
    }
}

fn push_char(out: &mut String, char: char, text: &str) {
    match char {
        '\t' => out.push(' '),
        '\n' | '\r' | '\x0b' | '\x0c' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('↵'),
        '\0'..='\x1f' => out.push(char::from_u32(0x2400 + char as u32).unwrap_or('\u{fffd}')),
        '\x7f' => out.push('\u{2421}'),
        '\u{80}'..='\u{9f}' => push_marker(out, &format!("{:02X}", char as u32)),
        _ if bidi_word(char).is_some() => push_marker(out, bidi_word(char).unwrap_or_default()),
        _ if is_private_or_unassigned(char) => out.push('\u{fffd}'),
        _ if HIDDEN.is_match(text) => push_marker(out, &format!("{:04X}", char as u32)),
        _ => out.push(char),
    }
}

fn push_marker(out: &mut String, word: &str) {
    out.push('⟨');
    out.push_str(word);
    out.push('⟩');
}

/// The whole `Bidi_Control` property.
fn bidi_word(char: char) -> Option<&'static str> {
    Some(match char {
        '\u{61c}' => "ALM",
        '\u{200e}' => "LRM",
        '\u{200f}' => "RLM",
        '\u{202a}' => "LRE",
        '\u{202b}' => "RLE",
        '\u{202c}' => "PDF",
        '\u{202d}' => "LRO",
        '\u{202e}' => "RLO",
        '\u{2066}' => "LRI",
        '\u{2067}' => "RLI",
        '\u{2068}' => "FSI",
        '\u{2069}' => "PDI",
        _ => return None,
    })
}

fn is_private_or_unassigned(char: char) -> bool {
    #[expect(clippy::expect_used, reason = "a constant pattern; a test builds it")]
    static NOWHERE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{Co}\p{Cn}]$").expect("the pattern is constant"));
    let mut buffer = [0; 4];
    NOWHERE.is_match(char.encode_utf8(&mut buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_or_hidden_character_survives() {
        let every = (0..=0x10_ffff).filter_map(char::from_u32);
        for char in every {
            let shown = sanitise(&char.to_string());
            assert!(
                shown.as_str().chars().all(|out| !out.is_control()
                    && bidi_word(out).is_none()
                    && !HIDDEN.is_match(&out.to_string())),
                "{:04x} -> {shown:?}",
                char as u32
            );
        }
    }

    #[test]
    fn escapes_become_pictures() {
        assert_eq!(sanitise("\u{1b}]52;c;AAAA\u{7}").as_str(), "␛]52;c;AAAA␇");
        assert_eq!(
            sanitise("a\u{202e}b\u{9b}m\r\nc").as_str(),
            "a⟨RLO⟩b⟨9B⟩m↵↵c"
        );
        assert_eq!(sanitise("日本 é").as_str(), "日本 é");
    }

    #[test]
    fn marks_are_capped() {
        let zalgo = format!("a{}", "\u{301}".repeat(1000));
        assert_eq!(sanitise(&zalgo).as_str().chars().count(), 3);
        assert_eq!(sanitise("\u{301}x").as_str(), "◌\u{301}x");
    }

    #[test]
    fn cutting_keeps_whole_cells() {
        assert_eq!(sanitise("日本語").cut(5).as_str(), "日本~");
        assert_eq!(sanitise("support").cut(7).as_str(), "support");
        assert_eq!(sanitise("support").cut(4).as_str(), "sup~");
        assert_eq!(sanitise("x").cut(0).as_str(), "");
    }
}

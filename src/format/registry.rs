//! The one table of formats.

use super::mapping::line as mapped;
use super::reading::{LITELLM_PROXY, LITELLM_SDK, MAPPED, NATIVE, Reading};
use super::scratch::Scratch;
use super::{litellm, native};
use crate::model::Timestamp;

/// One format that is read.
#[derive(Debug)]
pub struct Format {
    /// Its number in the store; never reused.
    pub number: u8,
    /// Its name in options and JSON.
    pub name: &'static str,
    /// What a screen says.
    pub title: &'static str,
    /// Whether its sources carry corrections.
    pub carries_corrections: bool,
    /// What it cannot tell.
    pub cannot_tell: &'static [&'static str],
    /// Tells cheaply whether a line may be of this format; may err towards yes.
    pub(crate) detect: fn(&str) -> bool,
    /// Reads a line.
    pub(crate) parse: fn(&mut Scratch, &str, Timestamp) -> Reading,
}

/// Every format that is read, in the order of detection.
pub static FORMATS: &[Format] = &[
    Format {
        number: NATIVE,
        name: "native",
        title: "routetop native events",
        carries_corrections: true,
        cannot_tell: &[],
        detect: native::may_be,
        parse: native::parse,
    },
    Format {
        number: LITELLM_SDK,
        name: "litellm-sdk",
        title: "LiteLLM StandardLoggingPayload, SDK Router",
        carries_corrections: false,
        cannot_tell: &[
            "session",
            "input_complexity",
            "tools_required",
            "format_strictness",
            "correction",
            "requests refused in cooldown",
        ],
        detect: litellm::may_be,
        parse: litellm::parse,
    },
    Format {
        number: LITELLM_PROXY,
        name: "litellm-proxy",
        title: "LiteLLM StandardLoggingPayload, proxy",
        carries_corrections: false,
        cannot_tell: &[
            "input_complexity",
            "tools_required",
            "format_strictness",
            "correction",
            "attempts between the first and the last",
        ],
        detect: litellm::may_be,
        parse: litellm::parse,
    },
    Format {
        number: MAPPED,
        name: "mapped",
        title: "JSON, as the mapping file says",
        carries_corrections: false,
        cannot_tell: &["what the mapping does not name"],
        detect: mapped::may_be,
        parse: mapped::parse,
    },
];

/// Returns the format of that number.
pub fn format_by_number(number: u8) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_found() {
        for (idx, format) in FORMATS.iter().enumerate() {
            assert_eq!(format_by_number(format.number).unwrap().name, format.name);
            assert!(format.number > 0 && !format.title.is_empty());
            for other in &FORMATS[idx + 1..] {
                assert!(format.number != other.number && format.name != other.name);
            }
        }
        assert!(format_by_number(0).is_none());
    }
}

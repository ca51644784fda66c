//! What a source's formats cannot tell, so that columns stay empty, and how to fill each.

use super::registry::{FORMATS, Format};
use super::rules::Rules;

/// Something that stays unknown, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EmptyColumn {
    /// What is not told.
    pub what: &'static str,
    /// How to get it.
    pub how: &'static str,
    /// Whether that is a key of the mapping.
    pub is_mapped: bool,
}

/// What the formats cannot tell, with the key of a mapping that can; the first word that fits.
const HOW: [(&str, &str); 20] = [
    ("session", "map session_id"),
    ("task", "map task_class"),
    ("retrieval_confidence", "map signals.retrieval_confidence"),
    ("input_complexity", "map signals.input_complexity"),
    ("tools_required", "map signals.tools_required"),
    ("format_strictness", "map signals.format_strictness"),
    ("user_tier", "map signals.user_tier"),
    ("session_fallbacks", "map signals.session_fallbacks"),
    ("signals", "map [map.signals]"),
    (
        "correction",
        "map [map.correction], or write native `correction` events",
    ),
    ("cost", "set prices in [price], or map attempt.cost"),
    ("first token", "map attempt.ttft"),
    ("latency", "map attempt.latency"),
    ("outcome", "map outcome"),
    ("decision", "map rule, tier and policy"),
    ("policy", "map rule and policy"),
    ("request id", "map request_id"),
    ("time of day", "map ts"),
    ("attempts", "read the router's own log as well"),
    ("what the mapping", "add it to the mapping"),
];
/// How to get from LiteLLM what its payload hides.
const CALLBACK: &str = "write with the callback in assets/integrations/litellm";

/// Returns what sources of these formats (by name) leave empty, once each; what `rules` fill is left out.
pub fn empty_columns<'a>(
    rules: &Rules,
    formats: impl IntoIterator<Item = &'a str>,
) -> Vec<EmptyColumn> {
    let mut found: Vec<EmptyColumn> = Vec::new();
    for name in formats {
        let Some(format) = FORMATS.iter().find(|format| format.name == name) else {
            continue;
        };
        for what in format.cannot_tell.iter().copied() {
            let is_known = found.iter().any(|column| column.what == what);
            if !is_known && !rules.fills(format.number, what) {
                let how = how(format, what);
                found.push(EmptyColumn {
                    what,
                    how,
                    is_mapped: how.starts_with("map "),
                });
            }
        }
    }
    found
}

fn how(format: &Format, what: &str) -> &'static str {
    if format.name.starts_with("litellm")
        && (what.contains("attempts") || what.contains("cooldown"))
    {
        return CALLBACK;
    }
    let mut rows = HOW.iter();
    rows.find(|(word, _)| what.contains(word))
        .map_or("this format never tells it", |(_, how)| how)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_the_rules_fill_is_not_empty() {
        let rules = |toml: &str| {
            let config = Config::parse(toml).unwrap();
            Rules::try_new(config.mapping, config.prices).unwrap()
        };
        let told = |rules: &Rules| -> Vec<&str> {
            let columns = empty_columns(rules, ["litellm-sdk", "litellm-proxy", "none"]);
            columns.iter().map(|column| column.what).collect()
        };
        assert_eq!(
            told(&Rules::default()),
            [
                "session",
                "input_complexity",
                "tools_required",
                "format_strictness",
                "correction",
                "requests refused in cooldown",
                "attempts between the first and the last"
            ]
        );
        let some = rules(
            "[map]\nsession_id = \"/s\"\n[map.signals]\ntools_required = \"/t\"\n[map.correction]\nwhen = \"/c\"\n",
        );
        assert_eq!(
            told(&some),
            [
                "input_complexity",
                "format_strictness",
                "requests refused in cooldown",
                "attempts between the first and the last"
            ]
        );
        let proxy =
            rules("[map]\nformats = [\"litellm-proxy\"]\n[map.correction]\nwhen = \"/c\"\n");
        assert!(
            told(&proxy).contains(&"correction"),
            "not of the SDK's lines"
        );
    }

    #[test]
    fn every_gap_of_every_format_has_words() {
        for format in FORMATS {
            for what in format.cannot_tell {
                assert!(!how(format, what).is_empty());
            }
        }
        let sdk = &FORMATS[1];
        assert_eq!(how(sdk, "requests refused in cooldown"), CALLBACK);
        assert_eq!(how(sdk, "task class"), "map task_class");
    }
}

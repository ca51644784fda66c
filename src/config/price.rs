//! `[price]`: what tokens cost, by model, for formats that carry no cost.

use super::document::{ConfigError, Item, Section};

/// The price of one model's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The models: a name in which `*` stands for any run of characters.
    pub models: String,
    /// Pico-dollars for a token sent: a dollar per million tokens is a million of them.
    pub input_pico: u64,
    /// Pico-dollars for a token received.
    pub output_pico: u64,
}

/// The places after the point that a price may have.
const PLACES: usize = 6;
/// The highest price, in dollars per million tokens.
const USD_MAX: u64 = 1_000_000;

/// Reads the section: model patterns in the order in which they are tried.
pub(super) fn read(section: &Section<'_>) -> Result<Vec<Price>, ConfigError> {
    section
        .items()
        .map(|(models, item)| read_one(models, item))
        .collect()
}

fn read_one(models: &str, item: &Item<'_>) -> Result<Price, ConfigError> {
    let shape = "a table like { input = 0.10, output = 0.40 }, in US dollars per million tokens";
    let section = item.section().ok_or_else(|| item.expected(shape))?;
    section.only(&["input", "output"])?;
    let amount = |key: &str| {
        match section.item(key) {
        None => Err(ConfigError::new(item.at, format!("`{models}` has no `{key}`")).with_hint(format!("write {shape}"))),
        Some(item) => item.decimal().as_deref().and_then(pico).ok_or_else(|| {
            item.expected("US dollars per million tokens, 0 to 1000000, with at most 6 places after the point")
        }),
    }
    };
    Ok(Price {
        models: models.to_owned(),
        input_pico: amount("input")?,
        output_pico: amount("output")?,
    })
}

/// Reads dollars per million tokens as pico-dollars per token, exactly.
fn pico(decimal: &str) -> Option<u64> {
    let (whole, places) = decimal.split_once('.').unwrap_or((decimal, ""));
    let places = places.trim_end_matches('0');
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || places.len() > PLACES || !is_plain(whole) || !is_plain(places) {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|usd| *usd <= USD_MAX)?;
    let places: u64 = format!("{places:0<PLACES$}").parse().ok()?;
    Some(whole * 1_000_000 + places)
}

#[cfg(test)]
mod tests {
    use super::super::document::read_document;
    use super::*;

    fn prices(text: &str) -> Result<Vec<Price>, ConfigError> {
        read_document(text, read)
    }

    #[test]
    fn prices_are_exact_and_in_order() {
        let read = prices(
            "\"z*\" = { input = 0.1, output = 0.40 }\na = { input = 3, output = 15.000_001 }\n",
        )
        .unwrap();
        let told: Vec<_> = read
            .iter()
            .map(|p| (p.models.as_str(), p.input_pico, p.output_pico))
            .collect();
        assert_eq!(
            told,
            [("z*", 100_000, 400_000), ("a", 3_000_000, 15_000_001)]
        );
    }

    #[test]
    fn wrong_prices_are_refused() {
        for (text, told) in [
            (
                "a = 3",
                "line 1, column 5: `a` is the number 3, expected a table",
            ),
            ("a = { input = 3 }", "line 1, column 5: `a` has no `output`"),
            (
                "a = { input = -1, output = 1 }",
                "line 1, column 15: `a.input` is the number -1",
            ),
            (
                "a = { input = 0.0000001, output = 1 }",
                "`a.input` is the number 0.0000001",
            ),
            ("a = { input = 1e3, output = 1 }", "`a.input` is the number"),
            (
                "a = { input = nan, output = 1 }",
                "`a.input` is the number nan",
            ),
            (
                "a = { input = \"3\", output = 1 }",
                "`a.input` is the text `3`",
            ),
            ("a = { inptu = 1, output = 1 }", "`inptu` is no key of [a]"),
        ] {
            let error = prices(text).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}

//! From raw terms to typed ones.

use super::Filter;
use super::error::FilterError;
use super::field::{Field, Kind};
use super::lex::{RawTerm, RawText, lex};
use super::pattern::Pattern;
use super::term::{Comparison, Flag, OwnValue, Term, Test, UNKNOWN, Wanted};
use crate::config::nearest;

/// Reads the terms of a text, each with its own text.
pub(super) fn terms(text: &str) -> Result<Vec<(String, Term)>, FilterError> {
    if text.len() > Filter::LEN_MAX {
        return Err(FilterError::new(
            Filter::LEN_MAX + 1,
            format!("a filter of {} bytes", text.len()),
            format!("write one of at most {} bytes", Filter::LEN_MAX),
        ));
    }
    lex(text)?
        .into_iter()
        .map(|raw| Ok((raw.text.clone(), term(&raw)?)))
        .collect()
}

fn term(raw: &RawTerm) -> Result<Term, FilterError> {
    let word = raw.word.text();
    let Some((comparison, values)) = &raw.compared else {
        if word.is_empty() {
            return Err(FilterError::new(
                raw.column,
                "nothing to look for",
                "write a word, a flag, or field=value behind it",
            ));
        }
        let test = match Flag::try_from_word(&word).filter(|_| !raw.word.is_quoted) {
            Some(flag) => Test::Flag(flag),
            None => Test::Word(containing(&raw.word)),
        };
        return Ok(Term {
            is_not: raw.is_not,
            test,
        });
    };
    if word.is_empty() {
        return Err(FilterError::new(
            raw.column,
            "a comparison without a field",
            "write the field before it, as in route=chat",
        ));
    }
    if let Some(empty) = values
        .iter()
        .find(|value| !value.is_quoted && value.text().is_empty())
    {
        return Err(FilterError::new(
            empty.column,
            format!("{word} is compared with nothing"),
            format!("write a value, or {word}={UNKNOWN} for requests without one"),
        ));
    }
    let is_flag = Flag::try_from_word(&word).filter(|_| Field::try_from_word(&word).is_none());
    if is_flag.is_some() {
        return Err(FilterError::new(
            raw.column,
            format!("{word} has no values: it is so or not"),
            format!("write {word} or -{word} alone"),
        ));
    }
    Ok(Term {
        is_not: raw.is_not != (*comparison == Comparison::IsNot),
        test: test(&word, *comparison, values)?,
    })
}

fn test(word: &str, comparison: Comparison, values: &[RawText]) -> Result<Test, FilterError> {
    let Some(field) = Field::try_from_word(word) else {
        let values = values.iter().map(|value| own(word, comparison, value));
        return Ok(Test::Own(
            word.to_owned(),
            comparison,
            values.collect::<Result<_, _>>()?,
        ));
    };
    if field.kind() == Kind::Text {
        if let Some(first) = values.first().filter(|_| comparison.is_order()) {
            return Err(FilterError::new(
                first.column,
                format!("{word} is a text, which is not more or less than another"),
                format!("write {word}=…, {word}!=… or {word}=…* instead"),
            ));
        }
        return Ok(Test::Text(field, values.iter().map(wanted).collect()));
    }
    let number = |value: &RawText| {
        if is_unknown(value) && !comparison.is_order() {
            return Ok(None);
        }
        number(field.kind(), word, value).map(Some)
    };
    let values = values.iter().map(number).collect::<Result<_, _>>()?;
    Ok(Test::Number(field, comparison, values))
}

fn is_unknown(value: &RawText) -> bool {
    !value.is_quoted && value.text() == UNKNOWN
}

fn wanted(value: &RawText) -> Wanted {
    if is_unknown(value) {
        Wanted::Unknown
    } else {
        Wanted::Like(Pattern::of_parts(value.parts.clone()))
    }
}

fn containing(word: &RawText) -> Pattern {
    let mut parts = word.parts.clone();
    parts.insert(0, String::new());
    parts.push(String::new());
    Pattern::of_parts(parts)
}

fn own(word: &str, comparison: Comparison, value: &RawText) -> Result<OwnValue, FilterError> {
    let text = value.text();
    let number = plain_number(&text);
    if comparison.is_order() && number.is_none() {
        return Err(FilterError::new(
            value.column,
            format!("`{text}` is no number, and only numbers are more or less than another"),
            format!("write a number, or {word}={text}"),
        ));
    }
    Ok(OwnValue {
        text: wanted(value),
        number,
        yes_no: match text.to_ascii_lowercase().as_str() {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => None,
        },
    })
}

fn plain_number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The units of spans with their microseconds.
const UNITS: [(&str, f64); 7] = [
    ("us", 1.0),
    ("µs", 1.0),
    ("ms", 1e3),
    ("s", 1e6),
    ("m", 6e7),
    ("min", 6e7),
    ("h", 3.6e9),
];

fn number(kind: Kind, word: &str, value: &RawText) -> Result<f64, FilterError> {
    let text = value.text();
    let fail = |what: String, hint: &str| Err(FilterError::new(value.column, what, hint));
    match kind {
        Kind::Duration => {
            let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
            let unit = text.get(digits.len()..).unwrap_or_default();
            let Some(number) = plain_number(digits) else {
                return fail(
                    format!("`{text}` is no span of time"),
                    "write one like 800ms or 2s",
                );
            };
            match UNITS.iter().find(|row| row.0 == unit) {
                Some((_, us)) => Ok(number * us),
                None if unit.is_empty() => fail(
                    format!("{word} needs a unit behind {text}"),
                    &format!("write {text}ms or {text}s"),
                ),
                None => {
                    let meant = nearest(unit, UNITS.iter().map(|row| row.0)).unwrap_or("ms");
                    fail(
                        format!("`{unit}` is no unit of time"),
                        &format!("did you mean {digits}{meant}?"),
                    )
                }
            }
        }
        Kind::Dollars => match plain_number(text.trim_start_matches('$')) {
            Some(number) => Ok(number),
            None => fail(format!("`{text}` is no amount"), "write dollars, like 0.01"),
        },
        Kind::Count | Kind::Text => match plain_number(&text) {
            Some(number) => Ok(number),
            None => fail(
                format!("`{text}` is no number"),
                &format!("write {word}=2 or {word}>2"),
            ),
        },
    }
}

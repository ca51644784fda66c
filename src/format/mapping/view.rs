//! One line seen through a mapping: facts by what the mapping says of their place.

use std::borrow::Cow;

use super::find::{Finder, Found};
use super::plan::Plan;
use crate::config::{Condition, Lookup, Measure, Place, TimeForm, Unit, Words};
use crate::format::glob;
use crate::format::scalar::Scalar;
use crate::format::time::rfc3339;
use crate::model::{Micros, Timestamp};

/// A line, or the attributes of a span, as the facts of a mapping.
pub(crate) struct View<'p, 'a> {
    pub(super) plan: &'p Plan,
    found: Found<'a>,
    tags: Vec<Cow<'a, str>>,
    attribute: &'p dyn Fn(&str) -> Scalar<'a>,
}

/// A value that is there and cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// The attribute of lines that have none.
pub(crate) fn no_attribute<'a>(_: &str) -> Scalar<'a> {
    Scalar::Absent
}

impl<'p, 'a> View<'p, 'a> {
    /// Looks at the JSON of a line once; `attribute` finds what `attr:NAME` names.
    pub(crate) fn new(
        plan: &'p Plan,
        json: &'a str,
        attribute: &'p dyn Fn(&str) -> Scalar<'a>,
    ) -> Self {
        let found = plan.finder.find(json);
        let tags = plan.mapping.tags.iter().filter_map(|idx| found.raw(*idx));
        let tags = tags.flat_map(tags_of).collect();
        Self {
            plan,
            found,
            tags,
            attribute,
        }
    }

    /// Returns the first place that is set, else the fixed value; null when a place says null.
    pub(super) fn value(&self, lookup: &Lookup) -> Scalar<'a> {
        let mut unset = Scalar::Absent;
        for place in &lookup.places {
            match self.at(place) {
                Scalar::Absent => {}
                Scalar::Text(text) if text.is_empty() => {}
                Scalar::Null => unset = Scalar::Null,
                value => return value,
            }
        }
        lookup
            .value
            .as_ref()
            .map_or(unset, |value| Scalar::Text(Cow::Owned(value.clone())))
    }

    fn at(&self, place: &Place) -> Scalar<'a> {
        match place {
            Place::Pointer(idx) => self.found.raw(*idx).map_or(Scalar::Absent, scalar),
            Place::Embedded { text, inner } => {
                let Some(Scalar::Text(text)) = self.found.raw(*text).map(scalar) else {
                    return Scalar::Absent;
                };
                let finder = Finder::new(std::slice::from_ref(inner));
                finder
                    .find(&text)
                    .raw(0)
                    .map_or(Scalar::Absent, |raw| scalar(raw).into_owned())
            }
            Place::Tag(prefix) => {
                let mut tags = self.tags.iter();
                let rest = tags.find_map(|tag| {
                    tag.strip_prefix(prefix.as_str())
                        .filter(|rest| !rest.is_empty())
                });
                rest.map_or(Scalar::Absent, |rest| {
                    Scalar::Text(Cow::Owned(rest.to_owned()))
                })
            }
            Place::Attribute(name) => (self.attribute)(name),
        }
    }

    /// Returns a fact that the mapping knows of, and nothing when it is not set.
    pub(super) fn known(&self, lookup: Option<&Lookup>) -> Option<Scalar<'a>> {
        lookup
            .map(|lookup| self.value(lookup))
            .filter(|value| !value.is_unset())
    }

    /// Tells whether one of the places of a fact is set; a fixed value does not count.
    pub(super) fn finds(&self, lookup: Option<&Lookup>) -> bool {
        lookup.is_some_and(|lookup| {
            let places = Lookup {
                places: lookup.places.clone(),
                value: None,
            };
            !self.value(&places).is_unset()
        })
    }

    /// Returns a fact as text.
    pub(super) fn text(&self, lookup: &Lookup) -> Option<String> {
        let value = self.value(lookup);
        word(&value)
            .filter(|word| !word.is_empty())
            .map(Cow::into_owned)
    }

    /// Returns a number, also one written as text.
    pub(super) fn number(&self, lookup: Option<&Lookup>) -> Option<Result<f64, Unreadable>> {
        self.known(lookup)
            .map(|value| number(&value).ok_or(Unreadable))
    }

    /// Returns a span.
    pub(super) fn span(
        &self,
        measure: Option<&Measure<Unit>>,
    ) -> Option<Result<Micros, Unreadable>> {
        let measure = measure?;
        let number = self.number(Some(&measure.at))?;
        Some(number.and_then(|number| span(number, measure.unit).ok_or(Unreadable)))
    }

    /// Returns a time.
    pub(super) fn time(
        &self,
        measure: Option<&Measure<TimeForm>>,
    ) -> Option<Result<Timestamp, Unreadable>> {
        let measure = measure?;
        let value = self.known(Some(&measure.at))?;
        Some(time(&value, measure.unit).ok_or(Unreadable))
    }

    /// Returns what a word means; `read` knows the words of native events.
    pub(super) fn meaning<T>(
        &self,
        words: Option<&Words>,
        read: fn(&str) -> Option<T>,
    ) -> Option<Result<T, Unreadable>> {
        let words = words?;
        let value = self.known(Some(&words.at))?;
        let Some(word) = word(&value) else {
            return Some(Err(Unreadable));
        };
        let mut known = words.words.iter();
        let known = known.find(|(pattern, _)| glob::matches(pattern, &word));
        Some(
            known
                .and_then(|(_, meaning)| read(meaning))
                .ok_or(Unreadable),
        )
    }

    /// Tells whether a condition holds.
    pub(super) fn holds(&self, condition: Option<&Condition>) -> bool {
        let Some(condition) = condition else {
            return false;
        };
        let value = self.value(&condition.at);
        let Some(word) = word(&value) else {
            return false;
        };
        let fits = |words: &[String]| words.iter().any(|pattern| glob::matches(pattern, &word));
        let number = number(&value);
        let is_bounded = |bound: Option<f64>, is: fn(&f64, &f64) -> bool| {
            bound.is_none_or(|bound| number.is_some_and(|number| is(&number, &bound)))
        };
        let has_test =
            condition.below.is_some() || condition.above.is_some() || !condition.is_not.is_empty();
        let is_listed = if condition.is.is_empty() {
            has_test || !matches!(word.as_ref(), "false" | "0" | "")
        } else {
            fits(&condition.is)
        };
        is_listed
            && !fits(&condition.is_not)
            && is_bounded(condition.below, f64::lt)
            && is_bounded(condition.above, f64::gt)
    }
}

fn scalar(raw: &str) -> Scalar<'_> {
    sonic_rs::from_str(raw).unwrap_or(Scalar::Absent)
}

/// Reads a list of tags, also one that is JSON inside a text.
fn tags_of(raw: &str) -> Vec<Cow<'_, str>> {
    let texts = |list: Vec<Scalar<'_>>| -> Vec<String> {
        let texts = list.iter().filter_map(Scalar::text);
        texts.map(str::to_owned).collect()
    };
    if let Ok(list) = sonic_rs::from_str::<Vec<Scalar<'_>>>(raw) {
        return texts(list).into_iter().map(Cow::Owned).collect();
    }
    let Scalar::Text(inner) = scalar(raw) else {
        return Vec::new();
    };
    let list = sonic_rs::from_str::<Vec<Scalar<'_>>>(&inner).unwrap_or_default();
    texts(list).into_iter().map(Cow::Owned).collect()
}

/// Returns a value as the word that a mapping speaks of: 200, 200.0 and "200" are the same.
fn word<'s>(value: &'s Scalar<'_>) -> Option<Cow<'s, str>> {
    match value {
        Scalar::Text(text) => Some(Cow::Borrowed(text)),
        Scalar::Number(number) => Some(Cow::Owned(number.to_string())),
        Scalar::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        Scalar::Absent | Scalar::Null | Scalar::Nested => None,
    }
}

/// Reads a number, also one written as text.
pub(super) fn number(value: &Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Number(number) => Some(*number),
        Scalar::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number| number.is_finite())
}

fn span(number: f64, unit: Unit) -> Option<Micros> {
    match unit {
        Unit::Seconds => Micros::try_from_seconds(number),
        Unit::Millis => Micros::try_from_millis(number),
        Unit::Micros => Micros::try_from_millis(number / 1e3),
        Unit::Nanos => Micros::try_from_millis(number / 1e6),
    }
}

fn time(value: &Scalar<'_>, form: TimeForm) -> Option<Timestamp> {
    match (form, value) {
        (TimeForm::Rfc3339, Scalar::Text(text)) => rfc3339(text),
        (TimeForm::Utc, Scalar::Text(text)) => utc(text),
        (TimeForm::Epoch(unit), Scalar::Text(text)) => epoch_text(text.trim(), unit),
        (TimeForm::Epoch(unit), Scalar::Number(number)) => {
            Timestamp::try_from_seconds(number / per_second(unit))
        }
        _ => None,
    }
}

fn per_second(unit: Unit) -> f64 {
    match unit {
        Unit::Seconds => 1.0,
        Unit::Millis => 1e3,
        Unit::Micros => 1e6,
        Unit::Nanos => 1e9,
    }
}

/// Reads a time as text; whole numbers exactly, since nanoseconds exceed what a float holds.
fn epoch_text(text: &str, unit: Unit) -> Option<Timestamp> {
    let Ok(whole) = text.parse::<i64>() else {
        let number: f64 = text.parse().ok()?;
        return Timestamp::try_from_seconds(number / per_second(unit));
    };
    let micros = match unit {
        Unit::Seconds => whole.checked_mul(1_000_000)?,
        Unit::Millis => whole.checked_mul(1_000)?,
        Unit::Micros => whole,
        Unit::Nanos => whole.div_euclid(1_000),
    };
    // The years 1 to 9999, as for numbers.
    (-62_000_000_000_000_000..260_000_000_000_000_000)
        .contains(&micros)
        .then_some(Timestamp(micros))
}

/// Reads RFC 3339 with a blank for the `T` and without a zone, which then is UTC.
fn utc(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (day, clock) = (text.get(..10)?, text.get(11..)?);
    let has_zone = clock.ends_with(['Z', 'z']) || clock.contains(['+', '-']);
    rfc3339(&format!("{day}T{clock}{}", if has_zone { "" } else { "Z" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn plan(toml: &str) -> Plan {
        Plan::new(Config::parse(toml).unwrap().mapping.unwrap(), Vec::new())
    }

    #[test]
    fn the_first_place_that_is_set_counts() {
        let plan = plan(
            "[map]\nroute = [\"/empty\", \"/null\", \"/b\", \"/a\"]\ntask_class = [\"/null\", \"/none\"]\n\
             tier = { at = \"/none\", value = \"fast\" }\nmodel = { at = \"/text\", json = \"/x/1\" }\n\
             policy = \"tag:p:\"\nrule = \"attr:rule\"\n",
        );
        let json = r#"{"a":"A","b":7,"empty":"","null":null,"text":"{\"x\":[1,\"in\"]}","request_tags":"[\"p:\",\"p:one\",\"p:two\"]"}"#;
        let attribute = |name: &str| Scalar::Text(Cow::Owned(format!("<{name}>")));
        let view = View::new(&plan, json, &attribute);
        let value = |of: &Option<Lookup>| view.value(of.as_ref().unwrap());
        let map = &plan.mapping;
        assert_eq!(value(&map.route), Scalar::Number(7.0));
        assert_eq!(value(&map.task_class), Scalar::Null);
        assert_eq!(value(&map.tier).text(), Some("fast"));
        assert_eq!(value(&map.model).text(), Some("in"));
        assert_eq!(value(&map.policy).text(), Some("one"));
        assert_eq!(value(&map.rule).text(), Some("<rule>"));
    }

    #[test]
    fn times_of_every_form() {
        let read = |unit: &str, value: &str| {
            let plan = plan(&format!(
                "[map]\nts = {{ at = \"/t\", unit = \"{unit}\" }}\n"
            ));
            let json = format!("{{\"t\":{value}}}");
            let view = View::new(&plan, &json, &no_attribute);
            view.time(plan.mapping.ts.as_ref())
                .map(|time| time.map(|ts| ts.0).ok())
        };
        let at = Some(Some(1_795_470_436_796_757));
        assert_eq!(read("s", "1795470436.796757"), at);
        assert_eq!(read("s", "\"1795470436.796757\""), at);
        assert_eq!(read("ms", "1795470436796.757"), at);
        assert_eq!(read("us", "1795470436796757"), at);
        assert_eq!(read("ns", "\"1795470436796757123\""), at);
        assert_eq!(read("ns", "1795470436796757123"), at);
        assert_eq!(read("rfc3339", "\"2026-11-23T21:47:16.796757Z\""), at);
        assert_eq!(read("utc", "\"2026-11-23 21:47:16.796757\""), at);
        assert_eq!(read("utc", "\"2026-11-23 22:47:16.796757+01:00\""), at);
        assert_eq!(read("s", "null"), None);
        for (unit, wrong) in [
            ("rfc3339", "1795470436"),
            ("rfc3339", "\"2026-11-23 21:47:16\""),
            ("s", "\"x\""),
            ("s", "{}"),
            ("ms", "true"),
            ("s", "\"9223372036854775807\""),
            ("utc", "\"é\""),
        ] {
            assert_eq!(read(unit, wrong), Some(None), "{unit} {wrong}");
        }
    }

    #[test]
    fn conditions() {
        let holds = |condition: &str, value: &str| {
            let plan = plan(&format!("[map]\nescalated = {condition}\n"));
            let json = format!("{{\"v\":{value}}}");
            View::new(&plan, &json, &no_attribute).holds(plan.mapping.escalated.as_ref())
        };
        for (condition, yes, no) in [
            (
                "\"/v\"",
                vec!["1", "\"r-7\"", "true"],
                vec!["0", "\"\"", "false", "null", "[]"],
            ),
            (
                "{ at = \"/v\", is = [0, \"thumbs_*\"] }",
                vec!["0", "\"0\"", "\"thumbs_down\""],
                vec!["1", "\"up\"", "null"],
            ),
            (
                "{ at = \"/v\", below = 0.5 }",
                vec!["0", "0.4", "\"0.1\""],
                vec!["0.5", "\"x\"", "null"],
            ),
            (
                "{ at = \"/v\", not = \"ok\", above = -1 }",
                vec!["0", "5"],
                vec!["\"ok\"", "-2"],
            ),
            (
                "{ at = \"/v\", not = [\"ok\"] }",
                vec!["\"bad\"", "false"],
                vec!["\"ok\"", "null"],
            ),
        ] {
            for value in yes {
                assert!(holds(condition, value), "{condition} {value}");
            }
            for value in no {
                assert!(!holds(condition, value), "{condition} {value}");
            }
        }
    }
}

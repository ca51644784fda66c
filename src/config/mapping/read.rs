//! The section as it stands in the file, read key by key.

use super::place::{Place, Pointer};
use super::{
    ATTEMPT_OUTCOMES, AttemptMap, CORRECTION_KINDS, Condition, CorrectionMap, Lookup, Mapping,
    Measure, MoneyUnit, OUTCOMES, TimeForm, Unit, Words,
};
use crate::config::document::{ConfigError, Item, Section};

/// Where tags stand when `tags` does not say: LiteLLM's payload and what gateways commonly use.
const TAGS_DEFAULT: [&str; 3] = ["/request_tags", "/metadata/tags", "/tags"];

const PLACE: &str = "a JSON pointer like \"/metadata/team\", \"tag:PREFIX\" or \"attr:NAME\"";
const ATTEMPT_KEYS: [&str; 11] = [
    "n",
    "model",
    "provider",
    "tier",
    "outcome",
    "reason",
    "latency",
    "ttft",
    "input_tokens",
    "output_tokens",
    "cost",
];
const CORRECTION_KEYS: [&str; 6] = ["when", "request_id", "session_id", "kind", "by", "after"];
const KEYS: [&str; 21] = [
    "formats",
    "override",
    "tags",
    "request_id",
    "session_id",
    "ts",
    "route",
    "task_class",
    "policy",
    "rule",
    "tier",
    "model",
    "reason",
    "outcome",
    "latency",
    "escalated",
    "fallback",
    "signals",
    "attrs",
    "attempt",
    "correction",
];

/// Reads the section.
pub(in crate::config) fn read(section: &Section<'_>) -> Result<Mapping, ConfigError> {
    section.only(&KEYS)?;
    let mut pointers = Pointers::default();
    let it = &mut pointers;
    let mut mapping = Mapping {
        formats: formats(section)?,
        is_override: truth(section, "override")?,
        tags: tags(section, it)?,
        request_id: lookup_of(section, "request_id", it)?,
        session_id: lookup_of(section, "session_id", it)?,
        ts: measure_of(section, "ts", it, &TIMES, TimeForm::Rfc3339)?,
        route: lookup_of(section, "route", it)?,
        task_class: lookup_of(section, "task_class", it)?,
        policy: lookup_of(section, "policy", it)?,
        rule: lookup_of(section, "rule", it)?,
        tier: lookup_of(section, "tier", it)?,
        model: lookup_of(section, "model", it)?,
        reason: lookup_of(section, "reason", it)?,
        outcome: words_of(section, "outcome", it, &OUTCOMES)?,
        latency: measure_of(section, "latency", it, &spans(), Unit::Millis)?,
        escalated: condition_of(section, "escalated", it)?,
        fallback: condition_of(section, "fallback", it)?,
        signals: named(section, "signals", it)?,
        attrs: named(section, "attrs", it)?,
        attempt: AttemptMap::default(),
        correction: None,
        pointers: Vec::new(),
    };
    if let Some(inner) = subsection(section, "attempt")? {
        mapping.attempt = attempt(&inner, mapping.outcome.is_some(), it)?;
    }
    if let Some(inner) = subsection(section, "correction")? {
        mapping.correction = Some(correction(&inner, it)?);
    }
    mapping.pointers = pointers.0;
    Ok(mapping)
}

/// The pointers used so far, each once.
#[derive(Default)]
struct Pointers(Vec<Pointer>);

impl Pointers {
    fn index(&mut self, pointer: Pointer) -> usize {
        self.0
            .iter()
            .position(|known| *known == pointer)
            .unwrap_or_else(|| {
                self.0.push(pointer);
                self.0.len() - 1
            })
    }
}

const TIMES: [(&str, TimeForm); 6] = [
    ("rfc3339", TimeForm::Rfc3339),
    ("utc", TimeForm::Utc),
    ("s", TimeForm::Epoch(Unit::Seconds)),
    ("ms", TimeForm::Epoch(Unit::Millis)),
    ("us", TimeForm::Epoch(Unit::Micros)),
    ("ns", TimeForm::Epoch(Unit::Nanos)),
];

fn spans() -> [(&'static str, Unit); 4] {
    Unit::WORDS.map(|(unit, word)| (word, unit))
}

fn attempt(
    section: &Section<'_>,
    has_outcome: bool,
    it: &mut Pointers,
) -> Result<AttemptMap, ConfigError> {
    section.only(&ATTEMPT_KEYS)?;
    let money = MoneyUnit::WORDS.map(|(unit, word)| (word, unit));
    let read = AttemptMap {
        n: lookup_of(section, "n", it)?,
        model: lookup_of(section, "model", it)?,
        provider: lookup_of(section, "provider", it)?,
        tier: lookup_of(section, "tier", it)?,
        outcome: words_of(section, "outcome", it, &ATTEMPT_OUTCOMES)?,
        reason: lookup_of(section, "reason", it)?,
        latency: measure_of(section, "latency", it, &spans(), Unit::Millis)?,
        ttft: measure_of(section, "ttft", it, &spans(), Unit::Millis)?,
        input_tokens: lookup_of(section, "input_tokens", it)?,
        output_tokens: lookup_of(section, "output_tokens", it)?,
        cost: measure_of(section, "cost", it, &money, MoneyUnit::Usd)?,
    };
    if read.model.is_some() && read.outcome.is_none() && !has_outcome {
        let what = "[map.attempt] has a `model` but nothing says how the attempt ended";
        let hint = "add outcome = { at = \"/status\", ok = [\"success\"], error = [\"*\"] }, \
                    or outcome = { value = \"ok\" } when every logged attempt was answered";
        return Err(ConfigError::new(section.at, what).with_hint(hint));
    }
    Ok(read)
}

fn correction(section: &Section<'_>, it: &mut Pointers) -> Result<CorrectionMap, ConfigError> {
    section.only(&CORRECTION_KEYS)?;
    let when = condition_of(section, "when", it)?;
    let when = when.ok_or_else(|| {
        ConfigError::new(
            section.at,
            "[map.correction] does not say when a line is a correction",
        )
        .with_hint("add when = \"/metadata/corrects\", or when = { at = \"/score\", is = [0] }")
    })?;
    Ok(CorrectionMap {
        when,
        request_id: lookup_of(section, "request_id", it)?,
        session_id: lookup_of(section, "session_id", it)?,
        kind: words_of(section, "kind", it, &CORRECTION_KINDS)?,
        by: lookup_of(section, "by", it)?,
        after: measure_of(section, "after", it, &spans(), Unit::Seconds)?,
    })
}

fn formats(section: &Section<'_>) -> Result<Vec<(String, crate::config::At)>, ConfigError> {
    let items = section.item("formats").map(Item::list).unwrap_or_default();
    let read = |item: &Item<'_>| match item.text() {
        Some(text) => Ok((text.to_owned(), item.at)),
        None => Err(item.expected("names of formats, like [\"litellm-proxy\"]")),
    };
    items.iter().map(read).collect()
}

fn truth(section: &Section<'_>, key: &str) -> Result<bool, ConfigError> {
    section.item(key).map_or(Ok(false), |item| {
        item.truth().ok_or_else(|| item.expected("true or false"))
    })
}

fn tags(section: &Section<'_>, it: &mut Pointers) -> Result<Vec<usize>, ConfigError> {
    let Some(item) = section.item("tags") else {
        let defaults = TAGS_DEFAULT
            .iter()
            .filter_map(|text| Pointer::parse(text).ok());
        return Ok(defaults.map(|pointer| it.index(pointer)).collect());
    };
    let read = |item: &Item<'_>| {
        let text = item
            .text()
            .ok_or_else(|| item.expected("a JSON pointer to a list of tags"))?;
        pointer(item, text)
    };
    let found: Result<Vec<Pointer>, _> = item.list().iter().map(read).collect();
    Ok(found?
        .into_iter()
        .map(|pointer| it.index(pointer))
        .collect())
}

fn pointer(item: &Item<'_>, text: &str) -> Result<Pointer, ConfigError> {
    Pointer::parse(text).map_err(|why| item.expected(PLACE).with_hint(why))
}

fn subsection<'a>(section: &Section<'a>, key: &str) -> Result<Option<Section<'a>>, ConfigError> {
    let Some(item) = section.item(key) else {
        return Ok(None);
    };
    item.section()
        .map(Some)
        .ok_or_else(|| item.expected("a table"))
}

fn named(
    section: &Section<'_>,
    key: &str,
    it: &mut Pointers,
) -> Result<Vec<(String, Lookup)>, ConfigError> {
    let Some(inner) = subsection(section, key)? else {
        return Ok(Vec::new());
    };
    let read = |(name, item): (&str, &Item<'_>)| Ok((name.to_owned(), lookup(item, &[], it)?));
    inner.items().map(read).collect()
}

fn lookup_of(
    section: &Section<'_>,
    key: &str,
    it: &mut Pointers,
) -> Result<Option<Lookup>, ConfigError> {
    section
        .item(key)
        .map(|item| lookup(item, &[], it))
        .transpose()
}

/// Reads a place, a list of places, or a table with `at` and `value` and the keys of `more`.
fn lookup(item: &Item<'_>, more: &[&str], it: &mut Pointers) -> Result<Lookup, ConfigError> {
    let Some(section) = item.section() else {
        return Ok(Lookup {
            places: places(item, it)?,
            value: None,
        });
    };
    let known: Vec<&str> = ["at", "json", "value"]
        .iter()
        .chain(more)
        .copied()
        .collect();
    section.only(&known)?;
    let mut found = Lookup::default();
    if let Some(at) = section.item("at") {
        found.places = places(at, it)?;
    }
    if let Some(inner) = section.item("json") {
        let text = inner
            .text()
            .ok_or_else(|| inner.expected("a JSON pointer"))?;
        let inner = pointer(inner, text)?;
        for place in &mut found.places {
            if let Place::Pointer(text) = *place {
                *place = Place::Embedded {
                    text,
                    inner: inner.clone(),
                };
            }
        }
    }
    if let Some(value) = section.item("value") {
        found.value = Some(
            value
                .scalar()
                .ok_or_else(|| value.expected("a text, a number, true or false"))?,
        );
    }
    if found == Lookup::default() {
        let what = format!(
            "`{}` says neither where (`at`) nor what (`value`)",
            item.name
        );
        return Err(ConfigError::new(item.at, what));
    }
    Ok(found)
}

fn places(item: &Item<'_>, it: &mut Pointers) -> Result<Vec<Place>, ConfigError> {
    item.list().iter().map(|item| place(item, it)).collect()
}

fn place(item: &Item<'_>, it: &mut Pointers) -> Result<Place, ConfigError> {
    let text = item.text().ok_or_else(|| item.expected(PLACE))?;
    if let Some(prefix) = text
        .strip_prefix("tag:")
        .filter(|prefix| !prefix.is_empty())
    {
        return Ok(Place::Tag(prefix.to_owned()));
    }
    if let Some(name) = text.strip_prefix("attr:").filter(|name| !name.is_empty()) {
        return Ok(Place::Attribute(name.to_owned()));
    }
    if !text.starts_with('/') {
        let hint =
            format!("did you mean \"/{text}\"? a fixed value is written {{ value = \"{text}\" }}");
        return Err(item.expected(PLACE).with_hint(hint));
    }
    pointer(item, text).map(|pointer| Place::Pointer(it.index(pointer)))
}

fn measure_of<U: Copy>(
    section: &Section<'_>,
    key: &str,
    it: &mut Pointers,
    units: &[(&str, U)],
    default: U,
) -> Result<Option<Measure<U>>, ConfigError> {
    let Some(item) = section.item(key) else {
        return Ok(None);
    };
    let at = lookup(item, &["unit"], it)?;
    let unit = item
        .section()
        .and_then(|section| section.item("unit").cloned());
    let Some(unit) = unit else {
        return Ok(Some(Measure { at, unit: default }));
    };
    let found = units.iter().find(|(word, _)| unit.text() == Some(word));
    let words: Vec<&str> = units.iter().map(|(word, _)| *word).collect();
    let (_, unit) = found.ok_or_else(|| unit.expected(&format!("one of {}", words.join(", "))))?;
    Ok(Some(Measure { at, unit: *unit }))
}

fn words_of(
    section: &Section<'_>,
    key: &str,
    it: &mut Pointers,
    meanings: &[&'static str],
) -> Result<Option<Words>, ConfigError> {
    let Some(item) = section.item(key) else {
        return Ok(None);
    };
    let at = lookup(item, meanings, it)?;
    let mut words: Vec<(String, &'static str)> = Vec::new();
    let inner = item.section();
    for (name, listed) in inner.iter().flat_map(Section::items) {
        let Some(meaning) = meanings.iter().find(|known| **known == name) else {
            continue;
        };
        for word in listed.list() {
            let word = word
                .scalar()
                .ok_or_else(|| word.expected("words of the log"))?;
            words.push((word, meaning));
        }
    }
    words.extend(meanings.iter().map(|word| ((*word).to_owned(), *word)));
    // A word that fits everything is the last to be tried, wherever it stands.
    words.sort_by_key(|(word, _)| word == "*");
    if let Some(value) = &at.value
        && !meanings.contains(&value.as_str())
    {
        return Err(item.expected(&format!("one of {} as `value`", meanings.join(", "))));
    }
    Ok(Some(Words { at, words }))
}

fn condition_of(
    section: &Section<'_>,
    key: &str,
    it: &mut Pointers,
) -> Result<Option<Condition>, ConfigError> {
    let Some(item) = section.item(key) else {
        return Ok(None);
    };
    let at = lookup(item, &["is", "not", "below", "above"], it)?;
    let inner = item.section();
    let inner = inner.as_ref();
    let listed = |key: &str| -> Result<Vec<String>, ConfigError> {
        let items = inner
            .and_then(|inner| inner.item(key))
            .map(Item::list)
            .unwrap_or_default();
        let read = |item: &Item<'_>| {
            item.scalar()
                .ok_or_else(|| item.expected("values of the log"))
        };
        items.iter().map(read).collect()
    };
    let bound = |key: &str| -> Result<Option<f64>, ConfigError> {
        let item = inner.and_then(|inner| inner.item(key));
        let read = |item: &Item<'_>| item.number().ok_or_else(|| item.expected("a number"));
        item.map(read).transpose()
    };
    Ok(Some(Condition {
        at,
        is: listed("is")?,
        is_not: listed("not")?,
        below: bound("below")?,
        above: bound("above")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::read_document;

    fn parse(text: &str) -> Result<Mapping, ConfigError> {
        read_document(text, |root| match root.item("map").unwrap().section() {
            Some(section) => read(&section),
            None => panic!("no table"),
        })
    }

    #[test]
    fn places_of_every_kind_are_read() {
        let mapping = parse(
            "[map]\nroute = \"/a\"\ntask_class = [\"tag:task:\", \"/a\", \"attr:task\"]\n\
             tier = { at = \"/m\", json = \"/t\", value = \"fast\" }\n\
             ts = { at = \"/time\", unit = \"ns\" }\n\
             [map.attempt]\noutcome = { at = \"/s\", error = \"*\", ok = [200, \"success\"] }\n",
        )
        .unwrap();
        let parts = |idx: usize| mapping.pointers[idx].0.join("/");
        assert_eq!(
            mapping
                .tags
                .iter()
                .map(|idx| parts(*idx))
                .collect::<Vec<_>>(),
            ["request_tags", "metadata/tags", "tags"]
        );
        let Some(Place::Pointer(a)) = mapping
            .route
            .as_ref()
            .and_then(|route| route.places.first())
        else {
            panic!("{mapping:?}");
        };
        assert_eq!(parts(*a), "a");
        let task = &mapping.task_class.as_ref().unwrap().places;
        assert_eq!(task[0], Place::Tag("task:".to_owned()));
        assert_eq!(task[1], Place::Pointer(*a), "the same pointer once");
        assert_eq!(task[2], Place::Attribute("task".to_owned()));
        let tier = mapping.tier.as_ref().unwrap();
        assert!(matches!(&tier.places[0], Place::Embedded { inner, .. } if inner.0 == ["t"]));
        assert_eq!(tier.value.as_deref(), Some("fast"));
        assert_eq!(
            mapping.ts.as_ref().unwrap().unit,
            TimeForm::Epoch(Unit::Nanos)
        );
        let words = &mapping.attempt.outcome.as_ref().unwrap().words;
        assert_eq!(words.first().unwrap(), &("200".to_owned(), "ok"));
        assert_eq!(
            words.last().unwrap(),
            &("*".to_owned(), "error"),
            "the widest last"
        );
    }

    /// Keys that are tables of their own.
    const SUBSECTIONS: [&str; 4] = ["signals", "attrs", "attempt", "correction"];
    const SAMPLE: &str = include_str!("../../../assets/samples/mapping.toml");

    /// The sample with its commented keys as well.
    fn sample_in_full() -> String {
        let lines = SAMPLE.lines().map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest
                    .split_once(" = ")
                    .is_some_and(|(key, _)| !key.contains(' ')) =>
            {
                rest
            }
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_sample_is_true_and_shows_every_key() {
        let plain = crate::config::Config::parse(SAMPLE).unwrap();
        assert!(plain.mapping.unwrap().correction.is_some() && plain.prices.is_empty());
        let full = sample_in_full();
        let all = crate::config::Config::parse(&full)
            .unwrap_or_else(|error| panic!("{error}: {error:?}"));
        assert_eq!(all.prices.len(), 2);
        let shown = |section: &str, key: &str| {
            let body = full.split(&format!("\n[{section}]\n")).nth(1).unwrap();
            let body = body.split("\n[").next().unwrap();
            body.lines()
                .any(|line| line.starts_with(&format!("{key} = ")))
        };
        for key in KEYS.iter().filter(|key| !SUBSECTIONS.contains(key)) {
            assert!(shown("map", key), "{key}");
        }
        for (section, keys) in [
            ("map.attempt", &ATTEMPT_KEYS[..]),
            ("map.correction", &CORRECTION_KEYS),
        ] {
            for key in keys {
                assert!(shown(section, key), "{section}.{key}");
            }
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn mistakes_are_told_with_place_and_remedy() {
        for (text, told, hint) in [
            (
                "[map]\nrout = \"/a\"",
                "line 2, column 1: `rout` is no key of [map]",
                "did you mean `route`?",
            ),
            (
                "[map]\nroute = 5",
                "line 2, column 9: `map.route` is the number 5, expected a JSON pointer",
                "",
            ),
            (
                "[map]\nroute = \"model\"",
                "expected a JSON pointer",
                "did you mean \"/model\"?",
            ),
            ("[map]\nroute = \"/a~b\"", "expected a JSON pointer", "`~0`"),
            (
                "[map]\nroute = { }",
                "`map.route` says neither where (`at`) nor what (`value`)",
                "",
            ),
            (
                "[map]\nroute = { att = \"/a\" }",
                "`att` is no key of [map.route]",
                "did you mean `at`?",
            ),
            (
                "[map]\nts = { at = \"/t\", unit = \"m\" }",
                "expected one of rfc3339, utc, s, ms, us, ns",
                "",
            ),
            (
                "[map]\noverride = 1",
                "`map.override` is the number 1, expected true or false",
                "",
            ),
            ("[map]\nformats = [1]", "expected names of formats", ""),
            (
                "[map.attempt]\nmodel = \"/m\"",
                "nothing says how the attempt ended",
                "outcome = {",
            ),
            (
                "[map.attempt]\noutcome = { value = \"fine\" }",
                "expected one of ok, escalated",
                "",
            ),
            (
                "[map.correction]\nkind = \"/k\"",
                "does not say when a line is a correction",
                "when =",
            ),
            (
                "[map.correction]\nwhen = { at = \"/k\", below = \"x\" }",
                "expected a number",
                "",
            ),
            (
                "[map]\nsignals = 1",
                "`map.signals` is the number 1, expected a table",
                "",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
            assert!(
                error.hint.clone().unwrap_or_default().contains(hint),
                "{error:?}"
            );
        }
    }
}

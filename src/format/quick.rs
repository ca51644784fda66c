//! A native `request` or `decision` as routers write it, read straight into a record: most lines of most
//! logs are those, and nothing is built for them that is not kept.
//!
//! It gives up with `None` on whatever is not ordinary (a value of another type, a number out of range, a
//! field that stands twice or is missing, values inside values): [`super::native`] then reads the line and
//! says what is wrong with it. What it does take means the same to both; a property test holds them side
//! by side.

use std::num::NonZeroU32;

use smallvec::SmallVec;

use super::cursor::{Cursor, Decimal, Fields, Key, Next, Orders, Plain};
use super::reading::NATIVE;
use super::scratch::{Scratch, is_odd};
use super::time::rfc3339;
use super::wire::REST_MAX;
use crate::model::{
    Attempt, AttemptOutcome, Candidate, Correction, CorrectionBy, CorrectionKind, Flags, Logged,
    Micros, Name, NanoUsd, Outcome, Request, RequestId, SessionKey, SignalValue, Signals,
    Timestamp,
};

/// A correction of which only that it happened is known.
const UNTOLD: Correction = Correction {
    kind: CorrectionKind::Other,
    by: CorrectionBy::Unknown,
    ts: None,
    after: None,
};

/// More unknown fields than these are for the full reader to count.
const UNKNOWN_MAX: usize = 8;

/// Declares the fields of a kind of object.
macro_rules! fields {
    ($(#[$doc:meta])* $kind:literal $name:ident { $($field:ident $key:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum $name {
            $($field,)*
        }

        impl Fields for $name {
            const KIND: usize = $kind;
            const ALL: &'static [(Self, Key)] =
                &[$((Self::$field, Key::new(concat!("\"", $key, "\":"))),)*];
        }
    };
}

fields! {
    /// The fields of the line.
    0 Top {
        Ts "ts", Event "event", RequestId "request_id", SessionId "session_id", TaskClass "task_class",
        Route "route", Policy "policy", Rule "rule", Tier "tier", Model "model", Reason "reason",
        Signals "signals", Candidates "candidates", Propensity "propensity", Attrs "attrs",
        Attempts "attempts", Latency "latency_ms", Outcome "outcome", Corrected "corrected",
        Correction "correction", Ttft "ttft_ms", InputTokens "input_tokens",
        OutputTokens "output_tokens", Cost "cost_usd", Provider "provider", N "n", Kind "kind", By "by",
        After "after_s", Note "note", Label "label", Exported "exported",
    }
}

fields! {
    /// The signals that have a field of their own.
    1 Signal {
        RetrievalConfidence "retrieval_confidence", InputComplexity "input_complexity",
        ToolsRequired "tools_required", FormatStrictness "format_strictness", UserTier "user_tier",
        SessionFallbacks "session_fallbacks",
    }
}

fields! {
    /// The fields of an attempt.
    2 Call {
        Model "model", Tier "tier", Provider "provider", Latency "latency_ms", Ttft "ttft_ms",
        InputTokens "input_tokens", OutputTokens "output_tokens", Cost "cost_usd", Outcome "outcome",
        Reason "reason", N "n", Start "start",
    }
}

fields! {
    /// The fields of a candidate.
    3 Choice { Model "model", Score "score", RejectedBecause "rejected_because" }
}

fields! {
    /// The fields of a correction.
    4 Complaint { Kind "kind", By "by", After "after_s", Ts "ts", Note "note" }
}

/// What of a line is only judged when all of it was read.
#[derive(Default)]
struct Line<'a> {
    /// Whether it is a whole request, else a decision; `None`: not told yet.
    is_whole: Option<bool>,
    has_ts: bool,
    has_id: bool,
    has_attempts: bool,
    outcome: Option<&'a str>,
    stamped_latency: Option<Micros>,
    is_corrected: bool,
    correction: Option<Correction>,
    /// The unknown fields, and the object in which they stand.
    unknown: SmallVec<[(&'static str, &'a str); 4]>,
}

/// Reads a line; `None`: the full reader must.
pub(crate) fn read(
    scratch: &mut Scratch,
    orders: &mut Orders,
    text: &str,
    read_at: Timestamp,
) -> Option<Box<Request>> {
    let cursor = &mut Cursor::new(text, orders)?;
    let mut request = Box::new(Request::new(RequestId::Uuid([0; 16]), Timestamp(0)));
    let mut line = Line::default();
    let mut within = cursor.open_object()?;
    loop {
        match cursor.next(&mut within)? {
            Next::Field(field) => line.field(field, scratch, cursor, &mut request)?,
            Next::Other(key) => line.pass("", key, cursor)?,
            Next::End => break,
        }
    }
    if !cursor.is_at_end() || !line.has_ts || !line.has_id || request.route.is_none() {
        return None;
    }
    request.format = NATIVE;
    request.flags.set(Flags::CORRECTABLE);
    request.flags.set(Flags::ARRIVAL_KNOWN);
    if is_odd(request.ts, read_at) {
        request.flags.set(Flags::ODD_CLOCK);
    }
    if line.is_whole? {
        if !line.has_attempts {
            return None;
        }
        request.outcome = Some(Outcome::try_from_word(line.outcome?)?);
        request.stamped_latency = line.stamped_latency;
        request.correction = line.correction.or(line.is_corrected.then_some(UNTOLD));
    } else {
        request.attempts.clear();
    }
    for (object, field) in &line.unknown {
        scratch.count_unknown(object, field);
    }
    Some(request)
}

impl<'a> Line<'a> {
    /// Takes the value of a field.
    fn field(
        &mut self,
        field: Top,
        scratch: &mut Scratch,
        cursor: &mut Cursor<'a, '_>,
        request: &mut Request,
    ) -> Option<()> {
        match field {
            Top::Ts => {
                request.ts = timestamp(cursor.plain()?)?;
                self.has_ts = true;
            }
            Top::Event => {
                self.is_whole = Some(match cursor.quoted()? {
                    "request" => true,
                    "decision" => false,
                    _ => return None,
                });
            }
            Top::Outcome => self.outcome = cursor.nullable(Cursor::quoted)?,
            Top::Latency => self.stamped_latency = cursor.nullable(span)?,
            Top::Corrected => match cursor.plain()? {
                Plain::Bool(is_corrected) => self.is_corrected = is_corrected,
                Plain::Null => {}
                _ => return None,
            },
            Top::Ttft
            | Top::InputTokens
            | Top::OutputTokens
            | Top::Cost
            | Top::Provider
            | Top::N
            | Top::Kind
            | Top::By
            | Top::After
            | Top::Note
            | Top::Label => drop(cursor.plain()?),
            Top::Exported => cursor.take_null().then_some(())?,
            Top::Correction if cursor.take_null() => {}
            Top::Correction => self.correction = Some(self.correction(cursor)?),
            // What follows puts texts into the table of names, where only those of events belong.
            _ if self.is_whole.is_none() => return None,
            _ => self.fact(field, scratch, cursor, request)?,
        }
        Some(())
    }

    /// Takes the value of a field that is kept as it stands.
    fn fact(
        &mut self,
        field: Top,
        scratch: &mut Scratch,
        cursor: &mut Cursor<'a, '_>,
        request: &mut Request,
    ) -> Option<()> {
        match field {
            Top::RequestId => {
                request.id = RequestId::try_from_text(cursor.quoted()?)?;
                self.has_id = true;
            }
            Top::SessionId => {
                let text = cursor.nullable(Cursor::quoted)?;
                let text = text.filter(|text| !text.is_empty());
                request.session = text.map(|text| SessionKey(scratch.key.hash(text.as_bytes())));
            }
            Top::TaskClass => request.task_class = name(scratch, cursor)?,
            Top::Route => request.route = name(scratch, cursor)?,
            Top::Policy => request.policy = name(scratch, cursor)?,
            Top::Rule => request.rule = name(scratch, cursor)?,
            Top::Tier => request.tier = name(scratch, cursor)?,
            Top::Model => request.model = name(scratch, cursor)?,
            Top::Reason => request.reason = name(scratch, cursor)?,
            Top::Signals if cursor.take_null() => {}
            Top::Signals => signals(scratch, cursor, &mut request.signals)?,
            Top::Propensity => request.propensity = cursor.nullable(share)?,
            Top::Attrs if cursor.take_null() => {}
            Top::Attrs => attrs(scratch, cursor, &mut request.attrs)?,
            Top::Candidates if cursor.take_null() => {}
            Top::Candidates => candidates(scratch, cursor, &mut request.candidates)?,
            _ => {
                self.attempts(scratch, cursor, request)?;
                self.has_attempts = true;
            }
        }
        Some(())
    }

    fn attempts(
        &mut self,
        scratch: &mut Scratch,
        cursor: &mut Cursor<'a, '_>,
        request: &mut Request,
    ) -> Option<()> {
        let mut has_more = cursor.open()?;
        while has_more {
            let mut attempt = self.attempt(scratch, cursor)?;
            attempt.n = u16::try_from(request.attempts.len() + 1).ok()?;
            request.attempts.push(attempt);
            has_more = cursor.has_more()?;
        }
        Some(())
    }

    fn attempt(&mut self, scratch: &mut Scratch, cursor: &mut Cursor<'a, '_>) -> Option<Attempt> {
        let (mut model, mut outcome) = (None, None);
        // Both stand in until all of it was read.
        let mut attempt = Attempt::new(Name(NonZeroU32::MIN), AttemptOutcome::Ok);
        let mut within = cursor.open_object()?;
        loop {
            match cursor.next(&mut within)? {
                Next::Field(field) => match field {
                    Call::Model => model = name(scratch, cursor)?,
                    Call::Tier => attempt.tier = name(scratch, cursor)?,
                    Call::Provider => attempt.provider = name(scratch, cursor)?,
                    Call::Reason => attempt.reason = name(scratch, cursor)?,
                    Call::Outcome => outcome = AttemptOutcome::try_from_word(cursor.quoted()?),
                    Call::Latency => attempt.latency = cursor.nullable(span)?,
                    Call::Ttft => attempt.ttft = cursor.nullable(span)?,
                    Call::InputTokens => attempt.input_tokens = cursor.nullable(count)?,
                    Call::OutputTokens => attempt.output_tokens = cursor.nullable(count)?,
                    Call::Cost => attempt.cost = cursor.nullable(cost)?,
                    Call::N | Call::Start => drop(cursor.plain()?),
                },
                Next::Other(key) => self.pass("attempts", key, cursor)?,
                Next::End => break,
            }
        }
        attempt.model = model?;
        attempt.outcome = outcome?;
        Some(attempt)
    }

    fn correction(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<Correction> {
        let mut correction = UNTOLD;
        let mut within = cursor.open_object()?;
        loop {
            match cursor.next(&mut within)? {
                Next::Field(Complaint::Kind) => {
                    correction.kind = CorrectionKind::from_word(cursor.quoted()?);
                }
                Next::Field(Complaint::By) => {
                    correction.by = CorrectionBy::from_word(cursor.quoted()?);
                }
                Next::Field(Complaint::After) => {
                    let seconds = cursor.nullable(Cursor::decimal)?;
                    correction.after = match seconds {
                        Some(seconds) => Some(Micros::try_from_seconds(seconds.as_f64())?),
                        None => None,
                    };
                }
                Next::Field(Complaint::Ts) => correction.ts = Some(timestamp(cursor.plain()?)?),
                Next::Field(Complaint::Note) => drop(cursor.plain()?),
                Next::Other(key) => self.pass("correction", key, cursor)?,
                Next::End => return Some(correction),
            }
        }
    }

    /// Passes over the value of an unknown field.
    fn pass(
        &mut self,
        object: &'static str,
        key: &'a str,
        cursor: &mut Cursor<'a, '_>,
    ) -> Option<()> {
        cursor.plain()?;
        self.unknown.push((object, key));
        (self.unknown.len() <= UNKNOWN_MAX).then_some(())
    }
}

/// Takes a text that is a name; an empty one is none.
#[expect(
    clippy::option_option,
    reason = "outside: not for this reader, inside: no name"
)]
fn name(scratch: &mut Scratch, cursor: &mut Cursor<'_, '_>) -> Option<Option<Name>> {
    let text = cursor.nullable(Cursor::quoted)?;
    let text = text.filter(|text| !text.is_empty());
    Some(text.map(|text| scratch.intern(text)))
}

fn timestamp(value: Plain<'_>) -> Option<Timestamp> {
    match value {
        Plain::Text(text) => rfc3339(text),
        Plain::Number(millis) => Timestamp::try_from_seconds(millis.as_f64() / 1_000.0),
        Plain::Null | Plain::Bool(_) => None,
    }
}

fn span(cursor: &mut Cursor<'_, '_>) -> Option<Micros> {
    let millis = cursor.decimal()?;
    let exact = millis.scaled(3).map(Micros);
    exact.or_else(|| Micros::try_from_millis(millis.as_f64()))
}

fn cost(cursor: &mut Cursor<'_, '_>) -> Option<NanoUsd> {
    let usd = cursor.decimal()?;
    let exact = usd.scaled(9).map(|nano| NanoUsd(nano.cast_signed()));
    exact.or_else(|| NanoUsd::try_from_usd(usd.as_f64()))
}

fn count(cursor: &mut Cursor<'_, '_>) -> Option<u32> {
    u32::try_from(cursor.decimal()?.scaled(0)?).ok()
}

fn share(cursor: &mut Cursor<'_, '_>) -> Option<f64> {
    let share = cursor.decimal()?.as_f64();
    (0.0..=1.0).contains(&share).then_some(share)
}

fn logged<T>(value: Option<T>) -> Logged<T> {
    value.map_or(Logged::Null, Logged::Value)
}

fn signals(
    scratch: &mut Scratch,
    cursor: &mut Cursor<'_, '_>,
    signals: &mut Signals,
) -> Option<()> {
    let mut within = cursor.open_object()?;
    loop {
        match cursor.next(&mut within)? {
            Next::Field(field) => match field {
                Signal::RetrievalConfidence => {
                    signals.retrieval_confidence = logged(cursor.nullable(share)?);
                }
                Signal::InputComplexity => {
                    signals.input_complexity = logged(cursor.nullable(share)?);
                }
                Signal::SessionFallbacks => {
                    signals.session_fallbacks = logged(cursor.nullable(count)?);
                }
                Signal::FormatStrictness => {
                    signals.format_strictness = logged(name(scratch, cursor)?);
                }
                Signal::UserTier => signals.user_tier = logged(name(scratch, cursor)?),
                Signal::ToolsRequired => {
                    signals.tools_required = match cursor.plain()? {
                        Plain::Bool(value) => Logged::Value(value),
                        Plain::Null => Logged::Null,
                        _ => return None,
                    };
                }
            },
            Next::Other(key) => {
                (signals.others.len() < REST_MAX).then_some(())?;
                let value = match cursor.plain()? {
                    Plain::Null => SignalValue::Null,
                    Plain::Bool(value) => SignalValue::Bool(value),
                    Plain::Number(number) => SignalValue::Number(number.as_f64()),
                    Plain::Text(text) => SignalValue::Text(scratch.intern(text)),
                };
                let key = scratch.intern(key);
                let is_new = signals.others.iter().all(|(other, _)| *other != key);
                is_new.then_some(())?;
                signals.others.push((key, value));
            }
            Next::End => return Some(()),
        }
    }
}

fn attrs(
    scratch: &mut Scratch,
    cursor: &mut Cursor<'_, '_>,
    attrs: &mut Vec<(Name, Name)>,
) -> Option<()> {
    cursor.open_object()?;
    let mut seen = 0;
    while let Some(key) = cursor.next_key(seen > 0)? {
        seen += 1;
        (seen <= REST_MAX).then_some(())?;
        let value = match cursor.plain()? {
            Plain::Null | Plain::Text("") => None,
            Plain::Bool(value) => Some(scratch.intern(if value { "true" } else { "false" })),
            Plain::Number(number) => Some(scratch.intern(&number.as_f64().to_string())),
            Plain::Text(text) => Some(scratch.intern(text)),
        };
        if let Some(value) = value {
            attrs.push((scratch.intern(key), value));
        }
    }
    Some(())
}

fn candidates(
    scratch: &mut Scratch,
    cursor: &mut Cursor<'_, '_>,
    candidates: &mut Vec<Candidate>,
) -> Option<()> {
    let mut has_more = cursor.open()?;
    while has_more {
        (candidates.len() < REST_MAX).then_some(())?;
        let (mut model, mut score, mut rejected_because) = (None, None, None);
        let mut within = cursor.open_object()?;
        loop {
            match cursor.next(&mut within)? {
                Next::Field(Choice::Model) => model = name(scratch, cursor)?,
                Next::Field(Choice::Score) => score = cursor.nullable(Cursor::decimal)?,
                Next::Field(Choice::RejectedBecause) => rejected_because = name(scratch, cursor)?,
                Next::Other(_) => return None,
                Next::End => break,
            }
        }
        candidates.push(Candidate {
            model: model?,
            score: score.map(Decimal::as_f64),
            rejected_because,
        });
        has_more = cursor.has_more()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::native;
    use crate::format::reading::Reading;
    use crate::model::{Event, HashKey, Names};
    use proptest::prelude::*;

    const READ_AT: Timestamp = Timestamp(1_800_000_000_000_000);

    /// A request and the unknown fields of its line.
    type Told = (Box<Request>, Vec<(Name, u64)>);

    /// What the full reader says; `None`: no request.
    fn full(scratch: &mut Scratch, text: &str) -> Option<Told> {
        let found = match native::parse(scratch, text, READ_AT) {
            Reading::Events(_, events) => events.into_iter().next(),
            _ => None,
        };
        let unknown = scratch.take_unknown();
        match found {
            Some(Event::Request(request)) => Some((request, unknown)),
            _ => None,
        }
    }

    /// Reads lines one after the other, so that the order of the keys is known; returns how many of the
    /// requests and decisions were taken, and how many there are.
    fn check(lines: &[String]) -> (usize, usize) {
        let mut scratch = Scratch::new(Names::default(), HashKey([7; 16]), None);
        let mut orders = Orders::default();
        let (mut taken, mut all) = (0, 0);
        for text in lines {
            let expected = full(&mut scratch, text);
            all += usize::from(expected.is_some());
            if let Some(request) = read(&mut scratch, &mut orders, text, READ_AT) {
                taken += 1;
                let found = (request, scratch.take_unknown());
                assert_eq!(Some(found), expected, "{text}");
            }
        }
        (taken, all)
    }

    fn text() -> BoxedStrategy<String> {
        "\"[a-zé ,:{}\\[\\]]{0,24}\"".boxed()
    }

    fn number() -> BoxedStrategy<String> {
        prop_oneof![
            (0..10_000_000_u64).prop_map(|n| n.to_string()),
            (0..100_000_u32, 1..=12_usize, any::<u64>()).prop_map(|(whole, places, rest)| {
                let rest = rest % 10_u64.pow(u32::try_from(places).unwrap());
                format!("{whole}.{rest:0places$}")
            }),
        ]
        .boxed()
    }

    fn share() -> BoxedStrategy<String> {
        prop_oneof![
            (0..=100_u32).prop_map(|n| format!("0.{n:03}")),
            Just("1".to_owned()),
            Just("1.5".to_owned()),
        ]
        .boxed()
    }

    fn word(words: &'static [&'static str]) -> BoxedStrategy<String> {
        prop::sample::select(words)
            .prop_map(|word| format!("\"{word}\""))
            .boxed()
    }

    fn literal(words: &'static [&'static str]) -> BoxedStrategy<String> {
        prop::sample::select(words).prop_map(str::to_owned).boxed()
    }

    /// What stands where something else should.
    fn odd() -> BoxedStrategy<String> {
        literal(&[
            "null",
            "true",
            "-1",
            "1e3",
            "01",
            "1.",
            "\"\"",
            "\"a\\n\"",
            "{}",
            "[]",
            "{\"a\":[1]}",
            "NaN",
            "123456789012345678",
            "0.1234567890123456",
            "\"x\"",
            "7",
        ])
    }

    /// An object of some of the fields in any order, one of which may have an odd value or stand twice.
    fn object(fields: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
        let all: Vec<_> = fields
            .into_iter()
            .map(|(key, value)| {
                let value = prop_oneof![30 => value, 1 => odd()];
                let is_there = prop::bool::weighted(0.9);
                (is_there, value)
                    .prop_map(move |(is_there, value)| is_there.then_some((key, value)))
            })
            .collect();
        (all, any::<u64>(), 0..4_u8, prop::bool::weighted(0.02))
            .prop_map(|(fields, seed, blanks, is_twice)| {
                let mut fields: Vec<_> = fields.into_iter().flatten().collect();
                // One writer in four writes in an order of its own.
                if seed % 4 == 0 && fields.len() > 1 {
                    let place = usize::try_from(seed >> 2).unwrap_or(0) % fields.len();
                    fields.rotate_left(place);
                }
                if is_twice {
                    fields.extend(fields.first().cloned());
                }
                let (after_key, after_comma) = match blanks {
                    0 => (" ", " "),
                    1 => ("", "  "),
                    _ => ("", ""),
                };
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(key, value)| format!("\"{key}\":{after_key}{value}"))
                    .collect();
                format!("{{{}}}", fields.join(&format!(",{after_comma}")))
            })
            .boxed()
    }

    fn list(items: BoxedStrategy<String>) -> BoxedStrategy<String> {
        prop::collection::vec(items, 0..3)
            .prop_map(|items| format!("[{}]", items.join(",")))
            .boxed()
    }

    fn attempt() -> BoxedStrategy<String> {
        object(vec![
            ("model", word(&["small-1", "large-1"])),
            ("tier", text()),
            ("provider", text()),
            ("latency_ms", number()),
            ("ttft_ms", number()),
            ("input_tokens", number()),
            ("output_tokens", literal(&["0", "7", "90000"])),
            ("cost_usd", number()),
            ("outcome", word(&["ok", "escalated", "error", "nonsense"])),
            ("reason", text()),
            ("n", number()),
            ("region", text()),
        ])
    }

    fn signals_object() -> BoxedStrategy<String> {
        object(vec![
            ("retrieval_confidence", share()),
            ("input_complexity", share()),
            ("tools_required", literal(&["true", "false", "null"])),
            ("format_strictness", text()),
            ("user_tier", word(&["free", "pro"])),
            ("session_fallbacks", literal(&["0", "3", "null"])),
            ("own_signal", prop_oneof![text(), number()].boxed()),
        ])
    }

    fn candidate() -> BoxedStrategy<String> {
        object(vec![
            ("model", word(&["small-1", "large-1"])),
            ("score", number()),
            ("rejected_because", text()),
        ])
    }

    fn correction_object() -> BoxedStrategy<String> {
        object(vec![
            ("kind", word(&["edit", "regenerated", "else"])),
            ("by", word(&["user", "someone"])),
            ("after_s", number()),
            ("ts", time()),
            ("note", text()),
            ("zone", text()),
        ])
    }

    fn time() -> BoxedStrategy<String> {
        literal(&[
            "\"2026-11-23T02:41:07.25Z\"",
            "\"2026-11-23T02:41:07+01:00\"",
            "1795000000123",
        ])
    }

    /// A line as a router writes it.
    fn line() -> BoxedStrategy<String> {
        let events = &["request", "request", "request", "decision", "outcome"];
        let attrs = object(vec![
            ("region", text()),
            ("shard", number()),
            ("canary", literal(&["true", "null"])),
        ]);
        object(vec![
            ("ts", time()),
            ("event", word(events)),
            (
                "request_id",
                word(&["r-1", "7aca8b5f-ef99-8551-ac1b-8042e35e1d68"]),
            ),
            ("session_id", text()),
            ("task_class", text()),
            ("route", word(&["a", "b.fast"])),
            ("policy", text()),
            ("rule", text()),
            ("tier", text()),
            ("model", text()),
            ("reason", text()),
            ("signals", signals_object()),
            ("candidates", list(candidate())),
            ("propensity", share()),
            ("attrs", attrs),
            ("attempts", list(attempt())),
            ("outcome", word(&["completed", "failed"])),
            ("corrected", literal(&["true", "false"])),
            ("correction", correction_object()),
            ("latency_ms", number()),
            ("cost_usd", number()),
            ("note", text()),
            ("exported", literal(&["null", "{\"flags\":8}"])),
            ("zone", number()),
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_it_takes_means_the_same_to_the_full_reader(lines in prop::collection::vec(line(), 1..4)) {
            check(&lines);
        }

        #[test]
        fn one_wrong_byte_is_seen_like_by_the_full_reader(
            text in line(),
            at in any::<prop::sample::Index>(),
            with in prop::sample::select(&b"\"\\{}[],:0-.e \t\x01a"[..]),
        ) {
            let mut bytes = text.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = with;
            if let Ok(changed) = String::from_utf8(bytes) {
                check(&[text, changed]);
            }
        }
    }

    #[test]
    fn ordinary_lines_are_taken_and_odd_ones_left() {
        let line = |rest: &str| {
            format!(
                r#"{{"ts":"2026-11-23T02:41:07Z","event":"request","request_id":"r-1","route":"a","attempts":[{{"model":"m","outcome":"ok","latency_ms":12.50}}],"outcome":"completed"{rest}}}"#
            )
        };
        let taken = [
            line(""),
            line(
                r#","zone":"x","corrected":true,"correction":{"kind":"edit","after_s":1.5},"attrs":{"app":"b"}"#,
            ),
            line(r#", "signals": {"user_tier": "pro", "own": 1.5}, "session_id": null"#),
            line("")
                .replace("request\"", "decision\"")
                .replace("decision\"_id", "request_id"),
        ];
        assert_eq!(check(&taken), (4, 4));
        for rest in [
            r#","latency_ms":-1"#,
            r#","propensity":1.5"#,
            r#","zone":{"a":1}"#,
            r#","route":"b""#,
            r#","correction":{"kind":7}"#,
            r#","signals":{"own":1,"own":2}"#,
            r#","latency_ms":12345678901234567890"#,
        ] {
            assert_eq!(check(&[line(rest)]).0, 0, "{rest}");
        }
        let without_event_first = r#"{"reason":"never seen","event":"request"}"#;
        let mut scratch = Scratch::new(Names::default(), HashKey([7; 16]), None);
        let found = read(
            &mut scratch,
            &mut Orders::default(),
            without_event_first,
            READ_AT,
        );
        assert_eq!(found, None);
        assert!(
            scratch.names.is_empty(),
            "texts of a line that is none of ours"
        );
    }
}

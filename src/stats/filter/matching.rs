//! Whether a filter holds of one request.

use super::Filter;
use super::field::Field;
use super::pattern::Pattern;
use super::term::{Comparison, Flag, OwnValue, Term, Test, Wanted};
use crate::model::{Logged, Micros, Name, Names, Outcome, Request, SignalValue, Timestamp};
use crate::stats::{Query, UNKNOWN_ROUTE, Value};

/// What the policy in force makes of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruled {
    /// The verdict's word.
    pub verdict: &'static str,
    /// Whether the policy does not explain the decision.
    pub is_drift: bool,
}

/// A request with what is known beside it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The request.
    pub request: &'a Request,
    /// The names in it.
    pub names: &'a Names,
    /// The time at which it is open or lost.
    pub now: Timestamp,
    /// Where its first line was read.
    pub source: Option<&'a str>,
}

impl Filter {
    /// Tells whether every term holds; what the policy says is asked for only when all others do.
    pub fn matches(&self, subject: &Subject<'_>, ruled: impl FnOnce() -> Option<Ruled>) -> bool {
        let terms = || self.terms.iter().map(|(_, term)| term);
        terms()
            .filter(|term| !term.needs_ruling())
            .all(|term| term.holds(subject, None))
            && (!self.needs_ruling() || {
                let ruled = ruled();
                terms()
                    .filter(|term| term.needs_ruling())
                    .all(|term| term.holds(subject, ruled))
            })
    }
}

impl Term {
    fn holds(&self, subject: &Subject<'_>, ruled: Option<Ruled>) -> bool {
        let is_so = match &self.test {
            Test::Word(pattern) => has_word(pattern, subject),
            Test::Flag(flag) => is_flagged(*flag, subject, ruled),
            Test::Text(field, wanted) => is_text(*field, wanted, subject, ruled),
            Test::Number(field, comparison, wanted) => {
                let actual = number(*field, subject.request);
                wanted.iter().any(|wanted| match (actual, wanted) {
                    (Some(actual), Some(wanted)) => comparison.holds(actual, *wanted),
                    (actual, wanted) => actual.is_none() && wanted.is_none(),
                })
            }
            Test::Own(name, comparison, wanted) => wanted
                .iter()
                .any(|one| is_own(name, *comparison, one, subject)),
        };
        is_so != self.is_not
    }
}

fn first_model(request: &Request) -> Option<Name> {
    request
        .first_attempt()
        .map_or(request.model, |attempt| Some(attempt.model))
}

fn has_word(pattern: &Pattern, subject: &Subject<'_>) -> bool {
    let request = subject.request;
    let models = request.attempts.iter().map(|attempt| attempt.model);
    let known = [request.route, request.rule, first_model(request)];
    known
        .into_iter()
        .flatten()
        .chain(models)
        .any(|name| pattern.matches(subject.names.text(name)))
        || pattern.matches(&request.id.to_string())
}

fn is_flagged(flag: Flag, subject: &Subject<'_>, ruled: Option<Ruled>) -> bool {
    let request = subject.request;
    let is_young = || subject.now.since(request.ts) < Query::OPEN_MAX;
    match flag {
        Flag::Escalated => request.is_escalated(),
        Flag::Fallback => request.is_fallback(),
        Flag::Corrected => request.is_corrected(),
        Flag::Completed => request.outcome == Some(Outcome::Completed),
        Flag::Failed => request.outcome == Some(Outcome::Failed),
        Flag::Cancelled => request.outcome == Some(Outcome::Cancelled),
        Flag::Open => request.outcome.is_none() && is_young(),
        Flag::Lost => request.outcome.is_none() && !is_young(),
        Flag::Drift => ruled.is_some_and(|ruled| ruled.is_drift),
    }
}

fn is_text(field: Field, wanted: &[Wanted], subject: &Subject<'_>, ruled: Option<Ruled>) -> bool {
    let request = subject.request;
    let is = |text: Option<&str>| wanted.iter().any(|wanted| wanted.is(text));
    let named = |name: Option<Name>| is(name.map(|name| subject.names.text(name)));
    match field {
        // A request without a route counts, and is shown, under this name.
        Field::Route => match request.route {
            None => is(None) || is(Some(UNKNOWN_ROUTE)),
            route => named(route),
        },
        Field::Task => named(request.task_class),
        Field::Model => named(first_model(request)),
        Field::Served => named(request.last_attempt().map(|attempt| attempt.model)),
        Field::Tier => {
            let first = || request.first_attempt().and_then(|attempt| attempt.tier);
            named(request.tier.or_else(first))
        }
        Field::Policy => named(request.policy),
        Field::Rule => named(request.rule),
        Field::Reason => {
            let reasons = request.attempts.iter().filter_map(|attempt| attempt.reason);
            let mut any = reasons.chain(request.reason).peekable();
            if any.peek().is_none() {
                is(None)
            } else {
                any.any(|name| named(Some(name)))
            }
        }
        Field::Verdict => is(ruled.map(|ruled| ruled.verdict)),
        Field::User => named(request.signals.user_tier.value()),
        Field::Format => named(request.signals.format_strictness.value()),
        Field::Provider => named(request.first_attempt().and_then(|attempt| attempt.provider)),
        Field::Session => {
            let session = request.session.map(|key| format!("{:016x}", key.0));
            is(session.as_deref())
        }
        Field::Id => is(Some(&request.id.to_string())),
        Field::Source => is(subject.source),
        Field::Latency | Field::Ttft | Field::Cost | Field::Attempts | Field::Tokens => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared, not added up")]
fn number(field: Field, request: &Request) -> Option<f64> {
    let span = |span: Option<Micros>| span.map(|span| span.0 as f64);
    match field {
        Field::Latency => span(request.latency()),
        Field::Ttft => span(request.ttft()),
        Field::Cost => request.cost().map(|cost| cost.0 as f64 / 1e9),
        Field::Attempts => Some(request.calls() as f64),
        Field::Tokens => {
            let (sent, received) = request.tokens();
            let known = sent.or(received)?;
            let both = sent
                .zip(received)
                .map(|(sent, received)| sent.saturating_add(received));
            Some(both.unwrap_or(known) as f64)
        }
        _ => None,
    }
}

/// A signal or an attribute as logged.
enum Own<'a> {
    Unknown,
    Text(&'a str),
    Number(f64),
    YesNo(bool),
}

fn own<'a>(name: &str, subject: &Subject<'a>) -> Own<'a> {
    let (request, names) = (subject.request, subject.names);
    let number = |value: Logged<f64>| value.value().map_or(Own::Unknown, Own::Number);
    let signals = &request.signals;
    match name {
        "retrieval_confidence" => return number(signals.retrieval_confidence),
        "input_complexity" => return number(signals.input_complexity),
        "session_fallbacks" => {
            let count = signals.session_fallbacks.value();
            return count.map_or(Own::Unknown, |count| Own::Number(f64::from(count)));
        }
        "tools_required" => {
            let required = signals.tools_required.value();
            return required.map_or(Own::Unknown, Own::YesNo);
        }
        _ => {}
    }
    let Some(name) = names.find(name) else {
        return Own::Unknown;
    };
    if let Some((_, value)) = request.attrs.iter().find(|row| row.0 == name) {
        return Own::Text(names.text(*value));
    }
    match signals.others.iter().find(|row| row.0 == name) {
        Some((_, SignalValue::Text(value))) => Own::Text(names.text(*value)),
        Some((_, SignalValue::Number(number))) => Own::Number(*number),
        Some((_, SignalValue::Bool(is))) => Own::YesNo(*is),
        Some((_, SignalValue::Null)) | None => Own::Unknown,
    }
}

fn is_own(name: &str, comparison: Comparison, wanted: &OwnValue, subject: &Subject<'_>) -> bool {
    let compares = |actual: f64| {
        wanted
            .number
            .is_some_and(|wanted| comparison.holds(actual, wanted))
    };
    match own(name, subject) {
        Own::Unknown => wanted.text == Wanted::Unknown,
        Own::YesNo(is) => wanted.yes_no == Some(is),
        Own::Number(actual) => {
            // The thirds that slices are told apart by are values too.
            let third = Value::of_share(Some(actual));
            compares(actual)
                || (!comparison.is_order() && wanted.text.is(Some(&third.text(subject.names))))
        }
        Own::Text(actual) if comparison.is_order() => {
            actual.parse().is_ok_and(|actual: f64| compares(actual))
        }
        Own::Text(actual) => wanted.text.is(Some(actual)),
    }
}

//! The native format, version 1: request, decision, attempt, outcome, marker, correction.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use smallvec::{SmallVec, smallvec};

use super::exported;
use super::reading::{NATIVE, Reading};
use super::scalar::Scalar;
use super::scratch::{Scratch, count, finite, is_odd, millis, seconds, share, usd, whole};
use super::screen::reject;
use super::time::timestamp;
use super::wire::{AttemptWire, CorrectionWire, Form, Line, SignalsWire};
use crate::model::{
    Attempt, AttemptOutcome, Candidate, Correction, CorrectionBy, CorrectionKind, Event, Flags,
    Logged, Marker, MarkerKind, Outcome, Reject, Request, RequestId, SessionCorrection, SessionKey,
    SignalValue, Timestamp,
};

static EVENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"event\""));

/// Tells whether the line has the key of a native line somewhere.
pub(crate) fn may_be(line: &str) -> bool {
    EVENT.find(line.as_bytes()).is_some()
}

/// Reads a native line.
pub(crate) fn parse(scratch: &mut Scratch, text: &str, read_at: Timestamp) -> Reading {
    match sonic_rs::from_str::<Line<'_>>(text) {
        Ok(line) => tell(scratch, &line, read_at),
        Err(_) => Reading::Broken,
    }
}

fn tell(scratch: &mut Scratch, line: &Line<'_>, read_at: Timestamp) -> Reading {
    let Some(kind) = line.event.text() else {
        return Reading::NotMine;
    };
    let event = match kind {
        "request" | "decision" | "attempt" | "outcome" | "correction" | "marker" => {
            read(scratch, kind, line, read_at)
        }
        // A logger's event has its name as the message too and is another format's.
        _ if line.rest.iter().any(|(key, _)| key == "msg") => return Reading::NotMine,
        _ if line.request_id.text().is_some() && !line.ts.is_unset() => Err(reject(
            "unknown-event",
            "`event` is none of request, decision, attempt, outcome, marker, correction",
        )),
        _ => return Reading::NotMine,
    };
    match event {
        Ok(event) => {
            count_unknown(scratch, line);
            Reading::Events(NATIVE, smallvec![event])
        }
        Err(reject) => Reading::Rejected(reject),
    }
}

fn read(
    scratch: &mut Scratch,
    kind: &str,
    line: &Line<'_>,
    read_at: Timestamp,
) -> Result<Event, Reject> {
    if let Some(field) = stands_twice(line) {
        return Err(reject("ambiguous-key", format!("`{field}` stands twice")));
    }
    if line.ts.is_unset() {
        return Err(missing("ts"));
    }
    let ts = timestamp(&line.ts).ok_or_else(|| {
        reject(
            "bad-time",
            "`ts` is neither RFC 3339 with a zone nor epoch milliseconds",
        )
    })?;
    if kind == "marker" {
        return marker(scratch, line, ts);
    }
    if kind == "correction" && line.request_id.is_unset() {
        return session_correction(scratch, line, ts);
    }
    let id = match &line.request_id {
        Scalar::Absent | Scalar::Null => return Err(missing("request_id")),
        value => value.text().and_then(RequestId::try_from_text),
    };
    let id = id.ok_or_else(|| bad("`request_id` is not a text of 1 to 256 bytes"))?;
    let mut request = Request::new(id, ts);
    request.format = NATIVE;
    request.flags = Flags::CORRECTABLE;
    if is_odd(ts, read_at) {
        request.flags.set(Flags::ODD_CLOCK);
    }
    decision_facts(scratch, line, &mut request);
    match kind {
        "request" => whole_request(scratch, line, &mut request)?,
        "decision" => arrival(scratch, line, &mut request)?,
        "attempt" => {
            let attempt = single_attempt(scratch, line, &mut request.flags)?;
            request.attempts.push(attempt);
        }
        "outcome" => {
            request.outcome = Some(outcome(&line.outcome)?);
            request.stamped_latency = millis(&line.latency_ms, &mut request.flags);
        }
        _ => request.correction = Some(late_correction(line, ts, &mut request.flags)),
    }
    Ok(Event::Request(Box::new(request)))
}

/// Returns a field that decides something and stands twice, be it within the signals, the candidates
/// or the correction.
fn stands_twice<'a>(line: &'a Line<'_>) -> Option<&'a str> {
    let mut candidates = line.candidates.items.iter();
    line.twice
        .or(line.signals.twice)
        .or(line.correction.twice)
        .or_else(|| candidates.find_map(|candidate| candidate.twice))
        .or_else(|| {
            let own = &line.signals.rest;
            own.iter().enumerate().find_map(|(idx, (key, _))| {
                let mut before = own.iter().take(idx);
                before
                    .any(|(other, _)| other == key)
                    .then_some(key.as_ref())
            })
        })
}

fn missing(field: &str) -> Reject {
    reject("missing-field", format!("`{field}` is missing"))
}

fn bad(detail: impl Into<String>) -> Reject {
    reject("bad-value", detail)
}

/// Fills what any event of a request may carry.
fn decision_facts(scratch: &mut Scratch, line: &Line<'_>, request: &mut Request) {
    request.route = scratch.name(&line.route);
    request.session = session(scratch, &line.session_id);
    request.task_class = scratch.name(&line.task_class);
    request.policy = scratch.name(&line.policy);
    request.rule = scratch.name(&line.rule);
    request.propensity = share(&line.propensity, &mut request.flags);
    if line.signals.form == Form::Given {
        signals(scratch, &line.signals, request);
    }
    for item in line.candidates.items.iter().take(super::wire::REST_MAX) {
        if let Some(model) = scratch.name(&item.model) {
            request.candidates.push(Candidate {
                model,
                score: finite(&item.score, &mut request.flags),
                rejected_because: scratch.name(&item.rejected_because),
            });
        }
    }
    for (key, value) in &line.attrs.rest {
        if let Some(value) = scratch.name_of_any(value) {
            let key = scratch.intern(key);
            request.attrs.push((key, value));
        }
    }
}

fn session(scratch: &Scratch, value: &Scalar<'_>) -> Option<SessionKey> {
    let text = value.text()?;
    Some(SessionKey(scratch.key.hash(text.as_bytes())))
}

fn signals(scratch: &mut Scratch, wire: &SignalsWire<'_>, request: &mut Request) {
    let flags = &mut request.flags;
    let out = &mut request.signals;
    out.retrieval_confidence = logged(&wire.retrieval_confidence, |v| share(v, flags));
    out.input_complexity = logged(&wire.input_complexity, |v| share(v, flags));
    out.session_fallbacks = logged(&wire.session_fallbacks, |v| count(v, flags));
    out.tools_required = logged(&wire.tools_required, truth);
    out.format_strictness = logged(&wire.format_strictness, |v| scratch.name_of_any(v));
    out.user_tier = logged(&wire.user_tier, |v| scratch.name_of_any(v));
    for (key, value) in &wire.rest {
        let value = match value {
            Scalar::Absent | Scalar::Nested => continue,
            Scalar::Null => SignalValue::Null,
            Scalar::Bool(value) => SignalValue::Bool(*value),
            Scalar::Number(number) if number.is_finite() => SignalValue::Number(*number),
            Scalar::Number(_) => SignalValue::Null,
            Scalar::Text(text) => SignalValue::Text(scratch.intern(text)),
        };
        let key = scratch.intern(key);
        out.others.push((key, value));
    }
}

/// A value that is there but cannot be read decides like one that is not known.
fn logged<'a, T>(value: &Scalar<'a>, read: impl FnOnce(&Scalar<'a>) -> Option<T>) -> Logged<T> {
    match value {
        Scalar::Absent => Logged::Absent,
        Scalar::Null => Logged::Null,
        value => read(value).map_or(Logged::Null, Logged::Value),
    }
}

fn truth(value: &Scalar<'_>) -> Option<bool> {
    match value {
        Scalar::Bool(value) => Some(*value),
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// Fills what a decision says, and that its time is the arrival.
fn arrival(scratch: &mut Scratch, line: &Line<'_>, request: &mut Request) -> Result<(), Reject> {
    if request.route.is_none() {
        return Err(match line.route {
            Scalar::Absent | Scalar::Null => missing("route"),
            _ => bad("`route` is not a text"),
        });
    }
    request.flags.set(Flags::ARRIVAL_KNOWN);
    choice(scratch, line, request);
    Ok(())
}

fn choice(scratch: &mut Scratch, line: &Line<'_>, request: &mut Request) {
    request.tier = scratch.name(&line.tier);
    request.model = scratch.name(&line.model);
    request.reason = scratch.name(&line.reason);
}

fn whole_request(
    scratch: &mut Scratch,
    line: &Line<'_>,
    request: &mut Request,
) -> Result<(), Reject> {
    let is_exported = line.exported.form == Form::Given;
    if is_exported {
        choice(scratch, line, request);
    } else {
        arrival(scratch, line, request)?;
    }
    match line.attempts.form {
        Form::Given => {}
        Form::Absent if is_exported => {}
        Form::Absent | Form::Null => return Err(missing("attempts")),
        Form::Wrong => return Err(bad("`attempts` is not an array")),
    }
    request.attempts = SmallVec::with_capacity(line.attempts.items.len());
    for (idx, wire) in line.attempts.items.iter().enumerate() {
        let mut attempt = attempt(scratch, wire, &mut request.flags)
            .map_err(|r| reject(r.reason, format!("attempt {}: {}", idx + 1, r.detail)))?;
        attempt.n =
            u16::try_from(idx + 1).map_err(|_| bad("`attempts` has more than 65535 items"))?;
        if is_exported {
            exported::fill_attempt(wire, &mut attempt);
        }
        request.attempts.push(attempt);
    }
    if !(is_exported && line.outcome.is_unset()) {
        request.outcome = Some(outcome(&line.outcome)?);
    }
    request.stamped_latency = millis(&line.latency_ms, &mut request.flags);
    request.correction = correction(
        &line.correction,
        line.corrected.is_true(),
        &mut request.flags,
    );
    if is_exported {
        exported::fill(&line.exported, request);
    }
    Ok(())
}

fn attempt(
    scratch: &mut Scratch,
    wire: &AttemptWire<'_>,
    flags: &mut Flags,
) -> Result<Attempt, Reject> {
    if let Some(field) = wire.twice {
        return Err(reject("ambiguous-key", format!("`{field}` stands twice")));
    }
    let model = scratch.name(&wire.model).ok_or_else(|| missing("model"))?;
    if wire.outcome.is_unset() {
        return Err(missing("outcome"));
    }
    let outcome = wire.outcome.text().and_then(AttemptOutcome::try_from_word);
    let outcome = outcome.ok_or_else(|| {
        bad("`outcome` is none of ok, escalated, error, timeout, skipped, cancelled")
    })?;
    Ok(Attempt {
        tier: scratch.name(&wire.tier),
        provider: scratch.name(&wire.provider),
        reason: scratch.name_of_any(&wire.reason),
        latency: millis(&wire.latency_ms, flags),
        ttft: millis(&wire.ttft_ms, flags),
        input_tokens: count(&wire.input_tokens, flags),
        output_tokens: count(&wire.output_tokens, flags),
        cost: usd(&wire.cost_usd, flags),
        ..Attempt::new(model, outcome)
    })
}

/// Reads an `attempt` line; its time is when it was logged, not when the call started.
fn single_attempt(
    scratch: &mut Scratch,
    line: &Line<'_>,
    flags: &mut Flags,
) -> Result<Attempt, Reject> {
    let wire = AttemptWire {
        model: line.model.clone(),
        outcome: line.outcome.clone(),
        tier: line.tier.clone(),
        provider: line.provider.clone(),
        reason: line.reason.clone(),
        latency_ms: line.latency_ms.clone(),
        ttft_ms: line.ttft_ms.clone(),
        input_tokens: line.input_tokens.clone(),
        output_tokens: line.output_tokens.clone(),
        cost_usd: line.cost_usd.clone(),
        ..AttemptWire::default()
    };
    if line.n.is_unset() {
        return Err(missing("n"));
    }
    let n = line.n.number().and_then(whole);
    let n = n.and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
    let mut attempt = attempt(scratch, &wire, flags)?;
    attempt.n = n.ok_or_else(|| bad("`n` is not a whole number from 1 to 65535"))?;
    Ok(attempt)
}

fn outcome(value: &Scalar<'_>) -> Result<Outcome, Reject> {
    if value.is_unset() {
        return Err(missing("outcome"));
    }
    let outcome = value.text().and_then(Outcome::try_from_word);
    outcome.ok_or_else(|| bad("`outcome` is none of completed, failed, cancelled"))
}

fn correction(
    wire: &CorrectionWire<'_>,
    is_corrected: bool,
    flags: &mut Flags,
) -> Option<Correction> {
    if wire.form == Form::Given {
        return Some(Correction {
            kind: kind_of(&wire.kind),
            by: by_of(&wire.by),
            ts: timestamp(&wire.ts),
            after: seconds(&wire.after_s, flags),
        });
    }
    is_corrected.then_some(Correction {
        kind: CorrectionKind::Other,
        by: CorrectionBy::Unknown,
        ts: None,
        after: None,
    })
}

fn kind_of(value: &Scalar<'_>) -> CorrectionKind {
    value
        .text()
        .map_or(CorrectionKind::Other, CorrectionKind::from_word)
}

fn by_of(value: &Scalar<'_>) -> CorrectionBy {
    value
        .text()
        .map_or(CorrectionBy::Unknown, CorrectionBy::from_word)
}

fn late_correction(line: &Line<'_>, ts: Timestamp, flags: &mut Flags) -> Correction {
    Correction {
        kind: kind_of(&line.kind),
        by: by_of(&line.by),
        ts: Some(ts),
        after: seconds(&line.after_s, flags),
    }
}

fn session_correction(scratch: &Scratch, line: &Line<'_>, ts: Timestamp) -> Result<Event, Reject> {
    let session =
        session(scratch, &line.session_id).ok_or_else(|| missing("request_id or session_id"))?;
    let mut flags = Flags::NONE;
    Ok(Event::SessionCorrection(SessionCorrection {
        session,
        ts,
        correction: late_correction(line, ts, &mut flags),
    }))
}

fn marker(scratch: &mut Scratch, line: &Line<'_>, ts: Timestamp) -> Result<Event, Reject> {
    let label = scratch
        .name_of_any(&line.label)
        .ok_or_else(|| missing("label"))?;
    Ok(Event::Marker(Marker {
        ts,
        label,
        kind: line
            .kind
            .text()
            .map_or(MarkerKind::Config, MarkerKind::from_word),
        route: scratch.name(&line.route),
    }))
}

fn count_unknown(scratch: &mut Scratch, line: &Line<'_>) {
    for (field, _) in &line.rest {
        scratch.count_unknown("", field);
    }
    for (field, _) in line.attempts.items.iter().flat_map(|item| &item.rest) {
        scratch.count_unknown("attempts", field);
    }
    for (field, _) in line.candidates.items.iter().flat_map(|item| &item.rest) {
        scratch.count_unknown("candidates", field);
    }
    for (field, _) in &line.correction.rest {
        scratch.count_unknown("correction", field);
    }
}

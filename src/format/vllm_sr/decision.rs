//! The decision of a log event or replay record: route, rule, tier, signals and recorded reasons.

use sonic_rs::LazyValue;

use super::provenance;
use super::record::Record;
use crate::format::nested::{fields, scalars};
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, share};
use crate::format::wire::REST_MAX;
use crate::model::{Flags, Logged, Request, SessionKey, SignalValue};

/// Fills the decision: route, rule, policy, tier, model, signals and, of a replay record, the
/// recorded reasons.
pub(super) fn decide(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    route(scratch, line, request);
    let sessions = [&line.session_id, &line.conversation_id];
    request.session = sessions
        .iter()
        .find_map(|session| session.text())
        .map(|text| SessionKey(scratch.key.hash(text.as_bytes())));
    request.task_class = scratch.name(&line.category);
    request.policy = scratch.name(&line.recipe);
    request.model = scratch.name(&line.selected_model);
    request.tier = line
        .decision_tier
        .number()
        .filter(|tier| *tier > 0.0)
        .map(|tier| scratch.intern(&tier.to_string()));
    if line.rag_enabled.is_true() {
        // A score of zero is left out of the record, so that none can mean either.
        request.signals.retrieval_confidence =
            share(&line.rag_similarity_score, &mut request.flags)
                .map_or(Logged::Null, Logged::Value);
    }
    if line.tool_definitions.text().is_some() || !scalars(line.tool_names.as_ref()).is_empty() {
        request.signals.tools_required = Logged::Value(true);
    }
    let families = families(line);
    signals(scratch, line, &families, request);
    if line.signals.is_some() {
        request.recorded = provenance::of(line, &families);
    }
}

/// The decision that matched names the route; a model that the caller named itself is a weak one.
pub(super) fn route(scratch: &mut Scratch, line: &Record<'_>, request: &mut Request) {
    request.rule = scratch.name(&line.decision);
    request.route = request.rule;
    if request.route.is_none() {
        request.route = scratch
            .name(&line.original_model)
            .or_else(|| scratch.name(&line.selected_model));
        if request.route.is_some() {
            request.flags.set(Flags::ROUTE_WEAK);
        }
    }
}

/// Keeps what matched by family, and what was measured, as named signals.
fn signals(
    scratch: &mut Scratch,
    line: &Record<'_>,
    families: &[(String, Vec<String>)],
    request: &mut Request,
) {
    for (family, found) in families {
        if family == "authz"
            && let [only] = found.as_slice()
        {
            request.signals.user_tier = Logged::Value(scratch.intern(only));
        }
        let name = scratch.intern(family);
        let value = SignalValue::Text(scratch.intern(&found.join(", ")));
        request.signals.others.push((name, value));
    }
    for (key, value) in fields(line.signal_values.as_ref()) {
        if let Some(number) = value.number().filter(|number| number.is_finite()) {
            let name = scratch.intern(&key);
            let value = SignalValue::Number(number);
            request.signals.others.push((name, value));
        }
    }
}

/// Returns the families of signals that matched, by name, each with the names of its rules.
fn families(line: &Record<'_>) -> Vec<(String, Vec<String>)> {
    let raw = line.signals.as_ref().map_or("{}", LazyValue::as_raw_str);
    let mut found: Vec<(String, Vec<String>)> = sonic_rs::to_object_iter(raw)
        .filter_map(Result::ok)
        .take(REST_MAX)
        .map(|(family, names)| {
            let names = scalars(Some(&names));
            let names = names.iter().filter_map(Scalar::text).map(str::to_owned);
            (family.to_string(), names.collect())
        })
        .filter(|(_, names): &(String, Vec<String>)| !names.is_empty())
        .collect();
    found.sort_unstable();
    found
}

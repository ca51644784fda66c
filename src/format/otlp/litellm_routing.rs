//! LiteLLM's routing decision as its spans carry it: attribute by attribute, or as Python prints it.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::python;
use super::wire::Span;
use crate::format::routing_decision::{self, RoutingDecision};
use crate::format::scalar::Scalar;
use crate::format::scratch::{Scratch, whole};
use crate::model::{Attempt, AttemptOutcome, Flags, NanoUsd, Request};

const PREFIX: &str = "litellm.routing.";
/// The class of LiteLLM's error when every deployment of a group is in cooldown: nothing was called.
const NO_DEPLOYMENT: &str = "RouterRateLimitError";

/// Fills route, policy, rule, tier and recorded reasons; tells whether the span has a decision.
pub(super) fn fill(scratch: &mut Scratch, span: &Span<'_>, request: &mut Request) -> bool {
    let printed = span.attribute("metadata.routing_decision");
    let printed = printed.text().and_then(python::to_json);
    let reasons = printed.or_else(|| from_attributes(span));
    let Some(reasons) = reasons.map(|reasons| reasons.to_string()) else {
        return false;
    };
    let is_filled = RoutingDecision::from_json(&reasons)
        .is_some_and(|decision| routing_decision::fill(scratch, &decision, &reasons, request));
    if is_filled {
        request.flags.clear(Flags::ROUTE_WEAK);
    }
    is_filled
}

/// Collects the attributes in the order of their names: the spans of one request list them in
/// different orders, and must tell the same.
fn from_attributes(span: &Span<'_>) -> Option<Value> {
    let fields: BTreeMap<_, _> = span
        .attributes_under(PREFIX)
        .filter_map(|(name, value)| Some((name.to_owned(), json(&value)?)))
        .collect();
    (!fields.is_empty()).then(|| Value::Object(fields.into_iter().collect()))
}

fn json(value: &Scalar<'_>) -> Option<Value> {
    match value {
        Scalar::Bool(value) => Some(Value::Bool(*value)),
        Scalar::Number(number) => Some(Value::Number(
            whole(*number)
                .map(Number::from)
                .or_else(|| Number::from_f64(*number))?,
        )),
        Scalar::Text(text) => Some(Value::from(text.as_ref())),
        Scalar::Absent | Scalar::Null | Scalar::Nested => None,
    }
}

/// Gives a failed call what LiteLLM says of every failed call: that it cost nothing, and that no
/// model was reached where no deployment was left.
pub(super) fn settle_failure(attempt: &mut Attempt, class: Option<&str>) {
    if class == Some(NO_DEPLOYMENT) {
        attempt.outcome = AttemptOutcome::Skipped;
    }
    if attempt.outcome != AttemptOutcome::Ok {
        attempt.cost.get_or_insert(NanoUsd(0));
    }
}

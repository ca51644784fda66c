//! LiteLLM's `routing_decision`: why its auto-router chose, as the standard logging payload, the
//! spend log and the telemetry carry it.
//!
//! The object enters as JSON ([`RoutingDecision::from_json`]) or field by field; [`fill`] turns it
//! into route, policy, rule, tier and recorded reasons of a request. All its fields are optional
//! (`StandardLoggingRoutingDecision` in `litellm/types/utils.py`, 1.106.2).

use serde::Deserialize;

use super::recorded;
use super::redact::cut;
use super::scalar::Scalar;
use super::scratch::Scratch;
use crate::model::{Flags, Request};

/// How many characters of the configuration's fingerprint name a policy.
const FINGERPRINT_LEN: usize = 12;

/// What an auto-router decided.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct RoutingDecision<'a> {
    /// The auto-router asked.
    #[serde(borrow)]
    pub(crate) router_model_name: Scalar<'a>,
    /// The hash of its configuration.
    pub(crate) router_config_fingerprint: Scalar<'a>,
    /// The model group it chose.
    pub(crate) routed_model: Scalar<'a>,
    /// Which of its mechanisms decided.
    pub(crate) cause: Scalar<'a>,
    /// The tier it decided for.
    pub(crate) tier: Scalar<'a>,
    /// Whether the user's words asked for a stronger tier.
    pub(crate) escalated: Scalar<'a>,
    /// Which words did.
    pub(crate) escalation_keyword: Scalar<'a>,
}

impl<'a> RoutingDecision<'a> {
    /// Reads the object; `None` where it is none, or names no router.
    pub(crate) fn from_json(raw: &'a str) -> Option<Self> {
        sonic_rs::from_str::<Self>(raw)
            .ok()
            .filter(|decision| decision.router_model_name.text().is_some())
    }
}

/// Fills route, policy, rule, tier, model and recorded reasons of a request; tells whether the
/// decision names its router, without which nothing is filled.
///
/// `reasons` is the whole decision as one JSON object.
pub(crate) fn fill(
    scratch: &mut Scratch,
    decision: &RoutingDecision<'_>,
    reasons: &str,
    request: &mut Request,
) -> bool {
    let Some(router) = decision.router_model_name.text() else {
        return false;
    };
    let tier = decision.tier.text().map(str::to_lowercase);
    let route = tier.as_ref().map_or_else(
        || router.to_lowercase(),
        |tier| format!("{}/{tier}", router.to_lowercase()),
    );
    request.route = Some(scratch.intern(&route));
    if let Some(print) = decision.router_config_fingerprint.text() {
        let print = cut(print, FINGERPRINT_LEN);
        request.policy = Some(scratch.intern(&format!("{router}@{print}")));
    }
    request.rule = scratch.name(&decision.cause);
    request.tier = tier.map(|tier| scratch.intern(&tier));
    request.model = scratch.name(&decision.routed_model);
    request.recorded = recorded::keep(reasons);
    if decision.escalated.is_true() {
        request.flags.set(Flags::ESCALATED_HINT);
        if let Some(keyword) = decision.escalation_keyword.text() {
            request.reason = Some(scratch.intern(&format!("keyword: {keyword}")));
        }
    }
    true
}

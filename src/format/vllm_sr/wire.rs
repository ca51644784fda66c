//! The fields of log events and replay records, as they stand in the line.

use serde::Deserialize;
use sonic_rs::LazyValue;

use crate::format::nested::scalars;
use crate::format::scalar::Scalar;
use crate::format::wire::REST_MAX;

/// One log event or replay record; content (`prompt`, `request_body`, `query`, …) is not read.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    pub(super) msg: Scalar<'a>,
    pub(super) event: Scalar<'a>,
    pub(super) ts: Scalar<'a>,
    pub(super) timestamp: Scalar<'a>,
    pub(super) id: Scalar<'a>,
    pub(super) replay_id: Scalar<'a>,
    pub(super) request_id: Scalar<'a>,
    pub(super) session_id: Scalar<'a>,
    pub(super) conversation_id: Scalar<'a>,
    pub(super) recipe: Scalar<'a>,
    pub(super) decision: Scalar<'a>,
    pub(super) decision_tier: Scalar<'a>,
    pub(super) decision_priority: Scalar<'a>,
    pub(super) category: Scalar<'a>,
    pub(super) original_model: Scalar<'a>,
    pub(super) selected_model: Scalar<'a>,
    pub(super) model: Scalar<'a>,
    pub(super) reasoning_mode: Scalar<'a>,
    pub(super) reasoning_enabled: Scalar<'a>,
    pub(super) reasoning_effort: Scalar<'a>,
    pub(super) reason_code: Scalar<'a>,
    pub(super) routing_latency_ms: Scalar<'a>,
    pub(super) confidence_score: Scalar<'a>,
    pub(super) confidence_score_available: Scalar<'a>,
    pub(super) selection_method: Scalar<'a>,
    pub(super) signals: Option<LazyValue<'a>>,
    pub(super) signal_confidences: Option<LazyValue<'a>>,
    pub(super) signal_values: Option<LazyValue<'a>>,
    pub(super) projections: Option<LazyValue<'a>>,
    pub(super) projection_scores: Option<LazyValue<'a>>,
    pub(super) route_diagnostics: Option<LazyValue<'a>>,
    pub(super) rag_enabled: Scalar<'a>,
    pub(super) rag_similarity_score: Scalar<'a>,
    pub(super) tool_definitions: Scalar<'a>,
    pub(super) tool_names: Option<LazyValue<'a>>,
    pub(super) context_token_count: Scalar<'a>,
    pub(super) response_status: Scalar<'a>,
    pub(super) lifecycle_state: Scalar<'a>,
    pub(super) terminal_reason: Scalar<'a>,
    pub(super) duration_ms: Scalar<'a>,
    pub(super) from_cache: Scalar<'a>,
    pub(super) prompt_tokens: Scalar<'a>,
    pub(super) completion_tokens: Scalar<'a>,
    pub(super) total_tokens: Scalar<'a>,
    pub(super) completion_latency_ms: Scalar<'a>,
    pub(super) actual_cost: Scalar<'a>,
    pub(super) cost: Scalar<'a>,
    pub(super) currency: Scalar<'a>,
    pub(super) pricing: Scalar<'a>,
    pub(super) outcomes: Option<LazyValue<'a>>,
}

/// Returns the families of signals that matched, by name, each with the names of its rules.
pub(super) fn families(line: &Record<'_>) -> Vec<(String, Vec<String>)> {
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

//! The one table of formats.

use super::mapping::line as mapped;
use super::reading::{
    ENVOY, LANGFUSE, LITELLM_PROXY, LITELLM_SDK, LITELLM_SPEND, MAPPED, NATIVE, OTLP_EVALUATION,
    OTLP_GENAI, OTLP_LITELLM_V1, OTLP_LITELLM_V2, OTLP_OPENINFERENCE, Reading, VLLM_SR_LOG,
    VLLM_SR_REPLAY, VLLM_SR_TRACE,
};
use super::scratch::Scratch;
use super::{envoy, langfuse, litellm, native, otlp, spend_logs, vllm_sr};
use crate::model::Timestamp;

/// One format that is read.
#[derive(Debug)]
pub struct Format {
    /// Its number in the store; never reused.
    pub number: u8,
    /// Its name in options and JSON.
    pub name: &'static str,
    /// What a screen says.
    pub title: &'static str,
    /// Whether its sources carry corrections.
    pub carries_corrections: bool,
    /// What it cannot tell.
    pub cannot_tell: &'static [&'static str],
    /// Tells cheaply whether a line may be of this format; may err towards yes.
    pub(crate) detect: fn(&str) -> bool,
    /// Reads a line.
    pub(crate) parse: fn(&mut Scratch, &str, Timestamp) -> Reading,
}

/// Every format that is read, in the order of detection.
pub static FORMATS: &[Format] = &[
    Format {
        number: NATIVE,
        name: "native",
        title: "routetop native events",
        carries_corrections: true,
        cannot_tell: &[],
        detect: native::may_be,
        parse: native::parse,
    },
    // Before the payload, whose reader would stumble over metadata in a text.
    Format {
        number: LITELLM_SPEND,
        name: "litellm-spend-logs",
        title: "LiteLLM spend log",
        carries_corrections: false,
        cannot_tell: &[
            "input_complexity",
            "tools_required",
            "format_strictness",
            "retrieval_confidence",
            "failed attempts before the answer",
            "correction",
        ],
        detect: spend_logs::may_be,
        parse: spend_logs::parse,
    },
    Format {
        number: LITELLM_SDK,
        name: "litellm-sdk",
        title: "LiteLLM StandardLoggingPayload, SDK Router",
        carries_corrections: false,
        cannot_tell: &[
            "session",
            "input_complexity",
            "tools_required",
            "format_strictness",
            "correction",
            "requests refused in cooldown",
        ],
        detect: litellm::may_be,
        parse: litellm::parse,
    },
    Format {
        number: LITELLM_PROXY,
        name: "litellm-proxy",
        title: "LiteLLM StandardLoggingPayload, proxy",
        carries_corrections: false,
        cannot_tell: &[
            "input_complexity",
            "tools_required",
            "format_strictness",
            "correction",
            "attempts between the first and the last",
        ],
        detect: litellm::may_be,
        parse: litellm::parse,
    },
    Format {
        number: OTLP_LITELLM_V2,
        name: "otlp-litellm-v2",
        title: "OTLP traces, LiteLLM telemetry v2",
        carries_corrections: false,
        cannot_tell: &[
            "task_class",
            "user_tier",
            "retrieval_confidence",
            "input_complexity",
            "correction",
            "model, duration and reason of attempts between the first and the last",
            "cost of the auto-router's own calls",
        ],
        detect: otlp::may_be,
        parse: otlp::parse,
    },
    Format {
        number: OTLP_LITELLM_V1,
        name: "otlp-litellm-v1",
        title: "OTLP traces, LiteLLM telemetry v1",
        carries_corrections: false,
        cannot_tell: &[
            "session",
            "task_class",
            "user_tier",
            "retrieval_confidence",
            "input_complexity",
            "tools_required",
            "format_strictness",
            "first token",
            "correction",
            "requests refused in cooldown",
        ],
        detect: read_by_another_row,
        parse: otlp::parse,
    },
    Format {
        number: OTLP_GENAI,
        name: "otlp-genai",
        title: "OTLP traces, GenAI semantic conventions",
        carries_corrections: false,
        cannot_tell: &[
            "decision",
            "task_class",
            "user_tier",
            "retrieval_confidence",
            "input_complexity",
            "cost",
            "correction",
            "retries apart from other calls of the same trace",
        ],
        detect: read_by_another_row,
        parse: otlp::parse,
    },
    Format {
        number: OTLP_OPENINFERENCE,
        name: "otlp-openinference",
        title: "OTLP traces, OpenInference",
        carries_corrections: false,
        cannot_tell: &[
            "decision",
            "task_class",
            "user_tier",
            "retrieval_confidence",
            "input_complexity",
            "format_strictness",
            "correction",
            "retries apart from other calls of the same trace",
        ],
        detect: read_by_another_row,
        parse: otlp::parse,
    },
    Format {
        number: OTLP_EVALUATION,
        name: "otlp-evaluation",
        title: "OTLP logs, evaluation results",
        carries_corrections: true,
        cannot_tell: &["anything but verdicts: read the traces as well"],
        detect: read_by_another_row,
        parse: otlp::parse,
    },
    Format {
        number: VLLM_SR_LOG,
        name: "vllm-sr-log",
        title: "vLLM Semantic Router, log events",
        carries_corrections: false,
        cannot_tell: &[
            "first token",
            "attempts before the last",
            "cost in other currencies than USD",
            "correction",
            "events dropped by the logger's sampling",
        ],
        detect: vllm_sr::may_be_log,
        parse: vllm_sr::parse_log,
    },
    Format {
        number: VLLM_SR_REPLAY,
        name: "vllm-sr-replay",
        title: "vLLM Semantic Router, replay records",
        carries_corrections: true,
        cannot_tell: &[
            "first token",
            "fallback attempts",
            "cost in other currencies than USD",
        ],
        detect: vllm_sr::may_be_replay,
        parse: vllm_sr::parse_replay,
    },
    Format {
        number: ENVOY,
        name: "envoy-ai-gateway",
        title: "Envoy AI Gateway access log",
        carries_corrections: false,
        cannot_tell: &[
            "task class",
            "session",
            "signals",
            "policy and rule",
            "attempts before the last",
            "first token",
            "cost",
            "correction",
        ],
        detect: envoy::may_be,
        parse: envoy::parse,
    },
    Format {
        number: LANGFUSE,
        name: "langfuse",
        title: "Langfuse export and trace document",
        carries_corrections: false,
        cannot_tell: &[
            "policy and rule",
            "signals",
            "which generations of a trace are retries of one another",
            "escalation",
            "correction",
        ],
        detect: langfuse::may_be,
        parse: langfuse::parse,
    },
    Format {
        number: VLLM_SR_TRACE,
        name: "vllm-sr-trace",
        title: "vLLM Semantic Router, fleet simulator trace",
        carries_corrections: false,
        cannot_tell: &[
            "time of day",
            "request id",
            "session",
            "latency",
            "first token",
            "cost",
            "outcome",
            "correction",
        ],
        detect: vllm_sr::may_be_trace,
        parse: vllm_sr::parse_trace,
    },
    Format {
        number: MAPPED,
        name: "mapped",
        title: "JSON, as the mapping file says",
        carries_corrections: false,
        cannot_tell: &["what the mapping does not name"],
        detect: mapped::may_be,
        parse: mapped::parse,
    },
];

/// The detection of a row whose lines the parser of a row before it reads: one batch may hold spans
/// of several dialects.
fn read_by_another_row(_: &str) -> bool {
    false
}

/// Returns the format of that number.
pub fn format_by_number(number: u8) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_found() {
        for (idx, format) in FORMATS.iter().enumerate() {
            assert_eq!(format_by_number(format.number).unwrap().name, format.name);
            assert!(format.number > 0 && !format.title.is_empty());
            for other in &FORMATS[idx + 1..] {
                assert!(format.number != other.number && format.name != other.name);
            }
        }
        assert!(format_by_number(0).is_none());
    }
}

//! OTLP JSON, as the collector's file exporter writes it: a line is a batch of spans or log records.
//!
//! A batch is read in one pass into borrowed spans ([`wire`]); attribute values stay raw until one is
//! looked up by name, so that prompts are stepped over and never unescaped, let alone kept. Each span
//! is told what it is ([`dialect`]) and becomes a small record of its trace's request; the records of
//! one trace are joined by the same [`merge`](crate::model::merge) that later joins lines, so a trace
//! may be cut into batches anywhere and arrive in any order.
//!
//! | dialect | a request is | an attempt is |
//! | --- | --- | --- |
//! | LiteLLM v2 ([`litellm_v2`]) | a trace with a server span | its event `deployment_selected`; call spans add how it went |
//! | LiteLLM v1 ([`litellm_v1`]) | a trace; SDK: spans of one input close in time | a span with `litellm.model_group` |
//! | GenAI conventions ([`genai`]) | a trace | a span of an operation that asks a model |
//! | OpenInference ([`openinference`]) | a trace | a span of kind `LLM` |
//! | evaluation ([`evaluation`]) | - | -; a log record `gen_ai.evaluation.result` corrects its trace |
//!
//! The request id is the trace id. Where callers hand on a trace context of their own, several of
//! their calls share one trace and are counted as one request with their attempts.

mod batch;
mod call;
mod dialect;
mod evaluation;
mod genai;
mod litellm_routing;
mod litellm_v1;
mod litellm_v2;
mod openinference;
mod python;
mod span;
mod wire;

pub(super) use batch::{may_be, parse};

#[cfg(test)]
mod tests;

//! What a format makes of a line, and the numbers that stand for the formats in the store.

use smallvec::SmallVec;

use crate::model::{Event, Reject, Request};

/// routetop's native events.
pub(super) const NATIVE: u8 = 1;
/// LiteLLM, written by the SDK's router.
pub(super) const LITELLM_SDK: u8 = 2;
/// LiteLLM, written by the proxy.
pub(super) const LITELLM_PROXY: u8 = 3;
/// OTLP spans, LiteLLM's telemetry v2.
pub(super) const OTLP_LITELLM_V2: u8 = 4;
/// OTLP spans, LiteLLM's telemetry v1.
pub(super) const OTLP_LITELLM_V1: u8 = 5;
/// OTLP spans, GenAI semantic conventions.
pub(super) const OTLP_GENAI: u8 = 6;
/// OTLP spans, OpenInference.
pub(super) const OTLP_OPENINFERENCE: u8 = 7;
/// OTLP log records, evaluation results.
pub(super) const OTLP_EVALUATION: u8 = 8;
/// Log events of the vLLM Semantic Router.
pub(super) const VLLM_SR_LOG: u8 = 9;
/// Replay records of the vLLM Semantic Router.
pub(super) const VLLM_SR_REPLAY: u8 = 10;
/// Access log of the Envoy AI Gateway.
pub(super) const ENVOY: u8 = 11;
/// Langfuse: traces, observations and scores.
pub(super) const LANGFUSE: u8 = 12;
/// LiteLLM's spend log.
pub(super) const LITELLM_SPEND: u8 = 13;
/// Trace samples of the vLLM Semantic Router's fleet simulator.
pub(super) const VLLM_SR_TRACE: u8 = 15;
/// Any JSON, as the user's mapping says.
pub(super) const MAPPED: u8 = 14;

/// What a format made of a line.
#[derive(Debug)]
pub enum Reading {
    /// The line is not of this format.
    NotMine,
    /// The line is not JSON that a strict reader takes.
    Broken,
    /// The line is of this format but cannot be an event.
    Rejected(Reject),
    /// The events of the line, and the format's number.
    Events(u8, SmallVec<[Event; 1]>),
    /// A record of this format that tells nothing to be stored.
    Aside(Aside),
}

/// A record that is accepted and counted, but tells nothing that is stored: a score that no mapping
/// explains, a call that asked no model.
#[derive(Debug)]
pub struct Aside {
    /// The format's number.
    pub format: u8,
    /// What it is, in a few fixed words for the sources page.
    pub what: &'static str,
    /// The request that it names, with its time and nothing else: what a mapping that explains such
    /// records would add facts to. It is not stored by itself.
    pub about: Option<Box<Request>>,
}

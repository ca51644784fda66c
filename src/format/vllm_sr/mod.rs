//! The vLLM Semantic Router: its log events, its replay records, and traces of its fleet simulator.
//!
//! A log line is one event of a request; `request_id` ties them. A replay record, the audit record
//! that its management API and its stores give, holds the whole decision, and corrections as typed
//! outcomes. A trace sample is a reduced record without an id.
//!
//! Field names and types were read in vllm-project/semantic-router, below `src/semantic-router/pkg`:
//! `routerreplay/store/store.go` (`Record`, `Outcome`, `LooperAttempt`), `routerreplay/recorder.go`
//! (`LogFields`), `extproc/recorder.go` (`routing_decision`, `router_replay_*`),
//! `extproc/processor_res_usage.go` (`llm_usage`), `extproc/req_filter_cache.go` (`cache_hit`),
//! `looper/attempt_trace.go`, `routerruntime` (sources and verdicts of outcomes) and
//! `observability/logging/logging.go` (the envelope).
//!
//! What must not be taken at its word:
//!
//! * the logger writes times without a zone; they are read as UTC, which is what a container has;
//! * the logger samples: beyond 100 equal messages a second only every hundredth is written;
//! * `cost` is 0 with `pricing: not_configured` where no price is known, and all tokens are 0 where
//!   the model reported none: both are unknown;
//! * `cache_hit` carries the prompt as `query`; like all content it is never read.

mod log;
mod looper;
mod provenance;
mod record;
mod replay;
mod trace;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use log::{may_be as may_be_log, parse as parse_log};
pub(crate) use replay::{may_be as may_be_replay, parse as parse_replay};
pub(crate) use trace::{may_be as may_be_trace, parse as parse_trace};

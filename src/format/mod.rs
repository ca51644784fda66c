//! One line of a log to events, pure.
//!
//! Detection is per line, never per file: a standard output mixes banners, tracebacks and records.
//! Bytes enter through [`Parser::parse`]; what leaves is [`Parsed`]: events, a reject with a fixed
//! reason code, or the word that the line is blank or noise. Content of a line (prompts, answers,
//! headers) is never kept; free texts pass the redactor before they are interned.
//!
//! [`FORMATS`] is the one table of formats: numbers, names, detection and parsing hang on it.

mod columns;
mod cursor;
mod envoy;
mod export;
mod exported;
mod glob;
mod kept;
mod langfuse;
mod litellm;
mod litellm_caller;
mod log_message;
mod mapping;
mod native;
mod nested;
mod otlp;
mod parser;
mod price;
mod quick;
mod reading;
mod reasons;
mod recorded;
mod redact;
mod registry;
mod routing_decision;
mod rules;
mod scalar;
mod scratch;
mod screen;
mod spend_logs;
mod time;
mod vllm_sr;
mod wire;

pub use columns::{EmptyColumn, empty_columns};
pub use export::native_line;
pub use kept::kept_line;
pub use parser::{Parsed, Parser};
pub use reading::Reading;
pub use reasons::{REJECT_REASONS, RejectReason, remedy_of};
pub use recorded::recorded_in_words;
pub use redact::{noise_sample, redact};
pub use registry::{FORMATS, Format, format_by_number};
pub use rules::Rules;

#[cfg(test)]
mod tests;

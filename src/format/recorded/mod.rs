//! The recorded reasons of a decision: kept whole but capped and redacted, and told in sentences.
//!
//! A format keeps its provenance as one JSON object ([`keep`], [`keep_value`]); the explain page has
//! it told in sentences ([`recorded_in_words`]), with one file a vocabulary.

mod keep;
mod litellm;
mod told;
mod vllm_sr;
mod words;

pub(crate) use keep::{keep, keep_value};
pub use told::recorded_in_words;

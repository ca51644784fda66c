//! What a caller and the response headers say of a LiteLLM request beside the call itself, in the
//! payload and, printed, in the telemetry.

use serde::Deserialize;

use super::scalar::{Scalar, tag};
use super::scratch::Scratch;
use crate::model::{Flags, Logged, Name, Request, SessionKey};

/// The caller's own metadata, as far as it follows our convention.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Requester<'a> {
    #[serde(borrow)]
    task_class: Scalar<'a>,
    user_tier: Scalar<'a>,
    retrieval_confidence: Scalar<'a>,
    session_id: Scalar<'a>,
}

/// What LiteLLM keeps beside its payload.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Hidden<'a> {
    #[serde(borrow)]
    additional_headers: Option<Headers<'a>>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Headers<'a> {
    #[serde(borrow, rename = "x-litellm-attempted-retries")]
    retries: Scalar<'a>,
    #[serde(rename = "x-litellm-attempted-fallbacks")]
    fallbacks: Scalar<'a>,
}

/// What LiteLLM says of a call that failed.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct ErrorFacts<'a> {
    #[serde(borrow)]
    error_code: Scalar<'a>,
    error_class: Scalar<'a>,
    normalized_error: Scalar<'a>,
}

impl ErrorFacts<'_> {
    /// Returns the class of the exception; empty where it is not told.
    pub(crate) fn class(&self) -> &str {
        self.error_class.text().unwrap_or("")
    }

    /// Returns why the call failed: the normalised error, which has few values, before the others.
    pub(crate) fn reason(&self, scratch: &mut Scratch) -> Option<Name> {
        scratch
            .name(&self.normalized_error)
            .or_else(|| scratch.name_of_any(&self.error_code))
            .or_else(|| scratch.name(&self.error_class))
    }
}

impl Hidden<'_> {
    /// Tells whether the response headers speak of retries or fallbacks.
    pub(crate) fn has_more_attempts(&self) -> bool {
        let some = |value: &Scalar<'_>| value.unquoted().number().is_some_and(|n| n > 0.0);
        self.additional_headers
            .as_ref()
            .is_some_and(|headers| some(&headers.retries) || some(&headers.fallbacks))
    }
}

/// Fills what the caller said of the request by metadata, else by tags.
pub(crate) fn fill(
    scratch: &mut Scratch,
    requester: Option<&Requester<'_>>,
    tags: &[Scalar<'_>],
    request: &mut Request,
) {
    let unsaid = Requester::default();
    let said = requester.unwrap_or(&unsaid);
    let task_class = said.task_class.text().or_else(|| tag(tags, "task:"));
    request.task_class = task_class.map(|text| scratch.intern(text));
    let user_tier = said.user_tier.text().or_else(|| tag(tags, "tier:"));
    if let Some(user_tier) = user_tier {
        request.signals.user_tier = Logged::Value(scratch.intern(user_tier));
    }
    if !said.retrieval_confidence.is_unset() {
        let number = said.retrieval_confidence.unquoted().number();
        let number = number.filter(|n| (0.0..=1.0).contains(n));
        if number.is_none() {
            request.flags.set(Flags::BAD_NUMBER);
        }
        request.signals.retrieval_confidence = number.map_or(Logged::Null, Logged::Value);
    }
    request.session = session(scratch, &said.session_id);
}

/// Returns the key of a session that is named.
pub(crate) fn session(scratch: &Scratch, id: &Scalar<'_>) -> Option<SessionKey> {
    let id = id.text()?;
    Some(SessionKey(scratch.key.hash(id.as_bytes())))
}

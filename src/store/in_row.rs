//! What of a request stands in its row, besides its own columns.

use crate::model::{Attempt, AttemptOutcome, Name, Request};

/// Returns the attempt that stands in the row itself: the only one, if it ended well.
pub(super) fn attempt_in_row(request: &Request) -> Option<&Attempt> {
    match request.attempts.as_slice() {
        [only] if only.outcome == AttemptOutcome::Ok && only.reason.is_none() => Some(only),
        _ => None,
    }
}

/// Returns the model that stands in the row: the one asked first, else the one decided for.
pub(super) fn model_in_row(request: &Request) -> Option<Name> {
    request
        .attempts
        .first()
        .map_or(request.model, |a| Some(a.model))
}

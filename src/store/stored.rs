//! A request as stored, and as it counts.

use std::borrow::Cow;

use crate::model::{Correction, Request};

/// A request as stored: its own facts, and the correction that it got through its session.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub(super) request: Box<Request>,
    pub(super) via_session: Option<Correction>,
}

impl Stored {
    pub(super) fn new(request: Box<Request>) -> Self {
        Self {
            request,
            via_session: None,
        }
    }

    /// Returns the request as it is counted and shown.
    pub(super) fn effective(&self) -> Cow<'_, Request> {
        if self.request.correction.is_none() && self.via_session.is_some() {
            let mut request = (*self.request).clone();
            request.correction = self.via_session;
            Cow::Owned(request)
        } else {
            Cow::Borrowed(&self.request)
        }
    }
}

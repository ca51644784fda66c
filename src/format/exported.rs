//! Native lines that routetop itself wrote: what it knows of a request that no router's line tells.
//!
//! The object `exported` in a `request` line frees it of the fields that a router must give, since less may
//! be known of a request, and carries what has no field of its own:
//!
//! | key | what |
//! | --- | --- |
//! | `format` | the number of the format that the request was read from |
//! | `flags` | its [`Flags`] as one number |
//! | `recorded` | the recorded reasons, an object as text |
//!
//! In such a line an attempt has its number `n` and its `start` beside the fields that routers write.

use super::recorded;
use super::scalar::Scalar;
use super::scratch::whole;
use super::time::timestamp;
use super::wire::{AttemptWire, ExportedWire};
use crate::model::{Attempt, Flags, Request};

/// Fills what stands in the object.
pub(super) fn fill(wire: &ExportedWire<'_>, request: &mut Request) {
    request.recorded = wire.recorded.text().and_then(recorded::keep);
    if let Some(format) = number(&wire.format).and_then(|n| u8::try_from(n).ok()) {
        request.format = format;
    }
    if let Some(flags) = number(&wire.flags) {
        request.flags = Flags(flags);
        // What was joined before is one line now, and may be told again.
        request.flags.clear(Flags::MERGED);
    }
}

/// Fills what an attempt of such a line has beside its other fields.
pub(super) fn fill_attempt(wire: &AttemptWire<'_>, attempt: &mut Attempt) {
    let n = number(&wire.n).and_then(|n| u16::try_from(n).ok());
    attempt.n = n.unwrap_or(0);
    attempt.start = timestamp(&wire.start);
}

fn number(value: &Scalar<'_>) -> Option<u32> {
    value.number().and_then(whole)
}

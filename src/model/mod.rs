//! The plain types that every room speaks, and the glossary of the field's words.
//!
//! Nothing here reads a file, a clock or a screen. Data enters as values that `format` built from a
//! line and leaves as values that `store` writes and `stats` counts.
//!
//! # Glossary
//!
//! | word | meaning |
//! | --- | --- |
//! | request | one call of a client to the router, from its arrival to its last known fact |
//! | route | the name under which the router's decision is counted, e.g. `support-chat` |
//! | decision | the choice of a tier or model for a request, with the rule and signals behind it |
//! | task class | the kind of work asked for: extraction, planning, … |
//! | signal | one of the boring facts a policy decides on: retrieval confidence, user tier, … |
//! | tier | fast, standard, strongest, or the policy's own names from weakest to strongest |
//! | attempt | one call to a model on behalf of a request |
//! | candidate | a model that the router weighed and did or did not take |
//! | escalation | an attempt whose answer was not good enough, so that a stronger model was asked |
//! | fallback | an attempt that was not available (error, timeout, cooldown), so that another was asked |
//! | correction | a later fact: the user edited, regenerated, rephrased or rejected the answer |
//! | policy | the text of rules that decides; its id is `name@version#hash` |
//! | clause | one condition of a rule |
//! | attribute | something known of a request before its outcome: route, tier, region, … |
//! | slice | requests that share the values of some attributes |
//! | tuple | the values of every attribute of a request; requests are counted by tuple and minute |
//! | rollup | counts and histograms of one route over one span of time |
//! | marker | a deploy, policy or config change drawn on charts |
//! | source | where lines come from: a file, a pipe, a remote file |
//! | generation | one physical file behind a source between two rotations |
//! | line mark | where a line of a generation starts and a checksum of it, to recognise lines read before |
//! | gap | bytes of a generation that are known or feared to be lost unread |
//! | checkpoint | how far a generation has been read, with fingerprints that recognise it again |
//! | quarantine | lines that could not become events, with where and why |
//! | conflict | a second, different account of a fact that is already known |
//! | tie | a key under which lines that carry no request id are joined into one request |

mod attempt;
mod attempt_merge;
mod batch;
mod correction;
mod flags;
mod marks;
mod merge;
mod money;
mod name;
mod quarantine;
mod request;
mod shown;
mod signals;
mod source;
mod time;

pub use attempt::{Attempt, AttemptOutcome};
pub use batch::{
    Advance, Batch, Event, LineReject, LocatedEvent, Marker, MarkerKind, Reject, Tally,
};
pub use correction::{Correction, CorrectionBy, CorrectionKind, SessionCorrection};
pub use flags::Flags;
pub use marks::{LineMark, LineMarks};
pub use merge::{Conflict, Merged, merge};
pub use money::NanoUsd;
pub use name::{Name, Names};
pub use quarantine::{
    KEPT_LINES_BYTES_MAX, KEPT_LINES_FOR, QuarantinedLine, ReleasedLine, is_passing,
};
pub use request::{
    CORRECTION_WINDOW, Candidate, Outcome, Request, RequestId, SessionKey, SourcePosition, Tie,
};
pub use shown::{Shown, sanitise, sanitise_block};
pub use signals::{Logged, SignalValue, Signals};
pub use source::{
    ByteOffset, Fingerprint, Gap, GapCause, Generation, GenerationId, GenerationState, HashKey,
    Look, NewGeneration, SourceId,
};
pub use time::{Micros, Minute, Timestamp, Window};

//! The routing policy: prose that decides, explains itself, and can be checked. Pure: no file, no
//! clock, no randomness but a hash.
//!
//! A text enters through [`Policy::parse`]; [`Facts`] of a request enter through [`Policy::facts`] and
//! leave as a [`Decision`] (for routers), or as traces, flips and a
//! [`Judgement`](crate::stats::Judgement) (for people). [`Policy::lints`] and [`Diff`] walk the finite
//! grid of cells behind the thresholds and are exact.
//!
//! # For the author of a router
//!
//! ```
//! use routetop::policy::Policy;
//!
//! let policy = Policy::parse(
//!     r#"
//!     policy "support" version 1
//!     tier fast is small-1
//!     tier strongest is large-1
//!     rule weak-evidence:
//!       when the task is grounded_answer and retrieval_confidence is below 0.62
//!       use strongest because "thin evidence needs a model that can say so"
//!     otherwise use fast
//!     explore 2 percent between fast and strongest
//!     "#,
//! )?;
//! // What is not set is unknown; a comparison with it does not hold.
//! let facts = policy
//!     .facts()
//!     .with("task_class", "grounded_answer")
//!     .with("retrieval_confidence", 0.58);
//! let decision = policy.decide(&facts, "req-8f3a");
//! assert_eq!(decision.model, "large-1");
//! // Log these beside the request: they make it explainable, and a replay honest.
//! assert_eq!((decision.rule, decision.tier), ("weak-evidence", "strongest"));
//! assert_eq!(decision.propensity, 0.99);
//! assert!(policy.id().starts_with("support@1#"));
//! # Ok::<(), routetop::policy::PolicyError>(())
//! ```

mod cells;
mod cursor;
mod decide;
mod diff;
mod error;
mod evaluate;
mod expects;
mod facts;
mod flips;
mod judge;
mod lex;
mod lint;
mod lint_steps;
mod lints;
mod parse;
mod parse_clause;
mod parse_declaration;
#[expect(clippy::module_inception, reason = "the room's chief type")]
mod policy;
mod possible;
mod print;
mod prose;
mod recorded;
pub mod replay;
mod rule;
mod span;
mod steps;
mod threshold_moves;
mod thresholds;
mod verdict;
mod vocabulary;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use cells::{CELLS_MAX, Example, TooManyCells};
pub use decide::{Decision, EXPLORE};
pub use diff::{Diff, Group};
pub use error::{Fault, PolicyError};
pub use evaluate::RuleIdx;
pub use expects::Outcome;
pub use facts::{Fact, Facts, Input};
pub use judge::{ON_THE_LINE, separating_clause};
pub use lint::{Lint, LintKind};
pub use parse::TEXT_LEN_MAX;
pub use policy::Policy;
pub use prose::TableRow;
pub use recorded::{Chain, Recorded, chain_of};
pub use rule::{Clause, Comparison, Escalation, Expect, Explore, Rule, Test, Tier, TierIdx};
pub use span::Span;
pub use steps::ChainLink;
pub use threshold_moves::threshold_moves;
pub use verdict::{Judge, Ruling};
pub use vocabulary::{
    Signal, SignalIdx, SignalKind, TASK_CLASS, TRIGGERS, TaskClass, Trigger, USER_TIER, Vocabulary,
};

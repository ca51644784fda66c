//! What a lint is, and the table of their kinds.

use super::cells::Example;
use super::span::Span;

/// What a lint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LintKind {
    /// A rule whose clauses never all hold.
    Contradictory,
    /// A rule that earlier rules leave nothing.
    Shadowed,
    /// A task class that no rule decides.
    ClassWithoutRule,
    /// The strongest tier for lightweight work.
    StrongestOnLightweight,
    /// A lower user tier that gets a stronger tier than a higher one.
    LowerTierTreatedBetter,
    /// A low value that matters, where "unknown" is decided otherwise and no rule says so.
    UnknownNotHandled,
    /// Steps up that come back to where they started.
    EscalationLoop,
    /// A step to a weaker tier.
    EscalationDownward,
    /// A step that is never taken, a trigger without a way up, a tier that is never reached.
    EscalationDead,
    /// The cells are too many for a walk.
    NotAnalysed,
}

impl LintKind {
    /// Every kind with its word.
    pub const WORDS: [(Self, &'static str); 10] = [
        (Self::Contradictory, "unreachable-contradictory"),
        (Self::Shadowed, "unreachable-shadowed"),
        (Self::ClassWithoutRule, "class-without-rule"),
        (Self::StrongestOnLightweight, "strongest-on-lightweight"),
        (Self::LowerTierTreatedBetter, "lower-tier-treated-better"),
        (Self::UnknownNotHandled, "unknown-not-handled"),
        (Self::EscalationLoop, "escalation-loop"),
        (Self::EscalationDownward, "escalation-downward"),
        (Self::EscalationDead, "escalation-dead"),
        (Self::NotAnalysed, "not-analysed"),
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }
}

/// Something that is probably not meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Lint {
    /// What it is about.
    pub kind: LintKind,
    /// What is the matter: a lower-case fragment without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A request of which it is true, to argue with.
    pub example: Option<Example>,
}

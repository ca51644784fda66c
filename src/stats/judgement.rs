//! What a policy says of one decision: every rule, every clause, and what would have changed it.
//!
//! Plain values that `policy` fills and screens show.

use std::fmt;

use super::Rate;

/// Whether something holds, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// What it asks about is not known.
    Unknown,
}

impl Truth {
    /// Returns the word for a clause.
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the word for a rule.
    pub fn rule_word(self) -> &'static str {
        match self {
            Self::Holds => "matched",
            Self::Fails => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// The value of a signal, with its words written out.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Not known.
    Unknown,
    /// A word.
    Word(String),
    /// Yes or no.
    YesNo(bool),
    /// A number.
    Number(f64),
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.pad("unknown"),
            Self::Word(word) => f.pad(word),
            Self::YesNo(true) => f.pad("yes"),
            Self::YesNo(false) => f.pad("no"),
            Self::Number(number) => f.pad(&number.to_string()),
        }
    }
}

/// What a clause compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Needed {
    /// Nothing: it asks whether a value is known.
    Nothing,
    /// A threshold.
    Number(f64),
    /// One of these values.
    OneOf(Vec<Given>),
}

/// One clause, evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct ClauseTrace {
    /// The clause as written.
    pub text: String,
    /// The signal's name in events.
    pub signal: String,
    /// The value it had.
    pub actual: Given,
    /// Whether the log has the signal at all.
    pub is_logged: bool,
    /// `<`, `<=`, `>`, `>=`, `in`, `known` or `unknown`.
    pub operator: &'static str,
    /// The value it needed.
    pub needed: Needed,
    /// Whether it holds.
    pub result: Truth,
    /// The signed distance to the threshold, positive passes; `None` where there is none.
    pub margin: Option<f64>,
}

/// One rule, evaluated whether or not an earlier one had matched.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTrace {
    /// Its name.
    pub name: String,
    /// Its tier.
    pub tier: String,
    /// Why, in the policy's words.
    pub because: Option<String>,
    /// Holds when every clause does, fails when one does, else unknown.
    pub result: Truth,
    /// Whether it is the one that decided.
    pub is_deciding: bool,
    /// Every clause in order.
    pub clauses: Vec<ClauseTrace>,
}

/// One signal changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The signal's name in events.
    pub signal: String,
    /// What it was.
    pub from: Given,
    /// What it would have been.
    pub to: Given,
    /// The clauses' line that it would have crossed, with the operator of the side it would be on.
    pub line: Option<(&'static str, f64)>,
}

/// A smallest change that would have given another tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Flip {
    /// The tier it would have given.
    pub tier: String,
    /// The rule that would have decided.
    pub rule: String,
    /// What would have to change: one signal, or two where no single one does it.
    pub changes: Vec<Change>,
    /// How far that is: the sum over the changes of the distance in the signal's range; a word is 1.
    pub distance: f64,
    /// How many other requests of the route stored about then stand near the line that would be crossed; `None`: there
    /// is no such line, or it was not looked at.
    pub near: Option<Rate>,
}

/// The first word about a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A rule decided, and the router did as it says.
    Rule,
    /// No rule fits, and the router did as `otherwise` says.
    Otherwise,
    /// A logged coin flip decided.
    Explore,
    /// The session was held on its model.
    Pinned,
    /// The router did something else than the policy says.
    Drift,
    /// The log lacks signals that would change the tier.
    Undecidable,
    /// There is no policy to check against, or nothing to check.
    NoPolicy,
}

impl Verdict {
    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rule => "RULE",
            Self::Otherwise => "OTHERWISE",
            Self::Explore => "EXPLORE",
            Self::Pinned => "PINNED",
            Self::Drift => "DRIFT",
            Self::Undecidable => "UNDECIDABLE",
            Self::NoPolicy => "NO POLICY",
        }
    }
}

/// What drifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drift {
    /// The model is none of the tier that the policy decides for.
    Model,
    /// The recorded rule is not the one that decides.
    Rule,
}

impl Drift {
    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Rule => "rule",
        }
    }
}

/// Everything that a policy says of one stored decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The first word.
    pub verdict: Verdict,
    /// What drifted.
    pub drift: Option<Drift>,
    /// What there is to say of the verdict, in sentences without a full stop.
    pub notes: Vec<String>,
    /// The id of the policy that was evaluated.
    pub policy: Option<String>,
    /// Whether another policy was recorded, or none, so that this one was taken in its place.
    pub is_reconstructed: bool,
    /// The rule that decides; `None` when that cannot be told.
    pub decided_by: Option<String>,
    /// The tier it decides for; `None` when that cannot be told.
    pub tier: Option<String>,
    /// The models that count as that tier, the default first.
    pub models: Vec<String>,
    /// Why, in the policy's words.
    pub because: Option<String>,
    /// The rules that may have decided, where signals are missing; else the one that did.
    pub possible_rules: Vec<String>,
    /// The tiers that may have been decided for.
    pub possible_tiers: Vec<String>,
    /// The signals that the policy asks for and the log lacks.
    pub missing: Vec<String>,
    /// Every rule in order, `otherwise` last.
    pub rules: Vec<RuleTrace>,
    /// What would have changed the tier, nearest first.
    pub flips: Vec<Flip>,
    /// For each attempt what the policy says of the step up that it led to.
    pub steps: Vec<Step>,
}

impl Judgement {
    /// Makes a judgement that can say nothing but why.
    pub fn without_policy(notes: Vec<String>, attempts_len: usize) -> Self {
        Self {
            verdict: Verdict::NoPolicy,
            drift: None,
            notes,
            policy: None,
            is_reconstructed: false,
            decided_by: None,
            tier: None,
            models: Vec::new(),
            because: None,
            possible_rules: Vec::new(),
            possible_tiers: Vec::new(),
            missing: Vec::new(),
            rules: Vec::new(),
            flips: Vec::new(),
            steps: vec![Step::default(); attempts_len],
        }
    }
}

/// What a policy says of the step from one attempt to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// Whether it allows the step; `None`: no escalation, or not to be told.
    pub is_allowed: Option<bool>,
    /// The line that allows it, or why none does.
    pub because: Option<String>,
}

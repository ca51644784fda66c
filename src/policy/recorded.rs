//! What a log says of a decision: its facts in the words of a policy, and what the router did.

use smallvec::SmallVec;

use super::decide::EXPLORE;
use super::facts::{Facts, Input};
use super::policy::Policy;
use super::steps::ChainLink;
use super::vocabulary::{
    FORMAT_STRICTNESS, INPUT_COMPLEXITY, RETRIEVAL_CONFIDENCE, SESSION_FALLBACKS, SignalIdx,
    TASK_CLASS, TOOLS_REQUIRED, USER_TIER,
};
use crate::model::{Flags, Logged, Name, Names, Request, SignalValue};

/// The words that a router uses for a session held on its model.
const PINS: [&str; 4] = ["pin", "pinned", "sticky", "affinity"];

/// What the log says of a decision, beside its facts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Recorded<'a> {
    /// The policy's id.
    pub policy: Option<&'a str>,
    /// The rule.
    pub rule: Option<&'a str>,
    /// The tier.
    pub tier: Option<&'a str>,
    /// The model decided for.
    pub model: Option<&'a str>,
    /// Why.
    pub reason: Option<&'a str>,
    /// The calls in order.
    pub chain: &'a [ChainLink<'a>],
    /// Whether a call is known to be missing from the chain because a model was not available.
    pub has_hidden_fallback: bool,
}

/// The calls of a request; most have one.
pub type Chain<'a> = SmallVec<[ChainLink<'a>; 1]>;

/// Returns the calls of `request` in order.
pub fn chain_of<'a>(request: &Request, names: &'a Names) -> Chain<'a> {
    let text = |name: Option<Name>| name.map(|name| names.text(name));
    let links = request.attempts.iter().map(|attempt| ChainLink {
        model: names.text(attempt.model),
        tier: text(attempt.tier),
        outcome: attempt.outcome,
        reason: text(attempt.reason),
    });
    links.collect()
}

impl<'a> Recorded<'a> {
    /// Returns what is recorded of `request`, whose calls are `chain`.
    pub fn of(request: &Request, names: &'a Names, chain: &'a [ChainLink<'a>]) -> Self {
        let text = |name: Option<Name>| name.map(|name| names.text(name));
        Self {
            policy: text(request.policy),
            rule: text(request.rule),
            tier: text(request.tier),
            model: text(request.model),
            reason: text(request.reason),
            chain,
            has_hidden_fallback: request.flags.has(Flags::FALLBACK_HINT),
        }
    }

    /// The model decided for, else the one asked first.
    pub(super) fn first_model(&self) -> Option<&'a str> {
        self.model.or(self.chain.first().map(|link| link.model))
    }

    pub(super) fn is_explored(&self) -> bool {
        self.rule == Some(EXPLORE)
    }

    /// A session held on its model says so in its reason or its rule.
    pub(super) fn is_pinned(&self) -> bool {
        let words = [self.reason, self.rule];
        words.iter().flatten().any(|word| {
            word.split(|char: char| !char.is_alphanumeric())
                .any(|part| PINS.contains(&part))
        })
    }
}

impl Policy {
    /// Returns what the log says of the signals of the policy. A null is unknown, what is not there is absent.
    pub fn facts_of<'a>(&'a self, request: &Request, names: &'a Names) -> Facts<'a> {
        fn put<'a, T: Copy>(
            facts: &mut Facts<'a>,
            signal: SignalIdx,
            logged: Logged<T>,
            input: impl Fn(T) -> Input<'a>,
        ) {
            match logged {
                Logged::Absent => {}
                Logged::Null => facts.set_at(signal, Input::Unknown),
                Logged::Value(value) => facts.set_at(signal, input(value)),
            }
        }
        let mut facts = self.facts();
        let word = |name: Name| Input::Text(names.text(name));
        if let Some(class) = request.task_class {
            facts.set_at(TASK_CLASS, word(class));
        }
        let of = &request.signals;
        put(&mut facts, FORMAT_STRICTNESS, of.format_strictness, word);
        put(&mut facts, USER_TIER, of.user_tier, word);
        let tools = of.tools_required;
        put(&mut facts, TOOLS_REQUIRED, tools, Input::YesNo);
        let retrieval = of.retrieval_confidence;
        put(&mut facts, RETRIEVAL_CONFIDENCE, retrieval, Input::Number);
        let complexity = of.input_complexity;
        put(&mut facts, INPUT_COMPLEXITY, complexity, Input::Number);
        let count = |count| Input::Number(f64::from(count));
        put(&mut facts, SESSION_FALLBACKS, of.session_fallbacks, count);
        for (name, value) in &of.others {
            let input = match value {
                SignalValue::Null => Input::Unknown,
                SignalValue::Bool(answer) => Input::YesNo(*answer),
                SignalValue::Number(number) => Input::Number(*number),
                SignalValue::Text(name) => word(*name),
            };
            facts.set(names.text(*name), input);
        }
        facts
    }
}

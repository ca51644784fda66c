//! A stored decision held against the policy in force.

use super::Reader;
use crate::model::{Flags, Logged, Name, Names, Request, SignalValue};
use crate::policy::{ChainLink, Fact, Facts, Input, Policy, Recorded};
use crate::stats::{Judgement, Rate};
use crate::store::StoreError;
use crate::store::policies::{InForce, policy_in_force};
use crate::store::stored::Stored;

/// What a difference of two decimals may be off by: 0.67 is 0.05 from 0.62.
const ROUNDING: f64 = 1e-9;

impl Reader {
    /// Counts these policies as known, and as newer than any that the database keeps.
    pub fn know(&mut self, policies: Vec<Policy>) {
        self.given = policies;
    }

    /// Judges a request; `sample` holds the latest requests of its route, with their signals.
    pub(super) fn judgement(
        &self,
        request: &Request,
        sample: &[Stored],
    ) -> Result<Judgement, StoreError> {
        let recorded = request.policy.map(|name| self.names.text(name));
        let found = policy_in_force(&self.connection, &self.given, recorded, request.ts)?;
        Ok(match found {
            InForce::Unknown(note) => Judgement::without_policy(vec![note], request.attempts.len()),
            InForce::Known {
                policy,
                is_reconstructed,
                note,
            } => {
                let mut judgement = judge(&policy, request, &self.names, is_reconstructed);
                judgement.notes.splice(0..0, note);
                count_near(&policy, &mut judgement, sample, &self.names);
                judgement
            }
        })
    }
}

fn judge(policy: &Policy, request: &Request, names: &Names, is_reconstructed: bool) -> Judgement {
    let text = |name: Option<Name>| name.map(|name| names.text(name));
    let chain: Vec<ChainLink<'_>> = request
        .attempts
        .iter()
        .map(|attempt| ChainLink {
            model: names.text(attempt.model),
            tier: text(attempt.tier),
            outcome: attempt.outcome,
            reason: text(attempt.reason),
        })
        .collect();
    let recorded = Recorded {
        policy: text(request.policy),
        rule: text(request.rule),
        tier: text(request.tier),
        model: text(request.model),
        reason: text(request.reason),
        chain: &chain,
        has_hidden_fallback: request.flags.has(Flags::FALLBACK_HINT),
    };
    policy.judge(&facts(policy, request, names), &recorded, is_reconstructed)
}

/// Counts for each flip over one line how many of the sample stand near that line.
fn count_near(policy: &Policy, judgement: &mut Judgement, sample: &[Stored], names: &Names) {
    for flip in &mut judgement.flips {
        let [change] = flip.changes.as_slice() else {
            continue;
        };
        let signal = policy.vocabulary().find(&change.signal);
        let width = signal.and_then(|signal| policy.near_width(signal));
        let (Some(signal), Some(width), Some((_, threshold))) = (signal, width, change.line) else {
            continue;
        };
        let (mut near, mut known) = (0, 0);
        for stored in sample {
            if let Fact::Number(value) = facts(policy, &stored.request, names).fact(signal) {
                known += 1;
                near += u64::from((value - threshold).abs() <= width + ROUNDING);
            }
        }
        flip.near = Some(Rate::new(near, known));
    }
}

/// What the log says of the signals of a policy. A null is unknown, what is not there is absent.
fn facts<'a>(policy: &'a Policy, request: &Request, names: &'a Names) -> Facts<'a> {
    fn put<'a, T: Copy>(
        facts: &mut Facts<'a>,
        name: &str,
        logged: Logged<T>,
        input: impl Fn(T) -> Input<'a>,
    ) {
        match logged {
            Logged::Absent => {}
            Logged::Null => {
                facts.set(name, Input::Unknown);
            }
            Logged::Value(value) => {
                facts.set(name, input(value));
            }
        }
    }
    let mut facts = policy.facts();
    if let Some(class) = request.task_class {
        facts.set("task_class", names.text(class));
    }
    let signals = &request.signals;
    let word = |name: Name| Input::Text(names.text(name));
    put(
        &mut facts,
        "format_strictness",
        signals.format_strictness,
        word,
    );
    put(&mut facts, "user_tier", signals.user_tier, word);
    put(
        &mut facts,
        "tools_required",
        signals.tools_required,
        Input::YesNo,
    );
    put(
        &mut facts,
        "retrieval_confidence",
        signals.retrieval_confidence,
        Input::Number,
    );
    put(
        &mut facts,
        "input_complexity",
        signals.input_complexity,
        Input::Number,
    );
    put(
        &mut facts,
        "session_fallbacks",
        signals.session_fallbacks,
        |count| Input::Number(f64::from(count)),
    );
    for (name, value) in &signals.others {
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

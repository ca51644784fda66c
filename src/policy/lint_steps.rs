//! What is probably not meant in the steps up: loops, steps down, steps that are never taken.

use super::cells::Decided;
use super::lint::{Lint, LintKind};
use super::policy::Policy;
use super::rule::{Escalation, TierIdx};
use super::span::Span;
use super::vocabulary::TRIGGERS;

/// How many steps it takes to get to each tier; `None`: it is never reached.
type Reach = Vec<Option<u32>>;

/// Returns the lints of the escalation lines.
pub(super) fn step_lints(decided: &Decided<'_>) -> Vec<Lint> {
    let policy = decided.policy;
    let starts = starts(decided);
    let reach = reach(policy, &starts);
    let mut lints = loops(policy);
    lints.extend(downward(policy));
    lints.extend(dead_steps(policy, &reach));
    lints.extend(dead_tiers(policy, &reach));
    lints.extend(dead_triggers(policy));
    lints.extend(too_long(policy, &starts));
    lints
}

/// The tiers that a first attempt may run on.
fn starts(decided: &Decided<'_>) -> Vec<bool> {
    let mut starts = vec![false; decided.policy.tiers().len()];
    let mut mark = |tier: TierIdx| {
        if let Some(place) = starts.get_mut(tier) {
            *place = true;
        }
    };
    for cell in 0..decided.grid.len() {
        mark(decided.tier(cell));
    }
    if let Some(explore) = decided.policy.explore() {
        explore.between.into_iter().for_each(mark);
    }
    starts
}

fn reach(policy: &Policy, starts: &[bool]) -> Reach {
    let mut reach: Reach = starts
        .iter()
        .map(|is_start| is_start.then_some(0))
        .collect();
    for _ in 0..policy.tiers().len() {
        for line in policy.escalations() {
            let Some(steps) = reach.get(line.from).copied().flatten() else {
                continue;
            };
            let next = steps + 1;
            if next <= policy.stop()
                && let Some(place) = reach.get_mut(line.to)
                && place.is_none_or(|known| known > next)
            {
                *place = Some(next);
            }
        }
    }
    reach
}

fn lint(kind: LintKind, span: Span, message: String) -> Lint {
    Lint {
        kind,
        message,
        span,
        example: None,
    }
}

/// Where the lines as a whole are meant: the first of them, else the last rule.
fn place(policy: &Policy) -> Span {
    let line = policy.escalations().first().map(|line| line.span);
    let rule = policy.rules().last().map(|rule| rule.span);
    line.or(rule).unwrap_or_default()
}

/// A line is part of a loop when its start can be reached from its end.
fn loops(policy: &Policy) -> Vec<Lint> {
    policy
        .escalations()
        .iter()
        .filter(|line| {
            let mut seen = vec![false; policy.tiers().len()];
            let mut open = vec![line.to];
            while let Some(tier) = open.pop() {
                if tier == line.from {
                    return true;
                }
                if let Some(place) = seen.get_mut(tier).filter(|seen| !**seen) {
                    *place = true;
                    let next = policy.escalations().iter().filter(|next| next.from == tier);
                    open.extend(next.map(|next| next.to));
                }
            }
            false
        })
        .map(|line| {
            let message = format!("{} is part of a loop", step(policy, line));
            lint(LintKind::EscalationLoop, line.span, message)
        })
        .collect()
}

fn step(policy: &Policy, line: &Escalation) -> String {
    let (from, to) = (policy.tier_name(line.from), policy.tier_name(line.to));
    format!("the step {from} -> {to}")
}

fn downward(policy: &Policy) -> Vec<Lint> {
    policy
        .escalations()
        .iter()
        .filter(|line| line.to < line.from)
        .map(|line| {
            let message = format!("{} leads to a weaker tier", step(policy, line));
            lint(LintKind::EscalationDownward, line.span, message)
        })
        .collect()
}

fn dead_steps(policy: &Policy, reach: &Reach) -> Vec<Lint> {
    policy
        .escalations()
        .iter()
        .filter_map(|line| {
            let from = policy.tier_name(line.from);
            let to = policy.tier_name(line.to);
            let message = match reach.get(line.from).copied().flatten() {
                None => format!("the step {from} -> {to} is never taken: nothing reaches {from}"),
                Some(steps) if steps >= policy.stop() => format!(
                    "the step {from} -> {to} is never taken: {from} is reached after {steps} and the policy stops after {}",
                    policy.stop()
                ),
                Some(_) => return None,
            };
            Some(lint(LintKind::EscalationDead, line.span, message))
        })
        .collect()
}

fn dead_tiers(policy: &Policy, reach: &Reach) -> Vec<Lint> {
    let tiers = policy.tiers().iter().zip(reach);
    tiers
        .filter(|(_, steps)| steps.is_none())
        .map(|(tier, _)| {
            let message = format!("tier {} is never reached", tier.name);
            lint(LintKind::EscalationDead, place(policy), message)
        })
        .collect()
}

/// Of a policy that escalates at all: the triggers that find no way up from the weakest tier.
fn dead_triggers(policy: &Policy) -> Vec<Lint> {
    if policy.escalations().is_empty() {
        return Vec::new();
    }
    TRIGGERS
        .iter()
        .filter(|trigger| {
            let mut lines = policy.escalations().iter();
            !lines.any(|line| line.trigger == **trigger && line.from == 0 && line.to > 0)
        })
        .map(|trigger| {
            let message = format!(
                "when the {} there is no way up from {}",
                trigger.words,
                policy.tier_name(0)
            );
            lint(LintKind::EscalationDead, place(policy), message)
        })
        .collect()
}

/// The longest way up from a tier that requests start on takes more steps than are allowed.
fn too_long(policy: &Policy, starts: &[bool]) -> Vec<Lint> {
    // Only steps up count, so that the way ends.
    let mut longest: Vec<Option<Vec<TierIdx>>> = starts
        .iter()
        .enumerate()
        .map(|(tier, is_start)| is_start.then(|| vec![tier]))
        .collect();
    for from in 0..policy.tiers().len() {
        let Some(way) = longest.get(from).cloned().flatten() else {
            continue;
        };
        let lines = policy.escalations().iter();
        for line in lines.filter(|line| line.from == from && line.to > from) {
            if let Some(place) = longest.get_mut(line.to)
                && place.as_ref().is_none_or(|known| known.len() <= way.len())
            {
                *place = Some(way.iter().copied().chain([line.to]).collect());
            }
        }
    }
    let way = longest.into_iter().flatten().max_by_key(Vec::len);
    let Some(way) = way else {
        return Vec::new();
    };
    let steps = way.len().saturating_sub(1);
    if u32::try_from(steps).unwrap_or(u32::MAX) <= policy.stop() {
        return Vec::new();
    }
    let names: Vec<&str> = way.iter().map(|tier| policy.tier_name(*tier)).collect();
    let message = format!(
        "the way {} takes {steps} steps, and the policy stops after {}",
        names.join(" -> "),
        policy.stop()
    );
    vec![lint(LintKind::EscalationDead, place(policy), message)]
}

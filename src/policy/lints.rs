//! What is probably not meant in a policy, exact by a walk over its cells.

use super::cells::{CellIdx, Decided, Grid};
use super::evaluate::RuleIdx;
use super::facts::Input;
use super::lint::{Lint, LintKind};
use super::lint_steps::step_lints;
use super::policy::Policy;
use super::rule::Test;
use super::span::Span;
use super::vocabulary::{SignalKind, USER_TIER};
use crate::stats::{Given, Truth};

impl Policy {
    /// Returns everything that is probably not meant, in the order of the kinds.
    pub fn lints(&self) -> Vec<Lint> {
        let Ok(grid) = Grid::over(&[self]) else {
            return vec![Lint {
                kind: LintKind::NotAnalysed,
                message: format!(
                    "the thresholds make more than {} cells, so that its rules were not looked at",
                    super::CELLS_MAX
                ),
                span: Span {
                    line: 1,
                    column: 1,
                    ..Span::default()
                },
                example: None,
            }];
        };
        let decided = grid.decide(self);
        let mut lints = unreachable(&decided);
        lints.extend(classes_without_rule(&decided));
        lints.extend(strongest_on_lightweight(&decided));
        lints.extend(lower_tier_treated_better(&decided));
        lints.extend(unknown_not_handled(&decided));
        lints.extend(step_lints(&decided));
        lints
    }
}

fn lint(decided: &Decided<'_>, kind: LintKind, rule: RuleIdx, cell: Option<CellIdx>) -> Lint {
    Lint {
        kind,
        message: String::new(),
        span: decided
            .policy
            .rules()
            .get(rule)
            .map_or_else(Span::default, |rule| rule.span),
        example: cell.map(|cell| decided.grid.example(cell)),
    }
}

fn name<'a>(decided: &'a Decided<'_>, rule: RuleIdx) -> &'a str {
    let rule = decided.policy.rules().get(rule);
    rule.map_or("", |rule| rule.name.as_str())
}

/// Joins names as a sentence does, without repeats.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique.join(", ")
}

fn unreachable(decided: &Decided<'_>) -> Vec<Lint> {
    let policy = decided.policy;
    let mut used = vec![false; policy.rules().len()];
    for cell in 0..decided.grid.len() {
        if let Some(used) = used.get_mut(decided.rule(cell)) {
            *used = true;
        }
    }
    let mut lints = Vec::new();
    // `otherwise` may well be left nothing.
    let named = policy.rules().len().saturating_sub(1);
    for (idx, rule) in policy.rules().iter().enumerate().take(named) {
        if used.get(idx).copied().unwrap_or_default() {
            continue;
        }
        let takers: Vec<CellIdx> = (0..decided.grid.len())
            .filter(|cell| matches(decided, idx, *cell))
            .collect();
        let first = takers.first().copied();
        let ordinary = takers
            .iter()
            .copied()
            .find(|c| decided.grid.is_ordinary(*c));
        let message = if takers.is_empty() {
            format!(
                "rule {} decides nothing: its clauses never all hold",
                rule.name
            )
        } else {
            let mut earlier: Vec<RuleIdx> = takers.iter().map(|cell| decided.rule(*cell)).collect();
            earlier.sort_unstable();
            let earlier = listed(earlier.iter().map(|rule| name(decided, *rule)));
            format!(
                "rule {} decides nothing: it stands behind {earlier}",
                rule.name
            )
        };
        let kind = if takers.is_empty() {
            LintKind::Contradictory
        } else {
            LintKind::Shadowed
        };
        lints.push(Lint {
            message,
            ..lint(decided, kind, idx, ordinary.or(first))
        });
    }
    lints
}

/// Tells whether every clause of a rule holds in a cell, whoever decides it.
fn matches(decided: &Decided<'_>, rule: RuleIdx, cell: CellIdx) -> bool {
    let policy = decided.policy;
    let example = decided.grid.example(cell);
    let mut facts = policy.facts();
    for (signal, given) in &example.signals {
        facts.set(signal, Input::from(given));
    }
    policy.rules().get(rule).is_some_and(|rule| {
        rule.clauses
            .iter()
            .all(|clause| clause.truth(facts.fact(clause.signal)) == Truth::Holds)
    })
}

fn class_of(decided: &Decided<'_>, cell: CellIdx) -> Option<String> {
    value_of(decided, cell, "task_class").and_then(|given| match given {
        Given::Word(word) => Some(word),
        _ => None,
    })
}

fn value_of(decided: &Decided<'_>, cell: CellIdx, signal: &str) -> Option<Given> {
    let axis = decided.grid.axis_of(signal)?;
    let place = decided.grid.coordinate(cell, axis);
    let value = decided.grid.axes.get(axis)?.values.get(place)?;
    Some(value.given.clone())
}

fn classes_without_rule(decided: &Decided<'_>) -> Vec<Lint> {
    let otherwise = decided.policy.rules().len().saturating_sub(1);
    let classes = decided.policy.vocabulary().classes();
    classes
        .filter_map(|class| {
            let of_class =
                |cell: &CellIdx| class_of(decided, *cell).as_deref() == Some(class.name.as_str());
            let mut cells = decided.ordinary().filter(of_class).peekable();
            let first = cells.peek().copied();
            let is_alone = cells.all(|cell| decided.rule(cell) == otherwise);
            is_alone.then(|| Lint {
                message: format!("no rule decides {}: it is always `otherwise`", class.name),
                ..lint(decided, LintKind::ClassWithoutRule, otherwise, first)
            })
        })
        .collect()
}

fn strongest_on_lightweight(decided: &Decided<'_>) -> Vec<Lint> {
    let policy = decided.policy;
    let Some(strongest) = policy.tiers().len().checked_sub(1).filter(|top| *top > 0) else {
        return Vec::new();
    };
    let light: Vec<String> = policy
        .vocabulary()
        .classes()
        .filter(|class| class.is_lightweight)
        .map(|class| class.name)
        .collect();
    let mut found: Vec<(RuleIdx, CellIdx, Vec<String>)> = Vec::new();
    for cell in decided
        .ordinary()
        .filter(|cell| decided.tier(*cell) == strongest)
    {
        let Some(class) = class_of(decided, cell).filter(|class| light.contains(class)) else {
            continue;
        };
        let rule = decided.rule(cell);
        match found.iter_mut().find(|row| row.0 == rule) {
            Some(row) => row.2.push(class),
            None => found.push((rule, cell, vec![class])),
        }
    }
    found.sort_by_key(|row| row.0);
    found
        .into_iter()
        .map(|(rule, cell, classes)| Lint {
            message: format!(
                "rule {} uses {} for lightweight work: {}",
                name(decided, rule),
                policy.tier_name(strongest),
                listed(classes.iter().map(String::as_str))
            ),
            ..lint(decided, LintKind::StrongestOnLightweight, rule, Some(cell))
        })
        .collect()
}

fn lower_tier_treated_better(decided: &Decided<'_>) -> Vec<Lint> {
    let policy = decided.policy;
    let vocabulary = policy.vocabulary();
    let Some(SignalKind::Words { words, .. }) = vocabulary.signal(USER_TIER).map(|s| &s.kind)
    else {
        return Vec::new();
    };
    let Some(axis) = decided.grid.axis_of("user_tier") else {
        return Vec::new();
    };
    let mut found: Vec<(RuleIdx, RuleIdx)> = Vec::new();
    let mut lints = Vec::new();
    for cell in decided.ordinary() {
        // The words stand first on their axis, from the lowest to the highest.
        let place = decided.grid.coordinate(cell, axis);
        for higher in place + 1..words.len() {
            let other = decided.grid.moved(cell, axis, higher);
            let pair = (decided.rule(cell), decided.rule(other));
            if decided.tier(cell) <= decided.tier(other) || found.contains(&pair) {
                continue;
            }
            found.push(pair);
            let word = |place: usize| words.get(place).map_or("", String::as_str);
            lints.push(Lint {
                message: format!(
                    "{} is treated better than {}: {} by rule {}, {} by rule {}",
                    word(place),
                    word(higher),
                    policy.tier_name(decided.tier(cell)),
                    name(decided, pair.0),
                    policy.tier_name(decided.tier(other)),
                    name(decided, pair.1)
                ),
                ..lint(
                    decided,
                    LintKind::LowerTierTreatedBetter,
                    pair.0,
                    Some(cell),
                )
            });
        }
    }
    lints
}

/// Where a rule asks for a low value: the same request without the value must be decided for the same
/// tier, or by a rule that says "unknown".
fn unknown_not_handled(decided: &Decided<'_>) -> Vec<Lint> {
    let policy = decided.policy;
    let mut lints: Vec<Lint> = Vec::new();
    for (idx, rule) in policy.rules().iter().enumerate() {
        for clause in &rule.clauses {
            let is_low = matches!(&clause.test, Test::Compare { comparison, .. }
                if comparison.is_of_low_values());
            let signal = policy.vocabulary().signal(clause.signal);
            let Some(signal) = signal.filter(|_| is_low) else {
                continue;
            };
            let Some(axis) = decided.grid.axis_of(&signal.name) else {
                continue;
            };
            let values = decided
                .grid
                .axes
                .get(axis)
                .map_or(0, |axis| axis.values.len());
            let says_unknown = |rule: RuleIdx| {
                policy.rules().get(rule).is_some_and(|rule| {
                    rule.clauses.iter().any(|other| {
                        other.signal == clause.signal && other.test == Test::IsKnown(false)
                    })
                })
            };
            // "Unknown" is the last value of every axis.
            let unknown = |cell: CellIdx| decided.grid.moved(cell, axis, values - 1);
            let cell = decided.ordinary().find(|cell| {
                decided.rule(*cell) == idx
                    && decided.tier(unknown(*cell)) != decided.tier(*cell)
                    && !says_unknown(decided.rule(unknown(*cell)))
            });
            if let Some(cell) = cell {
                lints.push(Lint {
                    message: format!(
                        "rule {} asks for a low {}, and no rule says what happens when it is unknown: {} decides then",
                        rule.name,
                        signal.name,
                        name(decided, decided.rule(unknown(cell)))
                    ),
                    ..lint(
                        decided,
                        LintKind::UnknownNotHandled,
                        idx,
                        Some(unknown(cell)),
                    )
                });
            }
        }
    }
    lints
}

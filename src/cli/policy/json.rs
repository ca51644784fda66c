//! Policies as JSON documents, version 1: stable, only ever added to.

use serde_json::{Map, Value, json};

use crate::cli::report::json::to_safe_json;
use crate::policy::{Diff, Example, Lint, Outcome, Policy, PolicyError, TableRow};
use crate::stats::Given;

/// A value of a signal; unknown is null.
pub(crate) fn value(given: &Given) -> Value {
    match given {
        Given::Unknown => Value::Null,
        Given::Word(word) => json!(word),
        Given::YesNo(answer) => json!(answer),
        Given::Number(number) => json!(number),
    }
}

fn example(of: &Example) -> Value {
    let signals: Map<String, Value> = of
        .signals
        .iter()
        .map(|(signal, given)| (signal.clone(), value(given)))
        .collect();
    Value::Object(signals)
}

/// Wraps what was said of several policies in one document.
pub fn document(policies: Vec<Value>) -> String {
    to_safe_json(&json!({"version": 1, "policies": policies}))
}

/// Says why a file is no policy.
pub fn faults(file: &str, error: &PolicyError) -> Value {
    let errors: Vec<Value> = error
        .faults
        .iter()
        .map(|fault| {
            json!({
                "line": fault.line, "column": fault.column, "length": fault.len,
                "source_line": fault.source_line, "message": fault.message, "hint": fault.hint,
            })
        })
        .collect();
    json!({"file": file, "policy": null, "errors": errors, "warnings": []})
}

/// Says what is probably not meant.
pub fn lints(file: &str, policy: &Policy, lints: &[Lint]) -> Value {
    let warnings: Vec<Value> = lints
        .iter()
        .map(|lint| {
            json!({
                "lint": lint.kind.word(), "line": lint.span.line, "message": lint.message,
                "example": lint.example.as_ref().map(example),
            })
        })
        .collect();
    json!({"file": file, "policy": policy.id(), "errors": [], "warnings": warnings})
}

/// Says a policy in sentences and as a table; a table of too many cells is null.
pub fn show(file: &str, policy: &Policy, table: Option<&[TableRow]>) -> Value {
    let rows = table.map(|rows| {
        let rows = rows.iter().map(|row| {
            json!({"task_class": row.class, "when": row.when, "tier": row.tier, "rule": row.rule})
        });
        rows.collect::<Vec<Value>>()
    });
    let tiers: Vec<Value> = policy
        .tiers()
        .iter()
        .map(|tier| json!({"name": tier.name, "models": tier.models}))
        .collect();
    json!({
        "file": file, "policy": policy.id(), "tiers": tiers, "prose": policy.prose(), "table": rows,
    })
}

/// Says which requests an edit sends elsewhere.
pub fn diff(diff: &Diff) -> String {
    let groups: Vec<Value> = diff
        .groups
        .iter()
        .map(|group| {
            json!({
                "requests": group.requests, "from": group.from_tier, "to": group.to_tier,
                "from_rule": group.from_rule, "to_rule": group.to_rule, "cells": group.cells,
                "ordinary": group.is_ordinary, "example": example(&group.example),
            })
        })
        .collect();
    to_safe_json(&json!({
        "version": 1, "before": diff.before, "after": diff.after, "cells": diff.cells,
        "moved": diff.moved, "groups": groups, "others": diff.others,
    }))
}

/// Says what came of the `expect` lines.
pub fn test(file: &str, policy: &Policy, outcomes: &[Outcome]) -> Value {
    let tests: Vec<Value> = outcomes
        .iter()
        .map(|outcome| {
            json!({
                "line": outcome.line, "text": outcome.text, "holds": outcome.is_met(),
                "expected": outcome.expected, "found": outcome.found,
            })
        })
        .collect();
    json!({"file": file, "policy": policy.id(), "tests": tests})
}

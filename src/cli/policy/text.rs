//! Policies as text: diagnostics, sentences and table, differences, tests.

use crate::cli::report::style::Style;
use crate::cli::words::foreign;
use crate::policy::{Diff, Group, Lint, Outcome, Policy, PolicyError, TableRow};

/// Writes lines of texts that may hold anything.
fn lines(texts: impl IntoIterator<Item = String>, style: Style) -> String {
    let mut out = String::new();
    for text in texts {
        // A message may take several lines.
        for line in text.lines() {
            out.push_str(foreign(line, style.ascii).trim_end());
            out.push('\n');
        }
        if text.is_empty() {
            out.push('\n');
        }
    }
    out
}

/// Renders why a file is no policy.
pub fn faults(file: &str, error: &PolicyError, style: Style) -> String {
    let faults = error.faults.iter();
    lines(faults.map(|fault| format!("{file}: {fault}")), style)
}

/// Renders what is probably not meant.
pub fn lints(file: &str, policy: &Policy, lints: &[Lint], style: Style) -> String {
    let rules = policy.rules().len();
    let found = match lints.len() {
        0 => "nothing to say".to_owned(),
        1 => "1 warning".to_owned(),
        many => format!("{many} warnings"),
    };
    let mut out = vec![format!(
        "{file}: {}, {rules} rules, {} tiers, {} tests: {found}",
        policy.id(),
        policy.tiers().len(),
        policy.expects().len()
    )];
    for lint in lints {
        out.push(format!(
            "{file}: line {}: warning ({}): {}",
            lint.span.line,
            lint.kind.word(),
            lint.message
        ));
        if let Some(example) = &lint.example {
            out.push(format!("  e.g. {example}"));
        }
    }
    lines(out, style)
}

/// Renders a policy as sentences and as a table; `None`: its cells are too many.
pub fn show(policy: &Policy, table: Option<&[TableRow]>, style: Style) -> String {
    let mut out = policy.prose();
    out.push(String::new());
    let Some(rows) = table else {
        out.push("The thresholds make too many cells for a table.".to_owned());
        return lines(out, style);
    };
    let head = TableRow {
        class: "task".to_owned(),
        when: "when".to_owned(),
        tier: "tier".to_owned(),
        rule: "rule".to_owned(),
    };
    let width = |of: fn(&TableRow) -> &str| {
        let widths = rows
            .iter()
            .chain([&head])
            .map(|row| of(row).chars().count());
        widths.max().unwrap_or(0)
    };
    let (class, tier, rule) = (
        width(|row| &row.class),
        width(|row| &row.tier),
        width(|row| &row.rule),
    );
    let mut before = "";
    for row in std::iter::once(&head).chain(rows) {
        let name = if row.class == before { "" } else { &row.class };
        let when = if row.when.is_empty() {
            "else"
        } else {
            &row.when
        };
        out.push(format!(
            "{name:class$}  {:tier$}  {:rule$}  {when}",
            row.tier, row.rule
        ));
        before = &row.class;
    }
    lines(out, style)
}

/// Renders which requests an edit sends elsewhere.
pub fn diff(diff: &Diff, style: Style) -> String {
    let mut out = vec![format!("{} -> {}", diff.before, diff.after)];
    if diff.groups.is_empty() {
        out.push("Every request is decided for the same tier.".to_owned());
    } else {
        out.push(format!(
            "{} of {} cells get another tier:",
            diff.moved, diff.cells
        ));
    }
    let (usual, odd): (Vec<&Group>, Vec<&Group>) =
        diff.groups.iter().partition(|group| group.is_ordinary);
    out.extend(usual.iter().flat_map(|group| group_lines(group)));
    if !odd.is_empty() {
        out.push("and of requests with unknown words or values that should be known:".to_owned());
        out.extend(odd.iter().flat_map(|group| group_lines(group)));
    }
    out.extend(diff.others.iter().cloned());
    lines(out, style)
}

fn group_lines(group: &Group) -> [String; 2] {
    [
        format!(
            "  {}: {} -> {} ({} -> {})",
            group.requests, group.from_tier, group.to_tier, group.from_rule, group.to_rule
        ),
        format!("    e.g. {}", group.example),
    ]
}

/// Renders what came of the `expect` lines.
pub fn test(file: &str, outcomes: &[Outcome], style: Style) -> String {
    let met = outcomes.iter().filter(|outcome| outcome.is_met()).count();
    let mut out: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !outcome.is_met())
        .map(|outcome| {
            format!(
                "{file}: line {}: `{}`, but {} decides",
                outcome.line, outcome.text, outcome.found
            )
        })
        .collect();
    out.push(format!("{file}: {met} of {} lines hold", outcomes.len()));
    lines(out, style)
}

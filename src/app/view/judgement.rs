//! What the policy says of one decision, line by line: the verdict, every rule, what would have changed
//! it, and the steps up. Shared by the explain page and `explain`.

use super::line::{Weight, wrapped};
use crate::policy::{ON_THE_LINE, separating_clause};
use crate::stats::{
    Change, ClauseTrace, Explanation, Flip, Given, Judgement, Needed, Rate, RuleTrace, Truth,
    Verdict,
};

/// What the lines after the first of a long text start with.
const HANGING: &str = "  ";
/// Of fewer requests it is not told how many stand near a line.
const NEAR_MIN: u64 = 10;
/// The most flips told.
const FLIPS_MAX: usize = 4;

/// One line of the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelLine {
    /// What it is about; empty: the same as the line before.
    pub label: &'static str,
    /// What it says, not yet sanitised.
    pub text: String,
    /// How much it weighs.
    pub weight: Weight,
}

fn line(label: &'static str, text: impl Into<String>, weight: Weight) -> PanelLine {
    PanelLine {
        label,
        text: text.into(),
        weight,
    }
}

/// Cuts a text into pieces of at most `width` columns; the first one keeps its blanks.
pub fn fitted(text: &str, width: usize) -> Vec<String> {
    let over = text.char_indices().nth(width);
    let Some((over, _)) = over else {
        return vec![text.to_owned()];
    };
    let first = text.get(..over).unwrap_or("");
    let Some((first, _)) = first
        .rsplit_once(' ')
        .filter(|(first, _)| !first.trim().is_empty())
    else {
        return wrapped(text, width);
    };
    let rest = text.get(first.len()..).unwrap_or("");
    let rest = wrapped(rest, width.saturating_sub(HANGING.len()));
    std::iter::once(first.to_owned())
        .chain(rest.into_iter().map(|part| format!("{HANGING}{part}")))
        .collect()
}

/// Returns the first word, with what drifted.
pub fn headline(of: &Judgement) -> String {
    match of.drift {
        Some(drift) => format!("{} ({})", of.verdict.word(), drift.word()),
        None => of.verdict.word().to_owned(),
    }
}

/// Returns how much the first word weighs.
pub fn headline_weight(of: &Judgement) -> Weight {
    match of.verdict {
        Verdict::Drift => Weight::Act,
        Verdict::Undecidable | Verdict::NoPolicy => Weight::Watch,
        _ => Weight::Title,
    }
}

/// Where the rules stand that said a plain no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// In their order among the others.
    InOrder,
    /// Behind everything else, where there is no room for all before it.
    Last,
    /// Nowhere; they are counted.
    Counted,
}

/// Returns the panel's lines.
pub fn lines(of: &Explanation, others: Others) -> Vec<PanelLine> {
    let judgement = &of.judgement;
    let mut lines = vec![decided(of)];
    if let Some(because) = &judgement.because {
        lines.push(line("", format!("\"{because}\""), Weight::Plain));
    }
    let weight = headline_weight(judgement);
    for (idx, note) in judgement.notes.iter().enumerate() {
        let label = if idx == 0 { "note" } else { "" };
        lines.push(line(label, note, weight));
    }
    lines.extend(separation(of));
    if judgement.verdict == Verdict::Undecidable {
        lines.push(line(
            "possible",
            format!(
                "tiers {}; rules {}",
                judgement.possible_tiers.join(", "),
                judgement.possible_rules.join(", ")
            ),
            Weight::Plain,
        ));
    }
    let all = judgement.rules.len();
    let told = rules(of, "rules", |is_told| is_told || others == Others::InOrder);
    let left = all.saturating_sub(told.len());
    lines.extend(told);
    if others == Others::Counted && left > 0 {
        lines.push(line("", format!("and {left} other rules"), Weight::Dim));
    }
    for (idx, flip) in judgement.flips.iter().take(FLIPS_MAX).enumerate() {
        let label = if idx == 0 { "would flip" } else { "" };
        lines.push(line(label, flip_in_words(flip), Weight::Plain));
    }
    if others == Others::Last {
        lines.extend(rules(of, "others", |is_told| !is_told));
    }
    lines
}

/// Says what was decided, as evaluated.
fn decided(of: &Explanation) -> PanelLine {
    let judgement = &of.judgement;
    let text = match (&judgement.policy, &judgement.tier, &judgement.decided_by) {
        (None, ..) => "nothing to hold it against".to_owned(),
        (Some(policy), Some(tier), Some(rule)) => {
            let how = if judgement.is_reconstructed {
                " (reconstructed)"
            } else {
                ""
            };
            let models = judgement.models.join(" or ");
            format!("{tier} ({models}) by rule {rule} of {policy}{how}")
        }
        (Some(policy), ..) => format!("cannot be told under {policy}"),
    };
    line("policy", text, Weight::Plain)
}

/// Where another rule was recorded: the clause between the two.
fn separation(of: &Explanation) -> Option<PanelLine> {
    let recorded = of.rule.as_deref()?;
    let is_other = of.judgement.decided_by.as_deref() != Some(recorded);
    if of.judgement.drift.is_none() || !is_other {
        return None;
    }
    let (rule, clause) = separating_clause(&of.judgement.rules, recorded)?;
    let is_near = clause
        .margin
        .is_some_and(|margin| margin.abs() < ON_THE_LINE);
    let near = if is_near { ", on the line" } else { "" };
    Some(line(
        "between",
        format!("rule {}: {}{near}", rule.name, clause_in_words(clause)),
        Weight::Title,
    ))
}

/// The rules of which `is_wanted` says so, which hears whether one decides, is recorded in its stead, or did not say a
/// plain no.
fn rules(
    explanation: &Explanation,
    first_label: &'static str,
    is_wanted: impl Fn(bool) -> bool,
) -> Vec<PanelLine> {
    let of = &explanation.judgement;
    let deciding = of.rules.iter().position(|rule| rule.is_deciding);
    // Where both are the same, the mark of the deciding one says it.
    let recorded = explanation
        .rule
        .as_deref()
        .filter(|rule| of.decided_by.as_deref() != Some(rule));
    let width = of.rules.iter().map(|rule| rule.name.chars().count()).max();
    let width = width.unwrap_or(0).min(24);
    let mut lines = Vec::new();
    for (idx, rule) in of.rules.iter().enumerate() {
        let is_later = deciding.is_some_and(|deciding| idx > deciding);
        let is_recorded = recorded == Some(rule.name.as_str());
        let is_told = rule.is_deciding || is_recorded || (rule.result != Truth::Fails && !is_later);
        if !is_wanted(is_told) {
            continue;
        }
        let label = if lines.is_empty() { first_label } else { "" };
        let weight = match () {
            () if rule.is_deciding => Weight::Title,
            () if is_later => Weight::Dim,
            () => Weight::Plain,
        };
        let mut text = rule_in_words(rule, width, is_later, of.verdict);
        if is_recorded {
            text.push_str(" (recorded)");
        }
        lines.push(line(label, text, weight));
    }
    lines
}

fn rule_in_words(rule: &RuleTrace, width: usize, is_later: bool, verdict: Verdict) -> String {
    let mark = if rule.is_deciding { '>' } else { ' ' };
    let answer = match rule.result {
        Truth::Holds => "yes",
        Truth::Fails => "no",
        Truth::Unknown => "n/a",
    };
    // Of a rule that failed, only what failed; of any other, everything.
    let told: Vec<String> = rule
        .clauses
        .iter()
        .filter(|clause| rule.result != Truth::Fails || clause.result == Truth::Fails)
        .map(clause_in_words)
        .collect();
    let clauses = if rule.clauses.is_empty() {
        "always".to_owned()
    } else {
        told.join(" · ")
    };
    let later = match (is_later, rule.result) {
        (true, Truth::Holds) => format!(" (not reached, would say {})", rule.tier),
        (true, _) => " (not reached)".to_owned(),
        (false, Truth::Holds) if verdict != Verdict::Undecidable => format!(" -> {}", rule.tier),
        (false, _) => String::new(),
    };
    format!("{mark} {:width$}  {answer:3}  {clauses}{later}", rule.name)
}

/// Says what a clause had and what it needed, with the distance.
pub fn clause_in_words(clause: &ClauseTrace) -> String {
    let had = match &clause.actual {
        Given::Unknown if clause.is_logged => "unknown".to_owned(),
        Given::Unknown => "unknown (not logged)".to_owned(),
        given => given.to_string(),
    };
    let needed = match &clause.needed {
        Needed::Nothing => clause.operator.to_owned(),
        Needed::Number(threshold) => format!("{} {threshold}", clause.operator),
        Needed::OneOf(values) => {
            let values: Vec<String> = values.iter().map(Given::to_string).collect();
            values.join(" or ")
        }
    };
    let name = &clause.signal;
    let distance = clause.margin.map(|margin| shortest(margin.abs()));
    match (clause.result, distance) {
        (Truth::Holds, Some(by)) => format!("{name} {had} {needed} (by {by})"),
        (Truth::Holds, None) => format!("{name} {had}"),
        (_, Some(short)) => format!("{name} {had}, needs {needed} ({short} short)"),
        (_, None) => format!("{name} {had}, needs {needed}"),
    }
}

/// Writes a distance without the noise of a subtraction of decimals.
fn shortest(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    rounded.to_string()
}

fn flip_in_words(flip: &Flip) -> String {
    let changes: Vec<String> = flip.changes.iter().map(change_in_words).collect();
    let near = flip.near.filter(|near| near.denominator >= NEAR_MIN);
    let near = near.map_or_else(String::new, near_in_words);
    format!(
        "{} if {} (rule {}){near}",
        flip.tier,
        changes.join(" and "),
        flip.rule
    )
}

/// Says whether tuning the line matters. Of few requests only the count is told.
fn near_in_words(near: Rate) -> String {
    let (count, of) = (near.numerator, near.denominator);
    match near.share().filter(|_| near.is_shown()) {
        Some(share) => format!(
            "; {:.1}% of {of} of the route about then are near that line",
            share * 100.0
        ),
        None => format!("; {count} of {of} of the route about then are near that line"),
    }
}

fn change_in_words(change: &Change) -> String {
    let (signal, from) = (&change.signal, &change.from);
    match change.line {
        Some((operator, threshold)) => format!("{signal} {operator} {threshold} (was {from})"),
        None => format!("{signal} were {} (was {from})", change.to),
    }
}

/// Says whether the policy allows the step that an attempt led to; `None`: it led to none.
pub fn step_in_words(of: &Judgement, attempt: usize) -> Option<(&str, Weight)> {
    let step = of.steps.get(attempt)?;
    let because = step.because.as_deref()?;
    Some(match step.is_allowed {
        Some(false) => (because, Weight::Watch),
        _ => (because, Weight::Dim),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;
    use crate::policy::{Policy, Recorded};

    fn told(class: Option<&str>, retrieval: f64, recorded: Recorded<'_>, others: Others) -> String {
        let text = include_str!("../../../assets/policies/essay.route");
        let policy = Policy::parse(text).unwrap();
        let mut facts = policy.facts();
        if let Some(class) = class {
            facts.set("task_class", class);
            facts.set("retrieval_confidence", retrieval);
            facts.set("input_complexity", 0.31);
            facts.set("session_fallbacks", 0_u32);
        }
        let mut explanation = fixtures::explained();
        explanation.judgement = policy.judge(&facts, &recorded, false);
        explanation.rule = recorded.rule.map(std::sync::Arc::from);
        let mut out = vec![headline(&explanation.judgement)];
        let lines = lines(&explanation, others);
        out.extend(
            lines
                .iter()
                .map(|line| format!("{:10} {}", line.label, line.text)),
        );
        out.join("\n")
    }

    #[test]
    fn every_rule_says_what_it_had_and_needed() {
        let recorded = Recorded {
            rule: Some("thin-evidence"),
            model: Some("medium-1"),
            ..Recorded::default()
        };
        let text = told(Some("grounded_answer"), 0.58, recorded, Others::InOrder);
        for part in [
            "RULE\n",
            "policy     standard (medium-1) by rule thin-evidence of essay@1#8a592a9285a1",
            "\"retrieval found little, so the model has to notice\"",
            "no   task_class grounded_answer, needs high_stakes",
            "no   session_fallbacks 0, needs >= 3 (3 short)",
            "no   input_complexity 0.31, needs > 0.7 (0.39 short)",
            "> thin-evidence         yes  task_class grounded_answer · retrieval_confidence 0.58 < 0.62 (by 0.04) -> standard",
            "(not reached, would say fast)",
            "would flip fast if retrieval_confidence >= 0.62 (was 0.58) (rule well-grounded)",
            "strongest if task_class were high_stakes (was grounded_answer)",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        let folded = told(Some("grounded_answer"), 0.58, recorded, Others::Counted);
        assert!(folded.contains("and 8 other rules"), "{folded}");
    }

    #[test]
    fn where_room_is_short_what_decided_comes_before_the_other_rules() {
        let recorded = Recorded {
            rule: Some("thin-evidence"),
            model: Some("medium-1"),
            ..Recorded::default()
        };
        let whole = told(Some("grounded_answer"), 0.58, recorded, Others::InOrder);
        let text = told(Some("grounded_answer"), 0.58, recorded, Others::Last);
        assert_eq!(text.lines().count(), whole.lines().count(), "{text}");
        let places = [
            "> thin-evidence",
            "\nwould flip",
            "\nothers",
            "would say fast)",
        ];
        let places: Vec<_> = places.iter().map(|part| text.find(part)).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{places:?}\n{text}"
        );
    }

    #[test]
    fn drift_names_the_clause_between_the_rules() {
        let recorded = Recorded {
            rule: Some("thin-evidence"),
            model: Some("small-1"),
            ..Recorded::default()
        };
        let text = told(Some("grounded_answer"), 0.621, recorded, Others::InOrder);
        assert!(text.starts_with("DRIFT (rule)\n"), "{text}");
        let between = "between    rule thin-evidence: retrieval_confidence 0.621, needs < 0.62 (0.001 short), on the line";
        assert!(text.contains(between), "{text}");
        let recorded = Recorded {
            rule: Some("plan"),
            model: Some("small-1"),
            ..Recorded::default()
        };
        let text = told(Some("planning"), 0.9, recorded, Others::InOrder);
        assert!(text.starts_with("DRIFT (model)\n"), "{text}");
        assert!(
            text.contains("expected tier standard (medium-1), got small-1"),
            "{text}"
        );
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        let recorded = Recorded {
            rule: Some("plan"),
            ..Recorded::default()
        };
        let text = told(None, 0.0, recorded, Others::InOrder);
        assert!(text.starts_with("UNDECIDABLE\n"), "{text}");
        assert!(
            text.contains("rule plan, as recorded, cannot be checked: the log lacks task_class"),
            "{text}"
        );
        assert!(
            text.contains("possible   tiers fast, standard, strongest"),
            "{text}"
        );
        let text = told(None, 0.0, Recorded::default(), Others::InOrder);
        assert!(text.starts_with("NO POLICY\n"), "{text}");
    }
}

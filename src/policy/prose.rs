//! A policy in sentences and as a table: what is read aloud in an incident.

use super::cells::{Grid, TooManyCells};
use super::lex::decimal;
use super::policy::Policy;
use super::rule::{Clause, Escalation, Rule};
use super::vocabulary::TASK_CLASS;
use crate::stats::Given;

/// One line of the decision table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// The task class.
    pub class: String,
    /// What else must hold, in words; empty: nothing.
    pub when: String,
    /// The tier.
    pub tier: String,
    /// The rule.
    pub rule: String,
}

impl Policy {
    /// Returns the policy in sentences, one a line.
    pub fn prose(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "Policy {}, version {} ({}).",
            self.name(),
            self.version(),
            self.id()
        )];
        for tier in self.tiers() {
            lines.push(format!(
                "Tier {} is {}.",
                tier.name,
                tier.models.join(" or ")
            ));
        }
        lines.extend(self.rules().iter().enumerate().map(|(idx, rule)| {
            let number = idx + 1;
            format!("{number}. {}", self.rule_in_words(rule))
        }));
        lines.extend(
            self.escalations()
                .iter()
                .map(|line| capitalised(&format!("{}.", self.escalation_in_words(line)))),
        );
        if !self.escalations().is_empty() {
            let plural = if self.stop() == 1 { "" } else { "s" };
            lines.push(format!("Stop after {} escalation{plural}.", self.stop()));
        }
        if self.explore().is_some() {
            lines.push(capitalised(&format!("{}.", self.explore_in_words())));
        }
        lines
    }

    /// Says a rule, as a sentence with its name.
    pub(super) fn rule_in_words(&self, rule: &Rule) -> String {
        let tier = self.tier_name(rule.tier);
        let because = rule
            .because
            .as_ref()
            .map_or_else(String::new, |because| format!(", because {because}"));
        if rule.clauses.is_empty() {
            return format!("Otherwise use {tier}{because}.");
        }
        let clauses = joined(rule.clauses.iter());
        format!("When {clauses}, use {tier}{because} ({}).", rule.name)
    }

    /// Says a step up, as the text does.
    pub(super) fn escalation_in_words(&self, line: &Escalation) -> String {
        let mut words = format!(
            "escalate {} to {} when the {}",
            self.tier_name(line.from),
            self.tier_name(line.to),
            line.trigger.words
        );
        for clause in &line.clauses {
            words.push_str(" and ");
            words.push_str(&clause.text);
        }
        words
    }

    /// Says whether and how coins are flipped.
    pub(super) fn explore_in_words(&self) -> String {
        self.explore().map_or_else(
            || "nothing".to_owned(),
            |explore| {
                let [first, second] = explore.between;
                // A percentage went through a division: back to how it was written.
                let percent = (explore.share * 1e8).round() / 1e6;
                format!(
                    "explore {} percent between {} and {}",
                    decimal(percent),
                    self.tier_name(first),
                    self.tier_name(second)
                )
            },
        )
    }

    /// Returns the decision table: for every task class the rules that may decide it, in order.
    ///
    /// # Errors
    ///
    /// When the policy makes more than [`super::CELLS_MAX`] cells.
    pub fn table(&self) -> Result<Vec<TableRow>, TooManyCells> {
        let grid = Grid::over(&[self])?;
        let decided = grid.decide(self);
        let class_axis = grid.axis_of("task_class").unwrap_or_default();
        let mut rows = Vec::new();
        let values = grid.axes.get(class_axis).map(|axis| axis.values.as_slice());
        for (place, value) in values.unwrap_or(&[]).iter().enumerate() {
            let class = match (&value.given, value.is_ordinary) {
                (Given::Word(word), true) => word.clone(),
                (Given::Word(_), false) => "any other".to_owned(),
                (_, true) => "unknown".to_owned(),
                _ => continue,
            };
            let mut used = vec![false; self.rules().len()];
            for cell in 0..grid.len() {
                if grid.coordinate(cell, class_axis) == place
                    && let Some(used) = used.get_mut(decided.rule(cell))
                {
                    *used = true;
                }
            }
            for (rule, _) in self.rules().iter().zip(used).filter(|(_, used)| *used) {
                let others = rule.clauses.iter().filter(|c| c.signal != TASK_CLASS);
                rows.push(TableRow {
                    class: class.clone(),
                    when: joined(others),
                    tier: self.tier_name(rule.tier).to_owned(),
                    rule: rule.name.clone(),
                });
            }
        }
        Ok(rows)
    }
}

fn joined<'a>(clauses: impl Iterator<Item = &'a Clause>) -> String {
    let texts: Vec<&str> = clauses.map(|clause| clause.text.as_str()).collect();
    texts.join(" and ")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use crate::policy::fixture::essay;

    #[test]
    fn it_can_be_read_aloud() {
        let lines = essay().prose();
        assert_eq!(lines[0], "Policy essay, version 1 (essay@1#8a592a9285a1).");
        assert_eq!(lines[3], "Tier strongest is large-1 or reason-1.");
        assert_eq!(
            lines[5],
            "2. When session_fallbacks is at least 3 and the task is not extraction, use standard, because this session has been let down three times already (shaky-session)."
        );
        assert!(lines.contains(&"Stop after 2 escalations.".to_owned()));
    }

    #[test]
    fn the_table_lists_what_may_decide_each_class() {
        let rows = essay().table().unwrap();
        let of = |class: &str| -> Vec<(String, String)> {
            let rows = rows.iter().filter(|row| row.class == class);
            rows.map(|row| (row.rule.clone(), row.when.clone()))
                .collect()
        };
        assert_eq!(
            of("extraction"),
            [
                ("ambiguous".into(), "input_complexity is above 0.7".into()),
                ("light-work".into(), String::new())
            ]
        );
        assert_eq!(of("high_stakes").len(), 1);
        assert_eq!(of("grounded_answer").len(), 5);
        assert!(of("any other").iter().any(|row| row.0 == "otherwise"));
    }
}

//! The values at which a verdict can change: between two thresholds no clause changes its mind.

use super::facts::Fact;
use super::policy::Policy;
use super::rule::Test;
use super::vocabulary::{SignalIdx, SignalKind};

impl Policy {
    /// Returns the signals that its rules ask for, in the order of the vocabulary.
    pub(super) fn asked(&self) -> Vec<SignalIdx> {
        let mut asked: Vec<SignalIdx> = self
            .rules()
            .iter()
            .flat_map(|rule| rule.clauses.iter().map(|clause| clause.signal))
            .collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    /// Returns the thresholds of a signal over all rules, ascending.
    pub(super) fn thresholds(&self, signal: SignalIdx) -> Vec<f64> {
        let mut found: Vec<f64> = self
            .rules()
            .iter()
            .flat_map(|rule| &rule.clauses)
            .filter(|clause| clause.signal == signal)
            .filter_map(|clause| match clause.test {
                Test::Compare { threshold, .. } => Some(threshold),
                _ => None,
            })
            .collect();
        found.sort_unstable_by(f64::total_cmp);
        found.dedup();
        found
    }

    /// Returns how far from a threshold of the signal a value is still near it: 1 for counts, a twentieth
    /// of the range for numbers; `None` for words.
    pub fn near_width(&self, signal: SignalIdx) -> Option<f64> {
        match self.vocabulary().signal(signal).map(|signal| &signal.kind) {
            Some(SignalKind::Number { low, high }) => Some((high - low) / 20.0),
            Some(SignalKind::Count) => Some(1.0),
            _ => None,
        }
    }

    /// Tells whether a rule asks whether the signal is known.
    pub(super) fn asks_if_known(&self, signal: SignalIdx) -> bool {
        self.rules()
            .iter()
            .flat_map(|rule| &rule.clauses)
            .any(|clause| clause.signal == signal && matches!(clause.test, Test::IsKnown(_)))
    }

    /// Returns known values that stand for all that a signal may have: every word, or every threshold
    /// with its neighbours.
    pub(super) fn candidates(&self, signal: SignalIdx) -> Vec<Fact<'static>> {
        let Some(kind) = self.vocabulary().signal(signal).map(|signal| &signal.kind) else {
            return Vec::new();
        };
        let thresholds = self.thresholds(signal);
        let mut numbers: Vec<f64> = match kind {
            SignalKind::Words { words, .. } => return (0..words.len()).map(Fact::Word).collect(),
            SignalKind::YesNo => return vec![Fact::YesNo(true), Fact::YesNo(false)],
            SignalKind::Number { low, high } => thresholds
                .iter()
                .flat_map(|threshold| [threshold.next_down(), *threshold, threshold.next_up()])
                .filter(|value| (*low..=*high).contains(value))
                .chain(thresholds.is_empty().then_some(*low))
                .collect(),
            SignalKind::Count => thresholds
                .iter()
                .flat_map(|threshold| [threshold - 1.0, *threshold, threshold + 1.0])
                .filter(|value| *value >= 0.0)
                .chain(thresholds.is_empty().then_some(0.0))
                .collect(),
        };
        numbers.sort_unstable_by(f64::total_cmp);
        numbers.dedup();
        numbers.into_iter().map(Fact::Number).collect()
    }
}

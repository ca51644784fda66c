//! The finite grid behind a policy: between two thresholds no clause changes its verdict, so that one
//! request of each cell stands for all of them. What walks over the grid is exact.

use std::fmt;

use super::evaluate::RuleIdx;
use super::facts::{Fact, Input};
use super::policy::Policy;
use super::rule::TierIdx;
use super::vocabulary::{SignalKind, TASK_CLASS};
use crate::stats::Given;

/// The most cells that are walked.
pub const CELLS_MAX: usize = 2_000_000;

/// A policy whose grid is too large to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("walk over the cells of the policy: there are more than {CELLS_MAX}")]
pub struct TooManyCells;

/// Which values of a signal one cell stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Band {
    /// Just the value given.
    Single,
    /// Any word that no policy knows.
    Foreign,
    /// From the first to the second, without both; an end may be open.
    Between(Option<f64>, Option<f64>),
}

/// One value of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AxisValue {
    /// A value that stands for all of the band.
    pub(super) given: Given,
    pub(super) band: Band,
    /// Whether a sound log has such values: words that are known, and unknown only where it may be.
    pub(super) is_ordinary: bool,
}

/// One signal with its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) signal: String,
    pub(super) values: Vec<AxisValue>,
}

/// The cells of one policy, or of several together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    pub(super) axes: Vec<Axis>,
    len: usize,
}

/// The place of a cell.
pub(super) type CellIdx = usize;

/// A request that stands for a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Signals by their names in events, with their values.
    pub signals: Vec<(String, Given)>,
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, (signal, given)) in self.signals.iter().enumerate() {
            let comma = if idx == 0 { "" } else { ", " };
            write!(f, "{comma}{signal} {given}")?;
        }
        Ok(())
    }
}

impl Grid {
    /// Lays out the cells over every signal that a rule asks for, and the task class.
    pub(super) fn over(policies: &[&Policy]) -> Result<Self, TooManyCells> {
        let mut names: Vec<String> = Vec::new();
        for policy in policies {
            let asked = policy.asked();
            let places = std::iter::once(TASK_CLASS).chain(asked);
            for signal in places.filter_map(|place| policy.vocabulary().signal(place)) {
                if !names.contains(&signal.name) {
                    names.push(signal.name.clone());
                }
            }
        }
        let axes: Vec<Axis> = names.into_iter().map(|name| axis(policies, name)).collect();
        let len = axes
            .iter()
            .try_fold(1_usize, |product, axis| {
                product.checked_mul(axis.values.len())
            })
            .filter(|len| *len <= CELLS_MAX)
            .ok_or(TooManyCells)?;
        Ok(Self { axes, len })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the place on an axis of a cell.
    pub(super) fn coordinate(&self, cell: CellIdx, axis: usize) -> usize {
        let len = self.axes.get(axis).map_or(1, |axis| axis.values.len());
        cell / self.stride(axis) % len
    }

    /// Returns the cell that differs on one axis only.
    pub(super) fn moved(&self, cell: CellIdx, axis: usize, to: usize) -> CellIdx {
        let stride = self.stride(axis);
        cell - self.coordinate(cell, axis) * stride + to * stride
    }

    fn stride(&self, axis: usize) -> usize {
        let before = self.axes.iter().take(axis);
        before.map(|axis| axis.values.len()).product()
    }

    pub(super) fn axis_of(&self, signal: &str) -> Option<usize> {
        self.axes.iter().position(|axis| axis.signal == signal)
    }

    fn values(&self, cell: CellIdx) -> impl Iterator<Item = (&Axis, &AxisValue)> {
        self.axes.iter().enumerate().filter_map(move |(idx, axis)| {
            let value = axis.values.get(self.coordinate(cell, idx))?;
            Some((axis, value))
        })
    }

    pub(super) fn is_ordinary(&self, cell: CellIdx) -> bool {
        self.values(cell).all(|(_, value)| value.is_ordinary)
    }

    pub(super) fn example(&self, cell: CellIdx) -> Example {
        Example {
            signals: self
                .values(cell)
                .map(|(axis, value)| (axis.signal.clone(), value.given.clone()))
                .collect(),
        }
    }

    /// Decides every cell.
    pub(super) fn decide<'a>(&'a self, policy: &'a Policy) -> Decided<'a> {
        let vocabulary = policy.vocabulary();
        // For every signal of the policy the axis, and what its values mean to the policy.
        let columns: Vec<Option<(usize, usize, Vec<Fact<'a>>)>> = vocabulary
            .signals()
            .iter()
            .enumerate()
            .map(|(place, signal)| {
                let axis = self.axis_of(&signal.name)?;
                let values = self.axes.get(axis)?.values.iter();
                let facts: Vec<Fact<'a>> = values
                    .map(|value| vocabulary.fact(place, Input::from(&value.given)))
                    .collect();
                Some((self.stride(axis), facts.len(), facts))
            })
            .collect();
        let rules = (0..self.len)
            .map(|cell| {
                policy.deciding(|signal| {
                    let column = columns.get(signal).and_then(Option::as_ref);
                    column.map_or(Fact::Absent, |(stride, len, facts)| {
                        facts.get(cell / stride % len).copied().unwrap_or_default()
                    })
                })
            })
            .collect();
        Decided {
            grid: self,
            policy,
            rules,
        }
    }
}

/// Every cell with the rule that decides it.
#[derive(Debug)]
pub(super) struct Decided<'a> {
    pub(super) grid: &'a Grid,
    pub(super) policy: &'a Policy,
    rules: Vec<RuleIdx>,
}

impl Decided<'_> {
    pub(super) fn rule(&self, cell: CellIdx) -> RuleIdx {
        self.rules.get(cell).copied().unwrap_or_default()
    }

    pub(super) fn tier(&self, cell: CellIdx) -> TierIdx {
        let rule = self.policy.rules().get(self.rule(cell));
        rule.map_or(0, |rule| rule.tier)
    }

    /// Returns the ordinary cells.
    pub(super) fn ordinary(&self) -> impl Iterator<Item = CellIdx> + '_ {
        (0..self.grid.len()).filter(|cell| self.grid.is_ordinary(*cell))
    }
}

fn axis(policies: &[&Policy], name: String) -> Axis {
    let mut words: Vec<String> = Vec::new();
    let mut takes_words = false;
    let mut takes_answers = false;
    let mut numbers: Option<Numbers> = None;
    let mut may_be_unknown = false;
    for policy in policies {
        let vocabulary = policy.vocabulary();
        let Some(place) = vocabulary.find(&name) else {
            continue;
        };
        let Some(signal) = vocabulary.signal(place) else {
            continue;
        };
        may_be_unknown |= signal.may_be_unknown || policy.asks_if_known(place);
        match &signal.kind {
            SignalKind::Words { words: more, .. } => {
                takes_words = true;
                for word in more {
                    if !words.contains(word) {
                        words.push(word.clone());
                    }
                }
            }
            SignalKind::YesNo => takes_answers = true,
            kind => {
                let numbers = numbers.get_or_insert_with(Numbers::default);
                numbers.add(kind, policy.thresholds(place));
            }
        }
    }
    let mut values = Vec::new();
    let single = |given| AxisValue {
        given,
        band: Band::Single,
        is_ordinary: true,
    };
    if takes_words {
        let mut foreign = "other".to_owned();
        while words.contains(&foreign) {
            foreign.push_str("_other");
        }
        values.extend(words.into_iter().map(|word| single(Given::Word(word))));
        values.push(AxisValue {
            given: Given::Word(foreign),
            band: Band::Foreign,
            is_ordinary: false,
        });
    }
    if takes_answers {
        values.extend([false, true].map(|answer| single(Given::YesNo(answer))));
    }
    if let Some(numbers) = numbers {
        values.extend(numbers.values());
    }
    values.push(AxisValue {
        is_ordinary: may_be_unknown,
        ..single(Given::Unknown)
    });
    Axis {
        signal: name,
        values,
    }
}

/// The range and the thresholds of a number.
#[derive(Debug, Default)]
struct Numbers {
    low: Option<f64>,
    high: Option<f64>,
    is_count: bool,
    thresholds: Vec<f64>,
}

impl Numbers {
    fn add(&mut self, kind: &SignalKind, thresholds: Vec<f64>) {
        let (low, high) = if let SignalKind::Number { low, high } = kind {
            (*low, Some(*high))
        } else {
            self.is_count = true;
            (0.0, None)
        };
        self.low = Some(self.low.map_or(low, |known| known.min(low)));
        self.high = match (self.high, high) {
            (Some(known), Some(high)) => Some(known.max(high)),
            (known, high) => known.or(high),
        };
        self.thresholds.extend(thresholds);
        self.thresholds.sort_unstable_by(f64::total_cmp);
        self.thresholds.dedup();
    }

    /// Each threshold, and what lies before, between and behind them.
    fn values(&self) -> Vec<AxisValue> {
        let low = self.low.unwrap_or(0.0);
        let mut values = Vec::new();
        let mut push = |value: f64, band| {
            values.push(AxisValue {
                given: Given::Number(value),
                band,
                is_ordinary: true,
            });
        };
        let (Some(first), Some(last)) = (self.thresholds.first(), self.thresholds.last()) else {
            push(low, Band::Between(None, None));
            return values;
        };
        if *first > low {
            let below = Band::Between(None, Some(*first));
            push(self.within(low, *first).unwrap_or(low), below);
        }
        for (idx, threshold) in self.thresholds.iter().enumerate() {
            push(*threshold, Band::Single);
            if let Some(next) = self.thresholds.get(idx + 1)
                && let Some(value) = self.within(*threshold, *next)
            {
                push(value, Band::Between(Some(*threshold), Some(*next)));
            }
        }
        let above = Band::Between(Some(*last), None);
        match self.high {
            Some(high) if *last < high => {
                push(self.within(*last, high).unwrap_or(high), above);
            }
            None => push(last + 1.0, above),
            Some(_) => {}
        }
        values
    }

    /// Returns a short decimal between two numbers, without both; none when there is none.
    fn within(&self, low: f64, high: f64) -> Option<f64> {
        if self.is_count {
            return Some(low + 1.0).filter(|value| *value < high);
        }
        let middle = f64::midpoint(low, high);
        let rounded = (0..15).find_map(|places| {
            let scale = 10_f64.powi(places);
            let value = (middle * scale).round() / scale;
            (value > low && value < high).then_some(value)
        });
        rounded.or((middle > low && middle < high).then_some(middle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;

    #[test]
    fn a_sound_log_has_as_many_cells_as_the_reference_counts() {
        let policy = essay();
        let grid = Grid::over(&[&policy]).unwrap();
        assert_eq!(grid.decide(&policy).ordinary().count(), 252);
        let edited = policy.text().replace("below 0.62", "below 0.70");
        let edited = Policy::parse(&edited).unwrap();
        let grid = Grid::over(&[&policy, &edited]).unwrap();
        let (before, after) = (grid.decide(&policy), grid.decide(&edited));
        let cells: Vec<_> = before.ordinary().collect();
        assert_eq!(cells.len(), 378);
        let moved = cells
            .iter()
            .filter(|cell| before.tier(**cell) != after.tier(**cell));
        assert_eq!(moved.count(), 4);
    }

    #[test]
    fn a_grid_that_is_too_large_is_refused() {
        let mut text = "policy \"p\" version 1 ".to_owned();
        for idx in 0..9 {
            text.push_str(&format!("signal s{idx} is a count "));
        }
        text.push_str("tier a is x tier b is y rule r: when s0 is above 1");
        for idx in 1..9 {
            text.push_str(&format!(" and s{idx} is above 5 and s{idx} is below 9"));
        }
        text.push_str(" use b otherwise use a");
        let policy = Policy::parse(&text).unwrap();
        assert!(Grid::over(&[&policy]).is_err());
    }

    #[test]
    fn neighbours_differ_on_one_axis_only() {
        let policy = essay();
        let grid = Grid::over(&[&policy]).unwrap();
        for cell in (0..grid.len()).step_by(7) {
            for (axis, values) in grid.axes.iter().enumerate() {
                let to = values.values.len() - 1;
                let moved = grid.moved(cell, axis, to);
                for other in 0..grid.axes.len() {
                    let expected = if other == axis {
                        to
                    } else {
                        grid.coordinate(cell, other)
                    };
                    assert_eq!(grid.coordinate(moved, other), expected);
                }
            }
        }
    }
}

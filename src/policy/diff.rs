//! What an edit of a policy changes: the cells whose tier differs, joined into sentences.

use super::cells::{Axis, AxisValue, Band, CellIdx, Decided, Example, Grid, TooManyCells};
use super::lex::decimal;
use super::policy::Policy;
use crate::stats::Given;

/// Requests that an edit sends elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Which requests, in words.
    pub requests: String,
    /// The tier before.
    pub from_tier: String,
    /// The tier after.
    pub to_tier: String,
    /// The rule that decided before.
    pub from_rule: String,
    /// The rule that decides after.
    pub to_rule: String,
    /// How many cells that are.
    pub cells: usize,
    /// Whether a sound log holds such requests: else a word is not known, or a value that always is.
    pub is_ordinary: bool,
    /// One of them.
    pub example: Example,
}

/// How two policies differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// The id before.
    pub before: String,
    /// The id after.
    pub after: String,
    /// How many cells a sound log may hold.
    pub cells: usize,
    /// How many of them get another tier.
    pub moved: usize,
    /// The requests that get another tier; none: every request is decided alike.
    pub groups: Vec<Group>,
    /// What else differs: models of tiers, escalations, their end, exploration.
    pub others: Vec<String>,
}

impl Diff {
    /// Compares two policies.
    ///
    /// # Errors
    ///
    /// When the thresholds of both together make more than [`super::CELLS_MAX`] cells.
    pub fn between(before: &Policy, after: &Policy) -> Result<Self, TooManyCells> {
        let grid = Grid::over(&[before, after])?;
        let (was, is) = (grid.decide(before), grid.decide(after));
        let moved: Vec<CellIdx> = (0..grid.len())
            .filter(|cell| before.tier_name(was.tier(*cell)) != after.tier_name(is.tier(*cell)))
            .collect();
        let mut groups = groups(&was, &is, &moved);
        groups.sort_by_key(|group| (!group.is_ordinary, std::cmp::Reverse(group.cells)));
        Ok(Self {
            before: before.id().to_owned(),
            after: after.id().to_owned(),
            cells: was.ordinary().count(),
            moved: moved.iter().filter(|cell| grid.is_ordinary(**cell)).count(),
            groups,
            others: others(before, after),
        })
    }
}

/// Cells that differ from each other by any combination of the values listed for each axis.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    places: Vec<Vec<usize>>,
}

fn groups(was: &Decided<'_>, is: &Decided<'_>, moved: &[CellIdx]) -> Vec<Group> {
    let grid = was.grid;
    let mut kinds: Vec<((usize, usize, bool), Vec<Block>)> = Vec::new();
    for cell in moved {
        let key = (was.rule(*cell), is.rule(*cell), grid.is_ordinary(*cell));
        let block = Block {
            places: (0..grid.axes.len())
                .map(|axis| vec![grid.coordinate(*cell, axis)])
                .collect(),
        };
        match kinds.iter_mut().find(|kind| kind.0 == key) {
            Some(kind) => kind.1.push(block),
            None => kinds.push((key, vec![block])),
        }
    }
    let mut groups = Vec::new();
    for ((from, to, is_ordinary), blocks) in kinds {
        for block in joined(blocks, grid.axes.len()) {
            let first = (0..grid.axes.len()).fold(0, |cell, axis| {
                let place = block.places.get(axis).and_then(|places| places.first());
                grid.moved(cell, axis, place.copied().unwrap_or_default())
            });
            let (from, to) = (was.policy.rules().get(from), is.policy.rules().get(to));
            let (Some(from), Some(to)) = (from, to) else {
                continue;
            };
            groups.push(Group {
                requests: in_words(grid, &block),
                from_tier: was.policy.tier_name(from.tier).to_owned(),
                to_tier: is.policy.tier_name(to.tier).to_owned(),
                from_rule: from.name.clone(),
                to_rule: to.name.clone(),
                cells: block.places.iter().map(Vec::len).product(),
                is_ordinary,
                example: grid.example(first),
            });
        }
    }
    groups
}

/// Joins blocks that differ on one axis only, axis by axis, until nothing can be joined.
fn joined(mut blocks: Vec<Block>, axes_len: usize) -> Vec<Block> {
    loop {
        let len_before = blocks.len();
        for axis in 0..axes_len {
            let others = |block: &Block| {
                let mut others = block.places.clone();
                if let Some(place) = others.get_mut(axis) {
                    place.clear();
                }
                others
            };
            blocks.sort_by_cached_key(others);
            let mut out: Vec<Block> = Vec::new();
            for block in blocks {
                match out.last_mut().filter(|last| others(last) == others(&block)) {
                    Some(last) => {
                        let more = block.places.get(axis).cloned().unwrap_or_default();
                        if let Some(places) = last.places.get_mut(axis) {
                            places.extend(more);
                            places.sort_unstable();
                        }
                    }
                    None => out.push(block),
                }
            }
            blocks = out;
        }
        if blocks.len() == len_before {
            return blocks;
        }
    }
}

/// Says which requests a block holds; an axis of which it holds every value is left out.
fn in_words(grid: &Grid, block: &Block) -> String {
    let is_open = |axis: &Axis, places: &[usize]| {
        let ordinary = axis
            .values
            .iter()
            .enumerate()
            .filter(|(_, v)| v.is_ordinary);
        ordinary.map(|(idx, _)| idx).eq(places.iter().copied()) || places.len() == axis.values.len()
    };
    let parts: Vec<String> = grid
        .axes
        .iter()
        .zip(&block.places)
        .filter(|(axis, places)| !is_open(axis, places))
        .map(|(axis, places)| axis_in_words(axis, places))
        .collect();
    if parts.is_empty() {
        "every request".to_owned()
    } else {
        parts.join(", ")
    }
}

fn axis_in_words(axis: &Axis, places: &[usize]) -> String {
    let values: Vec<&AxisValue> = places
        .iter()
        .filter_map(|place| axis.values.get(*place))
        .collect();
    let mut words = Vec::new();
    let mut rest = values.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let is_number = |value: &AxisValue| matches!(value.given, Given::Number(_));
        if !is_number(first) {
            words.push(match first.band {
                Band::Foreign => "any other word".to_owned(),
                _ => first.given.to_string(),
            });
            rest = after;
            continue;
        }
        // Neighbours on the axis are one range.
        let start = places.get(places.len() - rest.len()).copied().unwrap_or(0);
        let run = rest
            .iter()
            .zip(places.iter().skip(places.len() - rest.len()))
            .enumerate()
            .take_while(|(idx, (value, place))| is_number(value) && **place == start + idx)
            .count();
        let last = rest.get(run.saturating_sub(1)).unwrap_or(first);
        words.push(range(first, last));
        rest = rest.get(run..).unwrap_or(&[]);
    }
    let is_plain_class = axis.signal == "task_class" && values.iter().all(|v| v.is_ordinary);
    let name = if is_plain_class {
        String::new()
    } else {
        format!("{} ", axis.signal)
    };
    format!("{name}{}", words.join(" or "))
}

/// Says a range from the first band to the last, with the side of each end.
fn range(first: &AxisValue, last: &AxisValue) -> String {
    let number = |value: &AxisValue| match value.given {
        Given::Number(number) => decimal(number),
        _ => String::new(),
    };
    let from = match first.band {
        Band::Between(None, _) => None,
        Band::Between(Some(low), _) => Some(format!("above {}", decimal(low))),
        _ => Some(format!("from {}", number(first))),
    };
    let to = match last.band {
        Band::Between(_, None) => None,
        Band::Between(_, Some(high)) => Some(format!("below {}", decimal(high))),
        _ => Some(format!("up to {}", number(last))),
    };
    match (from, to) {
        (Some(_), Some(_)) if first == last && first.band == Band::Single => number(first),
        (Some(from), Some(to)) => format!("{from} {to}"),
        (Some(from), None) => from.replace("from", "at least"),
        (None, Some(to)) => to.replace("up to", "at most"),
        (None, None) => "known".to_owned(),
    }
}

fn others(before: &Policy, after: &Policy) -> Vec<String> {
    let mut out = Vec::new();
    let tiers = |policy: &Policy| -> Vec<(String, String)> {
        let tiers = policy.tiers().iter();
        tiers
            .map(|tier| (format!("tier {}", tier.name), tier.models.join(" or ")))
            .collect()
    };
    changes(&tiers(before), &tiers(after), &mut out);
    let steps = |policy: &Policy| -> Vec<(String, String)> {
        let lines = policy.escalations().iter();
        lines
            .map(|line| (policy.escalation_in_words(line), "allowed".to_owned()))
            .collect()
    };
    changes(&steps(before), &steps(after), &mut out);
    let rest = |policy: &Policy| {
        [
            ("escalations at most".to_owned(), policy.stop().to_string()),
            ("explore".to_owned(), policy.explore_in_words()),
        ]
    };
    changes(&rest(before), &rest(after), &mut out);
    out
}

fn changes(before: &[(String, String)], after: &[(String, String)], out: &mut Vec<String>) {
    let find = |rows: &[(String, String)], key: &str| {
        rows.iter()
            .find(|row| row.0 == key)
            .map(|row| row.1.clone())
    };
    for (key, was) in before {
        match find(after, key) {
            None => out.push(format!("{key}: {was} -> gone")),
            Some(is) if is != *was => out.push(format!("{key}: {was} -> {is}")),
            Some(_) => {}
        }
    }
    for (key, is) in after {
        if find(before, key).is_none() {
            out.push(format!("{key}: new, {is}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;

    fn edited(edits: &[(&str, &str)]) -> Diff {
        let policy = essay();
        let mut text = policy.text().to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        Diff::between(&policy, &Policy::parse(&text).unwrap()).unwrap()
    }

    #[test]
    fn a_moved_threshold_is_one_sentence() {
        let diff = edited(&[("below 0.62", "below 0.7")]);
        assert_eq!((diff.moved, diff.cells), (4, 378));
        let ordinary: Vec<_> = diff.groups.iter().filter(|g| g.is_ordinary).collect();
        assert_eq!(ordinary.len(), 1, "{:#?}", diff.groups);
        let group = ordinary[0];
        assert_eq!(
            group.requests,
            "grounded_answer, retrieval_confidence from 0.62 below 0.7, input_complexity at most 0.7, session_fallbacks below 3"
        );
        assert_eq!(
            (group.from_rule.as_str(), group.to_rule.as_str()),
            ("well-grounded", "thin-evidence")
        );
        assert_eq!(
            (group.from_tier.as_str(), group.to_tier.as_str()),
            ("fast", "standard")
        );
        assert_eq!(group.cells, 4);
    }

    #[test]
    fn no_group_means_that_every_request_is_decided_alike() {
        let diff = edited(&[("\"planning rewards a stronger model\"", "\"it does\"")]);
        assert_eq!(diff.groups, []);
        assert_ne!(diff.before, diff.after);
        let diff = edited(&[("otherwise use standard", "otherwise use fast")]);
        assert_eq!(diff.moved, 0);
        // A class that no policy knows, and one that was not logged: `not extraction` differs.
        assert_eq!(diff.groups.len(), 2, "{:#?}", diff.groups);
        assert!(diff.groups.iter().all(|group| !group.is_ordinary));
        assert_eq!(
            diff.groups[0].requests,
            "task_class any other word or unknown, input_complexity at most 0.7 or unknown, session_fallbacks below 3 or unknown"
        );
    }

    #[test]
    fn tiers_and_steps_are_compared() {
        let diff = edited(&[
            ("is small-1", "is small-2"),
            ("stop after 2", "stop after 3"),
            ("escalate fast to standard when the model is drifting\n", ""),
        ]);
        assert_eq!(
            diff.others,
            [
                "tier fast: small-1 -> small-2",
                "escalate fast to standard when the model is drifting: allowed -> gone",
                "escalations at most: 2 -> 3",
            ]
        );
    }
}

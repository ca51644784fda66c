//! Folding: of a log with more routes than anybody reads (ids written as route names, an attack) the
//! largest are told, and all others as one row. What is held in memory is bounded with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::stats::Cell;

/// Cells by route.
pub(super) type Cells = BTreeMap<i64, Cell>;

/// Which routes are told one by one.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// `None`: every one.
    kept: Option<BTreeSet<i64>>,
    others: usize,
}

impl Fold {
    /// The most routes told one by one.
    pub(super) const ROUTES_MAX: usize = 1_000;
    /// The key of all others; no route has it.
    pub(super) const OTHERS: i64 = i64::MAX;

    /// Keeps the routes with most requests, and `always`.
    pub(super) fn of(cells: &Cells, always: Option<i64>) -> Self {
        if cells.len() <= Self::ROUTES_MAX {
            return Self::default();
        }
        let mut kept = largest(cells, Self::ROUTES_MAX);
        kept.extend(always);
        Self {
            others: cells.keys().filter(|route| !kept.contains(route)).count(),
            kept: Some(kept),
        }
    }

    /// Returns the key under which a route is counted.
    pub(super) fn place(&self, route: i64) -> i64 {
        match &self.kept {
            Some(kept) if !kept.contains(&route) => Self::OTHERS,
            _ => route,
        }
    }

    /// Folds routes that only the baseline has, where those of the window leave no room.
    pub(super) fn with_usual(self, now: &Cells, usual: Cells) -> (Self, Cells) {
        let is_usual_only = |route: &i64| !now.contains_key(route);
        let room = Self::ROUTES_MAX.saturating_sub(now.len());
        if self.kept.is_some() || usual.keys().copied().filter(|r| is_usual_only(r)).count() <= room
        {
            return (self, usual);
        }
        let mut kept: BTreeSet<i64> = now.keys().copied().collect();
        let (mut known, gone): (Cells, Cells) = usual
            .into_iter()
            .partition(|(route, _)| !is_usual_only(route));
        kept.extend(largest(&gone, room));
        let mut others = 0;
        for (route, cell) in gone {
            let is_other = !kept.contains(&route);
            others += usize::from(is_other);
            let key = if is_other { Self::OTHERS } else { route };
            known.entry(key).or_default().merge(&cell);
        }
        let fold = Self {
            kept: Some(kept),
            others,
        };
        (fold, known)
    }

    /// Returns the name of the row of all others.
    pub(super) fn name(&self) -> Arc<str> {
        Arc::from(format!("other ({} routes)", self.others))
    }
}

fn largest(cells: &Cells, len: usize) -> BTreeSet<i64> {
    let mut routes: Vec<(u64, i64)> = cells
        .iter()
        .map(|(route, cell)| (cell.requests, *route))
        .collect();
    routes.sort_unstable_by_key(|(requests, route)| (std::cmp::Reverse(*requests), *route));
    routes
        .into_iter()
        .take(len)
        .map(|(_, route)| route)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(routes: std::ops::Range<i64>) -> Cells {
        let cell = |route: i64| Cell {
            requests: route.unsigned_abs(),
            ..Cell::default()
        };
        routes.map(|route| (route, cell(route))).collect()
    }

    #[test]
    fn d26_the_largest_routes_are_kept_and_the_one_asked_for() {
        let all = Fold::of(&cells(0..1_000), None);
        assert_eq!(all.place(7), 7);
        let fold = Fold::of(&cells(0..5_000), Some(3));
        assert_eq!((fold.place(4_000), fold.place(3)), (4_000, 3));
        assert_eq!(fold.place(3_999), Fold::OTHERS);
        assert_eq!(&*fold.name(), "other (3999 routes)");
    }

    #[test]
    fn d26_routes_of_the_baseline_only_fill_what_room_there_is() {
        let now = cells(0..990);
        let (fold, usual) = Fold::default().with_usual(&now, cells(0..2_000));
        assert_eq!(usual.len(), 1_001);
        assert_eq!(&*fold.name(), "other (1000 routes)");
        let all = cells(0..2_000);
        let sum = |cells: &Cells| cells.values().map(|cell| cell.requests).sum::<u64>();
        assert_eq!(sum(&usual), sum(&all));
        let (fold, usual) = Fold::default().with_usual(&now, cells(0..1_000));
        assert_eq!((usual.len(), fold.place(5)), (1_000, 5));
    }
}

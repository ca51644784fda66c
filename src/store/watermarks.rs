//! Up to when there is nothing any more: what retention has dropped, and what is therefore not counted anew.
//!
//! Rows go before their rollups, and fine rollups before coarse ones. Each watermark stands at a whole hour (that
//! of hours at a whole day), so that what is left of an hour can be rebuilt.

use rusqlite::Connection;

use super::StoreError;
use crate::model::{Timestamp, Window};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 86_400_000_000;
const MINUTE_US: i64 = 60_000_000;

/// The watermarks of a database; a level that lost nothing has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Watermarks {
    /// The first row that was not dropped.
    pub(super) first_row: i64,
    /// From here on all rows are kept; of those before, some or all are gone.
    pub(super) rows_from: Option<Timestamp>,
    /// Of times before that nothing new is taken in: it would be what was dropped.
    pub(super) dropped_before: Option<Timestamp>,
    /// From here on all slices are kept.
    pub(super) slices_from: Option<Timestamp>,
    /// From here on all minutes are kept.
    pub(super) minutes_from: Option<Timestamp>,
    /// From here on all hours are kept.
    pub(super) hours_from: Option<Timestamp>,
}

impl Watermarks {
    /// Reads them.
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let read = |key: &str| -> Result<i64, StoreError> {
            let mut select = connection
                .prepare_cached("SELECT coalesce((SELECT value FROM meta WHERE key=?1),0)")?;
            Ok(select.query_row([key], |row| row.get(0))?)
        };
        let time = |key| read(key).map(|ts| Some(Timestamp(ts)).filter(|ts| ts.0 != 0));
        Ok(Self {
            first_row: read("first_row")?,
            rows_from: time("rows_from")?,
            dropped_before: time("dropped_before")?,
            slices_from: time("slices_from")?,
            minutes_from: time("minutes_from")?,
            hours_from: time("hours_from")?,
        })
    }

    /// Tells whether rows were dropped that stood at `ts`, or may have.
    pub(super) fn is_dropped(&self, ts: Timestamp) -> bool {
        self.dropped_before.is_some_and(|before| ts < before)
    }

    /// Widens a window to whole minutes, hours or days where nothing finer is left.
    pub(super) fn widened(&self, window: Window) -> Window {
        let unit = |ts: Timestamp| {
            let is_before = |from: Option<Timestamp>| from.is_some_and(|from| ts < from);
            match (self.hours_from, self.minutes_from, self.rows_from) {
                (hours, ..) if is_before(hours) => DAY_US,
                (_, minutes, _) if is_before(minutes) => HOUR_US,
                (.., rows) if is_before(rows) => MINUTE_US,
                _ => 1,
            }
        };
        let (first, last) = (unit(window.from), unit(window.to));
        let up = |ts: i64, unit: i64| ts.div_euclid(unit) + i64::from(ts.rem_euclid(unit) != 0);
        Window {
            from: Timestamp(window.from.0.div_euclid(first).saturating_mul(first)),
            to: Timestamp(up(window.to.0, last).saturating_mul(last)),
        }
    }
}

/// Returns the first whole hour that is not before `ts`.
pub(super) fn hour_from(ts: Timestamp) -> Timestamp {
    Timestamp(
        ts.0.saturating_add(HOUR_US - 1)
            .div_euclid(HOUR_US)
            .saturating_mul(HOUR_US),
    )
}

/// Returns the last whole hour, or day when `of_days`, that is not after `ts`.
pub(super) fn floor(ts: Timestamp, of_days: bool) -> Timestamp {
    let unit = if of_days { DAY_US } else { HOUR_US };
    Timestamp(ts.0.div_euclid(unit).saturating_mul(unit))
}

/// Returns the first whole day that is not before `ts`.
pub(super) fn day_from(ts: Timestamp) -> Timestamp {
    Timestamp(
        ts.0.saturating_add(DAY_US - 1)
            .div_euclid(DAY_US)
            .saturating_mul(DAY_US),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_widened_to_what_is_left() {
        let marks = Watermarks {
            rows_from: Some(Timestamp(9 * DAY_US)),
            minutes_from: Some(Timestamp(5 * DAY_US)),
            hours_from: Some(Timestamp(2 * DAY_US)),
            ..Watermarks::default()
        };
        let widened = |from, to| {
            let window = marks.widened(Window {
                from: Timestamp(from),
                to: Timestamp(to),
            });
            (window.from.0, window.to.0)
        };
        assert_eq!(
            widened(9 * DAY_US + 1, 9 * DAY_US + 2),
            (9 * DAY_US + 1, 9 * DAY_US + 2)
        );
        assert_eq!(
            widened(6 * DAY_US + 1, 6 * DAY_US + 2),
            (6 * DAY_US, 6 * DAY_US + MINUTE_US)
        );
        assert_eq!(
            widened(3 * DAY_US + 1, 6 * DAY_US),
            (3 * DAY_US, 6 * DAY_US)
        );
        assert_eq!(
            widened(DAY_US + 1, 3 * DAY_US + 1),
            (DAY_US, 3 * DAY_US + HOUR_US)
        );
        assert_eq!(Watermarks::default().widened(Window::ALL), Window::ALL);
    }
}

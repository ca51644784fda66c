//! Rollups and slices counted anew from the rows, as far as there are rows.

use std::collections::BTreeMap;

use rusqlite::{TransactionBehavior, params};

use super::StoreError;
use super::rollups::{Changes, Count, Depth, LEVELS, scan};
use super::slices::SliceWriter;
use super::watermarks::day_from;
use super::whole::load_whole;
use super::writer::Writer;
use crate::model::Timestamp;
use crate::stats::Cell;

/// How many rows are counted at once.
const ROWS_A_STEP: i64 = 50_000;
const DAY_US: i64 = 86_400_000_000;

impl Writer {
    /// Counts all rows again into fresh rollups and slices, in one transaction. Of times of which rows were dropped the
    /// rollups stay as they are. `progress` hears of rows counted and of all.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written; the rollups are as before then.
    pub fn rebuild_rollups(
        &mut self,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        let done = self.try_rebuild(&mut progress);
        if done.is_err() {
            // Tuples may have been numbered that are not stored now.
            self.slices = SliceWriter::load(&self.connection)?;
        }
        done
    }

    fn try_rebuild(&mut self, progress: &mut impl FnMut(u64, u64)) -> Result<(), StoreError> {
        let from = self.watermarks.rows_from;
        let slices = &mut self.slices;
        let step = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        // The day in which rows begin has hours from before it.
        let day = from.filter(|from| day_from(*from) != *from);
        let day = day.map(|from| from.0.div_euclid(DAY_US));
        for level in LEVELS {
            let first = from.map_or(i64::MIN, |from| from.0.div_euclid(level.unit_us) << 20);
            step.execute(
                &format!("DELETE FROM {} WHERE cell>=?1", level.table),
                [first],
            )?;
        }
        let minute = from.map_or(i64::MIN, |from| i64::from(from.minute().0));
        step.execute("DELETE FROM slice_minute WHERE minute>=?1", [minute])?;
        let mut early: BTreeMap<i64, Cell> = BTreeMap::new();
        if let (Some(day), Some(from)) = (day, from) {
            let [_, hours, _] = LEVELS;
            let units = (day * 24, from.0.div_euclid(hours.unit_us));
            scan(&step, hours, units, Depth::All, &mut early, &|_, route| {
                Some(route)
            })?;
        }
        let (first, last): (i64, i64) = step.query_row(
            "SELECT coalesce(min(row),1),coalesce(max(row),0) FROM request",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let total = last.saturating_sub(first - 1).unsigned_abs();
        let mut next = first;
        while next <= last {
            let rows = load_whole(&step, next, next + ROWS_A_STEP - 1)?;
            let mut count = Count::default();
            for (_, stored) in &rows {
                if from.is_none_or(|from| stored.request.ts >= from) {
                    count.add(&stored.effective());
                }
            }
            count.into_changes().flush_cells(&step, slices)?;
            next += ROWS_A_STEP;
            progress(
                next.min(last + 1).saturating_sub(first).unsigned_abs(),
                total,
            );
        }
        if let Some(day) = day {
            let mut changes = Changes::default();
            if let Some(days) = changes.added.last_mut() {
                days.extend(early.into_iter().map(|(route, cell)| ((day, route), cell)));
            }
            changes.flush_cells(&step, slices)?;
        }
        step.execute(
            "UPDATE meta SET value=(SELECT count(*) FROM request r JOIN profile p ON p.id=r.profile \
             WHERE p.route=0 AND p.outcome=0 AND p.attempts=0 AND EXISTS (SELECT 1 FROM correction WHERE request=r.row AND is_session=0)) WHERE key=?1",
            params!["orphans"],
        )?;
        step.commit()?;
        Ok(())
    }

    /// Returns from when on there are rows of everything.
    pub fn rows_from(&self) -> Option<Timestamp> {
        self.watermarks.rows_from
    }
}

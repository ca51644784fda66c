//! Whether the slices on disk are those of the rows.

use hashbrown::{DefaultHashBuilder, HashMap};
use rusqlite::Connection;

use super::bytes::{read_costs, read_counts, read_loads};
use super::minute::{Checksum, Count, LoadCount};
use super::tuples::Fold;
use crate::model::{Minute, Request, Timestamp};
use crate::stats::{Figures, Load, Tuple, Usage};
use crate::store::StoreError;

/// The checksums of the rows' minutes.
#[derive(Debug)]
pub(in crate::store) struct SliceCheck {
    fold: Fold,
    hasher: DefaultHashBuilder,
    minutes: HashMap<Minute, Checksum>,
    /// Minutes before are not whole on one of the sides.
    from: Minute,
}

impl SliceCheck {
    /// Begins a check of the minutes from `from` on.
    pub(in crate::store) fn new(
        connection: &Connection,
        from: Timestamp,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            fold: Fold::load(connection)?,
            hasher: DefaultHashBuilder::default(),
            minutes: HashMap::new(),
            from: from.minute(),
        })
    }

    /// Counts a row.
    pub(in crate::store) fn add(&mut self, request: &Request) {
        let minute = request.ts.minute();
        if minute < self.from {
            return;
        }
        let figures = Figures::of(request);
        let (tuple, state) = (self.fold.number_of(&Tuple::of(request)), figures.state);
        let sum = self.minutes.entry(minute).or_default();
        let count = Count {
            tuple,
            state,
            requests: 1,
            cost_nano: Usage::of(figures.cost).cost_nano,
        };
        sum.add(&self.hasher, count);
        if let Some(load) = Load::of(request, figures) {
            let count = LoadCount {
                tuple,
                state,
                load,
                requests: 1,
            };
            sum.add_load(&self.hasher, count);
        }
    }

    /// Returns the minutes that differ.
    pub(in crate::store) fn differences(
        mut self,
        connection: &Connection,
    ) -> Result<Vec<Minute>, StoreError> {
        let mut select = connection.prepare(
            "SELECT minute,counts,costs,loads FROM slice_minute WHERE minute>=?1 ORDER BY minute",
        )?;
        let mut rows = select.query([self.from.0])?;
        let mut different = Vec::new();
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            let minute = Minute(row.get(0)?);
            let blob = |idx: usize| {
                let value = row.get_ref(idx)?;
                Ok::<_, StoreError>(value.as_blob().unwrap_or_default())
            };
            read_counts(blob(1)?, &mut counts)?;
            read_costs(blob(2)?, &mut counts)?;
            let mut sum = Checksum::default();
            for count in &counts {
                sum.add(&self.hasher, *count);
            }
            read_loads(blob(3)?, &counts, |count| sum.add_load(&self.hasher, count))?;
            if self.minutes.remove(&minute) != Some(sum) {
                different.push(minute);
            }
        }
        different.extend(self.minutes.into_keys());
        different.sort_unstable();
        Ok(different)
    }
}

//! Slices of a window: from the counts by minute and tuple, never from rows.

use std::sync::Arc;

use hashbrown::HashMap;

use super::Reader;
use crate::model::{Micros, Timestamp, Window};
use crate::stats::{Attribute, Load, Slice, SliceCounts, Slices, State, Tuple, Usage};
use crate::store::StoreError;
use crate::store::slices::{Count, load_tuples, read_costs, read_counts, read_loads};
use crate::store::watermarks::Watermarks;
use crate::store::writer::load_names;

/// What of the counts is read; costs and loads stand apart, and take longer than all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SliceParts {
    /// What the requests cost.
    pub costs: bool,
    /// How long answers were and took.
    pub loads: bool,
}

impl SliceParts {
    /// Everything.
    pub const ALL: Self = Self {
        costs: true,
        loads: true,
    };
}

/// Stands for a tuple that is not counted.
const NOWHERE: u32 = u32::MAX;

/// Sums by place and state: the sums of a state stand together.
#[derive(Debug, Default)]
struct Sums {
    places: usize,
    states: Vec<(State, Vec<Usage>)>,
    loads: HashMap<(u32, State, Load), i64>,
}

impl Sums {
    fn add(&mut self, place: u32, count: Count) {
        let known = self.states.iter().position(|row| row.0 == count.state);
        let at = known.unwrap_or_else(|| {
            let sums = vec![Usage::default(); self.places];
            self.states.push((count.state, sums));
            self.states.len() - 1
        });
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let sums = self.states.get_mut(at).map(|(_, sums)| sums);
        if let Some(usage) = sums.and_then(|sums| sums.get_mut(place)) {
            usage.requests = usage.requests.saturating_add(count.requests);
            usage.cost_nano = usage.cost_nano.saturating_add(count.cost_nano);
        }
    }

    fn into_counts(self) -> Vec<SliceCounts> {
        let mut counts = vec![SliceCounts::default(); self.places];
        for (state, sums) in self.states {
            for (into, usage) in counts.iter_mut().zip(sums) {
                into.add(state, usage);
            }
        }
        for ((place, state, load), requests) in self.loads {
            let into = usize::try_from(place)
                .ok()
                .and_then(|place| counts.get_mut(place));
            if let Some(into) = into {
                into.add_load(state, load, requests);
            }
        }
        counts
    }
}

impl Reader {
    /// Cuts the window into slices by the values of `attributes`, for one route or all. The window is widened to
    /// whole minutes and begins no earlier than the minutes that are kept.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn slices(
        &mut self,
        route: Option<&str>,
        window: Window,
        attributes: &[Attribute],
        parts: SliceParts,
    ) -> Result<Slices, StoreError> {
        self.with_tuples(|reader| reader.cut(route, window, attributes, parts))
    }

    /// The same within a transaction that is begun.
    pub(super) fn slices_within(
        &mut self,
        route: Option<&str>,
        window: Window,
        attributes: &[Attribute],
        parts: SliceParts,
    ) -> Result<Slices, StoreError> {
        load_tuples(&self.connection, &mut self.tuples)?;
        self.cut(route, window, attributes, parts)
    }

    fn cut(
        &self,
        route: Option<&str>,
        window: Window,
        attributes: &[Attribute],
        parts: SliceParts,
    ) -> Result<Slices, StoreError> {
        let wanted = route.map(|route| self.route_id(route));
        let mut places: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut place_of = |tuple: &Tuple| {
            let is_wanted = wanted.is_none_or(|wanted| wanted == Some(route_code(tuple)));
            is_wanted.then(|| {
                let values = attributes.iter();
                let key = values.map(|of| tuple.value(*of).code()).collect();
                let next = places.len();
                *places.entry(key).or_insert(next)
            })
        };
        let (window, counts) = self.count_tuples(window, parts, &mut place_of)?;
        let mut slices: Vec<Slice> = places
            .into_iter()
            .filter_map(|(key, place)| {
                let counts = counts.get(place).filter(|counts| !counts.is_empty())?;
                let text = |code: u32| crate::stats::Value::from_code(code).text(&self.names);
                Some(Slice {
                    values: key.into_iter().map(|code| Arc::from(text(code))).collect(),
                    counts: counts.clone(),
                })
            })
            .collect();
        slices.sort_by_cached_key(|slice| {
            let requests = std::cmp::Reverse(slice.counts.requests());
            (requests, slice.values.clone())
        });
        let names = attributes.iter().map(|of| of.name(&self.names));
        Ok(Slices {
            window,
            attributes: names.map(str::to_owned).collect(),
            slices,
        })
    }

    /// Counts the tuples of a window, each at the place that `place_of` gives, if any; places count from 0.
    /// Returns the window that was counted, and the counts by place.
    pub(super) fn count_tuples(
        &self,
        window: Window,
        parts: SliceParts,
        place_of: &mut impl FnMut(&Tuple) -> Option<usize>,
    ) -> Result<(Window, Vec<SliceCounts>), StoreError> {
        let (places, len) = self.places(place_of);
        let window = self.whole_minutes(window)?;
        Ok((window, self.counts_at(window, parts, &places, len)?))
    }

    /// Returns the place of every tuple, and how many places there are.
    pub(super) fn places(
        &self,
        place_of: &mut impl FnMut(&Tuple) -> Option<usize>,
    ) -> (Vec<u32>, usize) {
        let mut len = 0;
        let places = self.tuples.iter().map(|tuple| {
            let place = place_of(tuple);
            len = len.max(place.map_or(0, |place| place + 1));
            place.map_or(NOWHERE, |place| u32::try_from(place).unwrap_or(NOWHERE))
        });
        (places.collect(), len)
    }

    /// Counts a window of whole minutes by place.
    pub(super) fn counts_at(
        &self,
        window: Window,
        parts: SliceParts,
        places: &[u32],
        len: usize,
    ) -> Result<Vec<SliceCounts>, StoreError> {
        let mut sums = Sums {
            places: len,
            ..Sums::default()
        };
        self.scan(window, parts, places, &mut sums)?;
        Ok(sums.into_counts())
    }

    fn scan(
        &self,
        window: Window,
        parts: SliceParts,
        places: &[u32],
        sums: &mut Sums,
    ) -> Result<(), StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT counts,costs,loads FROM slice_minute WHERE minute>=?1 AND minute<?2",
        )?;
        let minute = |ts: Timestamp| ts.0.div_euclid(60_000_000);
        let mut rows = select.query([minute(window.from), minute(window.to)])?;
        let damaged = || StoreError::damaged("the tuples of a minute");
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            let blob = |idx: usize| {
                let value = row.get_ref(idx)?;
                Ok::<_, StoreError>(value.as_blob().unwrap_or_default())
            };
            read_counts(blob(0)?, &mut counts)?;
            if parts.costs {
                read_costs(blob(1)?, &mut counts)?;
            }
            for count in &counts {
                let place = usize::try_from(count.tuple)
                    .ok()
                    .and_then(|tuple| places.get(tuple))
                    .ok_or_else(damaged)?;
                if *place != NOWHERE {
                    sums.add(*place, *count);
                }
            }
            if parts.loads {
                read_loads(blob(2)?, &counts, |count| {
                    let place = usize::try_from(count.tuple)
                        .ok()
                        .and_then(|tuple| places.get(tuple));
                    if let Some(place) = place.filter(|place| **place != NOWHERE) {
                        let key = (*place, count.state, count.load);
                        *sums.loads.entry(key).or_default() += count.requests;
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Returns the attribute of that name, if any request has it.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn attribute(&mut self, name: &str) -> Result<Option<Attribute>, StoreError> {
        let is_own = |of: &Attribute| matches!(of, Attribute::Own(_));
        self.with_tuples(|reader| {
            let found = Attribute::try_from_name(name, &reader.names);
            Ok(found.filter(|of| !is_own(of) || reader.own_attributes().contains(of)))
        })
    }

    /// Returns the names of all attributes: those that every request has, and the routers' own.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn attribute_names(&mut self) -> Result<Vec<String>, StoreError> {
        self.with_tuples(|reader| {
            let own = reader.own_attributes();
            let fixed = Attribute::FIXED.iter().map(|row| row.0);
            let names = fixed.chain(own).map(|of| of.name(&reader.names).to_owned());
            Ok(names.collect())
        })
    }

    pub(super) fn own_attributes(&self) -> Vec<Attribute> {
        let mut own: Vec<Attribute> = Vec::new();
        for (name, _) in self.tuples.iter().flat_map(|tuple| &tuple.own) {
            if !own.contains(&Attribute::Own(*name)) {
                own.push(Attribute::Own(*name));
            }
        }
        // In an order that does not depend on what was stored first.
        own.sort_by(|one, other| one.name(&self.names).cmp(other.name(&self.names)));
        own
    }

    /// Does `work` in one consistent state of the database, the tuples of which are loaded; within a transaction, in
    /// that one's.
    pub(super) fn with_tuples<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let is_own = self.connection.is_autocommit();
        if is_own {
            self.connection.execute_batch("BEGIN")?;
        }
        let done = load_names(&self.connection, &mut self.names)
            .and_then(|()| load_tuples(&self.connection, &mut self.tuples))
            .and_then(|()| work(self));
        if is_own {
            // A read transaction has nothing to lose.
            let _ = self.connection.execute_batch("COMMIT");
        }
        done
    }

    /// Returns the window in whole minutes, as far back as there are slices.
    pub(super) fn whole_minutes(&self, window: Window) -> Result<Window, StoreError> {
        let kept = Watermarks::load(&self.connection)?.slices_from;
        let from = window.from.minute().start();
        let ends = window.to.minute().start();
        Ok(Window {
            from: kept.map_or(from, |kept| from.max(kept)),
            to: if ends < window.to {
                ends.plus(Micros::MINUTE)
            } else {
                ends
            },
        })
    }
}

/// Returns the number of a tuple's route: 0 for none, that of no name for one that is not told apart.
pub(super) fn route_code(tuple: &Tuple) -> i64 {
    i64::from(tuple.value(Attribute::Route).code())
}

//! Slices counted by the day, of requests that are not stored.

use hashbrown::HashMap;

use super::gather::{Gathered, Step};
use crate::model::{Micros, Minute, Name, Request, Timestamp};
use crate::stats::{Figures, Load, State, Tuple, Usage};

/// The first minute of the day, and what is alike.
type Key = (Minute, Tuple, State, Option<Load>);

/// Requests and cost by day, tuple, state and load.
#[derive(Debug, Default)]
pub(in crate::store) struct DaySums {
    sums: HashMap<Key, (i32, i64)>,
}

impl DaySums {
    /// Adds a request, or takes it back.
    pub(in crate::store) fn add(&mut self, request: &Request, sign: i32) {
        let figures = Figures::of(request);
        let load = Load::of(request, figures);
        let key = (day_of(request.ts), Tuple::of(request), figures.state, load);
        let sum = self.sums.entry(key).or_default();
        sum.0 += sign;
        sum.1 += Usage::of(figures.cost).cost_nano * i64::from(sign);
    }

    /// Adds what was counted in other names; `rename` gives their names here.
    pub(in crate::store) fn absorb(&mut self, other: Self, rename: &mut impl FnMut(Name) -> Name) {
        for ((day, tuple, state, load), (requests, cost_nano)) in other.sums {
            let sum = self
                .sums
                .entry((day, tuple.renamed(rename), state, load))
                .or_default();
            sum.0 += requests;
            sum.1 += cost_nano;
        }
    }

    /// Returns them as changes of the first minutes of the days.
    pub(in crate::store) fn into_gathered(self) -> Gathered {
        let counted = self.sums.into_iter().filter(|(_, sum)| sum.0 != 0);
        let steps = counted.map(
            |((minute, tuple, state, load), (requests, cost_nano))| Step {
                minute,
                tuple,
                state,
                load,
                requests,
                cost_nano,
            },
        );
        Gathered {
            steps: steps.collect(),
        }
    }
}

fn day_of(ts: Timestamp) -> Minute {
    let day = i64::try_from(Micros::DAY.0).unwrap_or(i64::MAX);
    Timestamp(ts.0.div_euclid(day).saturating_mul(day)).minute()
}

//! What rates hide: case mix, latency-adjusted quality, waste. From the slices, or through a filter from rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::{Reader, SliceParts};
use crate::model::{Micros, Timestamp, Window};
use crate::policy::Vocabulary;
use crate::stats::{
    Attribute, Figures, Load, Page, Query, Slice, SliceCounts, Snapshot, Stratum, Tuple, Usage,
    Value, Yardsticks, work,
};
use crate::store::StoreError;

/// What tells strata apart, the route first and the tier last.
const ATTRIBUTES: [Attribute; 6] = [
    Attribute::Route,
    Attribute::TaskClass,
    Attribute::InputComplexity,
    Attribute::ToolsRequired,
    Attribute::FormatStrictness,
    Attribute::Tier,
];
/// The days whose median latency is the target of a task class.
const TARGET_DAYS: u64 = 7;
/// The longest window of which a page tells the work.
const PAGE_MAX: Micros = Micros::HOUR.times(6);
/// How long targets are used again.
const FRESH: Micros = Micros::MINUTE.times(10);
/// The tiers where no policy is known, weakest first.
const TIERS: [&str; 3] = ["fast", "standard", "strongest"];

/// Targets, the end of the days that they are of, and when they were read.
#[derive(Debug)]
pub(super) struct Typical {
    to: Timestamp,
    at: Timestamp,
    of: BTreeMap<Arc<str>, Micros>,
}

impl Reader {
    /// Fills in what is known of the work of each route.
    pub(super) fn tell_work(&mut self, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        let is_asked = match snapshot.query.page {
            Page::Report => true,
            // A page must not wait for a week of minutes; the report has it.
            Page::Route { .. } => snapshot.window.len() <= PAGE_MAX,
            _ => false,
        };
        if !is_asked {
            return Ok(());
        }
        let yardsticks = self.yardsticks(snapshot)?;
        let strata = if snapshot.query.filter.is_empty() {
            let slices =
                self.slices_within(None, snapshot.counted, &ATTRIBUTES, SliceParts::ALL)?;
            slices.slices.into_iter().filter_map(stratum).collect()
        } else {
            self.filtered_strata(&snapshot.query, snapshot.counted)?
        };
        let (total, mut routes) = work(&strata, &yardsticks);
        snapshot.total.now.work = Some(total);
        for row in &mut snapshot.routes {
            row.now.work = routes.remove(&row.route);
        }
        Ok(())
    }

    /// Slices know nothing of filters: rows are counted, of the same whole minutes.
    fn filtered_strata(&self, query: &Query, window: Window) -> Result<Vec<Stratum>, StoreError> {
        let window = self.whole_minutes(window)?;
        let policies = self.policies_for(&query.filter)?;
        let mut sieve = self.sieve(&query.filter, query.now, &policies)?;
        let mut counts: HashMap<[Value; 6], SliceCounts> = HashMap::new();
        for stretch in self.stretches(window)? {
            self.go_on()?;
            for (_, stored) in sieve.load_whole(self, stretch)? {
                let request = stored.effective();
                if !window.contains(request.ts) {
                    continue;
                }
                let tuple = Tuple::of(&request);
                let figures = Figures::of(&request);
                let into = counts
                    .entry(ATTRIBUTES.map(|of| tuple.value(of)))
                    .or_default();
                into.add(figures.state, Usage::of(figures.cost));
                if let Some(load) = Load::of(&request, figures) {
                    into.add_load(figures.state, load, 1);
                }
            }
        }
        let slices = counts.into_iter().map(|(values, counts)| Slice {
            values: values
                .iter()
                .map(|value| Arc::from(value.text(&self.names)))
                .collect(),
            counts,
        });
        Ok(slices.filter_map(stratum).collect())
    }

    fn yardsticks(&mut self, snapshot: &Snapshot) -> Result<Yardsticks, StoreError> {
        let policies = self.policies()?;
        let newest = match self.given.last() {
            Some(given) => Some(given),
            None => policies.first(),
        };
        let usual = Vocabulary::default();
        let classes = newest
            .map_or(&usual, |policy| policy.vocabulary())
            .classes();
        let lightweight = classes.filter(|class| class.is_lightweight);
        let tiers = match newest {
            Some(policy) => policy
                .tiers()
                .iter()
                .map(|tier| tier.name.clone())
                .collect(),
            None => TIERS.map(str::to_owned).to_vec(),
        };
        let lightweight = lightweight.map(|class| class.name).collect();
        Ok(Yardsticks {
            tiers,
            lightweight,
            targets: self.targets(snapshot)?,
        })
    }

    /// Returns the median latency of each task class on the seven days that end with the window's last.
    fn targets(&mut self, snapshot: &Snapshot) -> Result<BTreeMap<Arc<str>, Micros>, StoreError> {
        let now = snapshot.query.now;
        let newest = snapshot.newest.unwrap_or(now);
        let day = i64::try_from(Micros::DAY.0).unwrap_or(i64::MAX);
        let last = Timestamp(snapshot.window.to.0.saturating_sub(1)).min(newest);
        let to = Timestamp(last.0.div_euclid(day).saturating_add(1).saturating_mul(day));
        if let Some(known) = &self.typical
            && known.to == to
            && known.at <= now
            && now.since(known.at) < FRESH
        {
            return Ok(known.of.clone());
        }
        let window = Window {
            from: to.minus(Micros::DAY.times(TARGET_DAYS)),
            to,
        };
        let parts = SliceParts {
            costs: false,
            loads: true,
        };
        let slices = self.slices_within(None, window, &[Attribute::TaskClass], parts)?;
        let mut of = BTreeMap::new();
        for Slice { values, counts } in slices.slices {
            let median = counts.latency().quantile(0.5);
            if let Some((class, median)) = values.into_iter().next().zip(median) {
                of.insert(class, Micros(micros(median)));
            }
        }
        self.typical = Some(Typical {
            to,
            at: now,
            of: of.clone(),
        });
        Ok(of)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a latency is neither negative nor longer than ages"
)]
fn micros(of: f64) -> u64 {
    of as u64
}

fn stratum(slice: Slice) -> Option<Stratum> {
    let Slice { values, counts } = slice;
    let [route, class, complexity, tools, format, tier] = <[Arc<str>; 6]>::try_from(values).ok()?;
    let counts: SliceCounts = counts;
    Some(Stratum {
        route,
        kind: [class, complexity, tools, format],
        tier,
        counts,
    })
}

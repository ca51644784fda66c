//! When what moved did so, whether it did elsewhere too, and what the policies' texts say of it.

use std::sync::Arc;

use super::slices::route_code;
use super::{Reader, SliceParts};
use crate::model::{Micros, Minute, Names, Window};
use crate::policy::threshold_moves;
use crate::stats::changes::{Changes, Reach, Shift, Tally, ThresholdMove, onset};
use crate::stats::{Attribute, SliceCounts, Tuple};
use crate::store::StoreError;

/// The attribute by which policies are told apart.
const POLICY: &str = "policy";

/// Groups requests by which of the moved values they have: a bit a value.
#[derive(Debug, Default)]
struct Masks {
    /// The attribute and the text of each value.
    values: Vec<(Attribute, Arc<str>)>,
    /// The masks that occur, by place.
    known: Vec<u32>,
}

impl Masks {
    fn place(&mut self, tuple: &Tuple, names: &Names) -> usize {
        let mut mask = 0;
        for (bit, (attribute, text)) in self.values.iter().enumerate() {
            if tuple.value(*attribute).text(names) == **text {
                mask |= 1 << bit;
            }
        }
        let known = self.known.iter().position(|known| *known == mask);
        known.unwrap_or_else(|| {
            self.known.push(mask);
            self.known.len() - 1
        })
    }

    /// Returns all requests, and those with a value.
    fn tally(&self, bit: usize, counts: &[SliceCounts]) -> Tally {
        let mut tally = Tally::default();
        for (mask, counts) in self.known.iter().zip(counts) {
            let requests = counts.requests();
            tally.requests += requests;
            tally.bad += if mask >> bit & 1 == 1 { requests } else { 0 };
        }
        tally
    }
}

impl Reader {
    /// Fills in when the shifts came, where else, and which thresholds moved.
    pub(super) fn tell_moved(
        &mut self,
        changes: &mut Changes,
        stretches: [Window; 2],
    ) -> Result<(), StoreError> {
        if changes.shifts.is_empty() {
            return Ok(());
        }
        let mut masks = Masks::default();
        for shift in &changes.shifts {
            let attribute = self.attribute(&shift.attribute)?;
            let attribute = attribute.unwrap_or(Attribute::Route);
            masks.values.push((attribute, shift.value.clone()));
        }
        let route = changes.route.clone();
        self.with_tuples(|reader| {
            let wanted = route.as_deref().map(|route| reader.route_id(route));
            let is_here =
                |tuple: &Tuple| wanted.is_none_or(|wanted| wanted == Some(route_code(tuple)));
            let minutes = reader.shares_by_minute(stretches, &mut masks, &is_here)?;
            for (shift, minutes) in changes.shifts.iter_mut().zip(&minutes) {
                // What was not there before came with its first request.
                let first = minutes.iter().find(|(_, tally)| tally.bad > 0);
                let first = first
                    .filter(|_| shift.before <= 0.0)
                    .map(|(minute, _)| *minute);
                let at = first.or_else(|| Some(onset(minutes)?.at));
                shift.at = at.map(Minute::start);
            }
            let elsewhere = match wanted {
                Some(_) => {
                    let windows = [changes.baseline, changes.window];
                    Some(reader.shares(windows, &mut masks, &|tuple| !is_here(tuple))?)
                }
                None => None,
            };
            for (bit, shift) in changes.shifts.iter_mut().enumerate() {
                shift.reach = match &elsewhere {
                    None => Reach::AllRoutes,
                    Some(there) => Reach::of(shift.after - shift.before, moved(there, bit)),
                };
            }
            changes.thresholds = reader.thresholds(&changes.shifts)?;
            Ok(())
        })
    }

    /// Counts, for each value, all requests and those with it, minute by minute.
    fn shares_by_minute(
        &self,
        stretches: [Window; 2],
        masks: &mut Masks,
        is_meant: &dyn Fn(&Tuple) -> bool,
    ) -> Result<Vec<Vec<(Minute, Tally)>>, StoreError> {
        masks.known.clear();
        let (places, len) =
            self.places(&mut |tuple| is_meant(tuple).then(|| masks.place(tuple, &self.names)));
        let mut found = vec![Vec::new(); masks.values.len()];
        for stretch in stretches {
            let stretch = self.whole_minutes(stretch)?;
            let mut from = stretch.from;
            while from < stretch.to {
                let to = from.plus(Micros::MINUTE);
                let minute = Window { from, to };
                let counts = self.counts_at(minute, SliceParts::default(), &places, len)?;
                for (bit, minutes) in found.iter_mut().enumerate() {
                    minutes.push((from.minute(), masks.tally(bit, &counts)));
                }
                from = to;
            }
        }
        Ok(found)
    }

    /// Counts, for each value, all requests and those with it in each window.
    fn shares(
        &self,
        windows: [Window; 2],
        masks: &mut Masks,
        is_meant: &dyn Fn(&Tuple) -> bool,
    ) -> Result<Vec<[Tally; 2]>, StoreError> {
        masks.known.clear();
        let mut found = vec![[Tally::default(); 2]; masks.values.len()];
        for (place, window) in windows.into_iter().enumerate() {
            let mut place_of =
                |tuple: &Tuple| is_meant(tuple).then(|| masks.place(tuple, &self.names));
            let (_, counts) = self.count_tuples(window, SliceParts::default(), &mut place_of)?;
            for (bit, tallies) in found.iter_mut().enumerate() {
                if let Some(tally) = tallies.get_mut(place) {
                    *tally = masks.tally(bit, &counts);
                }
            }
        }
        Ok(found)
    }

    /// Returns the thresholds that moved between the policy that went and the one that came, where both are known.
    fn thresholds(&self, shifts: &[Shift]) -> Result<Vec<ThresholdMove>, StoreError> {
        let by = |of: fn(&Shift) -> f64| {
            let policies = shifts.iter().filter(|shift| shift.attribute == POLICY);
            let most = policies.max_by(|one, other| of(one).total_cmp(&of(other)));
            most.filter(|shift| of(shift) > 0.0)
        };
        let went = by(|shift| shift.before - shift.after);
        let came = by(|shift| shift.after - shift.before);
        let Some((went, came)) = went.zip(came) else {
            return Ok(Vec::new());
        };
        let known = self.policies()?;
        let of = |id: &str| known.iter().find(|policy| policy.id() == id);
        let both = of(&went.value).zip(of(&came.value));
        Ok(both.map_or_else(Vec::new, |(went, came)| threshold_moves(went, came)))
    }
}

/// Returns by how much a share moved.
fn moved(there: &[[Tally; 2]], bit: usize) -> Option<f64> {
    let [before, after] = there.get(bit)?;
    Some(after.share()? - before.share()?)
}

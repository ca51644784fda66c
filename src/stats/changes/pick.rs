//! Which of the slices are blamed: the strongest first, and only what those before leave unexplained.

use super::observations::{REQUESTS_MIN, Tuple};
use super::scan::{Candidate, Ground, Scan, Slice};
use super::tally::number;

/// How many slices are blamed at the most.
const CAUSES_MAX: usize = 5;
/// Slices that share so much of their requests cannot be told apart.
const TWIN_SHARE: f64 = 0.8;
/// The rest of a value must be so many standard errors worse for the value to be blamed instead of a pair.
const REST_Z: f64 = 2.0;
/// And so much of the pair's rise a request.
const REST_LIFT: f64 = 0.35;
/// How many slices beside a cause are told as the same requests.
const SAME_MAX: usize = 8;

/// A slice that is blamed.
#[derive(Debug)]
pub(super) struct Picked {
    pub(super) candidate: Candidate,
    /// Slices of nearly the same requests.
    pub(super) same: Vec<Slice>,
}

pub(super) fn pick(ground: &Ground, scan: &Scan) -> Vec<Picked> {
    let mut strong: Vec<&Candidate> = scan
        .candidates
        .iter()
        .filter(|candidate| candidate.z > scan.z_min && candidate.excess > 0.0)
        .collect();
    strong.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut picked: Vec<Picked> = Vec::new();
    for candidate in strong {
        let candidate = widened(ground, scan, candidate);
        let slice = candidate.slice;
        let twin = picked
            .iter_mut()
            .find(|known| is_twin(ground, known.candidate.slice, slice));
        if let Some(twin) = twin {
            let is_new = slice != twin.candidate.slice && !twin.same.contains(&slice);
            if is_new && twin.same.len() < SAME_MAX {
                twin.same.push(slice);
            }
            continue;
        }
        if !picked.is_empty() && !still_stands(ground, scan, &picked, slice) {
            continue;
        }
        if picked.len() == CAUSES_MAX {
            break;
        }
        picked.push(Picked {
            candidate,
            same: Vec::new(),
        });
    }
    picked
}

/// Returns one of a pair's values in its place, when the rest of that value is hit as well.
fn widened(ground: &Ground, scan: &Scan, candidate: &Candidate) -> Candidate {
    let Slice::Two(first, second) = candidate.slice else {
        return *candidate;
    };
    let mut best = *candidate;
    for (kept, other) in [(first, second), (second, first)] {
        let value = Slice::One(kept);
        let wide = scan.candidates.iter().find(|known| known.slice == value);
        let Some(wide) = wide.filter(|wide| wide.z >= scan.z_min) else {
            continue;
        };
        let other = Slice::One(other);
        let rest = ground.sum(|tuple| value.holds(tuple) && !other.holds(tuple));
        if rest.after < number(REQUESTS_MIN) {
            if wide.score >= TWIN_SHARE * candidate.score {
                best = *wide;
            }
            continue;
        }
        let outside = ground.sum(|tuple| !value.holds(tuple));
        let (z, lift) = ground.excess_over(&rest, &outside);
        let lift_min = REST_LIFT * candidate.excess / candidate.sums.after;
        let is_first = matches!(best.slice, Slice::Two(..));
        if z > REST_Z && lift > lift_min && (is_first || wide.score > best.score) {
            best = *wide;
        }
    }
    best
}

fn is_twin(ground: &Ground, one: Slice, other: Slice) -> bool {
    let after = |is_in: &dyn Fn(&Tuple) -> bool| ground.sum(is_in).after;
    let both = after(&|tuple| one.holds(tuple) && other.holds(tuple));
    let either = after(&|tuple| one.holds(tuple) || other.holds(tuple));
    both >= TWIN_SHARE * either
}

/// Tells whether a slice is still worse than the rest, without the requests of those blamed before.
fn still_stands(ground: &Ground, scan: &Scan, picked: &[Picked], slice: Slice) -> bool {
    let is_left = |tuple: &Tuple| {
        !picked
            .iter()
            .any(|known| known.candidate.slice.holds(tuple))
    };
    let left = ground.sum(|tuple| is_left(tuple) && slice.holds(tuple));
    let outside = ground.sum(|tuple| is_left(tuple) && !slice.holds(tuple));
    left.after >= number(REQUESTS_MIN) && ground.excess_over(&left, &outside).0 >= scan.z_min
}

//! What changed between a bad window and its baseline: is there anything, is it the make-up of the traffic or
//! how it fares, and which requests are hit.
//!
//! | file | what for |
//! | --- | --- |
//! | `metric` | what can have become worse, and what counts as bad |
//! | `observations` | both windows, counted by tuple of attributes |
//! | `scan` | what each value and each pair should have had of bad requests, and what it had |
//! | `pick` | which of them are blamed |
//! | `mix` | how the make-up of the traffic moved |
//! | `moved` | where else it moved, and the thresholds of policies |
//! | `onset` | since when |
//! | `tally` | requests, and the bad ones among them |
//! | `normal` | the tail of the normal distribution |

mod metric;
mod mix;
mod moved;
mod normal;
mod observations;
mod onset;
mod pick;
mod scan;
mod tally;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use metric::Metric;
pub use mix::Shift;
pub use moved::{Reach, ThresholdMove};
pub use observations::Observations;
pub use onset::{Onset, onset};
pub use tally::Tally;
pub(super) use tally::number;

use crate::model::{Minute, Window};
use normal::quantile_above;
use pick::Picked;
use scan::{Candidate, Ground, Slice};

/// What a request's expected rate is taken from.
const CONTEXT: [&str; 2] = ["task_class", observations::MODEL];
/// The chance of calling the total worse where it is not; with what is found beside it, 1.5 % of quiet windows
/// are called worse at the most.
const ALPHA: f64 = 0.008;
/// Of a rise, slices explain so much at least when behaviour is blamed; the mix as much when it is.
const BEHAVIOUR_SHARE: f64 = 0.4;
/// So much of a rise the mix predicts when it is blamed alone.
const MIX_SHARE: f64 = 0.5;
/// And no worse than so many standard errors are the requests beside it.
const MIX_Z: f64 = 3.0;
/// How many moved shares are told.
const SHIFTS_MAX: usize = 8;
/// From so many standard errors on, of all attributes and values.
const SHIFT_Z: f64 = 6.0;
/// Fewer requests than this in the window, or in the baseline, say nothing.
const AFTER_MIN: u64 = 20;
const BEFORE_MIN: u64 = 50;

/// What became of a window against its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing beyond chance.
    NoChange,
    /// The make-up of the traffic moved towards requests that always fared worse.
    Mix,
    /// Some requests fare worse than they did.
    Behaviour,
    /// All requests fare worse, none more than others.
    Everywhere,
    /// Some requests fare worse; in the total it does not show.
    Local,
}

impl Verdict {
    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoChange => "no change",
            Self::Mix => "mix",
            Self::Behaviour => "behaviour",
            Self::Everywhere => "everywhere",
            Self::Local => "local",
        }
    }
}

/// The values of attributes that some requests share.
pub type Values = Vec<(String, Arc<str>)>;

/// Requests that fare worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// What they share.
    pub slice: Values,
    /// In the baseline.
    pub before: Tally,
    /// In the window.
    pub after: Tally,
    /// Bad requests more than expected.
    pub excess: f64,
    /// Of all bad requests that are more than in the baseline, where those are more; 0 to 1 and above.
    pub share_of_rise: Option<f64>,
    /// What else nearly the same requests share.
    pub same: Vec<Values>,
    /// Since when.
    pub since: Option<Onset>,
}

/// The answer to "what changed".
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// What may have become worse.
    pub metric: Metric,
    /// The route; `None`: all.
    pub route: Option<String>,
    /// What is looked into.
    pub window: Window,
    /// What it is held against.
    pub baseline: Window,
    /// All requests of the baseline.
    pub before: Tally,
    /// All requests of the window.
    pub after: Tally,
    /// What it is.
    pub verdict: Verdict,
    /// Of the rise, what the make-up of the traffic alone predicts; 0 where nothing rose.
    pub mix_share: f64,
    /// The make-up that is blamed.
    pub mix: Option<Shift>,
    /// Who is hit, the worst first.
    pub causes: Vec<Cause>,
    /// Whose share of the requests moved, the furthest first.
    pub shifts: Vec<Shift>,
    /// Thresholds that moved, where policies changed and their texts are known.
    pub thresholds: Vec<ThresholdMove>,
    /// Both stretches minute by minute, in order, each at most its last three days.
    pub minutes: Vec<(Minute, Tally)>,
    /// Since when the total is worse.
    pub since: Option<Onset>,
    /// Whether corrections of the window may still come: it is at least as bad as told.
    pub is_filling: bool,
    /// Why nothing can be said.
    pub refused: Option<String>,
}

impl Changes {
    /// Returns how many requests a minute there were and are; `None` where there were or are none.
    pub fn per_minute(&self) -> Option<(f64, f64)> {
        let rate = |tally: Tally, window: Window| {
            60.0 * number(tally.requests) / window.len().as_seconds().max(60.0)
        };
        let rates = (
            rate(self.before, self.baseline),
            rate(self.after, self.window),
        );
        (rates.0 > 0.0 && rates.1 > 0.0).then_some(rates)
    }

    /// Returns how many bad requests there are more than there were: in all, or where it is worse.
    pub fn more(&self) -> f64 {
        let share = |tally: Tally| tally.share().unwrap_or(0.0);
        let in_all = (share(self.after) - share(self.before)) * number(self.after.requests);
        let excess: f64 = self.causes.iter().map(|cause| cause.excess).sum();
        in_all.max(excess)
    }
}

/// Returns by how much counts of single minutes scatter more than chance, at least 1 (Pearson).
pub fn dispersion<'t>(minutes: impl Iterator<Item = &'t Tally> + Clone) -> f64 {
    let mut whole = Tally::default();
    for tally in minutes.clone() {
        whole.join(*tally);
    }
    let rate = number(whole.bad) / number(whole.requests).max(1.0);
    let spread = rate * (1.0 - rate);
    let (mut sum, mut counted) = (0.0, 0_u64);
    for tally in minutes.filter(|tally| tally.requests > 0) {
        let n = number(tally.requests);
        sum += (number(tally.bad) - n * rate).powi(2) / (n * spread);
        counted += 1;
    }
    if spread <= 0.0 || counted < 2 {
        return 1.0;
    }
    (sum / number(counted - 1)).max(1.0)
}

/// Finds what changed; windows and route are those that the observations are of.
pub fn analyse(
    observations: &Observations,
    (window, baseline): (Window, Window),
    route: Option<&str>,
    dispersion: f64,
) -> Changes {
    let (before, after) = observations.totals();
    let mut changes = Changes {
        metric: observations.metric,
        route: route.map(str::to_owned),
        window,
        baseline,
        before,
        after,
        verdict: Verdict::NoChange,
        mix_share: 0.0,
        mix: None,
        causes: Vec::new(),
        shifts: Vec::new(),
        thresholds: Vec::new(),
        minutes: Vec::new(),
        since: None,
        is_filling: false,
        refused: too_few(before, after),
    };
    if changes.refused.is_some() {
        return changes;
    }
    let context: Vec<usize> = CONTEXT
        .iter()
        .filter_map(|wanted| {
            let mut names = observations.attributes.iter();
            names.position(|(name, _)| name == wanted)
        })
        .collect();
    let ground = Ground::new(observations, &context, dispersion);
    let rates = (smoothed(before), smoothed(after));
    let has_moved = z_of_totals(before, after, dispersion) > quantile_above(ALPHA);
    let scan = scan::scan(&ground, has_moved);
    let picked = pick::pick(&ground, &scan);
    let rise = ground.total.after_bad - ground.total.after * rates.0;
    let by_mix = ground.total.after_expected - ground.total.after * rates.0;
    changes.mix_share = if rise > 0.0 { by_mix / rise } else { 0.0 };
    changes.causes = picked
        .iter()
        .map(|picked| {
            cause(
                observations,
                picked,
                (has_moved && rise > 0.0).then_some(rise),
            )
        })
        .collect();
    if has_moved && rise > 0.0 && changes.mix_share > BEHAVIOUR_SHARE {
        changes.mix = mix::explain(&ground, rates.0, rise);
    }
    let explained: f64 = picked.iter().map(|picked| picked.candidate.excess).sum();
    let is_hit = !picked.is_empty();
    let is_by_mix = changes.mix.is_some();
    changes.verdict = if !has_moved {
        if is_hit {
            Verdict::Local
        } else {
            Verdict::NoChange
        }
    } else if is_by_mix && changes.mix_share > MIX_SHARE && z_beside_mix(&ground) < MIX_Z {
        Verdict::Mix
    } else if is_hit && explained > BEHAVIOUR_SHARE * rise {
        Verdict::Behaviour
    } else if is_by_mix {
        Verdict::Mix
    } else {
        Verdict::Everywhere
    };
    changes.shifts = mix::shifts(&ground, SHIFT_Z, SHIFTS_MAX);
    changes
}

fn cause(observations: &Observations, picked: &Picked, rise: Option<f64>) -> Cause {
    let Candidate {
        slice,
        sums,
        excess,
        ..
    } = picked.candidate;
    let same = picked.same.iter();
    Cause {
        slice: named(observations, slice),
        before: tally(sums.before, sums.before_bad),
        after: tally(sums.after, sums.after_bad),
        excess,
        share_of_rise: rise.map(|rise| excess / rise),
        same: same.map(|slice| named(observations, *slice)).collect(),
        since: None,
    }
}

fn too_few(before: Tally, after: Tally) -> Option<String> {
    [
        ("window", after.requests, AFTER_MIN),
        ("baseline", before.requests, BEFORE_MIN),
    ]
    .into_iter()
    .find(|(_, requests, least)| requests < least)
    .map(|(which, requests, least)| {
        format!(
            "the {which} has {requests} such requests; {least} are the least that say something"
        )
    })
}

fn smoothed(tally: Tally) -> f64 {
    (number(tally.bad) + 0.5) / (number(tally.requests) + 1.0)
}

/// Returns by how many standard errors the window is worse.
fn z_of_totals(before: Tally, after: Tally, dispersion: f64) -> f64 {
    let (was, is) = (number(before.requests), number(after.requests));
    let pool = (number(before.bad + after.bad) + 1.0) / (was + is + 2.0);
    let variance = dispersion * pool * (1.0 - pool) * (1.0 / was + 1.0 / is);
    (smoothed(after) - smoothed(before)) / variance.sqrt()
}

/// Returns by how many standard errors the window is worse than its make-up predicts.
fn z_beside_mix(ground: &Ground) -> f64 {
    let total = &ground.total;
    let scale = (total.after / total.before).powi(2);
    let variance: f64 = ground
        .sums
        .iter()
        .map(|sums| {
            let spread = |n: f64, expected: f64| {
                let rate = expected / n.max(1.0);
                n * rate * (1.0 - rate)
            };
            spread(sums.after, sums.after_expected)
                + scale * spread(sums.before, sums.before_expected)
        })
        .sum();
    (total.after_bad - total.after_expected) / (ground.dispersion * variance).sqrt().max(1e-9)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sums of counts are whole and not negative"
)]
fn tally(requests: f64, bad: f64) -> Tally {
    Tally {
        requests: requests.round() as u64,
        bad: bad.round() as u64,
    }
}

fn named(observations: &Observations, slice: Slice) -> Values {
    slice
        .parts()
        .filter_map(|(place, code)| {
            let (attribute, values) = observations.attributes.get(place)?;
            Some((attribute.clone(), values.get(usize::from(code))?.clone()))
        })
        .collect()
}

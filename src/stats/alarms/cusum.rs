//! Evidence that gathers minute by minute that a share has grown, and the limit at which it is enough.
//!
//! The sum of log likelihood ratios of "worse" against "as usual", never below nought (Page 1954, Biometrika 41:100;
//! for shares Reynolds and Stoumbos 1999, J. Qual. Technol. 31:87). It depends on the minutes alone and not on when
//! it is looked at.

use super::super::changes::{Tally, number};
use super::usual::Usual;
use crate::model::Minute;

/// A route gives one false alarm in so many minutes: 30 days.
const QUIET_MINUTES: f64 = 30.0 * 1_440.0;
/// What is looked for: so many times the usual share,
const TIMES: f64 = 2.0;
/// and at least so much more.
const MORE_MIN: f64 = 0.005;
/// Fewer bad requests than these call nobody.
const BAD_MIN: u64 = 5;
/// By how many standard deviations of a step the sum is beyond its limit when it passes it (Siegmund 1985, Sequential
/// Analysis, chapter 10).
const OVERSHOOT: f64 = 0.583;
/// Of steps that are larger than these that holds no more.
const STEP_MAX: f64 = 2.0;
/// No less evidence is enough, however rare bad requests are.
const LIMIT_MIN: f64 = 3.0;

/// More bad requests than is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unusual {
    /// The usual share.
    pub usual: f64,
    /// Since when, most likely.
    pub since: Minute,
    /// The requests since then.
    pub tally: Tally,
}

/// What a request adds to the evidence.
#[derive(Debug, Clone, Copy)]
struct Weights {
    /// A bad one, above nought.
    bad: f64,
    /// Any other, below nought.
    good: f64,
    /// One of the usual traffic, below nought.
    mean: f64,
}

impl Weights {
    fn of(usual: f64) -> Self {
        let usual = usual.clamp(1e-9, 1.0 - 1e-9);
        let worse = (TIMES * usual)
            .max(usual + MORE_MIN)
            .min(f64::midpoint(usual, 1.0));
        let bad = (worse / usual).ln();
        let good = ((1.0 - worse) / (1.0 - usual)).ln();
        Self {
            bad,
            good,
            mean: usual * bad + (1.0 - usual) * good,
        }
    }
}

/// Returns the evidence at which an alarm is due: that which usual traffic of that many requests a minute reaches
/// once in thirty days, when `of` metrics of a route share its false alarm.
///
/// The mean time until a sum of steps with mean -m and variance 2 m (which steps of log likelihood ratios have)
/// passes h is (exp(h') - h' - 1) / m, where h' is h with twice the overshoot (Siegmund 1985, equation 2.50). It is
/// exp(h) at the least, whatever the steps are (Lorden 1971, Ann. Math. Stat. 42:1897), so that the logarithm of the
/// time is always enough.
pub fn limit(usual: f64, per_minute: f64, dispersion: f64, of: usize) -> f64 {
    let minutes = QUIET_MINUTES * number(of.max(1) as u64);
    let mean = -Weights::of(usual).mean * per_minute / dispersion.max(1.0);
    let wanted = minutes * mean;
    let (mut low, mut high) = (0.0_f64, 60.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if middle.exp() - middle - 1.0 < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    let step = (2.0 * mean).sqrt().min(STEP_MAX);
    (high - 2.0 * OVERSHOOT * step)
        .min(minutes.ln())
        .max(LIMIT_MIN)
}

/// Returns what is worse than usual at the end of the minutes, which are in order.
pub(super) fn unusual(minutes: &[(Minute, Tally)], usual: &Usual, of: usize) -> Option<Unusual> {
    let mut watch = Watch::new(usual, of);
    for (minute, tally) in minutes {
        watch.take(*minute, *tally);
    }
    watch.found
}

/// What evidence is held against within one hour.
#[derive(Debug, Clone, Copy)]
struct Ground {
    hour: i32,
    weights: Weights,
    limit: f64,
}

/// The evidence so far.
#[derive(Debug)]
pub(super) struct Watch<'u> {
    usual: &'u Usual,
    of: usize,
    ground: Option<Ground>,
    sum: f64,
    /// Since when it is above nought.
    since: Option<(Minute, Tally)>,
    /// What fires: from passing the limit until all evidence is gone, so that it does not flicker.
    pub(super) found: Option<Unusual>,
}

impl<'u> Watch<'u> {
    pub(super) fn new(usual: &'u Usual, of: usize) -> Self {
        Self {
            usual,
            of,
            ground: None,
            sum: 0.0,
            since: None,
            found: None,
        }
    }

    pub(super) fn take(&mut self, minute: Minute, tally: Tally) {
        let Ground { weights, limit, .. } = self.ground_of(minute);
        let good = number(tally.requests.saturating_sub(tally.bad));
        let step = number(tally.bad) * weights.bad + good * weights.good;
        // No more is kept than is enough: it is gone soon after all is well again.
        self.sum = (self.sum + step / self.usual.dispersion).min(limit);
        if self.sum <= 0.0 {
            self.sum = 0.0;
            self.since = None;
            self.found = None;
            return;
        }
        let (since, sum) = self.since.get_or_insert((minute, Tally::default()));
        sum.join(tally);
        if self.found.is_some() || (self.sum >= limit && sum.bad >= BAD_MIN) {
            self.found = Some(Unusual {
                usual: self.usual.share(minute),
                since: *since,
                tally: *sum,
            });
        }
    }

    fn ground_of(&mut self, minute: Minute) -> Ground {
        let hour = minute.0.div_euclid(60);
        let known = self.ground.filter(|ground| ground.hour == hour);
        *self.ground.insert(known.unwrap_or_else(|| {
            let highest = self.usual.highest(minute);
            Ground {
                hour,
                weights: Weights::of(highest),
                limit: limit(
                    highest,
                    self.usual.per_minute,
                    self.usual.dispersion,
                    self.of,
                ),
            }
        }))
    }
}

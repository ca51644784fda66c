//! Quiet months and doublings, as they come minute by minute.
//!
//! `ROUTETOP_TEST_TRIALS=200 cargo test --lib stats::alarms -- --nocapture` runs more and prints the figures.

use std::sync::Arc;

use super::super::changes::{Metric, Tally};
use super::cusum::Watch;
use super::{Alarm, METRICS, Reason, Series, Usual, reasons, sort};
use crate::model::Minute;

const DAY: i32 = 1_440;

/// `SplitMix64`: the same seed gives the same traffic everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX)
    }

    /// Draws how many requests come in a minute (Knuth 1969, by multiplication).
    fn requests(&mut self, mean: f64) -> u64 {
        let none = (-mean).exp();
        let (mut requests, mut product) = (0, self.share());
        while product > none {
            requests += 1;
            product *= self.share();
        }
        requests
    }

    fn minute(&mut self, per_minute: f64, share: f64) -> Tally {
        let requests = self.requests(per_minute);
        let bad = (0..requests).filter(|_| self.share() < share).count();
        Tally {
            requests,
            bad: bad as u64,
        }
    }
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn trials(usual: usize) -> usize {
    std::env::var("ROUTETOP_TEST_TRIALS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// A week of hours.
fn week(dice: &mut Dice, per_minute: f64, share: impl Fn(i32) -> f64) -> Usual {
    let hours: Vec<(i32, Tally)> = (-7 * 24..0)
        .map(|hour| {
            let mut sum = Tally::default();
            for minute in 0..60 {
                sum.join(dice.minute(per_minute, share(60 * hour + minute)));
            }
            (hour, sum)
        })
        .collect();
    Usual::of(&hours).unwrap()
}

/// Returns how often 30 quiet days fire, of one metric that shares its false alarms with `of`.
fn false_alarms(
    dice: &mut Dice,
    per_minute: f64,
    share: impl Fn(i32) -> f64 + Copy,
    of: usize,
) -> usize {
    let usual = week(dice, per_minute, share);
    let mut watch = Watch::new(&usual, of);
    let (mut fired, mut was_firing) = (0, false);
    for minute in 0..30 * DAY {
        watch.take(Minute(minute), dice.minute(per_minute, share(minute)));
        fired += usize::from(watch.found.is_some() && !was_firing);
        was_firing = watch.found.is_some();
    }
    fired
}

/// Returns how many minutes after a rise it fires.
fn delay(dice: &mut Dice, per_minute: f64, usual_share: f64, share: f64, of: usize) -> i32 {
    let usual = week(dice, per_minute, |_| usual_share);
    let mut watch = Watch::new(&usual, of);
    for minute in 0..120 {
        watch.take(Minute(minute), dice.minute(per_minute, usual_share));
    }
    (1..=6 * 60)
        .find(|after| {
            watch.take(Minute(119 + after), dice.minute(per_minute, share));
            watch.found.is_some()
        })
        .unwrap_or(6 * 60)
}

fn median(mut of: Vec<i32>) -> i32 {
    of.sort_unstable();
    of[of.len() / 2]
}

#[test]
fn thirty_quiet_days_of_a_route_fire_once_at_the_most() {
    let routes = trials(3);
    for per_minute in [2.0, 20.0, 100.0] {
        let mut fired = 0;
        for seed in 0..routes {
            let mut dice = Dice(seed as u64);
            // The four metrics of a route, of the size that they usually have.
            for share in [0.25, 0.15, 0.05, 0.01] {
                fired += false_alarms(&mut dice, per_minute, |_| share, METRICS.len());
            }
        }
        let mean = real(fired) / real(routes);
        println!("{per_minute} a minute: {mean:.2} false alarms in 30 days a route, of {routes}");
        assert!(mean <= 1.0, "{per_minute} a minute: {mean}");
    }
}

#[test]
fn one_watched_metric_fires_once_at_the_most_whatever_its_share() {
    let routes = trials(3);
    for share in [0.002, 0.01, 0.1, 0.3, 0.6] {
        let mut fired = 0;
        for seed in 0..routes {
            fired += false_alarms(&mut Dice(100 + seed as u64), 20.0, |_| share, 1);
        }
        let mean = real(fired) / real(routes);
        println!("{share} usually: {mean:.2} false alarms in 30 days, of {routes}");
        assert!(mean <= 1.0, "{share}: {mean}");
    }
}

#[test]
fn days_that_come_and_go_are_usual() {
    let share = |minute: i32| {
        if minute.rem_euclid(DAY) < DAY / 2 {
            0.1
        } else {
            0.2
        }
    };
    let fired: usize = (0..trials(3))
        .map(|seed| false_alarms(&mut Dice(200 + seed as u64), 20.0, share, METRICS.len()))
        .sum();
    let mean = real(fired) / real(trials(3));
    println!("shares by the hour of the day: {mean:.2} false alarms in 30 days");
    assert!(mean <= 1.0, "{mean}");
}

#[test]
fn a_doubling_is_called_within_minutes() {
    let runs = trials(40);
    for (share, within) in [(0.05, 45), (0.1, 20), (0.2, 8), (0.25, 5), (0.3, 5)] {
        let delays = (0..runs)
            .map(|seed| {
                delay(
                    &mut Dice(300 + seed as u64),
                    20.0,
                    share,
                    2.0 * share,
                    METRICS.len(),
                )
            })
            .collect();
        let median = median(delays);
        println!("{share} doubles at 20 a minute: fires after {median} minutes, median of {runs}");
        assert!(median <= within, "{share}: {median}");
    }
}

#[test]
fn what_is_urgent_and_far_off_stands_first() {
    let tally = |bad, requests| Tally { requests, bad };
    let quiet = (tally(10, 1_000), tally(1, 100));
    let at = |place: usize, found: (Tally, Tally)| Series {
        stretches: std::array::from_fn(|pair| if pair == place { found } else { quiet }),
        ..Series::default()
    };
    let slow = at(2, (tally(70, 1_000), tally(70, 1_000)));
    let fast = at(0, (tally(200, 1_000), tally(20, 100)));
    let faster = at(0, (tally(300, 1_000), tally(30, 100)));
    let mut alarms: Vec<Alarm> = [("a", &slow), ("b", &fast), ("c", &faster)]
        .into_iter()
        .flat_map(|(route, series)| {
            let found = reasons(series, Some(0.01), None, METRICS.len());
            found.into_iter().map(move |reason| Alarm {
                route: Arc::from(route),
                metric: Metric::Failure,
                reason,
            })
        })
        .collect();
    sort(&mut alarms);
    let order: Vec<&str> = alarms.iter().map(|alarm| &*alarm.route).collect();
    assert_eq!(order, ["c", "b", "a"]);
    assert!(alarms[1].is_urgent() && !alarms[2].is_urgent());
    assert!((alarms[0].times() - 30.0).abs() < 1e-9);
    assert!(reasons(&fast, None, None, METRICS.len()).is_empty());
}

#[test]
fn an_alarm_says_since_when_and_ends_after_all_is_well() {
    let mut dice = Dice(7);
    let usual = week(&mut dice, 20.0, |_| 0.1);
    let share = |minute: i32| {
        if (120..180).contains(&minute) {
            0.4
        } else {
            0.1
        }
    };
    let minutes: Vec<(Minute, Tally)> = (0..240)
        .map(|minute| (Minute(minute), dice.minute(20.0, share(minute))))
        .collect();
    let at = |end: usize| {
        let series = Series {
            minutes: minutes[..end].to_vec(),
            ..Series::default()
        };
        reasons(&series, None, Some(&usual), METRICS.len())
    };
    assert!(at(120).is_empty());
    let Some(Reason::Unusual(found)) = at(180).first().copied() else {
        panic!("sixty minutes of four times as many");
    };
    assert!((115..=123).contains(&found.since.0), "{found:?}");
    assert!((found.usual - 0.1).abs() < 0.01);
    assert!(found.tally.share().unwrap() > 0.3);
    assert!(at(240).is_empty(), "an hour later it is over");
}

//! Planted changes and windows without any, with attributes that hang together as in real traffic.
//!
//! `ROUTETOP_TEST_TRIALS=2000 cargo test --lib stats::changes -- --nocapture` runs more and prints the shares.

use std::sync::Arc;

use super::super::state::State;
use super::super::{Slice, SliceCounts, Slices, Usage};
use super::{Changes, Metric, Observations, Verdict, analyse};
use crate::model::{Timestamp, Window};

const ATTRIBUTES: [&str; 8] = [
    "task_class",
    "first_model",
    "rule",
    "user_tier",
    "region",
    "app_version",
    "tools_required",
    "format_strictness",
];
const WINDOW: Window = Window {
    from: Timestamp(0),
    to: Timestamp(60_000_000),
};

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

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

    /// Draws a place, the earlier ones more often.
    fn skewed(&mut self, places: usize) -> usize {
        let one = self.share() * self.share();
        (0..places)
            .rev()
            .find(|place| one * real(places) >= real(*place))
            .unwrap_or(0)
    }
}

/// One request: a value of each attribute, and how likely it goes badly.
fn request(dice: &mut Dice) -> ([usize; ATTRIBUTES.len()], f64) {
    let class = dice.skewed(5);
    // The router asks the strong model for the hard classes, by rules of their own.
    let is_strong = dice.share() < 0.1 + 0.2 * real(class);
    let rule = if is_strong { 3 + class % 2 } else { class % 3 };
    let user = dice.skewed(3);
    let values = [
        class,
        usize::from(is_strong),
        rule,
        user,
        dice.skewed(4),
        dice.skewed(5),
        usize::from(dice.share() < 0.1 + 0.1 * real(class)),
        dice.skewed(3),
    ];
    let rate = 0.04 + 0.05 * real(class) + if is_strong { 0.0 } else { 0.03 };
    (values, rate)
}

/// Draws requests; `extra` says by how much more each goes badly, and `keep` how likely it is drawn at all.
fn traffic(
    dice: &mut Dice,
    count: usize,
    extra: impl Fn(&[usize; ATTRIBUTES.len()]) -> f64,
    keep: impl Fn(&[usize; ATTRIBUTES.len()]) -> f64,
) -> Slices {
    let mut slices = Vec::new();
    while slices.len() < count {
        let (values, rate) = request(dice);
        if dice.share() >= keep(&values) {
            continue;
        }
        let is_bad = dice.share() < rate + extra(&values);
        let mut counts = SliceCounts::default();
        let state = if is_bad {
            State::ATTEMPTED | State::ESCALATED
        } else {
            State::ATTEMPTED
        };
        counts.add(state, Usage::of(None));
        slices.push(Slice {
            values: values
                .iter()
                .map(|value| Arc::from(format!("v{value}")))
                .collect(),
            counts,
        });
    }
    Slices {
        window: WINDOW,
        attributes: ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect(),
        slices,
    }
}

fn plain(_: &[usize; ATTRIBUTES.len()]) -> f64 {
    0.0
}

fn always(_: &[usize; ATTRIBUTES.len()]) -> f64 {
    1.0
}

fn found(
    seed: u64,
    count: usize,
    extra: impl Fn(&[usize; ATTRIBUTES.len()]) -> f64,
    keep: impl Fn(&[usize; ATTRIBUTES.len()]) -> f64,
) -> Changes {
    let mut dice = Dice(seed);
    let before = traffic(&mut dice, 4 * count, plain, always);
    let after = traffic(&mut dice, count, extra, keep);
    let observations = Observations::new(Metric::Escalation, &before, &after);
    analyse(&observations, (WINDOW, WINDOW), None, 1.0)
}

/// Tells whether the first cause is that, or names the same requests.
fn is_named(changes: &Changes, wanted: &[(usize, usize)]) -> bool {
    let wanted: Vec<(String, Arc<str>)> = wanted
        .iter()
        .map(|(at, value)| (ATTRIBUTES[*at].to_owned(), Arc::from(format!("v{value}"))))
        .collect();
    changes
        .causes
        .first()
        .is_some_and(|cause| cause.slice == wanted || cause.same.contains(&wanted))
}

fn trials(usual: u64) -> u64 {
    std::env::var("ROUTETOP_TEST_TRIALS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

fn share_of(what: &str, trials: u64, mut is: impl FnMut(u64) -> bool) -> f64 {
    let hits = (0..trials).filter(|seed| is(*seed)).count();
    let share = real(hits) / real(usize::try_from(trials).unwrap());
    println!("{what}: {hits} of {trials} ({:.1} %)", 100.0 * share);
    share
}

#[test]
fn a_value_that_fares_worse_is_named_first() {
    let share = share_of("one value, +40 points, n = 600", trials(40), |seed| {
        let at = [3, 4, 5][usize::try_from(seed % 3).unwrap()];
        let hit = |values: &[usize; 8]| if values[at] == 1 { 0.4 } else { 0.0 };
        is_named(&found(seed, 600, hit, always), &[(at, 1)])
    });
    assert!(share >= 0.9);
    let share = share_of("one value, +20 points, n = 2,000", trials(40), |seed| {
        let at = [3, 4, 5][usize::try_from(seed % 3).unwrap()];
        let hit = |values: &[usize; 8]| if values[at] == 1 { 0.2 } else { 0.0 };
        is_named(&found(seed, 2_000, hit, always), &[(at, 1)])
    });
    assert!(share >= 0.8);
}

#[test]
fn a_pair_of_values_that_fares_worse_is_named_first() {
    let share = share_of("a pair, +40 points, n = 600", trials(40), |seed| {
        let (one, other) = [(3, 4), (4, 5), (3, 5)][usize::try_from(seed % 3).unwrap()];
        let is_hit = |values: &[usize; 8]| values[one] == 0 && values[other] == 1;
        let hit = |values: &[usize; 8]| if is_hit(values) { 0.4 } else { 0.0 };
        is_named(&found(seed, 600, hit, always), &[(one, 0), (other, 1)])
    });
    assert!(share >= 0.85);
}

#[test]
fn an_even_rise_blames_nobody() {
    let share = share_of("an even rise, n = 2,000", trials(30), |seed| {
        let changes = found(seed, 2_000, |_| 0.12, always);
        changes.verdict == Verdict::Everywhere && changes.causes.is_empty()
    });
    assert!(share >= 0.99);
}

#[test]
fn another_mix_is_no_behaviour() {
    let share = share_of(
        "four times as much of a class, n = 6,000",
        trials(20),
        |seed| {
            let keep = |values: &[usize; 8]| if values[0] >= 3 { 1.0 } else { 0.25 };
            let changes = found(seed, 6_000, plain, keep);
            changes.verdict == Verdict::Mix && changes.causes.is_empty()
        },
    );
    assert!(share >= 0.8);
}

#[test]
fn windows_without_a_change_stay_quiet() {
    let (mut alarms, mut named) = (0_usize, 0_usize);
    let all = trials(300);
    for seed in 0..all {
        let count = [200, 600, 2_000][usize::try_from(seed % 3).unwrap()];
        let changes = found(seed, count, plain, always);
        alarms += usize::from(changes.verdict != Verdict::NoChange);
        named += usize::from(!changes.causes.is_empty());
    }
    println!("nothing: {alarms} alarms and {named} blamed of {all}");
    // Of few trials, twice what many may have.
    let all = real(usize::try_from(all).unwrap());
    let most = if all < 2_000.0 { 2.0 } else { 1.0 };
    assert!(real(alarms) <= 0.015 * most * all);
    assert!(real(named) <= 0.01 * most * all);
}

#[test]
fn too_little_is_refused() {
    let changes = found(1, 10, plain, always);
    assert!(changes.refused.unwrap().contains("window"));
    assert!(changes.causes.is_empty());
}

//! Slices against a naive sum over the requests.

use std::collections::BTreeMap;

use super::*;
use crate::stats::{Attribute, Slices};
use crate::store::whole::load_whole;

const BY: [Attribute; 4] = [
    Attribute::Route,
    Attribute::FirstModel,
    Attribute::InputComplexity,
    Attribute::Tier,
];

/// Facts that slices tell apart, on top of those of [`whole`].
fn sliced(seed: u32) -> Request {
    let mut request = whole(seed);
    request.signals.input_complexity = match seed % 4 {
        0 => Logged::Null,
        part => Logged::Value(f64::from(part) / 3.5),
    };
    request.tier = (!seed.is_multiple_of(3)).then(|| name(1 + seed % 3));
    request.attrs = vec![(name(4), name(1 + seed % 5))];
    for attempt in &mut request.attempts {
        attempt.output_tokens = Some(seed * 7);
        attempt.cost = Some(NanoUsd(i64::from(seed) * 12_347));
    }
    request
}

fn events(seeds: &[(u32, u8)]) -> Vec<Event> {
    seeds
        .iter()
        .flat_map(|(seed, kind)| match kind {
            0 => vec![Event::Request(Box::new(sliced(*seed)))],
            1 => {
                // The decision comes after the outcome, and moves the request from slice to slice.
                let whole = sliced(*seed);
                let mut late = Request::new(whole.id.clone(), whole.ts);
                late.tier = whole.tier;
                late.attrs.clone_from(&whole.attrs);
                let mut early = whole;
                early.tier = None;
                early.attrs.clear();
                vec![
                    Event::Request(Box::new(early)),
                    Event::Request(Box::new(late)),
                ]
            }
            // Others than those above, whose facts differ.
            2 => pieces(seed + 1_000),
            _ => vec![session_correction(*seed)],
        })
        .collect()
}

/// What is known of every request in the end.
fn requests(bench: &Bench) -> Vec<Request> {
    let writer = bench.writer.as_ref().unwrap();
    let rows = load_whole(&writer.connection, 0, i64::MAX).unwrap();
    rows.into_iter()
        .map(|(_, stored)| stored.effective().into_owned())
        .collect()
}

/// Requests, finished, first pass, escalated, corrected, failed, of known cost.
type Figures = [u64; 7];

fn naive(requests: &[Request]) -> BTreeMap<Vec<String>, Figures> {
    let texts = ["(unknown)", "a", "b", "c", "d", "e"];
    let text = |name: Option<Name>| texts[name.map_or(0, |name| name.id() as usize)].to_owned();
    let mut sums: BTreeMap<Vec<String>, Figures> = BTreeMap::new();
    for request in requests {
        let model = request.attempts.first().map(|attempt| attempt.model);
        let third = match request.signals.input_complexity.value() {
            None => "(unknown)",
            Some(share) if share < 1.0 / 3.0 => "under 0.33",
            Some(share) if share < 2.0 / 3.0 => "0.33 to 0.67",
            Some(_) => "0.67 to 1",
        };
        let key = vec![
            text(request.route),
            text(model),
            third.to_owned(),
            text(request.tier),
        ];
        let is_completed = request.outcome == Some(Outcome::Completed);
        let is_failed = request.outcome == Some(Outcome::Failed);
        let facts = [
            true,
            is_completed || is_failed,
            is_completed && request.calls() == 1 && !request.is_corrected(),
            request.is_escalated() && !request.attempts.is_empty(),
            is_completed && request.is_corrected(),
            is_failed,
            request.cost().is_some(),
        ];
        for (into, is) in sums.entry(key).or_default().iter_mut().zip(facts) {
            *into += u64::from(is);
        }
    }
    sums
}

fn told(slices: &Slices) -> BTreeMap<Vec<String>, Figures> {
    let row = |slice: &crate::stats::Slice| {
        let counts = &slice.counts;
        let figures = [
            counts.requests(),
            counts.first_pass().denominator,
            counts.first_pass().numerator,
            counts.escalation().numerator,
            counts.correction().numerator,
            counts.failure().numerator,
            counts.cost().map_or(0, |cost| cost.1),
        ];
        let key = slice.values.iter().map(ToString::to_string).collect();
        (key, figures)
    };
    slices.slices.iter().map(row).collect()
}

fn ask(bench: &Bench, window: Window, by: &[Attribute]) -> Slices {
    let parts = SliceParts::ALL;
    bench.reader().slices(None, window, by, parts).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: proptest::test_runner::RngSeed::Fixed(2), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn slices_are_those_of_a_plain_sum_in_any_order(
        seeds in prop::collection::vec((0_u32..150, 0_u8..4), 1..50)
            .prop_flat_map(|seeds| (Just(events(&seeds)), Just(events(&seeds)).prop_shuffle())),
        piece in 3_usize..40,
    ) {
        let (ordered, shuffled) = seeds;
        let mut answers = Vec::new();
        for events in [ordered, shuffled] {
            let mut bench = Bench::new();
            for (idx, part) in events.chunks(piece).enumerate() {
                bench.commit(part.to_vec());
                if idx == 1 {
                    bench.reopen();
                }
            }
            let all = requests(&bench);
            let slices = ask(&bench, Window::ALL, &BY);
            prop_assert_eq!(told(&slices), naive(&all));
            // Costs and latencies, as far as they are kept.
            let cost: i64 = all.iter().filter_map(|request| Some(request.cost()?.0)).sum();
            let kept: i64 = slices.slices.iter().filter_map(|slice| Some(slice.counts.cost()?.0.0)).sum();
            prop_assert!((kept - cost).abs() * 100 <= cost, "{kept} {cost}");
            let known = all.iter().filter(|r| r.outcome == Some(Outcome::Completed) && r.latency().is_some());
            let loads: u64 = slices.slices.iter().map(|slice| slice.counts.latency().count()).sum();
            prop_assert_eq!(loads, known.count() as u64);
            // A window cuts at whole minutes.
            let cut = NOW.minus(Micros::MINUTE.times(40)).minute().start();
            let late: Vec<Request> = all.iter().filter(|request| request.ts >= cut).cloned().collect();
            let window = Window { from: cut, to: NOW.plus(Micros::DAY) };
            prop_assert_eq!(told(&ask(&bench, window, &BY)), naive(&late));
            prop_assert_eq!(bench.reader().verify(|_, _| ()).unwrap().findings, Vec::new());
            bench.writer.as_mut().unwrap().rebuild_rollups(|_, _| ()).unwrap();
            prop_assert_eq!(&ask(&bench, Window::ALL, &BY), &slices);
            let of_route = bench.reader().slices(Some("b"), Window::ALL, &BY, SliceParts::default()).unwrap();
            let route = told(&slices).into_iter().filter(|(key, _)| key[0] == "b").map(|(key, mut figures)| {
                figures[6] = 0;
                (key, figures)
            });
            let asked = told(&of_route).into_iter().map(|(key, mut figures)| {
                figures[6] = 0;
                (key, figures)
            });
            prop_assert_eq!(asked.collect::<BTreeMap<_, _>>(), route.collect::<BTreeMap<_, _>>());
            answers.push((told(&slices), slices.slices.len()));
        }
        prop_assert_eq!(&answers[0], &answers[1]);
    }
}

#[test]
fn attributes_of_the_routers_own_are_found_by_name_and_sliced() {
    let mut bench = Bench::new();
    bench.commit(
        (0..20)
            .map(|seed| Event::Request(Box::new(sliced(seed))))
            .collect(),
    );
    let mut reader = bench.reader();
    let own = reader.attribute("d").unwrap().unwrap();
    assert_eq!(own, Attribute::Own(name(4)));
    assert_eq!(
        reader.attribute("a").unwrap(),
        None,
        "a name, but of no attribute"
    );
    assert!(reader.attribute_names().unwrap().contains(&"d".to_owned()));
    let slices = ask(&bench, Window::ALL, &[own]);
    let sums: Vec<_> = slices
        .slices
        .iter()
        .map(|slice| (&*slice.values[0], slice.counts.requests()))
        .collect();
    assert_eq!(sums, [("a", 4), ("b", 4), ("c", 4), ("d", 4), ("e", 4)]);
}

#[test]
fn damage_to_slices_is_found_and_a_rebuild_mends_it() {
    let mut bench = Bench::new();
    bench.commit(
        (0..20)
            .map(|seed| Event::Request(Box::new(sliced(seed))))
            .collect(),
    );
    let writer = bench.writer.as_ref().unwrap();
    let check = |bench: &Bench| bench.reader().verify(|_, _| ()).unwrap().findings.len();
    assert_eq!(check(&bench), 0);
    writer
        .connection
        .execute(
            "DELETE FROM slice_minute WHERE minute=(SELECT min(minute) FROM slice_minute)",
            [],
        )
        .unwrap();
    assert_eq!(check(&bench), 1);
    let moved = "UPDATE slice_minute SET costs=(SELECT costs FROM slice_minute ORDER BY minute LIMIT 1) \
         WHERE minute=(SELECT max(minute) FROM slice_minute)";
    writer.connection.execute(moved, []).unwrap();
    assert_eq!(check(&bench), 2);
    bench
        .writer
        .as_mut()
        .unwrap()
        .rebuild_rollups(|_, _| ())
        .unwrap();
    assert_eq!(check(&bench), 0);
}

#[test]
fn a_transaction_that_failed_numbers_no_tuples() {
    let mut bench = Bench::new();
    bench.commit(vec![Event::Request(Box::new(sliced(1)))]);
    let fail =
        "CREATE TRIGGER fail BEFORE INSERT ON slice_minute BEGIN SELECT RAISE(ABORT,'full'); END";
    let run = |bench: &Bench, sql: &str| {
        let writer = bench.writer.as_ref().unwrap();
        writer.connection.execute_batch(sql).unwrap();
    };
    run(&bench, fail);
    let more = |seeds: std::ops::Range<u32>| {
        seeds
            .map(|seed| Event::Request(Box::new(sliced(seed))))
            .collect()
    };
    let batch = bench.batch(more(2..9));
    assert!(bench.try_commit(batch).is_err());
    run(&bench, "DROP TRIGGER fail");
    bench.commit(more(20..29));
    bench.commit(more(2..9));
    assert_eq!(
        bench.reader().verify(|_, _| ()).unwrap().findings,
        Vec::new()
    );
    assert_eq!(
        told(&ask(&bench, Window::ALL, &BY)),
        naive(&requests(&bench))
    );
}

//! Decisions held against their policy: which of them are looked at, and when anew.

use super::*;
use crate::policy::Policy;
use crate::stats::DriftSurvey;
use crate::store::Explained;

/// Decides by complexity; the model named "b" is the weak one, "c" the strong one.
const POLICY: &str = "policy \"p\" version 1 tier weak is b tier strong is c
    rule hard: when input_complexity is above 0.5 use strong
    otherwise use weak";

/// A request of an easy ask; one that drifts ran on the strong model all the same. A second lies between two.
fn decided(seed: u32, drifts: bool) -> Event {
    let id = RequestId::try_from_text(&format!("d-{seed}")).unwrap();
    let ts = Timestamp(NOW.0 - 10_000_000_000 + i64::from(seed) * 1_000_000);
    let mut request = Request::new(id, ts);
    request.flags = Flags::ARRIVAL_KNOWN | Flags::CORRECTABLE;
    request.route = Some(name(1));
    request.session = Some(SessionKey(u64::from(seed / 4)));
    request.signals.input_complexity =
        Logged::Value(if seed.is_multiple_of(2) { 0.1 } else { 0.48 });
    request.outcome = Some(Outcome::Completed);
    let model = name(if drifts { 3 } else { 2 });
    let mut attempt = Attempt::new(model, AttemptOutcome::Ok);
    attempt.latency = Some(Micros(1_000_000 + u64::from(seed % 100) * 10_000));
    request.attempts.push(attempt);
    Event::Request(Box::new(request))
}

fn bench(len: u32, drifts: impl Fn(u32) -> bool) -> (Bench, Reader) {
    let mut bench = Bench::new();
    for part in (0..len).collect::<Vec<_>>().chunks(512) {
        bench.commit(
            part.iter()
                .map(|seed| decided(*seed, drifts(*seed)))
                .collect(),
        );
    }
    let mut reader = bench.reader();
    reader.know(vec![Policy::parse(POLICY).unwrap()]);
    (bench, reader)
}

fn survey(reader: &mut Reader, rows_max: u64, after: Micros) -> Arc<DriftSurvey> {
    let answer = reader.answer(&Query {
        number: 1,
        now: NOW.plus(after),
        span: Span::All,
        baseline: Baseline::None,
        trend_len: 1,
        drift_rows_max: rows_max,
        filter: crate::stats::Filter::default(),
        page: Page::Policies,
    });
    answer.unwrap().drift.unwrap()
}

#[test]
fn of_many_decisions_stretches_all_over_the_window_are_looked_at() {
    let (_bench, mut reader) = bench(8_192, |seed| seed.is_multiple_of(8));
    let all = survey(&mut reader, u64::MAX, Micros(0));
    assert_eq!((all.one_in, all.total.counts.judged), (1, 8_192));
    assert_eq!(
        all.total.counts.rate(),
        crate::stats::Rate::new(1_024, 8_192)
    );
    let some = survey(&mut reader, 2_048, Micros(0));
    assert_eq!((some.one_in, some.total.counts.judged), (4, 2_048));
    assert_eq!(
        some.total.counts.rate(),
        crate::stats::Rate::new(256, 2_048)
    );
    let first_half = some.total.trend.iter().take(15);
    let seen: u64 = first_half.map(|rate| rate.denominator).sum();
    assert!((512..=1_536).contains(&seen), "{seen}");
    assert_eq!(
        reader
            .answer(&Query {
                number: 1,
                now: NOW,
                span: Span::All,
                baseline: Baseline::None,
                trend_len: 1,
                drift_rows_max: 0,
                filter: crate::stats::Filter::default(),
                page: Page::Policies,
            })
            .unwrap()
            .drift,
        None
    );
}

#[test]
fn a_survey_is_given_again_for_five_seconds() {
    let (mut bench, mut reader) = bench(512, |_| false);
    let first = survey(&mut reader, 10_000, Micros(0));
    bench.commit((512..600).map(|seed| decided(seed, true)).collect());
    let again = survey(&mut reader, 10_000, Micros(4_999_999));
    assert!(Arc::ptr_eq(&first, &again));
    // Another question is answered by itself.
    let other = survey(&mut reader, 20_000, Micros(4_999_999));
    assert_eq!(other.total.counts.model, 88);
    let (mut bench, mut reader) = self::bench(512, |_| false);
    let first = survey(&mut reader, 10_000, Micros(0));
    bench.commit((512..600).map(|seed| decided(seed, true)).collect());
    let anew = survey(&mut reader, 10_000, Micros::SECOND.times(5));
    assert_eq!((first.total.counts.model, anew.total.counts.model), (0, 88));
    // A policy that becomes known changes what was said.
    let other = POLICY.replace("otherwise use weak", "otherwise use strong");
    reader.know(vec![Policy::parse(&other).unwrap()]);
    let known = survey(&mut reader, 10_000, Micros::SECOND.times(5));
    assert_eq!(known.total.counts.model, 512);
}

#[test]
fn the_last_thousand_of_a_route_tell_since_when() {
    let (_bench, mut reader) = bench(3_000, |seed| seed >= 2_500 && seed.is_multiple_of(4));
    let last = decided(2_999, false);
    let Event::Request(last) = last else {
        unreachable!()
    };
    let drift = reader.route_drift(Some("a"), last.ts).unwrap().unwrap();
    assert_eq!(drift.rate, crate::stats::Rate::new(125, 1_000));
    let since = (drift.since.unwrap().0 - (NOW.0 - 10_000_000_000)) / 1_000_000;
    assert!((2_460..2_560).contains(&since), "{since}");
    let before = Timestamp(NOW.0 - 10_000_000_000 + 2_000_000_000);
    let drift = reader.route_drift(Some("a"), before).unwrap().unwrap();
    assert_eq!(
        (drift.rate, drift.since),
        (crate::stats::Rate::new(0, 1_000), None)
    );
    assert_eq!(
        reader.route_drift(Some("none such"), last.ts).unwrap(),
        None
    );
}

#[test]
fn one_decision_is_held_against_others_of_its_route() {
    let (_bench, mut reader) = bench(3_000, |_| false);
    let Explained::One(found) = reader.explain("d-2999", NOW).unwrap() else {
        panic!("it is stored")
    };
    assert!(
        found.normal.is_enough() && found.normal.compared_with >= 300,
        "{:?}",
        found.normal
    );
    assert!(found.normal.latency_percentile.unwrap() > 99.0);
    assert!(found.normal.reach <= Micros::SECOND.times(2_999));
    let session = found.session.unwrap();
    assert_eq!(
        (session.place, session.of, session.other_corrections),
        (4, 4, 0)
    );
    // Half of them stand at 0.48, within 0.05 of the line at 0.5.
    let near = found.judgement.flips[0].near.unwrap();
    assert!(
        (near.numerator * 2).abs_diff(near.denominator) <= 1,
        "{near:?}"
    );
    assert!(near.denominator >= 300);
    let Explained::One(first) = reader.explain("d-0", NOW).unwrap() else {
        panic!("it is stored")
    };
    // The first has none before it: those stored with it tell what is normal.
    assert!(first.normal.compared_with >= 500);
    assert!(matches!(
        reader.explain("d-29", NOW).unwrap(),
        Explained::One(_)
    ));
    assert!(matches!(
        reader.explain("d-12", NOW).unwrap(),
        Explained::One(_)
    ));
    assert!(matches!(
        reader.explain("none", NOW).unwrap(),
        Explained::Nothing
    ));
    let Explained::Several(ids) = reader.explain("d-", NOW).unwrap() else {
        panic!("many begin so")
    };
    assert!(ids.len() > 1);
}

#[test]
fn blocks_of_a_range_are_found_without_a_walk_over_those_before() {
    let (bench, _reader) = bench(3_000, |_| false);
    let connection = connection::open_reader(&bench.folder.path().join("r.db")).unwrap();
    let found = |sql: &str, range: (i64, i64)| -> Vec<i64> {
        let mut select = connection.prepare(sql).unwrap();
        let rows = select.query_map([range.0, range.1], |row| row.get(0));
        rows.unwrap().map(Result::unwrap).collect()
    };
    let naive = "SELECT first_row,body FROM residual WHERE last_row>=?1 AND first_row<=?2 ORDER BY first_row";
    for range in [
        (1, 1),
        (1, 512),
        (500, 520),
        (513, 513),
        (600, 2_000),
        (2_999, 3_000),
        (3_001, 4_000),
        (0, 9_999),
    ] {
        let blocks = found(residual::SELECT_BLOCKS, range);
        assert_eq!(blocks, found(naive, range), "{range:?}");
        assert_eq!(blocks.is_empty(), range.0 > 3_000, "{range:?}");
    }
    let explain = format!("EXPLAIN QUERY PLAN {}", residual::SELECT_BLOCKS);
    let mut select = connection.prepare(&explain).unwrap();
    let plan = select
        .query_map([1, 2], |row| row.get::<_, String>(3))
        .unwrap();
    let plan: Vec<String> = plan.map(Result::unwrap).collect();
    assert!(plan[0].contains("rowid>? AND rowid<?"), "{plan:?}");
}

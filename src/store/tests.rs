//! The room as a whole, on temporary folders.

use std::sync::Arc;

use proptest::prelude::*;

use super::row::load_range;
use super::*;
use crate::model::*;
use crate::stats::{Baseline, Cell, Filter, Page, Query, Snapshot, Span};

mod drift;
mod slices;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn name(id: u32) -> Name {
    Name::try_from_id(id).unwrap()
}

struct Bench {
    folder: tempfile::TempDir,
    writer: Option<Writer>,
    generation: GenerationId,
    offset: u64,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&folder.path().join("r.db"), NOW).unwrap();
        let new = NewGeneration {
            source: "log".to_owned(),
            home: "log".to_owned(),
            path: "log".to_owned(),
            device: 1,
            inode: u64::MAX,
            born: 7,
            is_compressed: false,
            opened_at: NOW,
        };
        let generation = writer.open_generation(&new).unwrap();
        Self {
            folder,
            writer: Some(writer),
            generation,
            offset: 0,
        }
    }

    fn batch(&self, events: Vec<Event>) -> Batch {
        let texts = ["a", "b", "c", "d", "e"];
        Batch {
            advance: Advance {
                generation: self.generation,
                from: ByteOffset(self.offset),
                to: ByteOffset(self.offset + 10),
                head: Fingerprint::default(),
                tail: Fingerprint {
                    len: 3,
                    hash: u64::MAX,
                },
                state: GenerationState::Open,
                renamed_to: None,
                look: Look::default(),
            },
            read_at: NOW,
            events: events
                .into_iter()
                .map(|event| LocatedEvent {
                    offset: ByteOffset(0),
                    event,
                })
                .collect(),
            rejects: Vec::new(),
            marks: Vec::new(),
            gap: None,
            tally: Tally {
                lines: 1,
                bytes: 10,
                by_format: vec![(0, 1)],
                ..Tally::default()
            },
            names: (1..)
                .zip(texts)
                .map(|(id, text)| (name(id), Arc::from(text)))
                .collect(),
        }
    }

    fn commit(&mut self, events: Vec<Event>) -> Committed {
        let batch = self.batch(events);
        let done = self.try_commit(batch).unwrap();
        self.offset += 10;
        done
    }

    fn try_commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        let writer = self.writer.as_mut().unwrap();
        let prepared = Prepared::new(batch, writer.hash_key());
        writer.commit(vec![prepared])
    }

    fn reopen(&mut self) {
        self.writer.take().unwrap().close().unwrap();
        self.writer = Some(Writer::open(&self.folder.path().join("r.db"), NOW).unwrap());
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.folder.path().join("r.db")).unwrap()
    }

    fn ask(&self, page: Page) -> Snapshot {
        self.reader()
            .answer(&Query {
                number: 1,
                now: NOW,
                span: Span::All,
                baseline: Baseline::Auto,
                trend_len: 60,
                drift_rows_max: 0,
                filter: Filter::default(),
                page,
            })
            .unwrap()
    }
}

/// One whole request from a seed.
fn whole(seed: u32) -> Request {
    let id = RequestId::try_from_text(&format!("r-{seed}")).unwrap();
    let ts = Timestamp(NOW.0 - i64::from(seed % 97) * 71_000_000 - i64::from(seed));
    let mut request = Request::new(id, ts);
    request.flags = Flags::ARRIVAL_KNOWN | Flags::CORRECTABLE;
    request.route = Some(name(1 + seed % 2));
    request.session = Some(SessionKey(u64::from(seed % 5)));
    request.propensity = Some(0.25);
    request.signals.input_complexity = Logged::Value(0.5);
    for n in 1..=(1 + u16::try_from(seed % 3).unwrap()) {
        let outcome = if u32::from(n) == 1 + seed % 3 {
            AttemptOutcome::Ok
        } else {
            AttemptOutcome::Escalated
        };
        let mut attempt = Attempt::new(name(2 + u32::from(n)), outcome);
        attempt.n = n;
        attempt.latency = Some(Micros(u64::from(seed % 1_000) * 1_000 + 5));
        attempt.cost = Some(NanoUsd(i64::from(seed)));
        request.attempts.push(attempt);
    }
    request.outcome = Outcome::try_from_code(u8::try_from(seed % 4).unwrap());
    request
}

/// The request as separate lines.
fn pieces(seed: u32) -> Vec<Event> {
    let whole = whole(seed);
    let mut first = whole.clone();
    first.attempts.clear();
    first.outcome = None;
    let mut lines = vec![first];
    for attempt in &whole.attempts {
        let mut line = Request::new(whole.id.clone(), whole.ts.plus(Micros(5)));
        line.attempts.push(attempt.clone());
        lines.push(line);
    }
    let mut end = Request::new(whole.id.clone(), whole.ts.plus(Micros(9)));
    end.outcome = whole.outcome;
    lines.push(end);
    lines
        .into_iter()
        .map(|line| Event::Request(Box::new(line)))
        .collect()
}

fn session_correction(seed: u32) -> Event {
    let ts = Timestamp(NOW.0 - i64::from(seed % 97) * 70_000_000);
    Event::SessionCorrection(SessionCorrection {
        session: SessionKey(u64::from(seed % 5)),
        ts,
        correction: Correction {
            kind: CorrectionKind::Edit,
            by: CorrectionBy::User,
            ts: Some(ts),
            after: None,
        },
    })
}

/// The bounds of "everything" are left out: they follow the zones, which only ever widen.
fn comparable(snapshot: Snapshot) -> impl PartialEq + std::fmt::Debug {
    let routes: Vec<_> = snapshot
        .routes
        .into_iter()
        .map(|row| (row.route, row.now))
        .collect();
    (snapshot.total.now, routes, snapshot.ingest.orphans)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: proptest::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn rebuilt_equals_live_and_order_does_not_matter(
        events in prop::collection::vec((0_u32..120, 0_u8..4), 1..60)
            .prop_map(|seeds| seeds.into_iter().flat_map(|(seed, kind)| match kind {
                0 => vec![Event::Request(Box::new(whole(seed)))],
                1 | 2 => pieces(seed),
                _ => vec![session_correction(seed)],
            }).collect::<Vec<_>>())
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        let (ordered, shuffled) = events;
        let mut answers = Vec::new();
        for events in [ordered, shuffled] {
            let mut bench = Bench::new();
            for (idx, part) in events.chunks(17).enumerate() {
                bench.commit(part.to_vec());
                if idx == 1 {
                    bench.reopen();
                }
            }
            prop_assert_eq!(bench.reader().verify_rollups().unwrap(), Vec::<String>::new());
            answers.push(comparable(bench.ask(Page::Overview { live_len: 5 })));
            bench.writer.as_mut().unwrap().rebuild_rollups(|_, _| ()).unwrap();
            answers.push(comparable(bench.ask(Page::Overview { live_len: 5 })));
        }
        prop_assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    }
}

/// A request with every fact there is, or few of them.
fn rich() -> impl Strategy<Value = Request> {
    let number = || prop::option::of(prop_oneof![0_u64..3, any::<u32>().prop_map(u64::from)]);
    let a_name = || prop::option::of((1_u32..9).prop_map(name));
    let attempt = (
        (0_u8..6, a_name(), a_name(), a_name()),
        (number(), number(), number()),
        (prop::option::of(any::<i32>()), 0_u16..3, any::<u64>()),
    );
    let attempts = prop::collection::vec(attempt, 0..4);
    let facts = (a_name(), a_name(), a_name(), a_name(), a_name(), a_name());
    let others = (
        number(),
        0_u8..4,
        any::<bool>(),
        any::<bool>(),
        prop::option::of(0.0..1.0),
    );
    (any::<bool>(), facts, attempts, others).prop_map(
        |(is_uuid, facts, attempts, (stamped, outcome, has_signals, has_attrs, propensity))| {
            let id = if is_uuid {
                "7aca8b5f-ef99-8551-ac1b-8042e35e1d68"
            } else {
                "r-1"
            };
            let mut request = Request::new(RequestId::try_from_text(id).unwrap(), NOW);
            (request.route, request.task_class, request.rule) = (facts.0, facts.1, facts.2);
            (request.tier, request.model, request.reason) = (facts.3, facts.4, facts.5);
            request.format = 1;
            request.stamped_latency = stamped.map(Micros);
            request.outcome = Outcome::try_from_code(outcome);
            request.propensity = propensity;
            if has_signals {
                request.signals.user_tier = Logged::Value(name(3));
                request.signals.retrieval_confidence = Logged::Null;
                request.recorded = Some("{}".into());
            }
            if has_attrs {
                request.attrs = vec![(name(1), name(2))];
            }
            for ((outcome, tier, provider, reason), (latency, ttft, tokens), (start, n, key)) in
                attempts
            {
                let outcome = AttemptOutcome::try_from_code(outcome).unwrap();
                request.attempts.push(Attempt {
                    n,
                    start: start.map(|start| Timestamp(i64::from(start))),
                    key,
                    tier,
                    provider,
                    reason,
                    latency: latency.map(Micros),
                    ttft: ttft.map(Micros),
                    input_tokens: tokens.and_then(|tokens| u32::try_from(tokens).ok()),
                    cost: tokens.map(|cost| NanoUsd(cost.cast_signed())),
                    ..Attempt::new(name(4), outcome)
                });
            }
            request
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: proptest::test_runner::RngSeed::Fixed(2), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_is_stored_is_read_back_whole(request in rich()) {
        let mut bench = Bench::new();
        bench.commit(vec![Event::Request(Box::new(request.clone()))]);
        let writer = bench.writer.as_mut().unwrap();
        let counted = load_range(&writer.connection, 1, 1).unwrap().remove(0).1;
        let (mut expected, mut found) = (Cell::default(), Cell::default());
        expected.add(&request);
        found.add(&counted.request);
        prop_assert_eq!(found, expected);
        let mut stored = writer.blocks.load(&writer.connection, 1).unwrap().unwrap();
        prop_assert!(stored.request.position.generation.is_some());
        stored.request.position = request.position;
        prop_assert_eq!(*stored.request, request);
    }
}

#[test]
fn counts_are_those_of_a_plain_sum_and_repetitions_count_once() {
    let mut bench = Bench::new();
    let events: Vec<_> = (0..2_000)
        .map(|seed| Event::Request(Box::new(whole(seed))))
        .collect();
    assert_eq!(bench.commit(events.clone()).duplicates, 0);
    bench.reopen();
    assert_eq!(bench.commit(events).duplicates, 2_000);
    let mut cell = Cell::default();
    (0..2_000).for_each(|seed| cell.add(&whole(seed)));
    let answer = bench.ask(Page::Overview { live_len: 7 });
    let now = &answer.total.now;
    assert_eq!(
        (now.requests, now.completed, now.attempts),
        (2_000, cell.completed, cell.attempts)
    );
    assert_eq!(now.cost, Some(NanoUsd(cell.cost_nano)));
    assert_eq!(answer.decisions.len(), 7);
    assert!(answer.decisions.is_sorted_by(|a, b| a.ts >= b.ts));
    let points: u64 = answer.total.trend.iter().map(|point| point.requests).sum();
    assert_eq!(points, 2_000);
    let found = bench
        .ask(Page::Explain {
            id: "r-1234".to_owned(),
        })
        .explanation
        .unwrap();
    assert_eq!(
        (found.propensity, found.attempts.len()),
        (Some(0.25), whole(1234).attempts.len())
    );
    assert_eq!(
        bench
            .ask(Page::Explain {
                id: "r-123".to_owned()
            })
            .explanation
            .unwrap()
            .id,
        "r-123"
    );
    assert!(
        bench
            .ask(Page::Explain {
                id: "r-19".to_owned() + "x"
            })
            .explanation
            .is_none()
    );
}

#[test]
fn blocks_that_stay_whole_and_blocks_that_do_not_are_read_back_alike() {
    const ROWS: u32 = 2_000;
    let mut bench = Bench::new();
    let event = |request: Request| Event::Request(Box::new(request));
    let mut events: Vec<_> = (0..ROWS).map(|seed| event(whole(seed))).collect();
    // A line again, whose block is still to come, and a fact more of a request in a block before.
    events.insert(600, event(whole(590)));
    let mut more = Request::new(whole(590).id, whole(590).ts);
    more.tier = Some(name(3));
    events.insert(1_300, event(more));
    bench.commit(events);
    let writer = bench.writer.as_mut().unwrap();
    for seed in 0..ROWS {
        let row = i64::from(seed) + 1;
        let mut stored = writer
            .blocks
            .load(&writer.connection, row)
            .unwrap()
            .unwrap();
        stored.request.position = SourcePosition::default();
        let mut expected = whole(seed);
        if seed == 590 {
            expected.tier = Some(name(3));
            expected.flags = stored.request.flags;
        }
        assert_eq!(*stored.request, expected, "{seed}");
    }
    let live = comparable(bench.ask(Page::Overview { live_len: 7 }));
    bench
        .writer
        .as_mut()
        .unwrap()
        .rebuild_rollups(|_, _| ())
        .unwrap();
    let rebuilt = comparable(bench.ask(Page::Overview { live_len: 7 }));
    assert_eq!(live, rebuilt);
}

#[test]
fn a_moved_checkpoint_stores_nothing() {
    let mut bench = Bench::new();
    bench.commit(vec![Event::Request(Box::new(whole(1)))]);
    let mut batch = bench.batch(vec![Event::Request(Box::new(whole(2)))]);
    batch.advance.from = ByteOffset(0);
    let refused = bench.try_commit(batch);
    assert!(matches!(
        refused,
        Err(StoreError::CheckpointMoved { from: 0, .. })
    ));
    assert_eq!(bench.ask(Page::Sources).total.now.requests, 1);
    bench.commit(vec![Event::Request(Box::new(whole(2)))]);
    assert_eq!(bench.ask(Page::Sources).total.now.requests, 2);
}

#[test]
fn every_wrong_file_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |file: &str| folder.path().join(file);
    std::fs::write(at("empty"), "").unwrap();
    std::fs::write(
        at("text"),
        "not a database at all, only a text that is long enough".repeat(9),
    )
    .unwrap();
    let open = |file: &str| Writer::open(&at(file), NOW).map(|_| ()).unwrap_err();
    assert!(matches!(open("empty"), StoreError::EmptyFile { .. }));
    assert!(matches!(open("text"), StoreError::NotADatabase { .. }));
    assert!(matches!(open("no/folder.db"), StoreError::Folder { .. }));
    assert!(matches!(open("."), StoreError::Directory { .. }));
    let missing = Reader::open(&at("none.db")).map(|_| ()).unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }));
    assert!(!at("none.db").exists());
    let held = Writer::open(&at("r.db"), NOW).unwrap();
    let second = Writer::open(&at("r.db"), NOW).map(|_| ()).unwrap_err();
    assert!(
        matches!(second, StoreError::Locked { pid: Some(pid), .. } if pid == std::process::id())
    );
    let reader = Reader::open(&at("r.db")).unwrap();
    assert_eq!(reader.writer_pid(), Some(std::process::id()));
    drop(held);
    assert_eq!(reader.writer_pid(), None);
    assert!(!reader.has_moved());
    std::fs::rename(at("r.db"), at("s.db")).unwrap();
    assert!(reader.has_moved());
}

#[test]
fn i36_a_second_writer_past_the_lock_is_refused_what_the_first_has_stored() {
    let mut bench = Bench::new();
    let one = |seed| Event::Request(Box::new(whole(seed)));
    let path = bench.folder.path().join("r.db");
    let options = WriterOptions {
        without_lock: true,
        ..WriterOptions::default()
    };
    let mut second = Writer::open_with(&path, NOW, options).unwrap();
    let mut commit_second = |batch: Batch| {
        let prepared = Prepared::new(batch, second.hash_key());
        second.commit(vec![prepared])
    };
    let refused = |done: Result<Committed, StoreError>| {
        assert!(
            matches!(done, Err(StoreError::CheckpointMoved { from: 0, .. })),
            "{done:?}"
        );
    };
    // Lines that hold no event are counted as much as events are stored.
    let (blank, event) = (bench.batch(vec![]), bench.batch(vec![one(1)]));
    bench.commit(vec![one(1)]);
    refused(commit_second(blank));
    refused(commit_second(event));
    // What the first has not read may come from the second; then the first is refused.
    let next = bench.batch(vec![one(2)]);
    commit_second(next.clone()).unwrap();
    assert!(matches!(
        bench.try_commit(next),
        Err(StoreError::CheckpointMoved { from: 10, .. })
    ));
    let snapshot = bench.ask(Page::Sources);
    let of = snapshot.ingest;
    assert_eq!((of.lines, of.events, of.duplicates), (2, 2, 0));
    assert_eq!(snapshot.total.now.requests, 2);
}

/// A completed request that was answered `age` before now and corrected `after` the answer, should that
/// have happened by now.
fn answered(number: u64, route: u32, age: Micros, after: Option<Micros>) -> Request {
    let id = RequestId::try_from_text(&format!("n-{number}")).unwrap();
    let mut request = Request::new(id, NOW.minus(age));
    request.flags = Flags::ARRIVAL_KNOWN | Flags::CORRECTABLE;
    request.route = Some(name(route));
    request.outcome = Some(Outcome::Completed);
    request.correction = after.filter(|after| *after <= age).map(|after| Correction {
        kind: CorrectionKind::Edit,
        by: CorrectionBy::User,
        ts: None,
        after: Some(after),
    });
    request
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "test values are small")]
fn young_windows_are_told_what_their_correction_rate_will_be() {
    let mut bench = Bench::new();
    // Every tenth request of either route is corrected, evenly within four hours; nine days, one each minute.
    let delay = |number: u64| {
        number
            .is_multiple_of(10)
            .then(|| Micros::MINUTE.times(number * 7 % 240))
    };
    let all: Vec<Request> = (1..9 * 1_440)
        .map(|number| {
            answered(
                number,
                1 + u32::from(number.is_multiple_of(20)),
                Micros::MINUTE.times(number),
                delay(number),
            )
        })
        .collect();
    let share_within = |age: Micros| {
        let delays: Vec<Micros> = (1_440..9 * 1_440).filter_map(delay).collect();
        delays.iter().filter(|delay| **delay <= age).count() as f64 / delays.len() as f64
    };
    for part in all.chunks(1_000) {
        bench.commit(
            part.iter()
                .cloned()
                .map(|request| Event::Request(Box::new(request)))
                .collect(),
        );
    }
    let ask = |hours: u64| {
        bench
            .reader()
            .answer(&Query {
                number: 1,
                now: NOW,
                span: Span::Last(Micros::HOUR.times(hours)),
                baseline: Baseline::None,
                trend_len: 0,
                drift_rows_max: 0,
                filter: Filter::default(),
                page: Page::Overview { live_len: 0 },
            })
            .unwrap()
    };
    for hours in [2, 6, 48] {
        let answer = ask(hours);
        let window: Vec<&Request> = all
            .iter()
            .filter(|request| answer.window.contains(request.ts))
            .collect();
        let exposure: f64 = window
            .iter()
            .map(|request| share_within(NOW.since(request.ts)))
            .sum();
        let corrected = window
            .iter()
            .filter(|request| request.correction.is_some())
            .count();
        let found = answer.total.now.correction_nowcast.unwrap();
        assert_eq!(found.corrected, corrected as u64);
        assert!(
            (found.exposure - exposure).abs() < 0.03 * exposure,
            "{hours} h: {found:?}, not {exposure}"
        );
        let share = found.share().unwrap();
        assert!((share - 0.1).abs() < 0.03, "{hours} h: {share}");
        assert_eq!(answer.routes.len(), 2);
    }
    let young = ask(2).total.now;
    assert!(young.correction.share().unwrap() < 0.06, "far fewer so far");
    assert!(young.unsettled().is_some());
}

#[test]
fn without_settled_corrections_there_is_no_nowcast() {
    let mut bench = Bench::new();
    let young = (1..200).map(|number| {
        answered(
            number,
            1,
            Micros::MINUTE.times(number),
            Some(Micros::MINUTE),
        )
    });
    bench.commit(
        young
            .map(|request| Event::Request(Box::new(request)))
            .collect(),
    );
    let answer = bench.ask(Page::Overview { live_len: 0 });
    assert_eq!(answer.total.now.correction_nowcast, None);
    assert_eq!(answer.total.now.unsettled(), None);
}

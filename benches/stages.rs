//! How long each stage of ingest takes: `cargo bench --bench stages`.
//!
//! | group | what is measured |
//! | --- | --- |
//! | parse | one line to an event: as routers write it, with an escape (the full reader), `LiteLLM`, noise |
//! | prepare | keys, records and hashes of a batch of 4,096 rows |
//! | commit | such a batch, prepared, into an empty database |
//! | read | a file of 20,000 lines through splitting and parsing into a sink that keeps nothing |

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]

mod lines;

use std::fs;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use routetop::format::{Parsed, Parser, Rules};
use routetop::ingest::{self, IngestOptions, Progress, Sink, SinkError, SourceSpec, StopFlag};
use routetop::model::{
    Advance, Batch, ByteOffset, Fingerprint, Generation, GenerationId, GenerationState, HashKey,
    LineMarks, LocatedEvent, Look, Names, NewGeneration, Tally, Timestamp,
};
use routetop::runtime::FormatParser;
use routetop::store::{Prepared, Writer};

const NOW: Timestamp = Timestamp(1_795_000_000_000_000);
const BATCH_LEN: u64 = 4_096;

fn lines(count: u64) -> Vec<String> {
    let mut out = Vec::new();
    lines::generate(count, lines::DAY, |line| {
        out.push(line.trim_end().to_owned());
    });
    out
}

fn parser() -> Parser {
    Parser::new(Names::default(), HashKey([7; 16]), Rules::default())
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    let native = lines(500);
    let escaped: Vec<String> = native
        .iter()
        .map(|line| line.replace("\"none\"", "\"no\\u006ee\""))
        .collect();
    let litellm = include_str!("../tests/fixtures/format/chains.slp.jsonl");
    let litellm: Vec<String> = litellm.lines().map(str::to_owned).collect();
    let noise = vec!["INFO:     127.0.0.1:4000 - \"POST /chat HTTP/1.1\" 200 OK".to_owned()];
    for (name, lines) in [
        ("native", native),
        ("native-escaped", escaped),
        ("litellm", litellm),
        ("noise", noise),
    ] {
        group.throughput(Throughput::Elements(lines.len() as u64));
        group.bench_function(name, |bench| {
            let mut parser = parser();
            bench.iter(|| {
                for line in &lines {
                    black_box(parser.parse(line.as_bytes(), NOW));
                }
            });
        });
    }
    group.finish();
}

fn batch(generation: GenerationId, parser: &mut Parser) -> Batch {
    let events: Vec<LocatedEvent> = lines(BATCH_LEN)
        .iter()
        .flat_map(|line| match parser.parse(line.as_bytes(), NOW) {
            Parsed::Events { events, .. } => events,
            _ => unreachable_line(line),
        })
        .map(|event| LocatedEvent {
            offset: ByteOffset(0),
            event,
        })
        .collect();
    Batch {
        advance: Advance {
            generation,
            from: ByteOffset(0),
            to: ByteOffset(1),
            head: Fingerprint::default(),
            tail: Fingerprint::default(),
            state: GenerationState::Open,
            renamed_to: None,
            look: Look::default(),
        },
        read_at: NOW,
        events,
        rejects: Vec::new(),
        marks: Vec::new(),
        gap: None,
        tally: Tally::default(),
        names: parser
            .names()
            .after(0)
            .map(|(name, text)| (name, Arc::clone(text)))
            .collect(),
    }
}

#[expect(clippy::panic, reason = "the generator wrote a line that is none")]
fn unreachable_line<T>(line: &str) -> T {
    panic!("no event: {line}")
}

fn store(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("store");
    group.throughput(Throughput::Elements(BATCH_LEN));
    group.sample_size(20);
    let ready = batch(GenerationId(1), &mut parser());
    group.bench_function("prepare", |bench| {
        bench.iter_batched(
            || ready.clone(),
            |batch| Prepared::new(batch, HashKey([7; 16])),
            BatchSize::LargeInput,
        );
    });
    let mut number = 0;
    group.bench_function("commit", |bench| {
        bench.iter_batched(
            || {
                number += 1;
                let path = folder.path().join(format!("{number}.db"));
                let mut writer = Writer::open(&path, NOW).unwrap();
                let new = NewGeneration {
                    source: "log".to_owned(),
                    home: "log".to_owned(),
                    path: "log".to_owned(),
                    device: 1,
                    inode: 1,
                    born: 1,
                    is_compressed: false,
                    opened_at: NOW,
                };
                let generation = writer.open_generation(&new).unwrap();
                let mut batch = ready.clone();
                batch.advance.generation = generation;
                let prepared = Prepared::new(batch, writer.hash_key());
                (writer, prepared)
            },
            |(mut writer, prepared)| writer.commit(vec![prepared]).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Takes batches and forgets them.
struct Nowhere;

impl Sink for Nowhere {
    fn generations(&mut self) -> Result<Vec<Generation>, SinkError> {
        Ok(Vec::new())
    }

    fn open_generation(&mut self, _: &NewGeneration) -> Result<GenerationId, SinkError> {
        Ok(GenerationId(1))
    }

    fn line_marks(
        &mut self,
        _: GenerationId,
        _: ByteOffset,
    ) -> Result<Option<LineMarks>, SinkError> {
        Ok(None)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), SinkError> {
        drop(black_box(batch));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn read(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let text = lines(20_000).join("\n") + "\n";
    fs::write(&path, &text).unwrap();
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.sample_size(20);
    group.bench_function("file", |bench| {
        bench.iter(|| {
            let options = IngestOptions {
                sources: vec![SourceSpec::File(path.clone())],
                ..IngestOptions::default()
            };
            let summary = ingest::run(
                options,
                Box::new(FormatParser(parser())),
                Box::new(Nowhere),
                Arc::new(|| NOW),
                StopFlag::default(),
                Arc::new(Progress::default()),
            );
            assert_eq!(summary.unwrap().lines, 20_000);
        });
    });
    group.finish();
}

criterion_group!(stages, parse, store, read);
criterion_main!(stages);

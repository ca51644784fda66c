//! How long screens wait for the store: `cargo bench --bench queries`.
//!
//! Makes a database of native lines over some days, the last hour of them as busy as asked, and prints the median and
//! the slowest answer to what pages ask. The same question is asked over and over: the pages of the file are in memory.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `ROWS` | how many requests are stored | 1,000,000 |
//! | `HOURS` | over how many hours | 24 |
//! | `ONLY` | a part of the name of what is measured | everything |
//! | `FOLDER` | where the database is made, and found again | a temporary folder |

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise, and prints"
)]

mod lines;

use std::env;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use routetop::model::{Micros, Timestamp, Window};
use routetop::stats::changes::Metric;
use routetop::stats::{Attribute, Baseline, Filter, Page, Query, Span};
use routetop::store::{ChangesQuestion, Reader, SliceParts};

/// The time of the first line.
const START: Timestamp = Timestamp(1_795_000_000_000_000);
const ROUNDS: usize = 15;

fn setting(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// Pipes the lines into the real binary: no file of them is kept.
fn make(database: &Path, rows: u64, hours: u64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_routetop"))
        .args(["ingest", "-q", "-", "--db"])
        .arg(database)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = BufWriter::with_capacity(1 << 20, child.stdin.take().unwrap());
    lines::generate(rows, hours * lines::DAY / 24, |line| {
        pipe.write_all(line.as_bytes()).unwrap();
    });
    drop(pipe);
    assert!(child.wait().unwrap().success());
    println!("made in {:.1} s", start.elapsed().as_secs_f64());
}

fn measure(what: &str, mut ask: impl FnMut()) {
    if env::var("ONLY").is_ok_and(|only| !what.contains(&only)) {
        return;
    }
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            ask();
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{what:<44} median {:>8.2} ms  slowest {:>8.2} ms",
        times.get(ROUNDS / 2).copied().unwrap_or(f64::NAN),
        times.last().copied().unwrap_or(f64::NAN),
    );
}

fn main() {
    // `cargo test --benches` passes --test: there is nothing to check there.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let (rows, hours) = (setting("ROWS", 1_000_000), setting("HOURS", 24));
    let passing = tempfile::tempdir().unwrap();
    let folder = env::var_os("FOLDER").map_or(passing.path().to_owned(), PathBuf::from);
    let database = folder.join(format!("queries-{rows}-{hours}.db"));
    if !database.exists() {
        make(&database, rows, hours);
    }
    let bytes = std::fs::metadata(&database).unwrap().len();
    println!(
        "{rows} requests over {hours} h, {} bytes a request",
        bytes / rows
    );
    measure("open", || drop(Reader::open(&database).unwrap()));
    let mut reader = Reader::open(&database).unwrap();
    let now = START.plus(Micros::HOUR.times(hours));
    pages(&mut reader, now);
    analyses(&mut reader, now);
}

/// What the dashboard asks for.
fn pages(reader: &mut Reader, now: Timestamp) {
    let overview = Page::Overview { live_len: 40 };
    let route = Page::Route {
        route: "route-01".to_owned(),
    };
    for (what, span, page, filter) in [
        ("overview, 1 h", Micros::HOUR, &overview, ""),
        ("overview, 24 h", Micros::DAY, &overview, ""),
        ("overview, 30 d", Micros::DAY.times(30), &overview, ""),
        ("one route, 24 h", Micros::DAY, &route, ""),
        (
            "overview, 1 h, an attribute and a flag",
            Micros::HOUR,
            &overview,
            "region=us-east corrected",
        ),
    ] {
        let mut query = Query {
            number: 0,
            now,
            span: Span::Last(span),
            baseline: Baseline::Auto,
            trend_len: 30,
            drift_rows_max: 0,
            filter: Filter::parse(filter).unwrap(),
            page: page.clone(),
        };
        measure(what, || {
            query.number += 1;
            drop(reader.answer(&query).unwrap());
        });
    }
}

/// What is counted by what was known before the outcome.
fn analyses(reader: &mut Reader, now: Timestamp) {
    let hour = Window {
        from: now.minus(Micros::HOUR),
        to: now,
    };
    let by = [Attribute::TaskClass, Attribute::FirstModel];
    measure("slices of one route, 1 h, two attributes", || {
        let parts = SliceParts::default();
        drop(reader.slices(Some("route-01"), hour, &by, parts).unwrap());
    });
    for (what, metric) in [
        ("escalation", Metric::Escalation),
        ("latency", Metric::Latency),
    ] {
        let question = ChangesQuestion {
            metric,
            route: None,
            window: Some(hour),
            baseline: None,
            now,
        };
        measure(&format!("what changed, 1 h against 4 h, {what}"), || {
            assert!(reader.changes(&question).unwrap().is_some());
        });
    }
}

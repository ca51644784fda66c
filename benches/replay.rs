//! How fast stored decisions are decided again, and one of them explained: `cargo bench --bench replay`.
//!
//! Makes a database of native lines, lets `routetop policy replay` decide them by an edit of the policy that they
//! record, and explains decisions all over it.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `LINES` | how many lines | 1,000,000 |
//! | `ROUNDS` | how many rounds | 3 |

#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise, and prints"
)]

mod lines;

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use routetop::model::Timestamp;
use routetop::policy::Policy;
use routetop::stats::{Baseline, Filter, Page, Query, Span};
use routetop::store::Reader;

const ESSAY: &str = include_str!("../assets/policies/essay.route");
/// What the lines record, in whose place the essay's policy is put.
const RECORDED: &str = "two-tier@1#9582b59af79a";

fn setting(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn run(folder: &Path, words: &str) {
    let status = Command::new(env!("CARGO_BIN_EXE_routetop"))
        .args(words.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "{words}");
}

/// Writes the lines and returns the ids of some of them.
fn write_lines(path: &Path, lines: u64) -> Vec<String> {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut ids, mut n) = (Vec::new(), 0);
    let essay = Policy::parse(ESSAY).unwrap();
    lines::generate(lines, |line| {
        file.write_all(line.replace(RECORDED, essay.id()).as_bytes())
            .unwrap();
        if n % (lines / 40 + 1) == 0 {
            let id = line.split("request_id\":\"").nth(1).unwrap();
            ids.push(id.split('"').next().unwrap().to_owned());
        }
        n += 1;
    });
    file.flush().unwrap();
    ids
}

fn explain(database: &Path, ids: &[String]) {
    let mut reader = Reader::open(database).unwrap();
    let mut times: Vec<f64> = ids
        .iter()
        .map(|id| {
            let question = Query {
                number: 1,
                now: Timestamp(1_795_100_000_000_000),
                span: Span::Last(routetop::model::Micros::HOUR),
                baseline: Baseline::None,
                trend_len: 0,
                drift_rows_max: 0,
                filter: Filter::default(),
                page: Page::Explain { id: id.clone() },
            };
            let start = Instant::now();
            let snapshot = reader.answer(&question).unwrap();
            assert!(snapshot.explanation.is_some());
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "explain one decision  median {:.2} ms, slowest {:.2} ms of {}",
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN),
        times.last().copied().unwrap_or(f64::NAN),
        times.len()
    );
}

fn main() {
    // `cargo test --benches` passes --test: there is nothing to check there.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let (lines, rounds) = (setting("LINES", 1_000_000), setting("ROUNDS", 3));
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let ids = write_lines(&at.join("log.jsonl"), lines);
    fs::write(at.join("essay.route"), ESSAY).unwrap();
    fs::write(
        at.join("edited.route"),
        ESSAY.replace("below 0.62", "below 0.7"),
    )
    .unwrap();
    run(at, "ingest -q log.jsonl");
    run(at, "policy add -q essay.route");
    for _ in 0..rounds {
        let start = Instant::now();
        run(at, "policy replay -q --policy edited.route");
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "replay                {seconds:.2} s for {lines} decisions, {:.0} decisions/s",
            lines as f64 / seconds
        );
    }
    explain(&at.join("routes.db"), &ids);
}

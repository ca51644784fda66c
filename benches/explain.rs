//! How long it takes to explain one stored decision: `cargo bench --bench explain`.
//!
//! Makes a database of native lines and explains decisions all over it, as `routetop explain` asks for them, and as the
//! dashboard does, which asks for the routes of an hour and their drift beside it. An id asked for first pays for the
//! pages of its part of the file; the second round finds them in memory.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `ROWS` | how many decisions are stored | 100,000 |

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise, and prints"
)]

mod decisions;
mod lines;

use std::env;
use std::time::Instant;

use decisions::{setting, store};
use routetop::model::{Micros, Timestamp};
use routetop::stats::{Baseline, Page, Query, Span};
use routetop::store::{Explained, Reader};

const NOW: Timestamp = Timestamp(1_795_086_400_000_000);

/// As the dashboard asks: with the routes of the hour, and their drift.
fn question(id: &str) -> Query {
    Query {
        number: 1,
        now: NOW,
        span: Span::Last(Micros::HOUR),
        baseline: Baseline::Auto,
        trend_len: 30,
        drift_rows_max: 20_480,
        filter: routetop::stats::Filter::default(),
        page: Page::Explain { id: id.to_owned() },
    }
}

fn measure(ids: &[String], what: &str, mut explain: impl FnMut(&str)) {
    for round in ["first", "second"] {
        let mut times: Vec<f64> = ids
            .iter()
            .map(|id| {
                let start = Instant::now();
                explain(id);
                start.elapsed().as_secs_f64() * 1_000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let at = |part: usize| times.get(times.len() * part / 100).copied();
        println!(
            "{what:<10} {round:<7} median {:.2} ms, p95 {:.2} ms, slowest {:.2} ms of {}",
            at(50).unwrap_or(f64::NAN),
            at(95).unwrap_or(f64::NAN),
            times.last().copied().unwrap_or(f64::NAN),
            times.len()
        );
    }
}

fn main() {
    // `cargo test --benches` passes --test: there is nothing to check there.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let rows = setting("ROWS", 100_000);
    let folder = tempfile::tempdir().unwrap();
    let ids = store(folder.path(), rows);
    println!("{rows} decisions stored");
    let database = folder.path().join("routes.db");
    let mut reader = Reader::open(&database).unwrap();
    measure(&ids, "explain", |id| {
        let explained = reader.explain(id, NOW).unwrap();
        assert!(matches!(explained, Explained::One(_)));
    });
    let mut reader = Reader::open(&database).unwrap();
    measure(&ids, "dashboard", |id| {
        let snapshot = reader.answer(&question(id)).unwrap();
        assert!(snapshot.explanation.is_some());
    });
}

//! How fast stored decisions are decided again: `cargo bench --bench replay`.
//!
//! Makes a database of native lines, and lets `routetop policy replay` decide them by an edit of the policy that they
//! record.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `ROWS` | how many decisions | 1,000,000 |
//! | `ROUNDS` | how many rounds | 3 |

#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise, and prints"
)]

mod decisions;
mod lines;

use std::env;
use std::fs;
use std::time::Instant;

use decisions::{ESSAY, run, setting, store};

fn main() {
    // `cargo test --benches` passes --test: there is nothing to check there.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let (rows, rounds) = (setting("ROWS", 1_000_000), setting("ROUNDS", 3));
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    store(at, rows);
    fs::write(
        at.join("edited.route"),
        ESSAY.replace("below 0.62", "below 0.7"),
    )
    .unwrap();
    for _ in 0..rounds {
        let start = Instant::now();
        run(at, "policy replay -q --policy edited.route");
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "replay  {seconds:.2} s for {rows} decisions, {:.0} decisions/s",
            rows as f64 / seconds
        );
    }
}

//! A report of a file of which nothing is kept, as a ratio to `DuckDB` in the same run: `cargo bench --bench quick`.
//!
//! Both start anew and read the same plain file of native lines: `routetop report FILE` tells everything that
//! it tells of a database; `DuckDB` is given the names and types of six columns, skips all others, and counts by
//! route with three quantiles of one of them.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `LINES` | how many lines | 1,000,000 |
//! | `FILE` | a file to read instead of made lines | |
//! | `ROUNDS` | how many rounds | 5 |
//! | `PYTHON` | a Python that may import `duckdb` | `python3` |

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise, and prints"
)]

mod lines;

use std::env;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const DUCKDB: &str = "import duckdb, sys
columns = \"{ts:'TIMESTAMP',route:'VARCHAR',outcome:'VARCHAR',corrected:'BOOLEAN',\" \\
 \"policy:'VARCHAR',attempts:'STRUCT(latency_ms DOUBLE)[]'}\"
duckdb.connect().execute(f'''select route, count(*), avg((outcome='completed')::int), avg(corrected::int),
 min(ts), max(ts), count(distinct policy), quantile_cont(attempts[1].latency_ms, [0.5, 0.95, 0.99])
 from read_json('{sys.argv[1]}', format='newline_delimited', columns={columns}) group by route''').fetchall()";

fn setting(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok().and_then(|value| value.parse().ok());
    value.unwrap_or(default)
}

/// Runs to the end and returns the wall time in seconds; `None` when it cannot be run.
fn time(command: &mut Command) -> Option<f64> {
    let start = Instant::now();
    let done = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    done.success().then(|| start.elapsed().as_secs_f64())
}

fn write_lines(path: &Path, lines: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    lines::generate(lines, lines::DAY, |line| {
        file.write_all(line.as_bytes()).unwrap();
    });
    file.flush().unwrap();
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    // `cargo test --benches` passes --test: there is nothing to check there.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let rounds = setting("ROUNDS", 5);
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let file = env::var_os("FILE").map_or_else(
        || {
            let file = folder.path().join("log.jsonl");
            write_lines(&file, setting("LINES", 1_000_000));
            file
        },
        PathBuf::from,
    );
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut command = Command::new(env!("CARGO_BIN_EXE_routetop"));
        let own =
            time(command.args(["report", "-q"]).arg(&file)).expect("routetop must read the file");
        ours.push(own);
        if let Some(peer) = time(Command::new(&python).arg("-c").arg(DUCKDB).arg(&file)) {
            theirs.push(peer);
            ratios.push(own / peer);
        }
    }
    println!("{:<22} {:>8.2} s", "routetop report", median(&mut ours));
    if theirs.is_empty() {
        println!("DuckDB, six columns    skipped: not installed");
        return;
    }
    let ratio = median(&mut ratios);
    println!(
        "{:<22} {:>8.2} s   routetop takes {ratio:.2} x its time ({:.2} to {:.2})",
        "DuckDB, six columns",
        median(&mut theirs),
        ratios.first().copied().unwrap_or(f64::NAN),
        ratios.last().copied().unwrap_or(f64::NAN),
    );
}

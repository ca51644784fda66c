//! Ingest speed as a ratio to peers in the same run: `cargo bench --bench ingest`.
//!
//! Makes native lines (deterministic, about 600 bytes each), then lets `routetop ingest`, `DuckDB`
//! (every field, when Python has it) and the `sqlite3` shell (when installed) read the same file in
//! turn, and prints the median wall time of each and the ratios pair by pair; beside them stands how
//! fast `SQLite` takes rows that are numbers already, the ceiling of any store of rows.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `LINES` | how many lines | 1,000,000 |
//! | `ROUNDS` | how many rounds | 5 |
//! | `PYTHON` | a Python that may import `duckdb` | `python3` |

#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
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

use rusqlite::Connection;

use lines::generate;

const DUCKDB: &str = "import duckdb, os, sys
f, db = sys.argv[1:]
os.path.exists(db) and os.remove(db)
c = duckdb.connect(db)
c.execute(f\"create table e as select * from read_json('{f}', format='newline_delimited')\")
c.close()";

const SQLITE: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
CREATE TEMP TABLE l(j TEXT);
.mode ascii
.separator \"\\001\" \"\\n\"
.import \"FILE\" l
CREATE TABLE e AS SELECT j->>'ts' ts, j->>'request_id' request_id, j->>'session_id' session_id,
 j->>'task_class' task_class, j->>'route' route, j->>'policy' policy, j->>'rule' rule,
 j->'signals' signals, j->'attempts' attempts, j->>'outcome' outcome, j->>'corrected' corrected FROM l;";

fn setting(name: &str, default: u64) -> u64 {
    env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// Runs to the end and returns the wall time in seconds; `None` when it cannot be run.
fn time(command: &mut Command, input: &str) -> Option<f64> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).ok()?;
    child
        .wait()
        .ok()?
        .success()
        .then(|| start.elapsed().as_secs_f64())
}

fn write_lines(path: &Path, lines: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    generate(lines, lines::DAY, |line| {
        file.write_all(line.as_bytes()).unwrap();
    });
    file.flush().unwrap();
}

/// Inserts rows of 16 columns that are numbers already, without any index, rollup or checkpoint of a
/// log: what `SQLite` itself takes, which nothing that stores rows can beat. Returns seconds.
fn ceiling(path: &Path, rows: u64) -> f64 {
    let start = Instant::now();
    let mut connection = Connection::open(path).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        .unwrap();
    let columns: Vec<String> = (2..16).map(|idx| format!("c{idx} INTEGER")).collect();
    let create = format!(
        "CREATE TABLE e (ts INTEGER, id BLOB, {}) STRICT",
        columns.join(",")
    );
    connection.execute_batch(&create).unwrap();
    let insert = format!("INSERT INTO e VALUES ({})", ["?"; 16].join(","));
    let rows = i64::try_from(rows).unwrap();
    for first in (0..rows).step_by(50_000) {
        let step = connection.transaction().unwrap();
        {
            let mut statement = step.prepare_cached(&insert).unwrap();
            for row in first..(first + 50_000).min(rows) {
                let id = i128::from(row).wrapping_mul(0x1e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                statement
                    .raw_bind_parameter(1, 1_795_000_000_000_000 + row * 86_400)
                    .unwrap();
                statement.raw_bind_parameter(2, id.to_le_bytes()).unwrap();
                for column in 3..=12_usize {
                    let small = row % i64::try_from(column * 7).unwrap();
                    statement.raw_bind_parameter(column, small).unwrap();
                }
                for column in 13..=16_usize {
                    statement
                        .raw_bind_parameter(column, row * 7_919 % 9_000_000)
                        .unwrap();
                }
                statement.raw_execute().unwrap();
            }
        }
        step.commit().unwrap();
    }
    connection.close().unwrap();
    start.elapsed().as_secs_f64()
}

fn remove(folder: &Path, stem: &str) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with(stem) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(name: &str, ours: &[f64], theirs: &[f64], lines: u64) {
    if theirs.is_empty() {
        println!("{name:<22} skipped: not installed");
        return;
    }
    let mut ratios: Vec<f64> = theirs
        .iter()
        .zip(ours)
        .map(|(theirs, ours)| theirs / ours)
        .collect();
    let wall = median(&mut theirs.to_vec());
    let ratio = median(&mut ratios);
    println!(
        "{name:<22} {wall:>8.2} s {:>10.0} lines/s   routetop is {ratio:.2} x as fast ({:.2} to {:.2})",
        lines as f64 / wall,
        ratios.first().copied().unwrap_or(f64::NAN),
        ratios.last().copied().unwrap_or(f64::NAN),
    );
}

fn main() {
    // `cargo test --benches` passes --test: there is nothing to check there.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let (lines, rounds) = (setting("LINES", 1_000_000), setting("ROUNDS", 5));
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    write_lines(&file, lines);
    let size = fs::metadata(&file).unwrap().len();
    println!(
        "{lines} native lines, {} bytes a line, {rounds} rounds",
        size / lines
    );
    let at = |name: &str| folder.path().join(name);
    let (mut ours, mut raw, mut duckdb, mut sqlite) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut stored = 0;
    for _ in 0..rounds {
        remove(folder.path(), "t.db");
        let mut command = Command::new(env!("CARGO_BIN_EXE_routetop"));
        command
            .args(["ingest", "-q", "--db"])
            .arg(at("t.db"))
            .arg(&file);
        ours.push(time(&mut command, "").expect("routetop must read the file"));
        stored = fs::metadata(at("t.db")).unwrap().len();
        remove(folder.path(), "c.db");
        raw.push(ceiling(&at("c.db"), lines));
        remove(folder.path(), "d.db");
        let mut command = Command::new(&python);
        command.arg("-c").arg(DUCKDB).arg(&file).arg(at("d.db"));
        duckdb.extend(time(&mut command, ""));
        remove(folder.path(), "s.db");
        let script = SQLITE.replace("FILE", &file.to_string_lossy());
        sqlite.extend(time(Command::new("sqlite3").arg(at("s.db")), &script));
    }
    let wall = median(&mut ours.clone());
    println!(
        "{:<22} {wall:>8.2} s {:>10.0} lines/s   {} bytes a request on disk",
        "routetop",
        lines as f64 / wall,
        stored / lines
    );
    report("raw insert ceiling", &ours, &raw, lines);
    report("DuckDB, all fields", &ours, &duckdb, lines);
    report("sqlite3 shell", &ours, &sqlite, lines);
}

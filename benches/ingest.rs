//! Ingest speed as a ratio to peers in the same run: `cargo bench --bench ingest`.
//!
//! Makes native lines (deterministic, about 600 bytes each), then lets `routetop ingest`, `DuckDB`
//! (every field, when Python has it) and the `sqlite3` shell (when installed) read the same file in
//! turn, and prints the median wall time of each and the ratios pair by pair.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `LINES` | how many lines | 1,000,000 |
//! | `ROUNDS` | how many rounds | 5 |
//! | `PYTHON` | a Python that may import `duckdb` | `python3` |

#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise, and prints"
)]

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

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

/// `SplitMix64` (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

const MODELS: [&str; 6] = [
    "small-1", "small-2", "medium-1", "medium-2", "large-1", "reason-1",
];
const TASKS: [&str; 5] = [
    "extraction",
    "classification",
    "summarization",
    "grounded_answer",
    "planning",
];

fn attempt(text: &mut String, random: &mut Random, outcome: &str, reason: &str) {
    let model = usize::try_from(random.below(6)).unwrap_or(0);
    let latency = 200 + random.below(9_000);
    let _ = write!(
        text,
        "{{\"model\":\"{}\",\"tier\":\"{}\",\"latency_ms\":{latency}.{:02},\"ttft_ms\":{}.{:02},\"input_tokens\":{},\"output_tokens\":{},\"cost_usd\":0.000{:05},\"outcome\":\"{outcome}\",\"reason\":{reason}}}",
        MODELS[model],
        ["fast", "standard", "strongest"][model / 2],
        random.below(100),
        latency / 4,
        random.below(100),
        random.below(4_000),
        random.below(900),
        random.below(100_000),
    );
}

fn write_lines(path: &Path, lines: u64) {
    let mut random = Random(42);
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut text = String::new();
    for n in 0..lines {
        text.clear();
        let micros = 1_795_000_000_000_000 + n * 86_400_000_000 / lines;
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        // 2026-11-18T11:06:40Z is second 1,795,000,000.
        let of_day = (seconds - 1_795_000_000) + 11 * 3600 + 6 * 60 + 40;
        let (day, of_day) = (18 + of_day / 86_400, of_day % 86_400);
        let (a, b) = (random.next(), random.next());
        let _ = write!(
            text,
            "{{\"ts\":\"2026-11-{day:02}T{:02}:{:02}:{:02}.{rest:06}Z\",\"event\":\"request\",\"request_id\":\"{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}\",\"session_id\":\"s_{:012x}\",\"task_class\":\"{}\",\"route\":\"route-{:02}\",\"policy\":\"two-tier@1#9582b59af79a\",\"rule\":\"rule-{}\",\"signals\":{{\"retrieval_confidence\":0.{:02},\"input_complexity\":0.{:02},\"tools_required\":{},\"format_strictness\":\"none\",\"user_tier\":\"{}\",\"session_fallbacks\":{}}},\"attempts\":[",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60,
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff,
            random.next() >> 16,
            TASKS[usize::try_from(random.below(5)).unwrap_or(0)],
            (random.below(40) * random.below(40)) / 40,
            random.below(9),
            random.below(100),
            random.below(100),
            random.below(4) == 0,
            ["free", "pro", "enterprise"][usize::try_from(random.below(3)).unwrap_or(0)],
            random.below(3),
        );
        if random.below(11) == 0 {
            attempt(&mut text, &mut random, "escalated", "\"under_specified\"");
            text.push(',');
        }
        attempt(&mut text, &mut random, "ok", "null");
        let _ = writeln!(
            text,
            "],\"outcome\":\"completed\",\"corrected\":{},\"attrs\":{{\"region\":\"us-{}\",\"app_version\":\"4.2.{}\"}}}}",
            random.below(36) == 0,
            ["east", "west"][usize::try_from(random.below(2)).unwrap_or(0)],
            random.below(3)
        );
        file.write_all(text.as_bytes()).unwrap();
    }
    file.flush().unwrap();
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
    let (mut ours, mut duckdb, mut sqlite) = (Vec::new(), Vec::new(), Vec::new());
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
    report("DuckDB, all fields", &ours, &duckdb, lines);
    report("sqlite3 shell", &ours, &sqlite, lines);
}

//! A database of made decisions, recorded under the essay's policy.

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use routetop::policy::Policy;

use crate::lines;

/// The policy that the decisions record.
pub const ESSAY: &str = include_str!("../../assets/policies/essay.route");
/// What the made lines record, in whose place the essay's policy is put.
const RECORDED: &str = "two-tier@1#9582b59af79a";

/// Reads a number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// Runs `routetop` with these words to its end.
pub fn run(folder: &Path, words: &str) {
    let status = Command::new(env!("CARGO_BIN_EXE_routetop"))
        .args(words.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "{words}");
}

/// Makes `routes.db` in `folder` of so many decisions over a day and keeps their policy there; returns some of the ids.
pub fn store(folder: &Path, decisions: u64) -> Vec<String> {
    let log = folder.join("log.jsonl");
    let mut file = BufWriter::new(File::create(&log).unwrap());
    let (mut ids, mut n) = (Vec::new(), 0);
    let essay = Policy::parse(ESSAY).unwrap();
    lines::generate(decisions, lines::DAY, |line| {
        file.write_all(line.replace(RECORDED, essay.id()).as_bytes())
            .unwrap();
        if n % (decisions / 200 + 1) == 0 {
            let id = line.split("request_id\":\"").nth(1).unwrap();
            ids.push(id.split('"').next().unwrap().to_owned());
        }
        n += 1;
    });
    file.flush().unwrap();
    drop(file);
    fs::write(folder.join("essay.route"), ESSAY).unwrap();
    run(folder, "ingest -q log.jsonl");
    fs::remove_file(log).unwrap();
    run(folder, "policy add -q essay.route");
    ids
}

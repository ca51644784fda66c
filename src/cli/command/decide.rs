//! `decide`: request lines on stdin, decision lines on stdout.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use super::Surroundings;
use crate::cli::decide::decide_line;
use crate::cli::error::Failure;
use crate::cli::policy_file::policy;
use crate::model::sanitise;

/// The longest line read; the rest of a longer one is passed over.
const LINE_LEN_MAX: u64 = 1 << 20;
/// How much is answered at most before it is written, while more lines are there already.
const WAITING_LEN_MAX: usize = 64 << 10;
/// How many wrong lines are told one by one.
const TOLD_MAX: u64 = 20;

/// Runs the command; returns the exit code: 1 when a line could not be decided.
pub(in crate::cli) fn run(with: &Surroundings, file: &Path) -> Result<i32, Failure> {
    let policy = policy(file)?;
    let mut input = io::BufReader::with_capacity(WAITING_LEN_MAX, io::stdin().lock());
    let mut output = io::stdout().lock();
    let (mut line, mut answers) = (Vec::new(), Vec::new());
    let (mut number, mut wrong) = (0_u64, 0_u64);
    loop {
        // No answer waits while the next line is waited for.
        let has_line = input.buffer().contains(&b'\n');
        if !has_line || answers.len() >= WAITING_LEN_MAX {
            match output.write_all(&answers).and_then(|()| output.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(0),
                written => written.map_err(Failure::output)?,
            }
            answers.clear();
        }
        line.clear();
        let read = (&mut input).take(LINE_LEN_MAX).read_until(b'\n', &mut line);
        if read.map_err(Failure::input)? == 0 {
            break;
        }
        number += 1;
        let is_whole = line.ends_with(b"\n")
            || line.len() < usize::try_from(LINE_LEN_MAX).unwrap_or(usize::MAX);
        if line.trim_ascii().is_empty() && is_whole {
            continue;
        }
        let decided = if is_whole {
            decide_line(&policy, line.trim_ascii(), with.clock.now(), &mut answers)
        } else {
            input.skip_until(b'\n').map_err(Failure::input)?;
            Err("the line is longer than 1 MiB".to_owned())
        };
        if let Err(why) = decided {
            wrong += 1;
            if wrong <= TOLD_MAX {
                with.say(&format!("line {number}: not decided: {}", sanitise(&why)));
            }
        }
    }
    if wrong > 0 {
        with.say(&format!("{wrong} of {number} lines were not decided"));
    }
    Ok(i32::from(wrong > 0))
}

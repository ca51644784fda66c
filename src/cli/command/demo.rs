//! `demo`: a made-up stream with an incident in it, live in a temporary database.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Surroundings, dashboard};
use crate::cli::args::{Dashboard, View};
use crate::cli::demo::{DemoStream, Incident};
use crate::cli::error::Failure;
use crate::model::{Micros, Timestamp};
use crate::runtime::Feeder;
use crate::stats::{Filter, Span};

/// How long before now the incident begins.
const INCIDENT_AGO: Micros = Micros::MINUTE.times(29);
/// The same stream for everybody.
const SEED: u64 = 3;

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    incident: Incident,
    out: Option<PathBuf>,
) -> Result<i32, Failure> {
    let now = with.clock.now();
    let start = now.minus(DemoStream::HISTORY);
    let mut stream = DemoStream::new(SEED, start, now.minus(INCIDENT_AGO)).with_incident(incident);
    if let Some(path) = out {
        write_until(&mut stream, &path, now).map_err(|error| Failure::write(&path, error))?;
        with.say(&format!("wrote the stream to {}", path.display()));
        return Ok(0);
    }
    let folder = tempfile::tempdir().map_err(Failure::temporary)?;
    let path = folder.path().join("demo.jsonl");
    let mut next = write_until(&mut stream, &path, now).map_err(Failure::temporary)?;
    let feeder = Feeder::start(with.clock.clone(), &path, move || {
        std::mem::replace(&mut next, stream.next_line())
    })?;
    let plan = Dashboard {
        metric: None,
        database: folder.path().join("demo.db"),
        policy: None,
        sources: vec![path.display().to_string()],
        view: View::Overview,
        span: Span::Last(Micros::HOUR),
        filter: Filter::default(),
    };
    let result = dashboard::run(with, plan);
    feeder.end();
    result
}

/// Writes the stream up to `end` and returns the first line after it.
fn write_until(
    stream: &mut DemoStream,
    path: &Path,
    end: Timestamp,
) -> std::io::Result<(Timestamp, String)> {
    let mut file = BufWriter::new(File::create(path)?);
    loop {
        let (ts, line) = stream.next_line();
        if ts > end {
            file.flush()?;
            return Ok((ts, line));
        }
        writeln!(file, "{line}")?;
    }
}

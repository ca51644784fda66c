//! `export --incident`: the requests behind a page of what changed, as one file that opens on it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Surroundings, check_fields};
use crate::cli::error::Failure;
use crate::format::native_line;
use crate::model::{Event, Timestamp, Window};
use crate::policy::Policy;
use crate::runtime::{Pipeline, PipelineOptions, StopFlag};
use crate::stats::Filter;
use crate::store::{ChangesQuestion, Incident, Reader, StoreError, Writer, add_policies};

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    (question, filter): (&ChangesQuestion, &Filter),
    out: &Path,
) -> Result<i32, Failure> {
    let failed = |cause| Failure::write(out, cause);
    if out.exists() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let mut reader = Reader::open(database)?;
    reader.know(with.policies(None)?);
    check_fields(&mut reader, filter)?;
    let question = ChangesQuestion {
        window: Some(reader.window_of(question)?),
        ..question.clone()
    };
    let unknown = || Failure::UnknownRoute(question.route.clone().unwrap_or_default());
    let changes = reader.changes(&question)?.ok_or_else(unknown)?;
    // Both stretches, and what may lie between them.
    let whole = Window {
        from: changes.baseline.from.min(changes.window.from),
        to: changes.baseline.to.max(changes.window.to),
    };
    let beside = out.parent().filter(|folder| *folder != Path::new(""));
    let folder = tempfile::Builder::new()
        .prefix(".routetop-incident-")
        .tempdir_in(beside.unwrap_or(Path::new(".")))
        .map_err(failed)?;
    let lines = folder.path().join("incident.jsonl");
    let which = (filter, question.now);
    let named = write(&mut reader, (whole, which), &lines, out)?;
    let made = folder.path().join("incident.db");
    let writer = Writer::open(&made, question.now)?;
    let options = PipelineOptions {
        sources: vec![lines.display().to_string()],
        ..PipelineOptions::default()
    };
    Pipeline::start(writer, options, &with.clock, StopFlag::default(), |_| {})?.join()?;
    add_policies(&made, question.now, &policies(&mut reader, &named)?)?;
    let name = database.file_name().unwrap_or(database.as_os_str());
    let incident = Incident {
        route: question.route.clone(),
        metric: question.metric,
        window: question.window.unwrap_or(changes.window),
        now: question.now,
        filter: filter.to_string(),
        database: name.to_string_lossy().into_owned(),
    };
    incident.keep(&made)?;
    // Put in place when complete, and never over another file.
    let place = tempfile::TempPath::try_from_path(&made).map_err(failed)?;
    place
        .persist_noclobber(out)
        .map_err(|error| failed(error.error))?;
    with.say(&format!(
        "incident written to {0}; `routetop --db {0}` opens its page",
        out.display()
    ));
    Ok(0)
}

/// Writes the requests as lines; returns the policies that they name.
fn write(
    reader: &mut Reader,
    (window, which): (Window, (&Filter, Timestamp)),
    lines: &PathBuf,
    out: &Path,
) -> Result<BTreeSet<String>, Failure> {
    let failed = |cause| Failure::write(out, cause);
    let mut file = BufWriter::new(File::create(lines).map_err(failed)?);
    let mut named = BTreeSet::new();
    reader.visit_counted(window, which, |event, names| -> Result<(), Failure> {
        if let Event::Request(request) = event
            && let Some(policy) = request.policy
        {
            named.insert(names.text(policy).to_owned());
        }
        writeln!(file, "{}", native_line(event, names)).map_err(failed)
    })?;
    file.flush().map_err(failed)?;
    Ok(named)
}

/// Returns the known policies that the requests name, the one added last at the end; all where they name none.
fn policies(reader: &mut Reader, named: &BTreeSet<String>) -> Result<Vec<Policy>, StoreError> {
    let known = reader.policies()?.into_iter().rev();
    let is_wanted = |policy: &Policy| named.is_empty() || named.contains(policy.id());
    Ok(known.filter(is_wanted).collect())
}

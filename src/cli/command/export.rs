//! `export`: everything in the database as native lines, from which another one can be made.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

use super::{Surroundings, check_fields};
use crate::cli::error::Failure;
use crate::cli::words::count;
use crate::format::native_line;
use crate::model::{Timestamp, Window};
use crate::stats::{Baseline, Filter, Page, Query, Span};
use crate::store::Reader;

/// The bytes that are gathered before they are written.
const BUFFER_LEN: usize = 1 << 20;

/// Runs the command; `out` is the file, or `None` for standard output. Returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    (span, filter): (Span, &Filter),
    out: Option<&Path>,
) -> Result<i32, Failure> {
    let mut reader = Reader::open(database)?;
    reader.know(with.policies(None)?);
    check_fields(&mut reader, filter)?;
    let which = (filter, with.clock.now());
    let window = window_of(with, &mut reader, span)?;
    match out {
        None => {
            let stdout = io::stdout().lock();
            write(&mut reader, window, which, stdout, Failure::output)?;
        }
        Some(path) => {
            let failed = |cause| Failure::write(path, cause);
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let file = tempfile::Builder::new()
                .prefix(".routetop-export-")
                .tempfile_in(folder.unwrap_or(Path::new(".")))
                .map_err(failed)?;
            let events = write(&mut reader, window, which, file.as_file(), failed)?;
            file.as_file().sync_all().map_err(failed)?;
            // Put in place when complete, and never over another file: it could be the log itself.
            file.persist_noclobber(path)
                .map_err(|error| failed(error.error))?;
            with.say(&format!(
                "{} events written to {}",
                count(events),
                path.display()
            ));
        }
    }
    Ok(0)
}

/// Returns the window that a span means.
pub(super) fn window_of(
    with: &Surroundings,
    reader: &mut Reader,
    span: Span,
) -> Result<Window, Failure> {
    let question = Query {
        number: 1,
        now: with.clock.now(),
        span,
        baseline: Baseline::None,
        trend_len: 0,
        drift_rows_max: 0,
        filter: Filter::default(),
        page: Page::Sources,
    };
    Ok(match span {
        Span::All => Window::ALL,
        Span::Between(window) => window,
        Span::Last(_) => reader.answer(&question)?.window,
    })
}

/// Writes the lines. A reader that went away is no failure: it has seen enough.
fn write(
    reader: &mut Reader,
    window: Window,
    which: (&Filter, Timestamp),
    out: impl Write,
    failed: impl FnOnce(io::Error) -> Failure,
) -> Result<u64, Failure> {
    let mut out = BufWriter::with_capacity(BUFFER_LEN, out);
    let mut trouble = None;
    let events = reader.export(window, which, |event, names| {
        match writeln!(out, "{}", native_line(event, names)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                trouble = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    match trouble.map_or_else(|| out.flush(), Err) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(events),
        Err(error) => Err(failed(error)),
        Ok(()) => Ok(events),
    }
}

//! `ingest`: reads sources into the database without the screen.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Surroundings;
use crate::cli::error::Failure;
use crate::cli::progress::Progress;
use crate::ingest::Summary;
use crate::model::{Micros, sanitise};
use crate::runtime::{
    Outside, Pipeline, PipelineOptions, RuntimeError, StopFlag, WriterReport, watch,
};
use crate::store::Writer;

/// How often the progress line is drawn.
pub(super) const REDRAW: Duration = Duration::from_millis(200);

/// Runs the command; returns the exit code.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    sources: Vec<String>,
    is_followed: bool,
) -> Result<i32, Failure> {
    let writer = Writer::open(database, with.clock.now())?;
    let (summary, signal) = read_all(with, writer, sources, is_followed)?;
    with.say(&told(&summary));
    Ok(signal)
}

/// Reads sources to their end (or, followed, until told to stop) with a progress line; returns what
/// was read and the exit code, which is that of a signal when one ended it.
pub(in crate::cli) fn read_all(
    with: &Surroundings,
    writer: Writer,
    sources: Vec<String>,
    is_followed: bool,
) -> Result<(Summary, i32), Failure> {
    let (sender, events) = mpsc::sync_channel(16);
    let outside = sender.clone();
    let watched = watch(false, move |event| {
        drop(outside.try_send(Wake::Outside(event)));
    })?;
    let stop = StopFlag::default();
    let ending = Ending(sender.clone());
    let report = move |report: WriterReport| match report {
        WriterReport::Failed(error) => drop(sender.try_send(Wake::Failed(error.into()))),
        WriterReport::Noted(text) => drop(sender.try_send(Wake::Noted(text))),
        WriterReport::Committed(_) => {
            // Held as long as the writer lives.
            let _ = &ending;
        }
    };
    let options = PipelineOptions {
        sources,
        is_followed,
        remote_pace: with.remote_pace,
        rules: with.rules.clone(),
        retention: with.retention,
        ..PipelineOptions::default()
    };
    let pipeline = Pipeline::start(writer, options, &with.clock, stop, report)?;
    let bar = bar(with);
    let mut code = 0;
    let mut failure = None;
    while !pipeline.is_finished() {
        match events.recv_timeout(REDRAW) {
            Ok(Wake::Outside(event @ (Outside::End(_) | Outside::TerminalLost))) => {
                code = event.exit_code();
                pipeline.stop();
            }
            Ok(Wake::Noted(text)) => with.say(sanitise(&text).as_str()),
            Ok(Wake::Failed(error)) => {
                failure = Some(error);
                pipeline.stop();
            }
            Ok(Wake::Ended) | Err(RecvTimeoutError::Disconnected) => break,
            Ok(Wake::Outside(_)) | Err(RecvTimeoutError::Timeout) => {}
        }
        draw(&bar, pipeline.progress(), pipeline.elapsed());
    }
    bar.finish_and_clear();
    let result = pipeline.join();
    drop(watched);
    match failure {
        Some(error) => Err(Failure::from(error)),
        None => Ok((result?, code)),
    }
}

/// What the waiting loop hears.
enum Wake {
    Outside(Outside),
    Failed(RuntimeError),
    Noted(String),
    /// The writer has ended.
    Ended,
}

/// Wakes the waiting loop when it is dropped.
struct Ending(SyncSender<Wake>);

impl Drop for Ending {
    fn drop(&mut self) {
        // A full queue means that the loop wakes anyway.
        drop(self.0.try_send(Wake::Ended));
    }
}

/// Draws how far it is.
pub(super) fn draw(bar: &ProgressBar, of: &crate::ingest::Progress, elapsed: Micros) {
    let total = of.bytes_total.load(Ordering::Relaxed);
    let progress = Progress {
        bytes: of.bytes_done.load(Ordering::Relaxed),
        bytes_total: (total > 0).then_some(total),
        lines: of.lines.load(Ordering::Relaxed),
        elapsed,
    };
    bar.set_message(progress.line());
    bar.tick();
}

/// Returns the bar that is drawn on, which is hidden where nobody sees it.
pub(super) fn bar(with: &Surroundings) -> ProgressBar {
    let is_shown = with.stderr_is_terminal && !with.global.quiet && with.capabilities.has_screen;
    let target = if is_shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// Tells what was read in one line.
fn told(summary: &Summary) -> String {
    let mut line = format!("{} lines read: {} events", summary.lines, summary.events);
    for (count, what) in [
        (
            summary.quarantined,
            "in quarantine (the sources page and `report` say why)",
        ),
        (summary.noise, "noise"),
        (summary.blank, "blank"),
    ] {
        if count > 0 {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    if summary.damaged > 0 {
        line.push_str(&format!(
            "; {} files are damaged or no text",
            summary.damaged
        ));
    }
    sanitise(&line).to_string()
}

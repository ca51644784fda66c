//! `policy replay`: what an edited policy would have done with what is stored.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};

use super::export::window_of;
use super::ingest::{REDRAW, bar};
use super::{Surroundings, print};
use crate::cli::error::Failure;
use crate::cli::policy_args::PlainFormat;
use crate::cli::policy_file::policy;
use crate::cli::replay::{json, text};
use crate::cli::words::{count, percent};
use crate::model::Window;
use crate::policy::replay::Replayed;
use crate::runtime::{EditedPolicy, Outside, ReplayPlan, ReplayProgress, ReplayRun, watch};
use crate::stats::Span;
use crate::store::Reader;

/// Runs the command; returns the exit code, which is that of a signal when one ended it.
pub(in crate::cli) fn run(
    with: &Surroundings,
    database: &Path,
    file: &Path,
    span: Span,
    format: PlainFormat,
) -> Result<i32, Failure> {
    let edited = policy(file)?;
    let window = window_of(with, &mut Reader::open(database)?, span)?;
    let plan = ReplayPlan {
        database: database.to_owned(),
        given: with.policies(None)?,
        edited: EditedPolicy::Given(Box::new(edited)),
        window,
    };
    let (sender, events) = mpsc::sync_channel(4);
    let outside = sender.clone();
    let watched = watch(false, move |event| {
        drop(outside.try_send(Wake::Outside(event)));
    })?;
    // A full queue means that the loop wakes anyway.
    let running = ReplayRun::start(plan, move || drop(sender.try_send(Wake::Ended)))?;
    let bar = bar(with);
    let mut code = 0;
    loop {
        match events.recv_timeout(REDRAW) {
            Ok(Wake::Outside(event @ (Outside::End(_) | Outside::TerminalLost))) => {
                code = event.exit_code();
                running.stop();
            }
            Ok(Wake::Ended) | Err(RecvTimeoutError::Disconnected) => break,
            Ok(Wake::Outside(_)) | Err(RecvTimeoutError::Timeout) => {}
        }
        bar.set_message(line(running.progress()));
        bar.tick();
    }
    bar.finish_and_clear();
    let replayed = running.join()?;
    drop(watched);
    if let Some(replayed) = replayed {
        print(&render(with, &replayed, window, format))?;
    }
    Ok(code)
}

/// What the waiting loop hears.
enum Wake {
    Outside(Outside),
    Ended,
}

fn render(with: &Surroundings, replayed: &Replayed, window: Window, format: PlainFormat) -> String {
    match format {
        PlainFormat::Text => text::render(replayed, window, with.style()),
        PlainFormat::Json => json::render(replayed, window),
    }
}

/// Tells how far it is.
fn line(progress: &ReplayProgress) -> String {
    let requests = progress.requests.load(Ordering::Relaxed);
    format!(
        "{} requests decided again ({})",
        count(requests),
        percent(progress.share())
    )
}

//! Reads sources for one report and no more: by all cores where they are plain files.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::{Surroundings, ingest};
use crate::cli::error::Failure;
use crate::runtime::{Outside, QuickLook, StopFlag, watch};
use crate::store::Writer;

/// How often it is looked whether the reading is over, which takes a second or less as a rule.
const SOON: Duration = Duration::from_millis(10);

/// Reads sources into an empty database that answers reports over all time only; returns the exit code,
/// which is that of a signal when one ended it.
pub(super) fn read_all(
    with: &Surroundings,
    mut writer: Writer,
    sources: Vec<String>,
) -> Result<i32, Failure> {
    let stop = StopFlag::default();
    let key = writer.hash_key();
    let rules = with.rules.clone();
    let QuickLook::Running(look) = QuickLook::start(&sources, rules, key, &with.clock, &stop)?
    else {
        return Ok(ingest::read_all(with, writer, sources, false)?.1);
    };
    let (sender, events) = mpsc::sync_channel(16);
    let watched = watch(false, move |event| {
        // A full queue means that the end is already asked for.
        let _ = sender.try_send(event);
    })?;
    let bar = ingest::bar(with);
    let mut code = 0;
    while !look.is_finished() {
        match events.recv_timeout(SOON) {
            Ok(event @ (Outside::End(_) | Outside::TerminalLost)) => {
                code = event.exit_code();
                stop.stop();
            }
            Ok(_) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        ingest::draw(&bar, look.progress(), look.elapsed());
    }
    bar.finish_and_clear();
    let scan = look.join()?;
    drop(watched);
    match scan {
        _ if code != 0 => Ok(code),
        Some(scan) => {
            scan.store(&mut writer)?;
            writer.close()?;
            Ok(0)
        }
        None => Ok(ingest::read_all(with, writer, sources, false)?.1),
    }
}

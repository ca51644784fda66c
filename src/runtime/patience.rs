//! A commit that waits for what passes: the lock of another program, and room on the disk.

use std::thread;
use std::time::Duration;

use super::pruner::WriterReport;
use crate::ingest::StopFlag;
use crate::store::{Committed, Prepared, StoreError, Writer};

/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells once why it waits.
struct Teller<'r, R> {
    report: &'r mut R,
    is_told: bool,
}

impl<R: FnMut(WriterReport)> Teller<'_, R> {
    fn tell(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.is_told, true) {
            let text = format!("ingest waits: it failed to {error}; {}", error.hint());
            (self.report)(WriterReport::Noted(text));
        }
    }
}

/// Waits until no other program holds the database's lock, or the run is to end.
pub(super) fn await_turn(
    writer: &Writer,
    stop: &StopFlag,
    report: &mut impl FnMut(WriterReport),
) -> Result<(), StoreError> {
    let mut teller = Teller {
        report,
        is_told: false,
    };
    writer.check_place()?;
    while !writer.is_my_turn()? {
        teller.tell(&StoreError::Busy);
        if stop.is_set() {
            return Err(StoreError::Busy);
        }
        writer.check_place()?;
    }
    Ok(())
}

/// Stores batches; waits until it can be done, or the run is to end.
pub(super) fn commit(
    writer: &mut Writer,
    batches: Vec<Prepared>,
    stop: &StopFlag,
    report: &mut impl FnMut(WriterReport),
) -> Result<Committed, StoreError> {
    await_turn(writer, stop, report)?;
    // Batches that were tried are used up: a copy is made only where it may be needed.
    if !writer.is_short_of_room() {
        return writer.commit(batches);
    }
    let mut teller = Teller {
        report,
        is_told: false,
    };
    loop {
        match writer.commit(batches.clone()) {
            Err(error) if error.is_want_of_room() && !stop.is_set() => {
                teller.tell(&error);
                thread::park_timeout(PAUSE);
                writer.check_place()?;
            }
            done => return done,
        }
    }
}

//! Reads the lines in quarantine again, page by page: each page that has events is one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Clock, RuntimeError};
use crate::format::{Parsed, Parser, Rules};
use crate::ingest::{Lost, Rereader, StopFlag};
use crate::model::{Name, ReleasedLine};
use crate::store::Writer;

/// How many lines one transaction takes out.
const PAGE_LEN: usize = 1_000;

/// What reading again came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetryReport {
    /// Lines looked at.
    pub lines: u64,
    /// Lines that became events.
    pub released: u64,
    /// Events of those that said nothing new.
    pub duplicates: u64,
    /// Lines that are rejected again, by the reason of now: how many, and what the first lacks.
    pub rejected: BTreeMap<&'static str, (u64, String)>,
    /// Lines that cannot be read again, by why.
    pub lost: Vec<(Lost, u64)>,
    /// Rejected lines of which the place was not kept.
    pub overflow: u64,
}

/// Reads again what is in quarantine of `sources`, or of all when there are none.
///
/// # Errors
///
/// When the database fails; what was released before is stored.
pub fn retry_quarantine(
    writer: &mut Writer,
    sources: &[String],
    rules: Rules,
    clock: &Clock,
    stop: &StopFlag,
) -> Result<RetryReport, RuntimeError> {
    let key = writer.hash_key();
    let mut parser = Parser::new(writer.names()?, key, rules);
    let mut names_stored = parser.names().len();
    let mut reader = Rereader::default();
    let mut report = RetryReport {
        overflow: writer.quarantine_overflow()?,
        ..RetryReport::default()
    };
    let mut after = None;
    while !stop.is_set() {
        let page = writer.quarantine(sources, after, PAGE_LEN)?;
        let Some(last) = page.last() else { break };
        after = Some((last.generation, last.offset));
        let mut released = Vec::new();
        for line in &page {
            report.lines += 1;
            match reader.read(line, key) {
                Ok(bytes) => match parser.parse(bytes, clock.now()) {
                    Parsed::Events { format, events } => released.push(ReleasedLine {
                        generation: line.generation,
                        offset: line.offset,
                        format,
                        events,
                    }),
                    other => report.reject(other),
                },
                Err(lost) => report.lose(lost),
            }
        }
        if released.is_empty() {
            continue;
        }
        let names: Vec<(Name, Arc<str>)> = parser
            .names()
            .after(names_stored)
            .map(|(name, text)| (name, Arc::clone(text)))
            .collect();
        names_stored = parser.names().len();
        let (count, committed) = writer.release(released, names, clock.now())?;
        report.released += count;
        report.duplicates += committed.duplicates;
    }
    Ok(report)
}

impl RetryReport {
    fn reject(&mut self, parsed: Parsed) {
        let (reason, detail) = match parsed {
            Parsed::Rejected(reject) => (reject.reason, reject.detail),
            _ => ("no-record", "not JSON".to_owned()),
        };
        self.rejected.entry(reason).or_insert((0, detail)).0 += 1;
    }

    fn lose(&mut self, lost: Lost) {
        match self.lost.iter_mut().find(|(known, _)| *known == lost) {
            Some((_, count)) => *count += 1,
            None => self.lost.push((lost, 1)),
        }
    }
}

//! Answers questions from a read-only connection.

mod alarms;
mod changes;
mod docket;
mod drift;
mod examples;
mod explain;
mod export;
mod facts;
mod filtered;
mod fold;
mod incident;
mod judge;
mod lists;
mod moved;
mod nowcast;
mod peers;
mod replay;
mod route_drift;
mod sieve;
mod slices;
mod sources;
mod window;
mod work;

pub use changes::ChangesQuestion;
pub use explain::Explained;
pub use facts::DatabaseFacts;
pub use replay::Stretch;
pub use slices::SliceParts;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use filtered::Filtered;
use hashbrown::HashMap;
use rusqlite::Connection;

use super::row::BlockCache;
use super::writer::load_names;
use super::{StoreError, connection, lock};
use crate::config::Targets;
use crate::model::{Names, Timestamp};
use crate::policy::Policy;
use crate::stats::{Page, PolicyText, Query, Snapshot, Tuple, UNKNOWN_ROUTE};

/// A read-only view of a database.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    names: Names,
    blocks: BlockCache,
    /// The tuples of the slices, by number.
    tuples: Vec<Tuple>,
    path: PathBuf,
    inode: (u64, u64),
    /// Policies that count as known beside those of the database.
    given: Vec<Policy>,
    /// The latest answer to what changed.
    changed: Option<changes::Changed>,
    /// What the routes are held against.
    targets: Arc<Targets>,
    /// The latest survey of alarms.
    watched: Option<alarms::Surveyed>,
    /// The latest survey of drift.
    surveyed: Option<drift::Surveyed>,
    /// What policies say, by their ids.
    texts: HashMap<String, PolicyText>,
    /// By when the answers of each task class should be there.
    typical: Option<work::Typical>,
    /// What was counted through the filter of the question.
    filtered: Option<Filtered>,
    /// The number of the newest question, where somebody asks on while one is answered.
    newest: Option<Arc<AtomicU64>>,
    /// The number of the question that is answered.
    answering: u64,
}

impl Reader {
    /// Opens an existing database read-only; never makes one.
    ///
    /// # Errors
    ///
    /// When there is none, or it is none of this program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let path = connection::resolve(path)?;
        let connection = connection::open_reader(&path)?;
        let inode = inode(&path).unwrap_or_default();
        Ok(Self {
            connection,
            names: Names::default(),
            blocks: BlockCache::default(),
            tuples: Vec::new(),
            path,
            inode,
            given: Vec::new(),
            changed: None,
            targets: Arc::default(),
            watched: None,
            surveyed: None,
            texts: HashMap::new(),
            typical: None,
            filtered: None,
            newest: None,
            answering: 0,
        })
    }

    /// Returns a number that changes whenever another connection has committed.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Returns the process that writes the database, if any.
    pub fn writer_pid(&self) -> Option<u32> {
        lock::holder(&self.path)
    }

    /// Tells whether the file behind the path is gone or another one.
    pub fn has_moved(&self) -> bool {
        inode(&self.path) != Some(self.inode)
    }

    /// Gives up an answer as soon as `newest` is another question's number.
    pub fn watch(&mut self, newest: Arc<AtomicU64>) {
        self.newest = Some(newest);
    }

    /// Fails when nobody waits for the answer any more.
    fn go_on(&self) -> Result<(), StoreError> {
        let newest = self.newest.as_ref();
        match newest.map(|newest| newest.load(Ordering::Relaxed)) {
            Some(newest) if newest != self.answering => Err(StoreError::Overtaken),
            _ => Ok(()),
        }
    }

    /// Answers `query` from one consistent state of the database.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged, or another question has come.
    pub fn answer(&mut self, query: &Query) -> Result<Snapshot, StoreError> {
        self.answering = query.number;
        self.connection.execute_batch("BEGIN")?;
        let answer = self.answer_within(query).and_then(|mut answer| {
            if let Page::Changes {
                route,
                metric,
                against,
            } = &query.page
            {
                let of = (*metric, *against);
                answer.changes = self.latest_changes(route.as_deref(), of, query)?;
            }
            Ok(answer)
        });
        // A read transaction has nothing to lose.
        let _ = self.connection.execute_batch("COMMIT");
        // Blocks may be patched by the next transaction.
        self.blocks = BlockCache::default();
        answer
    }

    fn answer_within(&mut self, query: &Query) -> Result<Snapshot, StoreError> {
        load_names(&self.connection, &mut self.names)?;
        let mut snapshot = self.metrics(query)?;
        let unknown = self.unknown_field(&query.filter)?;
        snapshot.unknown_field = unknown.map(|error| format!("{}; {}", error.what, error.hint));
        let (route, rows_len, before) = match &query.page {
            Page::Overview { live_len } => (None, *live_len, None),
            Page::Route { route } => (Some(route.as_str()), 20, None),
            Page::Decisions {
                route,
                rows_len,
                before,
            } => (route.as_deref(), *rows_len, *before),
            Page::Explain { .. }
            | Page::Changes { .. }
            | Page::Policies
            | Page::Sources
            | Page::Report => (None, 0, None),
        };
        snapshot.decisions_total = match route {
            None => snapshot.total.now.requests,
            Some(route) => snapshot
                .routes
                .iter()
                .find(|row| *row.route == *route)
                .map_or(0, |row| row.now.requests),
        };
        if rows_len > 0 {
            snapshot.decisions = self.decisions(snapshot.window, route, rows_len, before, query)?;
        }
        if let Page::Explain { id } = &query.page {
            match self.explain_within(id, query.now)? {
                Explained::One(explanation) => snapshot.explanation = Some(explanation),
                Explained::Several(ids) => snapshot.ambiguous = ids,
                Explained::Nothing => {}
            }
        }
        snapshot.drift = self.drift(snapshot.window, query)?;
        if matches!(query.page, Page::Overview { .. }) {
            snapshot.alarms = Some(self.latest_alarms(snapshot.window.to, query.now)?);
        }
        if query.page == Page::Policies {
            snapshot.policies = self.policy_rows(snapshot.drift.as_deref())?;
        }
        self.tell_work(&mut snapshot)?;
        self.sources(&mut snapshot)?;
        Ok(snapshot)
    }

    fn route_name(&self, route: i64) -> Arc<str> {
        u32::try_from(route)
            .ok()
            .and_then(crate::model::Name::try_from_id)
            .map_or_else(|| Arc::from(UNKNOWN_ROUTE), |name| self.names.shared(name))
    }

    fn route_id(&self, route: &str) -> Option<i64> {
        if route == UNKNOWN_ROUTE {
            return Some(0);
        }
        self.names.find(route).map(|name| i64::from(name.id()))
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// The word for how a request stands at `now`.
fn state(request: &crate::model::Request, now: Timestamp) -> &'static str {
    match request.outcome {
        Some(outcome) => outcome.word(),
        None if now.since(request.ts) < Query::OPEN_MAX => "open",
        None => "lost",
    }
}

//! What an incident file says beside its requests: which page it was made to show.
//!
//! It stands in `meta`, a row a fact; a database without `incident_metric` is no incident file. Rows are only ever
//! added.
//!
//! | key | value |
//! | --- | --- |
//! | `incident_metric` | the metric's word |
//! | `incident_route` | the route; absent: all |
//! | `incident_filter` | which requests were taken; absent: all |
//! | `incident_from`, `incident_to` | the window, in microseconds since 1970 UTC |
//! | `incident_now` | when it was made, likewise |
//! | `incident_from_database` | the name of the database that it was made from |

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::connection::open_writer;
use crate::model::{Timestamp, Window};
use crate::stats::changes::Metric;

/// The page that an incident file shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The route; `None`: all.
    pub route: Option<String>,
    /// What may have become worse.
    pub metric: Metric,
    /// The window.
    pub window: Window,
    /// The time at which it was made: the clock stands still there.
    pub now: Timestamp,
    /// Which requests were taken, as a filter reads; empty: all.
    pub filter: String,
    /// The name of the database that it was made from.
    pub database: String,
}

impl Incident {
    /// Writes it into the database at `path`, which becomes one file without a log beside it. `read_from` is the path
    /// that its requests were read from, which is gone: the source is called by what it was made of.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn keep(&self, path: &Path) -> Result<(), StoreError> {
        let connection = open_writer(path, self.now)?;
        let mut put = connection.prepare("INSERT OR REPLACE INTO meta VALUES (?1,?2)")?;
        put.execute(params!["incident_metric", self.metric.word()])?;
        if let Some(route) = &self.route {
            put.execute(params!["incident_route", route])?;
        }
        if !self.filter.is_empty() {
            put.execute(params!["incident_filter", self.filter])?;
        }
        put.execute(params!["incident_from_database", self.database])?;
        for (key, ts) in [
            ("incident_from", self.window.from),
            ("incident_to", self.window.to),
            ("incident_now", self.now),
        ] {
            put.execute(params![key, ts.0])?;
        }
        drop(put);
        let source = format!("incident of {}", self.database);
        connection.execute("UPDATE source SET name=?1", [&source])?;
        connection.execute("UPDATE generation SET path=?1,home=''", [&source])?;
        connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))?;
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        Ok(())
    }

    /// Reads it; `None` when the database is no incident file.
    pub(super) fn load(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let mut select = connection.prepare_cached("SELECT value FROM meta WHERE key=?1")?;
        let mut text = |key: &str| -> Result<Option<String>, StoreError> {
            Ok(select.query_row([key], |row| row.get(0)).optional()?)
        };
        let Some(word) = text("incident_metric")? else {
            return Ok(None);
        };
        let (route, database) = (text("incident_route")?, text("incident_from_database")?);
        let filter = text("incident_filter")?.unwrap_or_default();
        let mut select = connection.prepare_cached("SELECT value FROM meta WHERE key=?1")?;
        let mut ts = |key: &str| -> Result<Timestamp, StoreError> {
            let found: Option<i64> = select.query_row([key], |row| row.get(0)).optional()?;
            found
                .map(Timestamp)
                .ok_or_else(|| StoreError::damaged("the window of an incident"))
        };
        let metric = Metric::WORDS.iter().find(|row| row.1 == word);
        Ok(Some(Self {
            route,
            metric: metric
                .ok_or_else(|| StoreError::damaged("the metric of an incident"))?
                .0,
            window: Window {
                from: ts("incident_from")?,
                to: ts("incident_to")?,
            },
            now: ts("incident_now")?,
            filter,
            database: database.unwrap_or_default(),
        }))
    }
}

//! What the dashboard is started with, and what wakes its event loop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::pipeline::Pipeline;
use super::report_file::RenderReport;
use super::signals::Outside;
use crate::app::Message;
use crate::config::{Retention, Targets};
use crate::format::Rules;
use crate::policy::Policy;

/// What the dashboard is started with.
#[derive(Debug, Clone)]
pub struct DashboardOptions {
    /// The database.
    pub database: PathBuf,
    /// The sources to read while it is open.
    pub sources: Vec<String>,
    /// Policies that count as known beside those of the database.
    pub policies: Vec<Policy>,
    /// The unit of every pause towards other hosts, where it is not the usual one.
    pub remote_pace: Option<Duration>,
    /// What the user says about reading lines.
    pub rules: Rules,
    /// What is dropped for its age or for want of room.
    pub retention: Retention,
    /// How a report is written to a file.
    pub render: RenderReport,
    /// What the routes are held against.
    pub targets: Arc<Targets>,
}

/// What reaches the event loop.
#[derive(Debug)]
pub(super) enum Wake {
    /// For the app.
    App(Message),
    /// From outside.
    Outside(Outside),
    /// The trial with this number has ended.
    Tried(u64),
    /// About who writes the database.
    Succession(Succession),
}

/// What happens to the writer's place while this process does not hold it.
#[derive(Debug)]
pub(super) enum Succession {
    /// Another process writes, or none.
    Writer(Option<u32>),
    /// This process has taken the place, and ingest runs.
    Taken(Box<Pipeline>),
    /// The place is free but could not be taken; why.
    Failed(String),
}

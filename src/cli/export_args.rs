//! The words of `export`.

use std::path::PathBuf;

use clap::Args;

use super::changes_args::{ChangesArgs, MetricWord};
use super::error::UsageError;
use super::filter_args::FilterArgs;
use super::times::{WindowArgs, Zone};
use crate::model::Timestamp;
use crate::store::ChangesQuestion;

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExportArgs {
    /// The window.
    #[command(flatten)]
    pub window: WindowArgs,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// The file to write, which must not be there yet [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Make one small database of the window, its baseline and the policies, that opens on what changed
    #[arg(long, requires = "output", help_heading = "Incident")]
    pub incident: bool,
    /// The route that it is about [default: all]
    #[arg(long, requires = "incident", help_heading = "Incident")]
    pub route: Option<String>,
    /// What may have become worse [default: escalation]
    #[arg(long, value_enum, requires = "incident", help_heading = "Incident")]
    pub metric: Option<MetricWord>,
}

impl ExportArgs {
    /// Works out what an incident file answers.
    ///
    /// # Errors
    ///
    /// When a time cannot be read or the window is empty.
    pub fn question(&self, now: Timestamp, zone: Zone) -> Result<ChangesQuestion, UsageError> {
        let args = ChangesArgs {
            route: self.route.clone(),
            metric: self.metric,
            window: self.window.clone(),
            ..ChangesArgs::default()
        };
        args.question(now, zone)
    }
}

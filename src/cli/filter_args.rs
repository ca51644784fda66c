//! `--filter`, wherever it may stand.

use clap::Args;

use super::error::UsageError;
use crate::stats::Filter;

/// Which requests are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct FilterArgs {
    /// Only requests of which all of this holds, e.g. `route=support-* latency>2s -corrected`: field=value, !=, <, >,
    /// a,b for either, * for any run, - for not; words in route, model, rule or id; flags escalated, fallback,
    /// corrected, failed, open, drift. Fields: route, task, model, served, tier, policy, rule, reason, verdict, user,
    /// format, provider, session, id, source, latency, ttft, cost, attempts, tokens, any signal, any attribute
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub filter: Option<String>,
}

impl FilterArgs {
    /// Reads the filter; none given is one that holds of every request.
    ///
    /// # Errors
    ///
    /// When the text is no filter.
    pub fn read(self) -> Result<Filter, UsageError> {
        let text = self.filter.unwrap_or_default();
        Filter::parse(&text).map_err(|error| UsageError::filter(&text, error))
    }
}

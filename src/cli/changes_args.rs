//! The words of `changes`.

use clap::{Args, ValueEnum};

use super::error::UsageError;
use super::policy_args::PlainFormat;
use super::times::{WindowArgs, Zone, read_time};
use crate::model::{Timestamp, Window};
use crate::stats::Span;
use crate::stats::changes::Metric;
use crate::store::ChangesQuestion;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ChangesArgs {
    /// The route [default: all]
    pub route: Option<String>,
    /// What may have become worse [default: escalation]
    #[arg(long, value_enum)]
    pub metric: Option<MetricWord>,
    /// The bad window.
    #[command(flatten)]
    pub window: WindowArgs,
    /// The first instant of the baseline [default: four times the window, just before it]
    #[arg(
        long,
        value_name = "TIME",
        requires = "baseline_to",
        help_heading = "Window"
    )]
    pub baseline_from: Option<String>,
    /// The first instant after the baseline
    #[arg(
        long,
        value_name = "TIME",
        requires = "baseline_from",
        help_heading = "Window"
    )]
    pub baseline_to: Option<String>,
    /// The form
    #[arg(long, value_enum, default_value = "text")]
    pub format: PlainFormat,
}

/// The metrics as words of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum MetricWord {
    /// Requests with an escalation
    Escalation,
    /// Requests without a first-pass success
    FirstPass,
    /// Answers that were corrected
    Correction,
    /// Requests that failed
    Failure,
    /// Answers slower than nine of ten were before, of the same model and length
    Latency,
}

impl From<MetricWord> for Metric {
    fn from(word: MetricWord) -> Self {
        match word {
            MetricWord::Escalation => Self::Escalation,
            MetricWord::FirstPass => Self::FirstPass,
            MetricWord::Correction => Self::Correction,
            MetricWord::Failure => Self::Failure,
            MetricWord::Latency => Self::Latency,
        }
    }
}

impl ChangesArgs {
    /// Tells whether nothing of the question was said: an incident file has its own.
    pub fn is_plain(&self) -> bool {
        let said = Self {
            format: PlainFormat::default(),
            ..self.clone()
        };
        said == Self::default()
    }

    /// Works out the question.
    ///
    /// # Errors
    ///
    /// When a time cannot be read or a window is empty.
    pub fn question(&self, now: Timestamp, zone: Zone) -> Result<ChangesQuestion, UsageError> {
        let window = match self.window.resolve(now, zone, Span::All)? {
            Span::Between(window) => Some(window),
            Span::Last(length) => Some(Window {
                from: now.minus(length),
                to: now,
            }),
            // Everything has no baseline; without a window the change is looked for.
            Span::All => None,
        };
        let baseline = match (&self.baseline_from, &self.baseline_to) {
            (Some(from), Some(to)) => {
                let window = Window {
                    from: read_time(from, now, zone)?,
                    to: read_time(to, now, zone)?,
                };
                if window.is_empty() {
                    return Err(UsageError::EmptyWindow {
                        from: zone.format(window.from),
                        to: zone.format(window.to),
                    });
                }
                Some(window)
            }
            _ => None,
        };
        Ok(ChangesQuestion {
            metric: self.metric.map(Metric::from).unwrap_or_default(),
            route: self.route.clone(),
            window,
            baseline,
            now,
        })
    }
}

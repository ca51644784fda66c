//! Threads and devices: the only impure glue. Here the rooms of one floor meet.
//!
//! | thread | owns | talks by |
//! | --- | --- | --- |
//! | main | terminal, app | one bounded queue, drained, then at most one frame |
//! | input | keyboard | messages |
//! | reader | the read-only connection | the newest question wins |
//! | writer | the only read-write connection | batches in, grouped into one transaction |
//! | succession | the wait for the writer's place | messages, and the ingest that it starts |
//! | log | a connection that copies the write-ahead log | a nudge from the writer |
//! | replay | a stretch of decided requests each | the join at the end |
//! | quick and its readers | files of which nothing is kept | the join at the end |
//! | ingest and its parse worker | sources | a full queue is the back-pressure |
//! | signal, hang-up, watchdog | the way out | messages, and the end by force when they are not heard |

mod clipboard;
mod clock;
mod dashboard;
mod error;
mod feeder;
mod input;
mod lag;
mod link;
mod parser;
mod patience;
mod pipeline;
mod pruner;
mod quick;
mod reader;
mod replay;
mod report_file;
mod retry;
mod signals;
mod starter;
mod succession;
mod terminal;
mod trying;
mod wake;
mod writer;

pub use clock::Clock;
pub use dashboard::run as run_dashboard;
pub use error::RuntimeError;
pub use feeder::Feeder;
pub use input::is_stdin_fed;
pub use parser::FormatParser;
pub use pipeline::{Pipeline, PipelineOptions};
pub use pruner::WriterReport;
pub use quick::{QuickLook, QuickScan};
pub use replay::{EditedPolicy, ReplayPlan, ReplayProgress, ReplayRun};
pub use report_file::RenderReport;
pub use retry::{RetryReport, retry_quarantine};
pub use signals::{Outside, Watch, outlive_file_limits, watch};
pub use terminal::{TerminalGuard, install_panic_hook};
pub use wake::DashboardOptions;

pub use crate::ingest::{Lost, StopFlag};

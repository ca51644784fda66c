//! The words of `policy` and `decide`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::examples::{
    POLICY_ADD_EXAMPLES, POLICY_CHECK_EXAMPLES, POLICY_DIFF_EXAMPLES, POLICY_FORMAT_EXAMPLES,
    POLICY_REPLAY_EXAMPLES, POLICY_SHOW_EXAMPLES, POLICY_TEST_EXAMPLES,
};
use super::times::WindowArgs;

/// What may be done with policies.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PolicyCommand {
    /// Tell what is wrong, and what is probably not meant
    #[command(after_help = POLICY_CHECK_EXAMPLES)]
    Check {
        /// The policies, `-` for stdin
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// The form
        #[arg(long, value_enum, default_value = "text")]
        format: PlainFormat,
    },
    /// Print policies in their usual layout; comments and hash stay
    #[command(after_help = POLICY_FORMAT_EXAMPLES)]
    Format {
        /// The policies, `-` for stdin
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Print policies as sentences and as a decision table
    #[command(after_help = POLICY_SHOW_EXAMPLES)]
    Show {
        /// The policies, `-` for stdin
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// The form
        #[arg(long, value_enum, default_value = "text")]
        format: PlainFormat,
    },
    /// Tell which requests an edit sends elsewhere
    #[command(after_help = POLICY_DIFF_EXAMPLES)]
    Diff {
        /// The policy before
        before: PathBuf,
        /// The policy after
        after: PathBuf,
        /// The form
        #[arg(long, value_enum, default_value = "text")]
        format: PlainFormat,
    },
    /// Run the `expect` lines of policies
    #[command(after_help = POLICY_TEST_EXAMPLES)]
    Test {
        /// The policies, `-` for stdin
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// The form
        #[arg(long, value_enum, default_value = "text")]
        format: PlainFormat,
    },
    /// Keep policies in the database, so that decisions recorded under them can be explained
    #[command(after_help = POLICY_ADD_EXAMPLES)]
    Add {
        /// The policies
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Tell what an edited policy would have done with the stored requests
    #[command(after_help = POLICY_REPLAY_EXAMPLES)]
    Replay {
        /// The edited policy, `-` for stdin
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        /// The window.
        #[command(flatten)]
        window: WindowArgs,
        /// The form
        #[arg(long, value_enum, default_value = "text")]
        format: PlainFormat,
    },
}

/// The forms of what is said of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PlainFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON document, version 1
    Json,
}

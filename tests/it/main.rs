//! Tests that need more than one room: the real binary, crashes, a terminal, the shared samples.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise, and reads clocks and databases directly"
)]

mod alert_to_cause;
mod architecture;
mod changes;
mod check;
mod crash;
mod data_faults;
mod doctor;
mod errors;
mod export;
mod filter;
mod flood;
mod fuzz;
mod hostile;
mod incident;
mod link;
mod litellm_callback;
mod mapping;
mod otlp;
mod pictures;
mod policy;
mod policy_samples;
mod pty;
mod quarantine;
mod quick;
mod readme;
mod replay;
mod replay_samples;
mod retention;
mod roles;
mod samples;
mod samples_table;
mod share;
mod source_faults;
mod source_report;
mod ssh_faults;
mod store_faults;
mod support;

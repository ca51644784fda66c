//! Tests that need more than one room: the real binary, crashes, a terminal, the shared samples.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read databases and clocks directly"
)]

mod architecture;
mod crash;
mod errors;
mod hostile;
mod pty;
mod samples;
mod support;

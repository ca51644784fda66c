//! How an ingest is asked to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Ends an ingest from any thread.
#[derive(Debug, Clone, Default)]
pub struct StopFlag {
    is_set: Arc<AtomicBool>,
    pub(super) wake: Arc<Notify>,
}

impl StopFlag {
    /// Asks the ingest to end after the batch at hand.
    pub fn stop(&self) {
        self.is_set.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Tells whether the ingest was asked to end.
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }
}

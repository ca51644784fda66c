//! Where batches go: the seam to the store.

use crate::model::{Batch, Generation, GenerationId, NewGeneration};

use super::SinkError;

/// Takes batches in order and keeps the checkpoints.
pub trait Sink: Send {
    /// Returns every generation known, with its checkpoint.
    ///
    /// # Errors
    ///
    /// When the sink has failed; ingest then ends.
    fn generations(&mut self) -> Result<Vec<Generation>, SinkError>;

    /// Opens a generation whose checkpoint stands at 0.
    ///
    /// # Errors
    ///
    /// When the sink has failed; ingest then ends.
    fn open_generation(&mut self, new: &NewGeneration) -> Result<GenerationId, SinkError>;

    /// Takes a batch; may block (back-pressure) and may store it later, but in order.
    ///
    /// # Errors
    ///
    /// When the sink has failed; ingest then ends.
    fn commit(&mut self, batch: Batch) -> Result<(), SinkError>;

    /// Returns when everything handed over is committed.
    ///
    /// # Errors
    ///
    /// When the sink has failed; ingest then ends.
    fn flush(&mut self) -> Result<(), SinkError>;
}

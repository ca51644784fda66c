//! Where batches go: the seam to the store.

use crate::model::{Batch, Generation, GenerationId, NewGeneration};

use super::SinkError;

/// Takes batches in order and keeps the checkpoints.
pub trait Sink: Send {
    /// Returns every generation known, with its checkpoint.
    fn generations(&mut self) -> Result<Vec<Generation>, SinkError>;

    /// Opens a generation whose checkpoint stands at 0.
    fn open_generation(&mut self, new: &NewGeneration) -> Result<GenerationId, SinkError>;

    /// Takes a batch; may block (back-pressure) and may store it later, but in order.
    fn commit(&mut self, batch: Batch) -> Result<(), SinkError>;

    /// Returns when everything handed over is committed.
    fn flush(&mut self) -> Result<(), SinkError>;
}

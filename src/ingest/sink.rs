//! Where batches go: the seam to the store.

use crate::model::{Batch, ByteOffset, Generation, GenerationId, LineMarks, NewGeneration};

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

    /// Returns the marks of the lines of a generation around `at`, of everything handed over so far;
    /// `None`: none are kept there.
    ///
    /// # Errors
    ///
    /// When the sink has failed; ingest then ends.
    fn line_marks(
        &mut self,
        generation: GenerationId,
        at: ByteOffset,
    ) -> Result<Option<LineMarks>, SinkError>;

    /// Returns when everything handed over is committed.
    ///
    /// # Errors
    ///
    /// When the sink has failed; ingest then ends.
    fn flush(&mut self) -> Result<(), SinkError>;
}

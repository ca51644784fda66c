//! Standard input and named pipes: a thread that reads, so that nobody else waits.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use tokio::sync::Notify;

use super::IngestError;
use super::identity::len_u64;

/// How many chunks may wait; with the chunk length it bounds what a kill can lose.
const CHUNKS_MAX: usize = 4;
const CHUNK_LEN: usize = 64 * 1024;

/// The receiving end of a pipe.
pub(super) struct Pipe {
    pub(super) slot: usize,
    pub(super) label: String,
    pub(super) is_closed: bool,
    /// How many bytes came.
    pub(super) offset: u64,
    chunks: Receiver<Vec<u8>>,
}

impl Pipe {
    /// Starts reading what `open` returns; `wake` is told of every chunk.
    pub(super) fn start(
        slot: usize,
        label: String,
        open: impl FnOnce() -> io::Result<Box<dyn Read + Send>> + Send + 'static,
        wake: Arc<Notify>,
    ) -> Result<Self, IngestError> {
        let (sender, chunks) = sync_channel(CHUNKS_MAX);
        let body = move || {
            let Ok(mut input) = open() else {
                return;
            };
            loop {
                let mut buffer = vec![0; CHUNK_LEN];
                match input.read(&mut buffer) {
                    Ok(len) if len > 0 => {
                        buffer.truncate(len);
                        if sender.send(buffer).is_err() {
                            return;
                        }
                        wake.notify_one();
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    _ => break,
                }
            }
            drop(sender);
            wake.notify_one();
        };
        // The thread is not joined: it may wait for input for ever, and ends with the process.
        thread::Builder::new()
            .name("pipe".to_owned())
            .spawn(body)
            .map_err(|cause| IngestError::Start {
                what: "pipe reader",
                cause,
            })?;
        Ok(Self {
            slot,
            label,
            is_closed: false,
            offset: 0,
            chunks,
        })
    }

    /// Takes nothing more out of the pipe; its thread ends with its next chunk.
    pub(super) fn refuse(&mut self) {
        self.chunks = sync_channel(0).1;
        self.is_closed = true;
    }

    /// Returns the next chunk if there is one, and remembers when the pipe was closed.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        match self.chunks.try_recv() {
            Ok(chunk) => {
                self.offset = self.offset.saturating_add(len_u64(&chunk));
                Some(chunk)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.is_closed = true;
                None
            }
        }
    }
}

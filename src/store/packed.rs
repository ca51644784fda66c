//! Bytes packed into one blob: a version and a zstd frame.

use std::cell::RefCell;

use super::StoreError;

const VERSION: u8 = 1;
/// The most bytes that a blob may unpack to.
const LEN_MAX: usize = 64 << 20;

thread_local! {
    /// Making one takes longer than to unpack a minute.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs bytes.
#[derive(Default)]
pub(super) struct Packer {
    /// Made when it is needed: most batches of a living log are too small for it.
    compressor: Option<zstd::bulk::Compressor<'static>>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// Packs bytes that [`unpack`] gives back.
    pub(super) fn pack(&mut self, raw: &[u8]) -> Result<Vec<u8>, StoreError> {
        let failed = |error: std::io::Error| StoreError::damaged(format!("compression: {error}"));
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(zstd::bulk::Compressor::new(1).map_err(failed)?),
        };
        let packed = compressor.compress(raw).map_err(failed)?;
        let mut body = Vec::with_capacity(packed.len() + 1);
        body.push(VERSION);
        body.extend_from_slice(&packed);
        Ok(body)
    }
}

/// Unpacks what [`Packer::pack`] gave; `what` it is stands in the error.
pub(super) fn unpack(body: &[u8], what: &str) -> Result<Vec<u8>, StoreError> {
    let damaged = || StoreError::damaged(what);
    let (&VERSION, packed) = body.split_first().ok_or_else(damaged)? else {
        return Err(damaged());
    };
    let len = zstd::bulk::Decompressor::upper_bound(packed).unwrap_or(LEN_MAX);
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let decompressor = match decompressor {
            Some(decompressor) => decompressor,
            none => none.insert(zstd::bulk::Decompressor::new().map_err(|_| damaged())?),
        };
        decompressor
            .decompress(packed, len.min(LEN_MAX))
            .map_err(|_| damaged())
    })
}

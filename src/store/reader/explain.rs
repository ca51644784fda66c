//! One decision in full.

use super::{Reader, state};
use crate::stats::Snapshot;
use crate::store::StoreError;

impl Reader {
    pub(super) fn explain(&mut self, id: &str, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        let _ = (id, snapshot, state as fn(_, _) -> _);
        Ok(())
    }
}

//! Stored decisions one after the other, for whoever decides them again.

use std::ops::ControlFlow;

use super::Reader;
use crate::model::{Names, Request, Window};
use crate::policy::Policy;
use crate::store::StoreError;
use crate::store::decided::DecidedRows;
use crate::store::policies::all_kept;
use crate::store::writer::load_names;

/// Up to 512 rows that stand one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Reader {
    /// Returns the stretches that hold requests of `window`, in the order in which they were stored.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn stretches(&self, window: Window) -> Result<Vec<Stretch>, StoreError> {
        let mut select = self.connection.prepare(
            "SELECT first_row,last_row FROM zone WHERE ts_max>=?1 AND ts_min<?2 ORDER BY first_row",
        )?;
        let found = select.query_map([window.from.0, window.to.0], |row| {
            Ok(Stretch {
                first: row.get(0)?,
                last: row.get(1)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Hands the requests of `window` within `stretches` to `visit`, each with the number of its row, until that
    /// breaks; `after_stretch` is asked after each stretch. The requests have no id.
    ///
    /// No transaction is longer than a stretch.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn visit_requests(
        &mut self,
        window: Window,
        stretches: &[Stretch],
        mut visit: impl FnMut(u64, &Request, &Names),
        mut after_stretch: impl FnMut() -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut rows = DecidedRows::default();
        for stretch in stretches {
            self.connection.execute_batch("BEGIN")?;
            let found = load_names(&self.connection, &mut self.names)
                .and_then(|()| rows.load(&self.connection, stretch.first, stretch.last));
            // A read transaction has nothing to lose.
            let _ = self.connection.execute_batch("COMMIT");
            for (row, stored) in found? {
                if window.contains(stored.request.ts) {
                    visit(row.unsigned_abs(), &stored.effective(), &self.names);
                }
            }
            if after_stretch().is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the policies that decisions may be held against: those given, and those kept in the database.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn policies(&self) -> Result<Vec<Policy>, StoreError> {
        let mut policies = self.given.clone();
        for kept in all_kept(&self.connection)? {
            if !policies.iter().any(|policy| policy.id() == kept.id()) {
                policies.push(kept);
            }
        }
        Ok(policies)
    }

    /// Reads the names of what is stored.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn read_names(&mut self) -> Result<&Names, StoreError> {
        load_names(&self.connection, &mut self.names)?;
        Ok(&self.names)
    }
}

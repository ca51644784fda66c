//! Whether what is stored is what was stored: pages, hashes of rows, and rollups and slices against rows.

use std::fmt;

use rusqlite::params;

use super::columns::Columns;
use super::reader::Reader;
use super::row;
use super::slices::SliceCheck;
use super::watermarks::{Watermarks, hour_from};
use super::whole::load_whole;
use super::{StoreError, residual};
use crate::model::{HashKey, Timestamp};

/// The most findings that are told.
const FINDINGS_MAX: usize = 100;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The table, or what else.
    pub what: String,
    /// What is wrong there.
    pub wrong: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.wrong)
    }
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Requests looked at.
    pub requests: u64,
    /// Of those, the ones that were joined from several lines, which carry no hash.
    pub joined: u64,
    /// What is wrong, the first of it.
    pub findings: Vec<Finding>,
}

impl Verified {
    fn find(&mut self, what: impl Into<String>, wrong: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                what: what.into(),
                wrong: wrong.into(),
            });
        }
    }
}

impl Reader {
    /// Checks every page, the hash of every row, and every rollup and slice against the rows. `progress` hears of requests
    /// looked at and of all.
    ///
    /// # Errors
    ///
    /// Only when the check itself cannot be made; damage is a finding.
    pub fn verify(&mut self, mut progress: impl FnMut(u64, u64)) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        self.check_pages(&mut verified);
        match self.check_rows(&mut verified, &mut progress) {
            Err(error) => verified.find("request", error.to_string()),
            Ok(slices) => self.check_slices(slices, &mut verified),
        }
        if verified.findings.is_empty() {
            match self.verify_rollups() {
                Ok(differences) => {
                    for difference in differences {
                        verified.find("rollups", format!("{difference} differs from the requests"));
                    }
                }
                Err(error) => verified.find("rollups", error.to_string()),
            }
        }
        Ok(verified)
    }

    fn check_slices(&self, slices: SliceCheck, verified: &mut Verified) {
        match slices.differences(self.connection()) {
            Ok(minutes) => {
                for minute in minutes {
                    let start = minute.start();
                    verified.find("slices", format!("{start} differs from the requests"));
                }
            }
            Err(error) => verified.find("slices", error.to_string()),
        }
    }

    fn check_pages(&self, verified: &mut Verified) {
        let check = || -> Result<Vec<String>, StoreError> {
            let mut pragma = self.connection().prepare("PRAGMA integrity_check(100)")?;
            let found = pragma.query_map([], |row| row.get::<_, String>(0))?;
            Ok(found.collect::<Result<_, _>>()?)
        };
        match check() {
            Ok(found) => {
                for wrong in found.into_iter().filter(|text| text != "ok") {
                    verified.find("pages", wrong);
                }
            }
            Err(error) => verified.find("pages", error.to_string()),
        }
    }

    fn check_rows(
        &self,
        verified: &mut Verified,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<SliceCheck, StoreError> {
        let connection = self.connection();
        let marks = Watermarks::load(connection)?;
        let whole_from = marks.rows_from.map(hour_from).max(marks.slices_from);
        let whole_from = whole_from.unwrap_or(Timestamp(i64::MIN));
        let mut slices = SliceCheck::new(connection, whole_from)?;
        let key: Vec<u8> =
            connection.query_row("SELECT value FROM meta WHERE key='hash_key'", [], |row| {
                row.get(0)
            })?;
        let key = <[u8; 16]>::try_from(key).map_err(|_| StoreError::damaged("the hash key"))?;
        let key = HashKey(key);
        let total: i64 =
            connection.query_row("SELECT count(*) FROM request", [], |row| row.get(0))?;
        let zones: Vec<(i64, i64)> = connection
            .prepare("SELECT first_row,last_row FROM zone ORDER BY first_row")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut hashed = Vec::new();
        for (first, last) in zones {
            let rows = match load_whole(connection, first, last) {
                Ok(rows) => rows,
                Err(error) => {
                    verified.find("request", format!("rows {first} to {last}: {error}"));
                    continue;
                }
            };
            let mut hashes = connection.prepare_cached(
                "SELECT row,hash FROM request WHERE row BETWEEN ?1 AND ?2 ORDER BY row",
            )?;
            let hashes: Vec<(i64, i64)> = hashes
                .query_map(params![first, last], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            if i64::try_from(rows.len()).ok() != Some(last - first + 1) {
                verified.find(
                    "request",
                    format!("rows {first} to {last}: some are missing"),
                );
            }
            for ((number, stored), (_, hash)) in rows.iter().zip(hashes) {
                verified.requests += 1;
                slices.add(&stored.effective());
                if hash == 0 {
                    verified.joined += 1;
                    continue;
                }
                hashed.clear();
                residual::put_facts(&mut hashed, &stored.request);
                row::put_hashed(&mut hashed, &stored.request, &Columns::of(&stored.request));
                if row::hash(&stored.request, &hashed, &key).cast_signed() != hash {
                    verified.find("request", format!("row {number} is not as it was stored"));
                }
            }
            progress(verified.requests, total.unsigned_abs());
        }
        if verified.findings.is_empty() && verified.requests != total.unsigned_abs() {
            verified.find("zone", "not every request is in one");
        }
        Ok(slices)
    }
}

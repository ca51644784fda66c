//! Many rows in full, one after the other, as fast as they can be read: without their ids, into requests that are
//! used again.

use hashbrown::HashMap;
use rusqlite::{Connection, params};

use super::StoreError;
use super::columns::Columns;
use super::profile::{self, Profile};
use super::stored::Stored;
use super::{parts, residual};
use crate::model::{RequestId, SessionKey, Timestamp};

/// Reads stretches of rows.
#[derive(Debug, Default)]
pub(super) struct DecidedRows {
    profiles: HashMap<i64, Profile>,
    rows: Vec<(i64, Stored)>,
}

impl DecidedRows {
    /// Reads the rows from `first` to `last`; all have the same empty id.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub(super) fn load(
        &mut self,
        connection: &Connection,
        first: i64,
        last: i64,
    ) -> Result<&[(i64, Stored)], StoreError> {
        self.load_columns(connection, first, last)?;
        parts::load(connection, &mut self.rows)?;
        self.load_residuals(connection, first, last)?;
        Ok(&self.rows)
    }

    fn load_columns(
        &mut self,
        connection: &Connection,
        first: i64,
        last: i64,
    ) -> Result<(), StoreError> {
        let mut select = connection.prepare_cached(
            "SELECT row,ts,session,profile,latency_us,ttft_us,input_tokens,output_tokens,cost_nano \
             FROM request WHERE row BETWEEN ?1 AND ?2 ORDER BY row",
        )?;
        let mut found = select.query(params![first, last])?;
        let mut len = 0;
        while let Some(row) = found.next()? {
            let mut numbers = [None; 5];
            for (column, number) in (4..).zip(&mut numbers) {
                *number = row.get(column)?;
            }
            let session: Option<i64> = row.get(2)?;
            let profile = self.profile(connection, row.get(3)?)?;
            let columns = Columns {
                ts: Timestamp(row.get(1)?),
                id: RequestId::Uuid([0; 16]),
                session: session.map(|key| SessionKey(key.cast_unsigned())),
                profile,
                numbers,
            };
            let request = columns.into_request();
            match self.rows.get_mut(len) {
                Some((number, stored)) => {
                    *number = row.get(0)?;
                    *stored.request = request;
                    stored.via_session = None;
                }
                None => self
                    .rows
                    .push((row.get(0)?, Stored::new(Box::new(request)))),
            }
            len += 1;
        }
        self.rows.truncate(len);
        Ok(())
    }

    /// Profiles are few and never change.
    fn profile(&mut self, connection: &Connection, number: i64) -> Result<Profile, StoreError> {
        if let Some(profile) = self.profiles.get(&number) {
            return Ok(*profile);
        }
        let sql = format!("SELECT {} FROM profile WHERE id=?1", profile::COLUMNS);
        let mut select = connection.prepare_cached(&sql)?;
        let profile = select.query_row([number], |row| Profile::read(row, 0))?;
        self.profiles.insert(number, profile);
        Ok(profile)
    }

    fn load_residuals(
        &mut self,
        connection: &Connection,
        first: i64,
        last: i64,
    ) -> Result<(), StoreError> {
        let mut patched: HashMap<i64, Vec<u8>> = HashMap::new();
        let mut patches = connection
            .prepare_cached("SELECT row,body FROM residual_patch WHERE row BETWEEN ?1 AND ?2")?;
        let mut found = patches.query(params![first, last])?;
        while let Some(row) = found.next()? {
            let body = row.get_ref(1)?.as_blob().unwrap_or_default();
            patched.insert(row.get(0)?, body.to_vec());
        }
        let mut blocks = connection.prepare_cached(residual::SELECT_BLOCKS)?;
        let mut found = blocks.query(params![first, last])?;
        let mut rows = self.rows.iter_mut().peekable();
        while let Some(row) = found.next()? {
            let start: i64 = row.get(0)?;
            let raw = residual::unpack_raw(row.get_ref(1)?.as_blob().unwrap_or_default())?;
            for (number, record) in (start..).zip(residual::records(&raw)) {
                let record = record?;
                while rows.next_if(|(row, _)| *row < number).is_some() {}
                let Some((_, stored)) = rows.next_if(|(row, _)| *row == number) else {
                    continue;
                };
                match patched.get(&number) {
                    Some(patch) => residual::fill(&mut stored.request, residual::unpatch(patch)?)?,
                    None => residual::fill(&mut stored.request, record)?,
                }
            }
        }
        Ok(())
    }
}

//! What many requests have in common, kept once and spoken of by one number in their rows.

use hashbrown::HashMap;
use rusqlite::{Connection, Row};

use super::StoreError;
use super::in_row::model_in_row;
use crate::model::{Flags, Name, Outcome, Request};

/// The columns of the table behind its number, in the order of the numbers of a [`Profile`].
pub(super) const COLUMNS: &str =
    "route,task_class,policy,rule,tier,reason,model,outcome,flags,attempts";
/// How many columns those are.
pub(super) const COLUMNS_LEN: usize = 10;

/// So many are recognised again, about 4 MiB of memory. Where there are more, one may stand in the table
/// twice, which costs a row and changes nothing.
const KNOWN_MAX: usize = 1 << 16;

/// The facts of a request that others share with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Profile([u32; COLUMNS_LEN]);

impl Profile {
    pub(super) fn of(request: &Request) -> Self {
        let id = |name: Option<Name>| name.map_or(0, Name::id);
        Self([
            id(request.route),
            id(request.task_class),
            id(request.policy),
            id(request.rule),
            id(request.tier),
            id(request.reason),
            id(model_in_row(request)),
            request.outcome.map_or(0, |outcome| outcome.code().into()),
            request.flags.0,
            u32::try_from(request.attempts.len()).unwrap_or(u32::MAX),
        ])
    }

    /// Reads one from [`COLUMNS`], the first of which is the column `at` of `row`.
    pub(super) fn read(row: &Row<'_>, at: usize) -> Result<Self, rusqlite::Error> {
        let mut numbers = [0; COLUMNS_LEN];
        for (column, number) in (at..).zip(&mut numbers) {
            *number = row.get(column)?;
        }
        Ok(Self(numbers))
    }

    /// Fills what it says of `request`; the model and the number of attempts, which tell no attempt by
    /// themselves, are returned.
    pub(super) fn fill(self, request: &mut Request) -> (Option<Name>, u32) {
        let [
            route,
            task_class,
            policy,
            rule,
            tier,
            reason,
            model,
            outcome,
            flags,
            attempts,
        ] = self.0;
        request.route = Name::try_from_id(route);
        request.task_class = Name::try_from_id(task_class);
        request.policy = Name::try_from_id(policy);
        request.rule = Name::try_from_id(rule);
        request.tier = Name::try_from_id(tier);
        request.reason = Name::try_from_id(reason);
        request.outcome = u8::try_from(outcome).ok().and_then(Outcome::try_from_code);
        request.flags = Flags(flags);
        (Name::try_from_id(model), attempts)
    }

    /// Returns its numbers.
    pub(super) fn numbers(&self) -> &[u32] {
        &self.0
    }
}

/// The numbers of the profiles seen lately.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    numbers: HashMap<Profile, i64>,
}

impl Profiles {
    /// Reads the newest profiles.
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let sql = format!("SELECT id,{COLUMNS} FROM profile ORDER BY id DESC LIMIT {KNOWN_MAX}");
        let mut select = connection.prepare(&sql)?;
        let found = select.query_map([], |row| Ok((Profile::read(row, 1)?, row.get(0)?)))?;
        Ok(Self {
            numbers: found.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the number of `profile`, which is put into the table unless it is known.
    pub(super) fn number(
        &mut self,
        connection: &Connection,
        profile: &Profile,
    ) -> Result<i64, StoreError> {
        if let Some(number) = self.numbers.get(profile) {
            return Ok(*number);
        }
        let marks = ["?"; COLUMNS_LEN].join(",");
        let sql = format!("INSERT INTO profile ({COLUMNS}) VALUES ({marks})");
        let number = connection
            .prepare_cached(&sql)?
            .insert(rusqlite::params_from_iter(profile.0))?;
        if self.numbers.len() >= KNOWN_MAX {
            self.numbers.clear();
        }
        self.numbers.insert(*profile, number);
        Ok(number)
    }
}

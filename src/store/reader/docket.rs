//! Which policy is in force for each of many decisions, and what it makes of them.

use hashbrown::HashMap;

use super::Reader;
use crate::model::{Name, Names, Request, Timestamp};
use crate::policy::{Judge, Policy, Recorded, Ruling, chain_of};
use crate::store::StoreError;
use crate::store::policies::is_policy_id;

/// Which policy is in force for a decision; the same as `policies::policy_in_force` finds for one of them.
pub(super) struct Docket<'p> {
    judges: Vec<Judge<'p>>,
    given_len: usize,
    by_name: HashMap<Name, Option<usize>>,
    /// From when to when policies with a known text were recorded, the latest first.
    times: Vec<(Timestamp, Timestamp, usize)>,
}

impl<'p> Docket<'p> {
    /// `policies`: those given, the newest last, then those kept, the newest first.
    fn new(policies: &'p [Policy], given_len: usize) -> Self {
        Self {
            judges: policies.iter().map(Judge::new).collect(),
            given_len,
            by_name: HashMap::new(),
            times: Vec::new(),
        }
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.judges
            .iter()
            .position(|judge| judge.policy().id() == id)
    }

    /// Returns the place of the policy, and whether another one was recorded or none.
    fn in_force(&mut self, request: &Request, names: &Names) -> Option<(usize, bool)> {
        let newest_given = self.given_len.checked_sub(1);
        let Some(name) = request.policy else {
            let at = |(from, to, _): &&(Timestamp, Timestamp, usize)| {
                (*from..=*to).contains(&request.ts)
            };
            let of_that_time = || self.times.iter().find(at).map(|time| time.2);
            let last = || (!self.judges.is_empty()).then_some(0);
            let place = newest_given.or_else(of_that_time).or_else(last);
            return place.map(|place| (place, true));
        };
        let id = names.text(name);
        let judges = &self.judges;
        let own = *self
            .by_name
            .entry(name)
            .or_insert_with(|| judges.iter().position(|judge| judge.policy().id() == id));
        if let Some(own) = own {
            return Some((own, false));
        }
        let last = || (is_policy_id(id) && !self.judges.is_empty()).then_some(0);
        newest_given.or_else(last).map(|place| (place, true))
    }

    /// Returns what the policy in force makes of a decision; `None` when none is known.
    pub(super) fn ruling(&mut self, request: &Request, names: &Names) -> Option<Ruling> {
        let (place, is_reconstructed) = self.in_force(request, names)?;
        let judge = self.judges.get_mut(place)?;
        let facts = judge.policy().facts_of(request, names);
        let chain = chain_of(request, names);
        let recorded = Recorded::of(request, names, &chain);
        Some(judge.ruling(&facts, &recorded, is_reconstructed))
    }

    /// Tells whether the policy in force does not allow one of the escalations.
    pub(super) fn refuses_a_step(&mut self, request: &Request, names: &Names) -> bool {
        let found = self.in_force(request, names);
        let Some(judge) = found.and_then(|(place, _)| self.judges.get(place)) else {
            return false;
        };
        let facts = judge.policy().facts_of(request, names);
        let steps = judge
            .policy()
            .check_steps(&facts, &chain_of(request, names));
        steps.iter().any(|step| step.is_allowed == Some(false))
    }
}

impl Reader {
    /// Returns which of `policies` is in force for which decision; those given come first in it, the newest last.
    pub(super) fn docket<'p>(&self, policies: &'p [Policy]) -> Result<Docket<'p>, StoreError> {
        let mut docket = Docket::new(policies, self.given.len());
        docket.times = self.times(&docket)?;
        Ok(docket)
    }

    fn times(&self, docket: &Docket<'_>) -> Result<Vec<(Timestamp, Timestamp, usize)>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT name,first_seen,last_seen FROM policy ORDER BY first_seen DESC",
        )?;
        let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let mut times = Vec::new();
        for row in found {
            let (name, first, last): (u32, i64, i64) = row?;
            let id = Name::try_from_id(name).map(|name| self.names.text(name));
            if let Some(place) = id.and_then(|id| docket.position(id)) {
                times.push((Timestamp(first), Timestamp(last), place));
            }
        }
        Ok(times)
    }
}

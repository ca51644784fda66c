//! A stored decision held against the policy in force.

use super::Reader;
use crate::model::{Names, Request};
use crate::policy::{Fact, Policy, Recorded, chain_of};
use crate::stats::{Judgement, Rate};
use crate::store::StoreError;
use crate::store::policies::{InForce, policy_in_force};
use crate::store::stored::Stored;

/// What a difference of two decimals may be off by: 0.67 is 0.05 from 0.62.
const ROUNDING: f64 = 1e-9;

impl Reader {
    /// Counts these policies as known, and as newer than any that the database keeps.
    pub fn know(&mut self, policies: Vec<Policy>) {
        self.given = policies;
        self.surveyed = None;
    }

    /// Judges a request; `sample` holds the latest requests of its route, with their signals.
    pub(super) fn judgement(
        &self,
        request: &Request,
        sample: &[Stored],
    ) -> Result<Judgement, StoreError> {
        let recorded = request.policy.map(|name| self.names.text(name));
        let found = policy_in_force(&self.connection, &self.given, recorded, request.ts)?;
        Ok(match found {
            InForce::Unknown(note) => Judgement::without_policy(vec![note], request.attempts.len()),
            InForce::Known {
                policy,
                is_reconstructed,
                note,
            } => {
                let chain = chain_of(request, &self.names);
                let facts = policy.facts_of(request, &self.names);
                let recorded = Recorded::of(request, &self.names, &chain);
                let mut judgement = policy.judge(&facts, &recorded, is_reconstructed);
                judgement.notes.splice(0..0, note);
                count_near(&policy, &mut judgement, sample, &self.names);
                judgement
            }
        })
    }
}

/// Counts for each flip over one line how many of the sample stand near that line.
fn count_near(policy: &Policy, judgement: &mut Judgement, sample: &[Stored], names: &Names) {
    for flip in &mut judgement.flips {
        let [change] = flip.changes.as_slice() else {
            continue;
        };
        let signal = policy.vocabulary().find(&change.signal);
        let width = signal.and_then(|signal| policy.near_width(signal));
        let (Some(signal), Some(width), Some((_, threshold))) = (signal, width, change.line) else {
            continue;
        };
        let (mut near, mut known) = (0, 0);
        for stored in sample {
            if let Fact::Number(value) = policy.facts_of(&stored.request, names).fact(signal) {
                known += 1;
                near += u64::from((value - threshold).abs() <= width + ROUNDING);
            }
        }
        flip.near = Some(Rate::new(near, known));
    }
}

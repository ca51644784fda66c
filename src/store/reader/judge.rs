//! A stored decision held against the policy in force.

use super::Reader;
use crate::model::{Names, Request};
use crate::policy::{Fact, Policy, Recorded, chain_of};
use crate::stats::{Judgement, Rate};
use crate::store::StoreError;
use crate::store::policies::{InForce, policy_in_force, recorded_at};

/// What a difference of two decimals may be off by: 0.67 is 0.05 from 0.62.
const ROUNDING: f64 = 1e-9;

impl Reader {
    /// Counts these policies as known, and as newer than any that the database keeps.
    pub fn know(&mut self, policies: Vec<Policy>) {
        self.given = policies;
        self.surveyed = None;
    }

    /// Judges a request; `peers` are earlier requests of its route, with their signals.
    pub(super) fn judgement(
        &self,
        request: &Request,
        peers: &[Request],
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
                if request.policy.is_none() && self.given.is_empty() {
                    judgement.notes.extend(self.rivals(request, &judgement)?);
                }
                count_near(&policy, &mut judgement, peers, &self.names);
                judgement
            }
        })
    }
}

impl Reader {
    /// Says what other policies of that time, of which one may have been in force, decide differently.
    fn rivals(&self, request: &Request, taken: &Judgement) -> Result<Vec<String>, StoreError> {
        let rivals = recorded_at(&self.connection, request.ts)?;
        let others = rivals
            .iter()
            .filter(|rival| Some(rival.id()) != taken.policy.as_deref());
        let notes = others.filter_map(|rival| {
            let facts = rival.facts_of(request, &self.names);
            let judgement = rival.judge(&facts, &Recorded::default(), true);
            let (tier, rule) = (judgement.tier?, judgement.decided_by?);
            let is_other = taken.tier.as_deref() != Some(tier.as_str());
            is_other.then(|| {
                format!(
                    "other decisions of that time record {} too, under which rule {rule} decides for {tier}",
                    rival.id()
                )
            })
        });
        Ok(notes.collect())
    }
}

/// Counts for each flip over one line how many of its peers stand near that line.
fn count_near(policy: &Policy, judgement: &mut Judgement, peers: &[Request], names: &Names) {
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
        for peer in peers {
            if let Fact::Number(value) = policy.facts_of(peer, names).fact(signal) {
                known += 1;
                near += u64::from((value - threshold).abs() <= width + ROUNDING);
            }
        }
        flip.near = Some(Rate::new(near, known));
    }
}

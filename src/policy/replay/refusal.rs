//! When there is too little evidence to estimate what would have become of the changed requests.

use std::fmt;

use super::sample::Changed;

/// So many changed requests must have run on their new tier.
pub const SUPPORT_MIN: u64 = 50;
/// So many requests of equal weight must the evidence be worth.
const EFFECTIVE_MIN: f64 = 30.0;
/// The most of the whole weight that one request may carry.
const SHARE_MAX: f64 = 0.1;
/// So many sessions must the changed requests come from.
const SESSIONS_MIN: usize = 10;
/// A tier that fewer than one in so many changed requests go to needs no support of its own, if it was ever seen.
const SMALL: u64 = 20;

/// Why nothing is estimated.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// No request goes elsewhere.
    NothingChanges,
    /// No request ran on a tier.
    NeverSeen {
        /// The tier.
        tier: String,
    },
    /// Too few changed requests ran on their new tier.
    TooFew {
        /// The tier.
        tier: String,
        /// How many ran there.
        supporting: u64,
        /// How many would go there.
        changed: u64,
        /// The chance with which such a request ran there, where that is known.
        chance: Option<f64>,
    },
    /// The weights are too different.
    TooUneven {
        /// The tier.
        tier: String,
        /// How many requests of equal weight would tell as much.
        effective: f64,
    },
    /// One request carries too much weight.
    OneRequest {
        /// The tier.
        tier: String,
        /// Its share of the weight.
        share: f64,
    },
    /// The changed requests come from too few sessions to tell how much they differ.
    FewSessions(usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingChanges => write!(f, "no request changes its tier"),
            Self::NeverSeen { tier } => {
                write!(f, "not enough evidence: no request ever ran on {tier}")
            }
            Self::TooFew {
                tier,
                supporting,
                changed,
                chance,
            } => {
                let more = SUPPORT_MIN.saturating_sub(*supporting);
                write!(
                    f,
                    "not enough evidence: {supporting} of {changed} changed requests ever ran on {tier}; \
                     {more} more such exploration requests are needed"
                )?;
                match chance.filter(|chance| *chance > 0.0) {
                    Some(chance) => write!(
                        f,
                        ", about {:.0} changed requests at a chance of {:.1} %",
                        f64::from(u32::try_from(more).unwrap_or(u32::MAX)) / chance,
                        100.0 * chance
                    ),
                    None => Ok(()),
                }
            }
            Self::TooUneven { tier, effective } => write!(
                f,
                "not enough evidence: the requests that ran on {tier} tell as much as {effective:.0} of equal weight, \
                 {EFFECTIVE_MIN:.0} are needed"
            ),
            Self::OneRequest { tier, share } => write!(
                f,
                "not enough evidence: one request that ran on {tier} carries {:.0} % of the weight",
                100.0 * share
            ),
            Self::FewSessions(sessions) => write!(
                f,
                "not enough evidence: the changed requests come from {sessions} sessions, {SESSIONS_MIN} are needed"
            ),
        }
    }
}

/// What is known of the changed requests of one new tier.
#[derive(Debug, Clone)]
pub(super) struct Support {
    pub(super) tier: String,
    /// How many would go there.
    pub(super) changed: u64,
    /// How many of them ran there.
    pub(super) supporting: u64,
    /// How many requests at all ran there.
    pub(super) seen: u64,
    /// Their weights, of those that are kept.
    pub(super) weights: Vec<f64>,
    /// The chance with which such a request ran there, where that is known.
    pub(super) chance: Option<f64>,
}

/// Refuses where the evidence is too thin; returns how many requests support the estimate.
pub(super) fn check(supports: &[Support], kept: &[Changed]) -> Result<u64, Refusal> {
    let changed: u64 = supports.iter().map(|support| support.changed).sum();
    if changed == 0 {
        return Err(Refusal::NothingChanges);
    }
    for support in supports.iter().filter(|support| support.changed > 0) {
        check_one(support, changed)?;
    }
    let mut sessions: Vec<u64> = kept.iter().map(|changed| changed.cluster).collect();
    sessions.sort_unstable();
    sessions.dedup();
    if sessions.len() < SESSIONS_MIN {
        return Err(Refusal::FewSessions(sessions.len()));
    }
    Ok(supports.iter().map(|support| support.supporting).sum())
}

fn check_one(support: &Support, changed: u64) -> Result<(), Refusal> {
    let tier = support.tier.clone();
    if support.seen == 0 {
        return Err(Refusal::NeverSeen { tier });
    }
    let is_small = support.changed.saturating_mul(SMALL) < changed;
    if support.supporting < SUPPORT_MIN && !is_small {
        return Err(Refusal::TooFew {
            tier,
            supporting: support.supporting,
            changed: support.changed,
            chance: support.chance,
        });
    }
    if is_small {
        return Ok(());
    }
    let total: f64 = support.weights.iter().sum();
    let squares: f64 = support.weights.iter().map(|weight| weight * weight).sum();
    let effective = if squares > 0.0 {
        total * total / squares
    } else {
        0.0
    };
    if effective < EFFECTIVE_MIN {
        return Err(Refusal::TooUneven { tier, effective });
    }
    let largest = support.weights.iter().copied().fold(0.0, f64::max);
    let share = largest / total;
    if share > SHARE_MAX {
        return Err(Refusal::OneRequest { tier, share });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn support(changed: u64, supporting: u64, weights: Vec<f64>) -> Support {
        Support {
            tier: "standard".to_owned(),
            changed,
            supporting,
            seen: 1_000,
            weights,
            chance: Some(0.04),
        }
    }

    #[test]
    fn thin_evidence_is_refused_with_what_is_missing() {
        let said = |support: &Support, all| check_one(support, all).unwrap_err().to_string();
        assert_eq!(
            said(&support(410, 16, vec![25.0; 16]), 410),
            "not enough evidence: 16 of 410 changed requests ever ran on standard; 34 more such exploration requests \
             are needed, about 850 changed requests at a chance of 4.0 %"
        );
        assert!(check_one(&support(410, 50, vec![25.0; 50]), 410).is_ok());
        let mut uneven = vec![1.0; 60];
        uneven.extend([50.0; 4]);
        assert!(said(&support(900, 64, uneven), 900).contains("as much as 7 of equal weight"));
        let mut one = vec![1.0; 300];
        one.push(40.0);
        assert!(
            said(&support(900, 301, one), 900)
                .contains("one request that ran on standard carries 12 %")
        );
        let unseen = Support {
            seen: 0,
            ..support(3, 0, Vec::new())
        };
        assert!(said(&unseen, 900).contains("no request ever ran on standard"));
        assert!(
            check_one(&support(3, 0, Vec::new()), 900).is_ok(),
            "a small tier leans on its strata"
        );
        assert_eq!(check(&[], &[]), Err(Refusal::NothingChanges));
        let fine = [support(410, 50, vec![25.0; 50])];
        assert_eq!(check(&fine, &[]), Err(Refusal::FewSessions(0)));
    }
}

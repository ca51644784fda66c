//! One decision in full: what was recorded, the chain, how it compares, what came of it.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Comparison, DirectStart, Judgement, SessionPlace};
use crate::model::{CorrectionBy, CorrectionKind, Micros, NanoUsd, Timestamp};

/// One attempt of the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Hop {
    /// Its 1-based place.
    pub n: usize,
    /// The model.
    pub model: Arc<str>,
    /// The tier.
    pub tier: Option<Arc<str>>,
    /// The provider.
    pub provider: Option<Arc<str>>,
    /// How it ended, as a word.
    pub outcome: &'static str,
    /// Why it was escalated or failed.
    pub reason: Option<Arc<str>>,
    /// When it started, counted from the request's arrival; estimated as the sum of the earlier
    /// attempts where the log has no start times. `None` when an earlier latency is unknown.
    pub offset: Option<Micros>,
    /// Its latency.
    pub latency: Option<Micros>,
    /// Its time to first token.
    pub ttft: Option<Micros>,
    /// Tokens sent.
    pub input_tokens: Option<u32>,
    /// Tokens received.
    pub output_tokens: Option<u32>,
    /// Its cost.
    pub cost: Option<NanoUsd>,
}

/// Everything known about one decision. Names are written out; unknown is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The request id.
    pub id: String,
    /// Arrival.
    pub ts: Timestamp,
    /// The route; `None`: only later facts are known.
    pub route: Option<Arc<str>>,
    /// `completed`, `failed`, `cancelled`, `open`, `lost`.
    pub state: &'static str,
    /// The number of the log's format in the registry of `format`.
    pub format: u8,
    /// The task class.
    pub task_class: Option<Arc<str>>,
    /// The policy id.
    pub policy: Option<Arc<str>>,
    /// The rule, as logged.
    pub rule: Option<Arc<str>>,
    /// The tier decided for, as logged.
    pub tier: Option<Arc<str>>,
    /// The model decided for, as logged; else that of the first attempt.
    pub model: Option<Arc<str>>,
    /// Why, as logged.
    pub reason: Option<Arc<str>>,
    /// The six signals in the order of the vocabulary and then the router's own: name and value in
    /// words; `None`: logged as null or absent (`is_logged` tells).
    pub signals: Vec<SignalRow>,
    /// The models weighed.
    pub candidates: Vec<CandidateRow>,
    /// The chance with which the tier was chosen.
    pub propensity: Option<f64>,
    /// Attributes by name.
    pub attrs: Vec<(Arc<str>, Arc<str>)>,
    /// The decision's provenance in the format's own terms: the text of one JSON object.
    pub recorded: Option<String>,
    /// The chain.
    pub attempts: Vec<Hop>,
    /// Latency as the caller saw it.
    pub latency: Option<Micros>,
    /// Time to the first token of the answer.
    pub ttft: Option<Micros>,
    /// Cost of all attempts.
    pub cost: Option<NanoUsd>,
    /// Whether a price table told some of the costs.
    pub is_cost_estimated: bool,
    /// Whether an escalation or fallback is known only from a hint in the log.
    pub has_hidden_attempts: bool,
    /// How it compares.
    pub normal: Comparison,
    /// What a start on the model that answered would have been like; `None`: it did start there.
    pub direct: Option<DirectStart>,
    /// Its place in its session; `None`: no session is logged.
    pub session: Option<SessionPlace>,
    /// The correction: kind, by whom, how long after the answer.
    pub correction: Option<(CorrectionKind, CorrectionBy, Option<Micros>)>,
    /// Whether its source carries corrections at all.
    pub corrections_known: bool,
    /// Facts of which a different account was seen.
    pub conflicts: Vec<String>,
    /// Whether a number in the log was broken and reads as unknown.
    pub has_bad_number: bool,
    /// Whether the time lies before 2000 or more than a day after it was read.
    pub has_odd_clock: bool,
    /// The file that holds its first line, and where the line starts.
    pub source: Option<(String, u64)>,
    /// What the policy says of it.
    pub judgement: Judgement,
}

impl Explanation {
    /// Returns time and cost up to the end of each attempt; `None` from the first unknown part on.
    pub fn running_totals(&self) -> Vec<(Option<Micros>, Option<NanoUsd>)> {
        let mut cost = Some(NanoUsd(0));
        let totals = self.attempts.iter().map(|hop| {
            cost = cost
                .zip(hop.cost)
                .map(|(sum, own)| NanoUsd(sum.0.saturating_add(own.0)));
            let end = hop.offset.zip(hop.latency);
            (end.map(|(offset, own)| offset.saturating_add(own)), cost)
        });
        totals.collect()
    }

    /// Returns the signals that the policy asks for and the log has no field for, beside those listed.
    pub fn unlisted(&self) -> impl Iterator<Item = &str> {
        let missing = self.judgement.missing.iter().map(String::as_str);
        missing.filter(|name| {
            *name != "task_class" && !self.signals.iter().any(|row| *row.name == **name)
        })
    }

    /// The most attempts that a page lists; a router gone wild makes thousands.
    pub const LISTED_MAX: usize = 64;

    /// Returns a model that was asked again after it had been escalated from to another: a loop.
    pub fn loop_over(&self) -> Option<&str> {
        let mut left: HashSet<&str> = HashSet::new();
        let mut before: Option<&Hop> = None;
        for hop in &self.attempts {
            if let Some(before) = before.filter(|before| before.model != hop.model) {
                if before.outcome == "escalated" {
                    left.insert(&before.model);
                }
                if left.contains(&*hop.model) {
                    return Some(&hop.model);
                }
            }
            before = Some(hop);
        }
        None
    }
}

/// One model weighed: its name, its score, why it was not taken.
pub type CandidateRow = (Arc<str>, Option<f64>, Option<Arc<str>>);

/// One signal of the decision.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalRow {
    /// The event's own name, e.g. `retrieval_confidence`.
    pub name: Arc<str>,
    /// The value in words; `None`: unknown.
    pub value: Option<String>,
    /// Whether the log has the field at all.
    pub is_logged: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(hops: &[(&str, &'static str)]) -> Explanation {
        let attempts = hops.iter().enumerate().map(|(idx, (model, outcome))| Hop {
            n: idx + 1,
            model: Arc::from(*model),
            tier: None,
            provider: None,
            outcome,
            reason: None,
            offset: None,
            latency: None,
            ttft: None,
            input_tokens: None,
            output_tokens: None,
            cost: None,
        });
        Explanation {
            id: String::new(),
            ts: Timestamp(0),
            route: None,
            state: "completed",
            format: 1,
            task_class: None,
            policy: None,
            rule: None,
            tier: None,
            model: None,
            reason: None,
            signals: Vec::new(),
            candidates: Vec::new(),
            propensity: None,
            attrs: Vec::new(),
            recorded: None,
            attempts: attempts.collect(),
            latency: None,
            ttft: None,
            cost: None,
            is_cost_estimated: false,
            has_hidden_attempts: false,
            normal: Comparison::default(),
            direct: None,
            session: None,
            correction: None,
            corrections_known: false,
            conflicts: Vec::new(),
            has_bad_number: false,
            has_odd_clock: false,
            source: None,
            judgement: Judgement::without_policy(Vec::new(), hops.len()),
        }
    }

    #[test]
    fn only_a_way_back_after_an_escalation_is_a_loop() {
        let escalated = "escalated";
        for (hops, found) in [
            (
                &[("a", escalated), ("b", escalated), ("a", "ok")][..],
                Some("a"),
            ),
            (
                &[
                    ("a", escalated),
                    ("b", escalated),
                    ("c", escalated),
                    ("b", "ok"),
                ],
                Some("b"),
            ),
            (&[("a", escalated), ("a", "ok")], None),
            (&[("a", "error"), ("b", "error"), ("a", "ok")], None),
            (&[("a", escalated), ("b", "ok")], None),
            (&[], None),
        ] {
            assert_eq!(chain(hops).loop_over(), found, "{hops:?}");
        }
    }
}

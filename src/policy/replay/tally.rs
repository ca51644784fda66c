//! Deciding stored requests again, one by one, and counting what follows.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::estimate::{Evidence, Known, Method};
use super::outcome::{Outcomes, Sums};
use super::places::{Past, Places};
use super::price::{Call, Prices};
use super::refusal::{Refusal, Support, check};
use super::result::{ClassCount, RecordedCounts, Replayed, UndecidableCount};
use super::sample::{Changed, Sample, spread};
use super::sessions::Sessions;
use super::strata::{Means, Strata, Stratum};
use crate::model::{Name, Names, NanoUsd, Request};
use crate::policy::facts::Facts;
use crate::policy::policy::Policy;
use crate::policy::recorded::{Recorded, chain_of};
use crate::policy::rule::TierIdx;
use crate::policy::verdict::{Judge, Ruling};
use crate::policy::vocabulary::SESSION_FALLBACKS;
use crate::stats::{Drift, Histogram, Verdict};

/// The heaviest that one request may weigh.
const WEIGHT_MAX: f64 = 50.0;

/// Decides stored requests by an edited policy.
#[derive(Debug)]
pub struct Replay<'p> {
    edited: Judge<'p>,
    known: Vec<Judge<'p>>,
    by_id: HashMap<Name, Option<usize>>,
    /// The tiers of the edited policy that each model counts as.
    by_model: HashMap<Name, SmallVec<[TierIdx; 2]>>,
    follows_sessions: bool,
    tally: Tally,
}

/// What was counted; parts may be merged.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    requests: u64,
    recorded: RecordedCounts,
    undecidable: HashMap<Vec<TierIdx>, u64>,
    places: Places,
    /// By class: all requests, and the changed ones.
    classes: HashMap<Option<Name>, (u64, u64)>,
    /// By new tier: changed requests, and those of them that ran there.
    there: HashMap<TierIdx, (u64, u64)>,
    strata: Strata,
    prices: Prices,
    sample: Sample,
    sessions: Option<Sessions>,
    all: Sums,
    changed: Sums,
    latency: Histogram,
    changed_latency: u64,
}

/// What is known of one request once it is decided again.
struct Decided<'r> {
    request: &'r Request,
    stratum: Stratum,
    went: Outcomes,
    cluster: u64,
}

impl<'p> Replay<'p> {
    /// Starts a replay of `edited` over requests that were decided by some of the `known` policies.
    pub fn new(edited: &'p Policy, known: &'p [Policy]) -> Self {
        let follows_sessions = std::iter::once(edited)
            .chain(known)
            .any(|policy| policy.asked().contains(&SESSION_FALLBACKS));
        Self {
            edited: Judge::new(edited),
            known: known.iter().map(Judge::new).collect(),
            by_id: HashMap::new(),
            by_model: HashMap::new(),
            follows_sessions,
            tally: Tally {
                sessions: follows_sessions.then(Sessions::default),
                ..Tally::default()
            },
        }
    }

    /// Returns what was counted.
    pub fn into_tally(self) -> Tally {
        self.tally
    }

    /// Decides a request; `row` is a number of its own.
    pub fn add(&mut self, row: u64, request: &Request, names: &Names) {
        let policy = self.edited.policy();
        let facts = policy.facts_of(request, names);
        let chain = chain_of(request, names);
        let recorded = Recorded::of(request, names, &chain);
        let decided = Decided {
            request,
            stratum: Stratum::of(request, names),
            went: Outcomes::of(request),
            cluster: request
                .session
                .map_or_else(|| spread(row), |session| session.0),
        };
        let old = self.rule_on_recorded(request, &facts, &recorded, names);
        self.count(&decided, names);
        let Some(rule) = self.edited.deciding(&facts) else {
            let tiers = self.edited.possible_tiers(&facts);
            *self.tally.undecidable.entry(tiers).or_default() += 1;
            self.follow(request, false);
            return;
        };
        let tier = policy.tier_of_rule(rule);
        let past = match old {
            Some((
                policy,
                Ruling {
                    rule: Some(rule), ..
                },
            )) => Past::Ruled { policy, rule },
            _ => Past::Logged {
                tier: request.tier.or(first_model(request)),
                rule: request.rule,
            },
        };
        let is_changed = self.moves_to(past, tier, request, names);
        self.follow(request, is_changed);
        self.tally.places.add(past, rule, is_changed);
        if is_changed {
            self.count_changed(&decided, tier, old, &recorded, names);
        }
    }

    /// Rules on a decision by the policy that it names, where the text is known.
    fn rule_on_recorded(
        &mut self,
        request: &Request,
        facts: &Facts<'_>,
        recorded: &Recorded<'_>,
        names: &Names,
    ) -> Option<(usize, Ruling)> {
        let counts = &mut self.tally.recorded;
        let known = &self.known;
        let place = request.policy.and_then(|id| {
            *self.by_id.entry(id).or_insert_with(|| {
                let id = names.text(id);
                known.iter().position(|judge| judge.policy().id() == id)
            })
        });
        let Some((place, judge)) =
            place.and_then(|place| Some((place, self.known.get_mut(place)?)))
        else {
            counts.unknown_policy += 1;
            return None;
        };
        let ruling = if judge.policy().vocabulary() == self.edited.policy().vocabulary() {
            judge.ruling(facts, recorded, false)
        } else {
            let policy = judge.policy();
            judge.ruling(&policy.facts_of(request, names), recorded, false)
        };
        match (ruling.drift, ruling.verdict) {
            (Some(Drift::Model), _) => counts.drift_model += 1,
            (Some(Drift::Rule), _) => counts.drift_rule += 1,
            (None, Verdict::Explore) => counts.explore += 1,
            (None, Verdict::Undecidable | Verdict::NoPolicy) => counts.undecidable += 1,
            (None, _) => counts.agrees += 1,
        }
        Some((place, ruling))
    }

    /// Counts what every request tells: how it went on the tier that it ran on, and prices.
    fn count(&mut self, decided: &Decided<'_>, names: &Names) {
        let request = decided.request;
        let tally = &mut self.tally;
        tally.requests += 1;
        tally.classes.entry(request.task_class).or_default().0 += 1;
        for (sum, value) in tally.all.iter_mut().zip(decided.went.values) {
            sum.add(value);
        }
        if let Some(latency) = decided.went.latency {
            tally.latency.record(latency);
        }
        for attempt in &request.attempts {
            if let Some(call) = call(attempt.input_tokens, attempt.output_tokens, attempt.cost) {
                tally.prices.add(attempt.model, call);
            }
        }
        let Some(model) = first_model(request) else {
            return;
        };
        let policy = self.edited.policy();
        let tiers = self
            .by_model
            .entry(model)
            .or_insert_with(|| policy.tiers_of(names.text(model)).collect());
        let output = request
            .first_attempt()
            .and_then(|attempt| attempt.output_tokens);
        for tier in tiers.iter() {
            tally
                .strata
                .add(decided.stratum, *tier, &decided.went, output);
        }
    }

    /// Tells whether a request that went there would run on another model in `tier`.
    fn moves_to(&self, past: Past, tier: TierIdx, request: &Request, names: &Names) -> bool {
        let edited = self.edited.policy();
        if let Past::Ruled { policy, rule } = past
            && let Some(judge) = self.known.get(policy)
        {
            let old = judge.policy();
            let models = old
                .tiers()
                .get(old.tier_of_rule(rule))
                .map(|tier| &tier.models);
            return models
                .is_some_and(|models| !models.iter().any(|model| edited.is_model_of(tier, model)));
        }
        match (first_model(request), request.tier) {
            (Some(model), _) => !edited.is_model_of(tier, names.text(model)),
            (None, Some(old)) => names.text(old) != edited.tier_name(tier),
            (None, None) => false,
        }
    }

    fn follow(&mut self, request: &Request, is_changed: bool) {
        if self.follows_sessions
            && let (Some(sessions), Some(session)) = (&mut self.tally.sessions, request.session)
        {
            sessions.add(session.0, is_changed);
        }
    }

    fn count_changed(
        &mut self,
        decided: &Decided<'_>,
        tier: TierIdx,
        old: Option<(usize, Ruling)>,
        recorded: &Recorded<'_>,
        names: &Names,
    ) {
        let request = decided.request;
        let model = first_model(request).map(|model| names.text(model));
        let is_there = model.is_some_and(|model| self.edited.policy().is_model_of(tier, model));
        let weight = if is_there {
            self.weight(request, old, recorded)
        } else {
            0.0
        };
        let tally = &mut self.tally;
        tally.classes.entry(request.task_class).or_default().1 += 1;
        let there = tally.there.entry(tier).or_default();
        there.0 += 1;
        // One that drifted there tells nothing of chances.
        there.1 += u64::from(is_there && weight != 0.0);
        for (sum, value) in tally.changed.iter_mut().zip(decided.went.values) {
            sum.add(value);
        }
        tally.changed_latency += u64::from(decided.went.latency.is_some());
        if !is_there
            && let Some(first) = request.first_attempt()
            && let Some(call) = call(first.input_tokens, first.output_tokens, first.cost)
        {
            tally.prices.add_moved(decided.stratum.class(), tier, call);
        }
        tally.sample.push(Changed {
            stratum: decided.stratum,
            cluster: decided.cluster,
            tier,
            is_there,
            weight,
            values: decided.went.values,
            latency: decided.went.latency,
        });
    }

    /// One over the chance with which a request got to a tier that is not that of its rule: as logged, else half of
    /// what its policy explores.
    #[expect(clippy::cast_possible_truncation, reason = "at most 50")]
    fn weight(
        &self,
        request: &Request,
        old: Option<(usize, Ruling)>,
        recorded: &Recorded<'_>,
    ) -> f32 {
        if old.is_some_and(|(_, ruling)| ruling.drift.is_some()) {
            return 0.0;
        }
        let explored = || {
            let policy = self.known.get(old?.0)?.policy();
            policy
                .explore()
                .filter(|_| recorded.is_explored())
                .map(|explore| explore.share / 2.0)
        };
        let chance = request.propensity.or_else(explored);
        match chance {
            Some(chance) if chance > 0.0 && chance <= 1.0 => (1.0 / chance).min(WEIGHT_MAX) as f32,
            _ => f32::NAN,
        }
    }
}

/// The model asked first, else the one decided for.
fn first_model(request: &Request) -> Option<Name> {
    request
        .first_attempt()
        .map(|first| first.model)
        .or(request.model)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "costs stay far below 2^52 nano-dollars"
)]
fn call(input: Option<u32>, output: Option<u32>, cost: Option<NanoUsd>) -> Option<Call> {
    Some(Call {
        input: f64::from(input?),
        output: f64::from(output?),
        cost: cost?.0 as f64 / 1e9,
    })
}

impl Tally {
    /// Adds what was counted of the requests after these.
    pub fn merge(&mut self, later: Self) {
        self.requests += later.requests;
        self.recorded.merge(later.recorded);
        for (tiers, count) in later.undecidable {
            *self.undecidable.entry(tiers).or_default() += count;
        }
        self.places.merge(later.places);
        for (class, counts) in later.classes {
            let into = self.classes.entry(class).or_default();
            (into.0, into.1) = (into.0 + counts.0, into.1 + counts.1);
        }
        for (tier, counts) in later.there {
            let into = self.there.entry(tier).or_default();
            (into.0, into.1) = (into.0 + counts.0, into.1 + counts.1);
        }
        self.strata.merge(&later.strata);
        self.prices.merge(&later.prices);
        self.sample.merge(later.sample);
        match (&mut self.sessions, later.sessions) {
            (Some(sessions), Some(later)) => sessions.merge(later),
            (none, later) => *none = none.take().or(later),
        }
        super::outcome::merge_sums(&mut self.all, &later.all);
        super::outcome::merge_sums(&mut self.changed, &later.changed);
        self.latency.merge(&later.latency);
        self.changed_latency += later.changed_latency;
    }

    /// Tells what follows; `edited`, `known` and `names` are those of the replay.
    pub fn finish(mut self, edited: &Policy, known: &[Policy], names: &Names) -> Replayed {
        let means = std::mem::take(&mut self.strata).sum_up();
        let priced = self.prices.bracket(edited, names, &means);
        let estimated = self.estimate(edited, &means);
        let (tiers, rules) = self.places.moves(edited, known, names);
        let split = self.places.split(edited, known, names);
        let mut undecidable: Vec<UndecidableCount> = self
            .undecidable
            .iter()
            .map(|(tiers, requests)| UndecidableCount {
                tiers: tiers
                    .iter()
                    .map(|tier| edited.tier_name(*tier).to_owned())
                    .collect(),
                requests: *requests,
            })
            .collect();
        undecidable.sort_by(|a, b| (b.requests, &a.tiers).cmp(&(a.requests, &b.tiers)));
        let mut classes: Vec<ClassCount> = self
            .classes
            .iter()
            .map(|(class, (requests, changed))| ClassCount {
                class: class
                    .map_or("(not logged)", |class| names.text(class))
                    .to_owned(),
                requests: *requests,
                changed: *changed,
            })
            .collect();
        classes.sort_by(|a, b| (b.changed, &a.class).cmp(&(a.changed, &b.class)));
        Replayed {
            policy: edited.id().to_owned(),
            requests: self.requests,
            undecidable,
            recorded: self.recorded,
            changed: self.there.values().map(|counts| counts.0).sum(),
            split,
            tiers,
            rules,
            classes,
            priced,
            estimated,
            later_in_session: self.sessions.map(|sessions| sessions.later()),
        }
    }

    fn estimate(
        &self,
        edited: &Policy,
        means: &Means,
    ) -> Result<super::estimate::Estimated, Refusal> {
        let kept = self.sample.kept();
        let is_weighted = |changed: &&Changed| changed.is_there && changed.weight > 0.0;
        let weighted = kept.iter().filter(is_weighted).count();
        let unweighted = kept
            .iter()
            .filter(|changed| changed.weight.is_nan())
            .count();
        let method = if weighted > 0 && weighted >= unweighted {
            Method::DoublyRobust
        } else {
            Method::MatchedStrata
        };
        let mut tiers: Vec<(&TierIdx, &(u64, u64))> = self.there.iter().collect();
        tiers.sort_unstable();
        let supports: Vec<Support> = tiers
            .into_iter()
            .map(|(tier, (changed, supporting))| {
                let own = kept.iter().filter(|changed| changed.tier == *tier);
                let weights: Vec<f64> = own
                    .filter(|changed| changed.is_there && changed.weight != 0.0)
                    .map(|changed| match method {
                        Method::DoublyRobust if !changed.weight.is_nan() => changed.weight.into(),
                        _ => 1.0,
                    })
                    .collect();
                let known = weights.iter().copied().filter(|weight| *weight > 1.0);
                Support {
                    tier: edited.tier_name(*tier).to_owned(),
                    changed: *changed,
                    supporting: *supporting,
                    seen: means.tier(*tier).map_or(0, super::strata::Ran::len),
                    chance: known.reduce(f64::max).map(|weight| 1.0 / weight),
                    weights,
                }
            })
            .collect();
        let supporting = check(&supports, kept)?;
        let mut known = [Known::default(); 4];
        for (known, (all, changed)) in known.iter_mut().zip(self.all.iter().zip(&self.changed)) {
            (known.all, known.changed) = (all.n, changed.n);
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let known_latency = Known {
            all: self.latency.count() as f64,
            changed: self.changed_latency as f64,
        };
        let evidence = Evidence {
            method,
            kept,
            means,
            known,
            known_latency,
            latency: &self.latency,
        };
        Ok(evidence.estimate(supporting, self.sample.one_in()))
    }
}

//! Decisions of a window held against the policies in force.
//!
//! They are judged when they are asked for, not when they are stored: a policy may become known later, signals differ
//! from row to row, and ingest pays nothing. Of a window with more rows than a question allows every so-manieth
//! stretch of 512 is looked at, spread over the whole of it, and the answer says so.

use std::sync::Arc;

use hashbrown::HashMap;

use super::Reader;
use super::docket::Docket;
use super::replay::Stretch;
use crate::model::{Micros, Name, Names, Request, Timestamp, Window};
use crate::stats::{
    Drift, DriftCounts, DriftRow, DriftSurvey, Filter, PolicyRow, PolicyText, Query, Rate, Span,
    Verdict,
};
use crate::store::StoreError;
use crate::store::decided::DecidedRows;
use crate::store::rollups::route_of;

/// How many steps a trend has.
const STEPS: usize = 30;
/// How many rows a stretch has at the most.
const STRETCH_LEN: u64 = 512;
/// An answer is given again for so long, while the question is the same: live pages ask many times a second.
const FRESH: Micros = Micros::SECOND.times(5);

/// An answer with what it answers.
#[derive(Debug, Clone)]
pub(super) struct Surveyed {
    span: Span,
    rows_max: u64,
    filter: Filter,
    at: Timestamp,
    survey: Arc<DriftSurvey>,
}

impl Reader {
    /// Surveys the window; `None` when no policy is known or it was not asked for.
    pub(super) fn drift(
        &mut self,
        window: Window,
        query: &Query,
    ) -> Result<Option<Arc<DriftSurvey>>, StoreError> {
        if query.drift_rows_max == 0 {
            return Ok(None);
        }
        if let Some(known) = &self.surveyed
            && known.span == query.span
            && known.rows_max == query.drift_rows_max
            && known.filter == query.filter
            && known.at <= query.now
            && query.now.since(known.at) < FRESH
        {
            return Ok(Some(Arc::clone(&known.survey)));
        }
        let policies = self.policies()?;
        if policies.is_empty() {
            return Ok(None);
        }
        let mut docket = self.docket(&policies)?;
        let stretches = self.stretches(window)?;
        let most =
            usize::try_from(query.drift_rows_max.div_ceil(STRETCH_LEN)).unwrap_or(usize::MAX);
        let one_in = stretches.len().div_ceil(most).max(1);
        let survey = Arc::new(self.survey(window, query, (&stretches, one_in), &mut docket)?);
        self.surveyed = Some(Surveyed {
            span: query.span,
            rows_max: query.drift_rows_max,
            filter: query.filter.clone(),
            at: query.now,
            survey: Arc::clone(&survey),
        });
        Ok(Some(survey))
    }

    fn survey(
        &self,
        window: Window,
        query: &Query,
        (stretches, one_in): (&[Stretch], usize),
        docket: &mut Docket<'_>,
    ) -> Result<DriftSurvey, StoreError> {
        let step = Micros((window.len().0 / STEPS as u64).max(1));
        let empty = || DriftRow {
            trend: vec![Rate::default(); STEPS],
            ..DriftRow::default()
        };
        let mut routes: HashMap<i64, DriftRow> = HashMap::new();
        let mut policies: HashMap<Option<Name>, DriftCounts> = HashMap::new();
        let mut rows = DecidedRows::default();
        let asked = self.policies_for(&query.filter)?;
        let mut sieve = self.sieve(&query.filter, query.now, &asked)?;
        for stretch in stretches.iter().rev().step_by(one_in) {
            self.go_on()?;
            let sifted;
            let found = if query.filter.is_empty() {
                rows.load(&self.connection, stretch.first, stretch.last)?
            } else {
                sifted = sieve.load_whole(self, *stretch)?;
                &sifted
            };
            for (_, stored) in found {
                let request = &stored.request;
                if !window.contains(request.ts) {
                    continue;
                }
                let one = judged(request, &self.names, docket);
                policies.entry(request.policy).or_default().merge(&one);
                let row = routes.entry(route_of(request)).or_insert_with(empty);
                row.counts.merge(&one);
                let at = usize::try_from(request.ts.since(window.from).0 / step.0).unwrap_or(STEPS);
                if let Some(rate) = row.trend.get_mut(at.min(STEPS - 1)) {
                    let one = one.rate();
                    rate.numerator += one.numerator;
                    rate.denominator += one.denominator;
                }
            }
        }
        let mut total = DriftRow {
            route: Arc::from("all"),
            ..empty()
        };
        let mut named = Vec::with_capacity(routes.len());
        for (route, mut row) in routes {
            total.counts.merge(&row.counts);
            for (sum, rate) in total.trend.iter_mut().zip(&row.trend) {
                sum.numerator += rate.numerator;
                sum.denominator += rate.denominator;
            }
            row.route = self.route_name(route);
            named.push(row);
        }
        named.sort_by(|a, b| a.route.cmp(&b.route));
        let mut policies: Vec<_> = policies
            .into_iter()
            .map(|(name, counts)| (name.map(|name| self.names.shared(name)), counts))
            .collect();
        policies.sort_by(|a, b| (b.1.seen(), &a.0).cmp(&(a.1.seen(), &b.0)));
        Ok(DriftSurvey {
            from: window.from,
            step,
            one_in: one_in as u64,
            total,
            routes: named,
            policies,
        })
    }

    /// Lists the policies that decisions record or whose text is known, those with most decisions in the window first.
    pub(super) fn policy_rows(
        &mut self,
        survey: Option<&DriftSurvey>,
    ) -> Result<Vec<PolicyRow>, StoreError> {
        let mut rows: Vec<PolicyRow> = Vec::new();
        {
            let mut select = self
                .connection
                .prepare_cached("SELECT name,first_seen,last_seen,requests FROM policy")?;
            let mut found = select.query([])?;
            while let Some(row) = found.next()? {
                let id =
                    Name::try_from_id(row.get(0)?).map(|name| self.names.text(name).to_owned());
                rows.push(PolicyRow {
                    id: id.unwrap_or_default(),
                    seen: Some((Timestamp(row.get(1)?), Timestamp(row.get(2)?))),
                    requests: row.get::<_, i64>(3)?.unsigned_abs(),
                    ..PolicyRow::default()
                });
            }
        }
        for policy in self.policies()? {
            let text = self
                .texts
                .entry(policy.id().to_owned())
                .or_insert_with(|| PolicyText {
                    prose: policy.prose(),
                    warnings: policy
                        .lints()
                        .into_iter()
                        .map(|lint| lint.message)
                        .collect(),
                });
            let text = Some(text.clone());
            match rows.iter_mut().find(|row| row.id == policy.id()) {
                Some(row) => row.text = text,
                None => rows.push(PolicyRow {
                    id: policy.id().to_owned(),
                    text,
                    ..PolicyRow::default()
                }),
            }
        }
        for (id, counts) in survey.iter().flat_map(|survey| &survey.policies) {
            if let Some(row) = rows
                .iter_mut()
                .find(|row| Some(row.id.as_str()) == id.as_deref())
            {
                row.counts = *counts;
            }
        }
        rows.sort_by(|a, b| {
            let weight = |row: &PolicyRow| (row.counts.seen(), row.requests);
            weight(b).cmp(&weight(a)).then_with(|| a.id.cmp(&b.id))
        });
        Ok(rows)
    }
}

/// Judges one decision.
pub(super) fn judged(request: &Request, names: &Names, docket: &mut Docket<'_>) -> DriftCounts {
    let mut counts = DriftCounts::default();
    let Some(ruling) = docket.ruling(request, names) else {
        counts.unknown = 1;
        return counts;
    };
    let (verdict, drift) = (ruling.verdict, ruling.drift);
    match verdict {
        Verdict::Undecidable => counts.undecidable = 1,
        Verdict::NoPolicy => counts.unknown = 1,
        _ => counts.judged = 1,
    }
    counts.explored = u64::from(verdict == Verdict::Explore);
    counts.pinned = u64::from(verdict == Verdict::Pinned);
    counts.model = u64::from(drift == Some(Drift::Model));
    counts.rule = u64::from(drift == Some(Drift::Rule));
    if counts.judged > 0 && request.is_escalated() {
        counts.escalation = u64::from(docket.refuses_a_step(request, names));
    }
    counts
}

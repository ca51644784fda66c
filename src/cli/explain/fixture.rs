//! An explanation with something of everything, every foreign text of it chosen by the test.

use std::sync::Arc;

use crate::cli::report::fixture::NOW;
use crate::model::{CorrectionBy, CorrectionKind, Micros, NanoUsd};
use crate::policy::{ChainLink, Policy, Recorded};
use crate::stats::{
    Alike, Comparison, DirectStart, Explanation, Hop, Judgement, SessionPlace, SignalRow,
};

pub(super) fn explanation(name: &str) -> Explanation {
    let text: Option<Arc<str>> = Some(Arc::from(name));
    Explanation {
        id: name.to_owned(),
        ts: NOW,
        route: text.clone(),
        state: "completed",
        format: 0,
        task_class: text.clone(),
        policy: text.clone(),
        rule: text.clone(),
        tier: text.clone(),
        model: text.clone(),
        reason: text,
        signals: vec![
            SignalRow {
                name: Arc::from("retrieval_confidence"),
                value: Some("0.58".into()),
                is_logged: true,
            },
            SignalRow {
                name: Arc::from(name),
                value: Some(name.to_owned()),
                is_logged: true,
            },
        ],
        candidates: Vec::new(),
        propensity: None,
        attrs: vec![(Arc::from(name), Arc::from(name))],
        recorded: Some(serde_json::json!({"score": 0.42, "name": name}).to_string()),
        attempts: vec![hop(name)],
        latency: Some(Micros(1_920_000)),
        ttft: None,
        cost: Some(NanoUsd(4_100_000)),
        is_cost_estimated: true,
        has_hidden_attempts: false,
        normal: Comparison {
            compared_with: 7,
            ..Comparison::default()
        },
        direct: Some(DirectStart {
            model: Arc::from(name),
            latency: Some(Micros(2_000_000)),
            cost: Some(NanoUsd(3_000_000)),
            compared_with: 64,
            alike: Alike::default(),
        }),
        session: Some(SessionPlace {
            place: 9,
            of: 12,
            other_corrections: 2,
        }),
        correction: Some((
            CorrectionKind::Regenerate,
            CorrectionBy::User,
            Some(Micros::SECOND.times(192)),
        )),
        corrections_known: true,
        conflicts: vec![name.to_owned()],
        has_bad_number: false,
        has_odd_clock: false,
        source: Some((name.to_owned(), 12)),
        judgement: judgement(name),
    }
}

fn hop(name: &str) -> Hop {
    let text: Option<Arc<str>> = Some(Arc::from(name));
    Hop {
        n: 1,
        model: Arc::from(name),
        tier: text.clone(),
        provider: text.clone(),
        outcome: "escalated",
        reason: text,
        offset: Some(Micros(0)),
        latency: Some(Micros(1_920_000)),
        ttft: None,
        input_tokens: None,
        output_tokens: None,
        cost: Some(NanoUsd(4_100_000)),
    }
}

/// A decision of the essay's policy whose class, rule and models are the text of the test.
fn judgement(name: &str) -> Judgement {
    let policy = Policy::parse(include_str!("../../../assets/policies/essay.route")).unwrap();
    let facts = policy
        .facts()
        .with("task_class", "grounded_answer")
        .with("user_tier", name)
        .with("retrieval_confidence", 0.58)
        .with("input_complexity", None::<f64>)
        .with("session_fallbacks", 0_u32);
    let link = ChainLink {
        model: name,
        tier: Some("standard"),
        outcome: crate::model::AttemptOutcome::Escalated,
        reason: Some(name),
    };
    let recorded = Recorded {
        rule: Some(name),
        model: Some(name),
        chain: &[link, link],
        ..Recorded::default()
    };
    let mut judgement = policy.judge(&facts, &recorded, true);
    judgement.missing.push("toxicity".to_owned());
    judgement
}

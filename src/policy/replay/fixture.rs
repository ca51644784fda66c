//! Replays for the tests of how they are shown.

use super::{
    ClassCount, Estimate, Estimated, Method, Move, Priced, RecordedCounts, Refusal, Replayed,
    TierCount, UndecidableCount,
};

/// One with everything.
pub fn estimated() -> Replayed {
    let one = |from: &str, to: &str, requests| Move {
        from: from.to_owned(),
        to: to.to_owned(),
        requests,
    };
    let tier = |tier: &str, went, would_go| TierCount {
        tier: tier.to_owned(),
        went,
        would_go,
    };
    Replayed {
        policy: "essay@2#0123456789ab".to_owned(),
        requests: 10_000,
        undecidable: vec![UndecidableCount {
            tiers: vec!["fast".to_owned(), "standard".to_owned()],
            requests: 12,
        }],
        recorded: RecordedCounts {
            agrees: 9_000,
            explore: 700,
            drift_rule: 3,
            drift_model: 72,
            unknown_policy: 200,
            undecidable: 25,
        },
        changed: 410,
        split: vec![tier("fast", 6_410, 6_000), tier("standard", 3_578, 3_988)],
        tiers: vec![one("fast", "standard", 410)],
        rules: vec![one("well-grounded", "thin-evidence", 410)],
        classes: vec![
            ClassCount {
                class: "grounded_answer".to_owned(),
                requests: 1_598,
                changed: 410,
            },
            ClassCount {
                class: "planning".to_owned(),
                requests: 8_402,
                changed: 0,
            },
        ],
        priced: Ok(Priced {
            requests: 380,
            low_usd: 1.2,
            high_usd: 3.4,
        }),
        estimated: Ok(figures()),
        later_in_session: Some(1_204),
    }
}

fn figures() -> Estimated {
    let estimate = |value| Estimate {
        value,
        low: value - 0.01,
        high: value + 0.01,
    };
    Estimated {
        method: Method::DoublyRobust,
        supporting: 64,
        one_session_in: 1,
        first_pass: Some(estimate(0.02)),
        escalation: Some(estimate(-0.03)),
        correction: None,
        cost_usd: Some(Estimate {
            value: 0.0011,
            low: 0.0009,
            high: 0.0013,
        }),
        latency_p50_ms: Some(Estimate {
            value: 120.0,
            low: 80.0,
            high: 160.4,
        }),
    }
}

/// One with too little evidence, and no price.
pub fn refused() -> Replayed {
    Replayed {
        priced: Err("no changed request has known tokens and cost".to_owned()),
        estimated: Err(Refusal::TooFew {
            tier: "standard".to_owned(),
            supporting: 16,
            changed: 410,
            chance: Some(0.04),
        }),
        later_in_session: None,
        ..estimated()
    }
}

//! What rates hide, in words: for the route page and for reports.

use crate::app::units;
use crate::stats::Work;

/// Returns what is known of the work, a sentence each.
pub fn sentences(work: &Work) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(quality) = work
        .quality
        .as_ref()
        .filter(|quality| quality.requests >= 30)
    {
        let by = match quality.targets.iter().collect::<Vec<_>>().as_slice() {
            [(_, target)] => format!("answers within {} count in full", units::span(**target)),
            _ => "answers within the usual time of their task class count in full".to_owned(),
        };
        found.push(format!(
            "latency-adjusted quality {:.2} [{:.2} {:.2}], {by}",
            quality.mean, quality.interval.low, quality.interval.high
        ));
    }
    if let Some(ratio) = work.case_mix {
        found.push(format!(
            "case mix: {ratio:.2} times the first passes that its cases get on all routes",
        ));
    }
    if let Some(waste) = work
        .waste
        .as_ref()
        .filter(|waste| waste.proven_requests > 0)
    {
        found.push(format!(
            "waste: {} lightweight requests started on the strongest tier where a cheaper one does as well, {} more",
            units::count(waste.proven_requests),
            units::usd(waste.proven_usd)
        ));
    }
    if let Some(waste) = work
        .waste
        .as_ref()
        .filter(|waste| waste.unproven_requests > 0)
    {
        found.push(format!(
            "unproven: {} lightweight requests started on the strongest tier, too few on cheaper ones to tell",
            units::count(waste.unproven_requests)
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::Micros;
    use crate::stats::{Interval, Quality, Waste};

    #[test]
    fn what_is_known_is_said_and_nothing_else() {
        assert!(sentences(&Work::default()).is_empty());
        let quality = Quality {
            mean: 0.834,
            interval: Interval {
                low: 0.8,
                high: 0.86,
            },
            requests: 30,
            targets: BTreeMap::from([(Arc::from("extraction"), Micros(2_100_000))]),
        };
        let work = Work {
            quality: Some(quality),
            case_mix: Some(1.04),
            waste: Some(Waste {
                proven_requests: 210,
                proven_usd: 1.2,
                unproven_requests: 7,
            }),
        };
        assert_eq!(
            sentences(&work),
            [
                "latency-adjusted quality 0.83 [0.80 0.86], answers within 2.1s count in full",
                "case mix: 1.04 times the first passes that its cases get on all routes",
                "waste: 210 lightweight requests started on the strongest tier where a cheaper one does as well, $1.20 more",
                "unproven: 7 lightweight requests started on the strongest tier, too few on cheaper ones to tell",
            ]
        );
    }
}

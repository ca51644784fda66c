//! The bad requests among those that a rollup counts.

use super::super::Cell;
use super::super::changes::{Metric, Tally};
use crate::config::TargetMetric;

/// What alarms watch: every share that has a target. Latency has none.
pub const METRICS: [Metric; 4] = [
    Metric::FirstPass,
    Metric::Escalation,
    Metric::Correction,
    Metric::Failure,
];

/// Returns what the config file calls a metric; `None` for latency.
pub fn target_metric(metric: Metric) -> Option<TargetMetric> {
    match metric {
        Metric::FirstPass => Some(TargetMetric::FirstPass),
        Metric::Escalation => Some(TargetMetric::Escalation),
        Metric::Correction => Some(TargetMetric::Correction),
        Metric::Failure => Some(TargetMetric::Failure),
        Metric::Latency => None,
    }
}

/// Counts the bad requests of a cell; of latency a cell counts none.
pub fn counted(metric: Metric, cell: &Cell) -> Tally {
    let finished = cell.completed + cell.failed;
    let (requests, bad) = match metric {
        Metric::FirstPass => (finished, finished.saturating_sub(cell.first_pass)),
        Metric::Escalation => (cell.attempted, cell.escalated),
        Metric::Correction => (cell.correctable, cell.corrected),
        Metric::Failure => (finished, cell.failed),
        Metric::Latency => (0, 0),
    };
    Tally {
        requests,
        bad: bad.min(requests),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_counts_its_own_bad_requests() {
        let cell = Cell {
            requests: 100,
            completed: 80,
            failed: 10,
            attempted: 95,
            first_pass: 60,
            escalated: 19,
            correctable: 70,
            corrected: 7,
            ..Cell::default()
        };
        let tallies = METRICS.map(|metric| counted(metric, &cell));
        let counts = tallies.map(|tally| (tally.bad, tally.requests));
        assert_eq!(counts, [(30, 90), (19, 95), (7, 70), (10, 90)]);
        assert_eq!(counted(Metric::Latency, &cell), Tally::default());
        assert!(
            METRICS
                .iter()
                .all(|metric| target_metric(*metric).is_some())
        );
    }
}

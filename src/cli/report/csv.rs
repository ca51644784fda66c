//! The report as CSV, one row per route; the columns are those of [`COLUMNS`].

use crate::cli::words::foreign;
use crate::stats::{Quantiles, Rate, RouteMetrics, Snapshot};

/// The columns after `route`. Rates are shares from 0 to 1 with their 95 % interval and
/// denominator, latencies milliseconds, costs dollars; an unknown value is empty.
pub const COLUMNS: [&str; 37] = [
    "requests",
    "completed",
    "failed",
    "cancelled",
    "open",
    "lost",
    "attempts",
    "first_pass",
    "first_pass_low",
    "first_pass_high",
    "first_pass_n",
    "first_pass_is_upper_bound",
    "escalation",
    "escalation_low",
    "escalation_high",
    "escalation_n",
    "fallback",
    "fallback_low",
    "fallback_high",
    "fallback_n",
    "correction",
    "correction_low",
    "correction_high",
    "correction_n",
    "cost_usd",
    "cost_known",
    "cost_per_completed_usd",
    "latency_ms_count",
    "latency_ms_p50",
    "latency_ms_p90",
    "latency_ms_p95",
    "latency_ms_p99",
    "latency_ms_max",
    "ttft_ms_p50",
    "ttft_ms_p95",
    "ttft_ms_p99",
    "cost_estimated",
];

/// Renders head and rows; a name that a spreadsheet would read as a formula gets a leading `'`.
pub fn render(snapshot: &Snapshot) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = std::iter::once("route").chain(COLUMNS);
    // Writing rows of one length to memory cannot fail.
    let mut is_written = writer.write_record(head).is_ok();
    for row in &snapshot.routes {
        let cells = std::iter::once(guard(&row.route)).chain(cells(&row.now));
        is_written &= writer.write_record(cells).is_ok();
    }
    debug_assert!(is_written);
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn guard(name: &str) -> String {
    let shown = foreign(name, false);
    let is_formula = |text: &str| {
        text.trim_start_matches(' ')
            .starts_with(['=', '+', '-', '@', '\t', '\r'])
    };
    if is_formula(name) || is_formula(&shown) {
        format!("'{shown}")
    } else {
        shown
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn rate(rate: Rate) -> [String; 4] {
    let interval = rate.interval();
    [
        number(rate.share()),
        number(interval.map(|i| i.low)),
        number(interval.map(|i| i.high)),
        rate.denominator.to_string(),
    ]
}

fn cells(now: &RouteMetrics) -> Vec<String> {
    let counts = [
        now.requests,
        now.completed,
        now.failed,
        now.cancelled,
        now.open,
        now.lost,
        now.attempts,
    ];
    let mut cells: Vec<String> = counts.iter().map(ToString::to_string).collect();
    cells.extend(rate(now.first_pass));
    cells.push(now.first_pass_is_upper_bound.to_string());
    cells.extend(
        [now.escalation, now.fallback, now.correction]
            .into_iter()
            .flat_map(rate),
    );
    cells.push(number(now.cost.map(crate::model::NanoUsd::as_usd)));
    cells.push(now.cost_known.to_string());
    cells.push(number(now.cost_per_completed_usd));
    let Quantiles {
        count,
        p50,
        p90,
        p95,
        p99,
        max,
    } = now.latency;
    cells.push(count.to_string());
    cells.extend(
        [
            p50,
            p90,
            p95,
            p99,
            max,
            now.ttft.p50,
            now.ttft.p95,
            now.ttft.p99,
        ]
        .map(number),
    );
    cells.push(now.cost_estimated.to_string());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::fixture::{assert_safe, hostile, snapshot};
    use proptest::prelude::*;

    #[test]
    fn formulas_are_guarded() {
        for (name, want) in [
            ("=1+1", "'=1+1"),
            ("+a", "'+a"),
            ("-a", "'-a"),
            ("@a", "'@a"),
            ("\ta", "' a"),
            ("\ra", "'↵a"),
            (" =a", "' =a"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(guard(name), want);
        }
    }

    #[test]
    fn a_row_has_a_cell_for_every_column() {
        let text = render(&snapshot("support-chat"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().len(), COLUMNS.len() + 1);
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 3);
        let column = |name| 1 + COLUMNS.iter().position(|column| *column == name).unwrap();
        assert_eq!(&rows[0][column("correction_n")], "1198");
        assert_eq!(&rows[0][column("latency_ms_p95")], "2900");
        assert_eq!(&rows[1][column("correction")], "");
        assert_eq!(&rows[0][column("ttft_ms_p99")], "9100");
    }

    proptest! {
        #[test]
        fn hostile_names_do_no_harm(name in hostile()) {
            assert_safe(&render(&snapshot(&name)));
        }
    }
}

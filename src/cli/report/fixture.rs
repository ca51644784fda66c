//! A snapshot with something of everything, every foreign text of it chosen by the test.

use std::sync::Arc;

use proptest::prelude::*;

use crate::model::{GapCause, Micros, NanoUsd, Timestamp, Window};
use crate::stats::*;

pub(in crate::cli) const NOW: Timestamp = Timestamp(1_795_401_660_000_000);

fn metrics(name: &str, requests: u64, corrected: u64, correctable: u64) -> RouteMetrics {
    let used = ModelMetrics {
        requests,
        attempts: requests,
        cost: Some(NanoUsd(1_500_000_000)),
    };
    let quantiles = Quantiles {
        count: requests,
        p50: Some(640.0),
        p90: Some(1_400.0),
        p95: Some(2_900.0),
        p99: Some(9_100.0),
        max: Some(12_000.0),
    };
    RouteMetrics {
        requests,
        completed: requests - 2,
        failed: 2,
        attempts: requests + 9,
        first_pass: Rate::new(requests - 2 - corrected, requests),
        first_pass_lenient: Rate::new(requests - 1 - corrected, requests),
        first_pass_is_upper_bound: correctable == 0,
        escalation: Rate::new(requests / 8, requests),
        fallback: Rate::new(2, requests),
        correction: Rate::new(corrected, correctable),
        escalation_reasons: vec![(Arc::from(name), requests / 8), (Arc::from("drifting"), 1)],
        escalation_paths: vec![PathCount {
            from: Arc::from("small-1"),
            to: Arc::from(name),
            requests: 5,
        }],
        cost: Some(NanoUsd(1_500_000_000)),
        cost_known: requests - 1,
        cost_estimated: if requests < 30 { 3 } else { 0 },
        cost_per_completed_usd: Some(0.004_12),
        latency: quantiles,
        ttft: quantiles,
        models: [(Arc::from("small-1"), used), (Arc::from(name), used)].into(),
        ..RouteMetrics::default()
    }
}

fn row(route: &str, now: RouteMetrics, usual: Option<RouteMetrics>) -> RouteRow {
    RouteRow {
        route: Arc::from(route),
        now,
        usual,
        latency: Histogram::default(),
        usual_latency: Histogram::default(),
        trend: Vec::new(),
    }
}

fn gap(name: &str) -> GapRow {
    GapRow {
        source: name.to_owned(),
        path: name.to_owned(),
        from: 100,
        to: Some(250),
        cause: GapCause::Truncated,
        noticed_at: NOW,
    }
}

fn conflict(name: &str) -> ConflictRow {
    ConflictRow {
        source: name.to_owned(),
        field: "route".to_owned(),
        count: 2,
        request_id: name.to_owned(),
        path: name.to_owned(),
        offset: 56,
    }
}

fn routes(name: &str) -> Vec<RouteRow> {
    vec![
        row(
            name,
            metrics(name, 1_200, 170, 1_198),
            Some(metrics(name, 8_000, 320, 7_900)),
        ),
        row("zz-unlogged", metrics("m", 40, 0, 0), None),
        row("zz-few", metrics("m", 7, 1, 5), None),
    ]
}

pub(in crate::cli) fn snapshot(name: &str) -> Snapshot {
    Snapshot {
        unfiltered: 0,
        counted: Window::ALL,
        unknown_field: None,
        query: Query {
            number: 1,
            now: NOW,
            span: Span::Last(Micros::HOUR),
            baseline: Baseline::Auto,
            trend_len: 0,
            drift_rows_max: 0,
            filter: crate::stats::Filter::default(),
            page: Page::Overview { live_len: 0 },
        },
        window: Window {
            from: NOW.minus(Micros::HOUR),
            to: NOW,
        },
        is_history: true,
        baseline: Some(Arc::from("same hours, last 7 days")),
        newest: Some(NOW),
        trend_step: Micros::MINUTE,
        total: row("", metrics(name, 1_247, 171, 1_232), None),
        routes: routes(name),
        decisions: Vec::new(),
        decisions_total: 0,
        explanation: None,
        ambiguous: Vec::new(),
        sources: vec![SourceRow {
            source: name.to_owned(),
            state: name.to_owned(),
            formats: vec![(name.to_owned(), 3), ("litellm-sdk".to_owned(), 2)],
            bytes: 12,
            lines: 5,
            quarantined: 2,
            unread_bytes: 4_096,
            skew: Some(Skew::Ahead(Micros::MINUTE.times(5))),
            gaps: 1,
            conflicts: 2,
            ..SourceRow::default()
        }],
        rejects: vec![RejectRow {
            source: name.to_owned(),
            reason: name.to_owned(),
            detail: name.to_owned(),
            count: 2,
            path: name.to_owned(),
            offset: 12,
            len: 34,
            first_seen: NOW,
        }],
        ingest: IngestTotals {
            lines: 1_260,
            events: 1_250,
            duplicates: 3,
            quarantined: 2,
            noise: 5,
            ..IngestTotals::default()
        },
        gaps: vec![gap(name)],
        conflicts: vec![conflict(name)],
        markers: Vec::new(),
        drift: None,
        alarms: None,
        changes: None,
        policies: Vec::new(),
    }
}

/// Texts full of what must never reach a terminal.
pub(in crate::cli) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\u{1b}]52;c;AAAA\u{7}".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("\u{9b}31m".to_owned()),
        Just("\r\n|=1+1\t\"".to_owned()),
        Just("\u{7f}\u{2066}\u{61c}\u{200b}".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

pub(in crate::cli) fn assert_safe(text: &str) {
    for char in text.chars().filter(|char| *char != '\n') {
        let is_bidi = matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(
            !char.is_control() && !is_bidi,
            "{:04x} in {text:?}",
            char as u32
        );
    }
}

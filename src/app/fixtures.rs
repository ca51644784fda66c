//! Made-up answers for the tests of the screens.

use std::sync::Arc;

use super::{
    App, Flow, IngestStatus, LiveSource, Message, Role, Scope, Settings, ThemeName, update,
};
use crate::model::{
    Attempt, AttemptOutcome, GapCause, MarkerKind, Micros, NanoUsd, Timestamp, Window,
};
pub use crate::policy::replay::fixture::estimated as replayed;
use crate::policy::{ChainLink, Policy, Recorded};
use crate::stats::{
    Baseline, Comparison, ConflictRow, DecisionRow, DriftCounts, DriftRow, DriftSurvey,
    Explanation, GapRow, Histogram, Hop, IngestTotals, Judgement, MarkerRow, Page, PolicyRow,
    PolicyText, Query, Rate, RejectRow, RouteMetrics, RouteRow, SignalRow, Skew, Snapshot,
    SourceRow, Span, TrendPoint,
};

/// 2026-11-23 03:11:40 UTC.
pub const NOW: Timestamp = Timestamp(1_795_403_500_000_000);

fn histogram(count: u64, millis: u64) -> Histogram {
    let mut histogram = Histogram::default();
    for n in 0..count.min(400) {
        histogram.record(Micros(
            millis * 250 * (1 + n % 16) * if n % 20 == 0 { 2 } else { 1 },
        ));
    }
    histogram
}

fn metrics(requests: u64, (escalated, corrected): (u64, u64), millis: u64) -> RouteMetrics {
    RouteMetrics {
        requests,
        completed: requests - requests / 50,
        failed: requests / 50,
        attempts: requests + escalated,
        first_pass: Rate::new(requests - escalated.max(corrected), requests),
        first_pass_lenient: Rate::new(requests - escalated, requests),
        escalation: Rate::new(escalated, requests),
        correction: Rate::new(corrected, requests - requests / 50),
        escalation_reasons: vec![
            (Arc::from("low confidence"), escalated / 2),
            (Arc::from("validator failed"), escalated / 3),
        ],
        cost: Some(NanoUsd(4_100_000)),
        cost_known: requests,
        cost_per_completed_usd: Some(0.0041),
        cost_per_completed_margin_usd: Some(0.0004),
        latency: histogram(requests, millis).quantiles(),
        ..RouteMetrics::default()
    }
}

/// Makes a route: requests, escalated and corrected now and usually in tenths of a percent, latency.
pub fn route(
    name: &str,
    requests: u64,
    now: (u64, u64),
    usual: (u64, u64),
    millis: u64,
) -> RouteRow {
    let of = |n: u64, share: (u64, u64)| (n * share.0 / 1000, n * share.1 / 1000);
    let step = Micros::MINUTE.times(3);
    let start = NOW.minus(Micros::HOUR);
    let trend = (0..20).map(|idx: u64| {
        let n = requests / 20;
        let (escalated, corrected) = of(n, if idx < 10 { usual } else { now });
        TrendPoint {
            start: start.plus(step.times(idx)),
            requests: n,
            finished: n,
            first_pass: n - escalated,
            attempted: n,
            escalated,
            fallback: 0,
            correctable: n,
            corrected,
            p50_ms: Some(900.0),
            p95_ms: Some(2_900.0),
            bands: [
                n / 20,
                n / 5,
                n / 3,
                n / 4,
                n / 10,
                if idx < 10 { 0 } else { n / 8 },
                0,
            ],
            is_closed: idx < 19,
        }
    });
    RouteRow {
        route: Arc::from(name),
        now: metrics(requests, of(requests, now), millis),
        usual: Some(metrics(requests * 7, of(requests * 7, usual), millis)),
        latency: histogram(requests, millis),
        usual_latency: histogram(requests * 7, millis),
        trend: trend.collect(),
    }
}

/// Makes a decision.
pub fn decision(row: u64) -> DecisionRow {
    DecisionRow {
        row,
        ts: NOW.minus(Micros(3_700_000).times(13_u64.saturating_sub(row))),
        route: Arc::from("support-chat"),
        id: format!("8f3a{row:04x}"),
        models: vec![
            (Arc::from("small-8b"), DecisionRow::attempt_word(&attempt())),
            (Arc::from("mid-70b"), "ok"),
        ],
        rule: Some(Arc::from("default")),
        reason: Some(Arc::from("low confidence")),
        tokens: Some(412),
        latency: Some(Micros(2_900_000)),
        cost: Some(NanoUsd(4_100_000)),
        state: "completed",
        is_escalated: true,
        is_fallback: false,
        is_corrected: row.is_multiple_of(2),
        correction: None,
    }
}

fn attempt() -> Attempt {
    let mut names = crate::model::Names::default();
    Attempt::new(names.intern("small-8b"), AttemptOutcome::Escalated)
}

/// Makes an answer that holds nothing.
pub fn empty(query: Query) -> Snapshot {
    Snapshot {
        unfiltered: 0,
        counted: Window::ALL,
        unknown_field: None,
        query,
        window: Window {
            from: NOW.minus(Micros::HOUR),
            to: NOW,
        },
        is_history: false,
        baseline: None,
        newest: None,
        trend_step: Micros::MINUTE.times(3),
        total: RouteRow {
            usual: None,
            trend: Vec::new(),
            now: RouteMetrics::default(),
            ..route("ALL", 0, (0, 0), (0, 0), 1)
        },
        routes: Vec::new(),
        decisions: Vec::new(),
        decisions_total: 0,
        explanation: None,
        ambiguous: Vec::new(),
        sources: Vec::new(),
        rejects: Vec::new(),
        ingest: IngestTotals::default(),
        gaps: Vec::new(),
        conflicts: Vec::new(),
        markers: Vec::new(),
        drift: None,
        alarms: None,
        changes: None,
        policies: Vec::new(),
    }
}

/// Makes an answer about ordinary routes, one of them in trouble, one with too little data.
pub fn ordinary(query: Query) -> Snapshot {
    let mut unlogged = route("code-review", 700, (310, 0), (220, 0), 8_000);
    unlogged.now.correction = Rate::default();
    unlogged.now.first_pass_is_upper_bound = true;
    Snapshot {
        baseline: Some(Arc::from("same hours, last 7 days")),
        newest: Some(NOW.minus(Micros::SECOND)),
        unfiltered: 9_000,
        total: route("ALL", 9_000, (40, 20), (40, 20), 1_300),
        routes: vec![
            unlogged,
            route("legal-draft", 7, (0, 0), (100, 30), 900),
            route("search-answer", 6_100, (41, 20), (41, 20), 900),
            route("support-chat", 1_204, (124, 89), (120, 41), 2_900),
        ],
        drift: (query.page == Page::Policies).then(survey),
        changes: matches!(query.page, Page::Changes { .. })
            .then(|| Arc::new(super::fixture_changes::changes(NOW))),
        policies: policies(),
        decisions: (1..=12).rev().map(decision).collect(),
        decisions_total: 12,
        explanation: Some(Box::new(explained())),
        sources: sources(),
        rejects: rejects(),
        gaps: gaps(),
        conflicts: vec![ConflictRow {
            source: "/var/log/litellm/proxy.slp.jsonl".to_owned(),
            field: "cost_usd".to_owned(),
            count: 12,
            request_id: "8f3a000c".to_owned(),
            path: "/var/log/litellm/proxy.slp.jsonl".to_owned(),
            offset: 4_711,
        }],
        ingest: IngestTotals {
            lines: 27_345,
            events: 27_000,
            quarantined: 31,
            noise: 3,
            kept_bytes: 4_200,
            conflicts: 12,
            ..IngestTotals::default()
        },
        markers: vec![MarkerRow {
            ts: NOW.minus(Micros::MINUTE.times(30)),
            label: Arc::from("p42"),
            kind: MarkerKind::Policy,
            route: None,
        }],
        ..empty(query)
    }
}

fn sources() -> Vec<SourceRow> {
    let router = SourceRow {
        source: "router.jsonl".to_owned(),
        state: "damaged".to_owned(),
        generations: 2,
        lines: 12_345,
        bytes: 9_876_543,
        formats: vec![("native".to_owned(), 12_000)],
        quarantined: 27,
        noise: 3,
        noise_sample: Some("Traceback".to_owned()),
        corrections_known: true,
        newest: Some(NOW.minus(Micros::SECOND)),
        read_at: Some(NOW),
        unknown_fields: vec![("zone".to_owned(), 4)],
        asides: vec![("Langfuse score".to_owned(), 2)],
        unread_bytes: 0,
        skew: Some(Skew::Behind(Micros(400_000))),
        conflicts: 0,
        gaps: 2,
    };
    let proxy = SourceRow {
        source: "/var/log/litellm/proxy.slp.jsonl".to_owned(),
        state: "open".to_owned(),
        generations: 1,
        lines: 15_000,
        bytes: 198_000_000,
        formats: vec![
            ("litellm-proxy".to_owned(), 14_000),
            ("litellm-sdk".to_owned(), 996),
        ],
        quarantined: 4,
        noise: 0,
        noise_sample: None,
        corrections_known: false,
        newest: Some(NOW.plus(Micros::MINUTE.times(3))),
        read_at: Some(NOW.minus(Micros::MINUTE.times(2))),
        unknown_fields: Vec::new(),
        asides: Vec::new(),
        unread_bytes: 12_300_000,
        skew: Some(Skew::Ahead(Micros::MINUTE.times(5))),
        conflicts: 12,
        gaps: 0,
    };
    vec![proxy, router]
}

fn gaps() -> Vec<GapRow> {
    let gap = |from, to, cause| GapRow {
        source: "router.jsonl".to_owned(),
        path: "/var/log/router.jsonl".to_owned(),
        from,
        to,
        cause,
        noticed_at: NOW.minus(Micros::HOUR),
    };
    vec![
        gap(4_096, Some(9_000), GapCause::Truncated),
        gap(123_456, None, GapCause::Gone),
    ]
}

/// Makes this process the one that reads the sources of [`ordinary`].
pub fn read_live(app: &mut App) {
    let live = |source: &str, state: &str, flow, unread_bytes| LiveSource {
        source: source.to_owned(),
        state: state.to_owned(),
        detail: String::new(),
        flow,
        unread_bytes,
        lag: Micros(4_200_000),
    };
    let mut host = live(
        "router.jsonl",
        "reconnecting (3rd try, next in 4 s)",
        Flow::Waiting,
        0,
    );
    host.detail = "ssh: connect to host router-1 port 22: Connection refused".to_owned();
    let status = IngestStatus {
        role: Role::Writer,
        lag: Some(Micros(4_200_000)),
        rate_per_s: Some(112.0),
        sources: vec![
            live(
                "/var/log/litellm/proxy.slp.jsonl",
                "reading",
                Flow::Fine,
                1_300_000,
            ),
            host,
        ],
        ..IngestStatus::default()
    };
    update(app, Message::Ingest(status), NOW);
}

fn rejects() -> Vec<RejectRow> {
    let reject = |reason: &str, detail: &str, count| RejectRow {
        source: "router.jsonl".to_owned(),
        reason: reason.to_owned(),
        detail: detail.to_owned(),
        count,
        path: "/var/log/router.jsonl".to_owned(),
        offset: 4711,
        len: 210,
        first_seen: NOW,
    };
    let mut rejects = vec![
        reject("missing-field", "`ts` is missing", 12),
        reject(
            "unmapped",
            "no known format, and the mapping finds no route",
            9,
        ),
        reject(
            "bad-time",
            "`ts` is neither RFC 3339 with a zone nor epoch milliseconds",
            5,
        ),
        reject("too-deep", "nested deeper than 64 levels", 1),
        reject(
            "unknown-format",
            "no known format; its top fields are id, at, who",
            4,
        ),
    ];
    if let Some(last) = rejects.last_mut() {
        last.source = "/var/log/litellm/proxy.slp.jsonl".to_owned();
        last.path.clone_from(&last.source);
    }
    rejects
}

/// Makes an answer with sixty routes of hostile and long names and huge numbers.
pub fn overfull(query: Query) -> Snapshot {
    let ordinary = ordinary(query);
    let routes = (0..60).map(|n| {
        route(
            &format!("route-\u{1b}[31m\u{202e}日本-{n:02}-{}", "long".repeat(30)),
            900_000_000 + n,
            (400, 300),
            (100, 100),
            900_000,
        )
    });
    let source = |n: u64| SourceRow {
        source: format!("/logs/\u{1b}[31m\u{202e}日本-{n:02}-{}", "long".repeat(30)),
        lines: 900_000_000 + n,
        quarantined: n,
        ..sources().remove(0)
    };
    Snapshot {
        routes: routes.collect(),
        sources: (0..40).map(source).collect(),
        ingest: IngestTotals {
            lines: 36_000_000_780,
            ..ordinary.ingest
        },
        ..ordinary
    }
}

/// One decision in full.
pub fn explained() -> Explanation {
    let hop = |n: usize, model: &str, outcome, offset: u64, latency: u64| Hop {
        n,
        model: Arc::from(model),
        tier: None,
        provider: None,
        outcome,
        reason: (n == 1).then(|| Arc::from("low confidence")),
        offset: Some(Micros(offset)),
        latency: Some(Micros(latency)),
        ttft: None,
        input_tokens: Some(412),
        output_tokens: Some(88),
        cost: Some(NanoUsd(2_050_000)),
    };
    let signal = |name: &str, value: Option<&str>| SignalRow {
        name: Arc::from(name),
        value: value.map(str::to_owned),
        is_logged: value.is_some(),
    };
    Explanation {
        id: "8f3a000c".to_owned(),
        ts: NOW.minus(Micros::MINUTE),
        route: Some(Arc::from("support-chat")),
        state: "completed",
        format: 0,
        task_class: None,
        policy: Some(Arc::from("p42")),
        rule: Some(Arc::from("default")),
        tier: Some(Arc::from("fast")),
        model: Some(Arc::from("small-8b")),
        reason: None,
        signals: vec![
            signal("user_tier", Some("pro")),
            signal("input_complexity", Some("0.63")),
            signal("retrieval_confidence", None),
        ],
        candidates: vec![(
            Arc::from("mid-70b"),
            Some(0.41),
            Some(Arc::from("too dear")),
        )],
        propensity: None,
        attrs: Vec::new(),
        recorded: Some("{}".to_owned()),
        attempts: vec![
            hop(1, "small-8b", "escalated", 0, 900_000),
            hop(2, "mid-70b", "ok", 900_000, 2_000_000),
        ],
        latency: Some(Micros(2_900_000)),
        ttft: None,
        cost: Some(NanoUsd(4_100_000)),
        is_cost_estimated: false,
        has_hidden_attempts: false,
        normal: Comparison {
            compared_with: 7,
            ..Comparison::default()
        },
        direct: None,
        session: None,
        correction: None,
        corrections_known: true,
        conflicts: vec!["model".to_owned()],
        has_bad_number: true,
        has_odd_clock: false,
        source: Some(("/var/log/router.jsonl".to_owned(), 4711)),
        judgement: judgement(),
    }
}

/// Makes a state on `scope` that has received what `answer` makes.
pub fn app(scope: Scope, size: (u16, u16), answer: fn(Query) -> Snapshot) -> App {
    let mut app = App::new(Settings {
        database: "routes.db".to_owned(),
        theme: ThemeName::Auto,
        keymap: super::Keymap::default(),
        is_ascii: false,
        size,
        rules: crate::format::Rules::default(),
        recorded_in_words: |_, _| vec!["score 0.41 under 0.50".to_owned()],
    });
    app.start(NOW);
    give(&mut app, answer);
    app.explained = Some("8f3a000c".to_owned());
    if scope != Scope::Overview {
        app.route = app.selected_route.clone();
        app.stack.push(scope);
        app.ask(NOW);
        give(&mut app, answer);
    }
    app
}

/// Answers the newest question.
pub fn give(app: &mut App, answer: fn(Query) -> Snapshot) {
    let query = Query {
        number: app.asked,
        now: NOW,
        span: Span::Last(Micros::HOUR),
        baseline: Baseline::Auto,
        trend_len: 20,
        drift_rows_max: 0,
        filter: app.filter.clone(),
        page: app.page(None),
    };
    let _: Page = query.page.clone();
    update(app, Message::Snapshot(Arc::new(answer(query))), NOW);
}

/// Decisions held against their policy: one route drifts in the last third of the window.
pub fn survey() -> Arc<DriftSurvey> {
    let row = |route: &str, model, per_step: u64| DriftRow {
        route: Arc::from(route),
        counts: DriftCounts {
            judged: 1_500,
            model,
            rule: 1,
            escalation: 2,
            explored: 120,
            undecidable: 3,
            ..DriftCounts::default()
        },
        trend: (0..30)
            .map(|step| Rate::new(if step < 20 { 0 } else { per_step }, 50))
            .collect(),
    };
    Arc::new(DriftSurvey {
        from: NOW.minus(Micros::HOUR),
        step: Micros::MINUTE.times(2),
        one_in: 4,
        total: row("all", 89, 9),
        routes: vec![row("search-answer", 0, 0), row("support-chat", 89, 9)],
        policies: Vec::new(),
    })
}

fn policies() -> Vec<PolicyRow> {
    let known = PolicyRow {
        id: "chat@4#0123456789ab".to_owned(),
        counts: DriftCounts {
            judged: 1_200,
            model: 89,
            ..DriftCounts::default()
        },
        seen: Some((NOW.minus(Micros::DAY), NOW)),
        requests: 40_210,
        text: Some(PolicyText {
            prose: vec!["1. When tools are required, use strongest.".to_owned()],
            warnings: vec!["rule late decides nothing: it stands behind plan".to_owned()],
        }),
    };
    let added = PolicyRow {
        id: "chat@5#ba9876543210".to_owned(),
        text: known.text.clone(),
        ..PolicyRow::default()
    };
    let unknown = PolicyRow {
        id: "p42".to_owned(),
        seen: Some((NOW.minus(Micros::DAY.times(3)), NOW.minus(Micros::DAY))),
        requests: 7,
        ..PolicyRow::default()
    };
    vec![known, unknown, added]
}

/// What a policy says of the decision above.
fn judgement() -> Judgement {
    let policy = Policy::parse(
        "policy \"chat\" version 4
         tier fast is small-8b
         tier strongest is mid-70b
         rule tool-required: when tools are required use strongest
         rule difficulty-gate: when input_complexity is at least 0.7 use strongest because \"hard asks\"
         rule default: when the user is known use fast because \"cheap first\"
         otherwise use strongest
         escalate fast to strongest when the answer is under-specified",
    )
    .unwrap();
    let facts = policy
        .facts()
        .with("user_tier", "pro")
        .with("input_complexity", 0.63)
        .with("tools_required", false);
    let link = |model, outcome, reason| ChainLink {
        model,
        tier: None,
        outcome,
        reason,
    };
    let recorded = Recorded {
        policy: Some("p42"),
        rule: Some("default"),
        chain: &[
            link(
                "small-8b",
                AttemptOutcome::Escalated,
                Some("low confidence"),
            ),
            link("mid-70b", AttemptOutcome::Ok, None),
        ],
        ..Recorded::default()
    };
    policy.judge(&facts, &recorded, true)
}

//! A made-up stream of native events with one incident in it; the same seed gives the same bytes.
//!
//! Seven routes and a chat behave as usual; in the incident `quiet-drift` version 2 of the chat's
//! policy lowers a threshold, and from then on the German requests that stay on the small model are
//! corrected far more often. Latency, cost, errors and escalations look fine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::model::{Micros, Timestamp};

/// What goes wrong in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Incident {
    /// One language on the small model is corrected far more often after a policy change
    QuietDrift,
    /// Nothing
    None,
}

/// A route: name, share of the traffic in percent, task class, share on the small model and of
/// escalations and corrections in percent.
struct Route {
    name: &'static str,
    weight: u64,
    task: &'static str,
    medium: u64,
    escalated: u64,
    corrected: u64,
}

const CHAT: &str = "support-chat";
const ROUTES: [Route; 8] = [
    route(CHAT, 24, "grounded_answer", 30, 6, 4),
    route("search-answer", 22, "grounded_answer", 10, 4, 2),
    route("classify-ticket", 17, "classification", 0, 1, 1),
    route("summarize", 13, "summarization", 5, 2, 2),
    route("extract-json", 10, "extraction", 0, 5, 2),
    route("translate", 7, "transformation", 5, 2, 1),
    route("code-review", 5, "planning", 80, 14, 6),
    route("legal-draft", 2, "high_stakes", 20, 3, 5),
];

const fn route(
    name: &'static str,
    weight: u64,
    task: &'static str,
    medium: u64,
    escalated: u64,
    corrected: u64,
) -> Route {
    Route {
        name,
        weight,
        task,
        medium,
        escalated,
        corrected,
    }
}

/// Tier, model, typical milliseconds, nano-dollars per token sent and received.
const MODELS: [(&str, &str, u64, u64, u64); 3] = [
    ("fast", "small-1", 600, 100, 400),
    ("standard", "medium-1", 1_500, 800, 3_200),
    ("strongest", "large-1", 3_200, 5_000, 25_000),
];

/// The generator `SplitMix64` (Steele, Lea, Flood 2014, OOPSLA).
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(10_000) < chance * 100
    }

    fn pick<T: Copy>(&mut self, from: &[T], otherwise: T) -> T {
        let idx = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from.get(idx).copied().unwrap_or(otherwise)
    }

    /// A positive skewed number around `typical`: the product of three uniform factors.
    fn skewed(&mut self, typical: u64) -> u64 {
        (0..3)
            .fold(typical, |value, _| value * (50 + self.below(110)) / 100)
            .max(1)
    }
}

/// The stream: lines in the order of their times, without end.
#[derive(Debug, Clone)]
pub struct DemoStream {
    dice: Dice,
    arrival: Timestamp,
    incident_at: Timestamp,
    incident: Incident,
    pending: BinaryHeap<Reverse<(Timestamp, u64, String)>>,
    number: u64,
}

impl DemoStream {
    /// Traffic is full from so long before the incident on, and thin before that.
    pub const FULL_BEFORE: Micros = Micros::HOUR.times(4);
    /// How much history a baseline wants.
    pub const HISTORY: Micros = Micros::DAY.times(7);
    /// Requests per minute where traffic is full, on the average of a day.
    pub const FULL_PER_MINUTE: u64 = 110;
    const THIN_PER_MINUTE: u64 = 8;

    /// Makes a stream that starts at `start`; the incident `quiet-drift` begins at `incident_at`.
    pub fn new(seed: u64, start: Timestamp, incident_at: Timestamp) -> Self {
        Self {
            dice: Dice(seed),
            arrival: start,
            incident_at,
            incident: Incident::QuietDrift,
            pending: BinaryHeap::from([Reverse((incident_at, 0, marker(incident_at)))]),
            number: 0,
        }
        .without_past_marker(start)
    }

    /// Returns the stream with another incident; [`Incident::None`] leaves the policy as it was.
    #[must_use]
    pub fn with_incident(mut self, incident: Incident) -> Self {
        self.incident = incident;
        if incident == Incident::None {
            self.pending.clear();
        }
        self
    }

    /// Returns the next line, without its line feed, and the time at which a router would write it.
    pub fn next_line(&mut self) -> (Timestamp, String) {
        loop {
            // Nothing that arrives later can be written earlier.
            if self
                .pending
                .peek()
                .is_some_and(|Reverse(first)| first.0 <= self.arrival)
                && let Some(Reverse((ts, _, line))) = self.pending.pop()
            {
                return (ts, line);
            }
            self.arrive();
        }
    }

    fn without_past_marker(mut self, start: Timestamp) -> Self {
        if self.incident_at < start {
            self.pending.clear();
        }
        self
    }

    fn push(&mut self, ts: Timestamp, line: String) {
        self.number += 1;
        self.pending.push(Reverse((ts, self.number, line)));
    }

    /// Requests per minute at this hour: the afternoon is busier than the night.
    fn per_minute(&self) -> u64 {
        let hour = self.arrival.0.div_euclid(3_600_000_000).rem_euclid(24);
        let swing = u64::try_from((hour - 3).rem_euclid(24)).unwrap_or(0);
        let swing = if swing < 12 { swing } else { 24 - swing };
        if self.arrival < self.incident_at.minus(Self::FULL_BEFORE) {
            Self::THIN_PER_MINUTE * (70 + swing * 5) / 100
        } else {
            Self::FULL_PER_MINUTE * (90 + swing * 20 / 12) / 100
        }
    }

    /// Lets one request arrive.
    fn arrive(&mut self) {
        let ts = self.arrival;
        let mean = 60_000_000 / self.per_minute().max(1);
        self.arrival = ts.plus(Micros(1 + self.dice.below(2 * mean)));
        let mut left = self.dice.below(100);
        let [first, ..] = &ROUTES;
        let route = ROUTES
            .iter()
            .find(|route| {
                let is_it = left < route.weight;
                left = left.saturating_sub(route.weight);
                is_it
            })
            .unwrap_or(first);
        self.request(ts, route);
    }

    fn request(&mut self, ts: Timestamp, route: &Route) {
        let is_new = self.incident == Incident::QuietDrift && ts >= self.incident_at;
        let lang = self.dice.pick(&["en", "en", "en", "de", "fr", "es"], "en");
        let found = self.dice.below(100);
        let complexity = self.dice.below(100);
        let line = if is_new { 12 } else { route.medium };
        let (rule, tier) = match route.name {
            CHAT if found < line => ("thin-evidence", 1),
            CHAT => ("well-grounded", 0),
            "legal-draft" => ("finalize-high-stakes", 2),
            _ if complexity < route.medium => ("ambiguous", 1),
            _ => ("light-work", 0),
        };
        let (attempts, outcome, spent) = self.chain(route, tier);
        let id = self.id();
        let session = self.dice.below(4_000)
            + u64::try_from(ts.0 / Micros::HOUR.0.cast_signed()).unwrap_or(0) * 4_000;
        let version = if is_new && route.name == CHAT {
            "2#5e7a01d4c9b3"
        } else {
            "1#8a592a9285a1"
        };
        let model = MODELS.get(tier).map_or("", |model| model.1);
        let body = json!({
            "ts": ts.to_rfc3339(), "event": "request", "request_id": id, "route": route.name,
            "session_id": format!("s-{session}"), "task_class": route.task,
            "policy": format!("{}@{version}", route.name), "rule": rule,
            "tier": MODELS.get(tier).map(|model| model.0), "model": model,
            "signals": self.signals(found, complexity),
            "attrs": {
                "region": self.dice.pick(&["eu-west", "us-east", "ap-south"], "eu-west"),
                "app_version": self.dice.pick(&["4.1.0", "4.1.0", "4.0.3"], "4.1.0"), "lang": lang,
            },
            "attempts": attempts, "outcome": outcome,
        });
        let end = ts.plus(spent);
        self.push(end, body.to_string());
        let is_hit = is_new && route.name == CHAT && lang == "de" && tier == 0;
        let chance = if is_hit { 45 } else { route.corrected };
        if outcome == "completed" && self.dice.percent(chance) {
            self.correct(&id, end);
        }
    }

    fn correct(&mut self, id: &str, end: Timestamp) {
        let after = Micros::SECOND.times(8 + self.dice.skewed(70));
        let at = end.plus(after);
        let kind = self.dice.pick(
            &["regenerate", "edit", "rephrase", "thumbs_down", "takeover"],
            "edit",
        );
        let body = json!({
            "ts": at.to_rfc3339(), "event": "correction", "request_id": id, "kind": kind,
            "by": "user", "after_s": after.0 / Micros::SECOND.0,
        });
        self.push(at, body.to_string());
    }

    /// Returns the attempts, how the request ended, and how long it took.
    fn chain(&mut self, route: &Route, tier: usize) -> (Vec<Value>, &'static str, Micros) {
        let mut attempts = Vec::new();
        let mut spent = 0;
        let mut tier = tier;
        if self.dice.below(1_000) < 12 {
            let (outcome, code) = self.dice.pick(
                &[
                    ("error", "429"),
                    ("error", "503"),
                    ("error", "overloaded"),
                    ("timeout", "timeout"),
                ],
                ("error", "429"),
            );
            let (attempt, ms) = self.attempt(tier, outcome, Some(code));
            attempts.push(attempt);
            spent += ms;
            if self.dice.percent(12) {
                return (attempts, "failed", Micros(spent * 1_000));
            }
        }
        if tier < 2 && self.dice.percent(route.escalated) {
            let reasons = [
                "under_specified",
                "under_specified",
                "drifting",
                "messy_tool_output",
                "high_risk",
            ];
            let reason = self.dice.pick(&reasons, "drifting");
            let (attempt, ms) = self.attempt(tier, "escalated", Some(reason));
            attempts.push(attempt);
            spent += ms;
            tier = if reason == "high_risk" { 2 } else { tier + 1 };
        }
        let is_cancelled = self.dice.below(1_000) < 4;
        let (last, ended) = if is_cancelled {
            ("cancelled", "cancelled")
        } else {
            ("ok", "completed")
        };
        let (attempt, ms) = self.attempt(tier, last, None);
        attempts.push(attempt);
        (attempts, ended, Micros((spent + ms) * 1_000))
    }

    fn attempt(&mut self, tier: usize, outcome: &str, reason: Option<&str>) -> (Value, u64) {
        let [first, ..] = MODELS;
        let (name, model, typical, sent_price, got_price) =
            MODELS.get(tier).copied().unwrap_or(first);
        let ms = self.dice.skewed(typical);
        let (sent, got) = (40 + self.dice.skewed(500), 10 + self.dice.skewed(180));
        let mut attempt = Map::new();
        let mut put = |key: &str, value| attempt.insert(key.to_owned(), value);
        put("model", json!(model));
        put("tier", json!(name));
        put("outcome", json!(outcome));
        put("latency_ms", json!(ms));
        if let Some(reason) = reason {
            put("reason", json!(reason));
        }
        if matches!(outcome, "ok" | "escalated") {
            let nano = u32::try_from(sent * sent_price + got * got_price).unwrap_or(u32::MAX);
            put("ttft_ms", json!(ms / 4));
            put("input_tokens", json!(sent));
            put("output_tokens", json!(got));
            put("cost_usd", json!(f64::from(nano) / 1e9));
        } else {
            put("cost_usd", json!(0.0));
        }
        (Value::Object(attempt), ms)
    }

    fn signals(&mut self, found: u64, complexity: u64) -> Value {
        let share = |hundredths: u64| f64::from(u32::try_from(hundredths).unwrap_or(0)) / 100.0;
        json!({
            "retrieval_confidence": share(found), "input_complexity": share(complexity),
            "tools_required": self.dice.percent(20),
            "format_strictness": self.dice.pick(&["none", "none", "markdown", "json_schema"], "none"),
            "user_tier": self.dice.pick(&["free", "free", "pro", "enterprise"], "free"),
            "session_fallbacks": self.dice.below(20) / 18,
        })
    }

    /// A random UUID, version 4.
    fn id(&mut self) -> String {
        let (high, low) = (self.dice.next(), self.dice.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}

fn marker(at: Timestamp) -> String {
    json!({
        "ts": at.to_rfc3339(), "event": "marker", "label": "policy support-chat@2",
        "kind": "policy", "route": CHAT,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const START: Timestamp = Timestamp(1_795_435_200_000_000);

    fn hour(incident: Incident) -> Vec<(Timestamp, Value)> {
        let at = START.plus(Micros::HOUR.times(4));
        let mut stream = DemoStream::new(7, START, at).with_incident(incident);
        let mut lines = Vec::new();
        loop {
            let (ts, line) = stream.next_line();
            if ts > at.plus(Micros::HOUR.times(2)) {
                return lines;
            }
            lines.push((ts, serde_json::from_str(&line).unwrap()));
        }
    }

    /// Corrected and all completed German chat requests on the small model, before and after.
    fn corrected(lines: &[(Timestamp, Value)]) -> [(usize, usize); 2] {
        let late: HashSet<&str> = lines
            .iter()
            .filter(|l| l.1["event"] == "correction")
            .map(|l| l.1["request_id"].as_str().unwrap())
            .collect();
        ["1#", "2#"].map(|version| {
            let of: Vec<&str> = lines
                .iter()
                .map(|l| &l.1)
                .filter(|l| l["route"] == CHAT && l["attrs"]["lang"] == "de" && l["tier"] == "fast")
                .filter(|l| l["policy"].as_str().unwrap().contains(version))
                .map(|l| l["request_id"].as_str().unwrap())
                .collect();
            (of.iter().filter(|id| late.contains(*id)).count(), of.len())
        })
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_in_order() {
        let run = |seed| {
            let mut stream = DemoStream::new(seed, START, START.plus(Micros::HOUR));
            (0..5_000).map(|_| stream.next_line()).collect::<Vec<_>>()
        };
        let lines = run(1);
        assert_eq!(lines, run(1));
        assert_ne!(lines, run(2));
        assert!(lines.is_sorted_by_key(|line| line.0));
    }

    #[test]
    fn the_incident_is_there_and_only_there() {
        let lines = hour(Incident::QuietDrift);
        let [(before, n_before), (after, n_after)] = corrected(&lines);
        assert!(
            n_before > 300 && before * 100 < n_before * 8,
            "{before}/{n_before}"
        );
        assert!(
            n_after > 200 && after * 100 > n_after * 30,
            "{after}/{n_after}"
        );
        assert_eq!(lines.iter().filter(|l| l.1["event"] == "marker").count(), 1);
        let calm = hour(Incident::None);
        assert_eq!(corrected(&calm)[1], (0, 0));
        assert!(calm.iter().all(|l| l.1["event"] != "marker"));
    }

    #[test]
    fn the_traffic_is_full_and_varied() {
        let lines = hour(Incident::QuietDrift);
        let requests = lines.iter().filter(|l| l.1["event"] == "request").count();
        assert!((90 * 360..130 * 360).contains(&requests), "{requests}");
        for word in [
            "escalated",
            "429",
            "timeout",
            "cancelled",
            "failed",
            "large-1",
            "high_risk",
        ] {
            assert!(
                lines.iter().any(|l| l.1.to_string().contains(word)),
                "{word}"
            );
        }
        let routes: std::collections::BTreeSet<_> =
            lines.iter().filter_map(|l| l.1["route"].as_str()).collect();
        assert_eq!(routes.len(), ROUTES.len());
        assert_eq!(ROUTES.iter().map(|route| route.weight).sum::<u64>(), 100);
    }
}

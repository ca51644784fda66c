//! The report as one JSON document, version 1: stable, only ever added to.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::ingest_json::{self, time};
use crate::format::Rules;
use crate::model::{NanoUsd, Window};
use crate::stats::{Quality, Quantiles, Rate, RouteMetrics, Snapshot, Waste};

/// Renders the document on one line; `database`: the file asked, `None` when nothing was kept.
pub fn render(snapshot: &Snapshot, database: Option<&str>, rules: &Rules) -> String {
    let mut routes: Vec<_> = snapshot.routes.iter().collect();
    routes.sort_by(|a, b| a.route.cmp(&b.route));
    let routes: Vec<Value> = routes
        .into_iter()
        .map(|row| {
            let mut route = Map::from_iter([("route".to_owned(), json!(&*row.route))]);
            route.extend(metrics(&row.now, drift(snapshot, Some(&row.route))));
            Value::Object(route)
        })
        .collect();
    to_safe_json(&json!({
        "version": 1,
        "generated_at": time(snapshot.query.now),
        "database": database,
        "window": window(snapshot.window),
        "filter": filter(snapshot),
        "totals": metrics(&snapshot.total.now, drift(snapshot, None)),
        "routes": routes,
        "ingest": ingest_json::ingest(snapshot, rules),
    }))
}

fn filter(snapshot: &Snapshot) -> Option<String> {
    let filter = &snapshot.query.filter;
    (!filter.is_empty()).then(|| filter.to_string())
}

/// Writes JSON in which control, bidi and invisible characters stand as `\u` escapes, so that it
/// can be shown on any terminal; it ends with a line feed.
pub(in crate::cli) fn to_safe_json(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Safe);
    // Writing a value whose keys are texts to memory cannot fail.
    let written = value.serialize(&mut serializer);
    debug_assert!(written.is_ok());
    let mut text = String::from_utf8(out).unwrap_or_default();
    text.push('\n');
    text
}

struct Safe;

impl serde_json::ser::Formatter for Safe {
    fn write_string_fragment<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        let mut buffer = [0; 4];
        for char in fragment.chars() {
            if is_hidden(char) {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                writer.write_all(char.encode_utf8(&mut buffer).as_bytes())?;
            }
        }
        Ok(())
    }
}

fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
        || ('\u{200b}'..='\u{200f}').contains(&char)
        || ('\u{2028}'..='\u{202e}').contains(&char)
        || ('\u{2060}'..='\u{206f}').contains(&char)
        || ('\u{e0000}'..='\u{e0fff}').contains(&char)
}

fn window(window: Window) -> Value {
    json!({"from": time(window.from), "to": time(window.to)})
}

fn usd(cost: Option<NanoUsd>) -> Option<f64> {
    cost.map(NanoUsd::as_usd)
}

fn rate(rate: Rate) -> Value {
    let interval = rate.interval();
    json!({
        "rate": rate.share(), "numerator": rate.numerator, "denominator": rate.denominator,
        "low": interval.map(|i| i.low), "high": interval.map(|i| i.high),
    })
}

/// The share of decisions that the policy in force does not explain, of a route or of all; `None`: none was judged.
fn drift(snapshot: &Snapshot, route: Option<&str>) -> Option<Rate> {
    let survey = snapshot.drift.as_deref()?;
    let row = match route {
        Some(route) => survey.route(route)?,
        None => &survey.total,
    };
    Some(row.counts.rate()).filter(|rate| rate.denominator > 0)
}

fn nowcast(of: &RouteMetrics) -> Value {
    let Some(nowcast) = of.correction_nowcast else {
        return Value::Null;
    };
    let interval = nowcast.interval();
    json!({
        "rate": nowcast.share(), "numerator": nowcast.corrected, "denominator": nowcast.exposure,
        "low": interval.map(|i| i.low), "high": interval.map(|i| i.high),
    })
}

#[expect(clippy::cast_precision_loss, reason = "latencies stay far below 2^52")]
fn targets(quality: &Quality) -> Map<String, Value> {
    let targets = quality.targets.iter();
    targets
        .map(|(class, target)| (class.to_string(), json!(target.0 as f64 / 1_000.0)))
        .collect()
}

fn waste(waste: &Waste) -> Value {
    json!({
        "proven_requests": waste.proven_requests, "proven_usd": waste.proven_usd,
        "unproven_requests": waste.unproven_requests,
    })
}

fn quantiles(of: Quantiles) -> Value {
    json!({"count": of.count, "p50": of.p50, "p90": of.p90, "p95": of.p95, "p99": of.p99, "max": of.max})
}

fn metrics(of: &RouteMetrics, drift: Option<Rate>) -> Map<String, Value> {
    let reasons: Map<String, Value> = of
        .escalation_reasons
        .iter()
        .map(|(reason, n)| (reason.to_string(), json!(n)))
        .collect();
    let paths: Vec<Value> = of
        .escalation_paths
        .iter()
        .map(|path| json!({"from": &*path.from, "to": &*path.to, "requests": path.requests}))
        .collect();
    let models: Map<String, Value> = of
        .models
        .iter()
        .map(|(model, used)| {
            let used = json!({
                "requests": used.requests, "attempts": used.attempts, "cost_usd": usd(used.cost),
            });
            (model.to_string(), used)
        })
        .collect();
    let work = of.work.as_ref();
    let quality = work.and_then(|work| work.quality.as_ref());
    let pairs = [
        ("requests", json!(of.requests)),
        ("completed", json!(of.completed)),
        ("failed", json!(of.failed)),
        ("cancelled", json!(of.cancelled)),
        ("open", json!(of.open)),
        ("lost", json!(of.lost)),
        ("attempts", json!(of.attempts)),
        ("first_pass", rate(of.first_pass)),
        ("first_pass_lenient", rate(of.first_pass_lenient)),
        (
            "first_pass_is_upper_bound",
            json!(of.first_pass_is_upper_bound),
        ),
        ("escalation", rate(of.escalation)),
        ("fallback", rate(of.fallback)),
        ("correction", rate(of.correction)),
        ("correction_nowcast", nowcast(of)),
        ("drift", drift.map_or(Value::Null, rate)),
        ("escalation_reasons", Value::Object(reasons)),
        ("escalation_paths", Value::Array(paths)),
        ("cost_usd", json!(usd(of.cost))),
        ("cost_known", json!(of.cost_known)),
        ("cost_estimated", json!(of.cost_estimated)),
        ("cost_per_completed_usd", json!(of.cost_per_completed_usd)),
        ("latency_ms", quantiles(of.latency)),
        ("ttft_ms", quantiles(of.ttft)),
        ("quality", json!(quality.map(|quality| quality.mean))),
        (
            "quality_interval",
            json!(quality.map(|quality| json!({
                "low": quality.interval.low, "high": quality.interval.high, "n": quality.requests,
            }))),
        ),
        ("quality_targets_ms", json!(quality.map(targets))),
        ("case_mix", json!(work.and_then(|work| work.case_mix))),
        (
            "waste",
            json!(work.and_then(|work| work.waste.as_ref()).map(waste)),
        ),
        ("models", Value::Object(models)),
    ];
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::fixture::{self, assert_safe};
    use proptest::prelude::*;

    fn keys(value: &Value) -> Vec<&str> {
        value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a list of keys")]
    fn every_documented_key_is_there() {
        let text = render(
            &fixture::snapshot("support-chat"),
            Some("routes.db"),
            &Rules::default(),
        );
        let doc: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            keys(&doc),
            [
                "version",
                "generated_at",
                "database",
                "window",
                "filter",
                "totals",
                "routes",
                "ingest"
            ]
        );
        let metrics = "requests completed failed cancelled open lost attempts first_pass first_pass_lenient \
            first_pass_is_upper_bound escalation fallback correction correction_nowcast drift escalation_reasons \
            escalation_paths cost_usd cost_known cost_estimated cost_per_completed_usd latency_ms ttft_ms quality \
            quality_interval quality_targets_ms case_mix waste models";
        let metrics: Vec<&str> = metrics.split_whitespace().collect();
        assert_eq!(keys(&doc["totals"]), metrics);
        let route = &doc["routes"][0];
        assert_eq!(keys(route)[0], "route");
        assert_eq!(keys(route)[1..], metrics);
        for rate in [
            "first_pass",
            "first_pass_lenient",
            "escalation",
            "fallback",
            "correction",
        ] {
            assert_eq!(
                keys(&route[rate]),
                ["rate", "numerator", "denominator", "low", "high"]
            );
        }
        for spans in ["latency_ms", "ttft_ms"] {
            assert_eq!(
                keys(&route[spans]),
                ["count", "p50", "p90", "p95", "p99", "max"]
            );
        }
        assert_eq!(
            keys(&route["escalation_paths"][0]),
            ["from", "to", "requests"]
        );
        assert_eq!(
            keys(&route["models"]["small-1"]),
            ["requests", "attempts", "cost_usd"]
        );
        let ingest = "lines events duplicates conflicts quarantined blank noise orphans sources kept_bytes rejects \
            gaps conflicting_facts";
        assert_eq!(
            keys(&doc["ingest"]),
            ingest.split_whitespace().collect::<Vec<_>>()
        );
        let source = "source state formats bytes quarantined corrections_known lines noise newest_event read_at \
            empty_columns asides unread_bytes skew_s conflicts gaps";
        let found = &doc["ingest"]["sources"][0];
        assert_eq!(keys(found), source.split_whitespace().collect::<Vec<_>>());
        assert_eq!(keys(&found["empty_columns"][0]), ["what", "how"]);
        let gap = "source path from to cause noticed_at";
        let found = &doc["ingest"]["gaps"][0];
        assert_eq!(keys(found), gap.split_whitespace().collect::<Vec<_>>());
        let found = &doc["ingest"]["conflicting_facts"][0];
        assert_eq!(keys(found), ["source", "fact", "count", "example"]);
        assert_eq!(keys(&found["example"]), ["request_id", "path", "offset"]);
        let reject = "source reason count first_seen detail remedy example";
        let found = &doc["ingest"]["rejects"][0];
        assert_eq!(keys(found), reject.split_whitespace().collect::<Vec<_>>());
        assert_eq!(
            found["example"],
            json!({"path": "support-chat", "offset": 12, "len": 34})
        );
        assert_eq!(doc["window"]["from"], "2026-11-23T01:41:00.000000Z");
        assert_eq!(doc["generated_at"], "2026-11-23T02:41:00.000000Z");
        assert_eq!(doc["routes"][2]["correction"]["rate"], Value::Null);
    }

    #[test]
    fn a_window_without_ends_is_null() {
        let mut snapshot = fixture::snapshot("a");
        snapshot.window = Window::ALL;
        let doc: Value = serde_json::from_str(&render(&snapshot, None, &Rules::default())).unwrap();
        assert_eq!(doc["window"], json!({"from": null, "to": null}));
        assert_eq!(doc["database"], Value::Null);
    }

    proptest! {
        #[test]
        fn hostile_names_read_back_but_do_not_show(name in fixture::hostile()) {
            let text = render(&fixture::snapshot(&name), Some(&name), &Rules::default());
            assert_safe(&text);
            let doc: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(doc["database"].as_str(), Some(name.as_str()));
        }
    }
}

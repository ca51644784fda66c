//! The alarms as one JSON document, version 1: stable, only ever added to.

use serde_json::{Value, json};

use super::verdict::Verdict;
use crate::cli::page_command::PageCommand;
use crate::cli::report::json::to_safe_json;
use crate::model::Timestamp;
use crate::stats::alarms::{Alarm, AlarmSurvey, Reason};
use crate::stats::changes::Tally;

/// Renders the survey of the database of that name on one line.
pub fn render(survey: &AlarmSurvey, database: &str) -> String {
    let verdict = Verdict::of(survey, &|at| at.to_rfc3339());
    let because = match &verdict {
        Verdict::Unknown(why) => Some(why.clone()),
        Verdict::Quiet | Verdict::Firing => None,
    };
    let alarms = survey.alarms.iter();
    to_safe_json(&json!({
        "version": 1,
        "at": survey.at.to_rfc3339(),
        "database": database,
        "verdict": verdict.word(),
        "unknown_because": because,
        "newest": survey.newest.map(Timestamp::to_rfc3339),
        "routes": survey.routes,
        "targets": survey.targets,
        "usual": survey.usual,
        "alarms": alarms.map(|alarm| told(alarm, survey, database)).collect::<Vec<Value>>(),
    }))
}

fn told(alarm: &Alarm, survey: &AlarmSurvey, database: &str) -> Value {
    let window = alarm.window(survey.at);
    let (kind, burn) = match &alarm.reason {
        Reason::Target(burning) => (
            "target",
            json!({
                "times": burning.pair.times,
                "threshold": burning.pair.threshold(burning.allowed),
                "short": stretch(burning.short, burning.pair.short.as_seconds()),
                "long": stretch(burning.long, burning.pair.long.as_seconds()),
            }),
        ),
        Reason::Unusual(_) => ("unusual", Value::Null),
    };
    json!({
        "route": &*alarm.route,
        "metric": alarm.metric.word(),
        "kind": kind,
        "urgent": alarm.is_urgent(),
        "bad": alarm.tally().bad,
        "requests": alarm.tally().requests,
        "rate": alarm.tally().share(),
        "wanted": alarm.wanted(),
        "window": {"from": window.from.to_rfc3339(), "to": window.to.to_rfc3339()},
        "burn": burn,
        "command": PageCommand::of_alarm(alarm, survey.at, database).text(),
    })
}

fn stretch(tally: Tally, seconds: f64) -> Value {
    json!({"seconds": seconds, "bad": tally.bad, "requests": tally.requests, "rate": tally.share()})
}

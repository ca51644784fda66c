//! Verdicts on answers: log records of the event `gen_ai.evaluation.result`.
//!
//! | a verdict | means a correction when |
//! | --- | --- |
//! | whose label is in [`BAD`], or names a kind of correction (`regenerated`, ...) | always |
//! | whose label is in [`GOOD`] | never |
//! | whose label says yes or no ([`YES`], [`NO`]) | no; but yes where the name asks for a harm ([`HARMS`]) |
//! | with another label, or none | the score is below one half on a scale up to 1; above it where the name asks for a harm |
//! | with neither such a label nor such a score | never: nobody knows what it says |
//!
//! A score over 1 is on a scale that the record does not tell. Who judged is told by the evaluation's
//! name: a user's feedback, a human reviewer's annotation, else a judge. A good verdict is kept too,
//! as the knowledge that the answer was judged: corrections are known of judged requests only. The
//! explanation is never read.
//! (<https://github.com/open-telemetry/semantic-conventions-genai>, event `gen_ai.evaluation.result`)

use super::wire::{LogRecord, hex_id, instant, lookup};
use crate::format::reading::OTLP_EVALUATION;
use crate::format::screen::reject;
use crate::model::{Correction, CorrectionBy, CorrectionKind, Flags, Reject, Request, RequestId};

const EVENT: &str = "gen_ai.evaluation.result";

/// Labels of a bad answer, in lower case with `_` for blanks and hyphens.
const BAD: [&str; 31] = [
    "fail",
    "failed",
    "failure",
    "incorrect",
    "not_correct",
    "corrected",
    "wrong",
    "bad",
    "poor",
    "negative",
    "not_relevant",
    "irrelevant",
    "unhelpful",
    "not_helpful",
    "incomplete",
    "ungrounded",
    "not_grounded",
    "unfaithful",
    "not_faithful",
    "hallucinated",
    "unsafe",
    "harmful",
    "toxic",
    "rejected",
    "thumbs_down",
    "thumb_down",
    "down",
    "dislike",
    "disliked",
    "unsatisfied",
    "dissatisfied",
];

/// Labels of a good answer, or of one that is neither.
const GOOD: [&str; 29] = [
    "pass",
    "passed",
    "success",
    "correct",
    "right",
    "good",
    "excellent",
    "fair",
    "ok",
    "positive",
    "neutral",
    "relevant",
    "helpful",
    "complete",
    "grounded",
    "faithful",
    "factual",
    "not_hallucinated",
    "safe",
    "harmless",
    "not_harmful",
    "not_toxic",
    "accepted",
    "approved",
    "thumbs_up",
    "thumb_up",
    "up",
    "liked",
    "satisfied",
];

/// Labels that affirm what the name asks.
const YES: [&str; 4] = ["yes", "true", "detected", "present"];
/// Labels that deny it.
const NO: [&str; 4] = ["no", "false", "not_detected", "absent"];

/// Words in the names of evaluations that ask for a harm: of it, more is worse.
const HARMS: [&str; 11] = [
    "hallucinat",
    "toxic",
    "harm",
    "hate",
    "unfair",
    "bias",
    "violence",
    "sexual",
    "jailbreak",
    "pii",
    "leak",
];
/// Words in such names that ask for its absence instead.
const ABSENCES: [&str; 8] = [
    "harmless", "free", "safe", "avoid", "absence", "non_", "not_", "no_",
];

/// Words in the names of evaluations that are a user's own.
const USERS: [&str; 4] = ["user", "thumb", "feedback", "csat"];
/// Words in the names of evaluations by people who are not the user.
const REVIEWERS: [&str; 4] = ["human", "review", "annotat", "expert"];

/// Tells whether a record is a verdict.
pub(super) fn is_verdict(record: &LogRecord<'_>) -> bool {
    record.event_name.text() == Some(EVENT)
        || lookup(&record.attributes, "event.name").text() == Some(EVENT)
}

/// Reads a verdict as a late fact of the request that its trace is; `None` where the evaluation
/// itself failed, which says nothing of the answer.
pub(super) fn verdict(record: &LogRecord<'_>) -> Result<Option<Request>, Reject> {
    if lookup(&record.attributes, "error.type").text().is_some() {
        return Ok(None);
    }
    let trace = hex_id(&record.trace_id)
        .ok_or_else(|| reject("missing-field", "`traceId` of an evaluation is missing"))?;
    let id = RequestId::try_from_text(&trace)
        .ok_or_else(|| reject("bad-value", "`traceId` is longer than 256 bytes"))?;
    let ts = instant(&record.time).or_else(|| instant(&record.observed_time));
    let ts = ts.ok_or_else(|| {
        reject(
            "bad-time",
            "`timeUnixNano` of an evaluation is not nanoseconds since 1970",
        )
    })?;
    let mut request = Request::new(id, ts);
    request.format = OTLP_EVALUATION;
    request.flags = Flags::CORRECTABLE;
    let name = lookup(&record.attributes, "gen_ai.evaluation.name");
    let label = lookup(&record.attributes, "gen_ai.evaluation.score.label");
    let score = lookup(&record.attributes, "gen_ai.evaluation.score.value");
    let name = plain(name.text().unwrap_or(""));
    let label = plain(label.text().unwrap_or(""));
    if is_bad(&name, &label, score.unquoted().number()) {
        let by = author(&name);
        request.correction = Some(Correction {
            kind: kind(by, &label),
            by,
            ts: Some(ts),
            after: None,
        });
    }
    Ok(Some(request))
}

fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace([' ', '-'], "_")
}

fn is_bad(name: &str, label: &str, score: Option<f64>) -> bool {
    let is_harm = asks_for_harm(name);
    if BAD.contains(&label) || CorrectionKind::from_word(label) != CorrectionKind::Other {
        true
    } else if GOOD.contains(&label) {
        false
    } else if YES.contains(&label) || NO.contains(&label) {
        YES.contains(&label) == is_harm
    } else {
        match score {
            Some(score) if is_harm => 0.5 < score && score <= 1.0,
            Some(score) => score < 0.5,
            None => false,
        }
    }
}

fn asks_for_harm(name: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    has(&HARMS) && !has(&ABSENCES)
}

fn author(name: &str) -> CorrectionBy {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&USERS) {
        CorrectionBy::User
    } else if has(&REVIEWERS) {
        CorrectionBy::Reviewer
    } else {
        CorrectionBy::Judge
    }
}

/// A label may be the name of a kind, e.g. `regenerated`; a user's other bad verdict is a vote.
fn kind(by: CorrectionBy, label: &str) -> CorrectionKind {
    match CorrectionKind::from_word(label) {
        CorrectionKind::Other if by == CorrectionBy::User => CorrectionKind::ThumbsDown,
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_do_not_contradict_each_other() {
        let all: Vec<_> = BAD.iter().chain(&GOOD).chain(&YES).chain(&NO).collect();
        for (idx, label) in all.iter().enumerate() {
            assert_eq!(plain(label), ***label);
            assert!(!all[idx + 1..].contains(label), "{label} stands twice");
        }
        for label in GOOD {
            assert_eq!(CorrectionKind::from_word(label), CorrectionKind::Other);
        }
    }

    #[test]
    fn verdicts() {
        for (name, label, score, expected) in [
            ("correctness", "fail", Some(0.9), true),
            ("correctness", "pass", Some(0.1), false),
            ("relevance", "not relevant", None, true),
            ("relevance", "Not-Relevant", None, true),
            ("answer", "regenerated", None, true),
            ("answer", "no", None, true),
            ("answer", "true", None, false),
            ("hallucination", "no", None, false),
            ("hallucination", "yes", None, true),
            ("toxicity", "", Some(0.02), false),
            ("toxicity", "", Some(0.8), true),
            ("non_toxicity", "", Some(0.8), false),
            ("harmlessness", "", Some(0.2), true),
            ("groundedness", "", Some(0.2), true),
            ("groundedness", "", Some(0.5), false),
            ("groundedness", "level_3", Some(0.2), true),
            ("thumbs", "", Some(-1.0), true),
            ("stars", "", Some(2.0), false),
            ("toxicity", "", Some(4.0), false),
            ("stars", "two", None, false),
            ("stars", "", None, false),
        ] {
            let found = is_bad(&plain(name), &plain(label), score);
            assert_eq!(found, expected, "{name} {label} {score:?}");
        }
    }

    #[test]
    fn the_name_tells_who_judged() {
        for (name, label, by, expected) in [
            (
                "user_feedback",
                "",
                CorrectionBy::User,
                CorrectionKind::ThumbsDown,
            ),
            (
                "user_feedback",
                "edited",
                CorrectionBy::User,
                CorrectionKind::Edit,
            ),
            (
                "human.annotation",
                "fail",
                CorrectionBy::Reviewer,
                CorrectionKind::Other,
            ),
            (
                "correctness",
                "fail",
                CorrectionBy::Judge,
                CorrectionKind::Other,
            ),
        ] {
            assert_eq!(author(name), by, "{name}");
            assert_eq!(kind(by, label), expected, "{name} {label}");
        }
    }
}

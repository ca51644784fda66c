use proptest::prelude::*;

use super::*;
use crate::model::{
    Attempt, AttemptOutcome, Correction, CorrectionBy, CorrectionKind, Flags, Logged, Micros,
    Names, NanoUsd, Outcome, Request, RequestId, SessionKey, SignalValue, Timestamp,
};
use crate::stats::Query;

/// An escalated, corrected request with every kind of fact.
fn request(names: &mut Names) -> Request {
    let mut request = Request::new(RequestId::try_from_text("r-42").unwrap(), Timestamp(0));
    request.route = Some(names.intern("support-chat"));
    request.task_class = Some(names.intern("grounded_answer"));
    request.policy = Some(names.intern("two-tier@2#218fa7a14b9d"));
    request.rule = Some(names.intern("weak, evidence"));
    request.session = Some(SessionKey(0xabc));
    request.outcome = Some(Outcome::Completed);
    request.signals.retrieval_confidence = Logged::Value(0.41);
    request.signals.tools_required = Logged::Value(false);
    request.signals.user_tier = Logged::Null;
    request.signals.others = vec![(names.intern("difficulty"), SignalValue::Number(3.0))];
    request.attrs = vec![
        (names.intern("lang"), names.intern("de")),
        (names.intern("budget"), names.intern("61")),
    ];
    let mut first = Attempt::new(names.intern("small-8b"), AttemptOutcome::Escalated);
    first.tier = Some(names.intern("fast"));
    first.reason = Some(names.intern("under_specified"));
    first.latency = Some(Micros(900_000));
    first.cost = Some(NanoUsd(1_000_000));
    first.input_tokens = Some(400);
    let mut last = Attempt::new(names.intern("mid-70b"), AttemptOutcome::Ok);
    last.latency = Some(Micros(2_000_000));
    last.cost = Some(NanoUsd(9_000_000));
    last.output_tokens = Some(12);
    request.attempts.extend([first, last]);
    request.correction = Some(Correction {
        kind: CorrectionKind::Regenerate,
        by: CorrectionBy::User,
        ts: None,
        after: Some(Micros::MINUTE),
    });
    request
}

fn holds(filter: &str) -> bool {
    let mut names = Names::default();
    let request = request(&mut names);
    let subject = Subject {
        request: &request,
        names: &names,
        now: Timestamp(5),
        source: Some("logs/router.jsonl"),
    };
    let ruled = Ruled {
        verdict: "DRIFT",
        is_drift: true,
    };
    Filter::parse(filter)
        .unwrap_or_else(|error| panic!("{filter}: {error}; {}", error.hint))
        .matches(&subject, || Some(ruled))
}

#[test]
fn terms_hold_of_what_they_name() {
    for filter in [
        "",
        "  ",
        "route=support-chat",
        "ROUTE=Support-*",
        "route=other,support-*",
        "route!=other",
        "-route=other",
        "-route!=support-chat",
        "task=grounded_answer task_class=grounded*",
        "model=small-8b served=mid-70b tier=fast",
        "rule=\"weak, evidence\" rule=weak*evidence rule=\"weak*\"",
        "reason=under_specified verdict=drift drift",
        "user=(unknown) user!=pro provider=(unknown)",
        "session=0000000000000abc id=r-* source=*router*",
        "latency>2s latency=2900ms latency<=2.9s -latency>1m",
        "ttft=(unknown) cost>=0.01 cost=$0.01 attempts=1,2 tokens=412",
        "escalated corrected completed -failed -open -fallback -lost -cancelled",
        "retrieval_confidence<0.42 retrieval_confidence=0.41 retrieval_confidence=\"0.33 to 0.67\"",
        "tools_required=no tools_required=false tools_required!=yes",
        "difficulty=3 difficulty>2 difficulty=\"over 1\"",
        "lang=de lang!=fr lang=d* -lang=en budget>60",
        "tenant=(unknown) tenant!=acme",
        "support",
        "70B -large r-4 \"weak, evi\" s*8b",
    ] {
        assert!(holds(filter), "{filter}");
    }
    for filter in [
        "route=support",
        "route=(unknown)",
        "-escalated",
        "failed",
        "open",
        "latency<2s",
        "ttft<1h",
        "cost!=0.01",
        "attempts=1",
        "attempts>2",
        "tools_required=yes",
        "retrieval_confidence=\"under 0.33\"",
        "difficulty<3",
        "lang=fr",
        "lang>1",
        "tenant=acme",
        "support nothing-like-it",
        "\"escalated\"",
        "-drift",
        "verdict=rule",
        "rule=\"weak\\*\"",
    ] {
        assert!(!holds(filter), "{filter}");
    }
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    for (text, message, hint) in [
        (
            "route=chat =x",
            "column 12: a comparison without a field",
            "route=chat",
        ),
        ("-", "column 1: nothing to look for", "field=value"),
        (
            "rule=",
            "column 6: rule is compared with nothing",
            "rule=(unknown)",
        ),
        (
            "rule=a,",
            "column 8: rule is compared with nothing",
            "rule=(unknown)",
        ),
        ("route>b", "column 7: route is a text", "route=…*"),
        (
            "latency>2",
            "column 9: latency needs a unit behind 2",
            "2ms or 2s",
        ),
        (
            "latency>2sm",
            "column 9: `sm` is no unit of time",
            "did you mean 2ms?",
        ),
        (
            "latency>soon",
            "column 9: `soon` is no span of time",
            "800ms",
        ),
        ("cost>much", "column 6: `much` is no amount", "0.01"),
        (
            "attempts=two",
            "column 10: `two` is no number",
            "attempts>2",
        ),
        ("lang>de", "column 6: `de` is no number", "lang=de"),
        ("failed=yes", "column 1: failed has no values", "-failed"),
        (
            "rule=\"weak",
            "column 6: a quotation mark that nothing closes",
            "end of the value",
        ),
        (
            "a rule=\"weak\\",
            "column 8: a quotation mark",
            "end of the value",
        ),
    ] {
        let error = Filter::parse(text).expect_err(text);
        assert!(error.to_string().starts_with(message), "{text}: {error}");
        assert!(error.hint.contains(hint), "{text}: {}", error.hint);
    }
    let long = "a".repeat(Filter::LEN_MAX + 1);
    assert!(Filter::parse(&long).is_err());
}

#[test]
fn a_flag_that_comes_with_the_log_counts() {
    let mut names = Names::default();
    let mut request = request(&mut names);
    request.attempts.truncate(1);
    request.attempts[0].outcome = AttemptOutcome::Ok;
    request.flags.set(Flags::FALLBACK_HINT);
    request.outcome = None;
    let at = |now| {
        let subject = Subject {
            request: &request,
            names: &names,
            now,
            source: None,
        };
        let holds = |text| Filter::parse(text).unwrap().matches(&subject, || None);
        (holds("open fallback -escalated"), holds("lost"))
    };
    assert_eq!(at(Timestamp(5)), (true, false));
    assert_eq!(
        at(Timestamp(Query::OPEN_MAX.0.cast_signed())),
        (false, true)
    );
}

#[test]
fn terms_are_added_once_and_taken_back_one_by_one() {
    let filter = Filter::parse("lang=de  corrected lang=de").unwrap();
    assert_eq!(filter.to_string(), "lang=de corrected");
    let more = filter.and(&Filter::of_value("rule", Some("weak, evidence"), false));
    assert_eq!(
        more.to_string(),
        "lang=de corrected -rule=\"weak, evidence\""
    );
    assert_eq!(more.without_last(), filter);
    assert!(Filter::default().without_last().is_empty());
    assert_eq!(
        Filter::of_value("user", None, true).to_string(),
        "user=(unknown)"
    );
    assert!(!filter.needs_ruling() && Filter::parse("-drift").unwrap().needs_ruling());
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in "\\PC{0,60}") {
        if let Ok(filter) = Filter::parse(&text) {
            let again = Filter::parse(&filter.to_string());
            prop_assert_eq!(again.ok(), Some(filter));
        }
    }

    #[test]
    fn no_marks_are_too_much(text in "[-a=!<>*,\" \\\\(unkow)1s.]{0,40}") {
        if let Ok(filter) = Filter::parse(&text) {
            let again = Filter::parse(&filter.to_string());
            prop_assert_eq!(again.ok(), Some(filter));
        }
    }

    #[test]
    fn a_value_is_read_back_as_it_was(field in "\\PC{1,12}", value in "\\PC{0,20}") {
        let filter = Filter::of_value(&field, Some(&value), true);
        if super::field::Field::try_from_word(&field).is_none() && super::term::Flag::try_from_word(&field).is_none() {
            prop_assert_eq!(filter.own_names().collect::<Vec<_>>(), vec![field.as_str()]);
        }
        let mut names = Names::default();
        let mut request = request(&mut names);
        request.rule = Some(names.intern(&value));
        let subject = Subject { request: &request, names: &names, now: Timestamp(0), source: None };
        prop_assert!(Filter::of_value("rule", Some(&value), true).matches(&subject, || None));
        prop_assert!(!Filter::of_value("rule", Some(&value), false).matches(&subject, || None));
    }

    #[test]
    fn a_list_is_an_or_and_a_minus_the_opposite(
        field in "(route|rule|lang|attempts|latency|difficulty|reason|user)",
        value in "(1|2900ms|de|support-\\*|under_specified|\\(unknown\\))",
        other in "(3|2|5s|fr|x\\*)",
    ) {
        let both = format!("{field}={value},{other}");
        let parse = |text: &str| Filter::parse(text).is_ok();
        prop_assume!(parse(&both));
        let one = |text: &str| holds(&format!("{field}={text}"));
        prop_assert_eq!(holds(&both), one(&value) || one(&other));
        prop_assert_eq!(holds(&format!("-{both}")), !holds(&both));
        prop_assert_eq!(holds(&format!("{field}!={value},{other}")), !holds(&both));
        prop_assert_eq!(holds(&format!("{both} escalated")), holds(&both));
        let failed = format!("{both} failed");
        prop_assert!(!holds(&failed));
    }
}

//! What is said of texts that are no policy, and of policies that are probably not meant so.

use crate::policy::{LintKind, Policy};

const HEAD: &str = "policy \"p\" version 1 tier fast is x tier standard is y ";

/// Every wrong rule with what is said of it, and what is suggested.
const WRONG: [(&str, &str, &str); 22] = [
    (
        "rule r: when the task is plannning use fast otherwise use fast",
        "`plannning` is no task class",
        "did you mean `planning`?",
    ),
    (
        "rule r: when retreival_confidence is below 0.5 use fast otherwise use fast",
        "`retreival_confidence` is no signal",
        "did you mean `retrieval_confidence`?",
    ),
    (
        "rule r: when retrieval_confidence is below 62 use fast otherwise use fast",
        "retrieval_confidence runs from 0 to 1, 62 can never be reached",
        "",
    ),
    (
        "rule r: when session_fallbacks is at least 2.5 use fast otherwise use fast",
        "session_fallbacks is a count, 2.5 is no whole number",
        "",
    ),
    (
        "rule r: when the task is planning use fast rule r: when the task is planning use fast otherwise use fast",
        "rule r is named twice",
        "",
    ),
    (
        "rule r: when the task is planning use strongest otherwise use fast",
        "tier strongest is used but no line says which model it is",
        "write `tier strongest is MODEL` above the rules",
    ),
    (
        "rule r: when the task is planning use standrad otherwise use fast",
        "tier standrad is used but no line says which model it is",
        "did you mean `standard`?",
    ),
    (
        "rule r: when tools are required or tools are required use fast otherwise use fast",
        "expected `use`, found `or`",
        "a rule has only \"and\"; write a second rule",
    ),
    (
        "escalate fast to standard when the ask is high-risk",
        "expected `otherwise`, found `escalate`",
        "the order is: policy",
    ),
    ("", "expected `otherwise`, found the end of the text", ""),
    (
        "otherwise use fast rule r: when the task is planning use fast",
        "expected `expect` or the end of the text, found `rule`",
        "the order is: policy",
    ),
    (
        "tier b is vendor/m:nano otherwise use fast",
        "expected `otherwise`, found `:`",
        "a name that holds `:` is written in quotes",
    ),
    (
        "tier fast is z otherwise use fast",
        "tier fast is named twice",
        "",
    ),
    (
        "rule r: when task is planning use fast otherwise use fast",
        "`task` is no signal",
        "write `the task`",
    ),
    (
        "rule r: when the taks is planning use fast otherwise use fast",
        "`taks` is no word after `the` in a clause",
        "did you mean `task`?",
    ),
    (
        "rule r: when the user is at least gold use fast otherwise use fast",
        "`gold` is no user tier",
        "known here: free, pro, enterprise",
    ),
    (
        "rule explore: when tools are required use fast otherwise use fast",
        "`explore` is what decisions by coin record as their rule",
        "",
    ),
    (
        "otherwise use fast escalate fast to standard when the answer is bad",
        "expected `under-specified`, found `bad`",
        "an escalation waits for: the answer is under-specified",
    ),
    (
        "otherwise use fast explore 8% between fast and standard",
        "expected a number, found `8%`",
        "the word `percent`",
    ),
    (
        "otherwise use fast explore 800 percent between fast and standard",
        "a share runs from 0 to 100 percent, 800 is none",
        "",
    ),
    (
        "otherwise use fast expect r for planning",
        "`r` is no rule",
        "known here: otherwise",
    ),
    (
        "otherwise use fast expect otherwise for planning with tools_required maybe",
        "`maybe` is no answer",
        "known here: yes, no, unknown",
    ),
];

#[test]
fn faults_say_where_what_and_what_instead() {
    for (rest, message, hint) in WRONG {
        let text = format!("{HEAD}\n{rest}");
        let error = Policy::parse(&text).unwrap_err();
        let fault = &error.faults[0];
        assert_eq!(fault.message, message, "{rest}");
        assert!(
            fault.hint.clone().unwrap_or_default().contains(hint),
            "{rest}: {:?}",
            fault.hint
        );
        let lines = error.to_string().lines().count();
        assert!(lines >= 3, "{error}");
    }
}

#[test]
fn every_wrong_word_is_told_at_once_and_in_order() {
    let text = format!(
        "{HEAD}\nrule a: when the task is plannning use fast\nrule b: when the format is markdwon and retrieval_confidence is above 7 use slow\notherwise use fast\nexpect c for extration"
    );
    let error = Policy::parse(&text).unwrap_err();
    let lines: Vec<usize> = error.faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 3, 3, 3, 5, 5]);
    let shown = error.faults[0].to_string();
    assert_eq!(
        shown,
        "line 2, column 26: `plannning` is no task class\n  2 | rule a: when the task is plannning use fast\n    |                          ^^^^^^^^^\n  help: did you mean `planning`?"
    );
}

#[test]
fn a_policy_may_have_its_own_words() {
    let policy = Policy::parse(
        "policy \"own\" version 3
         class rag_answer
         class title is lightweight
         signal toxicity is a number from 0 to 1
         signal locale is one of en, de, other
         signal has_image is yes or no
         signal open_tickets is a count
         tier mini is m-1
         tier core is \"openai/gpt-4.1:nano\" or m-2
         tier apex is m-3
         rule a: when toxicity is above 0.4 use apex
         rule b: when locale is de or other and has_image is yes use core
         rule c: when open_tickets is at least 2 and has_image is unknown use core
         rule d: when the task is rag_answer and the user is known use core
         otherwise use mini
         explore 2.5 percent between mini and core
         expect a for title with toxicity 0.41 and locale en
         expect b for title with locale de and has_image yes
         expect c for rag_answer with open_tickets 2
         expect d for rag_answer with user_tier free and has_image no",
    )
    .unwrap();
    for outcome in policy.test() {
        assert!(outcome.is_met(), "{outcome:?}");
    }
    assert_eq!(policy.tiers()[1].models[0], "openai/gpt-4.1:nano");
    assert_eq!(policy.stop(), 1);
}

#[test]
fn expects_are_outside_the_hash() {
    let text = format!("{HEAD} otherwise use fast");
    let bare = Policy::parse(&text).unwrap();
    let tested = Policy::parse(&format!("{text} expect otherwise for planning")).unwrap();
    assert_eq!(bare.id(), tested.id());
}

fn kinds(text: &str) -> Vec<LintKind> {
    let lints = Policy::parse(text).unwrap().lints();
    lints.into_iter().map(|lint| lint.kind).collect()
}

#[test]
fn the_shipped_policies_are_clean() {
    for text in [
        include_str!("../../../assets/policies/essay.route"),
        include_str!("../../../assets/policies/starter.route"),
    ] {
        let lints = Policy::parse(text).unwrap().lints();
        assert!(lints.is_empty(), "{lints:#?}");
    }
}

#[test]
fn each_lint_has_its_case() {
    let all = "rule all: when the task is not planning use fast rule plan: when the task is planning use fast ";
    let ways = "escalate fast to standard when the answer is under-specified
        escalate fast to standard when the model is drifting
        escalate fast to standard when the tool output is messy
        escalate fast to standard when the ask is high-risk ";
    let with =
        |rules: &str, steps: &str| format!("{HEAD} {rules} otherwise use fast {ways} {steps}");
    for (text, expected) in [
        (with(all, ""), vec![]),
        (
            with(&format!("{all} rule no: when tools are required and tools are not required use fast"), ""),
            vec![LintKind::Contradictory],
        ),
        (
            with(&format!("{all} rule late: when the task is planning and tools are required use standard"), ""),
            vec![LintKind::Shadowed],
        ),
        (
            with("rule r: when the task is not planning use fast", ""),
            vec![LintKind::ClassWithoutRule],
        ),
        (
            with(&format!("rule r: when the task is extraction and tools are required use standard {all}"), ""),
            vec![LintKind::StrongestOnLightweight],
        ),
        (
            with(&format!("rule r: when the task is planning and the user is free use standard {all}"), ""),
            vec![LintKind::LowerTierTreatedBetter],
        ),
        (
            with(&format!("rule r: when the task is planning and input_complexity is below 0.3 use standard {all}"), ""),
            vec![LintKind::UnknownNotHandled],
        ),
        (
            with(
                &format!("rule r: when the task is planning and input_complexity is below 0.3 use standard
                    rule u: when the task is planning and input_complexity is unknown use fast {all}"),
                "",
            ),
            vec![],
        ),
        (
            with(all, "escalate standard to fast when the model is drifting stop after 2 escalations"),
            vec![LintKind::EscalationLoop; 5]
                .into_iter()
                .chain([LintKind::EscalationDownward])
                .collect(),
        ),
        (
            format!("{HEAD} {all} otherwise use fast escalate fast to standard when the ask is high-risk"),
            vec![LintKind::EscalationDead; 3],
        ),
        (
            format!("{HEAD} {all} otherwise use fast"),
            vec![LintKind::EscalationDead],
        ),
    ] {
        assert_eq!(kinds(&text), expected, "{text}");
    }
}

#[test]
fn steps_beyond_the_end_are_dead() {
    let text = "policy \"p\" version 1 tier a is x tier b is y tier c is z
        rule all: when the task is known use a otherwise use a
        escalate a to b when the answer is under-specified
        escalate a to b when the model is drifting
        escalate a to b when the tool output is messy
        escalate a to b when the ask is high-risk
        escalate b to c when the ask is high-risk ";
    let messages = |text: &str| -> Vec<String> {
        let lints = Policy::parse(text).unwrap().lints();
        lints.into_iter().map(|lint| lint.message).collect()
    };
    assert_eq!(
        messages(text),
        [
            "the step b -> c is never taken: b is reached after 1 and the policy stops after 1",
            "tier c is never reached",
            "the way a -> b -> c takes 2 steps, and the policy stops after 1",
        ]
    );
    assert_eq!(
        messages(&format!("{text} stop after 2 escalations")),
        [""; 0]
    );
}

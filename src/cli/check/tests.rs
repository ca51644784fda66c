//! Both forms of the alarms.

use super::verdict::Verdict;
use super::{json, text};
use crate::app::fixture_alarms::alarms;
use crate::app::fixtures::NOW;
use crate::cli::report::style::Style;
use crate::cli::times::Zone;
use crate::model::Micros;
use crate::stats::alarms::AlarmSurvey;

const STYLE: Style = Style {
    zone: Zone::Utc,
    ascii: true,
};

#[test]
fn alarms_name_the_command_that_opens_their_page() {
    insta::assert_snapshot!(text::render(&alarms(NOW), "routes of mine.db", STYLE));
    let document: serde_json::Value =
        serde_json::from_str(&json::render(&alarms(NOW), "routes.db")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn quiet_says_what_was_looked_at_and_silence_is_not_quiet() {
    let quiet = AlarmSurvey {
        alarms: Vec::new(),
        targets: 0,
        usual: 0,
        ..alarms(NOW)
    };
    let silent = AlarmSurvey {
        newest: Some(NOW.minus(Micros::HOUR.times(7))),
        ..quiet.clone()
    };
    let empty = AlarmSurvey {
        newest: None,
        ..quiet.clone()
    };
    let all = [quiet, silent, empty];
    let codes = all
        .each_ref()
        .map(|of| Verdict::of(of, &|at| at.to_rfc3339()).exit_code());
    assert_eq!(codes, [0, 3, 3]);
    let told = all.map(|of| text::render(&of, "routes.db", STYLE));
    insta::assert_snapshot!(told.concat());
}

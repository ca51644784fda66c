//! An answer to what changed.

use std::sync::Arc;

use crate::model::{Micros, Minute, Timestamp, Window};
use crate::stats::changes::{
    Cause, Changes, Metric, Onset, Reach, Shift, Tally, ThresholdMove, Values, Verdict,
};

fn values(values: &[(&str, &str)]) -> Values {
    let owned = values.iter();
    owned
        .map(|(attribute, value)| ((*attribute).to_owned(), Arc::from(*value)))
        .collect()
}

/// Makes twenty requests a minute, of which four times as many go badly in the window.
fn minutes(baseline: Window, window: Window) -> Vec<(Minute, Tally)> {
    let Minute(first) = baseline.from.minute();
    let Minute(end) = window.to.minute();
    let tally = |minute: i32| Tally {
        requests: 20,
        bad: if Minute(minute) < window.from.minute() {
            u64::from(minute % 2 == 0)
        } else {
            u64::from(minute % 3 != 0) + 1
        },
    };
    let minutes = (first..end).map(|minute| (Minute(minute), tally(minute)));
    minutes.collect()
}

/// Makes an answer with one cause, of the half hour up to `now`.
pub fn changes(now: Timestamp) -> Changes {
    let half_an_hour = Micros::MINUTE.times(30);
    let from = now.minus(half_an_hour).minute().start();
    let Minute(at) = from.minute();
    let onset = Onset {
        at: Minute(at),
        from: Minute(at - 2),
        to: Minute(at + 1),
    };
    let window = Window { from, to: now };
    let baseline = Window {
        from: from.minus(half_an_hour.times(4)),
        to: from,
    };
    let tally = |requests, bad| Tally { requests, bad };
    Changes {
        metric: Metric::Correction,
        route: Some("support-chat".to_owned()),
        window,
        baseline,
        before: tally(3_033, 124),
        after: tally(701, 63),
        verdict: Verdict::Behaviour,
        mix_share: 0.02,
        mix: None,
        causes: vec![Cause {
            slice: values(&[("first_model", "small-1"), ("lang", "de")]),
            before: tally(480, 13),
            after: tally(106, 43),
            excess: 40.2,
            share_of_rise: Some(0.97),
            same: vec![
                values(&[("tier", "fast"), ("lang", "de")]),
                values(&[("lang", "de")]),
            ],
            since: Some(onset),
        }],
        shifts: vec![Shift {
            attribute: "policy".to_owned(),
            value: Arc::from("support-chat@2#5e7a01d4c9b3"),
            before: 0.0,
            after: 0.979,
            at: Some(from),
            reach: Reach::AllRoutes,
        }],
        thresholds: vec![ThresholdMove {
            rule: "thin-evidence".to_owned(),
            clause: "retrieval_confidence <".to_owned(),
            before: 0.55,
            after: 0.7,
        }],
        minutes: minutes(baseline, window),
        since: Some(onset),
        is_filling: true,
        refused: None,
    }
}

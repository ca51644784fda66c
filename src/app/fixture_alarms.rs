//! Alarms that fire.

use std::sync::Arc;

use crate::model::{Micros, Timestamp};
use crate::stats::alarms::{Alarm, AlarmSurvey, BurnPair, Burning, Reason, Unusual};
use crate::stats::changes::{Metric, Tally};

/// Makes a missed target on one route, and an unusual share on another.
pub fn alarms(now: Timestamp) -> AlarmSurvey {
    let tally = |requests, bad| Tally { requests, bad };
    let [fast, ..] = BurnPair::ALL;
    AlarmSurvey {
        at: now.minute().start(),
        newest: Some(now),
        routes: 3,
        targets: 6,
        usual: 8,
        alarms: vec![
            Alarm {
                route: Arc::from("code-review"),
                metric: Metric::Failure,
                reason: Reason::Target(Burning {
                    allowed: 0.01,
                    pair: fast,
                    long: tally(1_204, 231),
                    short: tally(100, 20),
                }),
            },
            Alarm {
                route: Arc::from("support-chat"),
                metric: Metric::FirstPass,
                reason: Reason::Unusual(Unusual {
                    usual: 0.204,
                    since: now.minus(Micros::MINUTE.times(31)).minute(),
                    tally: tally(612, 199),
                }),
            },
        ],
    }
}

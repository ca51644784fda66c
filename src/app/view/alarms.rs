//! Alarms in words: shared by the overview and `check`.

use crate::app::units;
use crate::model::{Micros, Timestamp};
use crate::stats::alarms::{Alarm, Reason};
use crate::stats::changes::{Metric, Tally};

/// Returns what there is too much of.
fn noun(metric: Metric) -> &'static str {
    match metric {
        Metric::Escalation => "escalations",
        Metric::FirstPass => "no first pass",
        Metric::Correction => "corrections",
        Metric::Failure => "failures",
        Metric::Latency => "slow answers",
    }
}

/// Returns `failures 20.0% of 100 in 5m, 19.2% in 1h, allowed 1.0%`, or
/// `failures 8.2% of 400 since 02:41Z, usually 3.9%`; `at` puts an instant in words.
pub fn sentence(alarm: &Alarm, at: &dyn Fn(Timestamp) -> String) -> String {
    let tally = alarm.tally();
    let head = format!(
        "{} {} of {}",
        noun(alarm.metric),
        share(tally),
        units::count(tally.requests)
    );
    let wanted = percent(alarm.wanted());
    match &alarm.reason {
        Reason::Target(burning) => format!(
            "{head} in {}, {} in {}, allowed {wanted}",
            length(burning.pair.short),
            share(burning.long),
            length(burning.pair.long)
        ),
        Reason::Unusual(unusual) => {
            format!(
                "{head} since {}, usually {wanted}",
                at(unusual.since.start())
            )
        }
    }
}

/// Returns it for few columns: `failures 20.0%>1.0%`.
pub fn short(alarm: &Alarm) -> String {
    let shares = (share(alarm.tally()), percent(alarm.wanted()));
    format!("{} {}>{}", noun(alarm.metric), shares.0, shares.1)
}

fn share(tally: Tally) -> String {
    tally.share().map_or_else(|| "--".to_owned(), percent)
}

fn percent(share: f64) -> String {
    format!("{}%", units::percent(share))
}

fn length(of: Micros) -> String {
    let minutes = of.0 / Micros::MINUTE.0;
    match minutes {
        minutes if minutes >= 1_440 => format!("{}d", minutes / 1_440),
        minutes if minutes >= 60 => format!("{}h", minutes / 60),
        minutes => format!("{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture_alarms::alarms;
    use crate::app::fixtures::NOW;

    #[test]
    fn an_alarm_says_how_much_since_when_and_what_would_be_right() {
        let survey = alarms(NOW);
        let told: Vec<String> = survey
            .alarms
            .iter()
            .map(|alarm| sentence(alarm, &|at| format!("{}Z", units::minute(at))))
            .collect();
        insta::assert_snapshot!(told.join("\n"));
        assert_eq!(short(&survey.alarms[0]), "failures 20.0%>1.0%");
    }
}
